# tests/interop/test_soak.py - a short soak (./dev soak has the long one), and that its accountant would see a fault.
import json
import os
import subprocess
import sys

import pytest

from process import SOURCE

sys.path.insert(0, str(SOURCE / "tests" / "soak"))

from account import Account, named_ids, read_sink  # noqa: E402
from clients import Story  # noqa: E402
from letters import Letter  # noqa: E402
from next_hop import record  # noqa: E402

OURS = (b"Authentication-Results: mx.example.org;\r\n\tspf=pass\r\n"
        b"Received: from c by mx.example.org with ESMTP\r\n\tid %s\r\n\tfor <x>; date\r\n")
FIRST, SECOND = b"01AAAAAAAAAAAAAAAAAAAAAAAA", b"01BBBBBBBBBBBBBBBBBBBBBBBB"


def letter_number(**wanted):
    """The first letter that has these attributes."""
    return next(n for n in range(10000) if all(getattr(Letter(n), k) == v for k, v in wanted.items()))


def arrived(letter, at_id=FIRST, change=lambda data: data, **other):
    kept = letter.head() + letter.body()
    return {**record(letter.sender, letter.recipients, change(OURS % at_id + kept)), **other}


def account(letter, records, code=250, unheard=0, log=""):
    story = Story()
    story.told = {recipient: code for recipient in letter.recipients}
    story.unheard = unheard
    judge = Account([], {}, named_ids(log))
    judge.check_one(letter, story, records)
    return judge.faults


PLAIN = Letter(letter_number(is_spam=False, has_nul=False, is_forged=False))


def test_the_accountant_is_content_with_what_is_right():
    assert account(PLAIN, [arrived(PLAIN)]) == []
    log = f"warn event=interrupted id={FIRST.decode()} client=127.0.0.1 possible_duplicate=yes"
    assert account(PLAIN, [arrived(PLAIN), arrived(PLAIN, SECOND)], unheard=1, log=log) == []


@pytest.mark.parametrize("records, told, word", (
    ([], {}, "LOST"),
    ([], {"code": 550}, "BOUNCED"),
    ([arrived(PLAIN, to=[*PLAIN.recipients, "other@example.org"])], {}, "came to other@example.org"),
    ([arrived(PLAIN, to=[*PLAIN.recipients, PLAIN.recipients[0]])], {}, "0 replies were cut off"),
    ([arrived(PLAIN, **{"from": "other@example.org"})], {}, "came from <other@example.org>"),
    ([arrived(PLAIN)], {"code": 550}, "was told 550"),
    ([arrived(PLAIN), arrived(PLAIN, SECOND)], {}, "0 replies were cut off"),
    ([arrived(PLAIN), arrived(PLAIN, SECOND)], {"unheard": 1}, "names none"),
    ([arrived(PLAIN, change=lambda data: data + b"more\r\n")], {}, "other bytes"),
    ([arrived(PLAIN, change=lambda data: data.replace(b"From:", b"from:"))], {}, "other bytes"),
    ([arrived(PLAIN, change=lambda data: b"Bcc: somebody\r\n" + data)], {}, "other bytes"),
    ([arrived(PLAIN, change=lambda data: data.replace(b"X-Soak", b"no field\r\nX-Soak"))], {}, "other bytes"),
    ([arrived(PLAIN, change=lambda data: data.replace(b"Authentication-R", b"R"))], {}, "other bytes"),
    ([arrived(PLAIN, change=lambda data: data.replace(b"Received:", b"X-Spam-Flag:"))], {}, "other bytes"),
))
def test_the_accountant_sees_a_fault(records, told, word):
    faults = account(PLAIN, records, **told)
    assert faults and word in " ".join(faults), faults


def test_what_should_have_been_refused_is_a_fault():
    spam = Letter(letter_number(is_spam=True))
    assert account(spam, [], code=554) == []
    assert "should have been refused" in " ".join(account(spam, [arrived(spam)]))


def test_a_line_that_a_kill_cut_short_is_no_record(tmp_path):
    (tmp_path / "sink").write_text(json.dumps(arrived(PLAIN)) + "\n" + '{"number": 7, "dig')
    assert list(read_sink(tmp_path / "sink")) == [PLAIN.number]


@pytest.mark.parametrize("messages, options", ((300, ()), (150, ("--maildir",))), ids=("smtp", "maildir"))
def test_a_short_soak_loses_nothing(tmp_path, messages, options):
    log = tmp_path / "log"
    words = ["/usr/bin/python3", SOURCE / "tests/soak/soak.py", "--messages", messages, "--clients", "20", "--rate",
             "30", "--pause", "0.4", "--limit", "240", "--log", log, *options]
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=400, check=False,
                          env=dict(os.environ))
    assert done.returncode == 0, f"{done.stdout[-4000:]}{done.stderr[-2000:]}"
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["accepted"] > messages and report["refused"] > messages / 100 and report["tries"] > messages
    assert sum(report["troubles"].values()) > 5
