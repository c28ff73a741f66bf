# tests/interop/test_http_haraka.py - the scan API asked by Haraka's plugin for rspamd, out of the npm registry.
#
# ./dev test installs no npm. Who has it: npm install --prefix build/peers/haraka Haraka haraka-plugin-rspamd
import socket

import pytest

from mail import parse, send_mail
from process import SOURCE, Server, free_port
from relay import CLIENT, MESSAGE, RECIPIENT, SENDER, results, signed, still_verifies, zone
from scan_api import Caller, conf, post
from servers import Gateway, Nsd, needs

PLAIN = MESSAGE.replace(b"ada@sender.example", b"ada@plain.example")

# Whoever sends says in the envelope what is to become of it.
RULES = """
actions { subject = "[SPAM] " }
profile "headers" { recipients = {"headers@example.org"}  actions { subject = "" } }
check "greylist" { mode = off }
check "lists" {
    list "spam" { match = sender  action = score  score = 7  entries = {"spam@sender.example"} }
    list "bad" { match = sender  action = reject  text = "we know you"  entries = {"bad@sender.example"} }
    list "later" { match = sender  action = defer  entries = {"later@sender.example"} }
}
"""

CONNECTION = """
[haproxy]
[headers]
add_received = true
[max]
bytes = 1000000
mime_parts = 100
line_length = 512
data_line_length = 992
[message]
helo = hello
close = bye
[uuid]
"""

KEEP = """
const fs = require('node:fs')
exports.hook_queue = (next, connection) => {
    const path = `${process.env.KEPT}/${connection.transaction.uuid}`
    const file = fs.createWriteStream(path + '.part')
    file.once('close', () => { fs.renameSync(path + '.part', path + '.eml'); next(OK) })
    connection.transaction.message_stream.pipe(file, { line_endings: '\\r\\n', dot_stuffed: true })
}
"""


class Haraka(Server):
    name = "haraka"
    root = SOURCE / "build" / "peers" / "haraka" / "node_modules"

    def __init__(self, scan_port, ini=""):
        super().__init__()
        self.scan_port, self.ini, self.port = scan_port, ini, free_port()

    def prepare(self):
        if not (self.root / "haraka-plugin-rspamd").exists():
            pytest.skip("Haraka is not there; npm install --prefix build/peers/haraka Haraka haraka-plugin-rspamd")
        files = {
            "config/smtp.ini": f"listen=127.0.0.1:{self.port}\n",
            "config/connection.ini": CONNECTION,
            "config/me": "inner.example.org\n",
            "config/host_list": "example.org\n",
            "config/loglevel": "notice\n",
            "config/plugins": "xclient\nrcpt_to.in_host_list\nrspamd\nkeep\n",
            "config/rspamd.ini": f"host = 127.0.0.1\nport = {self.scan_port}\n[check]\nprivate_ip = true\n"
                                 f"local_ip = true\n{self.ini}\n",
            "plugins/keep.js": KEEP,
        }
        for name, text in files.items():
            (self.folder / name).parent.mkdir(exist_ok=True)
            (self.folder / name).write_text(text)
        (self.folder / "kept").mkdir()

    @property
    def environment(self):
        return {"KEPT": str(self.folder / "kept"), "NODE_PATH": str(self.root)}

    def command(self):
        return [needs("node"), self.root / "Haraka" / "bin" / "haraka", "-c", self.folder]

    def messages(self):
        return [path.read_bytes() for path in sorted((self.folder / "kept").glob("*.eml"))]

    def send(self, message, sender=SENDER, recipient=RECIPIENT):
        """Returns the code and the text of the answer, and what was delivered of it (None)."""
        before = self.messages()
        code, text = send_mail(self.port, sender, recipient, message, CLIENT["name"], xclient=CLIENT)
        new = [delivered for delivered in self.messages() if delivered not in before]
        assert len(new) == (code == 250), (code, text, self.log[-3000:])
        return code, text, new[0] if new else None


@pytest.fixture(scope="module")
def gateway():
    with Nsd(zone()) as dns, Gateway(conf(dns.endpoint, rest=RULES)) as server:
        yield server


@pytest.fixture(scope="module")
def haraka(gateway):
    with Haraka(gateway.port, "[reject]\nspam = true\n") as server:
        yield server


def test_mail_that_passes_gets_our_fields_and_keeps_its_signatures(gateway, haraka):
    forged = b"X-Spam-Flag: YES\r\nAuthentication-Results: mx.example.org; spf=pass\r\n"
    code, text, delivered = haraka.send(forged + signed())
    assert code == 250, text
    fields = parse(delivered)
    told = results(delivered)
    assert len(told) == 1 and "dkim=pass" in told[0] and "dmarc=pass" in told[0], delivered
    assert fields.get_all("X-Spam-Status")[0].startswith("No, score="), delivered
    assert not fields["X-Spam-Flag"], delivered
    assert still_verifies(delivered, 0) and still_verifies(delivered, 1), delivered
    gateway.wait_log(f"client={CLIENT['addr']} ")
    assert f"helo={CLIENT['name']} from={SENDER} rcpts=1 to={RECIPIENT} " in gateway.log, gateway.log[-2000:]


def test_spam_is_marked(haraka):
    code, _, delivered = haraka.send(PLAIN, "spam@sender.example", "headers@example.org")
    fields = parse(delivered)
    assert code == 250 and fields["X-Spam-Flag"] == "YES" and fields["X-Spam-Status"].startswith("Yes, "), delivered
    assert len(fields.get_all("Subject")) == 1 and not fields["Subject"].startswith("[SPAM]")
    code, _, delivered = haraka.send(PLAIN, "spam@sender.example")
    fields = parse(delivered)
    assert code == 250 and fields["X-Spam-Flag"] == "YES" and len(fields.get_all("Subject")) == 1, delivered
    assert fields["Subject"].startswith("[SPAM] =?utf-8?q?Gr=C3=BC=C3=9Fe?= and a line"), delivered


def test_mail_is_refused_and_put_off_in_our_words(haraka):
    code, text, _ = haraka.send(PLAIN, "bad@sender.example")
    assert code == 550 and "we know you" in text, text
    code, text, _ = haraka.send(PLAIN, "later@sender.example")
    assert code == 451 and "4.7.1" in text, text


def test_who_is_told_to_delivers_spam_and_marks_it(gateway):
    with Haraka(gateway.port, "[reject]\nspam = false\n") as haraka:
        code, _, delivered = haraka.send(PLAIN, "bad@sender.example")
        assert code == 250 and parse(delivered)["X-Spam-Flag"] == "YES", delivered


def test_what_we_cannot_examine_is_put_off_where_haraka_is_told_to():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        silent.settimeout(20)
        off = "".join(f'check "{name}" {{ mode = off }}\n' for name in ("rdns", "helo", "spf"))
        dns = "127.0.0.1:%d" % silent.getsockname()[1]
        text = conf(dns, "message_size = 64KiB", off + "engine { messages = 1 }")
        with Gateway(text) as gateway, Caller(gateway.port) as first:
            with Haraka(gateway.port, "[defer]\nerror = true\n") as haraka:
                code, text, _ = haraka.send(MESSAGE + (b"x" * 70 + b"\r\n") * 1000)
                assert code == 450 and "Rspamd scan error" in text, (code, text)
                first.sendall(post(b"From: a@slow.example\r\n\r\nx\r\n", b""))
                silent.recv(2048)  # its look-up is under way
                code, text, _ = haraka.send(MESSAGE)
                assert code == 450 and "Rspamd scan error" in text, (code, text)
