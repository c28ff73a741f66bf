#!/usr/bin/python3
# tests/bench/milter_idle.py - what silent sessions of a mail server cost: memory of the gateway for each.
#
# usage: milter_idle.py [SESSIONS]      (10000; the release build; needs as many descriptors)
import re
import resource
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "kit"))

import process  # noqa: E402  (kit)

process.BUILD = HERE.parents[1] / "build" / "release"

import servers  # noqa: E402
from milter import Milter  # noqa: E402

servers.BUILD = process.BUILD
CONF = """
hostname = "mx.example.org"
log {{ level = warn }}
dns {{ servers = {{"{dns}"}}  dnssec = no }}
milter {{ listen = {{"unix:{{folder}}/socket"}}  connections = {count} }}
"""
SETTLE_S = 2


def kib(pid):
    return int(re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)[1])


def child_of(pid):
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def show(what, pid, before, count):
    time.sleep(SETTLE_S)
    print(f"{what:34} {(kib(pid) - before) / count:6.1f} KiB each")


def main(count):
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with servers.Nsd("") as dns, servers.Gateway(CONF.format(dns=dns.endpoint, count=count)) as gateway:
        pid = child_of(gateway.process.pid)
        before, sessions = kib(pid), []
        for _ in range(count):
            sessions.append(Milter(str(gateway.folder / "socket")))
            sessions[-1].negotiate()
        show(f"{count} sessions, no client yet", pid, before, count)
        for i, mta in enumerate(sessions):
            mta.connect(f"192.0.2.{i % 250 + 1}", "unknown")
            mta.helo("client.example")
        show("client connected, HELO said", pid, before, count)
        for mta in sessions:
            mta.mail("ada@sender.example")
            mta.rcpt()
        show("in a transaction, recipient taken", pid, before, count)
        for mta in sessions:
            mta.socket.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10000)
