"""statsd.flush: one event a series, made of all that came over all of a listener's sockets, loops and connections."""

import base64
import json
import re
import threading
from collections import Counter

import pytest

from support.address import any_url
from support.clients import send_packets, send_stream
from support.metrics import HEAD, JSON
from support.node import PacedClient
from support.stalled import StalledPipe
from support.wait import wait_until

FLUSH_AT_STOP = {"protocol": "statsd", "statsd": {"flush": "1h"}}
LONG = {"drain_timeout": "60s", "flush_timeout": "60s"}
CONNECTIONS = 8
DATAGRAM_BYTES = 1000


def found(lines: list) -> list:
    """The events that flushes made, without what every record has and without how long was counted."""
    events = [json.loads(line) for line in lines]
    return [{key: value for key, value in event.items() if key not in (*HEAD, "interval")}
            for event in events if "interval" in event]


def by_series(events: list) -> dict:
    series = {(event["name"], event["kind"], *sorted(event.get("tags", {}))): event for event in events}
    assert len(series) == len(events), "a series came twice in one interval"
    return series


def datagrams(lines: list) -> list:
    """As many lines a datagram as fit."""
    packed = [b""]
    for line in lines:
        if len(packed[-1]) + len(line) > DATAGRAM_BYTES:
            packed.append(b"")
        packed[-1] += line + b"\n"
    return packed


def send_everywhere(server, lines: list):
    """A part of them over each transport: over streams on several connections at once, over udp in step with the reader."""
    parts = [lines[at::CONNECTIONS + 2] for at in range(CONNECTIONS + 2)]
    streams = [threading.Thread(target=send_stream, args=(server.address(scheme), b"\n".join(part) + b"\n"))
               for scheme, part in zip(("tcp4", "unix") * (CONNECTIONS // 2), parts)]
    for thread in streams:
        thread.start()
    send_packets(server.address("unixgram"), datagrams(parts[-2]))
    sent = 0
    for datagram in datagrams(parts[-1]):
        send_packets(server.address("udp4"), [datagram])
        sent += 1
        if sent % 100 == 0:
            wait_until(lambda: udp_read(server) >= sent, "the datagrams to be read")
    wait_until(lambda: udp_read(server) == sent, "the last datagrams to be read")
    for thread in streams:
        thread.join(60)


def udp_read(server) -> int:
    return sum(url["datagrams"] for url in server.admin.listener()["urls"] if url["url"].startswith("udp4:"))


def listen(*schemes: str) -> list:
    return [any_url(scheme) for scheme in schemes]


def test_sums_over_all_transports_connections_and_loops(penstock):
    """20,000 samples of 40 series: what the stop flushes is what was sent, each series once."""
    server = penstock({"listen": listen("udp4", "tcp4", "unix", "unixgram"), **FLUSH_AT_STOP}, JSON,
                      server={"threads": 2, **LONG})
    lines, counters, gauges, texts, timers = [], Counter(), Counter(), {}, {}
    for n in range(5000):
        name = n % 10
        lines += [b"c%d:%d|c|#t:%d,all" % (name, n, name), b"g%d:+%d|g" % (name, n), b"s%d:u%d|s" % (name, n % 700),
                  b"t%d:%d|ms|@0.5" % (name, n)]
        counters[name] += n
        gauges[name] += n
        texts.setdefault(name, set()).add(n % 700)
        timers.setdefault(name, []).append(n)
    send_everywhere(server, lines)
    server.stop()

    series = by_series(found(server.records()))
    assert len(series) == 40
    for name in range(10):
        assert series[f"c{name}", "counter", "all", "t"] == {
            "name": f"c{name}", "kind": "counter", "value": counters[name], "tags": {"t": str(name), "all": "true"}}
        assert series[f"g{name}", "gauge"]["value"] == gauges[name]
        assert series[f"s{name}", "set"]["value"] == len(texts[name])
        timer, values = series[f"t{name}", "timer"]["fields"], sorted(timers[name])
        assert timer["count"] == 2 * len(values) and timer["sum"] == 2 * sum(values)
        assert (timer["lower"], timer["upper"]) == (values[0], values[-1])
        for field, percent in ("median", 50), ("upper_90", 90), ("upper_99", 99):
            exact = values[-(-len(values) * percent // 100) - 1]
            assert abs(timer[field] - exact) <= 0.0101 * exact, (field, timer[field], exact)
    ledger = server.ledger().listener()
    assert ledger["aggregated"] == ledger["frames"] == len(lines)
    assert ledger["flushed"] == ledger["events"] == 40
    assert ledger["decoded"] == 0


def test_a_flush_while_it_serves(penstock):
    """Nothing is asked of its time, only that it comes, and that what it told is not told again."""
    server = penstock({"listen": any_url("tcp4"), "protocol": "statsd", "statsd": {"flush": "100ms"}}, JSON)
    with server.address("tcp4").connect() as sock:
        for n in range(1, 4):
            sock.sendall(b"a:1|c\na:2|c\n")
            wait_until(lambda: sum(event["value"] for event in found(server.records())) == 3 * n, "a flush")
        sock.sendall(b"g:4|g\n")
        wait_until(lambda: any(event["name"] == "g" for event in found(server.records())), "the gauge")
        sock.sendall(b"g:+3|g\n")
        wait_until(lambda: found(server.records())[-1] == {"name": "g", "kind": "gauge", "value": 7}, "its change")
        status = server.admin.listener()
    assert status["aggregated"] == 8 and status["decoded"] == 0
    assert {url["url"]: url["flushed"] for url in status["urls"]}["aggregate://in"] == status["events"]
    metrics = server.admin.get("/metrics").decode()
    assert f'penstock_events_flushed_total{{listener="in",url="aggregate://in"}} {status["events"]}\n' in metrics


def test_what_is_no_sample_goes_on_at_once(penstock):
    server = penstock({"listen": any_url("udp4"), **FLUSH_AT_STOP}, JSON)
    send_packets(server.address("udp4"), [b"a:1|c\n_e{1,1}:t|x\n_sc|n|1\nbad\na:5|c|T1700000000"])
    kinds = [json.loads(line).get("kind") for line in server.wait_records(4)]
    assert kinds == ["event", "service_check", None, "counter"]
    server.stop()
    assert found(server.records()) == [{"name": "a", "kind": "counter", "value": 1}]
    ledger = server.ledger().listener()
    assert (ledger["aggregated"], ledger["decoded"], ledger["unparsed"]) == (1, 4, 1)


def test_series_over_the_limit_go_on_by_themselves(penstock):
    server = penstock({"listen": any_url("tcp4"), "protocol": "statsd", "statsd": {"flush": "1h", "max_series": 100}}, JSON)
    send_stream(server.address("tcp4"), b"".join(b"c%d:1|c\n" % (n % 300) for n in range(3000)))
    server.stop()
    records = server.records()
    assert sum(event["value"] for event in found(records)) == 1000
    assert len(found(records)) == 100
    assert Counter(json.loads(line)["name"] for line in records if b'"interval"' not in line) == {
        f"c{n}": 10 for n in range(100, 300)}
    assert server.ledger().listener()["unaggregated"] == 2000
    assert server.log_has("no room in the aggregate, samples went on by themselves")


def test_memory_is_bounded_and_nothing_is_lost(penstock):
    """50,000 timers of a wide range do not fit into a quarter of 16 MiB: the rest goes on by itself."""
    server = penstock({"listen": any_url("tcp4"), **FLUSH_AT_STOP}, {"type": "blackhole"},
                      server={"memory": "16MiB", **LONG})
    send_stream(server.address("tcp4"), b"".join(b"timer.of.some.name.%d:%d|ms\n" % (n, n) for n in range(50_000)))
    wait_until(lambda: server.admin.listener()["frames"] == 50_000, "all to be read")
    memory = server.admin.status()["memory"]
    assert 2 << 20 < memory["aggregate_bytes"] <= 4 << 20
    server.stop()
    ledger = server.ledger().listener()
    assert ledger["aggregated"] == ledger["flushed"] > 5000
    assert ledger["aggregated"] + ledger["unaggregated"] == 50_000


FILLER = b"_sc|filler|1|m:" + b"x" * 1000 + b"\n"


def send_until_blocked(sock, piece: bytes) -> int:
    """Sends `piece` again and again until nobody reads any more; then the rest of the last one is still to be sent: how many
    were sent whole, and that rest."""
    sock.settimeout(1)
    sent, rest = 0, b""
    while True:
        rest = rest or piece
        try:
            rest = rest[sock.send(rest):]
        except TimeoutError:
            return sent, rest
        sent += not rest


def test_a_stalled_sink_holds_the_flush_and_loses_nothing(penstock):
    """The gate is shut when it is to be flushed; later the sink goes on, and all is there."""
    pipe = StalledPipe()
    server = penstock({"listen": any_url("tcp4"), "protocol": "statsd", "statsd": {"flush": "100ms"}},
                      {"type": "stdout", "encoding": "json", "queue": {"max_bytes": "64KiB"}},
                      server=LONG, stdout=pipe.write_end)
    pipe.started()
    with server.address("tcp4").connect() as sock:
        sent, rest = send_until_blocked(sock, b"a:1|c\n" + FILLER)
        wait_until(lambda: not server.admin.listener()["gate"]["open"], "the gate to shut")
        wait_until(lambda: flusher(server)["connections"]["paused"] == 1, "the flush to wait")
        pipe.flow()
        sock.settimeout(60)
        sock.sendall(rest)
    server.stop()
    records = pipe.records()
    assert sum(event["value"] for event in found(records)) == sent + 1
    assert len([line for line in records if b"service_check" in line]) == sent + 1


def flusher(server) -> dict:
    return next(url for url in server.admin.listener()["urls"] if url["url"] == "aggregate://in")


def test_a_sink_that_never_moves_leaves_the_flush_over(penstock):
    """At the stop the sink is given up on: the flush is left over, as a line of statsd."""
    pipe = StalledPipe()
    server = penstock({"listen": any_url("tcp4"), **FLUSH_AT_STOP}, {"type": "stdout", "queue": {"max_bytes": "64KiB"}},
                      server={"drain_timeout": "1s", "flush_timeout": "1s"}, stdout=pipe.write_end)
    pipe.started()
    with server.address("tcp4").connect() as sock:
        sock.sendall(b"a:1|c\na:2|c\n")
        wait_until(lambda: server.admin.listener()["aggregated"] == 2, "the samples")
        send_until_blocked(sock, FILLER)
        server.stop(expect=3)
    left = [base64.b64decode(entry["bytes"]) for entry in server.left_over()
            if entry["url"] == "aggregate://in"]
    assert left == [b"a:3|c"]
    assert server.ledger().listener()["flushed"] == 1
    pipe.close()


@pytest.mark.parametrize("encoding, expected", [
    ("raw", {"c:3|c|#x:1", "g:0|g\\ng:-2|g", "s:2|g",
             "t.count:2|g\\nt.sum:6|g\\nt.mean:3|g\\nt.lower:2|g\\nt.upper:4|g\\nt.stddev:1|g\\nt.median:2|g\\nt.upper_90:4|g"}),
    ("influx", {"c,x=1,metric_type=counter value=3,interval=I", "g,metric_type=gauge value=-2,interval=I",
                "s,metric_type=set value=2,interval=I",
                "t,metric_type=timer count=2i,sum=6,mean=3,lower=2,upper=4,stddev=1,median=2,upper_90=4,interval=I"}),
    ("graphite", {"c;x=1 3", "g -2", "s 2", "t.count 2", "t.sum 6", "t.mean 3", "t.lower 2", "t.upper 4", "t.stddev 1",
                  "t.median 2", "t.upper_90 4"}),
])
def test_every_encoding_of_metrics_has_a_form_for_all(penstock, encoding, expected):
    server = penstock({"listen": any_url("udp4"), "protocol": "statsd", "statsd": {"flush": "1h", "percentiles": [90]}},
                      {"encoding": encoding})
    send_packets(server.address("udp4"), [b"c:1|c|#x:1\nc:2|c|#x:1\ng:-2|g\ns:a|s\ns:b|s\nt:2:4|ms"])
    wait_until(lambda: server.admin.listener()["aggregated"] == 6, "the samples")
    server.stop()
    lines = {re.sub(r",interval=[0-9.e-]+ ", ",interval=I ", line.decode()) for line in server.records()}
    assert (lines if encoding == "raw" else {line.rpartition(" ")[0] for line in lines}) == expected


def test_drain_flushes_as_a_signal_does(penstock):
    server = penstock({"listen": any_url("udp4"), **FLUSH_AT_STOP}, JSON)
    send_packets(server.address("udp4"), [b"a:1|c\na:2|c"])
    wait_until(lambda: server.admin.listener()["aggregated"] == 2, "the samples")
    server.admin.ask("/api/drain", method="POST")
    assert server.wait() == 0
    assert found(server.records()) == [{"name": "a", "kind": "counter", "value": 3}]


@pytest.mark.parametrize("client, scheme, kinds", [("hot-shots", "udp4", 9), ("hot-shots", "tcp4", 9), ("node-statsd", "udp4", 5)])
def test_clients_for_node(penstock, client, scheme, kinds):
    """Samples of all types, each of a series of its own; hot-shots' events and checks go on at once."""
    count = 900
    server = penstock({"listen": any_url(scheme), **FLUSH_AT_STOP}, JSON)
    address = server.address(scheme)
    with PacedClient("statsd.js", client, scheme, address.host, address.port, count) as sender:
        sender.run(count, lambda sent: wait_until(lambda: server.admin.listener()["frames"] == sent, "what was sent"))
    server.stop()
    events = found(server.records())
    ledger = server.ledger().listener()
    others = 200 if client == "hot-shots" else 0
    assert (ledger["decoded"], ledger["aggregated"], len(events)) == (others, count - others, count - others)
    meant = {0: ("counter", 1), 4: ("histogram", 0)} if client == "hot-shots" else {0: ("counter", 1), 3: ("histogram", 0)}
    for event in events:
        n = int(event["name"].rpartition("m")[2])
        if n % kinds not in meant:
            continue
        kind, _ = meant[n % kinds]
        assert event["kind"] == kind
        number = event["value"] if kind == "counter" else event["fields"]["sum"]
        assert number == (n + 1 if client == "node-statsd" and kind == "counter" else n)
