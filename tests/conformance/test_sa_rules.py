# tests/conformance/test_sa_rules.py - SpamAssassin's rules by Postern and by SpamAssassin itself, on a small sample of
# mail; ./dev sadiff does it on 1,000 messages.
import os
import pathlib
import sys

import pytest
import spf_suite

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "sa"))
import sa_diff  # noqa: E402

SUITES = str(spf_suite.folder())
PROBE = pathlib.Path(os.environ["POSTERN_BUILD"]) / "tests" / "rules_probe"
MESSAGES = 30
LEAST = 98.0  # of so few messages one that is broken counts for much


def test_hits_are_the_same():
    if not sa_diff.is_here(SUITES):
        pytest.skip("suites/spam (POSTERN_SUITES) or the package spamassassin is not here")
    count, found = sa_diff.compare(str(PROBE), SUITES, MESSAGES)
    print(f"spamassassin-rules {found.same}/{found.pairs()} on {count} messages, {len(found.rules)} rules")
    assert count == MESSAGES and len(found.rules) > 2000 and found.pairs() > 500
    assert found.percent() >= LEAST, "\n".join(found.table(40))
