# tests/kit/dovecot.py - Dovecot's auth service on loopback: who judges logins for Postfix.
import os

import pytest

from process import Server
from servers import needs

CONF = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = /dev/stderr
auth_debug = yes
protocols =
ssl = no
disable_plaintext_auth = no
auth_mechanisms = {mechanisms}
auth_failure_delay = 0
passdb {{
    driver = passwd-file
    args = scheme=PLAIN username_format=%u {folder}/users
}}
userdb {{
    driver = static
    args = uid=nobody gid=nogroup home=/nonexistent
}}
service auth {{
    unix_listener {folder}/auth {{
        mode = 0666
    }}
}}
service stats {{
    unix_listener stats-writer {{
        mode = 0666
    }}
}}
"""


class DovecotAuth(Server):
    """Knows `users` (name -> password); its socket is .socket."""

    name = "dovecot"

    def __init__(self, users, mechanisms="plain login cram-md5 scram-sha-256"):
        super().__init__()
        self.users, self.mechanisms = users, mechanisms

    @property
    def socket(self):
        return self.folder / "auth"

    def prepare(self):
        if os.getuid() != 0:
            pytest.skip("Dovecot can only be started by root")
        needs("dovecot")
        for part in ("run", "state"):
            (self.folder / part).mkdir()
        (self.folder / "users").write_text("".join(f"{name}:{password}\n" for name, password in self.users.items()))
        (self.folder / "users").chmod(0o644)
        (self.folder / "dovecot.conf").write_text(CONF.format(folder=self.folder, mechanisms=self.mechanisms))

    def command(self):
        return [needs("dovecot"), "-F", "-c", self.folder / "dovecot.conf"]

    def is_up(self):
        return self.socket.exists()
