# tests/kit/spf_suite.py - the OpenSPF suites, read, with their zone data as answers of the DNS.
#
# A case is (scenario, name, {helo, mailfrom, host, result, explanation}), a zone is {(name, type): answer as text}.
import json
import os
import pathlib
import subprocess

TYPES = ("A", "AAAA", "MX", "PTR", "TXT")


def folder():
    suites = os.environ.get("POSTERN_SUITES")
    if suites:
        return pathlib.Path(suites)
    return pathlib.Path(os.environ.get("POSTERN_SOURCE", ".")) / ".." / "shared" / "suites"


def escaped(data):
    """bytes of a TXT record as the text that dns_answer_text() reads"""
    if not data:
        return '""'
    return "".join(chr(b) if chr(b).isalnum() or chr(b) in "=:.%{}+?~/<>_-" else "\\%03d" % b for b in data)


def txt_bytes(value):
    strings = value if isinstance(value, list) else [value]
    return "".join(str(s) for s in strings).encode("latin-1", "strict")


def record_text(kind, value):
    if kind == "MX":
        return "%d %s" % (value[0], value[1] or ".")
    if kind == "TXT":
        return escaped(txt_bytes(value))
    return str(value).rstrip(".")


def records_of(entries):
    """the records of one name, by type; and whether what is not listed times out"""
    found, timeout = {}, "TIMEOUT" in entries
    for entry in entries:
        if isinstance(entry, dict):
            for kind, value in entry.items():
                found.setdefault(kind, []).append(value)
    if "TXT" not in found and "SPF" in found:  # type SPF is no more: the suite's head says how to read it
        found["TXT"] = found["SPF"]
    found["TXT"] = [value for value in found.get("TXT", []) if value != "NONE"]
    return found, timeout


def answer_of(zone, name, kind, seen=()):
    if name not in zone:
        return "NXDOMAIN"
    found, timeout = zone[name]
    if found.get(kind):
        return " | ".join(record_text(kind, value) for value in found[kind])
    if found.get("CNAME"):
        target = str(found["CNAME"][0]).rstrip(".").lower()
        return "SERVFAIL" if target in seen else answer_of(zone, target, kind, seen + (target,))
    return "TIMEOUT" if timeout else "NODATA"


def zone_of(data):
    names = {str(name).rstrip(".").lower(): records_of(entries) for name, entries in (data or {}).items()}
    return {(name, kind): answer_of(names, name, kind, (name,)) for name in names for kind in TYPES}


def scenarios(path):
    """[(description, {case: fields}, zone)]"""
    import yaml

    with open(path, encoding="utf-8") as file:
        return [(d["description"], d["tests"], zone_of(d["zonedata"])) for d in yaml.safe_load_all(file) if d]


def request(case, zone, conf="helo = no"):
    return {
        "client": case["host"],
        "helo": case["helo"],
        "from": case["mailfrom"],
        "conf": conf,
        "zone": [[name, kind, answer] for (name, kind), answer in zone.items()],
    }


def probe(requests, program="spf_probe"):
    """what a program of tests/oracle answers to each request"""
    build = pathlib.Path(os.environ.get("POSTERN_BUILD", "build/dev"))
    lines = "".join(json.dumps(r) + "\n" for r in requests)
    done = subprocess.run(
        [str(build / "tests" / program)], input=lines, stdout=subprocess.PIPE, text=True, check=True, timeout=300
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def floor(suite):
    source = pathlib.Path(os.environ.get("POSTERN_SOURCE", "."))
    for line in (source / "tests" / "conformance" / "floors.txt").read_text().splitlines():
        name, _, count = line.partition(" ")
        if name == suite:
            return int(count.split()[0])
    raise KeyError(suite)


def results_of(case):
    wanted = case["result"]
    return wanted if isinstance(wanted, list) else [wanted]


def explanation_of(case):
    """"" stands for the receiver's own text"""
    said = case.get("explanation")
    return "" if said == "DEFAULT" else said


def reverse_name(ip):
    import ipaddress

    return ipaddress.ip_address(ip).reverse_pointer
