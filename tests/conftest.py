# tests/conftest.py - what holds for all tests in Python.
import tempfile
from pathlib import Path

import pytest


@pytest.fixture
def tmp_path():
    """A folder that the gateway's user may enter, too. Into pytest's own he may not, and each pytest that starts beside
    this one closes them anew."""
    with tempfile.TemporaryDirectory(prefix="postern-test-", ignore_cleanup_errors=True) as folder:
        path = Path(folder).resolve()
        path.chmod(0o755)
        yield path


def pytest_sessionfinish(session, exitstatus):
    """A file of which every test was skipped has not passed: ctest is told so by status 77."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    stats = reporter.stats if reporter else {}
    if exitstatus == 0 and stats.get("skipped") and not stats.get("passed"):
        session.exitstatus = 77
