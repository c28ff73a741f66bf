# tests/kit/redis_servers.py - real redis-servers on loopback: one, sentinels with a master and a replica, a cluster.
import re
import signal
import subprocess
from contextlib import ExitStack, contextmanager

from process import Server, free_port, wait_for
from servers import needs


class Redis(Server):
    """A redis-server; `more` are lines of redis.conf. `tls`: (certificate, key, authorities) instead of plain TCP."""

    name = "redis"
    mode = ()

    def __init__(self, more=(), tls=None, port=None):
        super().__init__()
        self.more, self.tls, self.port = list(more), tls, port or free_port()

    def prepare(self):
        lines = [f"dir {self.folder}", "bind 127.0.0.1", "save \"\"", "protected-mode no", "daemonize no",
                 f"unixsocket {self.folder}/sock", *self.more]
        if self.tls:
            cert, key, ca = self.tls
            lines += ["port 0", f"tls-port {self.port}", f"tls-cert-file {cert}", f"tls-key-file {key}",
                      f"tls-ca-cert-file {ca}"]
        else:
            lines.append(f"port {self.port}")
        path = self.folder / "redis.conf"
        if not path.exists():  # sentinels and replicas write theirs anew
            path.write_text("\n".join(lines) + "\n")

    def command(self):
        return [needs("redis-server"), self.folder / "redis.conf", *self.mode]

    @property
    def endpoint(self):
        return f"127.0.0.1:{self.port}"

    @property
    def socket(self):
        return f"{self.folder}/sock"

    def cli(self, *words, check=True):
        """What redis-cli prints; over the unix socket, so that a TLS server is reached, too."""
        run = subprocess.run([needs("redis-cli"), "-s", self.socket, *[str(w) for w in words]], capture_output=True,
                             text=True, timeout=30, check=False)
        if check:
            assert run.returncode == 0, f"redis-cli {words}: {run.stdout}{run.stderr}"
        return run.stdout.strip()

    def info(self, section):
        return dict(line.split(":", 1) for line in self.cli("info", section).splitlines() if ":" in line)

    def errors(self, code):
        """How often it has replied with that error."""
        told = self.info("errorstats").get(f"errorstat_{code}", "count=0")
        return int(re.search(r"count=(\d+)", told).group(1))

    def kill(self):
        self.process.kill()
        self.process.wait()

    def signal(self, number):
        self.process.send_signal(number)

    def end(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
        return super().end()


class Sentinel(Redis):
    name = "sentinel"
    mode = ("--sentinel",)

    def __init__(self, master, quorum=2, more=()):
        super().__init__([f"sentinel monitor mail 127.0.0.1 {master.port} {quorum}",
                          "sentinel down-after-milliseconds mail 400", "sentinel failover-timeout mail 3000",
                          "sentinel parallel-syncs mail 1", *more])

    def prepare(self):
        path = self.folder / "redis.conf"
        if not path.exists():
            path.write_text("\n".join([f"dir {self.folder}", "bind 127.0.0.1", f"port {self.port}",
                                       f"unixsocket {self.folder}/sock", "protected-mode no", *self.more]) + "\n")


@contextmanager
def watched_pair(count=3):
    """A master, its replica, and sentinels that know each other: (master, replica, sentinels)."""
    with ExitStack() as stack:
        quick = ["repl-diskless-sync-delay 0", "repl-ping-replica-period 1"]
        master = stack.enter_context(Redis(quick))
        replica = stack.enter_context(Redis([*quick, f"replicaof 127.0.0.1 {master.port}"]))
        wait_for(lambda: replica.info("replication").get("master_link_status") == "up", 20, "the replica")
        sentinels = [stack.enter_context(Sentinel(master)) for _ in range(count)]

        def all_know():
            return all(f"sentinels={count}" in s.cli("info", "sentinel") and "slaves=1" in s.cli("info", "sentinel")
                       for s in sentinels)

        wait_for(all_know, 30, "the sentinels to know each other")
        yield master, replica, sentinels


class Cluster:
    """Masters with a replica each. `nodes` are the servers, the masters first."""

    def __init__(self, masters=3, tls=None):
        more = ["cluster-enabled yes", "cluster-node-timeout 1000", "repl-diskless-sync-delay 0",
                "cluster-config-file nodes.conf", "cluster-allow-replica-migration no"]
        if tls:
            more += ["tls-cluster yes", "tls-replication yes"]
        self.masters = masters
        self.nodes = [Redis([*more, f"cluster-port {free_port()}"], tls=tls) for _ in range(2 * masters)]
        self.stack = ExitStack()

    def __enter__(self):
        try:
            for node in self.nodes:
                self.stack.enter_context(node)
            self.create()
        except BaseException:
            self.stack.close()
            raise
        return self

    def __exit__(self, *failure):
        self.stack.close()

    def create(self):
        share = 16384 // self.masters
        bus = [next(line.split()[1] for line in n.more if line.startswith("cluster-port")) for n in self.nodes]
        for i, node in enumerate(self.nodes[:self.masters]):
            last = 16383 if i == self.masters - 1 else (i + 1) * share - 1
            node.cli("cluster", "addslotsrange", i * share, last)
            node.cli("config", "set", "cluster-require-full-coverage", "no")
        for i, node in enumerate(self.nodes):
            node.cli("cluster", "set-config-epoch", i + 1)
        for node, port in zip(self.nodes[1:], bus[1:]):
            self.nodes[0].cli("cluster", "meet", "127.0.0.1", node.port, port)
        wait_for(lambda: all(len(n.cli("cluster", "nodes").splitlines()) == len(self.nodes) and
                             "handshake" not in n.cli("cluster", "nodes") for n in self.nodes), 30, "the nodes to meet")
        for i, node in enumerate(self.nodes[self.masters:]):
            node.cli("cluster", "replicate", self.nodes[i].cli("cluster", "myid"))
        wait_for(self.is_whole, 40, "the cluster to be whole")

    def is_whole(self):
        replicas = self.nodes[self.masters:]
        return (all(n.cli("cluster", "info").startswith("cluster_state:ok") for n in self.nodes) and
                all(n.info("replication").get("master_link_status") == "up" for n in replicas))

    @property
    def servers(self):
        return [n.endpoint for n in self.nodes]
