# tests/interop/test_redis_gateways.py - gateways that share a Redis: they greylist as one, mail goes on when it is
# gone, and what it holds moves to LMDB and back.
import json
import os
import subprocess
import time

import pytest

from mail import send_mail
from process import BUILD, wait_for
from redis_servers import Redis
from servers import Gateway, Nsd

CONF = """
hostname = "mx.example.org"
dns {{ servers = {{"{dns}"}}  dnssec = no }}
store {{ backend = redis  servers = {{"{redis}"}}  timeout = 1s }}
smtp {{
    listen = {{"127.0.0.1:{{port}}"}}
    next_hop = "maildir:{{folder}}/mail"
    relay_domains = {{"example.org"}}
    xclient_clients = {{"127.0.0.1"}}
}}
check "sender" {{ mode = off }}
check "greylist" {{ delay = 2s  retry_window = 5m  when = always }}
"""
MAIL = "From: joe@sender.example\r\nSubject: hello\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n" \
       "Message-ID: <1@sender.example>\r\n\r\nHello.\r\n"


@pytest.fixture(name="dns", scope="module")
def a_dns():
    with Nsd() as server:
        yield server


def test_two_gateways_greylist_as_one_and_mail_goes_on_without_it(dns):
    def send(gateway, sender="joe@sender.example"):
        return send_mail(gateway.port, sender, "user@example.org", MAIL,
                         xclient={"addr": "203.0.113.99", "name": "[UNAVAILABLE]"})

    with Redis() as redis:
        conf = CONF.format(dns=dns.endpoint, redis=redis.endpoint)
        with Gateway(conf) as one, Gateway(conf) as two:
            assert send(one)[0] == send(two)[0] == 451
            wait_for(lambda: send(two)[0] == 250, 20, "the second gateway to take what the first has put off")
            assert send(one)[0] == 250
            keys = redis.cli("keys", "postern:g:{*").split("\n")
            assert len(keys) >= 2 and all(0 < int(redis.cli("pttl", key)) for key in keys), keys
            redis.kill()
            began = time.monotonic()
            assert send(one, "new@sender.example")[0] == 250  # nobody waits for a store that is gone
            assert time.monotonic() - began < 10
            one.wait_log("left alone")
            assert "event=alarm" in one.log
            redis.start()
            one.wait_log("works again")
            assert send(one, "newer@sender.example")[0] == 451


def store(conf, *words, stdin=None):
    done = subprocess.run([BUILD / "postern", "store", words[0], "-c", conf, *words[1:]], stdin=stdin,
                          capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done
    return done.stdout


def test_state_moves_to_lmdb_and_back(tmp_path):
    user = f'user = "{"nobody" if os.geteuid() == 0 else "postern"}"\n'
    for folder in (tmp_path, *tmp_path.parents[:-2]):
        folder.chmod(0o755)
    (tmp_path / "lmdb.conf").write_text(f'state = "{tmp_path}/state"\n{user}')
    with Redis() as redis:
        (tmp_path / "redis.conf").write_text(
            f'state = "{tmp_path}/state"\n{user}store {{ backend = redis  servers = {{"{redis.endpoint}"}} }}\n')
        for i in range(60):
            redis.cli("set", f"postern:k:{i}", f"value {i}", *(("px", 3600000 + i) if i else ()))
        redis.cli("lpush", "postern:list", "of somebody else's")
        redis.cli("set", "others:k", "x")
        exported = store(tmp_path / "redis.conf", "export")
        assert {json.loads(line)["key"] for line in exported.splitlines()} == {f"k:{i}" for i in range(60)}
        (tmp_path / "state.json").write_bytes(exported)
        assert b" 60 imported" in store(tmp_path / "lmdb.conf", "import", tmp_path / "state.json")
        redis.cli("flushall")
        (tmp_path / "again.json").write_bytes(store(tmp_path / "lmdb.conf", "export"))
        assert b" 60 imported" in store(tmp_path / "redis.conf", "import", tmp_path / "again.json")
        assert b" 60 kept" in store(tmp_path / "redis.conf", "import", tmp_path / "again.json")
        assert sorted(store(tmp_path / "redis.conf", "export").splitlines()) == sorted(exported.splitlines())
        assert redis.cli("pttl", "postern:k:0") == "-1" and int(redis.cli("pttl", "postern:k:59")) > 3000000
        assert b"60" in store(tmp_path / "redis.conf", "info")
