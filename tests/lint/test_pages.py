# tests/lint/test_pages.py - the pages that are printed from tables in the code are what the code prints now, and what
# the documents say of commands is true of the program.
import os
import re
import subprocess
from pathlib import Path

import pytest

from mail import RSA, make_cert
from source import ROOT, code_files, files, text

BUILD = Path(os.environ.get("POSTERN_BUILD") or ROOT / "build" / "dev")


def run(*command):
    program = BUILD / command[0]
    if not program.exists():
        pytest.skip(f"{command[0]} is not built; ./dev test builds it")
    return subprocess.run([program, *command[1:]], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("page, argument", [("doc/checks.md", "checks"), ("doc/gateway.conf.5", "conf")])
def test_printed_pages_are_up_to_date(page, argument):
    printed = run("tests/pages", argument)
    assert printed.returncode == 0, printed.stderr
    assert text(page) == printed.stdout, f"the tables say otherwise; mend: build/dev/tests/pages {argument} > {page}"


def documented_commands():
    """`postern COMMAND` in documents, with the file that names it."""
    found = {}
    for path in files():
        if path.endswith(".md") or re.fullmatch(r"doc/[\w.]+\.8", path):
            for command in re.findall(r"(?:^ {4}|`|\.Nm postern |\.Cm )postern ([a-z]+)\b", text(path), re.M):
                found.setdefault(command, path)
    return found


def test_commands_in_documents_exist():
    unknown = [f"{path}: postern {command}" for command, path in documented_commands().items()
               if run("postern", command, "--help").returncode != 0]
    assert not unknown, unknown


def test_options_in_the_manual_exist():
    usage = "".join(run("postern", command, "--help").stdout for command in ("run", "config", "scan", "dns", "rates",
                                                                            "store", "mime", "learn"))
    options = set(re.findall(r"^\.It Fl Fl ([\w-]+)", text("doc/postern.8"), re.M))
    assert options, "the manual lists no options"
    assert not [option for option in options if f"--{option}" not in usage]


# Files that the examples in documents name, with a line that may stand in each.
FILES = {"partners": "192.0.2.0/24\n", "blocked": "spammer@example.net\n", "trial.recipients": "anna@example.org\n",
         "client_access": "192.0.2 REJECT\n", "sender_access": "example.net 450 4.7.1 Later\n",
         "sender_logins": "anna@example.org anna\n", "whitelist_clients": "192.0\n",
         "whitelist_clients.local": "mail.example.net\n", "whitelist_recipients": "postmaster@\n",
         "http.password": "secret\n", "bad-domains": "example.com\n"}


def test_configurations_in_documents_are_good(tmp_path):
    """Each ``` conf block of README.md and doc/ is taken by `postern config check`."""
    for name, line in FILES.items():
        (tmp_path / name).write_text(line)
    for name in ("mx", "com", "net"):
        make_cert(tmp_path, name)  # .crt, .key, .pem
    make_cert(tmp_path, "mx-rsa", kind=RSA)
    checked = 0
    for path in files():
        if path.endswith(".md"):
            for block in re.findall(r"^```conf\n(.*?)^```", text(path), re.M | re.S):
                conf = tmp_path / f"{checked}.conf"
                conf.write_text(re.sub(r"/etc/\w+/", f"{tmp_path}/", block))
                result = run("postern", "config", "check", "-c", str(conf))
                assert result.returncode == 0, f"{path}:\n{block}\n{result.stderr}"
                checked += 1
    assert checked, "no document has a configuration"


def test_events_of_the_log_are_told():
    """Each event that the code logs stands in doc/log.md, and the other way round."""
    calls = re.compile(r'\blog_(?:start\([^,;]*, [^,;]*, |error\(|warn\(|info\(|debug\()"(\w+)"')
    logged = {event for path in code_files(".c") for event in calls.findall(text(path))}
    told = {event for row in re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", text("doc/log.md").split("Keys of")[0], re.M)
            for event in re.findall(r"\w+", row)}
    assert logged == told
