# tests/interop/test_idle.py - clients that do nothing and clients that send a byte now and then: bounded memory, and
# mail goes on beside them. tests/bench/smtp_idle.py measures the same with thousands.
import re
import threading
import time
from pathlib import Path

import pytest

from servers import Gateway
from test_strangers import CONF, MAIL, Client

IDLE, TRICKLING, MESSAGES = 500, 50, 20
# Of the sanitizers' build, in which freed memory rests for a while and what is in use has a wide margin.
KIB_EACH = 64


def resident_kib(mx):
    return int(re.search(r"^VmRSS:\s+(\d+)", Path(f"/proc/{mx.child}/status").read_text(), re.M)[1])


@pytest.fixture(name="mx")
def a_gateway():
    limits = "greet_wait = 0  address { connections = 0  rate = 0 }  network { connections = 0  rate = 0 }"
    with Gateway(CONF.replace("level = debug", "level = warn").format(clients=limits, more="", keys="")) as mx:
        yield mx


def deliver(mx):
    """Milliseconds of each message, sorted."""
    took = []
    with Client(mx.port) as client:
        client.line()
        client.say("EHLO active.example")
        for _ in range(MESSAGES):
            began = time.monotonic()
            said = client.say("MAIL FROM:<a@example.com>", "RCPT TO:<u@example.org>", "DATA", MAIL + ".")
            took.append((time.monotonic() - began) * 1000)
            assert [line[:3] for line in said] == ["250", "250", "354", "250"]
    return sorted(took)


def trickle(clients, is_ending):
    while not is_ending.wait(1):
        for client in clients:
            client.socket.send(b"x")


def test_mail_goes_on_beside_those_who_only_take_room(mx):
    alone, before = deliver(mx), resident_kib(mx)
    idle = [Client(mx.port) for _ in range(IDLE)]
    slow = [Client(mx.port) for _ in range(TRICKLING)]
    for client in idle + slow:
        assert client.line().startswith("220 ")
        client.say("EHLO idle.example")
    for client in slow:
        assert client.say("MAIL FROM:<a@example.com>", "RCPT TO:<u@example.org>", "DATA")[-1].startswith("354")
    is_ending = threading.Event()
    thread = threading.Thread(target=trickle, args=(slow, is_ending), daemon=True)
    thread.start()
    each = (resident_kib(mx) - before) / (IDLE + TRICKLING)
    beside = deliver(mx)
    is_ending.set()
    thread.join()
    print(f"{IDLE} idle and {TRICKLING} trickling: {each:.1f} KiB each; a message took {alone[len(alone) // 2]:.1f} ms "
          f"before, {beside[len(beside) // 2]:.1f} ms beside them (the slowest {beside[-1]:.1f})")
    assert each < KIB_EACH
    assert len(mx.mails()) == 2 * MESSAGES
    slow[0].socket.sendall(b"\r\n.\r\n")
    assert slow[0].line().startswith("250")  # they were heard all the time
    for client in idle + slow:
        client.close()
