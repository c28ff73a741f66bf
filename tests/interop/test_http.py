# tests/interop/test_http.py - the scan API, byte by byte: rspamd's HTTP, metrics and health; and what is hostile.
import gzip
import json
import signal
import socket
import threading
import time
import zlib

import openmetrics
import pytest
import zstandard

from process import wait_for
from relay import CLIENT, MESSAGE, signed
from scan_api import FIELDS, Caller, chunked, conf, fetch, get, names, post, scan, silence, slow_conf
from servers import Gateway

ERRORS = {"error"}  # alone: so Haraka knows one
PASSES = {"R_SPF_ALLOW", "R_DKIM_ALLOW", "DMARC_POLICY_ALLOW"}


silent_dns = pytest.fixture(silence)
dns = pytest.fixture(names, scope="module")


@pytest.fixture(scope="module")
def gateway(dns):
    http = 'password = "secret"  message_size = 1MiB'
    with Gateway(conf(dns.endpoint, http)) as server:
        yield server


# --- a message, and what is answered ----------------------------------------------------------------------------------


def test_a_verdict_as_rspamd_gives_it(gateway):
    answer = scan(gateway.port, signed())
    assert answer["action"] == "no action" and answer["is_skipped"] is False
    assert answer["thresholds"] == {"reject": 15.0, "add header": 6.0, "greylist": 4.0}
    assert answer["required_score"] == 15.0 and isinstance(answer["score"], float)
    assert PASSES <= set(answer["symbols"])
    for name, symbol in answer["symbols"].items():
        assert symbol["name"] == name
        assert isinstance(symbol["score"], float) and isinstance(symbol["metric_score"], float)
        assert symbol.get("options", ["x"]) != []
    assert answer["message-id"] == "one@sender.example" and answer["time_real"] > 0
    added = answer["milter"]["add_headers"]
    assert added["Authentication-Results"]["value"].startswith("mx.example.org;\n\t")
    assert "dmarc=pass" in added["Authentication-Results"]["value"] and "Received" not in added
    assert "groups" not in answer


def test_groups_and_the_older_form(gateway):
    answer = scan(gateway.port, signed(), FIELDS + b"Flags: groups\r\n")
    assert {"spf", "dkim", "dmarc"} <= set(answer["groups"])
    answer = scan(gateway.port, signed(), path="/check")
    assert PASSES <= set(answer["default"]) and answer["default"]["is_spam"] is False
    for path in ("/symbols", "/scan"):
        assert PASSES <= set(scan(gateway.port, signed(), path=path)["symbols"])


@pytest.mark.parametrize("name", ["length", "chunks", "lf", "zstd", "zstd chunks", "gzip", "zlib", "two gzip members"])
def test_however_a_message_comes_its_signature_verifies(gateway, name):
    message = signed()
    half = len(message) // 2
    requests = {
        "length": post(message),
        "chunks": post(chunked(message, 7), framing=b"Transfer-Encoding: chunked\r\n"),
        "lf": post(message.replace(b"\r\n", b"\n")),
        "zstd": post(zstandard.compress(message), FIELDS + b"Compression: zstd\r\n"),
        "zstd chunks": post(chunked(zstandard.compress(message), 100),
                            FIELDS + b"Content-Encoding: zstd\r\n", framing=b"Transfer-Encoding: chunked\r\n"),
        "gzip": post(gzip.compress(message), FIELDS + b"Content-Encoding: gzip\r\n"),
        "zlib": post(zlib.compress(message), FIELDS + b"Content-Encoding: deflate\r\n"),
        "two gzip members": post(gzip.compress(message[:half]) + gzip.compress(message[half:]),
                                 FIELDS + b"Content-Encoding: gzip\r\n"),
    }
    with Caller(gateway.port) as caller:
        status, fields, body = caller.ask(requests[name])
        if fields["Compression"]:
            body = zstandard.ZstdDecompressor().decompressobj().decompress(body)
        assert status == 200 and PASSES <= set(json.loads(body)["symbols"]), body


def test_a_request_byte_by_byte(gateway):
    with Caller(gateway.port) as caller:
        caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in post(chunked(MESSAGE, 50), framing=b"Transfer-Encoding: chunked\r\n"):
            caller.send(bytes([byte]))
        status, _, body = caller.response()
        assert status == 200 and json.loads(body)["message-id"] == "one@sender.example"


def test_a_large_message_goes_by_way_of_a_file(gateway):
    message = MESSAGE + b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * 8000
    answer = scan(gateway.port, message)
    assert "R_SPF_ALLOW" in answer["symbols"]
    assert f"size={len(message)} " in gateway.log


def test_replies_are_packed_for_who_asks(gateway):
    with Caller(gateway.port) as caller:
        for asks, says in ((b"Flags: zstd\r\n", "Compression"), (b"Accept-Encoding: zstd\r\n", "Content-Encoding")):
            status, fields, body = caller.ask(post(MESSAGE, FIELDS + asks))
            assert (status, fields[says]) == (200, "zstd")
            assert json.loads(zstandard.ZstdDecompressor().decompressobj().decompress(body))["action"]
        assert caller.ask(get("/ping", fields="Accept-Encoding: zstd\r\n"), "GET")[2] == b"pong\r\n"


@pytest.mark.parametrize("message", [b"", b"\r\n", b"\n", b"no header at all", b"A: b", b"\0\r\n\0", b":\r\n\r\n"])
def test_hardly_a_message_is_examined_all_the_same(gateway, message):
    answer = scan(gateway.port, message)
    assert answer["message-id"] == "undef" and answer["is_skipped"] is False
    assert scan(gateway.port, message, path="/check")["default"]["action"] == answer["action"]


def test_flags_of_a_request(gateway):
    before = len(gateway.log.splitlines())
    answer = scan(gateway.port, MESSAGE, FIELDS + b"Flags: skip\r\n")
    assert answer["is_skipped"] is True and answer["symbols"] == {}
    scan(gateway.port, MESSAGE, FIELDS + b"Log: no\r\nQueue-Id: SILENT\r\n")
    scan(gateway.port, MESSAGE, FIELDS + b"Flags: no_log\r\nQueue-Id: SILENT\r\n")
    scan(gateway.port, MESSAGE, FIELDS + b'Queue-Id: 4XYZ" forged=\r\n')
    gateway.wait_log("queue_id=\"4XYZ")
    new = gateway.log.splitlines()[before:]
    assert len([line for line in new if "event=message" in line]) == 1
    assert 'queue_id="4XYZ\\" forged="' in new[-1] and "door=http" in new[-1] and "SILENT" not in gateway.log


def test_all_checks_run_for_who_wants_all(dns):
    lists = 'check "lists" { list "bad" { match = client  action = reject  entries = {"192.0.2.0/24"} } }\n'
    with Gateway(conf(dns.endpoint, rest=lists)) as gateway:
        early = scan(gateway.port, signed())
        thorough = scan(gateway.port, signed(), FIELDS + b"Pass: all\r\n")
        assert early["action"] == thorough["action"] == "reject"
        assert "DMARC_POLICY_ALLOW" in thorough["symbols"]
        assert thorough["messages"]["smtp_message"]
        assert thorough["milter"]["add_headers"]["X-Spam-Flag"]["value"] == "YES"  # for who delivers it all the same


# --- HTTP's own rules -------------------------------------------------------------------------------------------------


def test_a_connection_serves_many_requests(gateway):
    with Caller(gateway.port) as caller:
        for _ in range(3):
            status, fields, body = caller.ask(get("/ping"), "GET")
            assert (status, body, fields["Connection"]) == (200, b"pong\r\n", "keep-alive")
        assert caller.ask(get("/nowhere"), "GET")[0] == 404
        assert caller.ask(get("/checkv2"), "GET")[0] == 405
        assert caller.ask(post(b"any", path="/ping"))[2] == b"pong\r\n"
        caller.sendall(b"HEAD /ping HTTP/1.1\r\n\r\n" + get("/ping"))
        status, fields, body = caller.response("HEAD")
        assert (status, fields["Content-Length"], body) == (200, "6", b"")
        assert caller.response("GET")[2] == b"pong\r\n"
        caller.sendall(b"\r\n" + get("/ping", fields="Connection: close\r\n"))
        assert caller.response("GET")[1]["Connection"] == "close"
        assert caller.is_closed()


def test_pipelined_requests_are_answered_in_order(gateway):
    with Caller(gateway.port) as caller:
        caller.sendall(get("/ping") + post(MESSAGE) + get("/healthy") + post(signed()) + get("/ping"))
        assert caller.response()[2] == b"pong\r\n"
        assert json.loads(caller.response()[2])["message-id"] == "one@sender.example"
        assert json.loads(caller.response()[2]) == {"success": True}
        assert PASSES <= set(json.loads(caller.response()[2])["symbols"])
        assert caller.response()[2] == b"pong\r\n"


def test_a_client_may_close_its_half_and_wait(gateway):
    with Caller(gateway.port) as caller:
        caller.sendall(post(MESSAGE) + post(MESSAGE))
        caller.shutdown(socket.SHUT_WR)
        assert caller.response()[0] == 200
        assert caller.response()[0] == 200
        assert caller.is_closed()


def test_all_that_was_asked_before_the_end_is_answered(gateway):
    """More than we keep unsent; each waits for those before it to be taken."""
    with Caller(gateway.port) as caller:
        caller.sendall((get("/metrics") * 20 + post(MESSAGE)) * 3 + get("/ping"))
        caller.shutdown(socket.SHUT_WR)
        for _ in range(3):
            for _ in range(20):
                assert caller.response()[2].endswith(b"# EOF\n")
            assert json.loads(caller.response()[2])["message-id"] == "one@sender.example"
        assert caller.response()[2] == b"pong\r\n"
        assert caller.is_closed()


def test_http_1_0_closes_unless_asked(gateway):
    with Caller(gateway.port) as caller:
        assert caller.ask(get("/ping", "1.0", "Connection: keep-alive\r\n"))[1]["Connection"] == "keep-alive"
        assert caller.ask(get("/ping", "1.0"))[1]["Connection"] == "close"
        assert caller.is_closed()


def test_a_body_is_sent_when_we_say_so(gateway):
    with Caller(gateway.port) as caller:
        framing = b"Content-Length: %d\r\nExpect: 100-continue\r\n" % len(MESSAGE)
        caller.sendall(post(b"", framing=framing))
        assert caller.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert caller.ask(MESSAGE)[0] == 200
        assert caller.ask(post(MESSAGE, FIELDS + b"Expect: 100-continue\r\n"))[0] == 200  # sent all at once
    with Caller(gateway.port) as caller:  # too large: told before it is sent
        framing = b"Content-Length: 99999999\r\nExpect: 100-continue\r\n"
        assert caller.ask(post(b"", framing=framing))[0] == 413
        assert caller.is_closed()


SMUGGLED = get("/smuggled")
ODD = {
    "two lengths": (400, b"Content-Length: 3\r\nContent-Length: 5\r\n\r\nabc"),
    "two equal lengths": (400, b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"),
    "a list of lengths": (400, b"Content-Length: 3, 3\r\n\r\nabc"),
    "a signed length": (400, b"Content-Length: +3\r\n\r\nabc"),
    "length and chunks": (400, b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "chunks and length": (400, b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"),
    "chunks twice": (400, b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "chunks last": (501, b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    "no chunks": (501, b"Transfer-Encoding: identity\r\n\r\n"),
    "xchunked": (501, b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    "a blank before the colon": (400, b"Content-Length : 3\r\n\r\nabc"),
    "a folded field": (400, b"X: a\r\n Content-Length: 3\r\n\r\nabc"),
    "bare LF": (400, b"Content-Length: 3\n\r\nabc"),
    "bare CR": (400, b"X: a\rContent-Length: 3\r\n\r\nabc"),
    "NUL": (400, b"X: a\0b\r\n\r\n"),
    "a line without colon": (400, b"Content-Length\r\n\r\n"),
    "a chunk with bare LF": (400, b"Transfer-Encoding: chunked\r\n\r\n3\nabc\n0\n\n"),
    "a chunk of 0x3": (400, b"Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n"),
    "a chunk too short": (400, b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n"),
    "two hosts": (400, b"Host: a\r\nHost: b\r\nContent-Length: 0\r\n\r\n"),
    "an unknown packing": (415, b"Content-Encoding: br\r\nContent-Length: 3\r\n\r\nabc"),
    "an unknown expectation": (417, b"Expect: 42\r\nContent-Length: 3\r\n\r\nabc"),
}


@pytest.mark.parametrize("name", ODD)
def test_what_could_be_read_in_two_ways_is_refused(gateway, name):
    status, rest = ODD[name]
    with Caller(gateway.port) as caller:
        caller.sendall(b"POST /checkv2 HTTP/1.1\r\n" + rest + SMUGGLED)
        said = caller.everything()
        assert said.startswith(b"HTTP/1.1 %d " % status), said
        assert said.count(b"Server: ") == 1, said
        assert set(json.loads(said.split(b"\r\n\r\n", 1)[1])) == ERRORS


@pytest.mark.parametrize("start", [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"EHLO x\r\n\r\n", b"\0\0\0\0",
                                   b"POST / HTTP/2.0\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                                   b"GET / HTTP/1.1\n\n", b"G" * 9000, b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n"])
def test_other_tongues_are_answered_once_and_closed(gateway, start):
    with Caller(gateway.port) as caller:
        caller.sendall(start)
        said = caller.everything()
        assert said.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 431 ", b"HTTP/1.1 505 ")), said
        assert said.count(b"Connection: close\r\n") == said.count(b"Server: ") == 1


def test_headers_without_end_are_refused(gateway):
    for field in (b"X: " + b"a" * 9000, b"X: y\r\n" * 20000):
        with Caller(gateway.port) as caller:
            try:
                caller.sendall(b"POST /checkv2 HTTP/1.1\r\n" + field)
            except (BrokenPipeError, ConnectionResetError):
                pass
            said = caller.everything()
            assert not said or said.startswith(b"HTTP/1.1 431 "), said


def test_what_is_too_large_is_refused_before_it_is_read(gateway):
    with Caller(gateway.port) as caller:
        assert caller.ask(post(b"", framing=b"Content-Length: 1048577\r\n"))[0] == 413
        assert caller.is_closed()
    with Caller(gateway.port) as caller:
        caller.sendall(post(chunked(b"x" * 1050000, 50000), framing=b"Transfer-Encoding: chunked\r\n"))
        assert caller.response()[0] == 413


@pytest.mark.parametrize("coding", ["gzip", "deflate", "zstd"])
def test_a_small_body_cannot_unpack_into_a_large_one(gateway, coding):
    pack = {"gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstandard.compress}[coding]
    for bomb in (pack(b"\0" * (64 << 20)), pack(b"A" * 900000)):
        with Caller(gateway.port) as caller:
            status, _, body = caller.ask(post(bomb, FIELDS + f"Content-Encoding: {coding}\r\n".encode()))
            assert status == 413 and set(json.loads(body)) == ERRORS
    for rubbish in (b"rubbish, not packed at all", pack(MESSAGE)[:-3]):
        with Caller(gateway.port) as caller:
            status, _, body = caller.ask(post(rubbish, FIELDS + f"Content-Encoding: {coding}\r\n".encode()))
            assert status == 400 and set(json.loads(body)) == ERRORS
    assert fetch(gateway.port, "/ping")[2] == b"pong\r\n"


@pytest.mark.parametrize("field", ["File: /etc/passwd", "Path: /etc/passwd", "Shm: /x", "Shm-Offset: 1"])
def test_paths_are_never_read(gateway, field):
    with Caller(gateway.port) as caller:
        status, _, body = caller.ask(post(b"", FIELDS + field.encode() + b"\r\n"))
        assert status == 400 and b"not read for clients" in body and b"root:" not in body


def test_a_client_without_an_address_is_refused(gateway):
    with Caller(gateway.port) as caller:
        status, _, body = caller.ask(post(MESSAGE, b"IP: 300.0.0.1\r\n"))
        assert status == 400 and json.loads(body)["error"].startswith("IP")


@pytest.mark.parametrize("address", [b"a..b@sender.example", b"a b@c", b"<a@b@c>", b'"a@b', b"@", b"a@-..-",
                                     b"\xff@\xff", b"%n%s@x", b"a@" + b"b." * 400])
def test_what_a_mail_server_took_for_an_address_is_examined(gateway, address):
    fields = b"IP: 192.0.2.25\r\nHelo: " + address + b"\r\nFrom: " + address + b"\r\nRcpt: " + address + b"\r\n"
    assert scan(gateway.port, MESSAGE, fields)["is_skipped"] is False


# --- who may what -----------------------------------------------------------------------------------------------------


def test_state_is_changed_with_the_password_alone(gateway):
    for path in ("/learnspam", "/learnham"):
        for field in (b"", b"Password: wrong\r\n", b"Password: secre\r\n", b"Password: secrett\r\n", b"Password:\r\n"):
            with Caller(gateway.port) as caller:
                status, _, body = caller.ask(post(MESSAGE, field, path=path))
                assert status == 403 and b"http.password" in body, field
        with Caller(gateway.port) as caller:
            assert caller.ask(post(MESSAGE, b"Password: secret\r\n", path=path))[0] == 200
    scan(gateway.port, MESSAGE)
    assert json.loads(fetch(gateway.port, "/stat")[2])["scanned"] > 0
    assert fetch(gateway.port, "/statreset")[0] == 403
    with Caller(gateway.port) as caller:
        status, _, body = caller.ask(get("/statreset", fields="Password: secret\r\n"))
        assert status == 200 and json.loads(body)["scanned"] > 0
    assert json.loads(fetch(gateway.port, "/stat")[2])["scanned"] == 0


def test_strangers_are_not_heard_but_a_unix_socket_is_trusted(dns):
    http = 'clients = {"192.0.2.0/24"}'
    text = conf(dns.endpoint, http).replace('"127.0.0.1:{port}"', '"127.0.0.1:{port}", "unix:{folder}/http"')
    with Gateway(text) as gateway:
        with Caller(gateway.port) as caller:
            assert caller.is_closed()
        gateway.wait_log("http.clients")
        path = str(gateway.folder / "http")
        with Caller(path) as caller:
            assert caller.ask(get("/ping"))[2] == b"pong\r\n"
            assert caller.ask(post(MESSAGE))[0] == 200
            assert caller.ask(post(MESSAGE, b"", path="/learnham"))[0] == 200
        assert f'client=unknown' in gateway.log or "192.0.2.25" in gateway.log


def test_trusted_clients_need_no_password(dns):
    with Gateway(conf(dns.endpoint, 'trusted = {"127.0.0.1"}')) as gateway:
        with Caller(gateway.port) as caller:
            assert caller.ask(post(MESSAGE, b"", path="/learnspam"))[0] == 200
            assert caller.ask(get("/statreset"))[0] == 200


# --- time and number --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def impatient(dns):
    http = "header_timeout = 1s  body_timeout = 1s  body_total = 2s  idle_timeout = 1500ms  connections = 4"
    with Gateway(conf(dns.endpoint, http)) as server:
        yield server


def trickle(caller, data, stop):
    try:
        while not stop.is_set():
            caller.send(data)
            stop.wait(0.1)
    except OSError:
        pass


@pytest.mark.parametrize("start,piece", [(b"POST /checkv2 HTTP/1.1\r\n", b"X: y\r\n"),
                                         (post(b"", framing=b"Content-Length: 100000\r\n"), b"x"),
                                         (post(b"", framing=b"Transfer-Encoding: chunked\r\n"), b"1\r\nx\r\n")])
def test_who_dawdles_is_told_and_closed(impatient, start, piece):
    stop = threading.Event()
    with Caller(impatient.port) as caller:
        caller.sendall(start)
        writer = threading.Thread(target=trickle, args=(caller, piece, stop))
        writer.start()
        said = caller.everything()
        stop.set()
        writer.join()
        assert said.startswith(b"HTTP/1.1 408 ") and said.count(b"HTTP/1.1") == 1, said


def test_who_pauses_inside_a_message_is_told(impatient):
    with Caller(impatient.port) as caller:
        assert caller.ask(post(b"", framing=b"Content-Length: 100\r\n"))[0] == 408
        assert caller.is_closed()
    with Caller(impatient.port) as caller:
        caller.sendall(b"CHECK SPAMC/1.5\r\nContent-length: 100\r\n\r\n")
        assert caller.everything().startswith(b"SPAMD/1.0 79 Timeout: ")


def test_idle_connections_end_in_silence(impatient):
    with Caller(impatient.port) as fresh, Caller(impatient.port) as used:
        assert used.ask(get("/ping"))[0] == 200
        assert fresh.is_closed() and used.is_closed()


def test_the_longest_idle_makes_room(impatient):
    wait_for(lambda: openmetrics.value(openmetrics.read(fetch(impatient.port, "/metrics")[2].decode()),
                                       "postern_open_sessions", door="http") == 1, 10, "the others to be closed")
    callers = []
    try:
        for _ in range(4):
            callers.append(Caller(impatient.port))
            assert callers[-1].ask(get("/ping"))[0] == 200
        assert callers[0].ask(get("/ping"))[0] == 200  # now the second is the one that has been idle longest
        with Caller(impatient.port) as more:
            assert more.ask(get("/ping"))[0] == 200
            assert callers[1].is_closed()
            assert callers[0].ask(get("/ping"))[0] == 200
    finally:
        for caller in callers:
            caller.close()


def test_too_much_at_once_is_put_off_and_shown(silent_dns):
    with Gateway(slow_conf(silent_dns, rest="engine { messages = 1 }")) as gateway, Caller(gateway.port) as first:
        assert fetch(gateway.port, "/ready")[0] == 200
        first.sendall(post(b"From: a@slow.example\r\n\r\nx\r\n", b""))
        silent_dns.recv(2048)  # its look-up is under way
        wait_for(lambda: fetch(gateway.port, "/ready")[0] == 503, 10, "the gateway to be busy")
        assert b"too many messages" in fetch(gateway.port, "/ready")[2]
        assert fetch(gateway.port, "/healthy")[0] == 200
        with Caller(gateway.port) as caller:
            status, _, body = caller.ask(post(MESSAGE))
            assert status == 503 and "too many messages" in json.loads(body).pop("error")
            assert set(json.loads(body)) == ERRORS
        with Caller(gateway.port) as caller:
            caller.sendall(b"CHECK SPAMC/1.5\r\nContent-length: 3\r\n\r\nabc")
            assert caller.everything().startswith(b"SPAMD/1.0 75 too many messages")
        values = openmetrics.read(fetch(gateway.port, "/metrics")[2].decode())
        assert openmetrics.value(values, "postern_ready") == 0
        assert openmetrics.value(values, "postern_messages_pending") == 1
        assert openmetrics.value(values, "postern_admission_refused_total") == 2
        assert first.response()[0] == 200


def test_what_is_under_way_is_answered_before_the_end(silent_dns):
    with Gateway(slow_conf(silent_dns, rest="check \"dmarc\" { timeout = 1s }")) as gateway:
        with Caller(gateway.port) as busy, Caller(gateway.port) as idle:
            assert idle.ask(get("/ping"))[0] == 200
            busy.sendall(post(b"From: a@slow.example\r\n\r\nx\r\n", b"") + get("/ready"))
            silent_dns.recv(2048)
            gateway.process.terminate()
            assert idle.is_closed()
            status, fields, _ = busy.response()
            assert (status, fields["Connection"]) == (200, "close")
            assert busy.is_closed()


def test_a_client_that_leaves_takes_its_work_with_it(silent_dns):
    with Gateway(slow_conf(silent_dns)) as gateway:
        with Caller(gateway.port) as caller:
            caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset, not an end
            caller.sendall(post(b"From: a@slow.example\r\n\r\nx\r\n", b""))
            silent_dns.recv(2048)
        begin = time.monotonic()
        wait_for(lambda: b"postern_messages_pending 0\n" in fetch(gateway.port, "/metrics")[2], 10, "it to be dropped")
        assert time.monotonic() - begin < 3, "it was examined to the end"


def test_who_never_reads_is_not_answered_for_ever(gateway):
    def requests():
        values = openmetrics.read(fetch(gateway.port, "/metrics")[2].decode())
        return openmetrics.value(values, "postern_http_requests_total")

    before = requests()
    with Caller(gateway.port) as greedy:
        greedy.setblocking(False)
        sent, quiet_since = 0, time.monotonic()
        while time.monotonic() - quiet_since < 0.5 and sent < 64 << 20:
            try:
                sent += greedy.send(get("/metrics") * 100)
                quiet_since = time.monotonic()
            except BlockingIOError:
                time.sleep(0.02)
        assert sent < 64 << 20, "everything was taken"
        assert requests() - before < 1000  # what the sockets' buffers hold


# --- what is remembered -----------------------------------------------------------------------------------------------


def test_greylisted_mail_passes_when_it_comes_again(dns):
    rest = 'check "greylist" { when = always  delay = 2s }'
    fields = FIELDS.replace(CLIENT["addr"].encode(), b"203.0.113.9").replace(b"ada@sender", b"ada@plain")
    message = MESSAGE.replace(b"ada@sender", b"ada@plain")
    with Gateway(conf(dns.endpoint, rest=rest)) as gateway:
        first = scan(gateway.port, message, fields)
        assert first["action"] == "soft reject" and "try again" in first["messages"]["smtp_message"]
        with Caller(gateway.port) as caller:
            caller.sendall(b"CHECK RSPAMC/1.3\r\n" + fields + b"\r\n" + message)
            caller.shutdown(socket.SHUT_WR)
            assert b"\r\nAction: soft reject\r\n" in caller.everything()
        wait_for(lambda: scan(gateway.port, message, fields)["action"] == "no action", 15,
                 f"greylisted mail to pass:\n{gateway.log[-2000:]}")


def test_what_was_refused_or_asked_without_counting_takes_nothing_of_a_limit(dns):
    rest = 'check "rates" { limit "x" { key = sender  rate = "2 / 1d" } }\ncheck "greylist" { mode = off }'
    with Gateway(conf(dns.endpoint, rest=rest)) as gateway:
        for _ in range(4):
            assert scan(gateway.port, signed(), FIELDS + b"Flags: no_stat\r\n")["action"] == "no action"
        assert [scan(gateway.port, signed())["action"] for _ in range(4)] == ["no action"] * 2 + ["soft reject"] * 2


def test_after_a_reload_the_new_configuration_answers(dns):
    with Gateway(conf(dns.endpoint)) as gateway, Caller(gateway.port) as old:
        assert json.loads(old.ask(post(MESSAGE))[2])["thresholds"]["reject"] == 15
        gateway.write(conf(dns.endpoint, rest="actions { reject = 20 }"))
        gateway.process.send_signal(signal.SIGHUP)
        assert old.is_closed()  # it was idle: its client comes again
        assert scan(gateway.port, MESSAGE)["thresholds"]["reject"] == 20
