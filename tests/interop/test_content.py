# tests/interop/test_content.py - the checks of content as they are initially.
import json
import subprocess

import pytest

from process import BUILD
from scan_api import conf
from servers import OF_CONTENT, Gateway

QUIET = "".join(f'check "{name}" {{ mode = off }}\n' for name in (
    "rdns", "helo", "spf", "sender", "dkim", "arc", "dmarc", "greylist", "greylist_message", "uribl"))
INITIAL = "".join(f'check "{name}" {{ }}\n' for name in OF_CONTENT if name != "uribl")
BARE = b"From: root@host.example\r\nSubject: Backup failed\r\n\r\nDisk sda1 is full.\r\n"


@pytest.fixture(scope="module")
def gateway():
    with Gateway(conf("127.0.0.1:9", rest=QUIET + INITIAL)) as server:
        yield server


def found(gateway, message, *words):
    command = [BUILD / "postern", "scan", "-c", gateway.folder / "gateway.conf", "--json", *words, "-"]
    answer = json.loads(subprocess.run(command, input=message, capture_output=True, timeout=60, check=True).stdout)
    return answer, {f["symbol"] for check in answer["checks"] for f in check["findings"]}


def test_a_script_that_writes_no_more_than_it_must_is_neither_tagged_nor_put_off(gateway):
    answer, symbols = found(gateway, BARE, "--client-ip", "203.0.113.9")
    assert {"PN_NO_DATE", "PN_NO_MESSAGE_ID", "PN_NO_RECIPIENT"} <= symbols
    assert answer["action"] == "accept" and answer["score"] < 4, answer["score"]


@pytest.mark.parametrize("who", [("--client-ip", "203.0.113.9", "--user", "joe"), ("--client-ip", "10.1.2.3")])
def test_what_a_server_adds_for_its_users_is_not_missed_in_their_mail(gateway, who):
    answer, symbols = found(gateway, BARE, *who)
    assert not symbols & {"PN_NO_DATE", "PN_NO_MESSAGE_ID", "PN_NO_RECIPIENT", "PN_SPAM_HEADERS"}, symbols
    assert answer["score"] <= 0, answer["score"]
