# tests/conformance/test_spf.py - the OpenSPF suites against the check "spf".
#
# rfc7208-tests.yml in full, results and explanations; rfc4408-tests.yml with the answers that RFC 7208 changed, which
# spf-4408-changed.txt lists with the reasons. Counts are printed and must not fall below floors.txt.
import os
import pathlib

import pytest
import spf_suite


def run_suite(name):
    path = spf_suite.folder() / "spf" / name
    if not path.exists():
        pytest.skip("the OpenSPF suites are not here (POSTERN_SUITES)")
    requests, cases = [], []
    for scenario, tests, zone in spf_suite.scenarios(path):
        for case_name, case in tests.items():
            cases.append((scenario, case_name, case))
            requests.append(spf_suite.request(case, zone))
    return list(zip(cases, spf_suite.probe(requests), strict=True))


def report(suite, right, total, wrong):
    for line in wrong:
        print("wrong:", line)
    print("%s %d/%d (floor %d)" % (suite, right, total, spf_suite.floor(suite)))
    assert right >= spf_suite.floor(suite), "\n".join(wrong)


def test_every_result_of_rfc7208():
    answers = run_suite("rfc7208-tests.yml")
    wrong = [
        "%s: %s gives %s (%s), not %s" % (scenario, name, got["result"], got["reason"], case["result"])
        for (scenario, name, case), got in answers
        if got["result"] not in spf_suite.results_of(case)
    ]
    report("spf-rfc7208", len(answers) - len(wrong), len(answers), wrong)


def test_every_explanation_of_rfc7208():
    answers = [a for a in run_suite("rfc7208-tests.yml") if "explanation" in a[0][2]]
    wrong = [
        "%s: %s explains %r, not %r" % (scenario, name, got["explanation"], case["explanation"])
        for (scenario, name, case), got in answers
        if got["explanation"] != spf_suite.explanation_of(case)
    ]
    report("spf-rfc7208-explanations", len(answers) - len(wrong), len(answers), wrong)


def changed_since_4408():
    source = pathlib.Path(os.environ.get("POSTERN_SOURCE", "."))
    lines = (source / "tests" / "conformance" / "spf-4408-changed.txt").read_text().splitlines()
    return {line.split()[0]: line.split()[1] for line in lines if line and not line.startswith("#")}


def test_every_result_of_rfc4408_as_rfc7208_has_it():
    changed = changed_since_4408()
    answers = run_suite("rfc4408-tests.yml")
    assert set(changed) <= {name for (_, name, _), _ in answers}, "a case is listed that is not in the suite"
    wrong = []
    for (scenario, name, case), got in answers:
        wanted = [changed[name]] if name in changed else spf_suite.results_of(case)
        if got["result"] not in wanted:
            wrong.append("%s: %s gives %s (%s), not %s" % (scenario, name, got["result"], got["reason"], wanted))
    report("spf-rfc4408", len(answers) - len(wrong), len(answers), wrong)
