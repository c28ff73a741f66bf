# tests/kit/sink.py - a next hop that does as it is told: takes messages, or fails at a chosen point of the dialogue.
import socket
import ssl
import threading

DEFAULTS = {"CONNECT": "220 sink.example.org ESMTP", "HELO": "250 sink.example.org", "MAIL": "250 2.1.0 ok",
            "RCPT": "250 2.1.5 ok", "DATA": "354 go on", "BODY": "250 2.0.0 taken", "RSET": "250 2.0.0 ok",
            "NOOP": "250 2.0.0 ok", "QUIT": "221 2.0.0 bye", "STARTTLS": "220 2.0.0 go on",
            "BDAT": "250 2.0.0 chunk taken"}
EXTENSIONS = ("PIPELINING", "8BITMIME", "SIZE 52428800", "ENHANCEDSTATUSCODES")


class SmtpSink:
    """Listens on 127.0.0.1:port and keeps what it took in .messages: dicts of helo, mail, rcpts, data, tls, chunks
    (how many BDAT commands; 0: it came by DATA).

    script   called as script(verb, argument, dialogue) before each reply, verb one of CONNECT EHLO HELO STARTTLS MAIL
             RCPT DATA BDAT BODY RSET NOOP QUIT; gives the reply, or None for the usual one, or "close" (hangs up
             without a word) or "silence" (never answers). With lmtp it speaks that: EHLO stands for LHLO, and BODY is
             asked once for each recipient. The message is dialogue.data then.
    tls      path of a file with key and certificate, or an SSLContext: STARTTLS is offered.
    implicit with tls: TLS from the first byte instead.
    path     of a unix socket to listen on instead.
    """

    def __init__(self, script=None, extensions=EXTENSIONS, tls=None, lmtp=False, implicit=False, path=None):
        self.script, self.extensions, self.tls, self.lmtp = script, list(extensions), tls, lmtp
        self.implicit, self.path = implicit, path
        self.messages, self.commands, self.connections = [], [], 0
        self.lock = threading.Lock()
        self.listener = None
        self.open = set()
        self.is_ending = threading.Event()
        self.port = None

    def __enter__(self):
        self.start()
        return self

    def start(self, port=0):
        """Listens again on `port` after stop(): a next hop that was down and came back."""
        self.is_ending.clear()
        if self.path:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(self.path)
            self.listener.listen()
        else:
            self.listener = socket.create_server(("127.0.0.1", port or self.port or 0), backlog=256)
            self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def stop(self):
        """May be called when it has stopped already."""
        self.is_ending.set()
        if self.listener:
            self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
            self.listener = None
        self.hang_up()

    def hang_up(self):
        """Closes all connections; new ones are welcome."""
        with self.lock:
            left = list(self.open)
        for connection in left:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def __exit__(self, *failure):
        self.stop()

    def _accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
                self.open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            Dialogue(self, connection).run()
        except (OSError, EOFError, ssl.SSLError):
            pass
        finally:
            with self.lock:
                self.open.discard(connection)
            connection.close()


class Dialogue:
    def __init__(self, sink, connection):
        self.sink, self.connection = sink, connection
        self.file = connection.makefile("rb")
        self.helo, self.mail, self.rcpts, self.is_tls = None, None, [], False
        self.chunks, self.data = [], b""

    def decide(self, verb, argument):
        with self.sink.lock:
            self.sink.commands.append((verb, argument))
        reply = self.sink.script(verb, argument, self) if self.sink.script else None
        if reply == "close":
            raise EOFError
        if reply == "silence":
            self.sink.is_ending.wait()
            raise EOFError
        return reply or DEFAULTS.get(verb, "502 5.5.2 unknown")

    def say(self, text):
        self.connection.sendall(text.encode() + b"\r\n")

    def line(self):
        line = self.file.readline(1 << 20)
        if not line.endswith(b"\n"):
            raise EOFError
        return line

    def run(self):
        if self.sink.implicit:
            self.handshake()
        self.say(self.decide("CONNECT", ""))
        while True:
            word, _, argument = self.line().decode("utf-8", "surrogateescape").rstrip("\r\n").partition(" ")
            verb = word.upper()
            if verb == ("LHLO" if self.sink.lmtp else "EHLO"):
                self.greet(argument)
            elif verb == "DATA":
                self.take()
            elif verb == "BDAT" and "CHUNKING" in self.sink.extensions:
                self.take_chunk(argument)
            elif verb == "STARTTLS" and self.sink.tls:
                self.secure()
            else:
                self.simple(verb, argument)
            if verb == "QUIT":
                return

    def greet(self, argument):
        self.helo = argument
        reply = self.sink.script("EHLO", argument, self) if self.sink.script else None
        with self.sink.lock:
            self.sink.commands.append(("EHLO", argument))
        if reply == "close":
            raise EOFError
        if reply:
            return self.say(reply)
        offered = self.sink.extensions + (["STARTTLS"] if self.sink.tls and not self.is_tls else [])
        lines = ["sink.example.org", *offered]
        self.say("\r\n".join(f"250{'-' if i < len(lines) - 1 else ' '}{line}" for i, line in enumerate(lines)))

    def secure(self):
        self.say(self.decide("STARTTLS", ""))
        self.handshake()

    def handshake(self):
        context = self.sink.tls
        if not isinstance(context, ssl.SSLContext):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.sink.tls)
        self.connection = context.wrap_socket(self.connection, server_side=True)
        self.file = self.connection.makefile("rb")
        self.is_tls, self.helo, self.mail, self.rcpts = True, None, None, []

    def simple(self, verb, argument):
        reply = self.decide(verb, argument)
        if reply.startswith("2"):
            if verb == "MAIL":
                self.mail, self.rcpts, self.chunks = argument, [], []
            elif verb == "RCPT":
                self.rcpts.append(argument)
            elif verb == "RSET":
                self.mail, self.rcpts = None, []
        self.say(reply)

    def take(self):
        reply = self.decide("DATA", "")
        self.say(reply)
        if not reply.startswith("354"):
            return
        lines = []
        while (line := self.line()) != b".\r\n":
            lines.append(line[1:] if line.startswith(b".") else line)
        self.end(b"".join(lines), 0)

    def take_chunk(self, argument):
        size, _, last = argument.partition(" ")
        chunk = self.file.read(int(size))
        if len(chunk) < int(size):
            raise EOFError
        reply = self.decide("BDAT", argument) if self.rcpts else "503 5.5.1 no recipients"
        if not reply.startswith("250"):
            return self.say(reply)
        self.chunks.append(chunk)
        if last.upper() != "LAST":
            return self.say(reply)
        self.end(b"".join(self.chunks), len(self.chunks))

    def end(self, data, chunks):
        self.data = data
        replies = [self.decide("BODY", rcpt) for rcpt in (self.rcpts if self.sink.lmtp else [""])]
        if any(reply.startswith("2") for reply in replies):
            taken = {"helo": self.helo, "mail": self.mail, "rcpts": self.rcpts, "data": data, "tls": self.is_tls,
                     "chunks": chunks}
            with self.sink.lock:
                self.sink.messages.append(taken)
        self.mail, self.rcpts = None, []
        for reply in replies:
            self.say(reply)
