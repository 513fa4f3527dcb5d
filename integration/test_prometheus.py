"""Metrics: what Prometheus makes of them, and that they are the ledger."""

import json
import re
import socket
import struct

import pytest
import yaml

from support.clients import send_datagrams, send_packets, send_stream
from support.command import penstock_command
from support.prometheus import Metrics, Prometheus, documented, promtool
from support.records import record
from support.settings import ROOT
from support.wait import wait_until

RULES = ROOT / "conf/prometheus/penstock.rules.yml"
PAGE = (ROOT / "conf/doc/monitoring.md").read_text()

# Addresses of every kind that has metrics of its own.
LISTENERS = [
    {"listen": ["tcp4://127.0.0.1:0", "unix://./in.sock"], "max_frame_bytes": 1000, "oversize": "drop"},
    {"name": "messages", "listen": ["udp4://127.0.0.1:0", "unixgram://./gram.sock", "unixpacket://./packet.sock"]},
]
SINKS = [{"queue": {"type": "disk", "path": "queue"}}, {"name": "null", "type": "blackhole"}]


def scrape(server) -> Metrics:
    status, headers, body = server.admin.ask("/metrics")
    assert (status, headers["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    return Metrics(body.decode())


def load(server):
    """A little of everything; returns when all of it is delivered."""
    before = len(server.records())
    lines = b"".join(record("r", number, 200) + b"\n" for number in range(500))
    send_stream(server.address("tcp4"), lines + b"\n" + b"L" * 3000 + b"\n")
    send_stream(server.address("unix"), lines + b"half")
    send_datagrams(server.address("unixgram", "messages"), "g", 50)
    send_packets(server.address("unixpacket", "messages"), [b"one", b"", b"two"])
    for number in range(20):  # a small buffer must not overflow
        send_datagrams(server.address("udp4", "messages"), "u", 1, first=number)
    with server.address("tcp4").connect():
        pass
    server.wait_records(before + 1000 + 1 + 50 + 2 + 20)
    with server.address("tcp4").connect() as sock:  # leaves with a reset, in the middle of a record
        sock.sendall(b"whole\nhal")
        server.wait_records(before + 1074)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wait_until(lambda: server.admin.status()["connections"]["active"] == 0, "all connections have ended")
    wait_until(lambda: all(route["queued"] == 0 for route in server.admin.status()["routes"]), "all is delivered")


def test_scrape_is_clean_and_as_the_page_says(penstock):
    """promtool finds nothing; names, types and labels are those of the documentation; the text and /api/status tell the
    same; and what the last scrape says is the ledger at the end."""
    server = penstock(LISTENERS, SINKS, server={"threads": 2})
    fresh = scrape(server)
    load(server)
    metrics = scrape(server)
    status = server.admin.status()
    assert promtool("check", "metrics", text=metrics.text) == ""
    assert {name: (kind, metrics.labels(name)) for name, kind in metrics.types.items()} == documented(PAGE)
    # No series is born with its first event.
    series = re.compile(r"^(?!#)(\S+(?:\{.*\})?) ", re.M)
    assert set(series.findall(fresh.text)) == set(series.findall(metrics.text))

    for listener in status["listeners"]:
        for url in listener["urls"]:
            same_figures(metrics, url, {"listener": listener["name"], "url": url["url"]})
        where = {"listener": listener["name"]}
        assert metrics.sum("penstock_batch_events_sum", **where) == listener["events"]
        assert metrics.sum("penstock_batch_bytes_count", **where) == listener["batch_bytes"]["count"]
    for route in status["routes"]:
        where = {"listener": route["listener"], "sink": route["sink"]}
        assert metrics.sum("penstock_events_routed_total", **where) == route["events"] == route["delivered"]
        assert metrics.sum("penstock_events_delivered_total", **where) == route["delivered"]
        assert metrics.sum("penstock_delivery_seconds_count", **where) == route["delivered"]
        assert metrics.sum("penstock_delivery_seconds_bucket", le="+Inf", **where) == route["delivered"]
    assert metrics.sum("penstock_ready") == 1 == metrics.sum("penstock_phase", phase="serving")
    assert metrics.sum("penstock_quarantine_entries_total") == status["quarantine"]["entries"] == 2
    assert metrics.by("penstock_quarantined_entries_total", "reason") == {"oversize": 1, "tail_reset": 1}
    assert metrics.sum("penstock_memory_max_bytes") == status["memory"]["max_bytes"]
    assert metrics.sum("process_open_fds") <= metrics.sum("process_max_fds")

    server.stop()
    ledger = server.ledger()
    for name, row in ledger.listeners.items():
        where = {"listener": name}
        for metric, figure in (("read_bytes", "read_bytes"), ("frames", "frames"), ("events", "events"),
                               ("connections_accepted", "accepted"), ("frames_empty", "empty")):
            assert metrics.sum(f"penstock_{metric}_total", **where) == row[figure], (name, metric)
        assert metrics.by("penstock_connections_ended_total", "outcome", **where).keys() == row["ended"].keys()
        assert metrics.by("penstock_frames_rejected_total", "reason", **where) == row["rejected"]
    for (listener, sink), row in ledger.routes.items():
        assert metrics.sum("penstock_events_delivered_total", listener=listener, sink=sink) == row["delivered"]


def same_figures(metrics, url, where):
    """One URL of /api/status and its samples."""
    def number(name):
        return metrics.sum("penstock_" + name, **where)

    for name in ("read_bytes", "in_frames_bytes", "framing_bytes", "cut_bytes", "compressed_bytes", "decompressed_bytes",
                 "truncated_streams", "frames", "events"):
        assert number(name + "_total") == url[name], (name, where)
    for name in ("decoded", "empty", "truncated", "partial", "unparsed"):
        assert number(f"frames_{name}_total") == url[name], (name, where)
    assert metrics.by("penstock_frames_rejected_total", "reason", **where) == url["rejected"]
    assert metrics.by("penstock_discarded_bytes_total", "reason", **where) == url["discarded_bytes"]
    scheme = url["url"].partition("://")[0]
    if scheme in ("udp4", "unixgram", "unixpacket"):
        assert number("datagrams_total") == url["datagrams"]
    if scheme == "udp4":
        assert number("kernel_drops_total") == url["kernel_drops"]
    if scheme in ("tcp4", "unix", "unixpacket"):
        assert number("connections_accepted_total") == url["connections"]["accepted"]
        assert number("connections_active") == url["connections"]["active"]
        assert metrics.by("penstock_connections_ended_total", "outcome", **where) == url["connections"]["ended"]
        assert number("kernel_backlog_connections") == url["kernel"]["backlog"]


# --- what is shipped for Prometheus and Grafana

def rules() -> list:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def test_rules_are_valid_tested_and_described():
    promtool("check", "rules", RULES)
    promtool("test", "rules", RULES.with_suffix(".test.yml"))
    promtool("check", "config", RULES.parent / "prometheus.yml")
    alerts = [rule["alert"] for rule in rules()]
    assert alerts == re.findall(r"^\| `(Penstock\w+)` \|", PAGE, re.M)
    tested = RULES.with_suffix(".test.yml").read_text()
    for rule in rules():
        assert rule["alert"] in tested, "a rule without a test"
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        told = rule["annotations"]
        assert told["summary"] and re.search(r"`[^`]+`", told["description"]), "what to do, with which command?"
        for command, options in re.findall(r"`penstock (\w+)([^`]*)`", told["description"]):
            help_text = penstock_command(command, "--help").stdout
            for option in re.findall(r"--[\w-]+", options):
                assert option in help_text, f"{rule['alert']}: penstock {command} has no {option}"


def dashboard() -> list:
    """Title and query of each target of each panel."""
    board = json.loads((ROOT / "conf/grafana/penstock.json").read_text())
    assert [panel["title"] for panel in board["panels"] if panel["type"] == "row"] == \
        ["Input", "Where bytes wait", "Output", "Losses", "Process"]
    assert [variable["name"] for variable in board["templating"]["list"]] == ["datasource", "instance", "listener"]
    return [(panel["title"], target["expr"]) for panel in board["panels"] for target in panel.get("targets", [])]


def substituted(query: str) -> str:
    for name, value in (("$__rate_interval", "1m"), ("$__range", "1m"), ("$instance", ".*"), ("$listener", "in|messages")):
        query = query.replace(name, value)
    assert "$" not in query, query
    return query


MAY_BE_EMPTY = {"Records that reached no sink"}  # it shows what was lost only, and here nothing is


def scraped(prometheus, query: str) -> dict:
    return {one["metric"]["listener"]: float(one["value"][1]) for one in prometheus.query(query)}


def test_dashboard_and_rules_against_a_prometheus(penstock, workdir):
    """It scrapes a server under load; each query of the dashboard and each rule runs, and finds what it is about."""
    server = penstock(LISTENERS, SINKS, admin={"listen": "tcp4://127.0.0.1:0"})
    target = server.admin.url.partition("://")[2]
    with Prometheus(workdir, target, RULES) as prometheus:
        prometheus.wait_scrapes(2)
        for _ in range(2):
            load(server)
            taken_in = {listener["name"]: listener["events"] for listener in server.admin.status()["listeners"]}
            wait_until(lambda: scraped(prometheus, "sum by (listener) (penstock_events_total)") == taken_in,
                       lambda: f"{taken_in} in Prometheus", pause=0.1)
        wait_until(lambda: prometheus.rules()["PenstockFramesRejected"]["state"] == "firing",
                   "load() has an oversize frame", pause=0.1)
        wait_until(lambda: all(rule["health"] == "ok" for rule in prometheus.rules().values()), "every rule has run")
        told = prometheus.rules()
        assert [rule for rule in told.values() if rule.get("lastError")] == []
        assert [name for name, rule in told.items() if rule["state"] == "firing"] == ["PenstockFramesRejected"]
        queries = dashboard()
        assert len(queries) > 35
        for title, query in queries:
            found = prometheus.query(substituted(query))
            assert found or title in MAY_BE_EMPTY, f"{title}: {query}: no data"
        for rule in rules():
            prometheus.query(rule["expr"])
            metric = re.search(r"penstock_\w+", rule["expr"])
            if metric:
                assert prometheus.series(metric[0]), f"{rule['alert']} is about a metric that is not there: {metric[0]}"

        assert prometheus.query("penstock_ready")[0]["metric"]["instance"] == target
        rates = scraped(prometheus, "sum by (listener) (rate(penstock_events_total[1m]))")
        assert all(rate > 0 for rate in rates.values()) and len(rates) == 2
    server.stop()
