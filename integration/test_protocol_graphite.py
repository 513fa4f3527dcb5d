"""protocol = "graphite", "graphite_pickle" and "opentsdb": metrics from real relays and collectors, and from their enemies."""

import pickle
import socket
import struct

import pytest

from support.address import ALL, STREAMS, any_url
from support.clients import send_packets, send_stream
from support.collectd import Collectd, write_plugin
from support.collectors import CarbonRelay
from support.metrics import JSON, by_name, events, flags
from support.settings import sanitized

COUNT = 1000
SECOND = 1_700_000_000
AT = "2023-11-14T22:13:20.000000000Z"
WIRE = b"a.b;host=x;rack=y  0.5\t1700000000\r\n\nc 4 -1\nd nan N\ne 7 1700000000.5"
MEANT = [
    {"name": "a.b", "value": 0.5, "tags": {"host": "x", "rack": "y"}, "timestamp": AT},
    {"name": "c", "value": 4},
    {"error": "the value is no finite decimal number", "error_offset": 2, "message": "d nan N"},
    {"name": "e", "value": 7, "timestamp": "2023-11-14T22:13:20.500000000Z"},
]


def message(payload: bytes) -> bytes:
    return struct.pack(">I", len(payload)) + payload


@pytest.mark.parametrize("scheme", ALL)
def test_plaintext_over_every_transport(penstock, scheme):
    server = penstock({"listen": any_url(scheme), "protocol": "graphite"}, JSON)
    address = server.address(scheme)
    if scheme in (*STREAMS, "tcp"):
        send_stream(address, WIRE, pieces=5)
    else:
        send_packets(address, [WIRE])
    assert events(server, len(MEANT)) == MEANT


@pytest.mark.parametrize("scheme", ["tcp4", "tcp6", "unix"])
@pytest.mark.parametrize("protocol", range(6))
def test_pickles_of_every_protocol(penstock, scheme, protocol):
    server = penstock({"listen": any_url(scheme), "protocol": "graphite_pickle"}, JSON)
    metrics = [(f"m{n};host=x", (SECOND, n + 0.5)) for n in range(COUNT)]
    wire = message(pickle.dumps(metrics[:500], protocol)) + message(pickle.dumps(metrics[500:], protocol))
    send_stream(server.address(scheme), wire, pieces=1000)
    assert events(server, COUNT) == [
        {"name": f"m{n}", "value": n + 0.5, "tags": {"host": "x"}, "timestamp": AT} for n in range(COUNT)]


def test_the_records_of_a_pickle_are_plaintext(penstock):
    server = penstock({"listen": any_url("tcp4"), "protocol": "graphite_pickle"})
    send_stream(server.address("tcp4"), message(pickle.dumps([("a.b", (SECOND, 1.0)), ("c", (SECOND + 0.25, 2))], 2)))
    assert server.wait_records(2) == [b"a.b 1.0 1700000000", b"c 2 1700000000.25"]


@pytest.mark.parametrize("scheme", ["tcp4", "tcp6"])
@pytest.mark.parametrize("form, protocol", [("line", "graphite"), ("pickle", "graphite_pickle")])
def test_carbon_relay(penstock, workdir, scheme, form, protocol):
    server = penstock({"listen": any_url(scheme), "protocol": protocol}, JSON)
    with CarbonRelay(workdir, server.address(scheme), form) as relay:
        relay.send("".join(f"test.m{n} {n}.5 {SECOND + n}\n" for n in range(COUNT)))
        found = by_name(events(server, COUNT))
    assert {name: event["value"] for name, event in found.items()} == {f"test.m{n}": n + 0.5 for n in range(COUNT)}
    assert all(event["timestamp"][:4] == "2023" for event in found.values())


@pytest.mark.parametrize("scheme", ["tcp4", "tcp6", "udp4", "udp6"])
def test_collectd_write_graphite(penstock, workdir, scheme):
    """Its lines end with CRLF, and it puts many of them into one datagram."""
    server = penstock({"listen": any_url(scheme), "protocol": "graphite"}, JSON)
    with Collectd(workdir, write_plugin("write_graphite", server.address(scheme))) as collectd:
        collectd.put(COUNT, SECOND)
    found = by_name(events(server, COUNT))
    assert {name: event["value"] for name, event in found.items()} == {
        f"web1.test-{n}.gauge-x": n + 0.5 for n in range(COUNT)}
    assert all(event["timestamp"] == AT for event in found.values())


@pytest.mark.parametrize("scheme", ["tcp4", "tcp6"])
def test_collectd_write_tsdb(penstock, workdir, scheme):
    """Its put lines end with CRLF and have two blanks before a tag."""
    server = penstock({"listen": any_url(scheme), "protocol": "opentsdb"}, JSON)
    with Collectd(workdir, write_plugin("write_tsdb", server.address(scheme))) as collectd:
        collectd.put(COUNT, SECOND)
    found = by_name(events(server, COUNT))
    assert sorted(event["value"] for event in found.values()) == [n + 0.5 for n in range(COUNT)]
    assert all(event["tags"]["fqdn"] == "web1" and event["timestamp"] == AT for event in found.values())


def test_opentsdb_answers(penstock):
    server = penstock({"listen": any_url("tcp4"), "protocol": "opentsdb"}, JSON)
    with server.address("tcp4").connect() as sock, sock.makefile("rb") as answers:
        for command, answer in ((b"version", b"net.opentsdb"), (b"help", b"put"), (b"stats", b"tsd.rpc.received 1")):
            sock.sendall(command + b"\r\n")
            assert answer in answers.readline()
        sock.sendall(b"put a 1700000000500 1 k=v\n")
        assert events(server, 1) == [
            {"name": "a", "value": 1, "tags": {"k": "v"}, "timestamp": "2023-11-14T22:13:20.500000000Z"}]
        sock.sendall(b"exit\n")
        assert answers.read() == b"exit\n"
        # Taken, though we have said that we end.
        sock.sendall(b"put b 1700000000500 1 k=v\n")
        assert len(events(server, 2)) == 2


class Evil:
    """What an unpickler that executes would run."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_a_pickle_never_executes_anything(penstock, workdir):
    trace = workdir / "executed"
    server = penstock({"listen": any_url("tcp4"), "protocol": "graphite_pickle"}, JSON)
    address = server.address("tcp4")
    bad = [pickle.dumps([("a", (1, Evil(trace)))], protocol) for protocol in range(6)]
    bad += [pickle.dumps(Evil(trace), protocol) for protocol in range(6)]
    bad += [b"]" * 300_000, b"]" * 100_000 + b"a" * 99_999 + b".", b"]q\0h\0a.", b"\x8d" + b"\xff" * 8, b"(l", b"."]
    for payload in bad:
        send_stream(address, message(payload))
    before = server.memory_bytes()
    with address.connect() as sock:  # a length of 4 GiB
        sock.sendall(b"\xff\xff\xff\xff" + b"(" * 3_000_000)
    send_stream(address, message(pickle.dumps([("good", (SECOND, 1))], 2)))
    found = events(server, len(bad) + 2)
    assert {"name": "good", "value": 1, "timestamp": AT} in found
    assert sum("unparsed" in each for each in flags(server)) == len(bad) + 1
    assert sanitized() or server.memory_bytes() - before < 64 << 20
    assert not trace.exists()
