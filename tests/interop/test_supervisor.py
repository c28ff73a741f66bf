# tests/interop/test_supervisor.py - starting, reloading, dying, ending: the supervisor with a real gateway.
import os
import signal
import smtplib
import socket
import subprocess
import time
from email import message_from_bytes
from pathlib import Path

import pytest

from process import BUILD, free_port, wait_for
from servers import Gateway

CONF = """
hostname = "mx.example.org"
state = "{folder}/state"
user = "root"
dns { servers = {"127.0.0.1:9"} timeout = 200ms }
smtp { listen = {"127.0.0.1:{port}"}  next_hop = "maildir:{folder}/mail"  relay_domains = {"example.org"} }
check "rdns" { mode = off }
check "helo" { mode = off }
check "spf" { mode = off }
check "dmarc" { mode = off }
"""


def send(port, subject="a message", to="user@example.org"):
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
        client.sendmail("sender@example.net", [to], f"From: a@example.net\r\nSubject: {subject}\r\n\r\nbody\r\n")


def subjects(gateway):
    return sorted(message_from_bytes(mail)["Subject"] for mail in gateway.mails())


def children(pid):
    """The processes whose parent is `pid`, zombies included; a bare Debian has no pgrep."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = stat.read_text().rsplit(")", 1)[1].split()[1]
        except OSError:  # it has just ended
            continue
        if parent == str(pid):
            found.append(int(stat.parent.name))
    return found


def gateway_of(gateway):
    found = children(gateway.process.pid)
    assert len(found) == 1, found
    return found[0]


def can_connect(port):
    try:
        socket.create_connection(("127.0.0.1", port), 2).close()
        return True
    except OSError:
        return False


def test_a_gateway_that_is_killed_is_replaced_and_the_port_stays_open():
    with Gateway(CONF) as gateway:
        send(gateway.port, "before")
        first = gateway_of(gateway)
        os.kill(first, signal.SIGKILL)
        socket.create_connection(("127.0.0.1", gateway.port), 5).close()  # nobody is refused meanwhile
        wait_for(lambda: children(gateway.process.pid) not in ([], [first]), 10, "a new gateway")
        send(gateway.port, "after")
        assert subjects(gateway) == ["after", "before"]
        assert "ended by signal 9" in gateway.log


def test_a_gateway_that_dies_again_and_again_is_replaced_with_growing_pauses():
    with Gateway(CONF) as gateway:
        for pause in (100, 200, 400):
            last = gateway_of(gateway)
            os.kill(last, signal.SIGKILL)
            gateway.wait_log(f"a new gateway starts in {pause} ms")
            wait_for(lambda: children(gateway.process.pid) not in ([], [last]), 10, "a new gateway")
        send(gateway.port)
        assert len(gateway.mails()) == 1


def test_sighup_takes_over_without_dropping_a_session():
    with Gateway(CONF) as gateway:
        first = gateway_of(gateway)
        old = smtplib.SMTP("127.0.0.1", gateway.port, timeout=20)
        old.ehlo()
        old.mail("sender@example.net")
        gateway.write(CONF.replace("mx.example.org", "mx2.example.org"))
        gateway.process.send_signal(signal.SIGHUP)
        gateway.wait_log("generation 2 has taken over")
        with smtplib.SMTP("127.0.0.1", gateway.port, timeout=20) as new:
            assert b"mx2.example.org" in new.ehlo()[1]
        assert old.rcpt("user@example.org")[0] == 250  # the old session goes on in the old process
        assert old.data(b"Subject: old\r\n\r\nbody\r\n")[0] == 250
        old.close()
        wait_for(lambda: first not in children(gateway.process.pid), 20, "the old generation to end")
        assert subjects(gateway) == ["old"]


def test_connections_during_reloads_are_never_refused():
    with Gateway(CONF) as gateway:
        end = time.monotonic() + 4
        reloads = sent = 0
        while time.monotonic() < end:
            if reloads < gateway.log.count("has taken over") + 1:
                gateway.process.send_signal(signal.SIGHUP)
                reloads += 1
            send(gateway.port, f"number {sent}")
            sent += 1
        wait_for(lambda: gateway.log.count("has taken over") >= reloads, 20, "the last reload")
        assert reloads >= 2
        assert len(gateway.mails()) == sent


@pytest.mark.parametrize("bad, told", [
    ("smtp { listen = {\"127.0.0.1:{port}\"} nonsense = yes }", "nonsense"),
    ("check \"spf\" { timeout = \"5 parsecs\" }", "gateway.conf:1"),
    ("include(\"{folder}/nowhere.conf\")", "nowhere.conf"),
    (CONF.replace("relay_domains", 'tls_certificate = "{folder}/log"  tls_key = "{folder}/log"  relay_domains'),
     "cannot use the certificate"),
    (CONF.replace('{"127.0.0.1:{port}"}', '{"127.0.0.1:{port}", "127.0.0.1:{taken}"}'), "Address already in use"),
])
def test_a_bad_new_configuration_is_refused_and_the_old_one_stays(bad, told):
    with Gateway(CONF) as gateway, socket.create_server(("127.0.0.1", 0)) as taken:
        gateway.write(bad.replace("{taken}", str(taken.getsockname()[1])))
        gateway.process.send_signal(signal.SIGHUP)
        gateway.wait_log("the new configuration is refused")
        assert told in gateway.log and "\\x0a" not in gateway.log
        send(gateway.port)
        assert len(gateway.mails()) == 1


def test_a_listener_may_come_and_go():
    other = free_port()
    with Gateway(CONF) as gateway:
        gateway.write(CONF.replace('{"127.0.0.1:{port}"}', f'{{"127.0.0.1:{other}"}}'))
        gateway.process.send_signal(signal.SIGHUP)
        gateway.wait_log("has taken over")
        send(other)
        wait_for(lambda: not can_connect(gateway.port), 20, "the old listener to close")
        assert len(gateway.mails()) == 1


def test_sigterm_finishes_what_is_under_way():
    with Gateway(CONF) as gateway:
        client = smtplib.SMTP("127.0.0.1", gateway.port, timeout=20)
        client.ehlo()
        client.mail("sender@example.net")
        client.rcpt("user@example.org")
        gateway.process.send_signal(signal.SIGTERM)
        wait_for(lambda: not can_connect(gateway.port), 10, "the listener to close")
        assert client.data(b"Subject: last\r\n\r\nbody\r\n")[0] == 250
        client.close()
        assert gateway.process.wait(20) == 0
        assert subjects(gateway) == ["last"]


def test_sigterm_during_a_reload_drains_and_kills_nobody():
    for attempt in range(12):  # the moment that matters is short: from fork() to exec()
        with Gateway(CONF) as gateway:
            gateway.process.send_signal(signal.SIGHUP)
            time.sleep(0.0005 + 0.0015 * attempt)
            gateway.process.send_signal(signal.SIGTERM)
            assert gateway.process.wait(20) == 0
            assert "ended by signal 9" not in gateway.log


def test_a_gateway_does_not_outlive_its_supervisor():
    gateway = Gateway(CONF).start()
    child = gateway_of(gateway)
    gateway.process.kill()
    wait_for(lambda: not can_connect(gateway.port), 10, "the listener to close")
    wait_for(lambda: not os.path.exists(f"/proc/{child}"), 10, "the gateway's process to end")
    assert gateway.end() == -signal.SIGKILL


def test_systemd_hears_of_readiness_and_of_stopping(tmp_path):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(str(tmp_path / "notify"))
    listener.settimeout(10)
    gateway = Gateway(CONF)
    gateway.environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "2000000"}
    heard = []

    def hear(what):
        while not heard or heard[-1] != what:
            heard.append(listener.recv(100))

    with gateway:
        hear(b"READY=1")
        hear(b"WATCHDOG=1")
        gateway.process.send_signal(signal.SIGHUP)
        hear(b"RELOADING=1")
        hear(b"READY=1")
        gateway.process.send_signal(signal.SIGTERM)
        hear(b"STOPPING=1")
        assert gateway.process.wait(20) == 0


def test_root_is_given_up():
    if os.geteuid():
        pytest.skip("only root can give up root")
    conf = CONF.replace('user = "root"', 'user = "nobody"').replace("{folder}/mail", "{folder}/state/mail")
    with Gateway(conf) as gateway:
        send(gateway.port)
        with open(f"/proc/{gateway_of(gateway)}/status") as file:
            status = file.read()
        uids = [line.split()[1:] for line in status.splitlines() if line.startswith("Uid:")][0]
        assert "0" not in uids
        assert "NoNewPrivs:\t1" in status
        assert len(gateway.mails("state/mail")) == 1


@pytest.mark.parametrize("conf, status, told", [
    (CONF.replace("user = \"root\"", "user = \"no-such-user\""), 3, "useradd"),
    ("hostname = 7\nstate = parsecs = 2\n", 2, "gateway.conf:2"),
])
def test_a_start_that_cannot_succeed_ends_with_the_reason(tmp_path, conf, status, told):
    if os.geteuid() and status == 3:
        pytest.skip("only root becomes another user")
    path = tmp_path / "gateway.conf"
    path.write_text(conf.replace("{folder}", str(tmp_path)).replace("{port}", str(free_port())))
    done = subprocess.run([BUILD / "postern", "run", "-c", path], capture_output=True, text=True, timeout=30)
    assert done.returncode == status, done.stderr
    assert told in done.stderr


def test_a_port_that_is_taken_is_named(tmp_path):
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        path = tmp_path / "gateway.conf"
        path.write_text(CONF.replace("{folder}", str(tmp_path)).replace("{port}", str(port)))
        done = subprocess.run([BUILD / "postern", "run", "-c", path], capture_output=True, text=True, timeout=30)
    assert done.returncode == 3
    assert str(port) in done.stderr and "in use" in done.stderr
