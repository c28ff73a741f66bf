# tests/interop/test_failover.py - real Postfix instances as targets of one next hop, and what happens when one is
# killed, is stopped (the kernel takes its connections, and nobody answers), is slow, and comes back.
#
# Clients send all the time. At the end both are counted: what a client was told 250 for lies at exactly one of them,
# what it was not told 250 for at none, but for those that the log says may come twice.
import os
import pwd
import signal
import threading
import time
from pathlib import Path

from mail import send_mail
from process import wait_for
from servers import Gateway, Postfix
from sink import SmtpSink

CONF = """
hostname = "mx.example.org"
state = "{{folder}}/state"
user = "{user}"
smtp {{
    listen = {{"127.0.0.1:{{port}}"}}
    next_hop = {{"smtp://127.0.0.1:{first} priority=1", "smtp://127.0.0.1:{second} priority=2"}}
    next_hop_tls = none
    relay_domains = {{"example.org"}}
    hop_connect = "1s"
    hop_command = "1s"
    hop_final = "3s"
    hop_rest = "1s"
    verify_recipients = {verify}
}}
check "greylist" {{ mode = off }}
"""
TO = "user@example.org"


def gateway(first, second, verify="no"):
    return Gateway(CONF.format(user=pwd.getpwuid(os.getuid()).pw_name, first=first.port, second=second.port,
                               verify=verify))


def family(server):
    """All processes of a server that was started in a session of its own."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == server.process.pid:  # the session
            found.append(int(path.parent.name))
    return found


def signal_all(server, number):
    for pid in family(server):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


class Clients:
    """Some that send one message after the other, until the block is left."""

    def __init__(self, mx, count=3):
        self.mx, self.told, self.stop = mx, [], threading.Event()
        self.threads = [threading.Thread(target=self.pour, args=(n,)) for n in range(count)]

    def pour(self, number):
        sent = 0
        while not self.stop.is_set():
            word = b"token-%d-%d" % (number, sent)
            code, _ = send_mail(self.mx.port, "a@example.com", TO, b"From: a@example.com\r\n\r\n%s\r\n" % word)
            self.told.append((word, code))
            sent += 1
            time.sleep(0.02)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *failure):
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def taken(self):
        return sum(code == 250 for _, code in self.told)

    def wait_taken(self, more):
        goal = self.taken() + more
        wait_for(lambda: self.taken() >= goal, 30, f"{more} more messages to be taken:\n{self.mx.log[-2000:]}")

    def check(self, messages):
        found = [next(line for line in text.replace(b"\r\n", b"\n").split(b"\n") if line.startswith(b"token-"))
                 for text in messages]
        doubtful = self.mx.log.count("possible_duplicate=yes")
        for word, code in self.told:
            if code == 250:
                assert found.count(word) == 1, (word, code, self.mx.log[-3000:])
            elif word in found:
                doubtful -= 1
                assert found.count(word) == 1 and doubtful >= 0, (word, code, self.mx.log[-3000:])


def wait_all_there(clients, *postfixes):
    wait_for(lambda: sum(len(p.messages()) for p in postfixes) >= clients.taken(), 30, "all mail to be in its mailbox")


def test_postfix_is_killed_is_stopped_and_comes_back():
    with Postfix() as first, Postfix() as second, gateway(first, second) as mx:
        with Clients(mx) as clients:
            clients.wait_taken(5)
            first.wait_messages(5)
            assert not second.messages()

            signal_all(first, signal.SIGKILL)  # dead: the other takes over, and then it goes back
            first.process.wait()
            clients.wait_taken(5)
            second.wait_messages(5)
            first.start()
            before = len(first.messages())
            wait_for(lambda: len(first.messages()) >= before + 5, 30, f"mail at the first again:\n{mx.log[-2000:]}")

            signal_all(first, signal.SIGSTOP)  # the kernel still takes connections
            try:
                before = len(second.messages())
                wait_for(lambda: len(second.messages()) >= before + 5, 30, "mail at the second")
                wait_for(lambda: mx.log.count("state=down") == 2, 30, "the first to be seen to be down")
            finally:
                signal_all(first, signal.SIGCONT)
            before = len(first.messages())
            wait_for(lambda: len(first.messages()) >= before + 5, 30, "mail at the first, which goes on")
        wait_all_there(clients, first, second)
        clients.check(first.messages() + second.messages())
        states = [line.partition("event=next_hop ")[2] for line in mx.log.splitlines() if "event=next_hop" in line]
        assert [f"{first.port} state=down" in state for state in states].count(True) == 2, states
        assert [f"{first.port} state=up" in state for state in states].count(True) == 3, states
        assert not any(f"{second.port} state=down" in state for state in states), states


def test_a_slow_one_costs_few_messages_its_wait():
    """It answers every command, but each too late."""
    slow_down = threading.Event()

    def script(verb, argument, dialogue):
        if slow_down.is_set():
            time.sleep(1.5)

    with SmtpSink(script) as slow, Postfix() as second, gateway(slow, second) as mx:
        with Clients(mx) as clients:
            clients.wait_taken(5)
            slow_down.set()
            second.wait_messages(30)
        # Each client runs into the first wait, and perhaps into a trial; without a breaker all 30 would have.
        asked = sum(verb == "MAIL" for verb, _ in slow.commands) - len(slow.messages)
        assert asked <= 9, (asked, mx.log[-3000:])
        wait_for(lambda: len(slow.messages) + len(second.messages()) >= clients.taken(), 30, "all mail to be there")
        clients.check([message["data"] for message in slow.messages] + second.messages())
