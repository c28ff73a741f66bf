# tests/interop/test_descriptors.py - the limit of open files: raised to what `connections` need, or told of.
import os
import re
import smtplib
from pathlib import Path

import pytest

from servers import Gateway, needs

CONF = """
hostname = "mx.example.org"
smtp {
    listen = {"127.0.0.1:{port}"}
    next_hop = "maildir:{folder}/mail"
    relay_domains = {"example.org"}
    connections = 3000
}
"""
SYS_RESOURCE = 24


def may_raise():
    mask = re.search(r"^CapEff:\s+(\w+)", Path("/proc/self/status").read_text(), re.M)[1]
    return bool(int(mask, 16) >> SYS_RESOURCE & 1)


def limit(pid):
    return int(re.search(r"^Max open files\s+(\d+)", Path(f"/proc/{pid}/limits").read_text(), re.M)[1])


def test_what_cannot_be_held_is_said():
    wrapper = [needs("prlimit"), "--nofile=900:900"]
    if os.getuid() == 0:
        wrapper = [needs("setpriv"), "--bounding-set", "-sys_resource", *wrapper]
    with Gateway(CONF, wrapper=wrapper) as mx:
        mx.wait_log("event=descriptors")
        assert "900 files may be open at once" in mx.log and re.search(r"together may take 6\d\d\d:", mx.log)
        with smtplib.SMTP("127.0.0.1", mx.port, timeout=20) as smtp:
            assert smtp.noop()[0] == 250


def test_root_raises_it():
    if not may_raise():
        pytest.skip("this process may not raise its limit of open files")
    with Gateway(CONF, wrapper=[needs("prlimit"), "--nofile=900:900"]) as mx:
        assert 6000 < limit(mx.child) < 7000
        assert "event=descriptors" not in mx.log
