#!/usr/bin/python3
# tests/bench/bombs.py - what messages that are built to be slow cost, beside ordinary ones of their size.
#
# usage: bombs.py POSTERN [--size MEGABYTES] [--rules own|spamassassin] [--sieve FOLDER] [--only WORD] [--times N]
#
# A gateway with all checks that need nobody else's data, Bayes too, is asked about each message over HTTP. Its CPU
# seconds (all threads) stand beside those of ordinary messages of the same size: a text, a page, an attachment. Beside
# them is the memory at its most, less what it has at rest. Prints a row for each, and the worst of them.
#
# Without --sieve the patterns are run one by one, as in a gateway's first minute. With it, the sieve is taken from
# FOLDER, or compiled and kept there.
import argparse
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

from bomb_messages import BOMBS, ORDINARY, plain

CONF = """
hostname = "mx.local-bench.org"
state = "{folder}"
user = "root"
log {{ level = info }}
dns {{ servers = {{"127.0.0.1:{dns}"}}  dnssec = no }}
http {{ listen = {{"127.0.0.1:{port}"}}  message_size = "1GiB" }}
check "bayes" {{ learned = 1 }}
check "rdns" {{ mode = off }}
check "dnsbl" {{ mode = off }}
"""
SPAMASSASSIN = 'check "rules" { own = no  files = {"/usr/share/spamassassin/*.cf"} }\n'
SIEVE_SECONDS = 900


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def answer_nothing(server):
    """A name server that knows no name."""
    while True:
        query, client = server.recvfrom(4096)
        end = 12
        while query[end]:
            end += query[end] + 1
        server.sendto(query[:2] + b"\x81\x83\0\1\0\0\0\0\0\0" + query[12:end + 5], client)


class Gateway:
    rest = 0

    def __init__(self, postern, folder, rules, sieve):
        self.port = free_port()
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind(("127.0.0.1", 0))
        threading.Thread(target=answer_nothing, args=(server,), daemon=True).start()
        conf = folder / "gateway.conf"
        conf.write_text(CONF.format(folder=folder, dns=server.getsockname()[1], port=self.port) +
                        (SPAMASSASSIN if rules == "spamassassin" else ""))
        self.learn(postern, conf, folder)
        if sieve:
            for path in Path(sieve).glob("rules-[0-9a-f]*"):
                shutil.copy(path, folder)
        self.log = open(folder / "log", "w+")
        self.supervisor = subprocess.Popen([postern, "run", "-c", conf], stdout=self.log, stderr=self.log)
        self.wait_for("event=ready", 60)
        children = Path(f"/proc/{self.supervisor.pid}/task/{self.supervisor.pid}/children").read_text().split()
        self.process = Path("/proc") / children[0]
        if sieve:
            self.wait_for(r"state=(loaded|compiled)\b", SIEVE_SECONDS)
            Path(sieve).mkdir(exist_ok=True)
            for path in folder.glob("rules-[0-9a-f]*"):
                shutil.copy(path, sieve)

    @staticmethod
    def learn(postern, conf, folder):
        for kind, name in (("ham", "text"), ("spam", "page")):
            path = folder / "learned"
            path.write_text(ORDINARY[name](100000, random.Random(2)))
            subprocess.run([postern, "learn", kind, "-c", conf, path], check=True, stdout=subprocess.DEVNULL)

    def wait_for(self, text, seconds):
        for _ in range(seconds * 10):
            self.log.seek(0)
            if re.search(text, self.log.read()):
                return
            if self.supervisor.poll() is not None:
                break
            time.sleep(0.1)
        self.log.seek(0)
        sys.exit(f"the gateway does not say {text}: {self.log.read()[-500:]}")

    def cpu(self):
        return sum(int((task / "schedstat").read_text().split()[0]) for task in (self.process / "task").iterdir()) / 1e9

    def memory(self, what):
        status = (self.process / "status").read_text()
        return int(status.split(what + ":")[1].split()[0]) / 1024

    def judge(self, message):
        """CPU seconds, MiB."""
        (self.process / "clear_refs").write_text("5")
        cpu = self.cpu()
        envelope = {"IP": "192.0.2.1", "From": "anna@example.org", "Rcpt": "bob@example.net"}
        asked = urllib.request.Request(f"http://127.0.0.1:{self.port}/checkv2", data=message, headers=envelope)
        with urllib.request.urlopen(asked, timeout=300) as answer:
            answer.read()
        time.sleep(0.05)  # until its memory was given back
        return self.cpu() - cpu, self.memory("VmHWM") - self.rest

    def end(self):
        self.supervisor.send_signal(signal.SIGTERM)
        self.supervisor.wait()


def message_of(make, size):
    message = make(size, random.Random(1))
    return message if isinstance(message, bytes) else message.encode()


def main():
    parse = argparse.ArgumentParser()
    parse.add_argument("postern")
    parse.add_argument("--size", type=float, default=10)
    parse.add_argument("--rules", choices=("own", "spamassassin"), default="own")
    parse.add_argument("--sieve")
    parse.add_argument("--only", default="")
    parse.add_argument("--times", type=int, default=2)
    args = parse.parse_args()
    size = int(args.size * 1000000)
    with tempfile.TemporaryDirectory() as folder:
        gateway = Gateway(args.postern, Path(folder), args.rules, args.sieve)

        def measure(make):
            message = message_of(make, size)
            runs = [gateway.judge(message) for _ in range(args.times)]
            return min(run[0] for run in runs), max(run[1] for run in runs)

        measure(lambda _size, _rng: plain("x"))
        gateway.rest = gateway.memory("VmRSS")
        ordinary = {name: measure(make) for name, make in ORDINARY.items()}
        print(f"{args.size:g} MB; at rest {gateway.rest:.0f} MiB; ordinary: " +
              "; ".join(f"{name} {cost:.3f} s, {room:.0f} MiB" for name, (cost, room) in ordinary.items()))
        text = ordinary["text"][0]
        rows = []
        for name, make in BOMBS.items():
            if args.only not in name:
                continue
            cost, room = measure(make)
            rows.append((cost, room, name))
            print(f"{name:52} {cost:8.3f} s {cost / text:7.2f} x text {room:6.0f} MiB", flush=True)
        worst, largest = max(rows), max(rows, key=lambda row: row[1])
        print(f"worst: {worst[2]}, {worst[0]:.3f} s, {worst[0] / text:.2f} x; most memory: {largest[2]}, "
              f"{largest[1]:.0f} MiB")
        gateway.end()


if __name__ == "__main__":
    main()
