"""protocol = "statsd": what its clients send arrives as the metrics that they meant, over every transport."""

import base64

import pytest

from support.address import ALL, STREAMS, any_url
from support.clients import send_packets, send_stream
from support.metrics import JSON, events, flags
from support.node import PacedClient, needs_unix_datagrams

STATSD = {"protocol": "statsd"}
TAGS = {"env": "test", "bare": "true"}
COUNT = 1000
WIRE = (b"gorets:1|c|@0.5\nglork:1:2:3|ms|#env:dev,bare|c:in-5777|T1656581400\r\ngaugor:-7|g\nuniques:765|s\n"
        b"_e{5,10}:title|one\\ntwo..|h:web1\n_sc|db|2|m:down\nlast:0.5|h")
MEANT = [
    {"name": "gorets", "kind": "counter", "value": 1, "sample_rate": 0.5},
    {"name": "glork", "kind": "timer", "value": [1, 2, 3], "tags": {"env": "dev", "bare": "true"},
     "timestamp": "2022-06-30T09:30:00.000000000Z", "container": "in-5777"},
    {"name": "gaugor", "kind": "gauge", "value": -7, "delta": True},
    {"name": "uniques", "kind": "set", "value": "765"},
    {"kind": "event", "title": "title", "text": "one\ntwo..", "host": "web1"},
    {"name": "db", "kind": "service_check", "status": 2, "message": "down"},
    {"name": "last", "kind": "histogram", "value": 0.5},
]


@pytest.mark.parametrize("scheme", ALL)
def test_metrics_events_and_checks_over_every_transport(penstock, scheme):
    server = penstock({"listen": any_url(scheme), **STATSD}, JSON)
    address = server.address(scheme)
    if scheme in (*STREAMS, "tcp"):
        send_stream(address, WIRE, pieces=7)
    else:
        send_packets(address, [WIRE])
    assert events(server, len(MEANT)) == MEANT


def hot_shots(n: int) -> dict:
    """What the n-th record of integration/node/statsd.js must be."""
    name = f"shop.m{n}"
    return [
        {"name": name, "kind": "counter", "value": n, "tags": TAGS},
        {"name": name, "kind": "gauge", "value": n + 0.5},
        {"name": name, "kind": "gauge", "value": -n, "delta": True},
        {"name": name, "kind": "timer", "value": n, "tags": {"route": "a b"}},
        {"name": name, "kind": "histogram", "value": n},
        {"name": name, "kind": "distribution", "value": n},
        {"name": name, "kind": "set", "value": f"user{n}"},
        {"kind": "event", "title": name, "text": f"first\nsecond {n}", "host": "web1", "priority": "low", "tags": TAGS},
        {"name": name, "kind": "service_check", "status": 2, "message": f"down {n}", "tags": TAGS},
    ][n % 9]


def node_statsd(n: int) -> dict:
    name = f"shop.m{n}"
    return [
        {"name": name, "kind": "counter", "value": n + 1},
        {"name": name, "kind": "gauge", "value": n + 0.5},
        {"name": name, "kind": "timer", "value": n},
        {"name": name, "kind": "histogram", "value": n},
        {"name": name, "kind": "set", "value": f"user{n}"},
    ][n % 5]


def number(event: dict) -> int:
    return int(event.get("name", event.get("title")).rpartition("m")[2])


@pytest.mark.parametrize("client, scheme, meant", [
    *[("hot-shots", scheme, hot_shots) for scheme in ("udp4", "udp6", "tcp4", "tcp6", "unix", "unixgram")],
    ("node-statsd", "udp4", node_statsd)])
def test_clients_for_node(penstock, client, scheme, meant):
    """1,000 records: each once, its fields as the client's caller gave them."""
    if scheme == "unixgram":
        needs_unix_datagrams()
    server = penstock({"listen": any_url(scheme), **STATSD}, JSON)
    address = server.address(scheme)
    where = ("-", address.path) if address.is_unix else (address.host, address.port)
    with PacedClient("statsd.js", client, scheme, *where, COUNT) as sender:
        sender.run(COUNT, server.wait_records)
    assert sorted(events(server, COUNT), key=number) == [meant(n) for n in range(COUNT)]


def test_what_is_no_metric_is_flagged_and_what_follows_is_not(penstock):
    server = penstock({"listen": any_url("udp4"), **STATSD}, JSON)
    bad = [b"a:1|c|@0", b"a:1|c|@nan", b"a:1|c|@1.5", b"a:1e999|g", b"a:nan|g", b"a", b"a:1|", b"_e{99999999999999999999,1}:a|b",
           b"_e{9,9}:a|b", b"a:" + b"9" * 5000 + b"e9|c", b"a:\xd9\xa1|c", b"\0"]
    send_packets(server.address("udp4"), [b"\n".join(bad), b"good:1|c"])
    found = events(server, len(bad) + 1)
    assert all(event["error"] for event in found[:-1])
    assert found[-1] == {"name": "good", "kind": "counter", "value": 1}
    assert flags(server) == [["unparsed"]] * len(bad) + [[]]


def test_what_is_no_metric_goes_to_the_quarantine(penstock):
    server = penstock({"listen": any_url("tcp4"), "unparsed": "quarantine", **STATSD}, JSON)
    send_stream(server.address("tcp4"), b"a:1|c\nbad\nb:1|c\n")
    assert [event["name"] for event in events(server, 2)] == ["a", "b"]
    server.stop()
    assert [entry["reason"] for entry in server.quarantined()] == ["unparsed"]


@pytest.mark.parametrize("encoding, written, lost", [
    ("influx", {"c,metric_type=counter value=1,sample_rate=0.1", "g,metric_type=gauge value=10",
                "g,metric_type=gauge value=-2,delta=true", "x,container=pod1,metric_type=counter value=1",
                "db,metric_type=service_check status=0i"}, []),
    ("graphite", {"c 10", "g 10", "x;container=pod1 1"}, [b"g:-2|g", b"_sc|db|0"]),
])
def test_what_changes_a_value_is_not_lost_in_text(penstock, encoding, written, lost):
    server = penstock({"listen": any_url("udp4"), **STATSD}, {"encoding": encoding})
    send_packets(server.address("udp4"), [b"c:1|c|@0.1\ng:10|g\ng:-2|g\nx:1|c|c:pod1\n_sc|db|0"])
    server.wait_records(len(written))
    server.stop()
    assert {line.decode().rpartition(" ")[0] for line in server.records()} == written
    entries = server.quarantined()
    assert [base64.b64decode(entry["bytes"]) for entry in entries] == lost
    if lost:
        assert [entry.get("detail") for entry in entries] == [
            "a change of a gauge (delta) has no form in graphite; statsd.flush makes a value of it", None]
