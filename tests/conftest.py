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


@pytest.fixture(scope="module")
def certificates():
    """A folder with a certificate for mx.example.org and its key, which the gateway's user may read, too."""
    from mail import make_cert

    with tempfile.TemporaryDirectory(prefix="postern-tls-") as name:
        folder = Path(name).resolve()
        make_cert(folder)
        folder.chmod(0o755)
        for path in folder.iterdir():
            path.chmod(0o644)
        yield folder


def pytest_sessionfinish(session, exitstatus):
    """A file of which every test was skipped has not passed: ctest is told so by status 77."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    stats = reporter.stats if reporter else {}
    if exitstatus == 0 and stats.get("skipped") and not stats.get("passed"):
        session.exitstatus = 77
