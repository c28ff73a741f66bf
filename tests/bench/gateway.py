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
import time
from pathlib import Path

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


def sieve(postern, kind, text, folder):
    """What the gateway compiles of its rules in its first minute, as the peers do before they are measured."""
    conf = folder / "first.conf"
    conf.write_text(text)
    kept = Path(postern).parent / f"sieve-{kind}"
    if not kept.is_dir():
        gateway = subprocess.Popen([postern, "run", "-c", conf], stdout=subprocess.DEVNULL)
        for _ in range(SIEVE_SECONDS):
            if gateway.poll() is not None or list(folder.glob("rules-[0-9a-f]*")):
                break
            time.sleep(1)
        gateway.terminate()
        gateway.wait()
        kept.mkdir()
        for path in folder.glob("rules-[0-9a-f]*"):
            shutil.copy(path, kept)
    for path in kept.iterdir():
        shutil.copy(path, folder)


def main(postern, kind, door, listen, dns, sink, folder, redis="", corpus=""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "kit"))
    from mail import make_cert

    folder = Path(folder)
    (folder / "state").mkdir(parents=True, exist_ok=True)
    make_cert(folder, "tls")
    on, said = KINDS[kind]
    off = [name for name in all_checks(postern) if on is not None and name not in on]
    user = pwd.getpwuid(os.getuid()).pw_name
    text = (CONF + DOORS[door]).format(folder=folder, user=user, dns=dns, listen=listen, sink=sink)
    text += "".join(f'check "{name}" {{ mode = off }}\n' for name in off) + said
    text += f'store {{ backend = redis  servers = {{"{redis}"}} }}\n' if redis else ""
    (folder / "gateway.conf").write_text(text)
    if corpus:
        learn(postern, folder / "gateway.conf", corpus)
        sieve(postern, kind, text.replace(listen, ELSEWHERE), folder / "state")
    os.execv(postern, [postern, "run", "-c", str(folder / "gateway.conf")])


if __name__ == "__main__":
    if not 8 <= len(sys.argv) <= 10:
        sys.exit("usage: gateway.py POSTERN proxy|auth|... DOOR LISTEN DNS SINK FOLDER [REDIS [CORPUS]]")
    main(*sys.argv[1:])
