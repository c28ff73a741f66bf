# tests/kit/walk.py - who goes through the gateway at random: clients of every kind, and the next hops behind it.
#
# An Honest client knows what each reply belongs to: it keeps account of each recipient. A Hostile one says anything in
# any order and any pieces; what it was told is known by the id that stands in the replies, and in our Received field at
# the next hop. Each takes its choices from a Random of its own, so that a seed gives the same clients again (not the
# same interleaving: they are threads).
import re
import socket
import ssl
import struct
import threading
import time
from collections import Counter

ID = re.compile(r"\(id ([0-9A-Z]{26})\)$")
RECEIVED_ID = re.compile(rb"\bid ([0-9A-Z]{26})\b")
UNDER_WAY = ("Sender taken", "Recipient taken", "octets taken", "Each recipient has his answer", "2.0.0 OK",
             "Transaction forgotten")
ROUTES = (b"example.org", b"two.example", b"lmtp.example", b"strict.example")
SIGNED = (b"DKIM-Signature: v=1; a=rsa-sha256; d=fast.example; s=x; h=from; b=YWJj;\r\n"
          b" bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\r\nFrom: a@fast.example\r\n")
PLAIN = b"From: a@honest.example\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\nSubject: x\r\n"


class Gone(Exception):
    """The gateway has closed the connection, or the client wants to."""


class Book:
    """What the clients were told and what the next hops have."""

    def __init__(self):
        self.lock = threading.Lock()
        self.kept_ids, self.kept_rcpts = Counter(), Counter()
        self.told = {}  # of honest clients: recipient: code; 0 is nothing
        self.injected = set()  # recipients that stood in clear behind a STARTTLS that was taken
        self.excused = set()  # who left without reading, though its machine may have confirmed our reply
        self.finals = []  # (id, code, recipients that were taken, a client that has an answer for each)
        self.faults = []
        self.connections = 0

    def keep(self, data, rcpts):
        found = RECEIVED_ID.search(data)
        with self.lock:
            if not found:
                return self.faults.append(f"no id of ours in {data[:500]!r}")
            for rcpt in rcpts:
                self.kept_ids[found[1].decode()] += 1
                self.kept_rcpts[rcpt.partition("<")[2].partition(">")[0]] += 1

    def fault(self, what):
        with self.lock:
            self.faults.append(f"{time.strftime('%T', time.gmtime())} {what}")


class Mood:
    """A next hop's script: most replies are the usual ones."""

    refusals = ("450 4.2.0 sink says later", "550 5.7.1 sink says no", "421 4.3.0 sink says bye", "close", "silence",
                "503 5.5.1 sink is confused", "nonsense", "550 sink", "450-4.2.0 sink\r\n450 4.2.0 in two lines",
                "450 4.2.0 " + "sink " * 500, "\0\xff")

    def __init__(self, chance, book, lmtp=False):
        self.chance, self.book, self.lmtp, self.lock = chance, book, lmtp, threading.Lock()

    def __call__(self, verb, argument, dialogue):
        with self.lock:
            dice, refusal, seconds = self.chance.random(), self.chance.choice(self.refusals), self.chance.random() * 3
        if verb == "BODY":
            return self.body(argument, dialogue, dice, refusal, seconds)
        if verb == "AUTH" or getattr(dialogue, "is_in_login", False):
            return self.login(dialogue, dice)
        if dice < 0.04:
            time.sleep(seconds)
        return refusal if dice > 0.97 else None

    @staticmethod
    def login(dialogue, dice):
        dialogue.is_in_login = dice < 0.4
        return "334 " if dice < 0.4 else "235 2.7.0 in" if dice < 0.8 else "535 5.7.8 no" if dice < 0.96 else "close"

    def body(self, argument, dialogue, dice, refusal, seconds):
        if dice > 0.85:  # a 5xx to the message itself is the client's, also a 503
            return refusal.replace("503 5.5.1", "554 5.5.1")
        self.book.keep(dialogue.data, [argument] if self.lmtp else dialogue.rcpts)
        if dice < 0.05:
            time.sleep(seconds)
        if dice > 0.82:
            if dice < 0.83 and self.lmtp and argument == dialogue.rcpts[0]:
                dialogue.say("250 2.0.0 kept, and no more")
            return "close"
        return "250-2.0.0 kept\r\n250 2.0.0 here" if dice > 0.8 else "250 2.0.0 kept"


class MoodyDns:
    """Answers late, wrong or not at all; names below silent.example never, those that are not fast or slow soon."""

    def __init__(self, chance):
        self.chance, self.socket = chance, socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.endpoint = f"127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                question, client = self.socket.recvfrom(4096)
            except OSError:
                return
            end = question.index(b"\0", 12) + 5
            name = question[12:end - 4].lower()
            if b"\6silent" in name:
                continue
            dice, is_honest = self.chance.random(), b"\4fast" not in name and b"\4slow" not in name
            if dice < 0.05 and not is_honest:
                continue
            message = self.answer(question, end, is_honest)
            late = threading.Timer(0 if dice < 0.6 else self.chance.random() * (1 if is_honest else 4), self.send,
                                   (message, client))
            late.daemon = True
            late.start()

    def send(self, message, client):
        try:
            self.socket.sendto(message, client)
        except OSError:
            pass

    def answer(self, question, end, is_honest):
        kind, dice = struct.unpack("!H", question[end - 4:end - 2])[0], self.chance.random()
        code = 0 if dice < 0.7 else 2 if dice < 0.8 else 3
        records = self.records(kind, is_honest) if code == 0 else []
        body = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 0, len(data)) + data for data in records)
        return question[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, len(records), 0, 0) + question[12:end] + body

    def records(self, kind, is_honest):
        if kind == 1:
            return [bytes((127, 0, 0, self.chance.randint(1, 9)))]
        if kind in (12, 15):
            names = (b"\4slow\7example\0", b"\4fast\7example\0", b"\6silent\7example\0")[:self.chance.randint(1, 3)]
            return [(b"\0\x0a" if kind == 15 else b"") + name for name in names]
        if kind == 16 and not is_honest:
            text = self.chance.choice((b"v=spf1 a:slow.example a:x.silent.example -all", b"v=spf1 ip4:127.0.0.0/8 -all",
                                       b"v=DMARC1; p=reject", b"v=spf1 include:fast.example -all"))
            return [bytes((len(text),)) + text]
        return []

    def close(self):
        self.socket.close()


class Walker:
    """One connection. doors: {kind: port}, kind of smtp, implicit, lmtp, auth. context: for TLS."""

    patience = 40

    def __init__(self, chance, name, doors, context, book, is_late=lambda: False):
        self.is_late = is_late  # when it is, nothing new is begun
        self.chance, self.name, self.doors, self.context, self.book = chance, name, doors, context, book
        self.kind = chance.choice(("smtp",) * 4 + ("implicit", "lmtp", "lmtp", "auth"))
        self.source = chance.choice(("127.0.0.1", "127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.9"))
        self.inbox, self.is_tls, self.is_each, self.taken = b"", False, self.kind == "lmtp", Counter()
        self.socket, self.is_deaf, self.count, self.said = None, False, 0, []
        self.since = time.monotonic()

    def recipient(self, mark=b""):
        self.count += 1
        return b"%su%d-%s@%s" % (mark, self.count, self.name.encode(), self.chance.choice(ROUTES))

    def connect(self):
        self.socket = socket.create_connection(("127.0.0.1", self.doors[self.kind]), 10, (self.source, 0))
        with self.book.lock:
            self.book.connections += 1
        if self.source == "127.0.0.9":
            self.socket.sendall(self.proxy_header())
        if self.kind == "implicit":
            self.secure()

    def proxy_header(self):
        address = bytes((127, 0, 0, self.chance.randint(2, 8)))
        two = b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + struct.pack("!H", 12) + address + b"\x7f\0\0\1\x12\x34\0\x19"
        return self.chance.choice((b"PROXY TCP4 127.0.0.7 127.0.0.1 4711 25\r\n", two))

    def secure(self):
        self.socket.settimeout(10)
        self.socket = self.context.wrap_socket(self.socket)
        self.is_tls, self.is_deaf = True, False

    def send(self, data):
        self.said.append(data[:60])
        self.socket.settimeout(10)
        self.socket.sendall(data)

    def receive(self, seconds):
        """More of what the gateway says; False: nothing within that time."""
        self.socket.settimeout(seconds)
        try:
            data = self.socket.recv(65536)
        except (TimeoutError, ssl.SSLWantReadError):
            return False
        if not data:
            raise Gone
        self.inbox += data
        return True

    def next_reply(self):
        """(code, last line) out of what has come, or None. What is TLS below us is not looked at."""
        if self.is_deaf:
            return None
        lines = self.inbox.split(b"\r\n")
        for i, line in enumerate(lines[:-1]):
            if line[3:4] != b"-":
                self.inbox = b"\r\n".join(lines[i + 1:])
                return self.heard(line.decode("utf-8", "replace"))
        return None

    def heard(self, line):
        if not re.match(r"[2-5]\d\d( |$)", line):
            self.book.fault(f"{self.name} heard {line!r}")
            raise Gone
        code, found = int(line[:3]), ID.search(line)
        if found and code == 250 and "Recipient taken" in line:
            self.taken[found[1]] += 1
        elif code == 353:
            self.is_each = True
        elif line.startswith("220 2.0.0 Start"):
            self.is_deaf = True
        elif found and (code == 250 and not any(words in line for words in UNDER_WAY)):
            with self.book.lock:
                self.book.finals.append((found[1], code, self.taken[found[1]], self.is_each))
        return code, line

    def reply(self, is_final=False):
        end = time.monotonic() + self.patience
        while not (reply := self.next_reply()):
            if not self.receive(max(0.01, end - time.monotonic())) and time.monotonic() > end:
                self.book.fault(f"{self.name} ({self.kind}) was not answered for {self.patience} s: {self.said[-5:]}")
                raise Gone
        if reply[0] == 421 and not is_final:
            raise Gone
        return reply

    def ask(self, line):
        self.send(line + b"\r\n")
        return self.reply()

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Gone

    def run(self):
        try:
            self.connect()
            self.walk()
        except (Gone, OSError, ValueError):
            pass
        finally:
            if self.socket:
                self.socket.close()


class Honest(Walker):
    """Waits for each reply, and knows what it means; goes away at any moment."""

    def walk(self):
        self.reply()
        self.hello()
        for _ in range(self.chance.randint(1, 6)):
            if self.is_late():
                break
            self.ways()
            self.message()
            time.sleep(self.chance.random() * 0.1)
        self.ask(b"QUIT")

    def hello(self):
        code, line = self.ask(b"LHLO honest.example" if self.kind == "lmtp" else b"EHLO honest.example")
        if code != 250:
            self.book.fault(f"{self.name} ({self.kind}): EHLO was answered {line}")

    def ways(self):
        dice = self.chance.random()
        if dice < 0.2 and not self.is_tls and self.ask(b"STARTTLS")[0] == 220:
            self.secure()
            self.hello()
        elif dice < 0.3:
            self.ask(b"XFORWARD ADDR=127.0.0.5 NAME=slow.example HELO=q.honest.example")
        elif dice < 0.35 and self.ask(b"XCLIENT ADDR=127.0.0.6 NAME=slow.example")[0] == 220:
            self.hello()
        elif dice < 0.4:
            self.ask(self.chance.choice((b"NOOP", b"RSET", b"VRFY x", b"FOO")))
        elif dice < 0.6 and self.kind == "auth":
            self.login()

    def login(self):
        code, _ = self.ask(self.chance.choice((b"AUTH PLAIN AGpvZQBwYXNz", b"AUTH PLAIN", b"AUTH LOGIN am9l",
                                               b"AUTH SCRAM-SHA-256", b"AUTH XOAUTH2", b"AUTH NIX")))
        while code == 334:
            code, _ = self.ask(self.chance.choice((b"*", b"cGFzcw==", b"", b"!")))

    def message(self):
        parameters = self.chance.choice((b"", b"", b" PRDR", b" PRDR", b" SIZE=1000", b" BODY=8BITMIME"))
        if self.ask(b"MAIL FROM:<a@honest.example>" + parameters)[0] != 250:
            self.ask(b"RSET")
            return
        takers = []
        for _ in range(self.chance.randint(1, 4)):
            name = self.recipient()
            code, line = self.ask(b"RCPT TO:<%s>" % name)
            self.tell(name, 0 if code == 250 else code, line)
            takers += [name] if code == 250 else []
        self.leave_perhaps(0.03)
        if takers:
            self.body(takers)
        else:
            self.ask(b"RSET")

    def tell(self, name, code, line):
        with self.book.lock:
            self.book.told[name.decode()] = code
            if code >= 500 and (code not in (550, 554) or "sink" not in line):
                self.book.faults.append(f"{self.name}: {name.decode()} was refused: {line}")

    def body(self, takers):
        data = PLAIN + b"\r\n" + (b"y" * 76 + b"\r\n") * self.chance.choice((1, 1, 10, 300, 2000))
        if self.chance.random() < 0.5:
            if self.ask(b"DATA")[0] != 354:
                self.ask(b"RSET")
                return
            first, last = data, b".\r\n"
        else:
            half = self.chance.randint(0, len(data) - 1)
            self.send(b"BDAT %d\r\n" % half + data[:half])
            if self.reply()[0] != 250:
                self.ask(b"RSET")
                return
            first, last = b"BDAT %d LAST\r\n" % (len(data) - half) + data[half:-1], data[-1:]
        self.send(first)
        self.leave_perhaps(0.05)
        self.ending(last, takers)

    def ending(self, last, takers):
        dice = self.chance.random()
        if dice < 0.05:
            self.excuse(takers)
            self.send(last + b"QUIT\r\n")
            time.sleep(self.chance.random() * 0.3)
            raise Gone
        self.send(last)
        if dice < 0.15:
            time.sleep(self.chance.random() * 0.5)
            if self.is_late() or time.monotonic() - self.since > 15:
                self.excuse(takers)  # the gateway may have closed, once our machine had its reply
            self.leave_perhaps(1, takers)
        code, line = self.reply(is_final=True)
        if code != 353 and self.kind != "lmtp":
            for name in takers:
                self.tell(name, code, line)
            return
        for i, name in enumerate(takers):
            code, line = self.reply(is_final=True) if i or code == 353 else (code, line)
            self.tell(name, code, line)
        if self.kind != "lmtp":
            self.reply()  # PRDR has one at the end, for all

    def excuse(self, takers):
        with self.book.lock:
            self.book.excused.update(name.decode() for name in takers)

    def leave_perhaps(self, odds, takers=()):
        if self.chance.random() < odds:
            dice = self.chance.random()
            if dice < 0.4:
                self.reset()
            if dice < 0.6:
                self.excuse(takers)
                self.socket.shutdown(socket.SHUT_WR)
                while self.receive(self.patience):
                    pass
                self.book.fault(f"{self.name} ({self.kind}) has closed its side, and is not let go")
            raise Gone


class Hostile(Walker):
    """Says what comes to its mind."""

    def connect(self):
        self.is_patient = self.chance.random() < 0.5
        if self.kind == "implicit" and self.chance.random() < 0.2:
            self.kind = "smtp"
            self.socket = socket.create_connection(("127.0.0.1", self.doors["implicit"]), 10, (self.source, 0))
            self.socket.sendall(self.chance.choice((b"\x16\x03\x01", b"EHLO x\r\n", b"", b"\x16\x03\x01\0\5abc")))
            self.socket.shutdown(socket.SHUT_WR)
            time.sleep(0.1)
            raise Gone
        super().connect()

    def proxy_header(self):
        cut = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x7f"
        bad = (b"PROX", b"PROXY UNKNOWN\r\n", b"PROXY TCP4 1 2 3 4\r\n", b"EHLO a\r\n", cut,
               b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0",
               b"PROXY TCP4 127.0.0.7 127.0.0.1 4711 25\r\nEHLO x\r\nMAIL FROM:<>\r\n")
        return self.chance.choice(bad) if self.chance.random() < 0.3 else super().proxy_header()

    def walk(self):
        if self.chance.random() < 0.5:
            self.hear(2)
        self.say(self.hello())
        for _ in range(self.chance.randint(1, 10)):
            for piece in [] if self.is_late() else self.phrase():
                self.do(piece)
        self.hear(self.chance.choice((0, 0.2, 2)))

    def hello(self):
        return b"LHLO x.example\r\n" if self.kind == "lmtp" else self.chance.choice(
            (b"EHLO c.example\r\n",) * 5 + (b"HELO c.example\r\n", b"EHLO [1.2.3.4]\r\n", b"EHLO a\r\nEHLO b\r\n"))

    def do(self, piece):
        if callable(piece):
            piece()
        elif piece:
            self.say(piece)

    def say(self, data):
        if self.chance.random() < 0.15:
            cut = self.chance.randint(0, len(data))
            self.send(data[:cut])
            time.sleep(self.chance.random() * 0.05)
            data = data[cut:]
        self.send(data)
        if self.is_patient or self.chance.random() < 0.1:
            self.hear(0.05)

    def hear(self, seconds):
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0.001 and self.receive(left):
            while self.next_reply():
                pass

    def phrase(self):
        """A list of what to send (bytes) and to do (functions)."""
        dice = self.chance.random()
        if dice < 0.55:
            return self.transaction()
        if dice < 0.8:
            return [self.word()]
        doings = (lambda: time.sleep(self.chance.random() * 0.3), lambda: time.sleep(self.chance.choice((1, 2.5))),
                  lambda: self.hear(1), self.half_close, self.reset, self.start_tls, self.start_tls, self.start_login)
        return [self.chance.choice(doings)]

    def word(self):
        body = self.data()
        half = self.chance.choice((len(body), 0, len(body) + 3, 1 << 40, -1))
        return self.chance.choice((
            self.hello(), b"MAIL FROM:<>%s\r\n" % self.parameters(), b"RCPT TO:<%s>\r\n" % self.recipient(),
            b"DATA\r\n", body + b".\r\n", b"RSET\r\n", b"NOOP\r\n", b"QUIT\r\n", b"VRFY x\r\n", b"HELP\r\n", b"*\r\n",
            b"BDAT %d\r\n" % half + body, b"BDAT %d LAST\r\n" % half + body, b"BDAT 0 LAST\r\n", b"STARTTLS\r\n",
            b"XCLIENT ADDR=127.0.0.%d NAME=slow.example\r\n" % self.chance.randint(2, 8), b"XCLIENT HELO=z.example\r\n",
            b"XCLIENT LOGIN=joe\r\n", b"XCLIENT ADDR=[UNAVAILABLE] PROTO=LMTP\r\n", b"XFORWARD SOURCE=LOCAL\r\n",
            b"XFORWARD ADDR=127.0.0.%d NAME=slow.example HELO=q.example\r\n" % self.chance.randint(2, 8),
            b"AUTH PLAIN AGpvZQBwYXNz\r\n", b"AUTH LOGIN\r\n*\r\n", b"AUTH PLAIN\r\n", b"FOO\r\n", b"Subject: x\r\n",
            b"NOOP\n", b"GET / HTTP/1.1\r\n", b"\x16\x03\x01\r\n", b"x" * 3000 + b"\r\n", b"\0\r\n", b"\xff" * 70,
            b"RCPT TO:<a@nowhere.example>\r\n", b"MAIL FROM:<%s@fast.example>\r\n" % (b"x" * 300)))

    def parameters(self):
        return self.chance.choice((
            b"", b"", b" PRDR", b" PRDR", b" SIZE=100", b" SIZE=99999999999", b" BODY=BINARYMIME", b" BODY=8BITMIME",
            b" SMTPUTF8", b" RET=HDRS ENVID=x", b" REQUIRETLS", b" AUTH=<>", b" PRDR BODY=BINARYMIME", b" HOLDFOR=9",
            b" MT-PRIORITY=3"))

    def data(self):
        body = (b"y" * 76 + b"\r\n") * self.chance.choice((1, 1, 30, 900, 2000, 5000))
        head = self.chance.choice((b"Subject: x\r\n", SIGNED, SIGNED, PLAIN, b"", b"a\0b\r\n", b"a\nb\r\n",
                                   b"Received: x\r\n" * 60))
        return head + b"\r\n" + body

    def transaction(self):
        domain = self.chance.choice((b"fast.example", b"silent.example", b"honest.example"))
        steps = [b"MAIL FROM:<a@%s>%s\r\n" % (domain, self.parameters())]
        for _ in range(self.chance.randint(1, 4)):
            steps.append(b"RCPT TO:<%s>%s\r\n" % (self.recipient(), self.chance.choice((b"", b"", b" NOTIFY=NEVER"))))
        body = self.data()
        if self.chance.random() < 0.4:
            half = self.chance.randint(0, len(body))
            steps += [b"BDAT %d\r\n" % half + body[:half], b"BDAT %d LAST\r\n" % (len(body) - half) + body[half:]]
        else:
            steps += [b"DATA\r\n", lambda: self.hear(0.3), body + b".\r\n"]
        dice = self.chance.random()
        if dice < 0.35:
            steps.insert(self.chance.randint(0, len(steps)), self.chance.choice((
                self.half_close, self.reset, lambda: time.sleep(2.2), lambda: self.hear(0.5), self.start_tls,
                self.word(), self.word(), self.word(), b"RSET\r\n")))
        elif dice < 0.6:  # glued
            return [b"".join(step for step in steps if not callable(step))]
        elif dice < 0.65:  # without its end
            return steps[:self.chance.randint(1, len(steps))]
        return steps

    def half_close(self):
        self.is_deaf |= self.is_tls
        self.socket.shutdown(socket.SHUT_WR)
        self.hear(2)
        raise Gone

    def start_login(self):
        self.say(self.chance.choice((b"AUTH PLAIN\r\n", b"AUTH LOGIN\r\n", b"AUTH SCRAM-SHA-1 biws\r\n")))
        self.say(self.chance.choice((b"*\r\n", b"AGpvZQBwYXNz\r\n", b"QUIT\r\n", b"RSET\r\n", b"=\r\n")))

    def start_tls(self):
        """With words behind it in clear, which must be forgotten; then a handshake, half of one, or what is none."""
        name = self.recipient(b"injected-")
        injected = b"MAIL FROM:<>\r\nRCPT TO:<%s>\r\nDATA\r\n" % name
        self.hear(0.2)
        self.send(b"STARTTLS\r\n" + self.chance.choice((b"", b"", injected)))
        self.hear(1)
        if self.is_tls or not self.is_deaf:
            return
        with self.book.lock:
            self.book.injected.add(name.decode())
        dice = self.chance.random()
        if dice < 0.3:
            self.send(self.chance.choice((b"junk\r\n", b"\x16\x03\x01\x00\x05", b"\x15\x03\x03\0\2\1\0")))
            return
        self.secure()
        if dice < 0.4:
            self.socket.unwrap()
            raise Gone
        self.say(self.hello())
