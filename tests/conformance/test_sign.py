# tests/conformance/test_sign.py - other people's suites against the checks "dkim" and "arc".
#
# Mail::DKIM's corpus is of 2005 to 2010: rsa-sha1, keys of 512 bits. RFC 8301 forbids both, so the check must let none
# of them pass, which one test shows; the other asks the engine below the check, with what was good enough then.
import json

import pytest
import sign_suite
import yaml

# The answers to these follow RFC 4871, which RFC 6376 replaced: g= of the key record is gone [RFC6376 C.2].
GRANULARITY_IS_GONE = {f"badkey_{n}.txt": "pass" for n in (8, 9, 12, 13)}

# [RFC8463 A.2]
KEYS_OF_RFC8463 = {
    "brisbane._domainkey.football.example.com": "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
    "test._domainkey.football.example.com":
        "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J"
        "16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTI"
        "KT+l/K4w3QIDAQAB",
}


def suite(*names):
    path = sign_suite.folder().joinpath(*names)
    if not path.exists():
        pytest.skip(f"{'/'.join(names)} is not here (POSTERN_SUITES)")
    return path


def report(name, right, total, wrong):
    for line in wrong:
        print("wrong:", line)
    print(f"{name} {right}/{total} (floor {sign_suite.floor(name)})")
    assert right >= sign_suite.floor(name), "\n".join(wrong)


def test_arc_validation():
    names, requests = [], []
    for scenario in yaml.safe_load_all(suite("arc", "arc-draft-validation-tests.yml").read_text()):
        for name, case in (scenario or {"tests": {}})["tests"].items():
            if case["cv"]:  # three cases state no answer
                message = sign_suite.crlf((case["message"] or "").encode())
                requests.append(sign_suite.request("arc", message, scenario.get("txt-records") or {}, 1500000000))
                names.append((name, case["cv"].lower()))
    wrong = [f"{name}: {got['result']} ({got['reason']}), not {want}"
             for (name, want), got in zip(names, sign_suite.probe(requests), strict=True) if got["result"] != want]
    report("arc-validation", len(names) - len(wrong), len(names), wrong)


def mail_dkim(check):
    """[(file, stated answer, what we say)]"""
    stated = json.loads(suite("dkim", "rfc6376-subset.json").read_text())
    keys = sign_suite.mail_dkim_keys(suite("dkim", "FAKE_DNS.dat"))
    corpus = suite("dkim", "mail-dkim-corpus")
    requests = [sign_suite.request(check, sign_suite.crlf((corpus / name).read_bytes()), keys, 1700000000)
                for name, _ in stated]
    return [(name, answer, got) for (name, answer), got in zip(stated, sign_suite.probe(requests), strict=True)]


def test_mail_dkim_with_what_was_good_enough_then():
    wrong, cases = [], mail_dkim("historic")
    for name, answer, got in cases:
        results = [s["result"] for s in got["signatures"]]
        best = next((r for r in ("pass", "fail") if r in results), "invalid")
        if best != GRANULARITY_IS_GONE.get(name, answer):
            wrong.append(f"{name}: {got['signatures']}, not {answer}")
    report("mail-dkim", len(cases) - len(wrong), len(cases), wrong)


def test_mail_dkim_with_the_rules_of_rfc8301():
    wrong, cases = [], mail_dkim("dkim")
    for name, answer, got in cases:
        if "ed25519" in name:
            is_right = got["result"] == answer or (answer == "invalid" and got["result"] not in ("pass", "fail"))
        else:
            is_right = got["result"] in ("permerror", "policy") and "DKIM_WEAK" in got["symbols"]
        if not is_right:
            wrong.append(f"{name}: {got['signatures']}")
    report("mail-dkim-rfc8301", len(cases) - len(wrong), len(cases), wrong)


def test_example_of_rfc8463():
    message = sign_suite.crlf(suite("dkim", "examples", "rfc8463-example.msg").read_bytes())
    got, = sign_suite.probe([sign_suite.request("dkim", message, KEYS_OF_RFC8463, 1700000000)])
    passes = [s["algorithm"] for s in got["signatures"] if s["result"] == "pass"]
    report("rfc8463-example", len(passes), 2, [] if len(passes) == 2 else [str(got["signatures"])])
    assert passes == ["ed25519-sha256", "rsa-sha256"]
