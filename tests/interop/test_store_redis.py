# tests/interop/test_store_redis.py - the state store on real Redis servers: passwords, TLS, servers that stall, die and
# come back, Sentinel with a master killed under load, Cluster with a master killed and a slot moved under load; and
# what LMDB holds, moved there and back.
#
# Throughout: each question is answered exactly once, and none later than its time-out.
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
from contextlib import ExitStack

import pytest

from mail import make_cert
from process import BUILD, free_port, wait_for
from redis_servers import Cluster, Redis, Sentinel, watched_pair

PER_SECOND, TIMEOUT_MS = 400, 1000
SLACK_MS = 600  # of a slow machine


def conf_of(servers, more=""):
    listed = ", ".join(f'"{s}"' for s in servers)
    return f'store {{ backend = redis  servers = {{{listed}}}  timeout = "{TIMEOUT_MS}ms"  {more} }}\n'


def suite(folder, servers, more=""):
    """The common suite and the comparison with op_apply(), on these servers."""
    path = folder / "suite.conf"
    path.write_text(conf_of(servers, more))
    run = subprocess.run([BUILD / "tests" / "test_store_redis"], capture_output=True, text=True, timeout=120,
                         check=False, env={**os.environ, "POSTERN_STORE_CONF": str(path)})
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]


class Probe:
    """store_probe under load; its lines come in as they are printed."""

    def __init__(self, folder, servers, more="", per_second=PER_SECOND):
        path = folder / "probe.conf"
        path.write_text(conf_of(servers, more))
        self.lines, self.log, self.total = [], [], {}
        self.process = subprocess.Popen([BUILD / "tests" / "store_probe", path, str(per_second)], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.readers = [threading.Thread(target=self.read, args=pair, daemon=True)
                        for pair in ((self.process.stdout, self.lines), (self.process.stderr, self.log))]
        for reader in self.readers:
            reader.start()

    @staticmethod
    def read(pipe, into):
        for line in pipe:
            into.append(line.rstrip())

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def since(self, mark):
        found = (re.match(r"at=(\d+) ok=(\d+) bad=(\d+) longest=(\d+) why=(.*)", line) for line in self.lines[mark:])
        return [(int(m[1]), int(m[2]), int(m[3]), int(m[4]), m[5]) for m in found if m]

    def wait_ok(self, seconds=20, lines=6):
        """Until so many lines in a row tell of answers and of nothing bad; returns the time of the first of them."""
        mark = len(self.lines)

        def is_well():
            last = self.since(mark)[-lines:]
            return len(last) == lines and all(ok and not bad for _, ok, bad, _, _ in last)

        wait_for(is_well, seconds, f"the store to work; {self.lines[-5:]} {self.log[-10:]}")
        return self.since(mark)[-lines][0]

    def wait_bad(self, text="", seconds=20):
        mark = len(self.lines)
        wait_for(lambda: any(bad and text in why for _, _, bad, _, why in self.since(mark)), seconds,
                 f"failures with {text!r}; {self.lines[-5:]} {self.log[-10:]}")

    def now(self):
        return self.since(0)[-1][0]

    def end(self):
        """Ends the load; each question must have been answered once, and in time."""
        self.process.stdin.close()
        assert self.process.wait(60) == 0, self.log[-20:]
        for reader in self.readers:
            reader.join(10)
        self.total = {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", self.lines[-1])}
        assert not [line for line in self.log if "Sanitizer" in line or "runtime error" in line], self.log
        assert self.total["answered"] == self.total["asked"] > 0, self.total
        assert self.total["twice"] == self.total["early"] == 0, self.total
        assert self.total["longest"] <= TIMEOUT_MS + SLACK_MS, self.total
        return self.total

    def logged(self, text):
        return [line for line in self.log if text in line]


# ---- one server -----------------------------------------------------------------------------------------------------

def test_tcp_unix_and_names(tmp_path):
    with Redis() as server:
        suite(tmp_path, [server.endpoint])
        suite(tmp_path, [server.socket])
        suite(tmp_path, [f"localhost:{server.port}"])


def test_user_database_and_prefix(tmp_path):
    acl = "user mail on >s3cret ~other* resetchannels -@all +evalsha +script|load +get +set +strlen +pexpireat " \
          "+pexpiretime +setrange +del +pttl +scan +select"
    with Redis([acl]) as server:
        suite(tmp_path, [server.endpoint], 'user = mail  password = s3cret  database = 3  prefix = "other*[x]:"')
        assert server.cli("-n", 0, "dbsize") == "0"
        keys = server.cli("-n", 3, "--no-auth-warning", "keys", "*").split("\n")
        assert keys and all(key.startswith('other*[x]:') for key in keys if key), keys[:5]
        assert "name=postern" not in server.cli("client", "list")


def all_fail(tmp_path, servers, cases):
    """Each of the cases (more configuration, and why it fails) at once: nothing is answered, and the log says why."""
    with ExitStack() as stack:
        probes = []
        for i, (more, why) in enumerate(cases):
            (tmp_path / str(i)).mkdir(exist_ok=True)
            probes.append((stack.enter_context(Probe(tmp_path / str(i), servers, more, 50)), why))
        for probe, why in probes:
            wait_for(lambda: probe.logged("left alone"), 20, f"the log of {why!r}")
            assert why in probe.logged("left alone")[0], probe.log
            probe.end()
            assert probe.total["ok"] == 0 and len(probe.logged("left alone")) == 1, probe.log


def test_a_wrong_password_is_told(tmp_path):
    refused = "does not take our user and password"
    with Redis(["requirepass right"]) as server:
        all_fail(tmp_path, [server.endpoint], (("password = wrong", refused), ("", "wants a password"),
                                               ("user = mail password = s3cret", refused)))


def test_what_no_server_can_mend_is_told(tmp_path):
    with Redis(["maxmemory 1mb", "maxmemory-policy noeviction"]) as server:
        with Probe(tmp_path, [server.endpoint]) as probe:
            probe.wait_bad("memory is full")
            server.cli("config", "set", "maxmemory", 0)
            probe.wait_ok()
            probe.end()
            assert probe.logged("works again"), probe.log
        all_fail(tmp_path, [server.endpoint], (("cluster = yes", "cluster support disabled"),))
    with Redis() as server, Redis([f"replicaof 127.0.0.1 {server.port}"]) as replica:
        with Probe(tmp_path, [replica.endpoint]) as probe:
            probe.wait_bad("replica")
            probe.end()
        with Probe(tmp_path, [replica.endpoint, server.endpoint]) as probe:
            probe.wait_ok()
            probe.end()


def test_tls(tmp_path):
    cert, key = make_cert(tmp_path, "redis.example")
    other, other_key = make_cert(tmp_path, "other.example")
    with Redis(["tls-auth-clients yes"], tls=(cert, key, cert)) as server:
        ours = f'tls = yes  tls_certificate = "{cert}"  tls_key = "{key}"'
        suite(tmp_path, [server.endpoint], f'{ours}  tls_ca = "{cert}"')
        with Probe(tmp_path, [server.endpoint], f'{ours}  tls_ca = "{cert}"  tls_name = "redis.example"') as probe:
            probe.wait_ok()
            probe.end()
        all_fail(tmp_path, [server.endpoint], (
            (f'{ours}  tls_ca = "{other}"', "certificate"),
            (f'{ours}  tls_ca = "{cert}"  tls_name = "elsewhere.example"', "mismatch"),
            (f'tls = yes  tls_ca = "{cert}"', ""),
            (f'tls = yes  tls_ca = "{cert}"  tls_certificate = "{other}"  tls_key = "{other_key}"', ""),
            ("", "")))


def test_a_server_that_stalls_dies_and_forgets(tmp_path):
    with Redis() as server, Probe(tmp_path, [server.endpoint]) as probe:
        probe.wait_ok()
        server.cli("script", "flush")
        probe.wait_ok()
        assert not any(bad for _, _, bad, _, _ in probe.since(0)) and server.errors("NOSCRIPT") >= 1
        server.signal(signal.SIGSTOP)
        probe.wait_bad("did not answer")
        wait_for(lambda: probe.logged("left alone"), 10, "the breaker")
        wait_for(lambda: all(longest < 100 for _, _, _, longest, _ in probe.since(0)[-3:]), 10, "failing at once")
        server.signal(signal.SIGCONT)
        probe.wait_ok()
        assert len(probe.logged("left alone")) == len(probe.logged("works again")) == 1, probe.log
        server.kill()
        probe.wait_bad()
        server.start()
        back = probe.now()
        print(f"a restarted server is back after {probe.wait_ok() - back} ms")
        probe.end()


def test_a_server_that_reads_its_data(tmp_path):
    """It takes connections, and says LOADING to all else, until it is done."""
    slow = ["enable-debug-command local", "key-load-delay 1000", "loading-process-events-interval-bytes 1024"]
    with Redis(slow) as server:
        server.cli("debug", "populate", 2000, "filler", 100)
        server.cli("save")
        with Probe(tmp_path, [server.endpoint]) as probe:
            probe.wait_ok()
            server.kill()
            server.start()
            probe.wait_bad("reading its data")
            wait_for(lambda: probe.logged("left alone"), 20, "the log of it")
            probe.wait_ok()
            probe.end()


def test_a_clock_that_is_wrong_is_told(tmp_path):
    """A server that has nothing but its greeting, and the time of yesterday."""
    said = {"CLIENT": "+OK", "ROLE": "*3\r\n$6\r\nmaster\r\n:0\r\n*0",
            "TIME": f"*2\r\n$10\r\n{int(time.time()) - 86400}\r\n$1\r\n0", "SCRIPT": "+ok"}

    def serve(listener):
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as words:
            while head := words.readline():
                command = [words.read(int(words.readline()[1:]) + 2)[:-2] for _ in range(int(head[1:]))]
                if command[0].decode() in said:
                    connection.sendall(said[command[0].decode()].encode() + b"\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve, args=(listener,), daemon=True)
        server.start()
        with Probe(tmp_path, [f"127.0.0.1:{listener.getsockname()[1]}"], per_second=1) as probe:
            wait_for(lambda: probe.logged("its clock is 86"), 20, f"the log of it; {probe.log}")
            assert "behind ours" in probe.logged("its clock is 86")[0]
            assert probe.process.poll() is None
        server.join(10)


def test_many_questions_are_refused_rather_than_kept(tmp_path):
    with Redis() as server, Probe(tmp_path, [server.endpoint], per_second=40000) as probe:
        probe.wait_ok()
        server.signal(signal.SIGSTOP)
        probe.wait_bad("too many questions")
        server.signal(signal.SIGCONT)
        probe.wait_ok()
        probe.end()


def test_nobody_is_there(tmp_path):
    all_fail(tmp_path, [f"127.0.0.1:{free_port()}"], (("", "onnection refused"), ("cluster = yes", "onnection refused"),
                                                      ("sentinel = x", "onnection refused")))
    all_fail(tmp_path, ["no-such-name.invalid"], (("", "no-such-name.invalid"),))


# ---- from LMDB and back ----------------------------------------------------------------------------------------------

def in_hours(hours):
    return time.strftime("%Y-%m-%dT%H:%M:%S.123Z", time.gmtime(time.time() + 3600 * hours))


def records():
    """Some of each kind, as `postern store export` writes them."""
    past, later = in_hours(-1), in_hours(5)
    yield {"key": "k:ever", "expires": None, "text": "never expires"}
    yield {"key_hex": "6b3aff00", "expires": later, "hex": "00ff0d0a"}
    for i in range(300):
        expires = in_hours(1 + i)
        yield {"key": f"g:{{192.0.2.{i}}}/a@b", "expires": expires,
               "triplet": {"first": past, "passed": None if i % 2 else past, "last": past}}
        yield {"key": f"g:{{192.0.2.{i}}}", "expires": expires, "client": {"passes": i, "counted": past, "last": past}}
        yield {"key": f"r:per-user/1h:joe{i}", "expires": expires,
               "rate": {"level": i / 7, "at": past, "factor": 1.5, "refused": i, "last_refused": None}}
        yield {"key": f"c:{i}", "expires": expires, "count": {"count": i}}
        yield {"key": f"v:smtp://192.0.2.1:25 user{i}@example.org", "expires": expires, "text": "1763900000000 250 "}


def moves_there_and_back(tmp_path, servers, more=""):
    user = f'user = "{"nobody" if os.geteuid() == 0 else "postern"}"\n'
    for folder in (tmp_path, *tmp_path.parents[:-2]):
        if folder.stat().st_uid == os.geteuid():
            folder.chmod(0o755)
    confs = {name: tmp_path / f"{name}.conf" for name in ("from", "redis", "to")}
    for name, path in confs.items():
        path.write_text(f'state = "{tmp_path}/{name}"\n{user}' + (conf_of(servers, more) if name == "redis" else ""))

    def store(verb, name, *words, stdin=b""):
        done = subprocess.run([BUILD / "postern", "store", verb, "-c", confs[name], *words], input=stdin,
                              capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, done
        return done.stdout

    given = list(records())
    text, count = b"\n".join(json.dumps(record).encode() for record in given), len(given)
    assert f" {count} imported, 0 kept".encode() in store("import", "from", stdin=text)
    exported = store("export", "from")
    assert sorted(json.loads(line)["expires"] or "" for line in exported.splitlines()) == \
           sorted(record["expires"] or "" for record in given)
    assert f" {count} imported, 0 kept".encode() in store("import", "redis", stdin=exported)
    assert f" 0 imported, {count} kept".encode() in store("import", "redis", stdin=exported)
    again = store("export", "redis")
    assert sorted(again.splitlines()) == sorted(exported.splitlines())
    assert f" {count} imported, 0 kept".encode() in store("import", "to", stdin=again)
    assert sorted(store("export", "to").splitlines()) == sorted(exported.splitlines())
    kinds = dict.fromkeys(("triplet", "client", "rate", "count", "recipient"), 300) | {"other": 2, "bayes": 0}
    for name in confs:
        told = json.loads(store("info", name, "--json"))
        assert told["records"] == count and told["by_kind"] == kinds, told
        assert told["backend"] == ("redis" if name == "redis" else "lmdb") and told["never_expire"] == 1, told


def test_what_lmdb_holds_moves_there_and_back(tmp_path):
    with Redis() as server:
        moves_there_and_back(tmp_path, [server.endpoint])
        assert server.cli("dbsize") == "1502"


# ---- Sentinel -------------------------------------------------------------------------------------------------------

def test_sentinels_name_another_master(tmp_path):
    with watched_pair() as (master, replica, sentinels):
        servers = [f"127.0.0.1:{free_port()}", *[s.endpoint for s in sentinels]]
        suite(tmp_path, servers, "sentinel = mail")
        with Probe(tmp_path, servers, "sentinel = nobody") as probe:
            probe.wait_bad("knows no master of the name nobody")
            probe.end()
        with Probe(tmp_path, servers, "sentinel = mail") as probe:
            probe.wait_ok()
            sentinels[0].signal(signal.SIGSTOP)  # one that says nothing does not hold up the search for long
            killed = probe.now()
            master.kill()
            probe.wait_bad()
            wait_for(lambda: replica.info("replication")["role"] == "master", 30, "the failover")
            promoted, works = probe.now(), probe.wait_ok(30)
            print(f"Sentinel: works again {works - killed} ms after the master was killed, "
                  f"{works - promoted} ms after the replica took its place")
            probe.end()
            assert int(replica.info("commandstats").get("cmdstat_evalsha", "calls=0").split(",")[0][6:]) > 0


def test_sentinels_and_their_master_have_passwords(tmp_path):
    with Redis(["requirepass right"]) as master, Sentinel(master, 1, ["sentinel auth-pass mail right",
                                                                      "requirepass eyes"]) as sentinel:
        ours = "sentinel = mail  password = right"
        with Probe(tmp_path, [sentinel.endpoint], f"{ours}  sentinel_password = eyes") as probe:
            probe.wait_ok()
            probe.end()
        all_fail(tmp_path, [sentinel.endpoint], ((f"{ours}  sentinel_password = ears", "does not take our user"),
                                                 (ours, "wants a password")))


# ---- Cluster --------------------------------------------------------------------------------------------------------

def begin_move(source, target, slot):
    target.cli("cluster", "setslot", slot, "importing", source.cli("cluster", "myid"))
    source.cli("cluster", "setslot", slot, "migrating", target.cli("cluster", "myid"))


def move_keys(source, target, slot, left=0):
    """Until so many are left. New ones do not come: those the target gets."""
    while True:
        keys = [key for key in source.cli("cluster", "getkeysinslot", slot, 20).split("\n") if key]
        if len(keys) <= left:
            return
        source.cli("migrate", "127.0.0.1", target.port, "", 0, 5000, "keys", *keys[left:])


@pytest.fixture(name="cluster", scope="module")
def a_cluster():
    with Cluster() as cluster:
        yield cluster


def test_the_suite_on_a_cluster(tmp_path, cluster):
    suite(tmp_path, cluster.servers[:1], "cluster = yes")
    with Probe(tmp_path, cluster.servers[:1]) as probe:
        probe.wait_bad("cluster = yes")
        probe.end()


def test_what_lmdb_holds_moves_to_a_cluster_and_back(tmp_path, cluster):
    moves_there_and_back(tmp_path, cluster.servers[1:2], 'cluster = yes  prefix = "moves:"')
    there = [len(node.cli("keys", "moves:c:*").splitlines()) for node in cluster.nodes[:3]]
    assert sum(there) == 300 and min(there) > 50, there


def test_slots_are_moved_under_load(tmp_path, cluster):
    """Triplets and counters go from node to node, and stay half-way for a while; nothing fails, no count is lost."""
    source, target, other = cluster.nodes[:3]

    def of_source(keys):
        return next(slot for slot in (int(source.cli("cluster", "keyslot", key)) for key in keys) if slot <= 5460)

    slots = (of_source(f"client{n}" for n in range(200)), of_source(f"moved:load:c:{n}" for n in range(200)))
    with Probe(tmp_path, cluster.servers[:2], 'cluster = yes  prefix = "moved:"', per_second=1200) as probe:
        probe.wait_ok()
        for slot in slots:
            begin_move(source, target, slot)
            asks = source.errors("ASK")
            move_keys(source, target, slot, left=int(slot == slots[0]))
            wait_for(lambda: source.errors("ASK") > asks, 20, "ASK")
            probe.wait_ok()
            move_keys(source, target, slot)
            moves = source.errors("MOVED")
            for node in (target, source, other):
                node.cli("cluster", "setslot", slot, "node", target.cli("cluster", "myid"))
            wait_for(lambda: source.errors("MOVED") > moves, 20, "MOVED")
            probe.wait_ok()
        total = probe.end()
    assert total["failed"] == total["timeout"] == 0, total
    assert total["sum"] == total["counted"] > 0, total
    print(f"Cluster, slots moved: {total['asked']} questions, none failed, the slowest took {total['longest']} ms; "
          f"MOVED {source.errors('MOVED')}, ASK {source.errors('ASK')}, "
          f"TRYAGAIN {source.errors('TRYAGAIN') + target.errors('TRYAGAIN')}")


def test_a_master_of_the_cluster_is_killed(tmp_path, cluster):
    with Probe(tmp_path, cluster.servers[:1], "cluster = yes") as probe:
        probe.wait_ok()
        killed = probe.now()
        cluster.nodes[0].kill()  # the one that was named, and a third of the slots
        probe.wait_bad()
        wait_for(lambda: cluster.nodes[3].info("replication")["role"] == "master", 30, "the failover")
        promoted, works = probe.now(), probe.wait_ok(40)
        print(f"Cluster: works again {works - killed} ms after a master was killed, "
              f"{works - promoted} ms after its replica took its place")
        probe.end()
        assert probe.total["ok"] > probe.total["asked"] // 3
