# tests/kit/dovecot.py - Dovecot on loopback: its auth service, who judges logins for Postfix, and its LMTP server.
import os

import pytest

from mail import make_cert, read_maildir
from process import Server, answers, free_port, wait_for
from servers import needs

CONF = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = /dev/stderr
ssl = no
passdb {{
    driver = passwd-file
    args = scheme=PLAIN username_format=%u {folder}/users
}}
service stats {{
    unix_listener stats-writer {{
        mode = 0666
    }}
}}
"""

AUTH = """
protocols =
auth_debug = yes
disable_plaintext_auth = no
auth_mechanisms = {mechanisms}
auth_failure_delay = 0
userdb {{
    driver = static
    args = uid=nobody gid=nogroup home=/nonexistent
}}
service auth {{
    unix_listener {folder}/auth {{
        mode = 0666
    }}
}}
"""

LMTP = """
protocols = lmtp
hostname = dovecot.example.org
postmaster_address = postmaster@example.org
mail_location = maildir:~
mail_plugins = quota
first_valid_uid = 1
ssl = yes
ssl_cert = <{folder}/tls.crt
ssl_key = <{folder}/tls.key
plugin {{
    quota = maildir:box
    quota_rule = *:storage=100M
}}
userdb {{
    driver = passwd-file
    args = username_format=%u {folder}/users
}}
service lmtp {{
    unix_listener {folder}/lmtp {{
        mode = 0666
    }}
    inet_listener lmtp {{
        address = 127.0.0.1
        port = {port}
    }}
}}
"""


IMAP = """
protocols = imap
disable_plaintext_auth = no
mail_location = maildir:~
first_valid_uid = 1
userdb {{
    driver = passwd-file
    args = username_format=%u {folder}/users
}}
service imap-login {{
    inet_listener imap {{
        address = 127.0.0.1
        port = {port}
    }}
    inet_listener imaps {{
        port = 0
    }}
}}
"""


class Dovecot(Server):
    """What its services share; .text is the rest of their configuration."""

    name = "dovecot"
    text = ""

    def prepare(self):
        if os.getuid() != 0:
            pytest.skip("Dovecot can only be started by root")
        needs("dovecot")
        for part in ("run", "state"):
            (self.folder / part).mkdir()
        (self.folder / "dovecot.conf").write_text(CONF.format(folder=self.folder) + self.text)

    def write_users(self, lines):
        path = self.folder / "users"
        path.write_text("".join(f"{line}\n" for line in lines))
        path.chmod(0o644)

    def command(self):
        return [needs("dovecot"), "-F", "-c", self.folder / "dovecot.conf"]

    def is_up(self):
        return self.socket.exists()


class DovecotAuth(Dovecot):
    """Knows `users` (name -> password); its socket is .socket."""

    def __init__(self, users, mechanisms="plain login cram-md5 scram-sha-256"):
        super().__init__()
        self.users, self.mechanisms = users, mechanisms

    @property
    def socket(self):
        return self.folder / "auth"

    def prepare(self):
        self.text = AUTH.format(folder=self.folder, mechanisms=self.mechanisms)
        super().prepare()
        self.write_users(f"{name}:{password}" for name, password in self.users.items())


class DovecotLmtp(Dovecot):
    """dovecot-lmtpd at .port and at .socket: a Maildir for each of `mailboxes`; those of `full` have room for nothing.

    It offers STARTTLS.
    """

    def __init__(self, mailboxes, full=()):
        super().__init__()
        self.mailboxes, self.full, self.port = mailboxes, full, free_port()

    @property
    def socket(self):
        return self.folder / "lmtp"

    def prepare(self):
        if not os.path.exists("/usr/lib/dovecot/lmtp"):
            pytest.skip("dovecot-lmtpd is not installed; ./dev test installs it")
        cert, key = make_cert(self.folder, "dovecot.example.org")
        cert.rename(self.folder / "tls.crt")
        key.rename(self.folder / "tls.key")
        self.text = LMTP.format(folder=self.folder, port=self.port)
        super().prepare()
        (self.folder / "mail").mkdir()
        os.chown(self.folder / "mail", 65534, 65534)
        rooms = {box: "userdb_quota_rule=*:bytes=10" if box in self.full else "" for box in self.mailboxes}
        self.write_users(f"{box}::65534:65534::{self.folder}/mail/{box}::{room}" for box, room in rooms.items())

    def messages(self, mailbox):
        return read_maildir(self.folder / "mail" / mailbox)

    def wait_messages(self, count, mailbox, seconds=30):
        wait_for(lambda: len(self.messages(mailbox)) >= count, seconds, f"{count} messages:\n{self.log[-3000:]}")
        return self.messages(mailbox)


class DovecotImap(Dovecot):
    """An IMAP server at .port with the mailbox of one user, whose mail is nobody's; `more` is configuration."""

    def __init__(self, user, password, more=lambda folder: ""):
        super().__init__()
        self.user, self.password, self.more, self.port = user, password, more, free_port()

    def prepare(self):
        if not os.path.exists("/usr/lib/dovecot/imap"):
            pytest.skip("dovecot-imapd is not installed; ./dev test installs it")
        self.text = IMAP.format(folder=self.folder, port=self.port) + self.more(self.folder)
        super().prepare()
        (self.folder / "mail").mkdir()
        os.chown(self.folder / "mail", 65534, 65534)
        self.write_users([f"{self.user}:{self.password}:65534:65534::{self.folder}/mail::"])

    def is_up(self):
        return answers(self.port)
