# tests/kit/servers.py - the real peers of the tests, on loopback: nsd, unbound, postfix, exim, and Postern itself.
#
#     with Nsd(zone) as dns, Postfix() as next_hop, Gateway(conf) as gateway: ...
#
# Each takes a free port, listens on 127.0.0.1 alone, and lives in a temporary folder (process.py).
import grp
import os
import pwd
import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from mail import make_cert, read_maildir
from process import BUILD, SOURCE, Server, answers, free_port, program, wait_for


def needs(name):
    path = program(name)
    if not path:
        pytest.skip(f"{name} is not installed; ./dev test installs it")
    return path


def needs_own_mounts(name):
    """Skips the test where a program cannot be given files of its own in the place of the system's."""
    own_mounts = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False)
    if os.getuid() != 0 or own_mounts.returncode:
        pytest.skip(f"{name} can only be started by root, in a mount namespace of its own")


class Nsd(Server):
    """Answers out of `zone`: lines of a zone file below the root, so that one server holds any domain.

    A name that is not in it is NXDOMAIN; a zone that must fail (SERVFAIL) is named in `broken`.
    """

    name = "nsd"

    def __init__(self, zone="", broken=()):
        super().__init__()
        self.zone, self.broken, self.port = zone, broken, free_port()

    @property
    def endpoint(self):
        return f"127.0.0.1:{self.port}"

    def prepare(self):
        top = "@ SOA ns.invalid. hostmaster.invalid. 1 3600 600 86400 5\n@ NS ns.invalid.\nns.invalid. A 127.0.0.1\n"
        (self.folder / "root.zone").write_text("$ORIGIN .\n$TTL 60\n" + top + self.zone + "\n")
        lines = [f"server:\n ip-address: 127.0.0.1@{self.port}\n username: \"\"\n chroot: \"\"\n server-count: 1\n"
                 f" zonesdir: {self.folder}\n pidfile: {self.folder}/pid\n zonelistfile: {self.folder}/zone.list\n"
                 f" xfrdfile: {self.folder}/xfrd.state\n database: \"\"\n verbosity: 1\n rrl-ratelimit: 0\n"
                 f"remote-control:\n control-enable: no\nzone:\n name: .\n zonefile: root.zone\n"]
        lines += [f"zone:\n name: {name}\n zonefile: does-not-exist\n" for name in self.broken]
        (self.folder / "nsd.conf").write_text("".join(lines))

    def command(self):
        return [needs("nsd"), "-d", "-c", self.folder / "nsd.conf"]

    def wait_up(self):
        super().wait_up()
        wait_for(lambda: "nsd started" in self.log, 10, f"nsd to start; it wrote:\n{self.log}")
        if any("error" in line and "does-not-exist" not in line for line in self.log.splitlines()):
            raise AssertionError(f"nsd did not take its zone:\n{self.log}")


class Unbound(Server):
    """A resolver with a cache in front of `upstream` (host:port); with a trust `anchor` (text) it validates."""

    name = "unbound"
    host = "127.0.0.1"

    def __init__(self, upstream, anchor=""):
        super().__init__()
        self.upstream, self.anchor, self.port = upstream, anchor, free_port()

    @property
    def endpoint(self):
        return f"{self.host}:{self.port}"

    def prepare(self):
        host, port = self.upstream.rsplit(":", 1)
        (self.folder / "anchor").write_text(self.anchor)
        modules = "validator iterator" if self.anchor else "iterator"
        anchor = f" trust-anchor-file: {self.folder}/anchor\n" if self.anchor else ""
        (self.folder / "unbound.conf").write_text(
            f"server:\n interface: {self.host}@{self.port}\n username: \"\"\n chroot: \"\"\n use-syslog: no\n"
            f" logfile: \"\"\n directory: {self.folder}\n pidfile: {self.folder}/pid\n"
            f" do-not-query-localhost: no\n do-daemonize: no\n"
            f" unblock-lan-zones: yes\n insecure-lan-zones: yes\n local-zone: \"test.\" nodefault\n"
            f" module-config: \"{modules}\"\n num-threads: 1\n{anchor}"
            f"remote-control:\n control-enable: no\nforward-zone:\n name: .\n forward-addr: {host}@{port}\n")

    def command(self):
        return [needs("unbound"), "-d", "-c", self.folder / "unbound.conf"]

    def is_up(self):
        return answers(self.port, self.host)


class SystemUnbound(Unbound):
    """One at port 53 of a loopback address of its own, for programs that ask nobody but /etc/resolv.conf's servers."""

    def __init__(self, upstream, anchor=""):
        super().__init__(upstream, anchor)
        self.host, self.port = f"127.53.{self.port >> 8}.{self.port & 255}", 53

    def prepare(self):
        try:
            with socket.create_server((self.host, self.port)):
                pass
        except OSError as failure:
            pytest.skip(f"a resolver at {self.endpoint} cannot be started: {failure.strerror}")
        needs_own_mounts("A program that asks it")
        super().prepare()

    def serve(self, folder, command):
        """`command`, to whom the system's resolver is this one."""
        (folder / "resolv.conf").write_text(f"nameserver {self.host}\noptions trust-ad\n")
        script = f'mount --bind {folder}/resolv.conf /etc/resolv.conf && exec "$@"'
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", *command]


POSTFIX_MAIN = """
compatibility_level = 3.7
queue_directory = {folder}/spool
data_directory = {folder}/data
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
mail_owner = postfix
setgid_group = postdrop
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mailq_path = /usr/bin/mailq
newaliases_path = /usr/bin/newaliases
sendmail_path = /usr/sbin/sendmail
myhostname = {hostname}
mydestination =
alias_maps =
local_recipient_maps =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
disable_dns_lookups = yes
smtp_host_lookup = native
smtp_dns_support_level = disabled
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_authorized_xclient_hosts = 127.0.0.0/8
smtpd_authorized_xforward_hosts = 127.0.0.0/8
virtual_mailbox_base = {folder}/mail
virtual_mailbox_domains = {domains}
virtual_mailbox_maps = inline:{{ {mailboxes} }}
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
mailbox_size_limit = 0
virtual_mailbox_limit = 0
message_size_limit = {size}
in_flow_delay = 0
smtpd_tls_security_level = {tls}
smtpd_tls_chain_files = {folder}/tls.pem
smtpd_tls_session_cache_database =
smtp_tls_session_cache_database =
smtp_tls_security_level = none
"""

POSTFIX_MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
pickup    unix  n  -  n  60    1  pickup
cleanup   unix  n  -  n  -     0  cleanup
qmgr      unix  n  -  n  300   1  qmgr
tlsmgr    unix  -  -  n  1000? 1  tlsmgr
rewrite   unix  -  -  n  -     -  trivial-rewrite
bounce    unix  -  -  n  -     0  bounce
defer     unix  -  -  n  -     0  bounce
trace     unix  -  -  n  -     0  bounce
verify    unix  -  -  n  -     1  verify
flush     unix  n  -  n  1000? 0  flush
proxymap  unix  -  -  n  -     -  proxymap
smtp      unix  -  -  n  -     -  smtp
relay     unix  -  -  n  -     -  smtp
lmtp      unix  -  -  n  -     -  lmtp
error     unix  -  -  n  -     -  error
retry     unix  -  -  n  -     -  error
discard   unix  -  -  n  -     -  discard
virtual   unix  -  n  n  -     -  virtual
anvil     unix  -  -  n  -     1  anvil
scache    unix  -  -  n  -     1  scache
postlog   unix-dgram n - n -   1  postlogd
"""


def keys_of(main_cf):
    return re.findall(r"^(\w+)\s*=", main_cf, re.M)


class Postfix(Server):
    """A real Postfix that delivers to a Maildir for each of `mailboxes`; needs root, as Postfix does.

    tls: none, may (STARTTLS offered) or encrypt (demanded). extra: more lines of main.cf. resolver: a SystemUnbound.
    """

    name = "postfix"

    def __init__(self, mailboxes=("user@example.org",), tls="none", extra="", hostname="inner.example.org",
                 size=10 << 20, resolver=None):
        super().__init__()
        self.mailboxes, self.tls, self.extra, self.hostname, self.size = mailboxes, tls, extra, hostname, size
        self.port, self.resolver = free_port(), resolver

    def prepare(self):
        if os.getuid() != 0:
            pytest.skip("Postfix can only be started by root")
        needs("postfix")
        owner, uid, gid = pwd.getpwnam("postfix").pw_uid, pwd.getpwnam("nobody").pw_uid, grp.getgrnam("nogroup").gr_gid
        for part in ("conf", "data", "spool", "mail"):
            (self.folder / part).mkdir(exist_ok=True)
        os.chown(self.folder / "data", owner, -1)
        os.chown(self.folder / "mail", uid, gid)
        make_cert(self.folder, "tls") if not (self.folder / "tls.pem").exists() else None
        domains = ", ".join(sorted({box.split("@")[1] for box in self.mailboxes}))
        maps = ", ".join(f"{{ {box} = {box}/ }}" for box in self.mailboxes)
        main = POSTFIX_MAIN.format(folder=self.folder, hostname=self.hostname, domains=domains, mailboxes=maps, uid=uid,
                                   gid=gid, tls=self.tls, size=self.size)
        # What stands twice each process warns of, and postlogd, too: it waits for ever once its own socket is full.
        usual = [line for line in main.splitlines() if line.partition(" =")[0] not in keys_of(self.extra)]
        (self.folder / "conf" / "main.cf").write_text("\n".join([*usual, self.extra, ""]))
        (self.folder / "conf" / "master.cf").write_text(POSTFIX_MASTER.format(port=self.port))
        for shared in ("dynamicmaps.cf", "postfix-files"):
            if os.path.exists(f"/etc/postfix/{shared}"):
                shutil.copy(f"/etc/postfix/{shared}", self.folder / "conf")
        subprocess.run([program("postfix"), "-c", self.folder / "conf", "check"], capture_output=True, check=False)

    def command(self):
        master = ["/usr/lib/postfix/sbin/master", "-c", self.folder / "conf", "-d"]
        return self.resolver.serve(self.folder, master) if self.resolver else master

    @property
    def environment(self):
        return {"MAIL_CONFIG": str(self.folder / "conf")}

    @property
    def log(self):
        path = self.folder / "mail.log"
        return super().log + (path.read_text(errors="replace") if path.exists() else "")

    def messages(self, mailbox=None):
        return read_maildir(self.folder / "mail" / (mailbox or self.mailboxes[0]))

    def wait_messages(self, count, mailbox=None, seconds=30):
        wait_for(lambda: len(self.messages(mailbox)) >= count, seconds, f"{count} messages:\n{self.log[-3000:]}")
        return self.messages(mailbox)


EXIM_CONF = """
primary_hostname = inner.example.org
spool_directory = {folder}/spool
log_file_path = {folder}/%slog
exim_user = {user}
exim_group = {group}
never_users =
deliver_drop_privilege = true
keep_environment = LD_PRELOAD : NSS_WRAPPER_PASSWD : NSS_WRAPPER_GROUP
daemon_smtp_ports = {port}
local_interfaces = 127.0.0.1
host_lookup =
rfc1413_query_timeout = 0s
message_size_limit = 20M
accept_8bitmime = true
tls_advertise_hosts = {tls}
tls_certificate = {folder}/tls.pem
tls_privatekey = {folder}/tls.pem
acl_smtp_rcpt = check_rcpt
acl_smtp_dkim = accept
{main}
begin acl
check_rcpt:
  accept domains = {domains}
  deny message = relay not permitted
{acl}
{delivery}
begin retry
* * F,1h,1m
"""

EXIM_MAILDIR = """
begin routers
all:
  driver = accept
  transport = maildir
begin transports
maildir:
  driver = appendfile
  maildir_format
  directory = {folder}/mail
  create_directory
  delivery_date_add = false
  envelope_to_add = true
  return_path_add = false
"""

EXIM_ONWARD = """
begin routers
all:
{router}
  self = send
  transport = smtp
begin transports
smtp:
  driver = smtp
  port = {onward}
  allow_localhost
  tls_verify_certificates =
{transport}
"""


class Exim(Server):
    """exim4-daemon-heavy out of its package, which ./dev test unpacks (as packages it and Postfix exclude each other).

    It insists on a user of its own name, which libnss-wrapper shows to it alone. All mail goes to one Maildir: Exim
    takes no file name from a client (the recipient stands in Envelope-to). Or it goes by SMTP to the port `onward`: of
    127.0.0.1, or with a `resolver` (SystemUnbound) of whom the MX records name.
    main, acl, transport: more lines of its configuration; transport may begin further sections.
    """

    name = "exim"
    binary = SOURCE / "build" / "peers" / "exim" / "usr" / "sbin" / "exim4"

    def __init__(self, domains=("example.org",), tls=False, main="", acl="", onward=None, transport="", resolver=None):
        super().__init__()
        self.domains, self.tls, self.main, self.acl, self.port = domains, tls, main, acl, free_port()
        self.onward, self.transport, self.resolver = onward, transport, resolver

    def prepare(self):
        if not self.binary.exists():
            pytest.skip("exim4-daemon-heavy could not be unpacked; ./dev test says why")
        if os.getuid() != 0:
            pytest.skip("Exim can only be started by root")
        who = pwd.getpwnam("nobody")
        (self.folder / "passwd").write_text(Path("/etc/passwd").read_text() +
                                            f"Debian-exim:x:{who.pw_uid}:{who.pw_gid}::/nonexistent:/bin/false\n")
        (self.folder / "group").write_text(Path("/etc/group").read_text() + f"Debian-exim:x:{who.pw_gid}:\n")
        make_cert(self.folder, "tls")
        delivery = EXIM_ONWARD if self.onward else EXIM_MAILDIR
        router = "driver = dnslookup\n  dnssec_request_domains = *" if self.resolver else \
                 "driver = manualroute\n  route_list = * 127.0.0.1 byname"
        (self.folder / "exim.conf").write_text(EXIM_CONF.format(
            folder=self.folder, user=who.pw_name, group=grp.getgrgid(who.pw_gid).gr_name, port=self.port,
            tls="*" if self.tls else "", domains=" : ".join(self.domains), main=self.main, acl=self.acl,
            delivery=delivery.format(folder=self.folder, onward=self.onward, router=f"  {router}",
                                     transport=self.transport)))
        # Not set-uid: the loader would drop libnss-wrapper, and with deliver_drop_privilege Exim needs no other user.
        shutil.copy(self.binary, self.folder / "exim4")
        (self.folder / "exim4").chmod(0o755)
        for part in ("spool", "mail"):
            (self.folder / part).mkdir()
        for path in (self.folder, self.folder / "spool", self.folder / "mail", self.folder / "tls.pem"):
            os.chown(path, who.pw_uid, who.pw_gid)

    @property
    def environment(self):
        return {"LD_PRELOAD": "libnss_wrapper.so", "NSS_WRAPPER_PASSWD": str(self.folder / "passwd"),
                "NSS_WRAPPER_GROUP": str(self.folder / "group")}

    def command(self):
        daemon = [self.folder / "exim4", "-C", self.folder / "exim.conf", "-bdf", "-q1m"]
        return self.resolver.serve(self.folder, daemon) if self.resolver else daemon

    @property
    def log(self):
        others = [path for path in sorted(self.folder.glob("*log")) if path.name != "log"]
        return super().log + "".join(path.read_text(errors="replace") for path in others)

    def messages(self):
        return read_maildir(self.folder / "mail")

    def wait_messages(self, count, seconds=30):
        wait_for(lambda: len(self.messages()) >= count, seconds, f"{count} messages:\n{self.log[-3000:]}")
        return self.messages()


# Checks that find something in nearly every message made by hand: off, where a test does not speak of them.
OF_CONTENT = ("mime", "rules", "urls")


class Gateway(Server):
    """Postern itself: `postern run -c` on the text of a gateway.conf, {folder} and {port} replaced in it.

    Started by root it becomes nobody, unless the text says otherwise; its state is in the folder.
    Leaving the block ends it with SIGTERM; it must then have drained and ended with status 0, and the sanitizers must
    have found nothing.
    """

    name = "gateway"

    def __init__(self, conf, port=None, wrapper=()):
        super().__init__()
        self.conf, self.port, self.wrapper = conf, port or free_port(), list(wrapper)

    def prepare(self):
        self.folder.chmod(0o777)
        self.write(self.conf)
        log = self.folder / "log"
        self.said_before = log.stat().st_size if log.exists() else 0  # by one that was started here before

    def write(self, conf):
        """(Re)writes gateway.conf; the gateway reads it again on SIGHUP."""
        text = conf.replace("{folder}", str(self.folder)).replace("{port}", str(self.port))
        for key, value in (("state", f"{self.folder}/state"), ("user", "nobody")):
            if not re.search(rf"^\s*{key}\s*=", text, re.M):
                text += f'\n{key} = "{value}"\n'
        text += "".join(f'check "{name}" {{ mode = off }}\n' for name in OF_CONTENT if f'check "{name}"' not in text)
        (self.folder / "gateway.conf").write_text(text)

    def command(self):
        return [*self.wrapper, BUILD / "postern", "run", "-c", self.folder / "gateway.conf"]

    def is_up(self):
        with open(self.folder / "log", "rb") as log:
            log.seek(self.said_before)
            return any(line.split()[-1:] == [b"ready"] for line in log.read().splitlines())

    @property
    def child(self):
        """The process id of the gateway below its supervisor."""
        return int(Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()[0])

    def mails(self, folder="mail"):
        return read_maildir(self.folder / folder)

    def wait_log(self, text, seconds=20):
        wait_for(lambda: text in self.log, seconds, f"{text!r} in the log:\n{self.log[-3000:]}")

    def __exit__(self, *failure):
        try:
            status, log = self.end(), self.log
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
        findings = [line for line in log.splitlines() if "Sanitizer" in line or "runtime error:" in line]
        if not failure[0]:
            assert not findings, log[-6000:]
            assert status == 0, f"postern ended with status {status}:\n{log[-3000:]}"
