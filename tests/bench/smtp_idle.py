#!/usr/bin/python3
# tests/bench/smtp_idle.py - what clients that do nothing, or next to nothing, cost: memory for each of them, CPU, and
# what others notice of them.
#
# usage: smtp_idle.py [IDLE [TRICKLING]]     (10000 1000; the release build; needs two descriptors for each)
import re
import resource
import smtplib
import socket
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "kit"))

import process  # noqa: E402  (kit)

process.BUILD = HERE.parents[1] / "build" / "release"

import servers  # noqa: E402

servers.BUILD = process.BUILD
CONF = """
hostname = "mx.example.org"
log {{ level = warn }}
dns {{ servers = {{"{dns}"}}  dnssec = no }}
smtp {{
    listen = {{"127.0.0.1:{{port}}"}}
    next_hop = "maildir:{{folder}}/mail"
    relay_domains = {{"example.org"}}
    xclient_clients = {{"127.0.0.1"}}
    connections = {count}
    clients {{ address {{ connections = 0 }}  network {{ connections = 0 }}  data_rate = 0 }}
}}
"""
MAIL = "From: a@sender.example\r\nSubject: hello\r\n\r\n" + "A line of a message.\r\n" * 100
SETTLE_S = 3
MESSAGES = 300


def kib(pid):
    return int(re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)[1])


def cpu_s(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def child_of(pid):
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def connect(port, i):
    """From many addresses of loopback: one has no more ports than 28,000."""
    return socket.create_connection(("127.0.0.1", port), 30, (f"127.0.{i // 20000}.1", 0))


def hear(client):
    while client.recv(4096)[3:4] == b"-":
        pass


def say(clients, text):
    for client in clients:
        client.sendall(text)
    for client in clients:
        client.recv(4096)


def latencies(port):
    """Milliseconds of whole transactions on one connection, sorted."""
    found = []
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as smtp:
        smtp.ehlo("active.example")
        for _ in range(MESSAGES):
            began = time.monotonic()
            smtp.sendmail("a@sender.example", ["user@example.org"], MAIL)
            found.append((time.monotonic() - began) * 1000)
    return sorted(found)


def show_latency(what, pid, port):
    before = cpu_s(pid)
    found = latencies(port)
    print(f"{what:44} p50 {found[len(found) // 2]:5.1f} ms  p99 {found[len(found) * 99 // 100]:5.1f} ms"
          f"  {(cpu_s(pid) - before) * 1000 / MESSAGES:5.2f} CPU ms a message", flush=True)


class Trickle:
    """Sends a byte a second on each connection, inside of a message."""

    def __init__(self, clients):
        self.clients, self.is_ending = clients, threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while self.clients:
            for i, client in enumerate(self.clients):
                if i % 20 == 0 and self.is_ending.wait(20 / len(self.clients)):
                    return
                client.send(b"x")


def main(count, trickling):
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    conf = CONF.format(dns="{dns}", count=2 * (count + trickling))
    with servers.Nsd("") as dns, servers.Gateway(conf.replace("{dns}", dns.endpoint)) as gateway:
        pid = child_of(gateway.process.pid)
        show_latency("nobody else", pid, gateway.port)
        before = kib(pid)

        def show(what, number):
            time.sleep(SETTLE_S)
            now = kib(pid)
            print(f"{what:44} {(now - before) / number:6.2f} KiB each, {now / 1024:.1f} MiB in all", flush=True)

        idle = [connect(gateway.port, i) for i in range(count)]
        for client in idle:
            hear(client)
        show(f"{count} greeted", count)
        say(idle, b"EHLO idle.example\r\n")
        show("and EHLO said", count)
        show_latency(f"with {count} idle", pid, gateway.port)
        began, cpu = time.monotonic(), cpu_s(pid)
        time.sleep(5)
        print(f"{'idle alone':44} {(cpu_s(pid) - cpu) / (time.monotonic() - began) * 100:.2f} % of a core", flush=True)
        before = kib(pid)
        slow = [connect(gateway.port, i) for i in range(trickling)]
        for client in slow:
            hear(client)
        for line in (b"EHLO slow.example\r\n", b"MAIL FROM:<a@sender.example>\r\n", b"RCPT TO:<u@example.org>\r\n"):
            say(slow, line)
        show("in a transaction", trickling)
        say(slow, b"DATA\r\n")
        trickle = Trickle(slow)
        show("a byte a second of a message", trickling)
        show_latency(f"with {trickling} trickling", pid, gateway.port)
        trickle.is_ending.set()
        trickle.thread.join()
        for client in idle + slow:
            client.close()
        time.sleep(SETTLE_S)
        print(f"{'all gone':44} {kib(pid) / 1024:.1f} MiB in all")


if __name__ == "__main__":
    main(*(int(word) for word in (sys.argv[1:] + ["10000", "1000"][len(sys.argv) - 1:])))
