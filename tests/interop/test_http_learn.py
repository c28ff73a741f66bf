# tests/interop/test_http_learn.py - learning over the scan API: rspamd's /learnspam and /learnham, spamd's TELL; by
# rspamc, spamc and sockets.
import json
import subprocess

import openmetrics
import pytest

from process import BUILD
from scan_api import Caller, conf, fetch, post, spamd
from servers import Gateway, needs

TRUSTED = 'trusted = {"127.0.0.1"}'
BAYES = 'check "bayes" { learned = 3 }\n'
MESSAGE = (b"From: a@plain.example\r\nTo: joe@here.example\r\nSubject: cheap pills\r\n"
           b"Message-ID: <one@plain.example>\r\n\r\nwinner prize claim cash lottery\r\n")


@pytest.fixture(scope="module")
def server():
    with Gateway(conf("127.0.0.1:9", TRUSTED, BAYES)) as running:
        yield running


@pytest.fixture
def gateway(server):
    """It knows of nothing, before and after."""
    yield server
    for number in (b"<one", *(b"<%d" % i for i in range(5))):
        tell(server, FORGET, MESSAGE.replace(b"<one", number))
    assert counts(server) == (0, 0)


def cli(gateway, *words, body=MESSAGE):
    done = subprocess.run([BUILD / "postern", *words[:2], "-c", gateway.folder / "gateway.conf", *words[2:]],
                          input=body, capture_output=True, timeout=60, check=True)
    return done.stdout.decode()


def counts(gateway, *words):
    lines = cli(gateway, "learn", "status", *words).splitlines()
    return int(lines[0].split()[1]), int(lines[1].split()[1])


def teach(gateway, path, fields=b"", body=MESSAGE):
    with Caller(gateway.port) as caller:
        status, _, answer = caller.ask(post(body, fields, path=path))
        return status, json.loads(answer)


def tell(gateway, fields, body=MESSAGE):
    return spamd(gateway.port, b"TELL SPAMC/1.5\r\nContent-length: %d\r\n%s\r\n" % (len(body), fields), body, True)


SPAM, HAM = b"Message-class: spam\r\nSet: local\r\n", b"Message-class: ham\r\nSet: local\r\n"
FORGET = b"Remove: local\r\n"
OK = b"SPAMD/1.1 0 EX_OK\r\n"


def test_rspamds_words(gateway):
    before = json.loads(fetch(gateway.port, "/stat")[2])["learned"]
    assert teach(gateway, "/learnspam") == (200, {"success": True})
    assert counts(gateway) == (1, 0)
    status, answer = teach(gateway, "/learnspam")
    assert (status, answer) == (208, {"error": "<one@plain.example> has been already learned as spam, ignore it"})
    assert teach(gateway, "/learnham") == (200, {"success": True})
    assert counts(gateway) == (0, 1)
    gateway.wait_log("event=lesson door=http client=127.0.0.1 as=ham message_id=one@plain.example")
    assert "outcome=relearned" in gateway.log
    status, answer = teach(gateway, "/learnspam", body=b"")
    assert status == 400 and "nothing in this message" in answer["error"]
    assert teach(gateway, "/learnspam", b"IP: nowhere\r\n")[0] == 400
    assert counts(gateway) == (0, 1)
    assert json.loads(fetch(gateway.port, "/stat")[2])["learned"] == before + 2
    values = openmetrics.read(fetch(gateway.port, "/metrics")[2].decode())
    assert openmetrics.value(values, "rspamd_learned_total") == before + 2


def test_several_lessons_on_one_connection(gateway):
    """What is asked meanwhile waits for the lesson."""
    with Caller(gateway.port) as caller:
        caller.sendall(b"".join(post(MESSAGE.replace(b"<one", b"<%d" % i), b"", path="/learnspam") for i in range(5)))
        assert [caller.response()[0] for _ in range(5)] == [200] * 5
    assert counts(gateway) == (5, 0)


def test_spamds_words(gateway):
    assert tell(gateway, SPAM) == OK + b"DidSet: local\r\n\r\n\r\n"
    assert tell(gateway, SPAM) == OK + b"\r\n\r\n"  # it was so already
    assert tell(gateway, HAM) == OK + b"DidSet: local\r\n\r\n\r\n"
    assert counts(gateway) == (0, 1)
    assert tell(gateway, FORGET) == OK + b"DidRemove: local\r\n\r\n\r\n"
    assert tell(gateway, FORGET) == OK + b"\r\n\r\n"
    assert counts(gateway) == (0, 0)
    assert "records        0" in cli(gateway, "store", "info")  # exactly as it was
    assert tell(gateway, b"Message-class: spam\r\nSet: remote\r\n") == OK + b"\r\n\r\n"  # nobody is told
    assert counts(gateway) == (0, 0)


@pytest.mark.parametrize("fields, says", [
    (b"Message-class: spam\r\nSet: local\r\nRemove: local\r\n",
     b"SPAMD/1.0 76 Unable to set local and remove local in the same operation.\r\n"),
    (b"Set: local\r\n", b"SPAMD/1.0 76 (Message-class header contains invalid class)\r\n"),
    (b"Message-class: eggs\r\nSet: local\r\n", b"SPAMD/1.0 76 (Message-class header contains invalid class)\r\n"),
])
def test_what_tell_cannot_mean_teaches_nothing(gateway, fields, says):
    assert tell(gateway, fields) == says
    assert counts(gateway) == (0, 0)


def test_all_ways_of_learning_know_of_each_other(gateway):
    """However lines end: the lesson is the message's."""
    assert teach(gateway, "/learnspam")[0] == 200
    assert "1 were known as spam already" in cli(gateway, "learn", "spam", "-")
    assert tell(gateway, SPAM, MESSAGE.replace(b"\r\n", b"\n")) == OK + b"\r\n\r\n"
    assert "1 forgotten" in cli(gateway, "learn", "forget", "-")
    assert tell(gateway, FORGET) == OK + b"\r\n\r\n"


def test_a_long_header_is_the_same_lesson_by_all_ways(gateway):
    """More fields than the SMTP door lets in by default, the words that tell most behind them."""
    long = b"".join(b"X-Filler-%d: f\r\n" % i for i in range(1200)) + MESSAGE
    try:
        assert b"DidSet: local" in tell(gateway, SPAM, long)
        assert "1 were known as spam already" in cli(gateway, "learn", "spam", "-", body=long)
        assert teach(gateway, "/learnspam", body=long)[0] == 208
        assert "1 of them had nothing in them" in cli(gateway, "learn", "spam", "-", body=b"\r\n")
        assert counts(gateway) == (1, 0)
    finally:
        assert "1 forgotten" in cli(gateway, "learn", "forget", "-", body=long)


def test_whose_mail_it_was(gateway):
    """Classes of recipients, where the configuration has them, and the client tells of one."""
    with Gateway(conf("127.0.0.1:9", TRUSTED, 'check "bayes" { per = recipient }\n')) as apart:
        assert teach(apart, "/learnspam", b"Rcpt: <Joe@Here.example>\r\n")[0] == 200
        assert teach(apart, "/learnspam", b"Rcpt: <joe@here.example>\r\n")[0] == 208
        assert tell(apart, SPAM + b"User: ann@here.example\r\n") == OK + b"DidSet: local\r\n\r\n\r\n"
        assert counts(apart) == (0, 0)
        assert counts(apart, "--for", "joe@here.example") == counts(apart, "--for", "ann@here.example") == (1, 0)
        assert tell(apart, SPAM + b"User: root\r\n") == OK + b"DidSet: local\r\n\r\n\r\n"  # no address: all
        assert counts(apart) == (1, 0)
    assert teach(gateway, "/learnspam", b"Deliver-To: joe@here.example\r\n")[0] == 200
    assert counts(gateway) == (1, 0)


def test_only_who_may_teaches():
    with Gateway(conf("127.0.0.1:9", 'password = "secret"', BAYES)) as gateway:
        assert teach(gateway, "/learnspam")[0] == teach(gateway, "/learnham", b"Password: secre\r\n")[0] == 403
        assert tell(gateway, SPAM).startswith(b"SPAMD/1.0 69 TELL commands are for the addresses in http.trusted")
        assert counts(gateway) == (0, 0)
        assert teach(gateway, "/learnham", b"Password: secret\r\n")[0] == 200
        assert counts(gateway) == (0, 1)


def test_a_store_that_is_out_is_our_trouble():
    """Said so, that it is tried again; by spamd's number, too."""
    store = 'store { backend = redis  servers = {"127.0.0.1:9"}  timeout = 500ms }\n'
    with Gateway(conf("127.0.0.1:9", TRUSTED, BAYES + store)) as gateway:
        status, answer = teach(gateway, "/learnspam")
        assert status == 503 and answer["error"].startswith("it is not learned now: ")
        assert tell(gateway, SPAM).startswith(b"SPAMD/1.0 75 it is not learned now: ")
        gateway.wait_log("event=lesson")
        assert "trouble=" in gateway.log and "outcome=" not in gateway.log


def test_rspamc_and_spamc_teach(gateway):
    def rspamc(command):
        return subprocess.run([needs("rspamc"), "-h", f"127.0.0.1:{gateway.port}", command], input=MESSAGE, timeout=30,
                              capture_output=True, check=False).stdout

    def spamc(kind):
        return subprocess.run([needs("spamc"), "-x", "-d", "127.0.0.1", "-p", str(gateway.port), "-L", kind],
                              input=MESSAGE, timeout=30, capture_output=True, check=True).stdout

    assert b"success = true" in rspamc("learn_spam")
    assert b"already learned as spam" in rspamc("learn_spam")
    assert b"success = true" in rspamc("learn_ham")
    assert counts(gateway) == (0, 1)
    assert spamc("ham") == b"Message was already un/learned\n"
    assert spamc("spam") == b"Message successfully un/learned\n"
    assert counts(gateway) == (1, 0)
    assert spamc("forget") == b"Message successfully un/learned\n"
    assert spamc("forget") == b"Message was already un/learned\n"
    assert counts(gateway) == (0, 0)
