# tests/interop/test_dns.py - our resolver against real name servers: nsd, and unbound in front of it.
import socket
import subprocess

import pytest

from process import BUILD, free_port
from servers import Nsd, Unbound
from signed_dns import SignedNsd, signed_zone

BIG = ["%c" % (97 + i) * 250 for i in range(17)]
MANY = 3000
ZONE = "\n".join([
    "a.example. A 192.0.2.1", "a.example. A 192.0.2.2", "a.example. AAAA 2001:db8::1",
    'spf.example. TXT "v=spf1 " "ip4:192.0.2.0/24 " "-all"', 'spf.example. TXT "another"',
    "big.example. TXT " + " ".join('"%s"' % part for part in BIG),
    "m.example. MX 20 b.m.example.", "m.example. MX 10 a.example.", "null.example. MX 0 .",
    "1.2.0.192.in-addr.arpa. PTR Host.A.Example.", r"2.2.0.192.in-addr.arpa. PTR evil\013\010\"\.x.example.",
    "alias.example. CNAME alias2.example.", "alias2.example. CNAME a.example.",
    "dangling.example. CNAME nothing.example.",
    "ring1.example. CNAME ring2.example.", "ring2.example. CNAME ring1.example.",
    "_25._tcp.mx.example. TLSA 3 1 1 " + "ab" * 32, "*.wild.example. A 127.0.0.2", "n.test. A 192.0.2.9",
    *(f"n{i}.many.example. A 10.0.{i // 256}.{i % 256}" for i in range(MANY)),
])

CASES = [
    ("a.example A", "192.0.2.1 | 192.0.2.2"),
    ("A.Example. AAAA", "2001:db8::1"),
    ("spf.example TXT", "another | v=spf1 ip4:192.0.2.0/24 -all"),
    ("big.example TXT", "".join(BIG)),
    ("m.example MX", "10 a.example | 20 b.m.example"),
    ("null.example MX", "0 ."),
    ("1.2.0.192.in-addr.arpa PTR", "host.a.example"),
    ("2.2.0.192.in-addr.arpa PTR", r"evil\013\010\034\046x.example"),
    ("alias.example A", "192.0.2.1 | 192.0.2.2"),
    ("alias.example MX", "NODATA"),
    ("dangling.example A", "NXDOMAIN"),
    ("ring1.example A", "SERVFAIL"),
    ("_25._tcp.mx.example TLSA", "3 1 1 " + "ab" * 32),
    ("x.y.wild.example A", "127.0.0.2"),
    ("n.test A", "192.0.2.9"),
    ("nothing.example A", "NXDOMAIN"),
    ("a.example MX", "NODATA"),
    ("x.broken.example A", "SERVFAIL"),
    ("example..com A", "NXDOMAIN"),
    (".".join(["x" * 60] * 5) + " TXT", "NXDOMAIN"),
]


def probe(lines, *arguments, seconds=60):
    """What dns_probe answered: {"name type": (ttl, ms, text)}, and its last line."""
    run = subprocess.run([BUILD / "tests" / "dns_probe", *map(str, arguments)], input="\n".join(lines) + "\n",
                         capture_output=True, text=True, timeout=seconds)
    assert run.returncode == 0 and not run.stderr, run.stderr
    *answers, last = run.stdout.splitlines()
    assert not any("EARLY" in line for line in answers)
    found = {}
    for line in answers:
        name, kind, ttl, ms, text = line.split(" ", 4)
        found.setdefault(f"{name} {kind}", []).append((int(ttl[4:]), int(ms[:-2]), text))
    return found, last


def unordered(text):
    return sorted(text.split(" | "))


@pytest.fixture(scope="module")
def nsd():
    with Nsd(ZONE, broken=["broken.example"]) as server:
        yield server


@pytest.fixture(scope="module")
def unbound(nsd):
    with Unbound(nsd.endpoint) as server:
        yield server


@pytest.mark.parametrize("through", ["nsd", "unbound"])
def test_every_kind_of_answer(through, request):
    server = request.getfixturevalue(through)
    found, last = probe([asked for asked, _ in CASES], "-t", 20000, server.endpoint)
    for asked, want in CASES:
        name, kind = asked.lower().split()
        answers = found[f"{name[:253].removesuffix('.')} {kind.upper()}"]
        assert len(answers) == 1, asked
        assert unordered(answers[0][2]) == unordered(want), asked
    assert last.startswith(f"asked {len(CASES)} answered {len(CASES)}")


def test_ttls_are_kept(nsd):
    found, _ = probe(["a.example A", "nothing.example A", "a.example MX"], nsd.endpoint)
    assert [found[k][0][0] for k in ("a.example A", "nothing.example A", "a.example MX")] == [60, 5, 5]


def test_joined_look_ups_are_one(nsd):
    found, last = probe(["a.example A"] * 50, "-j", nsd.endpoint)
    assert len(found["a.example A"]) == 100
    assert last == "asked 100 answered 100 inflight-most 1"


def test_cancelled_look_ups_stay_silent(nsd):
    found, last = probe(["a.example A cancel", "a.example AAAA", "spf.example TXT cancel"], nsd.endpoint)
    assert list(found) == ["a.example AAAA"]
    assert last == "asked 1 answered 1 inflight-most 3"


def test_thousands(nsd):
    found, last = probe([f"n{i}.many.example A" for i in range(MANY)], "-t", 30000, nsd.endpoint)
    assert all(found[f"n{i}.many.example A"][0][2] == f"10.0.{i // 256}.{i % 256}" for i in range(MANY))
    assert last.startswith(f"asked {MANY} answered {MANY} ")


def test_thousands_in_flight():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        asked = [f"n{i}.many.example A" for i in range(MANY)]
        found, last = probe(asked, "-t", 3000, "-i", MANY - 10, f"127.0.0.1:{silent.getsockname()[1]}")
    texts = [found[name][0][2] for name in asked]
    assert texts.count("SERVFAIL") == 10 and texts.count("TIMEOUT") == MANY - 10
    assert last == f"asked {MANY} answered {MANY} inflight-most {MANY - 10}"


def test_a_silent_server_times_out():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        found, _ = probe(["a.example A", "b.example TXT"], "-t", 400, f"127.0.0.1:{silent.getsockname()[1]}")
    for answers in found.values():
        ttl, ms, text = answers[0]
        assert text == "TIMEOUT" and ttl == 0 and 390 <= ms <= 3000


def test_a_silent_server_beside_a_good_one_costs_no_answer(nsd):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        asked = [f"n{i}.many.example A" for i in range(50)]
        found, _ = probe(asked, "-t", 10000, f"127.0.0.1:{silent.getsockname()[1]}", nsd.endpoint)
    assert all(found[f"n{i}.many.example A"][0][2] == f"10.0.0.{i}" for i in range(50))


def test_nobody_listening_fails():
    found, _ = probe(["a.example A"], "-t", 30000, f"127.0.0.1:{free_port()}")
    assert found["a.example A"][0][2] == "SERVFAIL"


def test_hosts_file_plays_no_part(nsd):
    found, _ = probe([f"{socket.gethostname()} A", "ip6-localhost AAAA"], nsd.endpoint)
    assert {answers[0][2] for answers in found.values()} == {"NXDOMAIN"}


# --- DNSSEC ----------------------------------------------------------------------------------------------------------

def small_zone():
    return signed_zone([("good.", "A", "192.0.2.1"), ("forged.", "A", "192.0.2.2"),
                        ("mx.", "TLSA", "3 1 1 " + "ab" * 32)], forged={"192.0.2.2": "192.0.2.66"})


def test_dnssec_tells_secure_from_bogus(tmp_path):
    zone, anchor = small_zone()
    (tmp_path / "root.key").write_text(anchor)
    asked = ["good A", "forged A", "mx TLSA", "good MX", "nothing A"]
    with SignedNsd(zone) as server:
        found, _ = probe(asked, "-t", 20000, "-d", tmp_path / "root.key", server.endpoint)
        unvalidated, _ = probe(asked, "-t", 20000, server.endpoint)
    texts = {asked: answers[0][2] for asked, answers in found.items()}
    assert texts == {"good A": "secure 192.0.2.1", "forged A": "bogus SERVFAIL", "good MX": "secure NODATA",
                     "mx TLSA": "secure 3 1 1 " + "ab" * 32, "nothing A": "secure NXDOMAIN"}
    assert unvalidated["forged A"][0][2] == "192.0.2.66" and unvalidated["good A"][0][2] == "192.0.2.1"


def test_dnssec_with_an_unsigned_world_fails_closed(nsd, tmp_path):
    _, anchor = small_zone()
    (tmp_path / "root.key").write_text(anchor)
    found, _ = probe(["a.example A"], "-t", 20000, "-d", tmp_path / "root.key", nsd.endpoint)
    assert found["a.example A"][0][2] == "bogus SERVFAIL"
