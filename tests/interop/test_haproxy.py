# tests/interop/test_haproxy.py - haproxy in front of us: the true client by the PROXY protocol, health checks, TLS.
import socket
import ssl
import struct

import pytest

from haproxy import Haproxy
from mail import Client, parse, send_mail
from process import wait_for
from servers import Gateway
from sink import SmtpSink

CONF = """
hostname = "mx.example.org"
smtp {{
    listen = {{"127.0.0.1:{{port}}"}}
    next_hop = "smtp://127.0.0.1:{sink}"
    relay_domains = {{"example.org"}}
    proxy_clients = {{"127.0.0.1"}}
    relay_clients = {{"127.0.0.1"}}
    tls_certificate = "{folder}/mx.example.org.crt"
    tls_key = "{folder}/mx.example.org.key"
    clients {{ greet_wait = 0 }}
}}
check "greylist" {{ mode = off }}
"""

CHECKED = "check check-send-proxy inter 200ms rise 1 fall 1"


@pytest.fixture(scope="module")
def house(certificates):
    with SmtpSink() as sink, Gateway(CONF.format(sink=sink.port, folder=certificates)) as gateway, \
            Haproxy(gateway.port,
                    v1={"server": "send-proxy"},
                    v2={"server": "send-proxy-v2 proxy-v2-options unique-id,crc32c",
                        "front": "unique-id-format %ci-%cp"},
                    tls={"bind": f"ssl crt {certificates}/mx.example.org.pem",
                         "server": "send-proxy-v2-ssl-cn proxy-v2-options authority,ssl,cert-cn,ssl-cipher"},
                    checked={"server": f"send-proxy-v2 {CHECKED}",
                             "back": "option smtpchk EHLO check.example.org\n    option log-health-checks"},
                    bare={"server": ""}) as proxy:
        wait_for(lambda: ("EHLO", "mx.example.org") in sink.commands, 20, "the gateway to know its next hop")
        yield gateway, proxy, sink


def send(house, way, **options):
    """From another address than the proxy's, which connects to us from 127.0.0.1."""
    gateway, proxy, sink = house
    sink.messages.clear()
    code, text = send_mail(proxy.ports[way], "ada@sender.example", "user@example.org", "Subject: x\r\n\r\nx\r\n",
                           source="127.0.0.9", **options)
    return code, text, sink.messages[-1]["data"].decode() if sink.messages else ""


def test_version_1_tells_the_client(house):
    code, text, mail = send(house, "v1")
    assert code == 250, text
    assert "[127.0.0.9]" in parse(mail.encode())["Received"]
    house[0].wait_log("client=127.0.0.9")


def test_version_2_with_a_unique_id_and_a_checksum(house):
    code, text, mail = send(house, "v2")
    assert code == 250, text
    assert "[127.0.0.9]" in parse(mail.encode())["Received"]
    house[0].wait_log("peer_id=127.0.0.9-")


def test_starttls_goes_through_the_proxy(house):
    code, text, mail = send(house, "v1", starttls=True)
    assert code == 250, text
    assert "with ESMTPS" in parse(mail.encode())["Received"]


def test_tls_that_ends_at_the_proxy_is_known(house):
    import smtplib

    gateway, proxy, sink = house
    sink.messages.clear()
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with smtplib.SMTP_SSL("127.0.0.1", proxy.ports["tls"], context=context, local_hostname="client.example") as smtp:
        smtp.ehlo()
        assert not smtp.has_extn("starttls")
        smtp.sendmail("ada@sender.example", ["user@example.org"], "Subject: x\r\n\r\nx\r\n")
    received = parse(sink.messages[-1]["data"])["Received"]
    assert "with ESMTPS" in received and "using TLSv1.3 with cipher TLS_" in received, received


def test_health_checks_are_answered(house):
    gateway, proxy, sink = house
    wait_for(lambda: "Health check for server out3/mx" in proxy.log, 10, "a health check")
    code, text, _ = send(house, "checked")
    assert code == 250, text
    assert "Health check for server out3/mx succeeded" in proxy.log and "is DOWN" not in proxy.log, proxy.log


def test_a_proxy_that_says_nothing_is_named_in_the_log(house):
    gateway, proxy, sink = house
    with socket.create_connection(("127.0.0.1", proxy.ports["bare"]), 20) as client:
        client.sendall(b"EHLO client.example\r\n")
        assert client.makefile("rb").read() == b""
    gateway.wait_log("is in smtp.proxy_clients, but its connection began with no header of the PROXY protocol")
    assert "send-proxy" in gateway.log


def test_a_client_has_its_own_rights_and_not_the_proxys(house):
    """What the proxy tells, not where it is: the gateway itself is asked, as a proxy for somebody in the world."""
    gateway, proxy, sink = house
    with socket.create_connection(("127.0.0.1", gateway.port), 20) as proxied:
        proxied.sendall(b"PROXY TCP4 192.0.2.7 192.0.2.25 4711 25\r\n")
        file = proxied.makefile("rb")
        assert file.readline().startswith(b"220 ")
        for command, code in ((b"EHLO client.example", b"250"), (b"MAIL FROM:<a@sender.example>", b"250"),
                              (b"RCPT TO:<x@elsewhere.example>", b"554"), (b"RCPT TO:<user@example.org>", b"250"),
                              (b"DATA", b"354"), (b".", b"250")):
            proxied.sendall(command + b"\r\n")
            line = file.readline()
            while line[3:4] == b"-":
                line = file.readline()
            assert line.startswith(code), (command, line)
    gateway.wait_log("client=192.0.2.7")
    assert "peer=127.0.0.1" in gateway.log


def tlv(kind, value):
    return struct.pack("!BH", kind, len(value)) + value


def test_a_certificate_that_the_proxy_has_seen_is_in_the_log(house):
    """Its name, as it is told where the proxy has found it good."""
    gateway, proxy, sink = house
    for verified, name in ((1, b"Mallory"), (0, b"Ann Example")):
        ssl_told = tlv(0x20, struct.pack("!BI", 7, verified) + tlv(0x21, b"TLSv1.3") + tlv(0x22, name))
        block = socket.inet_aton("192.0.2.8") + socket.inet_aton("192.0.2.25") + struct.pack("!HH", 4711, 25) + ssl_told
        with socket.create_connection(("127.0.0.1", gateway.port), 20) as proxied:
            proxied.sendall(b"\r\n\r\n\0\r\nQUIT\n" + struct.pack("!BBH", 0x21, 0x11, len(block)) + block)
            file = proxied.makefile("rb")
            for command in (b"HELO client.example", b"MAIL FROM:<a@sender.example>", b"RCPT TO:<x@elsewhere.example>"):
                file.readline()
                proxied.sendall(command + b"\r\n")
            assert file.readline().startswith(b"554 ")
    gateway.wait_log('tls=TLSv1.3 certificate="Ann Example" certificate_trusted=yes')
    assert "Mallory" not in gateway.log


def test_tls_from_the_first_byte_behind_the_header(certificates):
    """The header in clear, and the client's first words of TLS in the same packet."""
    with SmtpSink() as sink, Gateway(CONF.format(sink=sink.port, folder=certificates).replace(
            'listen = {"127.0.0.1:{port}"}', 'listener "127.0.0.1:{port}" { tls = implicit }')) as gateway:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        coming, going = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = context.wrap_bio(coming, going)
        with socket.create_connection(("127.0.0.1", gateway.port), 20) as raw:
            header = b"PROXY TCP4 192.0.2.7 192.0.2.25 4711 465\r\n"

            def turn(call):
                nonlocal header
                while True:
                    try:
                        return call()
                    except ssl.SSLWantReadError:
                        raw.sendall(header + going.read())
                        header = b""
                        data = raw.recv(65536)
                        assert data, gateway.log
                        coming.write(data)

            turn(client.do_handshake)
            assert turn(lambda: client.read(1000)).startswith(b"220 ")
            client.write(b"EHLO client.example\r\n")
            assert b"250-mx.example.org" in turn(lambda: client.read(1000))
            client.write(b"QUIT\r\n")
            assert turn(lambda: client.read(1000)).startswith(b"221 ")


def test_our_client_that_is_no_proxy_needs_no_header(certificates):
    with SmtpSink() as sink, Gateway(CONF.format(sink=sink.port, folder=certificates).replace(
            'proxy_clients = {"127.0.0.1"}', 'proxy_clients = {"192.0.2.0/24"}')) as gateway:
        with Client(gateway.port) as smtp:
            assert smtp.ehlo()[0] == 250
