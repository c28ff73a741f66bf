#!/usr/bin/python3
# tests/bench/gateway.py - the gateway as the shared benchmark starts it, with the configuration of one workload.
#
# usage: gateway.py POSTERN proxy|auth|greylist|full|rules DOOR LISTEN DNS SINK FOLDER [REDIS [CORPUS]]
#
# proxy: no check at all, to be held against plain proxies. auth: what the peers of the workload do: SPF, DKIM, DMARC,
# ARC, three block lists and an allow list; verdicts count nothing but tags, and nobody is held back, as in the peers.
# greylist: all mail is put off, and nothing else is done. full: what auth has, and all that is looked for in the
# message, Bayes (which has learned from CORPUS as the peers have), greylisting, limits and a list of domains. rules:
# the same with SpamAssassin's rules. With REDIS (host:port) the state is kept there.
import json
import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "kit"))
from mail import make_cert

CONF = """
hostname = "mx.local-bench.org"
state = "{folder}/state"
user = "{user}"
log {{ level = warn }}
dns {{ servers = {{"{dns}:53"}}  dnssec = no }}
actions {{ tag = 6  reject = 1000 }}
"""

# What each door needs besides.
DOORS = {
    "smtp": """
smtp {{
    listen = {{"{listen}"}}
    next_hop = "smtp://{sink}"
    next_hop_tls = none
    relay_domains = {{"local-bench.org", ".local-bench.org"}}
    xclient_clients = {{"127.0.0.0/8"}}
    clients {{ greet_wait = 0  tarpit = 0 }}
    tls_certificate = "{folder}/tls.pem"
    tls_key = "{folder}/tls.pem"
}}
""",
    "http": """
http {{ listen = {{"{listen}"}} }}
""",
    "milter": """
milter {{ listen = {{"{listen}"}} }}
""",
    "policy": """
policy {{ listen = {{"{listen}"}} }}
""",
}

LISTS = """
check "dnsbl" {
    zone "bl1.dnsbl-bench.net" { score = 4  test = no }
    zone "bl2.dnsbl-bench.net" { score = 4  test = no }
    zone "bl3.dnsbl-bench.net" { score = 4  test = no }
    zone "wl.dnsbl-bench.net" { score = -2  test = no }
}
check "dmarc" { mode = tag }
"""


GREYLIST = """
check "greylist" { when = always  delay = 300s }
"""

FULL = LISTS + """
check "greylist" { delay = 300s }
check "rates" {
    limit "ip" { key = client  rate = {"100000 / 1m"} }
    limit "from" { key = sender  rate = {"100000 / 1m"} }
}
check "uribl" { zone "dbl.dnsbl-bench.net" { score = 5  test = no } }
check "bayes" { mode = enforce }
"""
SPAMASSASSIN = """
check "rules" { own = no  files = {"/usr/share/spamassassin/*.cf"} }
"""
LEARNED_MOST = 250
SIEVE_SECONDS = 400
ELSEWHERE = "127.0.0.1:39599"

# Kind: the checks that are on, and what is said of them.
KINDS = {"proxy": ((), ""), "auth": (("rdns", "helo", "spf", "dnsbl", "dkim", "arc", "dmarc"), LISTS),
         "greylist": (("greylist",), GREYLIST), "full": (None, FULL), "rules": (None, FULL + SPAMASSASSIN)}


def all_checks(postern):
    default = subprocess.run([postern, "config", "default"], capture_output=True, text=True, check=True).stdout
    return re.findall(r'^check "(\w+)"', default, re.M)


def learn(postern, conf, corpus):
    paths = {True: [], False: []}
    with open(Path(corpus) / "envelopes.jsonl", encoding="utf-8") as lines:
        for line in lines:
            one = json.loads(line)
            if len(paths[one["spam"]]) < LEARNED_MOST:
                paths[one["spam"]].append(Path(corpus) / one["file"])
    for is_spam, files in paths.items():
        subprocess.run([postern, "learn", "spam" if is_spam else "ham", "-c", conf, *files], check=True,
                       stdout=subprocess.DEVNULL)


def kept_sieve(postern, kind):
    return Path(postern).parent / f"sieve-{kind}"


def compile_sieve(postern, kind):
    """What a gateway compiles of its rules in its first minutes, kept beside the program for all later runs."""
    kept = kept_sieve(postern, kind)
    if kind not in ("full", "rules") or kept.is_dir():
        return
    print(f"compiling the patterns of the {kind} rules, which takes minutes the first time", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        conf = configuration(postern, kind, "http", ELSEWHERE, "127.0.0.1", "127.0.0.1:25", Path(folder))
        gateway = subprocess.Popen([postern, "run", "-c", conf], stdout=subprocess.DEVNULL)
        found = []
        for _ in range(SIEVE_SECONDS):
            found = list(Path(folder, "state").glob("rules-[0-9a-f]*"))
            if gateway.poll() is not None or found:
                break
            time.sleep(1)
        gateway.terminate()
        gateway.wait()
        if not found:
            sys.exit(f"the patterns of the {kind} rules were not compiled in {SIEVE_SECONDS} s")
        kept.mkdir()
        for path in found:
            shutil.copy(path, kept)


def configuration(postern, kind, door, listen, dns, sink, folder, redis=""):
    """Writes gateway.conf, and what it names, into a folder, and returns its path."""
    (folder / "state").mkdir(parents=True, exist_ok=True)
    make_cert(folder, "tls")
    on, said = KINDS[kind]
    off = [name for name in all_checks(postern) if on is not None and name not in on]
    user = pwd.getpwuid(os.getuid()).pw_name
    text = (CONF + DOORS[door]).format(folder=folder, user=user, dns=dns, listen=listen, sink=sink)
    text += "".join(f'check "{name}" {{ mode = off }}\n' for name in off) + said
    text += f'store {{ backend = redis  servers = {{"{redis}"}} }}\n' if redis else ""
    conf = folder / "gateway.conf"
    conf.write_text(text)
    return conf


def main(postern, kind, door, listen, dns, sink, folder, redis="", corpus=""):
    folder = Path(folder)
    conf = configuration(postern, kind, door, listen, dns, sink, folder, redis)
    if corpus:
        learn(postern, conf, corpus)
        for path in kept_sieve(postern, kind).iterdir():
            shutil.copy(path, folder / "state")
    os.execv(postern, [postern, "run", "-c", conf])


if __name__ == "__main__":
    if not 8 <= len(sys.argv) <= 10:
        sys.exit("usage: gateway.py POSTERN proxy|auth|... DOOR LISTEN DNS SINK FOLDER [REDIS [CORPUS]]")
    main(*sys.argv[1:])
