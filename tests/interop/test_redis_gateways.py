# tests/interop/test_redis_gateways.py - gateways that share a Redis: they greylist as one and know the same recipients,
# mail goes on when it is gone, silent, full or only reading, and what it holds moves to LMDB and back.
import json
import os
import signal
import socket
import subprocess
import time

import pytest

from mail import send_mail
from process import BUILD, wait_for
from redis_servers import Redis
from servers import Gateway, Nsd
from sink import SmtpSink

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


FULL = [["config", "set", "maxmemory", "1mb"], ["config", "set", "maxmemory-policy", "noeviction"]]
NOT_FULL = [["config", "set", "maxmemory", "0"]]
TROUBLES = [  # what is done to it, what the log says of it, and how it is mended
    ("silent", lambda r: r.signal(signal.SIGSTOP), "did not answer", lambda r: r.signal(signal.SIGCONT)),
    ("full", lambda r: [r.cli(*words) for words in FULL], "memory is full", lambda r: [r.cli(*w) for w in NOT_FULL]),
    ("a replica", lambda r: r.cli("replicaof", "127.0.0.1", 1), "replica", lambda r: r.cli("replicaof", "no", "one")),
]


def test_mail_goes_on_whatever_is_wrong_with_it(dns):
    """Greylisting off, with an alarm; nobody waits long, nothing is lost; and greylisting again when it is mended."""
    with Redis() as redis, Gateway(CONF.format(dns=dns.endpoint, redis=redis.endpoint)) as mx:
        sent = 0

        def send(sender):
            began = time.monotonic()
            code = send_mail(mx.port, sender, "user@example.org", MAIL.replace("<1@", f"<{sent}@"),
                             xclient={"addr": "203.0.113.99", "name": "[UNAVAILABLE]"})[0]
            assert time.monotonic() - began < 10
            return code

        assert send("first@sender.example") == 451
        for name, harm, words, mend in TROUBLES:
            since = len(mx.log)
            harm(redis)
            for i in range(2):
                assert send(f"{name[0]}{i}@sender.example") == 250, f"{name}: {mx.log[since:]}"
                sent += 1
            wait_for(lambda: len(mx.mails()) == sent, 20, "the mail")
            mend(redis)
            wait_for(lambda: send(f"{name[0]}-again-{time.monotonic_ns()}@sender.example") == 451, 30,
                     f"greylisting again after {name}")
            assert words in mx.log, f"{name}: {mx.log[since:]}"
            sent = len(mx.mails())
        assert "event=alarm" in mx.log


VERIFYING = """
hostname = "mx.example.org"
dns {{ servers = {{"{dns}"}}  dnssec = no }}
store {{ {store}  timeout = 1s }}
smtp {{
    listen = {{"127.0.0.1:{{port}}"}}
    next_hop = "smtp://127.0.0.1:{hop}"
    relay_domains = {{"example.org"}}
    verify_good = {good}
    verify_bad = {bad}
}}
check "sender" {{ mode = off }}
check "greylist" {{ mode = off }}
"""


def test_gateways_know_the_same_recipients(dns):
    def script(verb, argument, _):
        return "550 5.1.1 no such user" if verb == "RCPT" and "bad@" in argument else \
               "550 5.7.1 we do not like you" if verb == "RCPT" and "choosy@" in argument else None

    def send(gateway, user):
        return send_mail(gateway.port, "joe@sender.example", f"{user}@example.org", MAIL)

    with Redis() as redis, SmtpSink(script) as sink:
        def asked():
            return len([c for c in sink.commands if c[0] == "RCPT"])

        def conf(good="1h", bad="5m"):
            return VERIFYING.format(dns=dns.endpoint, store=f'backend = redis  servers = {{"{redis.endpoint}"}}',
                                    hop=sink.port, good=good, bad=bad)

        with Gateway(conf()) as one, Gateway(conf(bad="0")) as two, Gateway(conf()) as three:
            assert send(one, "good")[0] == 250
            assert send(one, "bad")[:1] == (550,)
            assert send(one, "choosy")[0] == 550
            keys = f"postern:v:mx.example.org!smtp://127.0.0.1:{sink.port} *@example.org"
            wait_for(lambda: len(redis.cli("keys", keys).splitlines()) == 2, 20, "what the first has learned")
            assert "choosy" not in redis.cli("keys", keys)
            ttl = [int(redis.cli("pttl", key)) for key in sorted(redis.cli("keys", keys).splitlines())]
            assert 0 < ttl[0] <= 300000 < ttl[1] <= 3600000, ttl
            before = asked()
            refused = send(three, "bad")
            assert refused[0] == 550 and "5.1.1 no such user" in refused[1] and asked() == before
            assert send(three, "good")[0] == 250
            assert asked() == before + 1  # in the delivery itself
            assert send(two, "bad")[0] == 550 and asked() == before + 2  # it wants none that are bad remembered
            redis.signal(signal.SIGSTOP)
            with socket.create_connection(("127.0.0.1", three.port)) as gone:  # while the store is being asked
                gone.sendall(b"EHLO c.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<new@example.org>\r\n")
                gone.recv(100)
            began = time.monotonic()
            assert send(three, "other")[0] == 250 and asked() == before + 4
            redis.kill()
            assert send(three, "another")[0] == 250 and asked() == before + 6
            assert send(three, "bad")[0] == 550 and asked() == before + 6  # from memory
            assert time.monotonic() - began < 10


def test_recipients_outlive_a_restart(dns):
    with SmtpSink() as sink:
        conf = VERIFYING.format(dns=dns.endpoint, store="backend = lmdb", hop=sink.port, good="1h", bad="5m")
        with Gateway(conf) as mx:
            assert send_mail(mx.port, "joe@sender.example", "user@example.org", MAIL)[0] == 250
            told = mx.log.count("ready")
            os.kill(mx.process.pid, signal.SIGHUP)  # another process, and another memory
            wait_for(lambda: mx.log.count("ready") > told, 20, "the new gateway")
            before = len([c for c in sink.commands if c[0] == "RCPT"])
            assert send_mail(mx.port, "jim@sender.example", "user@example.org", MAIL)[0] == 250
            assert len([c for c in sink.commands if c[0] == "RCPT"]) == before + 1


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
