# tests/interop/test_walk.py - a random walk: clients of every kind, next hops and a resolver of every mood, SIGHUP and
# SIGTERM in the middle; the gateway is there as before, and what it told was true.
#
# Ten seconds with one seed. Longer, and with the seeds 100 to 119:
#
#     POSTERN_WALK=60:100-119 ./dev test -R interop/test_walk
#
# What a client does follows from the seed; how the clients fall together does not. POSTERN_WALK_LOG names a folder for
# the gateway's log of each seed.
import os
import re
import shutil
import signal
import ssl
import threading
import time
import urllib.request
from pathlib import Path
from random import Random

import pytest

import openmetrics
from mail import make_cert
from process import free_port, wait_for
from servers import Gateway
from sink import EXTENSIONS, SmtpSink
from walk import Book, Honest, Hostile, Mood, MoodyDns

CONF = """
hostname = "mx.example.org"
dns {{ servers = {{"{dns}"}}  dnssec = no  timeout = 2s }}
http {{ listen = {{"127.0.0.1:{http}"}} }}
actions {{ tag = 800  reject = 900 }}
smtp {{
    listen = {{"127.0.0.1:{{port}}"}}
    listener "127.0.0.1:{implicit}" {{ tls = implicit }}
    listener "127.0.0.1:{lmtp}" {{ protocol = lmtp }}
    listener "127.0.0.1:{auth}" {{ auth = yes }}
    next_hop = "smtp://127.0.0.1:{hops[0]}"  next_hop_tls = none
    auth_hop = "smtp://127.0.0.1:{hops[3]}"
    route "two.example" {{ next_hop = {{"smtp://127.0.0.1:{hops[1]}", "smtp://127.0.0.1:{hops[0]}"}} }}
    route "lmtp.example" {{ next_hop = "lmtp://127.0.0.1:{hops[2]}" }}
    route "strict.example" {{ next_hop = "smtp://127.0.0.1:{hops[1]}"  next_hop_client = none }}
    hop_command = 2s  hop_final = 2s  hop_failures = 100  hop_rest = 1s  hop_idle = 1s
    relay_domains = {{"example.org"}}
    tls_certificate = "{folder}/mx.example.org.crt"  tls_key = "{folder}/mx.example.org.key"
    tls_client_certificates = ask  tls_client_ca = "{folder}/mx.example.org.crt"
    tls_handshakes = 8  tls_handshake = 3s
    xclient_clients = {{"127.0.0.1"}}  xforward_clients = {{"127.0.0.1"}}  proxy_clients = {{"127.0.0.9"}}
    errors_hard = 50  command_timeout = 5s  data_timeout = 4s  data_total = 10s  rcpt_wait = 2s
    memory = 16KiB  connections = 60  message_size = 300KiB  received = 50
    clients {{
        known = {{"127.0.0.1"}}  greet_wait = 300ms  greet_wait_busy = 100ms
        tarpit = 200ms  session = 20s  busy_timeout = 2s
        address {{ connections = 0  rate = 0  errors = 0  recipients = 200 }}
        network {{ connections = 0  rate = 0  errors = 0  recipients = 0 }}
    }}
}}
check "greylist" {{ mode = off }}
profile "strict" {{ recipients = {{"strict.example"}}  check "dkim" {{ mode = shadow }} }}
"""
HOP_EXTENSIONS = (*EXTENSIONS, "SMTPUTF8", "DSN", "CHUNKING", "BINARYMIME", "XFORWARD NAME ADDR PORT PROTO HELO SOURCE",
                  "AUTH PLAIN LOGIN SCRAM-SHA-256")
THREADS = 32


def plan():
    """(seconds, seeds)"""
    seconds, _, seeds = os.environ.get("POSTERN_WALK", "9:1").partition(":")
    first, _, last = (seeds or "1").partition("-")
    return float(seconds), range(int(first), int(last or first) + 1)


class Walk:
    """A gateway with its next hops, resolver and clients."""

    def __init__(self, seed, folder):
        make_cert(folder)
        for path in [folder, *folder.iterdir()]:
            path.chmod(0o755)
        self.seed, self.book, self.folder = seed, Book(), folder
        self.dns = MoodyDns(Random(seed))
        self.hops = [SmtpSink(Mood(Random(seed * 10 + n), self.book, n == 2), HOP_EXTENSIONS, lmtp=n == 2)
                     for n in range(4)]
        for hop in self.hops:
            hop.start()
        self.http = free_port()
        self.doors = {"implicit": free_port(), "lmtp": free_port(), "auth": free_port()}
        self.mx = Gateway(CONF.format(dns=self.dns.endpoint, http=self.http, hops=[hop.port for hop in self.hops],
                                      folder=folder, **self.doors))
        self.doors["smtp"] = self.mx.port
        self.context = self.tls(folder)
        self.is_ending, self.round = threading.Event(), 0

    @staticmethod
    def tls(folder):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.load_cert_chain(folder / "mx.example.org.crt", folder / "mx.example.org.key")
        return context

    def walk(self, number, end):
        chance = Random(f"{self.seed} {self.round} {number}")
        n = 0

        def is_late():
            return time.monotonic() > end or self.is_ending.is_set()

        while not is_late():
            n += 1
            kind = Honest if chance.random() < 0.4 else Hostile
            name = f"{kind.__name__.lower()}-{self.round}-{number}-{n}"
            kind(Random(f"{self.seed} {name}"), name, self.doors, self.context, self.book, is_late).run()

    def start(self, seconds):
        self.round += 1
        end = time.monotonic() + seconds
        threads = [threading.Thread(target=self.walk, args=(number, end)) for number in range(THREADS)]
        for thread in threads:
            thread.start()
        return threads

    def metrics(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/metrics", timeout=10) as reply:
            return openmetrics.read(reply.read().decode())

    def is_at_rest(self):
        now = self.metrics()
        return openmetrics.value(now, "postern_open_sessions", door="smtp") == 0 and not any(
            value for (name, _), value in now.items() if name in ("postern_target_waiting", "postern_crew_waiting"))

    def end(self):
        self.dns.close()
        for hop in self.hops:
            hop.stop()


def greets_and_takes(walk):
    """A stranger whom nobody has seen yet is served at each door."""
    for n, kind in enumerate(("smtp", "implicit", "lmtp", "auth") * 2):
        client = Honest(Random(n), f"last-{n}", walk.doors, walk.context, walk.book)
        client.kind, client.source = kind, f"127.0.1.{n}"
        before = len(walk.book.faults)
        client.connect()
        client.reply()
        client.hello()
        client.socket.close()
        assert len(walk.book.faults) == before, walk.book.faults


def logged(log):
    """ids of messages of which the log says 250; and those that it names as such that may come twice."""
    lines = [(line, re.search(r" id=([0-9A-Z]{26}) ", line)) for line in log.splitlines()]
    named = re.compile("possible_duplicate=yes|it may come again")
    return ({found[1] for line, found in lines if found and "event=message" in line and " code=250 " in line},
            {found[1] for line, found in lines if found and named.search(line)})


def names_of(log, ids):
    """Recipients of those messages, and of them alone, as far as the log has them."""
    return {name for line in log.splitlines() if (found := re.search(r" id=([0-9A-Z]{26}) ", line)) and found[1] in ids
            and (to := re.search(r" to=(\S+)", line)) for name in to[1].split(",")}


def account(book, log):
    """All that is not as it should be."""
    faults = list(book.faults)
    said, named = logged(log)
    doubtful = names_of(log, named)
    for name, code in book.told.items():
        copies = book.kept_rcpts[name]
        if copies > 1 or code == 250 and not copies or code >= 500 and copies:
            faults.append(f"{name} was told {code} and has {copies} copies")
        if copies and code != 250 and name not in doubtful and name not in book.excused:
            faults.append(f"{name} was told {code} and has it, and the log does not name it")
    for found, code, recipients, is_each in book.finals:
        if book.kept_ids[found] < (1 if is_each else recipients or 1):
            faults.append(f"{found}: {code} for {recipients} recipients, and {book.kept_ids[found]} are kept")
    faults += [f"{found}: the log says 250, and it is nowhere" for found in said if not book.kept_ids[found]]
    faults += [f"{found} is kept, and the log does not say so" for found in book.kept_ids.keys() - said - named]
    faults += [f"{name} was injected in front of TLS" for name in book.injected & book.kept_rcpts.keys()]
    bad = ("Sanitizer", "runtime error:", "event=died", "event=silent", "event=restart", "event=interrupted", "BUG")
    return faults + [line for line in log.splitlines() if any(word in line for word in bad)]


def run(walk, seconds):
    """The whole walk; the gateway's status."""
    threads = walk.start(seconds * 0.6)
    time.sleep(seconds * 0.3)
    walk.mx.process.send_signal(signal.SIGHUP)
    for thread in threads:
        thread.join()
    try:
        wait_for(walk.is_at_rest, 30, "all connections to be closed")
    except AssertionError:
        walk.book.fault("connections are open that no client holds")
    greets_and_takes(walk)
    threads = walk.start(seconds * 0.4)
    time.sleep(seconds * 0.2)
    walk.is_ending.set()
    walk.mx.process.terminate()
    status = walk.mx.process.wait(60)
    for thread in threads:
        thread.join()
    return status


@pytest.mark.parametrize("seed", plan()[1])
def test_nothing_that_comes_along_ends_it_or_makes_it_lie(seed, tmp_path):
    walk = Walk(seed, tmp_path)
    mx, book = walk.mx.start(), walk.book
    try:
        status = run(walk, plan()[0])
    finally:
        mx.end()
        walk.end()
        log = mx.log
        if "POSTERN_WALK_LOG" in os.environ:
            (Path(os.environ["POSTERN_WALK_LOG"]) / f"walk-{seed}.log").write_text(log)
        shutil.rmtree(mx.folder, ignore_errors=True)
    faults = account(book, log)
    print(f"seed {seed}: {book.connections} connections, {len(book.told)} recipients of honest ones, "
          f"{sum(book.kept_ids.values())} kept")
    assert not faults, "\n".join(faults[:50])
    assert status == 0
    assert book.connections > 50 and sum(book.kept_ids.values()) > 20
