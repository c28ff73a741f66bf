# tests/interop/test_dkim_peers.py - mail signed by python3-dkim, whole and mutated: our verdict, with either engine,
# beside that of python3-dkim; and ARC chains that it sealed.
#
# Where the three may differ, and why: python3-dkim lets rsa-sha1 and an l= that covers less than the body pass. The
# check must not (RFC 8301; body_length), so the former is not in the mix and the latter is accepted by configuration.
import random

import dkim
import mail
import sign_suite

NOW = 1700000000
KINDS = [("rsa-sha256", 2048, "rsa"), ("rsa-sha256", 1024, "small"), ("ed25519-sha256", 0, "ed")]
CANONS = [b"simple", b"relaxed"]
NAMES = [b"From", b"To", b"Cc", b"Subject", b"Date", b"Message-ID", b"X-Mailer", b"List-Id", b"Subject"]
WORDS = (b"the minutes of  our\tmeeting are attached ; please = read v=1; b=x; "
         b"\xc3\xa9t\xc3\xa9 https://example.org/ -- .").split(b" ")


def keys():
    found = {}
    for algorithm, bits, selector in KINDS:
        kind = "ed25519" if bits == 0 else "rsa"
        found[f"{selector}._domainkey.example.org"] = f"v=DKIM1; k={kind}; p={mail.dkim_key(algorithm, bits)[1]}"
    return found


def text(rng, most):
    return b" ".join(rng.choice(WORDS) for _ in range(rng.randrange(most)))


def field(rng, name):
    body = b"Joe <joe@example.org>" if name == b"From" else text(rng, 8)
    if rng.random() < 0.3:
        body += rng.choice([b"\r\n ", b"\r\n\t", b" \r\n  "]) + rng.choice(WORDS)
    return name + rng.choice([b": ", b":", b":\t", b":  "]) + body + rng.choice([b"", b"", b" "]) + b"\r\n"


def message(rng):
    names = [b"From"] + [n for n in NAMES[1:] if rng.random() < 0.7]
    rng.shuffle(names)
    lines = [text(rng, 14) + rng.choice([b"", b"", b" ", b"\t \t"]) for _ in range(rng.randrange(12))]
    end = rng.choice([b"", b"\r\n", b"\r\n\r\n", b" \r\n"])
    return b"".join(field(rng, n) for n in names) + b"\r\n" + b"".join(line + b"\r\n" for line in lines) + end


def sign(rng, bytes_):
    algorithm, bits, selector = rng.choice(KINDS)
    include = [n.lower() for n in rng.sample(NAMES[1:], rng.randrange(1, 6))] + [b"from"] * rng.randrange(1, 3)
    signature = dkim.sign(bytes_, selector.encode(), b"example.org", mail.dkim_key(algorithm, bits)[0],
                          signature_algorithm=algorithm.encode(), include_headers=include,
                          canonicalize=(rng.choice(CANONS), rng.choice(CANONS)), length=rng.random() < 0.2)
    return signature + bytes_


def mutate(rng, signed):
    at = rng.randrange(len(signed))
    kind = rng.randrange(6)
    if kind == 0:
        return signed
    if kind == 1:
        return signed + rng.choice([b"\r\n", b"more\r\n", b" \r\n"])
    if kind == 2:
        return rng.choice([b"X-Trace: 1\r\n", b"Subject: other\r\n", b"From: Eve <eve@example.com>\r\n"]) + signed
    if kind == 3:
        return signed.replace(rng.choice([b" ", b"e", b"example"]), rng.choice([b"  ", b"E", b"\t"]), 1)
    if kind == 4:
        return signed.replace(b"\r\nSubject:", b"\r\nSUBJECT:", 1)
    return signed[:at] + bytes([signed[at] ^ 1]) + signed[at + 1:]


def normalised(bytes_):
    """as the doors leave it: lines end in CRLF"""
    return sign_suite.crlf(bytes_.replace(b"\r\n", b"\n").replace(b"\r", b""))


def dkimpy_passes(bytes_, dnsfunc):
    try:
        return dkim.verify(bytes_, dnsfunc=dnsfunc)
    except Exception:  # whatever a mutated message makes it raise is no pass
        return False


def test_three_verifiers_agree():
    rng = random.Random(6376)
    table = keys()
    dnsfunc = mail.zone_dnsfunc(table)
    mails = [normalised(mutate(rng, sign(rng, message(rng)))) for _ in range(600)]
    answers = {}
    for engine in ("own", "libopendkim"):
        conf = f'engine = "{engine}"\nbody_length = "accept"'
        answers[engine] = sign_suite.probe([sign_suite.request("dkim", m, table, 4000000000, conf=conf) for m in mails])
    differ, passes = [], 0
    for bytes_, own, other in zip(mails, answers["own"], answers["libopendkim"], strict=True):
        first = own["signatures"][0]["result"] if own["signatures"] else "none"
        passes += first == "pass"
        if own["signatures"] and first != other["signatures"][0]["result"]:
            differ.append(("libopendkim", own["signatures"], other["signatures"], bytes_))
        if (first == "pass") != bool(dkimpy_passes(bytes_, dnsfunc)):
            differ.append(("python3-dkim", own["signatures"], bytes_))
    print(f"three verifiers: {len(mails)} messages, {passes} pass, {len(differ)} differ")
    assert not differ, differ[0]
    assert 150 < passes < 500


def arc_sign(bytes_, algorithm_key, domain, results):
    fields = dkim.arc_sign(bytes_, b"rsa", domain, algorithm_key, b"mx." + domain,
                           include_headers=[b"from", b"to", b"subject"], timestamp=str(NOW))
    return b"".join(f.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") for f in fields) + bytes_


def test_chains_of_a_peer_verify():
    key, p = mail.dkim_key("rsa-sha256", 2048)
    table = {f"rsa._domainkey.d{i}.example": f"v=DKIM1; k=rsa; p={p}" for i in range(1, 4)}
    first = b"From: joe@example.org\r\nTo: a@example.net\r\nSubject: s\r\n\r\nbody\r\n"
    chain, requests = first, []
    for i in range(1, 4):
        previous = b"" if i == 1 else b"; arc=pass"
        chain = (b"Authentication-Results: mx.d%d.example; spf=pass smtp.mailfrom=joe@example.org; dmarc=pass%s\r\n"
                 % (i, previous) + chain)
        chain = arc_sign(chain, key, b"d%d.example" % i, None)
        requests.append(sign_suite.request("arc", chain, table, NOW, conf='trusted_sealers = {"d1.example"}'))
        requests.append(sign_suite.request("arc", chain.replace(b"body\r\n", b"changed\r\n"), table, NOW))
    answers = sign_suite.probe(requests)
    assert [a["result"] for a in answers] == ["pass", "fail"] * 3, [a["reason"] for a in answers]
    assert [a["sets"] for a in answers[::2]] == [1, 2, 3]
    assert [a["trusted"] for a in answers[::2]] == ["d1.example"] * 3
