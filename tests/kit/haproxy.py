# tests/kit/haproxy.py - a real haproxy on loopback, in front of a mail server.
from process import Server, free_port
from servers import needs

CONF = """
global
    log stdout format raw daemon debug
defaults
    mode tcp
    log global
    option tcplog
    timeout connect 10s
    timeout client 60s
    timeout server 60s
    timeout check 10s
{frontends}
"""

FRONTEND = """
frontend in{number}
    bind 127.0.0.1:{port} {bind}
    {front}
    default_backend out{number}
backend out{number}
    {back}
    server mx 127.0.0.1:{to} {server}
"""


class Haproxy(Server):
    """ways: name -> options of that way to the port `to` (bind, front, back, server); ports[name] is where it is."""

    name = "haproxy"

    def __init__(self, to, **ways):
        super().__init__()
        self.to, self.ways = to, ways
        self.ports = {name: free_port() for name in ways}

    def prepare(self):
        text = "".join(FRONTEND.format(**{"number": number, "to": self.to, "port": self.ports[name], "bind": "",
                                          "front": "", "back": "", "server": "", **way})
                       for number, (name, way) in enumerate(self.ways.items()))
        (self.folder / "haproxy.cfg").write_text(CONF.format(frontends=text.replace("{folder}", str(self.folder))))

    def command(self):
        return [needs("haproxy"), "-db", "-f", self.folder / "haproxy.cfg"]

    @property
    def port(self):
        return next(iter(self.ports.values()))
