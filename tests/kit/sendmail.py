# tests/kit/sendmail.py - a real Sendmail in front of a sink, with a filter or none.
import os
import pwd
import shutil

import pytest

from mail import make_cert
from process import SOURCE, Server, free_port, wait_for
from sink import EXTENSIONS, SmtpSink

# What Sendmail needs to be one, and no more: every recipient goes to the sink. Blanks between the columns of a rule are
# tabs.
CF = """
V10/Berkeley
Dj{hostname}
Dw{hostname}
DnMAILER-DAEMON
Cw{hostname}
C{{E}}root
O BadRcptThrottle=0
O DontBlameSendmail=GroupWritableDirPathSafe,TrustStickyBit
O DeliveryMode={mode}
O QueueDirectory={folder}/queue
O PidFile={folder}/pid
O StatusFile={folder}/statistics
O HelpFile=
O AliasFile=
O ForwardPath=
O HostsFile={folder}/hosts
O ServiceSwitchFile={folder}/switch
O DaemonPortOptions=Name=MTA, Addr=127.0.0.1, Port={port}, Family=inet
O MaxMessageSize=52428800
O MaxHeadersLength=1000000
O SmtpGreetingMessage=$j ESMTP
O UnixFromLine=From $g $d
O OperatorChars=.:%@!^/[]+
O TempFileMode=0600
O DefaultUser={uid}:{gid}
O RunAsUser={user}
O TrustedUser={user}
O PrivacyOptions=noexpn
O Timeout.ident=0
O Timeout.datablock=30s
O LogLevel=12
O ResolverOptions=-DNSRCH
O CheckpointInterval=10
O QueueSortOrder=time
O MinQueueAge=0
O Milter.LogLevel=14
O Milter.macros.connect=j, _, {{daemon_name}}, {{if_name}}, {{if_addr}}, v, {{client_addr}}, {{client_ptr}}
O Milter.macros.helo={{tls_version}}, {{cipher}}, {{cipher_bits}}, {{cert_subject}}, {{cert_issuer}}
O Milter.macros.envfrom=i, {{auth_type}}, {{auth_authen}}, {{auth_ssf}}, {{auth_author}}, {{mail_mailer}}, {{mail_addr}}
O Milter.macros.envrcpt={{rcpt_mailer}}, {{rcpt_host}}, {{rcpt_addr}}
O Milter.macros.eom={{msg_id}}
{tls}
{filters}
Troot {user}
H?P?Return-Path: <$g>
HReceived: $?sfrom $s $.$?_($?s$|from $.$_)
\t$.by $j ($v) id $i$?r with $r$.; $b
H?D?Date: $a
H?F?From: $g
H?M?Message-Id: <$t.$i@$j>
Scanonify=3
R$@\t\t$@ <@>
R$*\t\t$: $1 <@>
R$* < $* > $* <@>\t$: < $2 >
R$* <@>\t\t$: < $1 >
R< $* >\t\t$: $1
R@ $* <@>\t\t$: @ $1
Sparse=0
R$* @ {refused}\t$#error $@ 5.1.1 $: "550 no such user"
R$+\t\t$#sink $@ [127.0.0.1] $: $1
Slocal_part=10
R$*\t\t$@ $1
Msink,\tP=[IPC], F=mDFMXk8, S=local_part, R=local_part, E=\\r\\n, L=0, T=DNS/RFC822/SMTP,
\tA=TCP 127.0.0.1 {sink}
Mlocal,\tP=/bin/false, F=lsD, S=local_part, R=local_part, A=false
Mprog,\tP=/bin/false, F=lsD, S=local_part, R=local_part, A=false
"""


TLS = """
O CACertPath={folder}
O CACertFile={folder}/tls.crt
O ServerCertFile={folder}/tls.crt
O ServerKeyFile={folder}/tls.key
"""


class Sendmail(Server):
    """Sendmail out of its package, which ./dev test unpacks (as packages it and Postfix exclude each other).

    filters: lines of "X..." and the option that names them, or others; sink: the port where mail goes on. tls: STARTTLS
    is offered.
    """

    name = "sendmail"
    binary = SOURCE / "build" / "peers" / "sendmail" / "usr" / "libexec" / "sendmail" / "sendmail"

    def __init__(self, sink, filters="", hostname="sendmail.example.org", tls=False):
        super().__init__()
        self.sink, self.filters, self.hostname, self.tls, self.port = sink, filters, hostname, tls, free_port()

    def prepare(self):
        if not self.binary.exists():
            pytest.skip("sendmail-bin could not be unpacked; ./dev test says why")
        if os.getuid() != 0:
            pytest.skip("Sendmail can only be started by root")
        who = pwd.getpwnam("nobody")
        # Not set-gid: the loader would drop libnss-wrapper.
        shutil.copyfile(self.binary, self.folder / "sendmail")
        (self.folder / "sendmail").chmod(0o755)
        (self.folder / "hosts").write_text(f"127.0.0.1 localhost {self.hostname}\n")
        (self.folder / "switch").write_text("hosts files\npasswd files\naliases files\n")
        (self.folder / "queue").mkdir()
        (self.folder / "queue").chmod(0o700)
        (self.folder / "statistics").touch()
        cert, key = make_cert(self.folder, self.hostname)
        cert.rename(self.folder / "tls.crt")
        key.rename(self.folder / "tls.key")
        (self.folder / "tls.key").chmod(0o600)
        for path in (self.folder, *(self.folder / part for part in ("queue", "statistics", "tls.crt", "tls.key"))):
            os.chown(path, who.pw_uid, who.pw_gid)
        (self.folder / "sendmail.cf").write_text(CF.format(
            folder=self.folder, hostname=self.hostname, port=self.port, sink=self.sink, filters=self.filters,
            user=who.pw_name, uid=who.pw_uid, gid=who.pw_gid, mode="background", refused="refused.example",
            tls=TLS.format(folder=self.folder) if self.tls else ""))

    @property
    def environment(self):
        # Without a full name of its machine Sendmail sleeps for a minute before it starts.
        return {"LD_PRELOAD": "libnss_wrapper.so", "NSS_WRAPPER_HOSTNAME": self.hostname,
                "NSS_WRAPPER_HOSTS": str(self.folder / "hosts")}

    def command(self):
        return [self.folder / "sendmail", "-C", self.folder / "sendmail.cf", "-bD", "-X", self.folder / "traffic"]

    def held(self):
        """Reasons of quarantined messages in the queue."""
        found = []
        for path in (self.folder / "queue").glob("hf*"):
            found += [line[1:] for line in path.read_text(errors="replace").splitlines() if line.startswith("q")]
        return found


class SendmailHop:
    """A Sendmail that keeps no Maildir, but sends on to a sink, which has .messages()."""

    def __init__(self, extensions=EXTENSIONS, **options):
        self.sink, self.options = SmtpSink(extensions=extensions), options

    def __enter__(self):
        self.sink.start()
        try:
            self.mta = Sendmail(self.sink.port, **self.options).start()
        except BaseException:
            self.sink.stop()
            raise
        return self

    def __exit__(self, *failure):
        self.mta.__exit__(*failure)
        self.sink.stop()

    @property
    def port(self):
        return self.mta.port

    @property
    def log(self):
        return self.mta.log + (self.mta.folder / "traffic").read_text(errors="replace")

    def messages(self):
        return [b"Return-Path: " + message["mail"].encode() + b"\r\n" + message["data"]
                for message in list(self.sink.messages)]

    def wait_messages(self, count, seconds=30):
        wait_for(lambda: len(self.sink.messages) >= count, seconds, f"{count} messages:\n{self.log[-3000:]}")
        return self.messages()
