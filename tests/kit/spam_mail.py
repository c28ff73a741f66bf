# tests/kit/spam_mail.py - the messages of suites/spam, for tests that ask others about them.
import os
import pathlib
import tarfile

SOURCE = pathlib.Path(os.environ.get("POSTERN_SOURCE", "."))
SUITES = pathlib.Path(os.environ.get("POSTERN_SUITES") or "../shared/suites") / "spam"


def floor(name):
    for line in (SOURCE / "tests" / "conformance" / "floors.txt").read_text().splitlines():
        words = line.split()
        if words and words[0] == name:
            return int(words[1])
    raise AssertionError(f"floors.txt has no {name}")


def messages(phishing_every, public_every):
    """(name, bytes) of all small sets, and of each n-th message of the large ones."""
    for folder in ("rspamd-messages", "spamassassin-t"):
        for path in sorted((SUITES / folder).rglob("*")):
            if path.is_file():
                yield path.name, path.read_bytes()
    for name, every in (("phishing-2022-2024", phishing_every), ("spamassassin-public", public_every)):
        with tarfile.open(SUITES / f"{name}.tar.xz", "r|xz") as tar:
            for n, member in enumerate(tar):
                if n % every == 0 and member.isfile():
                    yield member.name, tar.extractfile(member).read()


def decoded(part):
    data = part.get_payload(decode=True) or b""
    for charset in (part.get_content_charset() or "utf-8", "utf-8"):
        try:
            return data.decode(charset)
        except (LookupError, UnicodeError):
            continue
    return data.decode("cp1252", "replace")
