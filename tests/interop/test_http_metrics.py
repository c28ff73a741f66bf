# tests/interop/test_http_metrics.py - what the scan API tells of the gateway: the format, and what is counted.
import time

import openmetrics
import pytest

from mail import send_mail
from process import free_port, wait_for
from relay import CLIENT, RECIPIENT, SENDER, signed
from scan_api import conf, fetch, names, scan, silence, slow_conf
from servers import Gateway
from sink import SmtpSink

silent_dns = pytest.fixture(silence)
dns = pytest.fixture(names, scope="module")


@pytest.fixture(scope="module")
def gateway(dns):
    with Gateway(conf(dns.endpoint)) as server:
        yield server


def test_metrics_are_openmetrics_and_count(gateway):
    def now():
        status, fields, body = fetch(gateway.port, "/metrics")
        assert status == 200
        assert fields["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
        return openmetrics.read(body.decode())

    before = now()
    scan(gateway.port, signed())
    scan(gateway.port, signed())
    after = now()
    assert before.keys() == after.keys()
    for (name, labels), value in after.items():
        if name.endswith(("_total", "_bucket", "_count")):
            assert value >= before[(name, labels)], name

    def grown(name, **labels):
        return openmetrics.value(after, name, **labels) - openmetrics.value(before, name, **labels)

    assert grown("postern_verdicts_total", door="http", action="accept") == 2
    assert grown("postern_verdict_seconds_count", door="http") == 2
    assert grown("postern_sessions_total", door="http") == 3 == grown("postern_http_requests_total")
    assert openmetrics.value(after, "postern_open_sessions", door="http") == 1
    for check in ("spf", "dkim", "dmarc"):
        assert grown("postern_check_runs_total", check=check) == 2
        assert grown("postern_check_seconds_count", check=check) == 2
        assert grown("postern_check_errors_total", check=check) == 0
    assert grown("postern_dns_questions_total") > 0 and grown("postern_dns_cache_hits_total") > 0
    assert grown("rspamd_scanned_total") == 2 and grown("rspamd_ham_total") == 2 and grown("rspamd_spam_total") == 0
    assert grown("rspamd_actions_total", type="no action") == 2
    assert openmetrics.value(after, "process_resident_memory_bytes") > 1 << 20
    assert 3 < openmetrics.value(after, "process_open_fds") < openmetrics.value(after, "process_max_fds")
    assert abs(openmetrics.value(after, "process_start_time_seconds") - time.time()) < 600
    assert openmetrics.value(after, "postern_ready") == 1
    names = {name for name, _ in after}
    assert {"postern_build_info", "postern_config_info", "postern_store_operations_total", "postern_store_up",
            "rspamd_build_info", "rspamd_config"} <= names


def test_time_outs_of_the_dns_are_counted(silent_dns):
    with Gateway(slow_conf(silent_dns, rest="check \"dmarc\" { timeout = 300ms }")) as gateway:
        scan(gateway.port, b"From: a@slow.example\r\n\r\nx\r\n", b"")
        values = openmetrics.read(fetch(gateway.port, "/metrics")[2].decode())
        assert openmetrics.value(values, "postern_dns_timeouts_total") >= 1
        assert openmetrics.value(values, "postern_dns_inflight") >= 1
        assert 0.05 < openmetrics.value(values, "postern_check_seconds_sum", check="dmarc") < 5


def test_deliveries_are_counted(dns):
    sink, port = SmtpSink(), free_port()
    sink.start()
    smtp = f"""smtp {{ listen = {{"127.0.0.1:{port}"}}  next_hop = "smtp://127.0.0.1:{sink.port}"
        relay_domains = {{"example.org"}}  xclient_clients = {{"127.0.0.1"}}  next_hop_tls = none
        route "other.example" {{
            next_hop = "smtp://127.0.0.1:{sink.port}"  next_hop_tls = none  next_hop_client = none }} }}"""
    with Gateway(conf(dns.endpoint, rest=smtp)) as gateway:
        for _ in range(2):
            code, text = send_mail(port, SENDER, RECIPIENT, signed(), CLIENT["name"], xclient=CLIENT)
            assert code == 250, text
        wait_for(lambda: b'postern_open_sessions{door="smtp"} 0\n' in fetch(gateway.port, "/metrics")[2], 10, "the end")
        values = openmetrics.read(fetch(gateway.port, "/metrics")[2].decode())
        assert openmetrics.value(values, "postern_hop_deliveries_total", result="delivered") == 2
        assert openmetrics.value(values, "postern_hop_connections_total") >= 1
        assert openmetrics.value(values, "postern_hop_open_connections") >= 1
        for client in ("xforward", "none"):  # one target, spoken to in two ways
            target = {"target": f"smtp://127.0.0.1:{sink.port}", "tls": "none", "client": client}
            assert openmetrics.value(values, "postern_target_up", **target) == 1
        assert openmetrics.value(values, "postern_recipient_questions_total") == 1
        assert openmetrics.value(values, "postern_recipient_cache_hits_total") == 1
        assert openmetrics.value(values, "postern_verdicts_total", door="smtp", action="accept") == 2
        assert openmetrics.value(values, "postern_sessions_total", door="smtp") == 2
    sink.stop()
