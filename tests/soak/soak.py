#!/usr/bin/env python3
# tests/soak/soak.py - nothing lost, whatever dies: see doc/reliability.md. Run it with ./dev soak.
import argparse
import asyncio
import json
import os
import random
import re
import signal
import sys
import time
from contextlib import ExitStack
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1] / "kit")]

from account import Account, named_ids, read_sink  # noqa: E402
from clients import Crowd  # noqa: E402
from letters import HOSTNAME  # noqa: E402
from next_hop import record  # noqa: E402
from process import Server, free_port  # noqa: E402
from redis_servers import Redis  # noqa: E402
from servers import Gateway, Nsd, Unbound  # noqa: E402
from trouble import Disk, Trouble, children  # noqa: E402

CONF = """
hostname = "%(hostname)s"
state = "%(state)s"
user = "%(user)s"
dns { servers = {"%(dns)s"} }
store { backend = "redis"  servers = {"%(redis)s"} }
smtp {
    listen = {"127.0.0.1:{port}"}
    next_hop = "%(hop)s"
    relay_domains = {"example.org"}
    memory = "16KiB"
    hop_command = "3s"
    hop_final = "5s"
    verify_good = "5s"
    verify_bad = "2s"
    clients {
        known = {"127.0.0.0/24"}
        greet_wait = "100ms"
        tarpit = 0
        address { connections = 1000  rate = 1000000  recipients = 1000000  errors = 1000000 }
        network { connections = 1000  rate = 1000000  recipients = 1000000  errors = 1000000 }
    }
}
check "lists" { list "bad" { match = sender  action = reject  entries = {"bad.example"} } }
"""

ZONE = """
good.example. TXT "v=spf1 ip4:127.0.0.0/8 -all"
good.example. MX 10 client.good.example.
client.good.example. A 127.0.0.1
1.0.0.127.in-addr.arpa. PTR client.good.example.
*.1.0.127.in-addr.arpa. PTR client.good.example.
"""


class Sink(Server):
    """The next hop (next_hop.py)."""

    name = "sink"

    def __init__(self, folder):
        super().__init__()
        self.port, self.file, self.mood = free_port(), folder / "sink.jsonl", folder / "mood"
        self.set_mood("well")

    @property
    def uri(self):
        return f"smtp://127.0.0.1:{self.port}"

    def set_mood(self, word):
        new = self.mood.with_suffix(".new")
        new.write_text(word)
        new.rename(self.mood)

    def command(self):
        return ["/usr/bin/python3", Path(__file__).with_name("next_hop.py"), self.port, self.file, self.mood]

    def end(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
        return super().end()


class Maildir:
    """In the place of a next hop: whoever reads that mailbox takes each message out, and writes down what it was."""

    def __init__(self, disk, file):
        self.folder, self.file = disk / "mail", file
        self.uri = f"maildir:{self.folder}"
        file.touch()

    def take_out(self):
        new = self.folder / "new"
        for path in sorted(new.iterdir()) if new.is_dir() else ():
            data = path.read_bytes().replace(b"\n", b"\r\n")
            envelope = re.match(rb"Return-Path: <(.*)>\r\n((?:Delivered-To: .*\r\n)+)", data)
            recipients = re.findall(rb"^Delivered-To: (.*)\r$", envelope[2], re.M) if envelope else []
            told = record(envelope[1].decode() if envelope else "?", [word.decode() for word in recipients],
                          data[envelope.end():] if envelope else data)
            with open(self.file, "a") as file:
                file.write(json.dumps(told) + "\n")
            path.unlink()

    async def read(self):
        """Until it is cancelled."""
        while True:
            self.take_out()
            await asyncio.sleep(0.1)


def memory_kib(gateway):
    """Resident memory of the gateway's process; 0 while there is none."""
    for pid in children(gateway.process.pid):
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            continue
        words = status.partition("VmRSS:")[2].split()
        return int(words[0]) if words else 0
    return 0


async def watch(crowd, gateway, memory, began):
    """A line that grows on a terminal; every half minute one in a file. Keeps the largest and last memory."""
    is_terminal, said = sys.stderr.isatty(), time.monotonic()
    while True:
        await asyncio.sleep(0.5)
        now = memory_kib(gateway)
        memory["most"], memory["last"] = max(memory["most"], now), now or memory["last"]
        line = (f"{crowd.done}/{crowd.count} messages decided, {len(crowd.due)} to come again, "
                f"{time.monotonic() - began:.0f} s, {now // 1024} MiB")
        if is_terminal:
            print(f"\r{line}   ", end="", file=sys.stderr, flush=True)
        elif time.monotonic() - said >= 30:
            said = time.monotonic()
            print(line, file=sys.stderr, flush=True)


async def send_all(crowd, trouble, gateway, memory, options, maildir):
    """Until all is sent, or the time is up. What went wrong with the soak itself is raised."""
    began = time.monotonic()
    troubles = [asyncio.create_task(trouble.happen()) for _ in range(options.at_once)]
    others = [asyncio.create_task(crowd.run()), asyncio.create_task(watch(crowd, gateway, memory, began))]
    if maildir:
        others.append(asyncio.create_task(maildir.read()))
    done, _ = await asyncio.wait([*troubles, *others], timeout=options.limit, return_when=asyncio.FIRST_COMPLETED)
    trouble.is_over = True
    await asyncio.gather(*troubles)
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    for task in done:
        task.result()
    if sys.stderr.isatty():
        print(file=sys.stderr)
    return time.monotonic() - began


def user_name():
    import pwd

    return pwd.getpwuid(os.getuid()).pw_name


def soak(options):
    random.seed(options.seed)
    memory = {"most": 0, "last": 0}
    with ExitStack() as stack:
        nsd = stack.enter_context(Nsd(ZONE))
        unbound = stack.enter_context(Unbound(nsd.endpoint))
        redis = stack.enter_context(Redis())
        disk = Disk(nsd.folder / "disk")
        stack.callback(disk.close)
        maildir = Maildir(disk.folder, nsd.folder / "maildir.jsonl") if options.maildir else None
        hop = maildir or stack.enter_context(Sink(nsd.folder))
        gateway = Gateway(CONF % {"hostname": HOSTNAME, "state": disk.folder, "user": user_name(), "hop": hop.uri,
                                  "dns": unbound.endpoint, "redis": redis.endpoint})
        # Not as in the tests: how it ended is told at the end, with the account.
        stack.push(lambda *failure: Server.__exit__(gateway, *failure))
        gateway.start()
        crowd = Crowd(gateway.port, options.messages, options.clients, options.rate)
        trouble = Trouble(gateway, None if maildir else hop, [nsd, unbound, redis], disk, options.pause)
        seconds = asyncio.run(send_all(crowd, trouble, gateway, memory, options, maildir))
        status = gateway.end()
        if list(disk.folder.glob("in-flight.*")):  # of one that was killed, and had no successor to name them
            gateway.start()
            status = gateway.end()
        if maildir:
            maildir.take_out()
        if options.log:
            Path(options.log).write_text(gateway.log)
        named = named_ids(gateway.log)
        account = Account(crowd.stories, read_sink(hop.file), named, knows_users=not maildir).check()
        account.faults += crowd.odd
        account.faults += [f"the gateway ended with status {status}"] if status else []
        account.faults += [line for line in gateway.log.splitlines() if "Sanitizer" in line or "runtime error:" in line]
    return account, {"messages": options.messages, "clients": options.clients, "seconds": round(seconds),
                     "tries": account.tries, "connections_lost": crowd.cuts, "accepted": account.accepted,
                     "refused": account.refused, "copies_at_next_hop": account.delivered,
                     "twice_and_named": account.twice, "named": len(named), "memory_most_kib": memory["most"],
                     "memory_last_kib": memory["last"], "disk": disk.is_there, "troubles": trouble.counts,
                     "faults": len(account.faults)}


def main():
    parser = argparse.ArgumentParser(prog="./dev soak", description="Sends messages through the gateway from clients "
                                     "that come again, while at random everything around is killed, stopped, slowed "
                                     "or full; then counts. Ends with status 1 when a message was lost, changed, or "
                                     "came twice without a word in the log.")
    parser.add_argument("--messages", type=int, default=100_000, metavar="N", help="how many (100000)")
    parser.add_argument("--clients", type=int, default=100, metavar="N", help="connections at once (100)")
    parser.add_argument("--rate", type=float, default=0, metavar="N", help="new ones a second at most (no limit)")
    parser.add_argument("--pause", type=float, default=1.0, metavar="S", help="mean time between troubles (1 s)")
    parser.add_argument("--at-once", type=int, default=2, metavar="N", help="troubles at the same time at most (2)")
    parser.add_argument("--maildir", action="store_true", help="deliver into a Maildir, not to a next hop")
    parser.add_argument("--limit", type=float, default=7200, metavar="S", help="give up after that time (2 h)")
    parser.add_argument("--seed", type=int, default=None, metavar="N", help="the same troubles again, nearly")
    parser.add_argument("--log", metavar="FILE", help="keep the gateway's log")
    account, report = soak(parser.parse_args())
    for line in account.faults[:50]:
        print(line)
    print(json.dumps(report))
    sys.exit(1 if account.faults else 0)


if __name__ == "__main__":
    main()
