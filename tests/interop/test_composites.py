# tests/interop/test_composites.py - what a composite has taken out is told wherever a verdict is explained, with the
# points it had and what took it out; what is left adds up to the score.
import json
import subprocess

import pytest

from process import BUILD
from scan_api import conf, scan
from servers import Gateway

RULES = """
check "rules" { own = no  files = {"%s"} }
check "composites" {
    composite "CALM" { expression = "BAD_WORD & WORSE_WORD"  score = -1  policy = remove_weight }
    composite "FINE" { expression = "ODD_WORD"  score = 0.5  policy = remove_symbol }
    composite "LAST" { expression = "-CALM & FINE"  score = 8  policy = remove_weight }
}
"""
RULES += "".join(f'check "{name}" {{ mode = off }}\n'
                 for name in ("rdns", "helo", "spf", "sender", "dkim", "arc", "dmarc", "greylist"))
OWN = "".join(f"body {name} /{word}/\nscore {name} {points}\n" for name, word, points in (
    ("BAD_WORD", "lottery", 3), ("WORSE_WORD", "casino", 4), ("ODD_WORD", "odd", 2)))
LETTER = (b"From: a@plain.example\r\nTo: joe@here.example\r\nSubject: hello there\r\n"
          b"Message-ID: <one@plain.example>\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n\r\n"
          b"A lottery and an odd casino.\r\n")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    own = tmp_path_factory.mktemp("rules") / "own.cf"
    own.write_text(OWN)
    own.parent.chmod(0o755)
    with Gateway(conf("127.0.0.1:9", rest=RULES % own)) as server:
        yield server


def cli(gateway, *words):
    command = [BUILD / "postern", "scan", "-c", gateway.folder / "gateway.conf", *words, "-"]
    return subprocess.run(command, input=LETTER, capture_output=True, timeout=60, check=True).stdout.decode()


def test_json_of_the_command_line(gateway):
    answer = json.loads(cli(gateway, "--json"))
    found = {f["symbol"]: f for check in answer["checks"] for f in check["findings"]}
    for name, points, by in (("BAD_WORD", 3, "CALM"), ("WORSE_WORD", 4, "CALM"), ("ODD_WORD", 2, "FINE")):
        assert (found[name]["score"], found[name]["idle"], found[name]["removed_by"]) == (points, "removed", by), found
    assert found["CALM"]["score"] == -1 and "idle" not in found["CALM"]  # -: it stays
    assert found["FINE"]["score"] == 0 and "its 0.50 points removed by LAST" in found["FINE"]["reason"]
    counted = sum(f["score"] for f in found.values() if "idle" not in f)
    assert answer["score"] == pytest.approx(counted) and answer["action"] == "tag", answer


def test_text_for_people(gateway):
    lines = cli(gateway).splitlines()
    assert any("BAD_WORD" in line and "3.00" in line and "(does not count: removed by CALM)" in line for line in lines)
    assert any("ODD_WORD" in line and "2.00" in line and "(does not count: removed by FINE)" in line for line in lines)


def test_scan_api_header_and_log(gateway):
    answer = scan(gateway.port, LETTER)
    symbols = answer["symbols"]
    assert symbols["BAD_WORD"]["score"] == symbols["WORSE_WORD"]["score"] == 0 and "ODD_WORD" not in symbols
    assert answer["score"] == pytest.approx(sum(s["score"] for s in symbols.values()))
    status = " ".join(answer["milter"]["add_headers"]["X-Spam-Status"]["value"].split())
    removed = set(status.split("removed=")[1].split(" autolearn=")[0].split(", "))
    assert removed == {"BAD_WORD(3.00:CALM)", "WORSE_WORD(4.00:CALM)", "ODD_WORD(2.00:FINE)"}, status
    assert "ODD_WORD" not in status.split("tests=")[1].split("removed=")[0]
    gateway.wait_log("event=message")
    for shown in ("BAD_WORD(3.00 removed by CALM)", "ODD_WORD(2.00 removed by FINE)", "LAST(8.00)"):
        assert shown in gateway.log
