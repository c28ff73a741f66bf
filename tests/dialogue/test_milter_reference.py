# tests/dialogue/test_milter_reference.py - the same dialogues with us and with a filter on libmilter that takes the
# same decisions (oracle/milter_reference.c): the same answers, byte by byte.
import re
import signal

import pytest

from milter import OFFERS, PROTOCOL_ALL, Milter
from process import BUILD, Server, free_port
from servers import Gateway

OFF = ("rdns", "helo", "sender", "greylist", "dnsbl", "spf", "rhsbl", "arc", "dmarc")
CONF = """
hostname = "mx.example.org"
actions {{ subject = "[SPAM] " }}
milter {{ listen = {{"inet:{{port}}@127.0.0.1"}} {keys} }}
{off}
check "lists" {{
    list "refused" {{ match = recipient  entries = {{"refused@example.org"}}  action = reject  text = "100% unwanted" }}
    list "later"   {{ match = recipient  entries = {{"later@example.org"}}  action = defer  text = "Not now" }}
    list "dropped" {{ match = sender  entries = {{"dropped@a.example"}}  action = discard }}
    list "spammer" {{ match = sender  entries = {{"spammer@a.example"}}  action = score  score = 7.0 }}
    list "worse"   {{ match = sender  entries = {{"worse@a.example"}}  action = score  score = 20.0 }}
}}
"""
REPLIES = r"""rcpt refused@example.org 554 5.7.1 100%% unwanted (id ID)
rcpt later@example.org 451 4.7.1 Not now (id ID)
mail dropped@a.example discard
remove X-Spam-Flag
remove X-Spam-Status
remove X-Spam-Level
remove X-Spam-Score
"""
CLEAN = REPLIES + r"""\
insert X-Spam-Status No, score=0.00 required=6.00\n	tests=R_DKIM_NA\n	autolearn=no version=Postern-VERSION
insert X-Spam-Score 0.00
insert Authentication-Results mx.example.org;\n	dkim=none
"""
SPAM = REPLIES + r"""\
subject [SPAM] hello
insert X-Spam-Status Yes, score=7.00 required=6.00\n	tests=LIST_SPAMMER,R_DKIM_NA\n	autolearn=no version=Postern-VERSION
insert X-Spam-Level *******
insert X-Spam-Score 7.00
insert X-Spam-Flag YES
insert Authentication-Results mx.example.org;\n	dkim=none
"""
MESSAGE = b"From: x@a.example\r\nX-Spam-Flag: YES\r\nSubject: hello\r\nx-spam-flag: NO\r\nX-Spam-Score: 1\r\n" \
          b"Subject: again\r\nX-SPAM-FLAG: maybe\r\n\r\nhello\r\n"


class Reference(Server):
    name = "reference"
    ends_by = signal.SIGKILL                     # libmilter takes its time with the others

    def __init__(self, script):
        super().__init__()
        self.script, self.port = script, free_port()

    def prepare(self):
        (self.folder / "script").write_text(self.script)

    def command(self):
        return [BUILD / "tests" / "milter_reference", f"inet:{self.port}@127.0.0.1", self.folder / "script"]


def gateway(keys="", more=""):
    return Gateway(CONF.format(keys=keys, off="".join(f'check "{name}" {{ mode = off }}\n' for name in OFF)) + more)


@pytest.fixture(scope="module")
def postern():
    with gateway() as server:
        yield server


@pytest.fixture(scope="module")
def strict():
    """Decides at the end of messages alone, and holds those that are not signed."""
    with gateway("rcpt_wait = 0", 'check "dkim" { symbol "R_DKIM_NA" { action = quarantine } }') as server:
        yield server


class Recorder(Milter):
    """Keeps every answer."""

    def __init__(self, where):
        super().__init__(where)
        self.heard = []

    def get(self):
        answer = super().get()
        self.heard.append(answer)
        return answer


# The answers to one dialogue, without what differs by nature: the id of a message, the size of pieces that libmilter
# cannot agree on, and whether the body is wanted when no check is on that reads it.
def washed(answers):
    return [(c, re.sub(rb"\(id [0-9A-Z]{26}\)", b"(id ID)", data)) for c, data in answers]


def dialogue(port, version, protocol, sender, recipients):
    with Recorder(port) as mta:
        mta.negotiate(version, protocol=protocol)
        mta.connect("192.0.2.25", "mail.a.example")
        mta.helo("mail.a.example")
        for _ in range(2):
            mta.send_message(MESSAGE, sender=sender, recipients=recipients)
        mta.quit()
        return washed(mta.heard)


EVERYBODY = ("user@example.org", "refused@example.org", "later@example.org", "second@example.org")
CASES = {
    "accept": (CLEAN, "a@a.example", EVERYBODY),
    "tag": (SPAM, "spammer@a.example", EVERYBODY),
    "discard": (CLEAN, "dropped@a.example", ("user@example.org",)),
    "refuse": (CLEAN, "a@a.example", ("refused@example.org",)),
    "defer": (CLEAN, "a@a.example", ("later@example.org", "refused@example.org")),
}


# Of a gateway that is strict: the script, the sender, what is said last and what before it.
STRICT_CASES = {
    "quarantine": (CLEAN + "mail a@a.example quarantine Postern: dkim (id ID)\n", "a@a.example", "a", "q"),
    "reply": (CLEAN + "mail worse@a.example reply 554 5.7.1 Message refused as spam (LIST_WORSE) (id ID)\n",
              "worse@a.example", "y", "c"),
}


def compare(postern, script, sender, recipients):
    """All that was heard, of the newest version."""
    version = re.search(r"version=Postern-([^\s\"\\]+)", probe(postern))[1]
    with Reference(script.replace("\\\n", "").replace("VERSION", version)) as reference:
        for number in OFFERS:
            for protocol in {OFFERS[number][1], 0x7f & OFFERS[number][1], PROTOCOL_ALL & OFFERS[number][1] & ~0x100000}:
                ours = dialogue(postern.port, number, protocol, sender, recipients)
                theirs = dialogue(reference.port, number, protocol, sender, recipients)
                assert ours == theirs, f"version {number}, protocol {protocol:#x}"
                assert len(ours) > 2
    return ours


@pytest.mark.parametrize("case", CASES)
def test_the_same_answers_as_a_filter_on_libmilter(postern, case):
    compare(postern, *CASES[case])


@pytest.mark.parametrize("case", STRICT_CASES)
def test_the_same_verdicts_at_the_end_as_a_filter_on_libmilter(strict, case):
    script, sender, last, before = STRICT_CASES[case]
    heard = [command for command, _ in compare(strict, script, sender, ("user@example.org",))]
    assert heard[-1] == last and heard[-2] == before


def probe(postern):
    with Milter(postern.port) as mta:
        mta.negotiate()
        mta.connect()
        mta.helo()
        return mta.send_message(MESSAGE).inserted["X-Spam-Status"]
