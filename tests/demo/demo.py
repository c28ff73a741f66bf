#!/usr/bin/python3
# tests/demo/demo.py - what `./dev run` shows: the gateway at work on four sample mails, on loopback, without network.
#
# usage: demo.py POSTERN [--once] [--port PORT]
#
# Starts a resolver (unbound) that answers for the samples out of samples.zone and asks the machine's own for all else,
# and the gateway on gateway.conf. Sends the samples over SMTP, each as the client that XCLIENT names, and asks
# `postern scan` for the reasons. Asks about the forged one again through the doors that a mail server would use: policy
# service, milter, scan API. Then goes on until Ctrl-C; --once ends here, with status 0 when each verdict was the one
# expected.
import argparse
import fcntl
import json
import os
import pwd
import re
import shutil
import signal
import smtplib
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "kit"))
import milter  # noqa: E402
from process import Server, answers, free_port, program  # noqa: E402

SAMPLES = [
    {"file": "clean.eml", "what": "signed by its domain, sent by its domain's server", "ip": "192.0.2.25",
     "name": "mail.orchard.example", "from": "ada@orchard.example", "action": "accept", "code": 250},
    {"file": "forged.eml", "what": "claims orchard.example in From, comes from a rented machine", "ip": "203.0.113.66",
     "name": "node66.cheap-host.example", "from": "bounce@cheap-host.example", "action": "reject", "code": 554},
    {"file": "listed.eml", "what": "its client stands on a block list", "ip": "198.51.100.99",
     "name": "mx.lucky.example", "from": "win@lucky.example", "action": "tag", "code": 250, "again": True},
    {"file": "phish.eml", "what": "an honest server, and a letter that shows one address and leads to another",
     "ip": "192.0.2.77", "name": "mta.mailer.example", "from": "service@mailer.example", "action": "tag", "code": 250,
     "again": True},
]
RECIPIENT = "you@postern.example"

COLOURS = ("\x1b[1m", "\x1b[m", "\x1b[32m", "\x1b[31m")
BOLD, PLAIN, GOOD, BAD = COLOURS if sys.stdout.isatty() else [""] * 4


class Resolver(Server):
    name = "unbound"

    def __init__(self, folder):
        super().__init__()
        self.folder, self.port = folder, free_port()

    def prepare(self):
        zones = ["example.", "2.0.192.in-addr.arpa.", "113.0.203.in-addr.arpa.", "100.51.198.in-addr.arpa."]
        records = [line for line in (HERE / "samples.zone").read_text().splitlines() if line and line[0] != ";"]
        above = re.findall(r"^nameserver\s+(\S+)", Path("/etc/resolv.conf").read_text(), re.M)
        lines = ["server:", f" interface: 127.0.0.1@{self.port}", ' username: ""', ' chroot: ""', " use-syslog: no",
                 ' logfile: ""', f' directory: "{self.folder}"', f' pidfile: "{self.folder}/unbound.pid"',
                 " do-daemonize: no", ' module-config: "iterator"', " do-not-query-localhost: no", " num-threads: 1"]
        lines += [f' local-zone: "{zone}" static' for zone in zones]
        lines += [f" local-data: '{record}'" for record in records]
        lines += ["remote-control:", " control-enable: no"]
        if above:
            lines += ["forward-zone:", ' name: "."'] + [f" forward-addr: {server}" for server in above]
        (self.folder / "unbound.conf").write_text("\n".join(lines) + "\n")

    def command(self):
        return [program("unbound"), "-d", "-c", self.folder / "unbound.conf"]


class Postern(Server):
    name = "postern"

    def __init__(self, binary, folder, port, dns):
        super().__init__()
        self.binary, self.folder, self.port, self.dns = binary, folder, port, dns
        self.doors = {door: free_port() for door in ("policy", "milter", "http")}

    def prepare(self):
        text = (HERE / "gateway.conf").read_text()
        for key, value in (("folder", self.folder), ("port", self.port), ("dns", f"127.0.0.1:{self.dns}"),
                           ("user", pwd.getpwuid(os.getuid()).pw_name), *self.doors.items()):
            text = text.replace("{" + key + "}", str(value))
        (self.folder / "gateway.conf").write_text(text)

    def command(self):
        return [self.binary, "run", "-c", self.folder / "gateway.conf"]

    def is_up(self):
        return any(line.split()[-1:] == ["ready"] for line in self.log.splitlines())


def send(port, sample):
    """Code and text of the reply that decided."""
    with smtplib.SMTP("127.0.0.1", port, local_hostname=sample["name"], timeout=60) as smtp:
        smtp.ehlo()
        smtp.docmd("XCLIENT", f"ADDR={sample['ip']} NAME={sample['name']}")
        smtp.ehlo()
        code, text = smtp.mail(sample["from"])
        if code < 400:
            code, text = smtp.rcpt(RECIPIENT)
        if code < 400:
            try:
                code, text = smtp.data((HERE / "mail" / sample["file"]).read_bytes())
            except smtplib.SMTPDataError as refused:
                code, text = refused.smtp_code, refused.smtp_error
        return code, " ".join(text.decode(errors="replace").split())


def send_again(port, sample, code):
    """As a mail server does with mail that was put off, only sooner."""
    deadline = time.monotonic() + 20
    while code == 451 and time.monotonic() < deadline:
        time.sleep(0.5)
        code, text = send(port, sample)
    return code, text


def explain(postern, sample):
    """The verdict of `postern scan` on the same message from the same client."""
    command = [postern.binary, "scan", "--json", "-c", postern.folder / "gateway.conf", "--client-ip", sample["ip"],
               "--client-name", sample["name"], "--helo", sample["name"], "--from", sample["from"], "--rcpt", RECIPIENT,
               HERE / "mail" / sample["file"]]
    ran = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, timeout=60)
    if ran.returncode != 0:
        raise SystemExit(f"demo: postern scan ended with status {ran.returncode}: {ran.stderr}")
    return json.loads(ran.stdout)


def show(postern, number, sample):
    print(f"\n{BOLD}{number}. {sample['file']}{PLAIN}: {sample['what']}")
    print(f"   from {sample['from']}, client {sample['ip']} ({sample['name']})")
    first = code, text = send(postern.port, sample)
    if "again" in sample:
        print(f"   first the sender is told: {code} {text}")
        code, text = send_again(postern.port, sample, code)
    verdict = explain(postern, sample)
    is_expected = code == sample["code"] and verdict["action"] == sample["action"]
    is_expected = is_expected and first[0] == (451 if "again" in sample else code)
    print(f"   verdict: {GOOD if is_expected else BAD}{verdict['action']}{PLAIN}, score {verdict['score']:.2f}")
    for check in verdict["checks"]:
        for finding in check["findings"]:
            print(f"     {finding['score']:+6.2f}  {finding['symbol']}: {finding['reason']}")
    print(f"   {'and when it comes again: ' if 'again' in sample else 'the sender is told: '}{code} {text}")
    if not is_expected:
        print(f"   {BAD}expected: {sample['action']} and {sample['code']}{PLAIN}")
    return is_expected


def ask_policy(port, sample):
    """What Postfix would be told at RCPT."""
    asked = {"request": "smtpd_access_policy", "protocol_state": "RCPT", "protocol_name": "ESMTP",
             "client_address": sample["ip"], "client_name": sample["name"], "reverse_client_name": sample["name"],
             "helo_name": sample["name"], "sender": sample["from"], "recipient": RECIPIENT, "instance": "demo.1"}
    with socket.create_connection(("127.0.0.1", port), 60) as door:
        door.sendall("".join(f"{name}={value}\n" for name, value in asked.items()).encode() + b"\n")
        return door.makefile().readline().strip()


def ask_milter(port, sample):
    """What any mail server with milters would be told at the end of the message."""
    client = {"address": sample["ip"], "name": sample["name"]}
    told = milter.deliver(("127.0.0.1", port), (HERE / "mail" / sample["file"]).read_bytes(), client=client,
                          helo=sample["name"], sender=sample["from"], recipients=[RECIPIENT])
    return told.reply or told.final


def ask_http(port, sample):
    """What rspamd's clients would be told."""
    fields = {"IP": sample["ip"], "Hostname": sample["name"], "Helo": sample["name"], "From": sample["from"],
              "Rcpt": RECIPIENT}
    message = (HERE / "mail" / sample["file"]).read_bytes()
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/checkv2", message, fields)
    with urllib.request.urlopen(asked, timeout=60) as answer:
        verdict = json.load(answer)
    return f"{verdict['action']}, score {verdict['score']:.2f} of {verdict['required_score']:.2f}"


def show_doors(doors):
    """One engine behind them all: what the mail server is told that is there already."""
    forged, stranger = SAMPLES[1], dict(SAMPLES[2], **{"from": "prize@lucky.example"})
    shown = [
        ("policy", "Postfix asks at RCPT about new mail of the listed client", ask_policy, stranger,
         "action=DEFER_IF_PERMIT 4.7.1 "),
        ("milter", "a mail server shows forged.eml", ask_milter, forged, "554 5.7.1 "),
        ("http", "a client of rspamd's sends forged.eml", ask_http, forged, "reject, "),
    ]
    good = []
    for door, what, ask, sample, expected in shown:
        told = ask(doors[door], sample)
        good.append(told.startswith(expected))
        print(f"\n{BOLD}{door}{PLAIN} on 127.0.0.1:{doors[door]}: {what}")
        print(f"   it is told: {GOOD if good[-1] else BAD}{told}{PLAIN}")
    return good


def invite(postern):
    mail = postern.folder / "mail"
    print(f"""
Delivered mail lies in {mail}/new (look at the fields on top).
Send some yourself:

    swaks --server 127.0.0.1:{postern.port} --to {RECIPIENT} --from you@example.com
    swaks --server 127.0.0.1:{postern.port} --to {RECIPIENT} --xclient 'ADDR=198.51.100.99'

or judge any message without sending it:

    {os.path.relpath(postern.binary)} scan -c {os.path.relpath(postern.folder)}/gateway.conf --client-ip 192.0.2.1 FILE

Ctrl-C ends. The gateway's log:""", flush=True)


def follow(postern):
    with open(postern.folder / "log", errors="replace") as log:
        log.seek(0, os.SEEK_END)
        while postern.process.poll() is None:
            line = log.readline()
            if line:
                print(line, end="", flush=True)
            else:
                time.sleep(0.2)
    raise SystemExit(f"demo: postern ended by itself, status {postern.process.returncode}")


def main():
    parser = argparse.ArgumentParser(prog="./dev run")
    parser.add_argument("postern", type=Path)
    parser.add_argument("--once", action="store_true", help="end after the samples")
    parser.add_argument("--port", type=int, default=2525)
    parser.add_argument("--folder", type=Path, help="what it needs and keeps; default: build/demo-PORT")
    options = parser.parse_args()
    options.folder = options.folder or HERE.parents[1] / "build" / f"demo-{options.port}"
    options.folder.parent.mkdir(parents=True, exist_ok=True)
    alone = open(f"{options.folder}.lock", "w")  # held until we end, so that nobody takes the folder from under us
    try:
        fcntl.flock(alone, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SystemExit(f"demo: it runs already, in {options.folder}; try ./dev run --port 2526") from None
    if answers(options.port):
        raise SystemExit(f"demo: something listens on 127.0.0.1:{options.port} already; try ./dev run --port 2526")
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.default_int_handler)  # as Ctrl-C: what we started must not outlive us
    shutil.rmtree(options.folder, ignore_errors=True)
    (options.folder / "dns").mkdir(parents=True)
    resolver = Resolver(options.folder.resolve() / "dns")
    postern = Postern(options.postern.resolve(), options.folder.resolve(), options.port, resolver.port)
    try:
        resolver.start()
        postern.start()
        print(f"{BOLD}Postern takes mail on 127.0.0.1:{options.port}{PLAIN}; four samples, then the other doors:")
        good = [show(postern, number, sample) for number, sample in enumerate(SAMPLES, 1)]
        good += show_doors(postern.doors)
        print(f"\n{sum(good)} of {len(good)} verdicts as expected", flush=True)
        if options.once:
            return 0 if all(good) else 1
        invite(postern)
        follow(postern)
    except KeyboardInterrupt:
        print()
        return 0
    except AssertionError as failure:
        print(f"demo: {failure}", file=sys.stderr)
        return 1
    finally:
        status = postern.end()
        resolver.end()
        if status not in (0, None):
            print(f"demo: postern ended with status {status}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
