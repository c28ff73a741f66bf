# tests/interop/test_cli.py - the program as its users' scripts see it: what goes in, what comes out, and the status.
import json
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from mail import make_cert, read_maildir, send_mail
from process import BUILD, answers, wait_for
from servers import Nsd

MESSAGE = b"From: a@example.com\nSubject: hello\n\nbody\n"
OFFLINE = 'dns { servers = {"127.0.0.1:9"} timeout = 200ms }\n'


PIPE_BYTES = 65536


def postern(*words, stdin=b"", binary=BUILD / "postern", **options):
    """What does not fit into a pipe comes from a file: subprocess gives it in pieces of 4 KiB, and on a busy machine
    two processes that take turns need minutes for 64 MiB."""
    if len(stdin) <= PIPE_BYTES:
        return subprocess.run([binary, *words], input=stdin, capture_output=True, timeout=60, check=False, **options)
    with tempfile.TemporaryFile() as file:
        file.write(stdin)
        file.seek(0)
        return subprocess.run([binary, *words], stdin=file, capture_output=True, timeout=60, check=False, **options)


@pytest.fixture(scope="module")
def conf(tmp_path_factory):
    path = tmp_path_factory.mktemp("cli") / "gateway.conf"
    with Nsd() as dns:
        path.write_text(f'dns {{ servers = {{"{dns.endpoint}"}}  dnssec = no }}\n')
        yield str(path)


@pytest.fixture
def stranger():
    """A folder of somebody who is not root, with a copy of the program, and how subprocess becomes that user."""
    who = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    with tempfile.TemporaryDirectory(prefix="postern-stranger-") as folder:
        shutil.copy(BUILD / "postern", folder)
        os.chown(folder, who.pw_uid, who.pw_gid)
        options = {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
        yield Path(folder), {"cwd": folder, "env": {"PATH": os.environ["PATH"], "HOME": folder}, **options}


def scan(conf, *words, stdin=MESSAGE, **options):
    return postern("scan", "-c", conf, *words, stdin=stdin, **options)


def test_scan_reads_a_file_or_standard_input(conf, tmp_path):
    (tmp_path / "m.eml").write_bytes(MESSAGE)
    for words in ((str(tmp_path / "m.eml"),), ("-",)):
        done = scan(conf, "--json", *words)
        assert done.returncode == 0, done.stderr
        verdict = json.loads(done.stdout)
        assert verdict["action"] == "accept" and len(verdict["id"]) == 26
        assert set(verdict) >= {"id", "action", "score", "reply", "checks", "auth", "edits"}
        assert set(verdict["auth"]) >= {"spf", "dkim", "dmarc", "arc"}


@pytest.mark.parametrize("message", [
    b"", b"\n", b"no header\njust text\n", b"\0" * 5000, b"\xff" * 5000, b"a" * 3000000, b"X: y\n" * 20000,
    b"Subject: s\n\n" + b"0123456789abcde\n" * (4 << 20),
], ids=["empty", "blank", "no header", "NULs", "no ASCII", "one line", "many fields", "64 MiB"])
def test_scan_has_a_verdict_for_whatever_it_is_given(conf, message):
    done = scan(conf, "--json", "-", stdin=message)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["action"] in ("accept", "tag", "reject", "defer")
    assert (b"NUL" in done.stderr) == (b"\0" in message)


@pytest.mark.parametrize("sender", ["", "<>", "a@example.com", "<a@example.com>"])
def test_scan_takes_senders_as_people_write_them(conf, sender):
    assert scan(conf, "--from", sender, "-").returncode == 0


@pytest.mark.parametrize("words, status, told", [
    ((), 2, "name one file"),
    (("a", "b"), 2, "name one file"),
    (("--nonsense", "-"), 2, "not known"),
    (("--client-ip", "300.1.1.1", "-"), 2, "no IP address"),
    (("--from", "no address", "-"), 2, "no mail address"),
    (("/nonexistent/m.eml",), 3, "No such file"),
    (("/",), 3, "Is a directory"),
])
def test_scan_says_what_is_wrong_with_its_arguments(conf, words, status, told):
    done = scan(conf, *words)
    assert done.returncode == status and told in done.stderr.decode(), done.stderr


def test_scan_needs_neither_dns_nor_root(stranger):
    folder, options = stranger
    (folder / "gateway.conf").write_text(OFFLINE)
    done = scan("gateway.conf", "--json", "--client-ip", "192.0.2.7", "--helo", "mail.example.com", "--from",
                "a@example.com", "-", binary=folder / "postern", **options)
    assert done.returncode == 0, done.stderr
    symbols = [f["symbol"] for check in json.loads(done.stdout)["checks"] for f in check["findings"]]
    assert "R_SPF_DNSFAIL" in symbols and "DMARC_DNSFAIL" in symbols


def test_the_default_configuration_is_a_good_one(tmp_path):
    path = tmp_path / "default.conf"
    path.write_bytes(postern("config", "default").stdout)
    assert postern("config", "check", "-c", path).returncode == 0
    assert b"smtp {" in postern("config", "show", "-c", path).stdout


def test_a_wrong_configuration_is_status_2_with_the_line_and_the_remedy(tmp_path):
    path = tmp_path / "bad.conf"
    path.write_text('hostname = "mx.example.org"\nsmtp { lsten = {"127.0.0.1:25"}\n idle = 90 }\n')
    for words in (("config", "check"), ("config", "show"), ("run",)):
        done = postern(*words, "-c", path)
        assert done.returncode == 2
        assert f"{path}:2: unknown key 'lsten' in smtp; did you mean 'listen'?" in done.stderr.decode()


@pytest.mark.parametrize("text, told", [
    ('smtp { listen = {"127.0.0.1:2525"} } milter { listen = {"inet:2525@127.0.0.1"} }',
     "smtp listens on 127.0.0.1:2525 and milter on 127.0.0.1:2525, which is the same place; write another port"),
    ('policy { listen = {"127.0.0.1:2525"} } http { listen = {"0.0.0.0:2525"} }',
     "http listens on 0.0.0.0:2525 and policy on 127.0.0.1:2525, which is the same place"),
    ('smtp { listen = {"[::1]:25", "[::]:25"} }', "smtp listens on [::1]:25 and smtp on [::]:25, which is the"),
    ('http { listen = {"unix:/run/x"} } policy { listen = {"/run/x"} }', "is the same place"),
    ('milter { listen = {"inet:11332@localhost"} }',
     "milter.listen: localhost:11332 is a name; write its address, such as 127.0.0.1:11332"),
    ('smtp { listen = {"0.0.0.0:25", "[::]:25"} } milter { listen = {"127.0.0.1:26"} }', None),
])
def test_check_knows_which_places_clash(tmp_path, text, told):
    path = tmp_path / "gateway.conf"
    path.write_text(text + "\n")
    done = postern("config", "check", "-c", path)
    assert done.returncode == (2 if told else 0), done.stderr
    assert (told or "") in done.stderr.decode()


def test_a_gateway_without_a_door_is_refused(tmp_path):
    path = tmp_path / "gateway.conf"
    path.write_text(f'state = "{tmp_path}/state"\n')
    done = postern("run", "-c", path)
    assert done.returncode == 2
    assert "no door is open: say where mail comes in, such as smtp { listen = " in done.stderr.decode()


@pytest.mark.parametrize("text, told", [
    ('milter { listen = {"unix:{folder}/nowhere/s"} }', "the folder of the socket does not exist"),
    ('milter { listen = {"unix:{folder}/file"} }', "something else bears that name: remove it"),
    ('milter { listen = {"unix:{folder}/s"} } socket_group = "no-such-group"', 'there is no group "no-such-group"'),
    ('milter { listen = {"unix:{folder}/s"} } state = "{folder}/file"', "/file is no folder; remove it"),
    ('milter { listen = {"unix:{folder}/s"} } state = "{folder}/locked"', "/locked: Permission denied; give it to"),
])
def test_what_is_in_the_way_of_a_start_is_named(stranger, text, told):
    folder, options = stranger
    (folder / "file").write_text("")
    (folder / "locked").mkdir(mode=0o500)
    (folder / "gateway.conf").write_text(text.replace("{folder}", str(folder)) + "\n")
    done = postern("run", "-c", "gateway.conf", binary=folder / "postern", **options)
    assert done.returncode == 3 and told in done.stderr.decode(), done.stderr


@pytest.mark.parametrize("place, told", [
    ("unix:/" + "a" * 120, "is longer than a name or the path of a socket can be"),
    ("11333", 'is a port without an address; write "127.0.0.1:11333", or "0.0.0.0:11333" for all'),
])
def test_places_that_are_none_are_explained(tmp_path, place, told):
    path = tmp_path / "gateway.conf"
    path.write_text(f'http {{ listen = {{"{place}"}} }}\n')
    done = postern("config", "check", "-c", path)
    assert done.returncode == 2 and told in done.stderr.decode(), done.stderr


def test_rule_files_with_errors_are_read_and_named(tmp_path):
    """What is wrong in a rule file keeps no gateway from starting; a file that is not there does."""
    (tmp_path / "a.cf").write_text("body GOOD /x/\nbody BAD /(x/\nscore GODO 2\nboddy TYPO /x/\nmeta M GOOD & BAD\n")
    path = tmp_path / "gateway.conf"
    path.write_text('smtp { listen = "127.0.0.1:2525" }\n'
                    f'check "rules" {{ own = no files = {{"{tmp_path}/*.cf"}} }}\n')
    counts = "rules: 3 loaded, 1 run, 0 off, 2 not supported, 2 other lines noted\n"
    checked = postern("config", "check", "-c", path)
    assert checked.returncode == 0
    assert counts + "       `postern config rules` names what" in checked.stdout.decode()
    assert postern("config", "rules", "-c", path).stdout.decode() == (
        f'{tmp_path}/a.cf:2: BAD: PCRE2 does not take the pattern: missing closing parenthesis, at "its end"\n'
        f'{tmp_path}/a.cf:5: M: its expression is not understood: "& BAD" stands where an operator is wanted\n'
        f'{tmp_path}/a.cf:4: "boddy" is not known\n'
        f"{tmp_path}/a.cf:3: there is no rule GODO that this could be the score of\n" + counts)
    (tmp_path / "a.cf").unlink()
    missing = postern("config", "check", "-c", path)
    assert missing.returncode == 2
    assert f"there is no file {tmp_path}/*.cf: mend its name, or take it out" in missing.stderr.decode()


def test_check_looks_into_certificates_as_run_does(tmp_path):
    certificate, key = make_cert(tmp_path, "mx.example.org")
    _, other = make_cert(tmp_path, "other.example.org")
    for chosen, status in ((key, 0), (other, 2), (certificate, 2)):
        path = tmp_path / "gateway.conf"
        path.write_text(f'smtp {{ tls_certificate = "{certificate}"  tls_key = "{chosen}" }}\n')
        assert postern("config", "check", "-c", path).returncode == status, chosen


@pytest.mark.skipif(os.path.exists("/etc/postern/gateway.conf"), reason="this machine has a configuration")
def test_without_a_configuration_mail_of_this_machine_goes_into_a_maildir(stranger):
    folder, options = stranger
    shown = postern("config", "show", binary=folder / "postern", **options).stdout.decode()
    assert 'listen = {"127.0.0.1:2525"}' in shown and 'relay_clients = {"127.0.0.0/8"}' in shown
    assert f'next_hop = {{"maildir:{folder}/.local/state/postern/mail"}}' in shown
    if answers(2525):
        pytest.skip("something listens on 127.0.0.1:2525")
    with subprocess.Popen([folder / "postern", "run"], **options) as gateway:
        try:
            wait_for(lambda: answers(2525), 20, "the gateway to come up")
            assert send_mail(2525, "a@example.com", "anybody@example.net", MESSAGE.replace(b"\n", b"\r\n"))[0] == 250
        finally:
            gateway.terminate()
        assert gateway.wait(20) == 0
    assert len(read_maildir(folder / ".local/state/postern/mail")) == 1


def test_mime_shows_parts_and_readings(tmp_path):
    (tmp_path / "m.eml").write_bytes(b"From joe Mon Nov 23 21:00:00 2026\nMIME-Version: 1.0\nContent-Type: text/plain\n"
                                     b"Content-Type: text/html; charset=koi8-r\n\n\xc1\x07\n")
    done = postern("mime", "--json", "--text", str(tmp_path / "m.eml"))
    first, second = json.loads(done.stdout)["parts"]
    assert done.returncode == 0
    assert (first["type"], first["reading_of"], first["bytes"]) == ("text/plain", None, 4)
    assert (second["type"], second["reading_of"], second["reading"]) == ("text/html", 0, "last Content-Type")
    assert second["text"] == "\u0430\a\n"
    assert first["anomalies"] == ["duplicate_content_type", "8bit_in_7bit"]
    people = postern("mime", "--text", "-", stdin=b"Subject: x\n\n\x07hell\xc3\xb6\xc2\x9b\n")
    assert people.returncode == 0 and b"text/plain 7bit 11 bytes" in people.stdout
    assert b"| ?hell\xc3\xb6??\n" in people.stdout  # what would steer a terminal is not printed


def test_urls_are_shown_as_written_and_where_they_lead(tmp_path):
    (tmp_path / "m.eml").write_bytes(b"Subject: x\nMIME-Version: 1.0\nContent-Type: text/html\n\n"
                                     b'<a href="http://joe@Evil.b\xc3\xbccher.example/x">'
                                     b'https://www.bank.example/</a>\n')
    (tmp_path / "gateway.conf").write_text(f'state = "{tmp_path}"\ndns {{ servers = {{"127.0.0.1:9"}} }}\n')
    shown = json.loads(postern("mime", "--json", str(tmp_path / "m.eml")).stdout)["urls"]
    link = next(url for url in shown if "link" in url["found_in"])
    assert link["written"].startswith("http://joe@Evil.") and link["shown"] == "https://www.bank.example/"
    assert link["host"] == "evil.xn--bcher-kva.example" and link["domain"] == "xn--bcher-kva.example"
    assert "userinfo" in link["flags"] and link["count"] == 1 and link["taken_out_of"] is None
    scanned = postern("scan", "-c", str(tmp_path / "gateway.conf"), "--json", str(tmp_path / "m.eml"))
    assert json.loads(scanned.stdout)["urls"] == shown


def test_mime_says_what_it_cannot_read(tmp_path):
    done = postern("mime", str(tmp_path / "none.eml"))
    assert done.returncode == 3 and b"none.eml" in done.stderr
    assert postern("mime").returncode == 2
    (tmp_path / "m.eml").write_bytes(MESSAGE)
    both = postern("mime", "--json", str(tmp_path / "none.eml"), str(tmp_path / "m.eml"))
    assert both.returncode == 3 and json.loads(both.stdout)["parts"][0]["type"] == "text/plain"
