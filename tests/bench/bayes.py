#!/usr/bin/python3
# tests/bench/bayes.py - what Postern, bogofilter and SpamAssassin learn from the first half of SpamAssassin's public
# corpus, in time order, and how they judge the second half; with the CPU time that each takes.
#
#     ./dev bench; POSTERN_SUITES=... tests/bench/bayes.py
#
# Everyone gets the same messages: without the fields that tell from whose mailbox they are (LEFT_OUT), so without what
# was written on the way. A filter is compared at the threshold that lets 0.1% of ham pass for spam. What the others
# have learned is then imported into Postern; there "learned" is by CPU second of the import.
import argparse
import email.utils
import os
import pathlib
import re
import resource
import subprocess
import sys
import tarfile
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]
SUITES = pathlib.Path(os.environ.get("POSTERN_SUITES", SOURCE.parent / "shared" / "suites"))
BENCH = SOURCE / "build" / "release" / "bench" / "bench_bayes"
LEFT_OUT = re.compile(
    rb"(?i)^(received|return-path|delivered-to|x-original-to|envelope-to|x-envelope-to|x-spam-[a-z-]*|x-keywords|status"
    rb"|x-status|x-uidl?|x-mozilla-[a-z0-9-]*|x-authentication-warning|x-virus-[a-z-]*|x-loop|x-apparently-to|lines"
    rb"|content-length|x-pyzor|x-sieve|x-folder|replied|forwarded|authentication-results|arc-[a-z-]*)[ \t]*:")
POSTERN = SOURCE / "build" / "release" / "postern"
SPAMASSASSIN = SOURCE / "tests" / "bench" / "bayes_spamassassin.pl"


def fields_of(raw):
    end = re.search(rb"\r?\n\r?\n", raw)
    head, body = (raw[:end.start()], raw[end.end():]) if end else (raw, b"")
    fields = re.split(rb"\r?\n(?![ \t])", head)
    return fields[1:] if fields[0].startswith(b"From ") else fields, body


def time_of(fields):
    """When the last server took it; 0: it does not say."""
    for field in fields:
        if field.lower().startswith(b"received:"):
            parsed = email.utils.parsedate_tz(field.rsplit(b";", 1)[-1].decode("latin1"))
            if parsed and 1999 < parsed[0] < 2030:
                return email.utils.mktime_tz(parsed)
    return 0


def letters(folder):
    found = []
    for path in sorted(folder.iterdir()):
        fields, body = fields_of(path.read_bytes())
        kept = b"\n".join(field for field in fields if not LEFT_OUT.match(field))
        found.append((time_of(fields), path.name, kept + b"\n\n" + body.replace(b"\r\n", b"\n")))
    known = sorted(when for when, _, _ in found if when)
    middle = known[len(known) // 2] if known else 0
    return [raw for _, _, raw in sorted((when or middle, name, raw) for when, name, raw in found)]


def prepare(room):
    """The two lists, `spam|ham PATH` a line, each class by time."""
    with tarfile.open(SUITES / "spam" / "spamassassin-public.tar.xz") as archive:
        archive.extractall(room / "corpus")
    lists = {"train": [], "test": []}
    for kind in ("ham", "spam"):
        found = letters(room / "corpus" / "spamassassin-public" / kind)
        half = len(found) // 2
        for part, some in (("train", found[:half]), ("test", found[half:])):
            folder = room / part / kind
            folder.mkdir(parents=True)
            for number, raw in enumerate(some):
                path = folder / f"{number:05d}"
                path.write_bytes(raw)
                lists[part].append((number, kind, path))
    return {part: "".join(f"{kind} {path}\n" for _, kind, path in sorted(some)) for part, some in lists.items()}


def run(words, text, **more):
    """Its output, and the CPU seconds that it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(words, **{"input": text.encode(), "stdout": subprocess.PIPE, "check": True, **more})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done.stdout.decode(), after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def of_kind(text, kind):
    return "".join(line.split()[1] + "\n" for line in text.splitlines() if line.split()[0] == kind)


def postern(room, lists):
    folder = room / "postern"
    folder.mkdir()
    _, learned = run([BENCH, "learn", folder], lists["train"])
    out, judged = run([BENCH, "score", folder], lists["test"])
    return [(line.split()[0], float(line.split()[2])) for line in out.splitlines()], learned, judged


def bogofilter(room, lists):
    folder = room / "bogofilter"
    folder.mkdir()
    learned = sum(run(["bogofilter", "-d", folder, option, "-b"], of_kind(lists["train"], kind))[1]
                  for kind, option in (("spam", "-s"), ("ham", "-n")))
    paths = "".join(line.split()[1] + "\n" for line in lists["test"].splitlines())
    out, judged = run(["bogofilter", "-d", folder, "-T", "-b"], paths, check=False)
    rows = [line.split() for line in out.splitlines()]
    return [("spam" if "/spam/" in path else "ham", float(score)) for path, _, score in rows], learned, judged


def spamassassin(room, lists):
    folder = room / "spamassassin"
    (folder / "rules").mkdir(parents=True)
    _, learned = run(["perl", SPAMASSASSIN, folder, "learn"], lists["train"], stderr=subprocess.DEVNULL)
    out, judged = run(["perl", SPAMASSASSIN, folder, "score"], lists["test"], stderr=subprocess.DEVNULL)
    return [(line.split()[0], float(line.split()[2])) for line in out.splitlines()], learned, judged


def imported(room, lists, name, dump, words=()):
    """What Postern knows of what another has learned; its line of what it took is printed."""
    folder = room / f"imported-{name}"
    folder.mkdir()
    (folder / "dump").write_bytes(subprocess.run(dump, stdout=subprocess.PIPE, check=True).stdout)
    user = "nobody" if os.geteuid() == 0 else "postern"
    (folder / "conf").write_text(f'state = "{folder}/state"\nuser = "{user}"\n')
    folder.chmod(0o755)
    room.chmod(0o755)
    said, took = run([POSTERN, "learn", "import", "-c", folder / "conf", *words, folder / "dump"], "")
    print(f"import from {name}: {took:.2f} CPU s; {said.strip()}")
    out, judged = run([BENCH, "score", folder / "state"], lists["test"])
    return [(line.split()[0], float(line.split()[2])) for line in out.splitlines()], took, judged


def from_bogofilter(room, lists):
    return imported(room, lists, "bogofilter", ["bogoutil", "-d", room / "bogofilter" / "wordlist.db"])


def from_spamassassin(room, lists):
    words = [word for kind in ("spam", "ham") for word in ("--words", room / "train" / kind)]
    return imported(room, lists, "spamassassin",
                    ["sa-learn", "--dbpath", room / "spamassassin" / "bayes", "--backup"], words)


def missed(rows, share):
    """Spam that is no higher than the ham at which that share of ham would be called spam."""
    ham = sorted((score for kind, score in rows if kind == "ham"), reverse=True)
    threshold = ham[int(len(ham) * share)]
    return sum(1 for kind, score in rows if kind == "spam" and score <= threshold)


def main():
    argparse.ArgumentParser(description=__doc__).parse_args()
    if not BENCH.exists() or not (SUITES / "spam").is_dir():
        sys.exit(f"{BENCH} or {SUITES}/spam is missing")
    with tempfile.TemporaryDirectory(prefix="bayes.") as name:
        room = pathlib.Path(name)
        lists = prepare(room)
        count = {part: text.count("\n") for part, text in lists.items()}
        print(f"learned from {count['train']} messages, judged {count['test']}")
        print(f"{'':18}{'missed at 0%':>14}{'at 0.1%':>14}{'at 0.5%':>14}{'at 1%':>14}{'learned/CPU s':>15}"
              f"{'judged/CPU s':>14}")
        for filter_of in (postern, bogofilter, spamassassin, from_bogofilter, from_spamassassin):
            rows, learned, judged = filter_of(room, lists)
            spam = sum(1 for kind, _ in rows if kind == "spam")
            cells = [f"{missed(rows, share)} {100 * missed(rows, share) / spam:.1f}%" for share in (0, .001, .005, .01)]
            print(f"{filter_of.__name__:18}" + "".join(f"{cell:>14}" for cell in cells) +
                  f"{count['train'] / learned:>15.0f}{count['test'] / judged:>14.0f}", flush=True)


if __name__ == "__main__":
    main()
