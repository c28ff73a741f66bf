# tests/interop/test_dns_command.py - `postern dns`: a real name server, and what the command makes of its zone.
import json
import subprocess

import pytest

from mail import cert_digest, dkim_record, make_cert
from process import BUILD
from servers import Nsd

GOOD = ["good.example. MX 10 mx.example.org.", "mx.example.org. A 192.0.2.1", "mx.example.org. AAAA 2001:db8::25",
        "1.2.0.192.in-addr.arpa. PTR mx.example.org.",
        f"{'.'.join(reversed('20010db8000000000000000000000025'))}.ip6.arpa. PTR mx.example.org.",
        'good.example. TXT "v=spf1 mx ip4:192.0.2.0/24 -all"', '_dmarc.good.example. TXT "v=DMARC1; p=quarantine"',
        dkim_record("s1._domainkey.good.example.", "rsa-sha256"),
        '_mta-sts.good.example. TXT "v=STSv1; id=1"', "mta-sts.good.example. A 192.0.2.80",
        '_smtp._tls.good.example. TXT "v=TLSRPTv1; rua=mailto:tls@good.example"',
        "bare.example. A 192.0.2.9"]


@pytest.fixture(scope="module")
def dns():
    with Nsd("\n".join(GOOD), broken=["broken.example"]) as server:
        yield server


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_cert(tmp_path_factory.mktemp("dns-command"), "mx.example.org")


def ask(tmp_path, endpoint, *words, smtp=""):
    conf = tmp_path / "gateway.conf"
    conf.write_text(f'hostname = "mx.example.org"\ndns {{ servers = {{"{endpoint}"}}  timeout = 500ms }}\n{smtp}\n')
    return subprocess.run([BUILD / "postern", "dns", "-c", conf, *words], capture_output=True, text=True, timeout=60,
                          check=False)


def states(done):
    found = json.loads(done.stdout)
    return {item["record"]: item["state"] for item in found["records"]}, {i["record"]: i for i in found["records"]}


def test_a_domain_where_all_is_well(dns, tmp_path):
    done = ask(tmp_path, dns.endpoint, "--json", "--selector", "s1", "Good.Example")
    state, items = states(done)
    assert done.returncode == 0, done.stdout + done.stderr
    assert state == {"MX": "ok", "address": "ok", "PTR": "ok", "SPF": "ok", "DKIM": "ok", "DMARC": "ok",
                     "MTA-STS": "ok", "TLSA": "unknown", "TLS-RPT": "ok"}
    assert items["MX"]["found"] == ["10 mx.example.org."]
    assert items["address"]["found"] == ["192.0.2.1", "2001:db8::25"]


def test_a_domain_without_anything_is_told_what_to_publish(dns, tmp_path):
    done = ask(tmp_path, dns.endpoint, "bare.example")
    assert done.returncode == 1, done.stdout + done.stderr
    for line in ("bare.example. IN MX 10 mx.example.org.", 'bare.example. IN TXT "v=spf1 mx -all"',
                 '_dmarc.bare.example. IN TXT "v=DMARC1; p=none; rua=mailto:dmarc-reports@bare.example"',
                 "https://mta-sts.bare.example/.well-known/mta-sts.txt", "mx: mx.example.org"):
        assert line in done.stdout, done.stdout


def test_what_was_published_as_told_is_right(dns, tmp_path):
    """The lines for a new domain, put into a zone as they are, are taken by a real name server, and by us."""
    _, items = states(ask(tmp_path, dns.endpoint, "--json", "bare.example"))
    lines = [line for name in ("MX", "SPF", "DMARC", "MTA-STS", "TLS-RPT") for line in items[name]["publish"]]
    with Nsd("\n".join([*GOOD, *lines, "mta-sts.bare.example. A 192.0.2.80"])) as server:
        done = ask(tmp_path, server.endpoint, "--json", "bare.example")
        assert done.returncode == 0, done.stdout + done.stderr


def test_tlsa_is_computed_from_the_certificate(dns, certificate, tmp_path):
    path, key = certificate
    smtp = f'smtp {{ tls_certificate = "{path}"  tls_key = "{key}" }}'
    done = ask(tmp_path, dns.endpoint, "--json", "good.example", smtp=smtp)
    state, items = states(done)
    line = f"_25._tcp.mx.example.org. IN TLSA 3 1 1 {cert_digest(path, 'pubkey')}"
    assert state["TLSA"] == "missing" and items["TLSA"]["publish"] == [line], items["TLSA"]
    assert "mode: testing" in items["MTA-STS"]["policy"]          # signed by itself, it would be refused
    with Nsd("\n".join([*GOOD, line])) as server:                # it fits; nothing proves it
        state, items = states(ask(tmp_path, server.endpoint, "--json", "good.example", smtp=smtp))
        assert state["TLSA"] == "unknown" and "DNSSEC" in items["TLSA"]["why"], items["TLSA"]
    both = f'smtp {{ tls "mx.example.org" {{ certificate = "{path}"  key = "{key}" }} {smtp[6:]}'
    assert states(ask(tmp_path, dns.endpoint, "--json", "good.example", smtp=both))[1]["TLSA"]["publish"] == [line]
    with Nsd("\n".join([*GOOD, line[:-4] + "0000"])) as server:
        done = ask(tmp_path, server.endpoint, "--json", "good.example", smtp=smtp)
        assert states(done)[0]["TLSA"] == "wrong" and done.returncode == 1


def test_a_name_server_that_fails_is_status_3(dns, tmp_path):
    done = ask(tmp_path, dns.endpoint, "--json", "broken.example")
    assert done.returncode == 3 and states(done)[0]["MX"] == "unknown", done.stdout
    done = ask(tmp_path, "127.0.0.1:9", "broken.example")
    assert done.returncode == 3 and "unknown" in done.stdout, done.stdout


@pytest.mark.parametrize("words", [(), ("a.example", "b.example"), ("..",), ("--selector", "a b", "a.example"),
                                   ("--colour", "a.example")])
def test_a_wrong_command_line_is_status_2(dns, tmp_path, words):
    done = ask(tmp_path, dns.endpoint, *words)
    assert done.returncode == 2 and "usage: postern dns" in done.stderr


def test_help(tmp_path):
    done = ask(tmp_path, "127.0.0.1:9", "--help")
    assert done.returncode == 0 and done.stdout.startswith("usage: postern dns")
