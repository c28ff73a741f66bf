# tests/interop/test_greylist_lists.py - postgrey's white lists as Debian has them: greylist/exempt.c and postgrey's own
# code find the same clients and recipients, for each line's own name, its neighbours, and its regular expression.
import os
import re
import subprocess

import pytest

from process import BUILD
from servers import needs

CLIENTS, RECIPIENTS = "/etc/postgrey/whitelist_clients", "/etc/postgrey/whitelist_recipients"

# postgrey's functions without its main program, asked as its policy service asks them.
PERL = r"""
use strict; use warnings;
my ($program, $kind, $file) = @ARGV;
open(my $in, '<', $program) or die; local $/; my $text = <$in>; close $in; $/ = "\n";
$text =~ s/^#!.*\n//; $text =~ s/^sub main\(\).*//ms;
eval "no warnings; $text; 1" or die $@;
my $self = { postgrey => { whitelist_clients_files => [$file], whitelist_recipients_files => [$file] } };
$kind eq 'clients' ? postgrey::read_clients_whitelists($self) : postgrey::read_recipients_whitelists($self);
while (<STDIN>) {
    chomp;
    my $found = 0;
    if ($kind eq 'clients') {
        my ($address, $name) = split(/ /, $_, 2);
        my $ip = NetAddr::IP->new($address);
        for my $w (@{$self->{postgrey}{whitelist_clients}}) { $found = 1 if $name =~ $w }
        for my $w (@{$self->{postgrey}{whitelist_ips}}) { $found = 1 if $ip->within($w) }
    } else {
        my $to = $_;
        for my $w (@{$self->{postgrey}{whitelist_recipients}}) { $found = 1 if $to =~ $w }
    }
    print "$found\n";
}
"""


def entries(path):
    if not os.path.exists(path):
        pytest.skip("postgrey is not installed; ./dev test installs it")
    with open(path, encoding="utf-8") as lines:
        return [text for text in (re.sub("#.*", "", line).strip() for line in lines) if text]


def both(kind, path, questions):
    """What we and postgrey say of each question."""
    text = "".join(question + "\n" for question in questions)
    answers = []
    postgrey = ["perl", "-e", PERL, needs("postgrey")]
    for command in ([BUILD / "tests" / "exempt_probe", kind, path], [*postgrey, kind, path]):
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        answers.append(done.stdout.split())
    assert len(answers[0]) == len(answers[1]) == len(questions)
    return answers


def example(pattern):
    """A name that a pattern of these lists means."""
    for what, by in ((r"\(\?:([^|)]*)[^)]*\)[*+?]*", r"\1"), (r"\[(.)[^\]]*\]", r"\1"), (r"\\d", "7"), (r"\\w", "a"),
                     (r"(?<!\\)\.[*+]\??", "x."), (r"\\\.", "."), (r"[\^$*+?\\]", "")):
        pattern = re.sub(what, by, pattern)
    return pattern


def neighbours(name):
    return [name, name.upper(), f"mx.{name}", f"a.b.{name}", f"x{name}", f"x-{name}", f"{name}x", f"{name}.example",
            name.replace(".", "-", 1), name.replace("7", "77"), name.replace("7", ""), name[1:], name.split(".", 1)[-1]]


def client_questions():
    questions = ["203.0.113.7 unknown", "2001:db8::7 unknown"]
    for entry in entries(CLIENTS):
        if entry.startswith("/"):
            names = neighbours(example(entry[1:-1]))
        elif re.fullmatch(r"[\d./]+", entry):
            first = [int(part) for part in (entry.split("/")[0] + ".0.0").split(".")[:4]]
            near = [(last + more) % 256 for last in first[3:] for more in (0, 1, 31, 32, 255)]
            for third in (first[2], (first[2] + 1) % 256, (first[2] + 63) % 256, (first[2] + 64) % 256):
                questions += [f"{first[0]}.{first[1]}.{third}.{last} unknown" for last in near]
            continue
        elif ":" in entry:
            network = entry.split("/")[0].rstrip(":")
            questions += [f"{network}::1 unknown", f"{network}:ffff::1 unknown", f"{network[:-1]}1::1 unknown"]
            continue
        else:
            names = neighbours(entry)
        questions += [f"203.0.113.7 {name}" for name in names if name]
    return questions


def test_clients_are_those_of_postgrey():
    questions = client_questions()
    ours, theirs = both("clients", CLIENTS, questions)
    other = [f"{question}: we say {a}, postgrey {b}" for question, a, b in zip(questions, ours, theirs) if a != b]
    assert not other, "\n".join(other)
    assert theirs.count("1") > len(entries(CLIENTS)) and theirs.count("0") > len(entries(CLIENTS))


def test_recipients_are_those_of_postgrey(tmp_path):
    path = tmp_path / "recipients"
    more = ["ann@example.org", "example.net", "bob@", r"/^x\d+@.*\.example$/"]
    path.write_text("\n".join(entries(RECIPIENTS) + more))
    questions = [f"{local}@{domain}"
                 for local in ("postmaster", "abuse", "Abuse", "ann", "ann+x", "ann+", "joann", "bob", "bob+a+b",
                               "+bob", "x12", "x", "annx")
                 for domain in ("example.org", "EXAMPLE.org", "sub.example.org", "example.net", "mx.example.net",
                                "badexample.net", "a.example", "a.example.com")]
    ours, theirs = both("recipients", path, questions)
    other = [f"{question}: we say {a}, postgrey {b}" for question, a, b in zip(questions, ours, theirs) if a != b]
    assert not other, "\n".join(other)
    assert "1" in theirs and "0" in theirs
