# tests/interop/test_rates.py - limits by rate through the gateway itself: hit, waited for, given back, reset, shared.
import json
import re
import socket
import subprocess
import time

from mail import Client
from milter import Milter
from process import BUILD, Server, free_port, program, wait_for
from servers import Gateway
from sink import SmtpSink

CONF = """
hostname = "mx.example.org"
state = "{folder}/state"
dns { servers = {"127.0.0.1:9"}  timeout = 200ms }
smtp { listen = {"127.0.0.1:{port}"}  next_hop = "{hop}"  relay_domains = {"example.org"}
       xclient_clients = {127.0.0.0/8} }
check "rdns" { mode = off }
check "helo" { mode = off }
check "spf" { mode = off }
check "rhsbl" { mode = off }
check "greylist" { mode = off }
{limits}
"""
MAIL = b"From: a@example.net\r\nSubject: x\r\n\r\nbody\r\n"


class Redis(Server):
    """A redis-server that keeps nothing on disk; it may be ended and started again on its port."""

    name = "redis"

    def __init__(self):
        super().__init__()
        self.port = free_port()

    def command(self):
        return [program("redis-server"), "--port", self.port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]

    @property
    def conf(self):
        return f'store {{ backend = redis  servers = {{"127.0.0.1:{self.port}"}}  timeout = 500ms }}\n'


def gateway(limits, hop="maildir:{folder}/mail", **options):
    return Gateway(CONF.replace("{limits}", limits).replace("{hop}", hop), **options)


def rates(server, *words):
    return subprocess.run([BUILD / "postern", "rates", "-c", server.folder / "gateway.conf", *words],
                          capture_output=True, text=True, timeout=60, check=False)


def buckets(server):
    done = rates(server, "--all", "--json")
    assert done.returncode == 0, done.stderr
    return {bucket["key"]: bucket for bucket in json.loads(done.stdout)}


def connect(server, ip="192.0.2.7"):
    client = Client(server.port)
    client.ehlo()
    assert client.xclient(addr=ip)[0] == 220
    client.ehlo()
    return client


def send(server, recipients=("user@example.org",), ip="192.0.2.7", sender="a@example.net"):
    """The codes of the recipients, and of the message: 0 when none was taken."""
    client = connect(server, ip)
    client.mail(sender)
    codes = [client.rcpt(recipient)[0] for recipient in recipients]
    told = client.data(MAIL)[0] if 250 in codes else 0
    client.quit()
    return codes, told


def test_a_limit_is_hit_waited_for_and_reset():
    with gateway('check "rates" { limit "net" { key = "client/24"  rate = "3 / 6s" } }') as server:
        for _ in range(3):
            assert send(server) == ([250], 250)
        client = connect(server, "192.0.2.99")  # the same network
        client.mail("b@example.net")
        code, text = client.rcpt("user@example.org")
        assert code == 451 and text.startswith(b"4.7.1 Too much mail (limit net), try again in "), text
        seconds = int(re.search(rb"in (\d+) second", text).group(1))
        assert 1 <= seconds <= 3, text
        server.wait_log(" action=defer ")
        assert re.search(r'by=rates .*why="RATE_LIMITED: net: 192\.0\.2\.0/24 is at \S+ of 3 ', server.log), server.log
        assert client.rcpt("postmaster@example.org")[0] == 250
        client.quit()
        assert send(server, ip="192.0.3.7") == ([250], 250)  # another one

        listed = rates(server)
        assert listed.returncode == 0 and "net/6s:192.0.2.0/24" in listed.stdout, listed
        shown = rates(server, "show", "192.0.2.0/24")
        assert "3 / 6s by client/24/64, held at RCPT" in shown.stdout and "refused   1, the last one 2" in shown.stdout

        began = time.monotonic()
        wait_for(lambda: send(server) == ([250], 250), 10, "room")
        assert time.monotonic() - began < 5  # two seconds, and what a slow machine takes
        while send(server)[1]:
            pass
        done = rates(server, "reset", "net/6s:192.0.2.0/24")
        assert (done.returncode, done.stdout) == (0, "emptied: net/6s:192.0.2.0/24\n"), done
        for _ in range(2):
            assert send(server) == ([250], 250)
        assert rates(server, "reset", "192.0.2.0/25").returncode == 3


def test_recipients_that_are_not_delivered_to_are_given_back():
    def script(verb, argument, dialogue):
        if verb == "RCPT" and "unknown" in argument:
            return "550 5.1.1 nobody of that name"
        if verb == "BODY" and dialogue.mail and "later" in dialogue.mail:
            return "451 4.3.0 later"
        return None

    limits = 'check "rates" { limit "x" { key = client  rate = {"4 / 1d", "9 / 7d"}  cost = recipient } }'
    with SmtpSink(script) as sink, gateway(limits, f"smtp://127.0.0.1:{sink.port}") as server:
        for _ in range(4):  # the next hop takes none of them
            assert send(server, ["unknown1@example.org", "unknown2@example.org"])[0] == [550, 550]
            assert send(server, ["a@example.org", "b@example.org"], sender="later@example.net")[1] == 451
        client = connect(server)  # one that goes away, after RSET and without
        for _ in range(2):
            client.mail("a@example.net")
            assert client.rcpt("a@example.org")[0] == 250
            client.rset()
        client.mail("a@example.net")
        assert client.rcpt("a@example.org")[0] == 250
        client.close()
        wait_for(lambda: all(b["level"] < 0.01 for b in buckets(server).values()), 10, "all to be given back")

        everybody = [f"{name}@example.org" for name in "abcdef"]
        codes, told = send(server, everybody)
        assert codes == [250] * 4 + [451] * 2 and told == 250
        assert len(sink.messages[-1]["rcpts"]) == 4
        after = buckets(server)
        assert 3.9 < after["x/1d:192.0.2.7"]["level"] <= 4, after
        assert 3.9 < after["x/7d:192.0.2.7"]["level"] <= 4, after  # what the others had room for there is back
        assert after["x/1d:192.0.2.7"]["limited"] and not after["x/7d:192.0.2.7"]["limited"]
        assert after["x/1d:192.0.2.7"]["refused"] == 2


def test_two_gateways_share_what_they_count():
    limits = 'check "rates" { limit "x" { key = client  rate = 6/d } }'
    with gateway(limits) as one:
        text = CONF.replace("{limits}", limits).replace("{hop}", "maildir:{folder}/mail")
        with Gateway(text.replace('"{folder}/state"', f'"{one.folder}/state"')) as other:
            told = [send(server)[0][0] for _ in range(5) for server in (one, other)]
            assert told == [250] * 6 + [451] * 4
            assert len(one.mails()) == len(other.mails()) == 3


def test_sizes_and_late_refusals():
    limits = 'check "rates_message" { limit "vol" { key = sender_domain  rate = "100 / 1d"  cost = byte } }'
    with gateway(limits) as server:
        assert send(server) == ([250], 250)
        assert send(server) == ([250], 250)
        assert send(server) == ([250], 451)
        assert send(server, sender="a@example.com") == ([250], 250)
        after = buckets(server)["vol/1d/message:example.net"]
        assert 2 * len(MAIL) - 1 < after["level"] <= 2 * len(MAIL) and after["stage"] == "message", after


DOORS = """
milter { listen = {"unix:{folder}/milter"} }
policy { listen = {"unix:{folder}/policy"} }
check "rates" { limit "x" { key = client  rate = "6 / 1d" } }
"""


def by_milter(server, ip):
    """451 or 250."""
    with Milter(f"{server.folder}/milter") as mta:
        mta.negotiate()
        mta.connect(ip)
        mta.helo()
        result = mta.send_message(MAIL, "a@example.net", ["user@example.org"])
        return int(result.reply[:3]) if result.final == "y" else 250


def by_policy(server, ip):
    with socket.socket(socket.AF_UNIX) as postfix:
        postfix.settimeout(20)
        postfix.connect(f"{server.folder}/policy")
        postfix.sendall(f"request=smtpd_access_policy\nprotocol_state=RCPT\nclient_address={ip}\n"
                        "sender=a@example.net\nrecipient=user@example.org\ninstance=1\n\n".encode())
        postfix.shutdown(socket.SHUT_WR)
        answer = postfix.makefile().read()
    return 451 if answer.startswith("action=DEFER_IF_PERMIT 4.7.1 Too much mail") else 250


def test_all_doors_count_into_the_same_buckets():
    def told(server, ip):
        doors = (lambda: send(server, ip=ip)[0][0], lambda: by_milter(server, ip), lambda: by_policy(server, ip))
        return [door() for _ in range(3) for door in doors]

    redis = Redis()
    with gateway(DOORS) as server:
        assert told(server, "192.0.2.7") == [250] * 6 + [451] * 3
    with redis, gateway(redis.conf + DOORS) as server:
        assert told(server, "192.0.2.7") == [250] * 6 + [451] * 3
        redis.end()
        assert told(server, "192.0.2.8") == [250] * 6 + [451] * 3


def test_redis_is_shared_and_while_it_is_out_each_counts_for_itself():
    limits = 'check "rates" { limit "x" { key = client  rate = 6/d } }'
    redis = Redis()
    with redis:
        with gateway(redis.conf + limits) as one, gateway(redis.conf + limits) as other:
            told = [send(server)[0][0] for _ in range(4) for server in (one, other)]
            assert told == [250] * 6 + [451] * 2
            assert rates(one, "reset", "192.0.2.7").stdout == "emptied: x/1d:192.0.2.7\n"
            assert [send(server)[0][0] for server in (one, other)] == [250, 250]

            redis.end()
            for server in (one, other):  # no mail is lost, and none without bounds
                assert [send(server, ip="192.0.2.9")[0][0] for _ in range(8)] == [250] * 6 + [451] * 2
                server.wait_log("limits are counted by each gateway for itself")
            done = rates(one)
            assert done.returncode == 3 and "postern: rates: the state store cannot be read: " in done.stderr, done

            redis.start()
            wait_for(lambda: send(one, ip="192.0.2.9")[0][0] == 250, 20, "the store to be asked again")
            assert buckets(other)["x/1d:192.0.2.9"]["level"] > 0.9
