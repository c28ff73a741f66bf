# tests/kit/sign_suite.py - the checks "dkim" and "arc" through tests/oracle/sign_probe.c, and the suites for them.
import base64
import json
import os
import pathlib
import subprocess


def folder():
    suites = os.environ.get("POSTERN_SUITES")
    if suites:
        return pathlib.Path(suites)
    return pathlib.Path(os.environ.get("POSTERN_SOURCE", ".")) / ".." / "shared" / "suites"


def floor(suite):
    source = pathlib.Path(os.environ.get("POSTERN_SOURCE", "."))
    for line in (source / "tests" / "conformance" / "floors.txt").read_text().splitlines():
        if line.split()[:1] == [suite]:
            return int(line.split()[1])
    raise KeyError(suite)


def crlf(message):
    return message.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def request(check, message, keys, now, **more):
    return {"check": check, "message": base64.b64encode(message).decode(), "keys": keys, "now": now, **more}


def probe(requests):
    program = pathlib.Path(os.environ.get("POSTERN_BUILD", "build/dev")) / "tests" / "sign_probe"
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    done = subprocess.run([program], input=lines, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def mail_dkim_keys(path):
    """{name: text} of Mail::DKIM's file of answers; names that it has fail are left out"""
    keys = {}
    for line in path.read_text().splitlines():
        name, _, text = line.strip().partition(" ")
        text = text.strip()
        if name and not name.startswith("#") and text != "NXDOMAIN" and not text.startswith("~~"):
            keys[name] = "" if text == '""' else text
    return keys
