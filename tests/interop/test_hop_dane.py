# tests/interop/test_hop_dane.py - a next hop that is verified by its TLSA records, which are signed; and our
# certificate for a next hop that asks for one.
import os
import pwd
import re
import ssl
import subprocess

import pytest

from mail import cert_digest, make_cert, send_mail
from process import wait_for
from servers import Gateway
from signed_dns import SignedNsd, signed_zone
from sink import SmtpSink

USER = pwd.getpwuid(os.getuid()).pw_name
CONF = """
hostname = "mx.example.org"
state = "{{folder}}/state"
user = "{user}"
dns {{ servers = {{"{dns}"}}  dnssec = yes  trust_anchor = "{anchor}"  timeout = 2s }}
check "greylist" {{ mode = off }}
smtp {{
    listen = {{"127.0.0.1:{{port}}"}}
    next_hop = "{scheme}://{host}:{hop}"
    next_hop_tls = {tls}
    relay_domains = {{"example.org"}}
    verify_recipients = none
    hop_command = "4s"
    {more}
}}
"""
MAIL = b"From: a@example.com\r\nSubject: test\r\n\r\ntext\r\n"


def make_chain(folder):
    """A certificate of hop.test by an authority of its own: (both in one file with the key, the authority's)."""
    run = lambda *words: subprocess.run(["openssl", *map(str, words)], cwd=folder, capture_output=True, check=True)
    run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key", "-out",
        "ca.crt", "-days", "2", "-subj", "/CN=authority", "-addext", "basicConstraints=critical,CA:TRUE")
    run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "hop.key", "-out",
        "hop.csr", "-subj", "/CN=hop.test")
    (folder / "ext").write_text("subjectAltName=DNS:hop.test\n")
    run("x509", "-req", "-in", "hop.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
        "-extfile", "ext", "-out", "hop.crt")
    (folder / "hop.pem").write_text("".join((folder / f).read_text() for f in ("hop.key", "hop.crt", "ca.crt")))
    return folder / "hop.pem", folder / "ca.crt"


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    return make_chain(tmp_path_factory.mktemp("chain"))


class World:
    """A next hop with a certificate, its name in a signed zone, and the gateway in front of it.

    alias   alias.test is another name of the next hop, the one that is written; the records are its own.
    """

    def __init__(self, folder, sink, tlsa, forged=None, host="hop.test", scheme="smtp", more="", plain=(), alias=False):
        host = "alias.test" if alias else host
        records = [("hop.test.", "A", "127.0.0.1")] + [("alias.test.", "CNAME", "hop.test.")] * alias
        records += [(f"_{sink.port}._tcp.{'alias' if alias else 'hop'}.test.", "TLSA", text) for text in tlsa]
        zone, anchor = signed_zone(records, forged=forged, unsigned=["plain."])
        (folder / "root.key").write_text(anchor)
        unsigned = "\n".join(["hop.plain. 60 IN A 127.0.0.1",
                              *(f"_{sink.port}._tcp.hop.plain. 60 IN TLSA {text}" for text in plain)])
        self.dns = SignedNsd(zone, unsigned={"plain.": unsigned})
        self.conf = CONF.format(user=USER, dns=self.dns.endpoint, anchor=folder / "root.key", host=host, hop=sink.port,
                                scheme=scheme, more=more, tls="dane")

    def __enter__(self):
        self.dns.__enter__()
        try:
            self.gateway = Gateway(self.conf)
            return self.gateway.__enter__()
        except BaseException:
            self.dns.__exit__(None, None, None)
            raise

    def __exit__(self, *failure):
        self.gateway.__exit__(*failure)
        self.dns.__exit__(*failure)


def send(mx):
    return send_mail(mx.port, "a@example.com", "x@example.org", MAIL)[0]


GOOD = {"3 1 1": ("pubkey", "hop"), "3 0 1": ("x509", "hop"), "2 0 1": ("x509", "ca"), "2 1 1": ("pubkey", "ca")}


@pytest.mark.parametrize("kind", GOOD)
def test_a_hop_with_the_certificate_of_its_records(tmp_path, chain, kind):
    what, whose = GOOD[kind]
    tlsa = f"{kind} {cert_digest(chain[0] if whose == 'hop' else chain[1], what)}"
    with SmtpSink(tls=chain[0]) as sink, World(tmp_path, sink, ["3 1 1 " + "00" * 32, tlsa]) as mx:
        assert send(mx) == 250, mx.log
        assert sink.messages[0]["tls"] is True
        proved = "dane-ee" if kind[0] == "3" else "dane-ta"
        assert re.search(rf'event=message .*hop_tls="TLSv1\.3 TLS_\S+ {proved}"', mx.log), mx.log
        assert re.search(rf'event=next_hop .*state=up tls="TLSv1\.3 \S+ {proved}"', mx.log), mx.log


def test_dane_over_smtps(tmp_path, chain):
    tlsa = "3 1 1 " + cert_digest(chain[0], "pubkey")
    with SmtpSink(tls=chain[0], implicit=True) as sink, World(tmp_path, sink, [tlsa], scheme="smtps") as mx:
        assert send(mx) == 250, mx.log


REFUSED = {
    "another certificate": (["3 1 1 " + "ab" * 32], {}, "TLS: "),
    "no record": ([], {}, "no secure TLSA records of _{port}._tcp.hop.test: there are none"),
    "usages that mail does not know": (["1 1 1 " + "ab" * 32], {}, "can be used: their usage must be 2 or 3"),
    "a forged record": (["3 1 1 {pubkey}"], {"3 1 1": "3 0 1"}, "their signature is wrong"),
    "a forged address": (["3 1 1 {pubkey}"], {"A 127.0.0.1": "A 127.0.0.3"}, "address of hop.test: their signature"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_hop_that_is_not_proved_gets_nothing(tmp_path, chain, case):
    tlsa, forged, why = REFUSED[case]
    with SmtpSink(tls=chain[0]) as sink:
        tlsa = [text.format(pubkey=cert_digest(chain[0], "pubkey")) for text in tlsa]
        with World(tmp_path, sink, tlsa, forged=forged) as mx:
            assert send(mx) == 451
            mx.wait_log("state=down")
            assert why.format(port=sink.port) in mx.log, mx.log
            assert not sink.messages


def test_records_that_are_not_signed_prove_nothing(tmp_path, chain):
    tlsa = "3 1 1 " + cert_digest(chain[0], "pubkey")
    with SmtpSink(tls=chain[0]) as sink, World(tmp_path, sink, [tlsa], host="hop.plain", plain=[tlsa]) as mx:
        assert send(mx) == 451
        mx.wait_log("no secure address of hop.plain: they are not signed")
        assert not sink.messages


def test_an_alias_has_records_of_its_own(tmp_path, chain):
    """And where an authority is what they name, the certificate must bear the alias [RFC7672 3.2.2]: it does not."""
    with SmtpSink(tls=chain[0]) as sink:
        with World(tmp_path, sink, ["3 1 1 " + cert_digest(chain[0], "pubkey")], alias=True) as mx:
            assert send(mx) == 250, mx.log
        with World(tmp_path, sink, ["2 1 1 " + cert_digest(chain[1], "pubkey")], alias=True) as mx:
            assert send(mx) == 451
            mx.wait_log("TLS: hostname mismatch")
        assert len(sink.messages) == 1


def test_a_hop_without_starttls_gets_nothing(tmp_path, chain):
    with SmtpSink() as sink, World(tmp_path, sink, ["3 1 1 " + cert_digest(chain[0], "pubkey")]) as mx:
        assert send(mx) == 451
        mx.wait_log("does not offer STARTTLS")
        assert not sink.messages


def test_name_servers_that_fall_silent_are_no_leave_to_do_without(tmp_path, chain):
    tlsa = "3 1 1 " + cert_digest(chain[0], "pubkey")
    with SmtpSink(tls=chain[0]) as sink:
        world = World(tmp_path, sink, [tlsa])
        with Gateway(world.conf) as mx:                          # its name server was never started
            assert send(mx) == 451
            assert not sink.messages
            with world.dns:
                wait_for(lambda: send(mx) == 250, 20, "the next hop to be found")


# ---- our own certificate ----

def test_a_hop_that_asks_is_shown_our_certificate(tmp_path, chain):
    crt, key = make_cert(tmp_path, "mx.example.org")
    shown = []

    class Asking(SmtpSink):
        def script(self, verb, argument, dialogue):
            if verb == "MAIL":
                shown.append(dialogue.connection.getpeercert())
            return None

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain[0])
    context.load_verify_locations(crt)
    context.verify_mode = ssl.CERT_REQUIRED
    more = f'next_hop_certificate = "{crt}"  next_hop_key = "{key}"'
    sink = Asking(tls=context)
    sink.script = lambda *told: Asking.script(sink, *told)
    with sink, World(tmp_path, sink, ["3 1 1 " + cert_digest(chain[0], "pubkey")], more=more) as mx:
        assert send(mx) == 250, mx.log
        assert shown[0]["subject"] == ((("commonName", "mx.example.org"),),)
