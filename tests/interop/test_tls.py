# tests/interop/test_tls.py - TLS of our side: from the first byte, by STARTTLS, not at all; what a flood of it meets.
import os
import pwd
import signal
import smtplib
import socket
import ssl
import struct
import subprocess

import openmetrics
import pytest

from mail import RSA, make_cert, send_mail
from process import BUILD, free_port, wait_for
from scan_api import fetch
from servers import Gateway, needs
from sink import SmtpSink

USER = pwd.getpwuid(os.getuid()).pw_name
MAIL = b"From: a@example.com\r\nSubject: test\r\n\r\ntext\r\n"
CONF = """
hostname = "mx.example.org"
user = "{user}"
smtp {{
    listen = {{"127.0.0.1:{{port}}"}}
    next_hop = "smtp://127.0.0.1:{hop}"  next_hop_tls = none
    relay_domains = {{"example.org"}}
    tls_certificate = "{folder}/mx.example.org.crt"  tls_key = "{folder}/mx.example.org.key"
    {more}
}}
http {{ listen = {{"unix:{{folder}}/http"}} }}
check "greylist" {{ mode = off }}
"""


@pytest.fixture(scope="module")
def sink():
    with SmtpSink() as server:
        yield server


@pytest.fixture(autouse=True)
def forget(sink):
    sink.messages.clear()


@pytest.fixture
def gateway(sink, tmp_path):
    """gateway(more keys of smtp): one that runs, with a certificate for mx.example.org."""
    make_cert(tmp_path)
    started = []

    def start(more="", user=USER):
        started.append(Gateway(CONF.format(user=user, hop=sink.port, folder=tmp_path, more=more)).start())
        return started[-1]

    yield start
    for gateway in started:
        gateway.__exit__(None)


def context(**settings):
    made = ssl.create_default_context()
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    for key, value in settings.items():
        setattr(made, key, value)
    return made


def send_implicit(port):
    with smtplib.SMTP_SSL("127.0.0.1", port, "client.example", timeout=30, context=context()) as smtp:
        features = smtp.ehlo()[1]
        smtp.sendmail("a@example.com", ["x@example.org"], MAIL)
    return features


def wait_message(mx, sink, text):
    wait_for(lambda: sink.messages, 10, "the message")
    mx.wait_log(text)
    return sink.messages.pop()


def handshakes(mx, result):
    values = openmetrics.read(fetch(f"{mx.folder}/http", "/metrics")[2].decode())
    assert openmetrics.value(values, "postern_tls_handshake_seconds_count") == \
        openmetrics.value(values, "postern_tls_handshakes_total", result="done")
    return openmetrics.value(values, "postern_tls_handshakes_total", result=result)


def test_each_listener_has_its_ways(gateway, sink):
    implicit, clear = free_port(), free_port()
    mx = gateway(f'listener "127.0.0.1:{implicit}" {{ tls = implicit }}  listener "127.0.0.1:{clear}" {{ tls = none }}')
    features = send_implicit(implicit)
    assert b"STARTTLS" not in features and b"8BITMIME" in features
    message = wait_message(mx, sink, "tls=TLSv1.3")
    assert b"with ESMTPS id" in message["data"] and b"using TLSv1.3 with cipher" in message["data"]
    with smtplib.SMTP("127.0.0.1", clear, "client.example", timeout=30) as smtp:
        assert b"STARTTLS" not in smtp.ehlo()[1]
        assert smtp.docmd("STARTTLS")[0] == 502
    assert send_mail(mx.port, "a@example.com", "x@example.org", MAIL, starttls=True)[0] == 250
    assert b"with ESMTPS id" in wait_message(mx, sink, "tls=TLSv1.3")["data"]
    assert [handshakes(mx, result) for result in ("done", "failed", "refused")] == [2, 0, 0]


@pytest.mark.parametrize("limit,reason", (("connections", "connections at once"), ("rate", "connections a minute")))
def test_who_is_one_too_many_where_tls_begins_at_once_gets_no_word(gateway, limit, reason):
    port = free_port()
    mx = gateway(f'listener "127.0.0.1:{port}" {{ tls = implicit }}'
                 f'  clients {{ known = {{}}  address {{ {limit} = 1 }} }}')
    with socket.create_connection(("127.0.0.1", port), 30), socket.create_connection(("127.0.0.1", port), 30) as late:
        assert late.recv(100) == b""
    mx.wait_log(f"Too many {reason} from 127.0.0.1" if limit == "connections" else reason)


def test_who_speaks_in_clear_where_tls_begins_at_once_gets_no_word(gateway):
    port = free_port()
    mx = gateway(f'listener "127.0.0.1:{port}" {{ tls = implicit }}')
    with socket.create_connection(("127.0.0.1", port), 30) as client:
        client.sendall(b"EHLO client.example\r\n" * 10)
        got = client.recv(1000)
    assert b"220" not in got and len(got) < 20  # an alert, at most
    mx.wait_log("what=tls")
    assert handshakes(mx, "failed") == 1


def test_a_certificate_is_needed_for_that(tmp_path):
    conf = tmp_path / "gateway.conf"
    conf.write_text('smtp { listener "127.0.0.1:465" { tls = implicit } }\n')
    checked = subprocess.run([BUILD / "postern", "config", "check", "-c", conf], capture_output=True, text=True,
                             check=False)
    assert checked.returncode == 2
    assert "tls = implicit; that needs tls_certificate and tls_key" in checked.stdout + checked.stderr


def test_a_handshake_has_its_own_time(gateway):
    port = free_port()
    mx = gateway(f'listener "127.0.0.1:{port}" {{ tls = implicit }}  tls_handshake = 1s')
    with socket.create_connection(("127.0.0.1", port), 30) as client:
        assert client.recv(100) == b""
    mx.wait_log('text="no TLS handshake within 1000 ms"')
    with smtplib.SMTP("127.0.0.1", mx.port, "client.example", timeout=30) as smtp:
        smtp.ehlo()
        assert smtp.docmd("STARTTLS")[0] == 220
        assert smtp.sock.recv(100) == b""


def test_a_flood_of_handshakes_is_bounded_and_others_come_through(gateway, sink):
    """Four places, of which one client has one at most: others of its wait, and are told so in the end."""
    mx = gateway("tls_handshakes = 4  tls_handshake = 3s")

    def starttls():
        client = socket.create_connection(("127.0.0.1", mx.port), 30)
        client.sendall(b"EHLO client.example\r\n")
        got = b""
        while b"250 " not in got:
            got += client.recv(1000)
        client.sendall(b"STARTTLS\r\n")
        return client

    silent = [starttls() for _ in range(3)]
    assert silent[0].recv(1000).startswith(b"220 ")
    wait_for(lambda: silent[1].recv(1000).startswith((b"220 ", b"454 4.7.0 ")), 10, "an answer to the second")
    other = smtplib.SMTP("127.0.0.1", mx.port, "client.example", timeout=30, source_address=("127.0.0.2", 0))
    other.ehlo()
    assert other.starttls(context=context())[0] == 220
    other.ehlo()
    assert other.sendmail("a@example.com", ["x@example.org"], MAIL) == {}
    other.quit()
    assert silent[2].recv(1000).startswith((b"220 ", b"454 4.7.0 "))
    mx.wait_log("no handshake: too many others are under way")
    assert handshakes(mx, "done") == 1 and handshakes(mx, "refused") >= 1
    for client in silent:
        client.close()


# ---- certificates, names, clients ----

def s_client(port, *options, starttls=True, text="", seconds=30):
    """What openssl s_client sees; it ends at the end of its input."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *(("-starttls", "smtp") if starttls else ()),
               *options]
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=seconds, check=False)
    return done.stdout + done.stderr


def subject_of(port, *options, **settings):
    lines = [line for line in s_client(port, *options, **settings).splitlines() if line.startswith("subject=")]
    return lines[0].replace(" ", "").removeprefix("subject=CN=") if lines else None


def named(folder, name):
    return f'tls "{name}" {{ certificate = "{folder}/{name}.crt"  key = "{folder}/{name}.key" }}'


def test_names_kinds_and_versions_as_openssl_sees_them(gateway, tmp_path):
    make_cert(tmp_path, "mail.example.com")
    make_cert(tmp_path, "rsa.example.org", kind=RSA, days=10)
    port = free_port()
    mx = gateway(f'{named(tmp_path, "mail.example.com")}  listener "127.0.0.1:{port}" {{ tls = implicit }}'
                 f'  tls_alt_certificate = "{tmp_path}/rsa.example.org.crt"'
                 f'  tls_alt_key = "{tmp_path}/rsa.example.org.key"')
    assert subject_of(mx.port, "-noservername") == "mx.example.org"
    assert subject_of(mx.port, "-servername", "mail.example.com") == "mail.example.com"
    assert subject_of(port, "-servername", "mail.example.com", starttls=False) == "mail.example.com"
    assert subject_of(port, "-servername", "unknown.example", starttls=False) == "mx.example.org"
    assert subject_of(mx.port, "-sigalgs", "RSA-PSS+SHA256", "-noservername") == "rsa.example.org"
    for old in ("-tls1", "-tls1_1"):
        assert subject_of(mx.port, old, "-cipher", "ALL:@SECLEVEL=0") is None
    assert "New, TLSv1.2" in s_client(mx.port, "-tls1_2")
    mx.wait_log("alarm key=\"certificate ")  # rsa.example.org is good for ten days


def test_renegotiation_gets_nowhere(gateway, tmp_path):
    mx = gateway()
    log = tmp_path / "s_client.log"
    with open(log, "w") as out:
        client = subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{mx.port}", "-starttls", "smtp",
                                   "-tls1_2"], stdin=subprocess.PIPE, stdout=out, stderr=out)
        wait_for(lambda: "Verify return code" in log.read_text(), 10, "the handshake")
        client.stdin.write(b"R\n")  # on a line that comes alone it means: renegotiate
        client.stdin.flush()
        client.wait(10)
        client.stdin.close()
    assert "RENEGOTIATING" in log.read_text() and "no renegotiation" in log.read_text()


def test_a_new_certificate_is_in_force_without_a_reload(gateway, tmp_path):
    make_cert(tmp_path, "renewed.example")
    mx = gateway()
    with smtplib.SMTP("127.0.0.1", mx.port, "client.example", timeout=30) as before:
        before.ehlo()
        before.starttls(context=context())
        for kind in ("crt", "key"):
            fresh = tmp_path / f"fresh.{kind}"
            fresh.write_bytes((tmp_path / f"renewed.example.{kind}").read_bytes())
            fresh.chmod(0o644)
            fresh.rename(tmp_path / f"mx.example.org.{kind}")
        mx.wait_log("the new certificate is in force")
        assert subject_of(mx.port) == "renewed.example"
        before.ehlo()
        assert before.sendmail("a@example.com", ["x@example.org"], MAIL) == {}


def test_a_key_that_only_root_may_read_wants_a_reload(gateway, tmp_path):
    if os.getuid():
        pytest.skip("needs root")
    make_cert(tmp_path)
    (tmp_path / "mx.example.org.key").chmod(0o600)
    mx = gateway(user="nobody")
    make_cert(tmp_path, "renewed.example")
    for kind in ("crt", "key"):
        (tmp_path / f"renewed.example.{kind}").chmod(0o644 if kind == "crt" else 0o600)
        (tmp_path / f"renewed.example.{kind}").rename(tmp_path / f"mx.example.org.{kind}")
    mx.wait_log("until a reload (SIGHUP)")
    assert "Permission denied" in mx.log
    assert subject_of(mx.port) == "mx.example.org"
    mx.process.send_signal(signal.SIGHUP)
    wait_for(lambda: subject_of(mx.port) == "renewed.example", 20, "the new certificate")


@pytest.mark.parametrize("clients", ("ask", "require"))
def test_certificates_of_clients(gateway, sink, tmp_path, clients):
    make_cert(tmp_path, "partner.example")
    make_cert(tmp_path, "stranger.example")
    mx = gateway(f'tls_client_certificates = {clients}  tls_client_ca = "{tmp_path}/partner.example.crt"')

    def send(name=None, tls=True):
        with smtplib.SMTP("127.0.0.1", mx.port, "client.example", timeout=30) as smtp:
            smtp.ehlo()
            if tls:
                shown = context()
                if name:
                    shown.load_cert_chain(tmp_path / f"{name}.crt", tmp_path / f"{name}.key")
                smtp.starttls(context=shown)
                code, text = smtp.ehlo()
                if code != 250:
                    return code, text
            return smtp.mail("a@example.com")

    assert send("partner.example")[0] == 250
    is_strict = clients == "require"
    assert send("stranger.example")[0] == (421 if is_strict else 250)
    assert send()[0] == (421 if is_strict else 250)
    assert send(tls=False)[0] == (530 if is_strict else 250)
    with smtplib.SMTP("127.0.0.1", mx.port, "client.example", timeout=30) as smtp:
        shown = context()
        shown.load_cert_chain(tmp_path / "partner.example.crt", tmp_path / "partner.example.key")
        smtp.ehlo()
        smtp.starttls(context=shown)
        smtp.ehlo()
        smtp.sendmail("a@example.com", ["x@example.org"], MAIL)
    mx.wait_log("event=message")
    line = next(line for line in mx.log.splitlines() if "event=message" in line)
    assert 'certificate="CN=partner.example"' in line and "certificate_trusted=yes" in line
    sha256 = subprocess.run(["openssl", "x509", "-in", tmp_path / "partner.example.crt", "-noout", "-fingerprint",
                             "-sha256"], capture_output=True, text=True, check=True).stdout
    assert "certificate_sha256=" + sha256.split("=")[1].strip().replace(":", "").lower() in line
    if is_strict:
        mx.wait_log("the client showed no certificate")


def proxied(verified):
    """A header of the PROXY protocol for 10.0.0.9, of TLS that ends at the proxy, with a certificate."""
    def tlv(kind, value):
        return struct.pack("!BH", kind, len(value)) + value

    told = struct.pack("!BI", 7, 0 if verified else 1) + tlv(0x21, b"TLSv1.3") + tlv(0x22, b"partner.example")
    rest = bytes((10, 0, 0, 9, 127, 0, 0, 1)) + struct.pack("!HH", 4711, 25) + tlv(0x20, told)
    return b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + struct.pack("!H", len(rest)) + rest


@pytest.mark.parametrize("verified", (True, False))
def test_a_certificate_that_the_proxy_found_good_is_one(gateway, tmp_path, verified):
    make_cert(tmp_path, "partner.example")
    mx = gateway(f'tls_client_certificates = require  tls_client_ca = "{tmp_path}/partner.example.crt"'
                 '  proxy_clients = {"127.0.0.1"}')
    with socket.create_connection(("127.0.0.1", mx.port), 30) as client, client.makefile("rb") as file:
        client.sendall(proxied(verified) + b"HELO client.example\r\n")
        said = [file.readline()[:4], file.readline()[:9]]
        assert said[0] == b"220 "
        if not verified:
            assert said[1] == b"421 4.7.1"
            return
        client.sendall(b"MAIL FROM:<a@example.com>\r\n")
        assert file.readline()[:9] == b"250 2.1.0"


def test_who_forwards_has_shown_its_certificate(gateway, sink, tmp_path):
    make_cert(tmp_path, "partner.example")
    mx = gateway(f'tls_client_certificates = require  tls_client_ca = "{tmp_path}/partner.example.crt"'
                 '  xforward_clients = {"127.0.0.1"}')
    with smtplib.SMTP("127.0.0.1", mx.port, "client.example", timeout=30) as smtp:
        shown = context()
        shown.load_cert_chain(tmp_path / "partner.example.crt", tmp_path / "partner.example.key")
        smtp.ehlo()
        smtp.starttls(context=shown)
        smtp.ehlo()
        assert smtp.docmd("XFORWARD", "ADDR=10.0.0.9 NAME=other.example HELO=other.example")[0] == 250
        smtp.sendmail("a@example.com", ["x@example.org"], MAIL)
    wait_message(mx, sink, "client=10.0.0.9")


@pytest.mark.parametrize("keys,fault", (
    ('tls_ciphers = "GREEN"', "no such cipher of TLS 1.2: GREEN"),
    ('tls_ciphersuites = "RED"', "no such cipher suite of TLS 1.3: RED"),
    ("tls_client_certificates = require", "needs tls_client_ca"),
    ('tls_alt_certificate = "{folder}/mx.example.org.crt"', "tls_alt_certificate and tls_alt_key go together"),
    ('tls_alt_certificate = "{folder}/mx.example.org.crt"  tls_alt_key = "{folder}/mx.example.org.key"', "same kind"),
    ('tls "a.example" {{ certificate = "{folder}/mx.example.org.key"  key = "{folder}/mx.example.org.key" }}',
     "cannot use the certificate"),
))
def test_what_cannot_work_is_told_by_config_check(tmp_path, keys, fault):
    make_cert(tmp_path)
    conf = tmp_path / "gateway.conf"
    conf.write_text(CONF.format(user=USER, hop=25, folder=tmp_path, more=keys.format(folder=tmp_path))
                    .replace("{port}", "25"))
    checked = subprocess.run([BUILD / "postern", "config", "check", "-c", conf], capture_output=True, text=True,
                             check=False)
    assert checked.returncode == 2 and fault in checked.stdout + checked.stderr


# ---- clients as there are ----

def test_swaks_and_msmtp(gateway, sink, tmp_path):
    port = free_port()
    mx = gateway(f'listener "127.0.0.1:{port}" {{ tls = implicit }}')
    for options in (("--tls", "--port", mx.port), ("--tlsc", "--port", port)):
        command = [needs("swaks"), "--server", "127.0.0.1", "--from", "a@example.com", "--to", "x@example.org",
                   *options]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout
        assert b"with ESMTPS id" in wait_message(mx, sink, "tls=TLSv1.3")["data"]
    for options in (("--port", mx.port, "--tls-starttls=on"), ("--port", port, "--tls-starttls=off")):
        command = [needs("msmtp"), "--host=localhost", "--from=a@example.com", "--tls=on",
                   f"--tls-trust-file={tmp_path}/mx.example.org.crt", "--tls-certcheck=off", *options, "x@example.org"]
        done = subprocess.run([str(word) for word in command], input=MAIL, capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        assert b"with ESMTPS id" in wait_message(mx, sink, "sni=localhost")["data"]
