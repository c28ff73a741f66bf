# tests/interop/test_strangers.py - who is not known waits for the greeting and has limits: passes, rates and
# connections at once, for one gateway and for two that share a Redis.
import contextlib
import os
import pwd
import socket
import time

from mail import make_cert, send_mail
from process import free_port, wait_for
from redis_servers import Redis
from servers import Gateway, Nsd

CONF = """
hostname = "mx.example.org"
log {{ level = debug }}
{more}
smtp {{
    listen = {{"127.0.0.1:{{port}}"}}
    next_hop = "maildir:{{folder}}/mail"
    relay_domains = {{"example.org"}}
    verify_recipients = no
    errors_soft = 100
    errors_hard = 100
    clients {{ known = {{}}  {clients} }}
    {keys}
}}
""" + "".join(f'check "{name}" {{{{ mode = off }}}}\n' for name in
              ("rdns", "helo", "spf", "sender", "greylist", "dkim", "arc", "dmarc"))
MAIL = "From: joe@sender.example\r\nSubject: hello\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n" \
       "Message-ID: <1@sender.example>\r\n\r\nHello.\r\n"


def gateway(clients, more="", keys=""):
    return Gateway(CONF.format(clients=clients, more=more, keys=keys))


class Client:
    def __init__(self, port, source="127.0.0.1"):
        self.socket = socket.create_connection(("127.0.0.1", port), 20, (source, 0))
        self.file = self.socket.makefile("rb")

    def line(self):
        return self.file.readline().decode().rstrip("\r\n")

    def say(self, *commands):
        """The last line of each reply."""
        said = []
        for command in commands:
            self.socket.sendall(command.encode() + b"\r\n")
            said.append(self.line())
            while said[-1][3:4] == "-":
                said[-1] = self.line()
        return said

    def close(self):
        self.file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.close()


def greeted(port):
    """The lines of the greeting."""
    with Client(port) as client:
        lines = [client.line()]
        while lines[-1].startswith("220-"):
            lines.append(client.line())
        client.say("QUIT")
    return lines


def test_who_has_waited_waits_no_more_until_it_misbehaves():
    with gateway("greet_wait = 300ms") as mx:
        began = time.monotonic()
        assert greeted(mx.port) == ["220-mx.example.org ESMTP Postern", "220 mx.example.org ESMTP Postern"]
        assert time.monotonic() - began >= 0.3
        mx.wait_log('what="PASS NEW"')
        assert greeted(mx.port) == ["220 mx.example.org ESMTP Postern"]
        mx.wait_log('what="PASS OLD"')
        with Client(mx.port) as client:
            client.line()
            client.socket.sendall(b"HELO a.example\r\nNOOP\r\n")
            mx.wait_log('what="COMMAND PIPELINING"')
        assert len(greeted(mx.port)) == 2
        with Client(mx.port):
            pass
        with Client(mx.port) as client:  # it has waited again meanwhile
            assert client.line().startswith("220 ")


def test_who_leaves_while_it_waits_is_told_of():
    with gateway("greet_wait = 30s") as mx:
        with Client(mx.port) as client:
            assert client.line().startswith("220-")
        mx.wait_log("what=HANGUP")


def test_too_many_connections_at_once():
    with gateway("greet_wait = 0  address { connections = 2 }  network { connections = 3 }") as mx:
        with contextlib.ExitStack() as stack:
            here = [stack.enter_context(Client(mx.port)) for _ in range(2)]
            assert all(client.line().startswith("220 ") for client in here)
            with Client(mx.port) as late:
                assert late.line() == "421 4.7.0 Too many connections at once from 127.0.0.1; try again later"
            neighbour = stack.enter_context(Client(mx.port, "127.0.0.2"))
            assert neighbour.line().startswith("220 ")
            with Client(mx.port, "127.0.0.3") as late:
                assert late.line() == "421 4.7.0 Too many connections at once from 127.0.0.0/24; try again later"
            stranger = stack.enter_context(Client(mx.port, "127.0.1.1"))
            assert stranger.line().startswith("220 ")
            here[0].say("QUIT")
            wait_for(lambda: greeted(mx.port) == ["220 mx.example.org ESMTP Postern"], 10, "a place to be free again")


def test_who_is_turned_away_takes_no_room():
    """Whether it closes its end or not: else a limit of connections would be none."""
    with gateway("greet_wait = 0  address { rate = 1 }") as mx, contextlib.ExitStack() as stack:
        def count():
            return len(os.listdir(f"/proc/{mx.child}/fd"))

        assert stack.enter_context(Client(mx.port)).line().startswith("220 ")
        before = count()
        for _ in range(30):
            client = stack.enter_context(Client(mx.port))
            assert client.line().startswith("421 4.7.0 Too many connections a minute") and client.line() == ""
        wait_for(lambda: count() < before + 5, 4, "the gateway to close")


def test_errors_and_recipients_count_for_the_next_connection():
    with gateway("greet_wait = 0  tarpit = 0  address { errors = 3  recipients = 2 }") as mx:
        with Client(mx.port) as client:
            client.line()
            said = client.say("HELO a.example", "MAIL FROM:<a@example.com>", *["RCPT TO:<u@example.org>"] * 3)
            assert [line[:9] for line in said[2:]] == ["250 2.1.5", "250 2.1.5", "452 4.7.0"]
        wait_for(lambda: "recipients a minute from 127.0.0.1" in greeted(mx.port)[0], 10, "the recipients to be told")
        with Client(mx.port, "127.0.0.9") as client:
            client.line()
            client.say(*["FOO"] * 4)

        def is_refused():
            with Client(mx.port, "127.0.0.9") as again:
                return again.line() == "421 4.7.0 Too many errors a minute from 127.0.0.9; try again later"

        wait_for(is_refused, 10, "the errors to be told")
        with Client(mx.port, "127.0.0.8") as other:
            assert other.line().startswith("220 ")


def test_who_misbehaves_is_held_back():
    with gateway("greet_wait = 0") as mx:
        with Client(mx.port) as client:
            client.line()
            began = time.monotonic()
            client.say("NOOP")
            assert client.say("Subject: hello") == ["500 5.5.1 This command is unknown here"]
            held = time.monotonic()
            assert client.say("NOOP")[0].startswith("250")
            assert time.monotonic() - held >= 0.9 > held - began, "a second for one bad sign, and none for no sign"
        mx.wait_log('what="NON-SMTP COMMAND"')


def test_what_may_be_a_password_is_not_shown():
    """Also of who logs in where no logins are, before the greeting or after."""
    secret, cyrillic = "AGpvZQBzM2NyM3Q=", "0L/QsNGA0L7Qu9GM"       # the second is no command: it begins with a digit
    with gateway("greet_wait = 1s  tarpit = 0") as mx:
        with Client(mx.port) as early:
            assert early.line().startswith("220-")
            early.socket.sendall(f"EHLO bot.example\r\nAUTH PLAIN {secret}\r\n".encode())
            mx.wait_log(r'said="EHLO bot.example\x0d\x0a"')
        with Client(mx.port) as bot:
            while not bot.line().startswith("220 "):
                pass
            assert [line[:3] for line in bot.say("EHLO bot.example", "AUTH LOGIN", cyrillic)] == ["250", "502", "500"]
            mx.wait_log('what="NON-SMTP COMMAND"')
        assert secret[:6] not in mx.log and cyrillic[:6] not in mx.log, mx.log


def test_strangers_have_to_be_quick_while_connections_are_scarce():
    with gateway("greet_wait = 0  busy_timeout = 1s  busy = 50", keys="connections = 8") as mx:
        with contextlib.ExitStack() as stack:
            here = [stack.enter_context(Client(mx.port)) for _ in range(3)]
            assert [client.line()[:4] for client in here] == ["220 "] * 3
            erring = stack.enter_context(Client(mx.port))
            mx.wait_log("event=busy")
            erring.line()
            assert erring.say("FOO") == ["500 5.5.1 This command is unknown here"]
            assert erring.line().startswith("421 4.7.0 Too many errors")
            for client in here:
                assert client.line().startswith("421 4.4.2 Nothing was heard from you for too long")


LISTED = "9.113.0.203.wl.example A 127.0.0.2\n2.0.0.127.wl.example A 127.0.0.2"  # and its test point
VOUCHES = """dns {{ servers = {{"{dns}"}}  dnssec = no }}
check "dnsbl" {{ zone "wl.example" {{ answer "127.0.0.2" {{ score = -2.0  symbol = "RCVD_IN_WL" }} }} }}"""


def test_an_allow_list_ends_the_wait_and_limits_are_of_the_client_behind_a_proxy():
    clients = "greet_wait = 60s  address { connections = 1 }"
    with Nsd(LISTED) as dns, gateway(clients, VOUCHES.format(dns=dns.endpoint),
                                     'proxy_clients = {"127.0.0.1"}') as mx:
        def come(address, stack):
            client = stack.enter_context(Client(mx.port))
            client.socket.sendall(f"PROXY TCP4 {address} 192.0.2.1 4711 25\r\n".encode())
            return client

        with contextlib.ExitStack() as stack:
            listed = come("203.0.113.9", stack)
            assert listed.line() == "220-mx.example.org ESMTP Postern"
            assert listed.line() == "220 mx.example.org ESMTP Postern"
            mx.wait_log('what="PASS NEW" client=203.0.113.9')
            told = come("203.0.113.9", stack).line()
            assert told == "421 4.7.0 Too many connections at once from 203.0.113.9; try again later"
            stranger = come("203.0.113.10", stack)
            assert stranger.line() == "220-mx.example.org ESMTP Postern"
            stranger.socket.sendall(b"EHLO early.example\r\n")
            assert stranger.line() == "220 mx.example.org ESMTP Postern"
            mx.wait_log("what=PREGREET client=203.0.113.10")


def test_lmtp_behind_a_proxy_has_no_limits():
    port = free_port()
    with gateway("greet_wait = 60s  address { connections = 1  rate = 1 }", "",
                 f'proxy_clients = {{"127.0.0.1"}}  listener "127.0.0.1:{port}" {{ protocol = lmtp }}'):
        with contextlib.ExitStack() as stack:
            for _ in range(3):
                client = stack.enter_context(Client(port))
                client.socket.sendall(b"PROXY TCP4 203.0.113.9 192.0.2.1 4711 25\r\n")
                assert client.line().startswith("220 mx.example.org LMTP")


def test_who_leaves_before_its_handshake_leaves_nothing_behind(tmp_path):
    """While the state store is asked about the client it says a word and shuts its side."""
    make_cert(tmp_path)
    port = free_port()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = f'store {{ backend = redis  servers = {{"127.0.0.1:{silent.getsockname()[1]}"}}  timeout = 1s }}'
        keys = f'listener "127.0.0.1:{port}" {{ tls = implicit }}  tls_certificate = "{tmp_path}/mx.example.org.crt"' \
               f'  tls_key = "{tmp_path}/mx.example.org.key"'
        user = f'user = "{pwd.getpwuid(os.getuid()).pw_name}"\n'
        with gateway("", user + store, keys) as mx, socket.create_connection(("127.0.0.1", port), 20) as client:
            client.sendall(b"\x16")
            client.shutdown(socket.SHUT_WR)
            assert client.recv(100) == b""
            mx.wait_log("what=tls")


def test_gateways_share_passes_and_rates_and_go_on_alone():
    with Redis() as redis:
        store = f'store {{ backend = redis  servers = {{"{redis.endpoint}"}}  timeout = 1s }}'
        clients = "greet_wait = 200ms  address { rate = 6 }"
        with gateway(clients, store) as one, gateway(clients, store) as two:
            assert len(greeted(one.port)) == 2
            assert len(greeted(two.port)) == 1
            assert send_mail(two.port, "joe@sender.example", "user@example.org", MAIL)[0] == 250
            key = "postern:k:smtp-pass:127.0.0.1/32"
            wait_for(lambda: redis.cli("get", key).startswith("good "), 10, "a good pass")
            assert 29 * 86400000 < int(redis.cli("pttl", key)) <= 30 * 86400000
            said = [greeted(port)[-1] for port in (one.port, two.port) * 3]
            assert said[-1] == "421 4.7.0 Too many connections a minute from 127.0.0.1; try again later"
            redis.kill()
            alone = [greeted(one.port)[0] for _ in range(8)]
            assert alone[0] == "220 mx.example.org ESMTP Postern"  # for want of a store nobody waits, or is turned away
            assert alone[-1].startswith("421 4.7.0 Too many connections a minute"), alone
