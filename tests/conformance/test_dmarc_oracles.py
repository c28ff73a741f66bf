# tests/conformance/test_dmarc_oracles.py - two second opinions on DMARC, over random zones and messages.
#
# The first is the text of RFC 9989 4.10 once more, step by step, one question after the other and with no thought of
# speed: what the check makes of many answers at once must be the same.
#
# The second is libopendmarc, in a program of its own, handed the record that applies. Where it differs from us, one of
# its known mistakes must be at work; they are named below, and counted. Elsewhere it must agree.
import random

import spf_suite

REGISTRIES = {"com", "org", "co.uk"}
LEVEL = {"none": 0, "quarantine": 1, "reject": 2}


# --- RFC 9989, step by step ---


def tags_of(record):
    parts = [part.strip() for part in record.split(";")]
    name, _, value = parts[0].partition("=")
    if name.strip().lower() != "v" or value.strip() != "DMARC1":
        return None
    tags = {}
    for part in parts[1:]:
        name, _, value = part.partition("=")
        tags.setdefault(name.strip().lower(), value.strip().lower())
    return tags


def record_at(zone, domain):
    records = [tags_of(text) for text in zone.get("_dmarc." + domain, "").split(" | ")]
    records = [tags for tags in records if tags is not None]
    return records[0] if len(records) == 1 else None


def psd_of(domain, tags):
    psd = tags.get("psd", "u")
    return "y" if psd not in ("y", "n") and domain in REGISTRIES else psd


def walk(zone, start):
    """[(domain, tags)] of the records found, from the longest name to the shortest"""
    labels, found = start.split("."), []
    target = labels
    while target:
        domain = ".".join(target)
        tags = record_at(zone, domain)
        if tags is not None:
            found.append((domain, tags))
            if psd_of(domain, tags) in ("y", "n"):
                break
        target = labels[-7:] if target is labels and len(labels) >= 8 else target[1:]
    return found


def organization(zone, start):
    found = walk(zone, start)
    for domain, tags in found:
        if psd_of(domain, tags) == "n":
            return domain
        if psd_of(domain, tags) == "y" and domain != start:
            return ".".join(start.split(".")[-len(domain.split(".")) - 1 :])
    return found[-1][0] if found else start


def policy_of(zone, author):
    """(where, tags, the policy in words)"""
    tags = record_at(zone, author)
    if tags is not None:
        return author, tags, tags.get("p")
    org = organization(zone, author)
    found = dict(walk(zone, author))
    suffix = [d for d, t in found.items() if psd_of(d, t) == "y"]
    where = org if org in found else suffix[0] if suffix else None
    if where is None:
        return None, None, None
    tags = found[where]
    exists = zone.get(author + " A", "NXDOMAIN") != "NXDOMAIN" or "_dmarc." + author in zone
    sp = tags.get("sp", tags.get("p"))
    return where, tags, sp if exists else tags.get("np", sp)


def expected(zone, author, spf, dkim):
    where, tags, policy = policy_of(zone, author)
    if where is None:
        return {"result": "none", "policy": "", "at": "", "org": organization(zone, author)}

    def aligned(domain, mode):
        strict = tags.get(mode) == "s"
        return domain == author or (not strict and organization(zone, domain) == organization(zone, author))

    good = any(r == "pass" and aligned(d, "aspf") for r, d in [spf])
    good |= any(r == "pass" and aligned(d, "adkim") for r, d in dkim)
    return {"result": "pass" if good else "fail", "policy": policy, "at": where, "org": organization(zone, author)}


# --- random worlds ---

NAMES = ["com", "org", "example", "b.com", "a.b.com", "c.b.com", "x.a.b.com", "evil.com", "m.evil.com", "b.example"]
NAMES += ["a.b.example", "m.a.b.example", "n.a.b.example", "c.example", "co.uk", "b.co.uk", "a.b.co.uk", "evil.co.uk"]
NAMES += ["1.2.3.4.5.b.example", "1.2.3.4.5.6.b.example", "0.1.2.3.4.5.6.b.example", "3.4.5.6.b.example"]


def random_record(rng):
    text = "v=DMARC1; p=" + rng.choice(list(LEVEL))
    for tag, chance, values in (
        ("sp", 0.3, list(LEVEL)),
        ("np", 0.3, list(LEVEL)),
        ("psd", 0.3, ["y", "n", "u", "n"]),
        ("adkim", 0.2, ["s", "r", "x"]),
        ("aspf", 0.2, ["s", "r"]),
        ("pct", 0.1, ["0", "50"]),
    ):
        if rng.random() < chance:
            text += ";%s%s=%s" % (rng.choice(["", " "]), tag, rng.choice(values))
    return text


def random_zone(rng):
    zone = {}
    for name in NAMES:
        if rng.random() < 0.35:
            zone["_dmarc." + name] = random_record(rng)
        if rng.random() < 0.05:
            zone["_dmarc." + name] = rng.choice(["v=spf1 -all", "p=reject", "v=dmarc1; p=reject"])
        if rng.random() < 0.05:
            zone["_dmarc." + name] = random_record(rng) + " | " + random_record(rng)
        if rng.random() < 0.5:
            zone[name + " A"] = "192.0.2.1"
    return zone


def rows(zone):
    return [[name.split()[0], "A" if name.endswith(" A") else "TXT", text] for name, text in zone.items()]


def test_the_check_does_what_the_rfc_says_step_by_step():
    rng = random.Random(9989)
    requests, wanted = [], []
    for _ in range(2000):
        zone, author = random_zone(rng), rng.choice(NAMES)
        spf = [rng.choice(["pass", "fail", "none"]), rng.choice(NAMES)]
        dkim = [[rng.choice(["pass", "pass", "fail"]), rng.choice(NAMES)] for _ in range(rng.choice([0, 1, 2, 3]))]
        requests.append({"header": "From: joe@%s\n" % author, "spf": spf, "dkim": dkim, "zone": rows(zone)})
        wanted.append(expected(zone, author, spf, dkim))
    replies = spf_suite.probe(requests, "dmarc_probe")
    differ = [
        (mine, want, request)
        for mine, want, request in zip(replies, wanted, requests, strict=True)
        if {key: mine[key] for key in want} != want
    ]
    count = {result: sum(want["result"] == result for want in wanted) for result in ("pass", "fail", "none")}
    print("RFC 9989 step by step: %d of %d worlds agree %s" % (len(requests) - len(differ), len(requests), count))
    assert not differ, "%s\nnot %s\nin %s" % differ[0]
    assert min(count.values()) > 200, "the worlds do not reach every result"
    assert max(reply["rounds"] for reply in replies) <= 3


# --- libopendmarc ---


def mistakes(author, record, at, spf, dkim):
    """the names of libopendmarc's mistakes that may be at work"""
    tags = tags_of(record)
    names = [d for r, d in [spf] + dkim]
    if tags is None:
        yield "takes what is no record for one"
        return
    if tags.get("p") not in LEVEL or tags.get("adkim", "r") not in "rs" or tags.get("aspf", "r") not in "rs":
        yield "drops a record whose tags have defaults"
    if any(len(label) == 1 for name in [author, at] + names for label in name.split(".")):
        yield "drops first labels of one letter"
    if any(author.endswith("." + name) and name in REGISTRIES for name in names):
        yield "aligns with a public suffix"
    if tags.get("aspf") == "s" and spf[0] == "pass" and spf[1] != author:
        yield "aligns SPF strictly as if it were relaxed"
    if any(r == "pass" for r, _ in dkim) and any(r != "pass" for r, _ in dkim):
        yield "lets a failing signature hide one that passes"


DOMAINS = ["bank.com", "mail.bank.com", "news.bank.com", "x.com", "a.bank.com", "b.bank.com", "evil.com", "y.com"]
DOMAINS += ["bank.co.uk", "mail.bank.co.uk", "co.uk", "com", "evil.co.uk"]
RECORDS = ["", "", "", "; adkim=s", "; aspf=s", "; adkim=s; aspf=s", "; adkim=x", "; pct=0"]


def test_libopendmarc_differs_only_by_its_known_mistakes():
    rng = random.Random(7489)
    requests = []
    for _ in range(3000):
        author = rng.choice([d for d in DOMAINS if d not in REGISTRIES])
        org = ".".join(author.split(".")[-3 if author.endswith(".co.uk") else -2 :])
        record = "v=DMARC1; p=reject" + rng.choice(RECORDS)
        if rng.random() < 0.15:
            record = rng.choice(["p=reject", "v=DMARC1; p=r", "v=DMARC1; rua=mailto:d@bank.com", "v=dmarc1; p=none"])
        at = rng.choice([author, org])
        requests.append(
            {
                "conf": 'discovery = "psl"',
                "header": "From: joe@%s\n" % author,
                "from": author,
                "record": record,
                "at": at,
                "spf": [rng.choice(["pass", "fail"]), rng.choice(DOMAINS)],
                "dkim": [[rng.choice(["pass", "fail"]), rng.choice(DOMAINS)] for _ in range(rng.choice([0, 1, 2]))],
                "zone": [["_dmarc." + at, "TXT", record]],
            }
        )
    ours = spf_suite.probe(requests, "dmarc_probe")
    theirs = spf_suite.probe(requests, "dmarc_libopendmarc")
    agreed, kinds, unexplained, forged = 0, {}, [], 0
    for request, mine, other in zip(requests, ours, theirs, strict=True):
        if mine["result"] == other["result"]:
            agreed += 1
            continue
        why = list(mistakes(request["from"], request["record"], request["at"], request["spf"], request["dkim"]))
        forged += other["result"] == "pass"
        for kind in why:
            kinds[kind] = kinds.get(kind, 0) + 1
        if not why:
            unexplained.append((mine, other, request))
    print("libopendmarc agrees on %d of %d; passes %d that fail; its mistakes:" % (agreed, len(requests), forged))
    for kind, count in sorted(kinds.items()):
        print("    %4d  %s" % (count, kind))
    assert not unexplained, "%s\nnot %s\nin %s" % unexplained[0]
    assert agreed > len(requests) // 2
