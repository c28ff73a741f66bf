# tests/interop/scan_api.py - what the tests of the scan API share: a gateway.conf, sockets, requests.
import http.client
import json
import socket

from relay import CLIENT, RECIPIENT, SENDER, zone
from servers import Nsd

FIELDS = (f"IP: {CLIENT['addr']}\r\nHelo: {CLIENT['name']}\r\nHostname: {CLIENT['name']}\r\nFrom: <{SENDER}>\r\n"
          f"Rcpt: <{RECIPIENT}>\r\n").encode()


def conf(dns, http="", rest=""):
    return f"""
hostname = "mx.example.org"
state = "{{folder}}/state"
dns {{ servers = {{"{dns}"}}  dnssec = no }}
http {{
    listen = {{"127.0.0.1:{{port}}"}}
    relay_clients = {{}}
    {http}
}}
{rest}
"""


def names():
    """For a fixture: a name server that knows the sender."""
    with Nsd(zone()) as server:
        yield server


def silence():
    """For a fixture: a resolver that hears and never answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        s.settimeout(20)
        yield s


def slow_conf(silent_dns, http="", rest=""):
    off = "".join(f'check "{name}" {{ mode = off }}\n' for name in ("rdns", "helo", "spf"))
    return conf("127.0.0.1:%d" % silent_dns.getsockname()[1], http, off + rest)


class Caller(socket.socket):
    """A connection to the scan API, by port or by the path of a unix socket."""

    def __init__(self, at, timeout=20):
        super().__init__(socket.AF_INET if isinstance(at, int) else socket.AF_UNIX, socket.SOCK_STREAM)
        self.settimeout(timeout)
        self.connect(("127.0.0.1", at) if isinstance(at, int) else at)
        self.rest = None

    def response(self, method="POST"):
        """The next HTTP response: (status, fields, body)."""
        if self.rest is None:
            self.rest = self.makefile("rb")
        reader = http.client.HTTPResponse(Buffered(self.rest), method=method)
        reader.begin()
        return reader.status, reader.headers, reader.read()

    def ask(self, data, method="POST"):
        self.sendall(data)
        return self.response(method)

    def everything(self):
        """All until the end of the connection; a reset counts as that."""
        parts = []
        try:
            while part := self.recv(65536):
                parts.append(part)
        except ConnectionResetError:
            pass
        return b"".join(parts)

    def close(self):
        if self.rest is not None:
            self.rest.close()
        super().close()

    def is_closed(self):
        return self.everything() == b""


class Buffered:
    """What HTTPResponse wants of a socket, so that it leaves what follows to the next one."""

    def __init__(self, file):
        self.file = file

    def makefile(self, *_):
        return Shared(self.file)


class Shared:
    def __init__(self, file):
        self.file = file

    def __getattr__(self, name):
        return getattr(self.file, name)

    def close(self):
        pass


def post(body, fields=FIELDS, path="/checkv2", framing=None):
    framing = b"Content-Length: %d\r\n" % len(body) if framing is None else framing
    return b"POST " + path.encode() + b" HTTP/1.1\r\n" + fields + framing + b"\r\n" + body


def chunked(body, size):
    parts = [body[i:i + size] for i in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def get(path, version="1.1", fields=""):
    return f"GET {path} HTTP/{version}\r\n{fields}\r\n".encode()


def fetch(port, path):
    with Caller(port) as caller:
        status, fields, body = caller.ask(get(path), "GET")
        return status, fields, body


def scan(port, body, fields=FIELDS, **how):
    with Caller(port) as caller:
        status, _, answer = caller.ask(post(body, fields, **how))
        assert status == 200, answer
        return json.loads(answer)


def spamd(port, head, body=b"", half_close=False):
    """All that is answered to a request of one of the spam protocols."""
    with Caller(port) as caller:
        caller.sendall(head + body)
        if half_close:
            caller.shutdown(socket.SHUT_WR)
        return caller.everything()
