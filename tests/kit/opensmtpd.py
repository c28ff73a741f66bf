# tests/kit/opensmtpd.py - a real OpenSMTPD that delivers to one Maildir.
import os
from pathlib import Path

import pytest

from mail import read_maildir
from process import SOURCE, Server, free_port, wait_for
from servers import needs_own_mounts

CONF = """
{filter}
listen on 127.0.0.1 port {port} hostname inner.example.org {filtered}
action "in" maildir "{folder}/mail"
match from any for domain {{ {domains} }} action "in"
"""

# Its users and its folders have fixed names: it gets them in a mount namespace of its own.
SCRIPT = """
set -e
mount --bind {folder}/passwd /etc/passwd
mount --bind {folder}/group /etc/group
mount -t tmpfs -o mode=755 tmpfs /var/spool
mount -t tmpfs -o mode=755 tmpfs /var/lib
mount -t tmpfs -o mode=755 tmpfs /usr/libexec
cp -r {root}/usr/libexec/opensmtpd /usr/libexec
mkdir -p /var/lib/opensmtpd/empty /var/spool/smtpd
chmod 711 /var/spool/smtpd
exec {root}/usr/sbin/smtpd -d -f {folder}/smtpd.conf
"""


class OpenSmtpd(Server):
    """opensmtpd out of its package, which ./dev test unpacks. Every domain's `user` has the same Maildir.

    filter: a command that it asks about each message (opensmtpd-filter-rspamd is unpacked, too).
    """

    name = "opensmtpd"
    root = SOURCE / "build" / "peers" / "opensmtpd"

    def __init__(self, domains=("example.org",), filter=None):
        super().__init__()
        self.domains, self.filter, self.port = domains, filter, free_port()

    def prepare(self):
        if not (self.root / "usr/libexec/opensmtpd/filter-rspamd").exists():
            pytest.skip("opensmtpd could not be unpacked; ./dev test says why")
        needs_own_mounts("OpenSMTPD")
        users = "opensmtpd:x:901:901::/var/lib/opensmtpd/empty:/bin/false\n" \
                "opensmtpq:x:902:902::/var/lib/opensmtpd/empty:/bin/false\n" \
                f"user:x:903:903::{self.folder}:/bin/false\n"
        (self.folder / "passwd").write_text(Path("/etc/passwd").read_text() + users)
        (self.folder / "group").write_text(Path("/etc/group").read_text() +
                                           "opensmtpd:x:901:\nopensmtpq:x:902:\nuser:x:903:\n")
        (self.folder / "smtpd.conf").write_text(CONF.format(
            folder=self.folder, port=self.port, domains=", ".join(f'"{domain}"' for domain in self.domains),
            filter=f'filter "asked" proc-exec "{self.filter}"' if self.filter else "",
            filtered='filter "asked"' if self.filter else ""))
        (self.folder / "script").write_text(SCRIPT.format(root=self.root, folder=self.folder))
        (self.folder / "mail").mkdir()
        os.chown(self.folder / "mail", 903, 903)

    def command(self):
        return ["unshare", "--mount", "--propagation", "private", "sh", self.folder / "script"]

    def messages(self):
        return read_maildir(self.folder / "mail")

    def wait_messages(self, count, seconds=30):
        wait_for(lambda: len(self.messages()) >= count, seconds, f"{count} messages:\n{self.log[-3000:]}")
        return self.messages()
