# tests/kit/milter.py - the mail server's side of the milter protocol, in all its versions: says what it is told to say,
# and shows every answer.
#
#     with Milter(port) as mta:
#         mta.negotiate()
#         result = mta.send_message(message, sender="a@example.com", recipients=["u@example.org"])
#         result.final, result.edits, result.apply(message)
#
# Values of header fields travel as a mail server sends them: LF between folded lines, and the blank behind the colon
# only when that was agreed on.
import socket
import struct

ACTIONS_ALL, PROTOCOL_ALL = 0x1ff, 0x1fffff
ADDHDRS, CHGHDRS, QUARANTINE, SETSYMLIST = 0x01, 0x10, 0x20, 0x100
NOBODY, SKIP, RCPT_REJ, LEADSPC = 0x10, 0x400, 0x800, 0x100000
NO_REPLY = {"C": 0x1000, "H": 0x2000, "M": 0x4000, "R": 0x8000, "T": 0x10000, "L": 0x80, "N": 0x40000, "B": 0x80000,
            "U": 0x20000}
# What a mail server of each version offers: actions, protocol.
OFFERS = {2: (0x3f, 0x7f), 3: (0x3f, 0x1ff), 4: (0x3f, 0x3ff), 5: (0x3f, 0x3ff), 6: (ACTIONS_ALL, PROTOCOL_ALL)}
FINAL = "acdrty"
CHUNK = 65535


class Closed(Exception):
    """The filter has closed the connection."""


class Result:
    """What became of a message: `final` (a letter), `reply` (of "y"), `edits` in the order they came."""

    def __init__(self):
        self.final, self.reply, self.edits, self.progress, self.recipients = None, None, [], 0, []
        self.skipped = False

    def take(self, command, data):
        """True for the last answer."""
        if command == "p":
            self.progress += 1
        elif command in "im":
            name, value, _ = data[4:].split(b"\0")
            self.edits.append((command, struct.unpack("!I", data[:4])[0], name.decode(), value))
        elif command == "h":
            name, value, _ = data.split(b"\0")
            self.edits.append((command, 0, name.decode(), value))
        elif command == "q":
            self.edits.append((command, 0, "", data.rstrip(b"\0")))
        elif command in FINAL:
            self.final = command
            self.reply = data.rstrip(b"\0").decode() if command == "y" else None
            return True
        else:
            raise AssertionError(f"an answer {command!r} {data!r}")
        return False

    @property
    def inserted(self):
        return {name: value.decode("utf-8", "surrogateescape") for c, _, name, value in self.edits if c == "i"}

    def apply(self, message, spaced=True):
        """The message as Postfix leaves it; CRLF throughout."""
        fields, body = split(message)
        for command, index, name, value in self.edits:
            value = value.replace(b"\n", b"\r\n")
            line = name.encode() + b":" + (b"" if spaced else b" ") + value
            places = [i for i, (n, _) in enumerate(fields) if n.lower() == name.lower().encode()]
            if command == "i":
                fields.insert(index, (name.encode(), line))
            elif command == "m" and value == b"":
                del fields[places[index - 1]]
            elif command == "m":
                fields[places[index - 1]] = (name.encode(), line)
        return b"".join(line + b"\r\n" for _, line in fields) + b"\r\n" + body


def split(message):
    """([(name, whole field without its last CRLF)], body) of a message in CRLF."""
    head, _, body = message.partition(b"\r\n\r\n")
    fields = []
    for line in head.split(b"\r\n"):
        if line[:1] in (b" ", b"\t") and fields:
            fields[-1] = (fields[-1][0], fields[-1][1] + b"\r\n" + line)
        elif line:
            fields.append((line.split(b":", 1)[0], line))
    return fields, body


class Milter:
    def __init__(self, where, timeout=30):
        if isinstance(where, int):
            where = ("127.0.0.1", where)
        if isinstance(where, str):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(timeout)
            self.socket.connect(where)
        else:
            self.socket = socket.create_connection(where, timeout)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.version = self.actions = self.protocol = 0
        self.macros_wanted = {}
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.socket.close()

    # ---- packets ----

    def put(self, command, data=b""):
        self.socket.sendall(struct.pack("!I", len(data) + 1) + command.encode("latin-1") + data)

    def take(self, count):
        while len(self.buffer) < count:
            piece = self.socket.recv(65536)
            if not piece:
                raise Closed
            self.buffer += piece
        piece, self.buffer = self.buffer[:count], self.buffer[count:]
        return piece

    def get(self):
        """(command, data) of the next answer."""
        size = struct.unpack("!I", self.take(4))[0]
        packet = self.take(size)
        return chr(packet[0]), packet[1:]

    def is_closed(self):
        try:
            self.take(1)
        except (Closed, ConnectionError):
            return True
        return False

    def step(self, command, data=b""):
        """Says it; the answer's (command, data), or None where none was agreed on."""
        self.put(command, data)
        if self.protocol & NO_REPLY.get(command, 0):
            return None
        return self.get()

    # ---- the dialogue ----

    def negotiate(self, version=6, actions=None, protocol=None):
        usual = OFFERS[version]
        self.put("O", struct.pack("!III", version, usual[0] if actions is None else actions,
                                  usual[1] if protocol is None else protocol))
        command, data = self.get()
        assert command == "O", (command, data)
        self.version, self.actions, self.protocol = struct.unpack("!III", data[:12])
        rest = data[12:]
        while rest:
            stage = struct.unpack("!I", rest[:4])[0]
            names, _, rest = rest[4:].partition(b"\0")
            self.macros_wanted[stage] = names.decode().split()
        return self.version, self.actions, self.protocol

    def macros(self, stage, values):
        self.put("D", stage.encode() + b"".join(text.encode() + b"\0" for pair in values.items() for text in pair))

    def connect(self, address="192.0.2.25", name="mail.sender.example", port=40000, macros=None):
        self.macros("C", {"j": "mta.example.org", "{daemon_name}": "smtpd", "v": "Postfix 3.7.11", **(macros or {})})
        if address is None:
            data = name.encode() + b"\0U"
        elif address.startswith("/"):
            data = name.encode() + b"\0L\0\0" + address.encode() + b"\0"
        else:
            family = b"6" if ":" in address else b"4"
            shown = "IPv6:" + address if family == b"6" else address
            data = name.encode() + b"\0" + family + struct.pack("!H", port) + shown.encode() + b"\0"
        return self.step("C", data)

    def helo(self, name="mail.sender.example", macros=None):
        if macros:
            self.macros("H", macros)
        return self.step("H", name.encode() + b"\0")

    def mail(self, sender="ada@sender.example", *arguments, macros=None):
        self.macros("M", {"{mail_addr}": sender, **(macros or {})})
        words = [f"<{sender}>", *arguments]
        return self.step("M", b"".join(word.encode() + b"\0" for word in words))

    def rcpt(self, recipient="user@example.org", *arguments, macros=None):
        self.macros("R", {"{rcpt_addr}": recipient, "{rcpt_mailer}": "smtp", **(macros or {})})
        words = [f"<{recipient}>", *arguments]
        return self.step("R", b"".join(word.encode() + b"\0" for word in words))

    def data(self, queue="4Test000001"):
        self.macros("T", {"i": queue})
        if self.version < 4:
            return None
        return self.step("T")

    def field(self, line):
        name, _, value = line.partition(b":")
        value = value.replace(b"\r\n", b"\n")
        if not self.protocol & LEADSPC and value.startswith(b" "):
            value = value[1:]
        return self.step("L", name + b"\0" + value + b"\0")

    def content(self, message, chunk=CHUNK):
        """Header and body; True when the filter wants no more of the body."""
        fields, body = split(message)
        for _, line in fields:
            self.field(line)
        if not self.protocol & 0x40:
            self.step("N")
        for at in range(0, len(body), chunk):
            if self.protocol & NOBODY:
                break
            answer = self.step("B", body[at:at + chunk])
            if answer and answer[0] == "s":
                return True
        return False

    def end(self, result=None):
        result = result or Result()
        self.put("E")
        while not result.take(*self.get()):
            pass
        return result

    def send_message(self, message, sender="ada@sender.example", recipients=("user@example.org",), chunk=CHUNK,
                     arguments=(), macros=None):
        """MAIL to the end. A refused recipient is not one; with none left, `final` is the last refusal."""
        result, taken = Result(), 0
        answer = self.mail(sender, *arguments, macros=macros)
        if answer and answer[0] != "c":
            result.take(*answer)
            return result
        for recipient in recipients:
            answer = self.rcpt(recipient)
            result.recipients.append(answer[0] if answer[0] != "y" else answer[1].rstrip(b"\0").decode())
            taken += answer[0] == "c"
        if not taken:
            result.take(*answer)
            return result
        answer = self.data()
        if answer and answer[0] != "c":
            result.take(*answer)
            return result
        result.skipped = self.content(message, chunk)
        return self.end(result)

    def abort(self):
        self.put("A")

    def quit(self):
        self.put("Q")

    def quit_for_next(self):
        self.put("K")


def deliver(where, message, client=None, helo="mail.sender.example", version=6, **envelope):
    """One connection, one message."""
    with Milter(where) as mta:
        mta.negotiate(version)
        mta.connect(**(client or {}))
        mta.helo(helo)
        result = mta.send_message(message, **envelope)
        result.spaced = bool(mta.protocol & LEADSPC)
        mta.quit()
    return result
