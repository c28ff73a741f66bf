# tests/kit/signed_dns.py - a root zone that is signed when the test begins, and the trust anchor for it.
#
#     zone, anchor = signed_zone([("good.", "A", "192.0.2.1")], forged={"192.0.2.2": "192.0.2.66"}, unsigned=["plain."])
#     with SignedNsd(zone, unsigned={"plain.": "a.plain. 60 A 192.0.2.3"}) as server: ...
import pytest

from servers import Nsd

SOA = "ns.invalid. hostmaster.invalid. 1 3600 600 86400 5"


def signed_zone(records, forged=None, unsigned=()):
    """(text of the zone, text of the trust anchor).

    records   (name, type, text), names with their final dot
    forged    text that is replaced after it was signed
    unsigned  domains that are delegated without a DS record: what is below them is not signed, and that is proved
    """
    dns = pytest.importorskip("dns")
    pytest.importorskip("cryptography")
    import dns.dnssec
    import dns.name
    import dns.rrset
    from cryptography.hazmat.primitives.asymmetric import ec

    if not hasattr(dns.dnssec, "make_dnskey"):
        pytest.skip("python3-dnspython is too old to sign")
    key = ec.generate_private_key(ec.SECP256R1())
    dnskey = dns.dnssec.make_dnskey(key.public_key(), dns.dnssec.Algorithm.ECDSAP256SHA256, flags=257)
    sets = {(".", "DNSKEY"): dns.rrset.from_rdata(".", 60, dnskey)}
    grouped = {}
    for name, kind, text in [(".", "SOA", SOA), (".", "NS", "zzz."), ("zzz.", "A", "127.0.0.1"), *records]:
        grouped.setdefault((name, kind), []).append(text)
    for (name, kind), texts in grouped.items():
        sets[name, kind] = dns.rrset.from_text(name, 60, "IN", kind, *texts)
    names = sorted({name for name, _ in sets} | set(unsigned), key=dns.name.from_text)
    for name, after in zip(names, names[1:] + ["."]):
        types = [kind for owner, kind in sets if owner == name] or ["NS"]
        sets[name, "NSEC"] = dns.rrset.from_text(name, 5, "IN", "NSEC", f"{after} {' '.join(types)} RRSIG NSEC")
    lines = [f"{name} 60 IN NS zzz." for name in unsigned]
    for rrset in sets.values():
        rrsig = dns.dnssec.sign(rrset, key, dns.name.root, dnskey, lifetime=86400)
        text = rrset.to_text()
        for true, false in (forged or {}).items():
            text = text.replace(true, false)
        lines += text.splitlines() + [f"{rrset.name} {rrset.ttl} IN RRSIG {rrsig.to_text()}"]
    return "\n".join(lines), ". IN DNSKEY " + dnskey.to_text() + "\n"


class SignedNsd(Nsd):
    """Serves such a zone, and those below it that are not signed: {"plain.": lines of a zone file}."""

    def __init__(self, zone, unsigned=None):
        super().__init__(zone)
        self.unsigned = unsigned or {}

    def prepare(self):
        super().prepare()
        (self.folder / "root.zone").write_text("$ORIGIN .\n" + self.zone + "\n")
        lines = []
        for name, text in self.unsigned.items():
            (self.folder / f"{name}zone").write_text(f"{name} 60 IN SOA {SOA}\n{name} 60 IN NS zzz.\n{text}\n")
            lines.append(f"zone:\n name: {name}\n zonefile: {name}zone\n")
        with (self.folder / "nsd.conf").open("a") as conf:
            conf.write("".join(lines))
