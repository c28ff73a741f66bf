# tests/sa/sa_diff.py - our rules beside SpamAssassin's own: the same rule files, the same messages, the same hits?
#
#   sa_diff.py PROBE SUITES [--messages N] [--show]
#
# PROBE is tests/oracle/rules_probe. N messages (1,000) are taken evenly out of the suites' mail; SpamAssassin scans
# them in local mode, in two processes, with a state directory of its own that is empty. Compared are pairs of message
# and rule, of rules that both run: SpamAssassin runs none that scores nothing, and none that needs the network; we run
# none whose plugin is not supported. Exit status: 1 when less than 99.5 % of the pairs that either hits are the same.
import argparse
import collections
import glob
import json
import os
import pathlib
import random
import subprocess
import sys
import tarfile
import tempfile

HERE = pathlib.Path(__file__).parent
RULES = "/usr/share/spamassassin"
PRE = "/etc/spamassassin/*.pre"
FLOOR = 99.5
PARTS = (  # archive, folder or pattern inside, share of the messages
    ("spamassassin-public.tar.xz", "spamassassin-public/ham/", 26),
    ("spamassassin-public.tar.xz", "spamassassin-public/spam/", 26),
    ("phishing-2022-2024.tar.xz", "phishing/", 22),
    ("rspamd-messages", "**", 14),
    ("spamassassin-t", "**", 12),
)
LOCAL_CF = """use_bayes 0
use_bayes_rules 0
use_auto_welcomelist 0
use_razor2 0
use_pyzor 0
skip_rbl_checks 1
dns_available no
"""


def is_here(suites):
    return os.path.exists(f"{RULES}/72_active.cf") and os.path.isdir(f"{suites}/spam") and bool(glob.glob(PRE))


def evenly(items, count):
    return items if len(items) <= count else [items[i * len(items) // count] for i in range(count)]


def messages_of(suites, part, folder, count, scratch):
    """Files; those of an archive are unpacked into scratch."""
    path = pathlib.Path(suites) / "spam" / part
    if path.is_dir():
        return evenly(sorted(str(f) for f in path.glob("**/*") if f.is_file()), count)
    with tarfile.open(path) as archive:
        members = sorted((m for m in archive.getmembers() if m.isfile() and m.name.startswith(folder)),
                         key=lambda m: m.name)
        files = []
        for member in evenly(members, count):
            target = pathlib.Path(scratch) / member.name.replace("/", "-")
            target.write_bytes(archive.extractfile(member).read())
            files.append(str(target))
    return files


def choose(suites, count, scratch):
    files = []
    for part, folder, share in PARTS:
        files += messages_of(suites, part, folder, max(1, count * share // 100 + 3), scratch)
    random.Random(1).shuffle(files)
    return sorted(files[:count])


def read_lines(text):
    lines = [json.loads(line) for line in text.splitlines() if line]
    return lines[0], {line["file"]: set(line["hits"]) for line in lines[1:]}


def run_spamassassin(files, scratch):
    """Rules that it runs, by name, and the hits of each file."""
    jobs, rules, hits = [], {}, {}
    for n in range(2):
        state = pathlib.Path(scratch) / f"state{n}"
        (state / "site").mkdir(parents=True)
        (state / "home").mkdir()
        (state / "prefs").touch()
        for pre in glob.glob(PRE):
            (state / "site" / os.path.basename(pre)).write_bytes(pathlib.Path(pre).read_bytes())
        (state / "site/local.cf").write_text(LOCAL_CF)
        (state / "list").write_text("".join(f + "\n" for f in files[n::2]))
        out = open(state / "hits", "w+", encoding="utf-8")
        environment = dict(os.environ, HOME=str(state / "home"), LC_ALL="C", TZ="UTC")
        jobs.append((subprocess.Popen(["perl", str(HERE / "sa_hits.pl"), str(state), RULES, str(state / "list")],
                                      stdout=out, stderr=subprocess.PIPE, text=True, env=environment), out))
    for process, out in jobs:
        said = process.communicate()[1]
        if process.returncode:
            raise RuntimeError(f"SpamAssassin ended with {process.returncode}:\n{said}")
        out.seek(0)
        head, found = read_lines(out.read())
        rules.update(head["rules"])
        hits.update(found)
        out.close()
    return rules, hits


def run_postern(probe, files):
    done = subprocess.run([probe, f"{RULES}/*.cf"], input="".join(f + "\n" for f in files), text=True, check=True,
                          stdout=subprocess.PIPE)
    head, hits = read_lines(done.stdout)
    return head["active"], hits


class Comparison:
    def __init__(self, rules, theirs, ours):
        self.rules, self.same = rules, 0
        self.missing, self.extra = collections.defaultdict(list), collections.defaultdict(list)
        self.differing = set()
        for file in sorted(theirs):
            a, b = theirs[file] & rules, ours[file] & rules
            self.same += len(a & b)
            for rule in a - b:
                self.missing[rule].append(file)
            for rule in b - a:
                self.extra[rule].append(file)
            if a != b:
                self.differing.add(file)

    def pairs(self):
        return self.same + sum(map(len, self.missing.values())) + sum(map(len, self.extra.values()))

    def percent(self):
        return 100 * self.same / self.pairs()

    def table(self, most):
        order = sorted(set(self.missing) | set(self.extra),
                       key=lambda r: (-len(self.missing[r]) - len(self.extra[r]), r))
        for rule in order[:most]:
            example = (self.missing[rule] + self.extra[rule])[0]
            yield f"{rule:40} only SpamAssassin {len(self.missing[rule]):4}  only Postern {len(self.extra[rule]):4}  " \
                  f"{os.path.basename(example)}"


def compare(probe, suites, count):
    with tempfile.TemporaryDirectory(prefix="postern-sa-") as scratch:
        files = choose(suites, count, scratch)
        rules, theirs = run_spamassassin(files, scratch)
        active, ours = run_postern(probe, files)
        return len(files), Comparison(set(rules) & set(active), theirs, ours)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("probe")
    parser.add_argument("suites")
    parser.add_argument("--messages", type=int, default=1000)
    parser.add_argument("--show", type=int, default=40, help="how many of the rules that differ")
    args = parser.parse_args()
    if not is_here(args.suites):
        sys.exit("sadiff: needs the package spamassassin, and suites/spam (POSTERN_SUITES)")
    count, found = compare(args.probe, args.suites, args.messages)
    for line in found.table(args.show):
        print(line)
    print(f"{count} messages, {len(found.rules)} rules, {found.pairs()} pairs, {found.percent():.3f} % the same; "
          f"{len(found.differing)} messages differ in any")
    sys.exit(0 if found.percent() >= FLOOR else 1)


if __name__ == "__main__":
    main()
