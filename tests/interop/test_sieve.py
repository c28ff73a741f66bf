# tests/interop/test_sieve.py - what users of an IMAP server move into Junk and out of it is learned: real Dovecot with
# the files of doc/examples/dovecot-sieve.
import imaplib
import os
import shutil
import subprocess

import pytest

from dovecot import DovecotImap
from process import BUILD, SOURCE, wait_for
from servers import needs

EXAMPLE = SOURCE / "doc" / "examples" / "dovecot-sieve"
MAIL = b"From: a@b.example\r\nSubject: %d\r\nMessage-ID: <%d@b.example>\r\n\r\nWords of number %d, and more of them\r\n"


def sieve(folder):
    """The example's configuration, with its files in `folder`; who learns is nobody, as whose mail it is."""
    if not os.path.exists("/usr/lib/dovecot/modules/lib95_imap_sieve_plugin.so"):
        pytest.skip("dovecot-sieve is not installed; ./dev test installs it")
    place = folder / "sieve"
    shutil.copytree(EXAMPLE, place)
    shutil.copy(BUILD / "postern", place)  # nobody may be kept out of the source folder
    (folder / "learned").mkdir()
    os.chown(folder / "learned", 65534, 65534)
    config = folder / "gateway.conf"
    config.write_text(f'state = "{folder}/learned"\nuser = "nobody"\n')
    script = place / "postern-learn"
    text = script.read_text()
    assert 'postern="sudo -n -u postern /usr/sbin/postern"' in text and "exec $postern learn" in text
    script.write_text(text.replace("sudo -n -u postern /usr/sbin/postern", str(place / "postern"))
                      .replace('learn "$1" -', f'learn "$1" -c {config} - >>{folder}/learned/said 2>&1'))
    for name in ("learn-spam", "learn-ham"):
        main = folder / "sievec.conf"
        main.write_text("plugin {\n sieve_plugins = sieve_imapsieve sieve_extprograms\n"
                        f" sieve_global_extensions = +vnd.dovecot.pipe\n sieve_pipe_bin_dir = {place}\n}}\n")
        subprocess.run([needs("sievec"), "-c", main, place / f"{name}.sieve"], check=True, capture_output=True)
    for path in (folder, place, *place.iterdir()):
        path.chmod(0o755)
    return (EXAMPLE / "95-postern.conf").read_text().replace("/etc/dovecot/sieve", str(place))


@pytest.fixture
def dovecot():
    with DovecotImap("joe", "secret", sieve) as server:
        yield server


def status(dovecot):
    done = subprocess.run([BUILD / "postern", "learn", "status", "-c", dovecot.folder / "gateway.conf"],
                          capture_output=True, text=True, timeout=60, check=False)
    lines = done.stdout.splitlines()
    return (int(lines[0].split()[1]), int(lines[1].split()[1])) if done.returncode == 0 else None


def move(imap, box, to):
    """The first message of `box`; by COPY and EXPUNGE, as clients without MOVE do, or by MOVE."""
    assert imap.select(box)[0] == "OK"
    if to == "Junk":
        assert imap.xatom("MOVE", "1", to)[0] == "OK"
    else:
        assert imap.copy("1", to)[0] == "OK"
        imap.store("1", "+FLAGS", "\\Deleted")
        imap.expunge()


class Said:
    """What Dovecot and the wrapper have said, when it is printed."""

    def __init__(self, dovecot):
        self.dovecot = dovecot

    def __str__(self):
        path = self.dovecot.folder / "learned" / "said"
        return (path.read_text() if path.exists() else "") + self.dovecot.log[-3000:]


def test_moved_into_junk_is_spam_and_out_of_it_ham(dovecot):
    imap = imaplib.IMAP4("127.0.0.1", dovecot.port)
    imap.login("joe", "secret")
    for box in ("Junk", "Trash", "Archive"):
        imap.create(box)
    for number in range(3):
        imap.append("INBOX", "", None, MAIL % (number, number, number))
    for _ in range(2):
        move(imap, "INBOX", "Junk")
    wait_for(lambda: status(dovecot) == (2, 0), 60, Said(dovecot))
    move(imap, "Junk", "INBOX")
    wait_for(lambda: status(dovecot) == (1, 1), 60, Said(dovecot))
    move(imap, "Junk", "Trash")
    move(imap, "INBOX", "Archive")
    move(imap, "INBOX", "Junk")
    wait_for(lambda: status(dovecot) == (2, 0), 60, Said(dovecot))
    imap.logout()
