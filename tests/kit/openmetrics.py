# tests/kit/openmetrics.py - a small strict reader of the OpenMetrics 1.0 text format: what it does not know is refused.
import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(rf"^({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? (\S+)$")
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "info": ("_info",), "histogram": ("_bucket", "_count", "_sum")}


def labels_of(text):
    found = re.findall(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"', text or "")
    assert len({name for name, _ in found}) == len(found), f"a label stands twice: {text}"
    return tuple(sorted(found))


def number(text):
    assert re.fullmatch(r"[+-]?(\d+(\.\d+)?([eE][+-]?\d+)?|Inf)|NaN", text), f"no number: {text}"
    return float(text)


def check_histogram(name, samples):
    """Buckets per set of labels: ascending bounds, counts that never fall, +Inf last and equal to _count; a _sum."""
    series = {}
    for (sample, labels), value in samples.items():
        rest = tuple(pair for pair in labels if pair[0] != "le")
        series.setdefault(rest, {}).setdefault(sample, []).append((dict(labels).get("le"), value))
    for rest, parts in series.items():
        buckets = [(float(bound.replace("Inf", "inf")), value) for bound, value in parts[name + "_bucket"]]
        assert buckets == sorted(buckets) and buckets[-1][0] == float("inf"), f"{name}{rest}: buckets out of order"
        assert len({bound for bound, _ in buckets}) == len(buckets), f"{name}{rest}: a bucket stands twice"
        assert [value for _, value in buckets] == sorted(value for _, value in buckets), f"{name}{rest}: counts fall"
        assert parts[name + "_count"] == [(None, buckets[-1][1])], f"{name}{rest}: count is not the last bucket"
        assert len(parts[name + "_sum"]) == 1 and parts[name + "_sum"][0][1] >= 0


def check_family(name, kind, samples):
    for (sample, labels), value in samples.items():
        assert sample in {name + suffix for suffix in SUFFIXES[kind]}, f"{sample} is no sample of the {kind} {name}"
        if kind == "counter":
            assert value >= 0, f"{sample} is negative"
        if kind == "info":
            assert value == 1, f"{sample} is not 1"
        assert ("le" in dict(labels)) == sample.endswith("_bucket") or kind != "histogram"
    if kind == "histogram":
        check_histogram(name, samples)


def read(text):
    """{(sample, ((label, value), ...)): number} of an exposition; AssertionError for what breaks the format."""
    assert text.endswith("# EOF\n"), "the end is missing"
    families, values, name, kind, has_help = {}, {}, None, None, False
    for line in text[:-len("# EOF\n")].splitlines():
        assert line and line == line.strip(), f"a line that is none: {line!r}"
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert re.fullmatch(NAME, name) and kind in SUFFIXES and name not in families, line
            families[name], has_help = (kind, {}), False
        elif line.startswith("# HELP "):
            assert line.split(" ", 3)[2] == name and not families[name][1] and not has_help, line
            has_help = True
        else:
            match = SAMPLE.match(line)
            assert match and name, f"no sample: {line}"
            key = (match.group(1), labels_of(match.group(2)))
            assert key not in values, f"a sample stands twice: {line}"
            values[key] = families[name][1][key] = number(match.group(3))
    for name, (kind, samples) in families.items():
        check_family(name, kind, samples)
    taken = [name + suffix for name, (kind, _) in families.items() for suffix in SUFFIXES[kind]]
    assert len(set(taken)) == len(taken), "two families with samples of one name"
    return values


def value(values, name, **labels):
    return values[(name, tuple(sorted(labels.items())))]
