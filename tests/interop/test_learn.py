# tests/interop/test_learn.py - postern learn: messages, mailboxes and folders, what other filters have learned, and
# what the gateway then says.
import fcntl
import hashlib
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import termios

import pytest

from process import BUILD, wait_for
from scan_api import Caller, conf as http_conf, names, post, scan
from servers import Gateway

SPAM_WORDS = "winner prize claim cash lottery casino pills cheap viagra offer urgent transfer million guarantee".split()
HAM_WORDS = "meeting minutes budget project deadline lunch review patch kernel compiler regards thanks attached".split()

dns = pytest.fixture(names, scope="module")


def message(kind, number):
    pick = random.Random(f"{kind}{number}")
    words = " ".join(pick.choices(SPAM_WORDS if kind == "spam" else HAM_WORDS, k=40))
    return (f"From: {kind}{number}@{kind}.example\nTo: us@here.example\nSubject: {words[:30]}\n"
            f"Message-ID: <{number}@{kind}.example>\n\n{words}\nnumber {number}\n")


def folder_of(path, kind, numbers):
    path.mkdir(parents=True)
    for number in numbers:
        (path / f"{number}").write_text(message(kind, number))
    return path


def learn(conf, *words, stdin="", status=0):
    done = subprocess.run([BUILD / "postern", "learn", words[0], "-c", conf, *words[1:]], input=stdin.encode(),
                          capture_output=True, timeout=120, check=False)
    assert done.returncode == status, done
    return done.stdout.decode() + done.stderr.decode()


@pytest.fixture
def conf(tmp_path):
    path = tmp_path / "gateway.conf"
    user = "nobody" if os.geteuid() == 0 else "postern"
    path.write_text(f'state = "{tmp_path}/state"\nuser = "{user}"\ncheck "bayes" {{ learned = 5 }}\n')
    return str(path)


def counts(conf, *words):
    lines = learn(conf, "status", *words).splitlines()
    return int(lines[0].split()[1]), int(lines[1].split()[1])


def test_files_folders_mailboxes_and_standard_input(conf, tmp_path):
    one = tmp_path / "one"
    one.write_text(message("spam", 1))
    assert learn(conf, "spam", str(one)).startswith("1 messages: 1 learned as spam")
    folder_of(tmp_path / "plain", "spam", range(10, 15))
    box = tmp_path / "Maildir"
    folder_of(box / "cur", "ham", range(3))
    folder_of(box / "new", "ham", range(3, 5))
    folder_of(box / "tmp", "ham", range(5, 9))
    folder_of(box / ".Archive" / "cur", "ham", range(9, 11))
    (box / "dovecot.index.log").write_text("no mail")
    assert learn(conf, "ham", str(box)).startswith("7 messages: 7 learned as ham")
    quoted = message("spam", 3).replace("number 3\n", "number 3\n>From here on\n\n")
    mbox = f"From a@b Mon Jan  1 00:00:00 2026\n{message('spam', 2)}\nFrom c@d Mon Jan  1 00:00:00 2026\n{quoted}"
    assert learn(conf, "spam", "-", str(tmp_path / "plain"), stdin=mbox).startswith("7 messages: 7 learned as spam")
    assert counts(conf) == (8, 7)
    plain = message("spam", 3).replace("number 3\n", "number 3\nFrom here on\n\n")
    assert "1 were known as spam already" in learn(conf, "spam", "-", stdin=plain)


def test_nothing_twice_and_everything_back(conf, tmp_path):
    spam = str(folder_of(tmp_path / "spam", "spam", range(30)))
    ham = str(folder_of(tmp_path / "ham", "ham", range(20)))
    assert "too few" in learn(conf, "status")
    learn(conf, "spam", spam)
    assert "0 learned as spam" in learn(conf, "spam", spam) and counts(conf) == (30, 0)
    learn(conf, "ham", ham)
    out = learn(conf, "ham", spam)
    assert "30 learned as ham, 30 of them had been learned as spam" in out and counts(conf) == (0, 50)
    assert "50 forgotten, 0 had not" in learn(conf, "forget", spam, ham)
    assert "0 forgotten, 30 had not" in learn(conf, "forget", spam)
    info = subprocess.run([BUILD / "postern", "store", "info", "-c", conf], capture_output=True, check=True, text=True)
    assert "records        0" in info.stdout, info.stdout


def test_who_learns_apart(conf, tmp_path):
    spam = str(folder_of(tmp_path / "spam", "spam", range(3)))
    learn(conf, "spam", "--for", "Joe@Here.example", spam)
    assert counts(conf) == (0, 0) and counts(conf, "--for", "joe@here.example") == (3, 0)


def test_what_cannot_be_read_is_named(conf, tmp_path):
    good = tmp_path / "good"
    good.write_text(message("ham", 1))
    out = learn(conf, "ham", str(tmp_path / "nowhere"), str(good), status=3)
    assert "nowhere" in out and "1 learned as ham" in out
    for words in (["spam"], ["status", "x"], ["import"], ["spam", "--words", "x", "y"], ["other", "x"]):
        assert "usage: postern learn" in learn(conf, *words, status=2)


def test_a_mailbox_in_pieces(conf, tmp_path):
    """Larger than what is read at once, and with messages that are."""
    box = tmp_path / "mbox"
    with box.open("w") as out:
        for number in range(60):
            out.write(f"From a@b Mon Jan  1 00:00:00 2026\n{message('ham', number)}\n")
            if number % 10 == 0:
                out.write("filler in a line\n" * 20000 + "\n")
    assert learn(conf, "ham", str(box)).startswith("60 messages: 60 learned as ham")
    alone = tmp_path / "alone"
    alone.write_text(message("ham", 10) + "\n" + "filler in a line\n" * 20000 + "\n")
    assert "0 learned as ham" in learn(conf, "ham", str(alone)) and counts(conf) == (0, 60)


def test_as_json(conf, tmp_path):
    spam = str(folder_of(tmp_path / "spam", "spam", range(3)))
    learn(conf, "spam", spam)
    assert json.loads(learn(conf, "ham", "--json", spam)) == {
        "messages": 3, "empty": 0, "learned": 0, "relearned": 3, "already": 0, "forgotten": 0, "unknown": 0,
        "interrupted": False}
    assert json.loads(learn(conf, "status", "--json")) == {"spam": 0, "ham": 3, "least": 5, "interrupted": False}
    out = json.loads(learn(conf, "import", "--json", "-", stdin=bogofilter_dump([("word", 1, 2)])))
    assert out["added"] == 1 and out["spam"] == 20 and out["wrong"] == 0


def unread(pipe):
    """Bytes in it that nobody has read."""
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4))[0]


def test_interrupted_it_tells_what_it_has_done(conf, tmp_path):
    spam = folder_of(tmp_path / "spam", "spam", range(3))
    child = subprocess.Popen([BUILD / "postern", "learn", "spam", "-c", conf, "--json", spam, "-"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    child.stdin.write(b"From a@b Mon")
    child.stdin.flush()
    wait_for(lambda: unread(child.stdin) == 0, 60, "it to read on behind the folder")
    child.send_signal(signal.SIGINT)
    out, told = child.communicate(timeout=60)
    assert child.returncode == 3 and b"interrupted" in told
    assert json.loads(out)["learned"] == 3 and json.loads(out)["interrupted"] is True


# --- other filters' -------------------------------------------------------------------------------------------------


def dump_of(tmp_path):
    if not shutil.which("bogofilter"):
        pytest.skip("bogofilter is not installed; ./dev test installs it")
    for kind, option in (("spam", "-s"), ("ham", "-n")):
        folder = folder_of(tmp_path / kind, kind, range(20))
        names_of = "\n".join(str(path) for path in sorted(folder.iterdir()))
        subprocess.run(["bogofilter", "-d", tmp_path, option, "-b"], input=names_of.encode(), timeout=60, check=True)
    dump = tmp_path / "dump"
    with dump.open("wb") as out:
        subprocess.run(["bogoutil", "-d", tmp_path / "wordlist.db"], stdout=out, timeout=60, check=True)
    return dump


def test_what_bogofilter_has_learned(conf, tmp_path):
    out = learn(conf, "import", str(dump_of(tmp_path)))
    assert "of 20 messages of spam and 20 of ham" in out and " 0 wrong" in out
    assert counts(conf) == (20, 20)
    assert "BAYES_SPAM" in verdict(conf, tmp_path, message("spam", 999))


def hashed(token):
    return hashlib.sha1(token.encode()).hexdigest()[-10:]


def test_what_spamassassin_has_learned(conf, tmp_path):
    dump = tmp_path / "dump"
    lines = ["v\t3\tdb_version # this must be the first line!!!", "v\t20\tnum_spam", "v\t20\tnum_nonspam"]
    lines += [f"t\t{15}\t{0}\t1023471640\t{hashed(word)}" for word in SPAM_WORDS]
    lines += [f"t\t{0}\t{15}\t1023471640\t{hashed(word)}" for word in HAM_WORDS]
    lines += [f"t\t1\t0\t1023471640\t{hashed('never seen')}", "s\ts\tabcdef@sa_generated"]
    dump.write_text("\n".join(lines) + "\n")
    assert "--words" in learn(conf, "import", str(dump), status=3) and counts(conf) == (0, 0)
    mail = folder_of(tmp_path / "mail", "spam", range(20)), folder_of(tmp_path / "more", "ham", range(20))
    out = learn(conf, "import", "--words", str(mail[0]), "--words", str(mail[1]), str(dump))
    known = len(SPAM_WORDS) + len(HAM_WORDS)
    assert f"{known} tokens added" in out and f"{known + 1} digests, 1 of them without a word" in out
    assert counts(conf) == (20, 20)
    assert "BAYES_HAM" in verdict(conf, tmp_path, message("ham", 999))


def bogofilter_dump(words, spam=20, ham=20):
    lines = [f"{word} {spams} {hams} 20260101" for word, spams, hams in words]
    return "\n".join(lines + [f".MSG_COUNT {spam} {ham} 20260101"] * bool(spam)) + "\n"


def test_a_dump_is_imported_once(conf):
    dump = bogofilter_dump((f"word{i}", 3, 1) for i in range(2500))
    assert "2500 tokens added" in learn(conf, "import", "-", stdin=dump)
    out = learn(conf, "import", "-", stdin=dump)
    assert "imported before" in out and " 0 tokens added" in out and counts(conf) == (20, 20)
    assert "1 tokens added" in learn(conf, "import", "-", stdin=bogofilter_dump([("other", 1, 0)], 5, 5))
    assert counts(conf) == (25, 25)


def test_what_is_no_dump_changes_nothing(conf):
    out = learn(conf, "import", "-", stdin="t\t1\tx\t0\t0123456789\nhello\nword 1 2 20260101\n", status=3)
    assert "line 1 is neither" in out and "line 2 is neither" in out and "2 wrong" in out
    words = [(f"word{i}", 1, 1) for i in range(300)]
    assert "how many messages" in learn(conf, "import", "-", stdin=bogofilter_dump(words, 0), status=3)
    old = "v\t2\tdb_version\nv\t9\tnum_spam\nv\t9\tnum_nonspam\nt\t1\t0\t0\t0123456789\n"
    assert "version" in learn(conf, "import", "-", stdin=old, status=3)
    assert counts(conf) == (0, 0)
    broken = bogofilter_dump(words) + "x" * 5_000_000 + "\nhalf a"  # and the rest is good
    out = learn(conf, "import", "-", stdin=broken, status=3)
    assert "300 tokens added" in out and "2 wrong" in out and counts(conf) == (20, 20)


# --- and the gateway ------------------------------------------------------------------------------------------------


def verdict(conf, tmp_path, text):
    """What a gateway on the state of `conf` finds."""
    with Gateway(http_conf("127.0.0.1:9", 'trusted = {"127.0.0.1"}', 'check "bayes" { learned = 5 }\n')
                 .replace("{folder}/state", f"{tmp_path}/state")) as gateway:
        return scan(gateway.port, text.encode().replace(b"\n", b"\r\n"))["symbols"]


def test_what_was_learned_counts_while_the_gateway_runs(dns):
    with Gateway(http_conf(dns.endpoint, 'trusted = {"127.0.0.1"}', 'check "bayes" { learned = 5 }\n')) as gateway:
        path = str(gateway.folder / "gateway.conf")
        letter = message("spam", 999).encode().replace(b"\n", b"\r\n")
        assert not [name for name in scan(gateway.port, letter)["symbols"] if name.startswith("BAYES")]
        learn(path, "spam", str(folder_of(gateway.folder / "spam", "spam", range(30))))
        learn(path, "ham", str(folder_of(gateway.folder / "ham", "ham", range(30))))
        symbols = scan(gateway.port, letter)["symbols"]
        assert symbols["BAYES_SPAM"]["score"] == 5.1, symbols
        assert scan(gateway.port, message("ham", 999).encode().replace(b"\n", b"\r\n"))["symbols"]["BAYES_HAM"]
