"""The kafka sink against librdkafka's mock cluster, read back by kcat."""

import base64
import json
import re
from collections import Counter

import pytest

from support import kafka
from support.acked import AckedSender, Forward, Relp, listener
from support.address import any_url
from support.clients import Flood
from support.packet_filter import THIRTY_PERCENT, Filter, of_port
from support.prometheus import Metrics, documented, promtool
from support.records import record
from support.settings import ROOT, length, sanitized
from support.wait import wait_until

PROTOCOLS = {"relp": Relp(), "forward": Forward()}
EACH = pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)
STOP = {"drain_timeout": "2s", "flush_timeout": "2s"}


@pytest.fixture
def cluster():
    with kafka.Cluster() as running:
        yield running


def send(server, *records: bytes):
    with server.address("tcp4").connect() as sock:
        sock.sendall(b"".join(one + b"\n" for one in records))


def delivered(server) -> int:
    return server.admin.status()["routes"][0]["delivered"]


def numbers(protocol, messages: list) -> list:
    return [protocol.number_of(json.loads(message.value)) for message in messages]


def test_records_are_messages(penstock, cluster):
    """Bytes, key, headers and time of each, once; a topic a listener."""
    for topic in ("logs.in", "logs.other"):
        cluster.topic(topic, partitions=4)
    server = penstock([{"listen": any_url("tcp4")}, {"name": "other", "listen": any_url("tcp4")}],
                      kafka.sink(cluster, topic="logs.{listener}", key="{peer}", kafka={"compression.type": "zstd"}))
    sent = [f"record {number}".encode() for number in range(5000)]
    send(server, *sent)
    with server.address(listener="other").connect() as sock:
        sock.sendall(b"another\n")
    wait_until(lambda: sum(route["delivered"] for route in server.admin.status()["routes"]) == 5001, "all delivered")
    messages = cluster.read("logs.in")
    assert Counter(message.value.encode() for message in messages) == Counter(sent)
    assert {message.key for message in messages} == {"127.0.0.1"}
    assert len({message.partition for message in messages}) == 1, "one key, one partition: they stay in order"
    assert [message.value.encode() for message in messages] == sent
    for message in messages:
        assert set(message.headers) == {"listener", "url", "peer", "time"}
        assert message.headers["listener"] == "in" and message.headers["url"] == server.urls()[0]
        assert re.fullmatch(r"127\.0\.0\.1:\d+", message.headers["peer"])
        assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", message.headers["time"])
    assert [message.value for message in cluster.read("logs.other")] == ["another"]
    server.stop()


def test_statistics_are_metrics(penstock, cluster):
    cluster.topic("logs")
    server = penstock({"listen": any_url("tcp4")}, kafka.sink(cluster))
    send(server, b"one", b"two")

    def shown(name: str):
        found = re.search(rf'^{name}{{sink="out"}} (\S+)$', server.admin.get("/metrics").decode(), re.M)
        return float(found[1]) if found else None

    wait_until(lambda: shown("penstock_kafka_sent_records_total") == 2, "both in the statistics")
    wait_until(lambda: shown("penstock_kafka_brokers_up") == 1, "the broker in the statistics")
    metrics = Metrics(server.admin.get("/metrics").decode())
    ours = {name: (kind, metrics.labels(name)) for name, kind in metrics.types.items() if name.startswith("penstock_kafka_")}
    assert ours == documented((ROOT / "conf/doc/monitoring.md").read_text(), sinks="kafka")
    assert promtool("check", "metrics", text=metrics.text) == ""
    assert shown("penstock_kafka_queued_records") == 0
    assert shown("penstock_kafka_producers_total") == 1
    server.stop()


@EACH
def test_broker_that_is_away_and_comes_back(penstock, cluster, protocol):
    """At the start, and again in the middle: acknowledged is what the broker has, and everything arrives once."""
    cluster.topic("logs")
    cluster.down()
    server = penstock(listener(protocol, "tcp4"), kafka.sink(cluster, encoding="json"))
    sender = AckedSender(protocol, server.address("tcp4"), outstanding=64)
    sender.start()
    server.wait_log("sink cannot write, will try again")
    assert server.admin.sink()["failing"] and sender.acked == 0
    cluster.up()
    sender.wait_acked(500)
    server.wait_log("sink writes again")
    cluster.down()
    wait_until(lambda: server.admin.sink()["failing"], "the sink to fail")
    stalled = sender.acked
    assert len(cluster_numbers := numbers_when_up(cluster, protocol)) >= stalled
    assert set(range(stalled)) <= set(cluster_numbers)
    sender.wait_acked(stalled + 500)
    server.stop()
    sender.wait_closed()
    arrived = numbers(protocol, cluster.read("logs"))
    assert set(range(sender.acked)) <= set(arrived)
    assert len(arrived) == len(set(arrived)), "an idempotent producer writes none twice"


def numbers_when_up(cluster, protocol) -> list:
    cluster.up()
    return numbers(protocol, cluster.read("logs"))


@EACH
def test_broker_that_hangs(penstock, cluster, protocol):
    """Connections stay open and nothing is answered, longer than librdkafka waits for a message: nothing is acknowledged
    meanwhile, everything arrives at least once."""
    cluster.topic("logs")
    options = {"message.timeout.ms": 3000, "socket.timeout.ms": 2000}
    server = penstock(listener(protocol, "tcp4"), kafka.sink(cluster, encoding="json", kafka=options))
    sender = AckedSender(protocol, server.address("tcp4"), outstanding=64)
    sender.start()
    sender.wait_acked(200)
    cluster.freeze()
    server.wait_log("sink cannot write, will try again.*(MSG_TIMED_OUT|confirmed)")
    stalled = sender.acked
    cluster.thaw()
    sender.wait_acked(stalled + 500)
    server.stop()
    sender.wait_closed()
    arrived = numbers(protocol, cluster.read("logs"))
    assert set(range(sender.acked)) <= set(arrived)


# The mock keeps about 5 MB a partition: what passes under load is spread over many.
MANY_PARTITIONS = 32
SPREAD = {"partitioner": "random", "sticky.partitioning.linger.ms": 0}


def ways_to(cluster, condition: str = "") -> Filter:
    return Filter(*of_port(int(cluster.servers.rpartition(":")[2]), condition))


def test_partition(penstock, cluster, netns):
    """No packet passes, longer than librdkafka waits: nothing is acknowledged meanwhile, everything arrives at least once."""
    protocol = PROTOCOLS["relp"]
    cluster.topic("logs", partitions=MANY_PARTITIONS)
    options = {**SPREAD, "message.timeout.ms": 3000, "socket.timeout.ms": 2000}
    server = penstock(listener(protocol, "unix"), kafka.sink(cluster, encoding="json", kafka=options))
    sender = AckedSender(protocol, server.address("unix"), outstanding=64)
    sender.start()
    sender.wait_acked(200)
    with ways_to(cluster):
        wait_until(lambda: server.admin.sink()["failing"], "the sink to fail")
        stalled = sender.acked
    sender.wait_acked(stalled + 500)
    server.stop()
    sender.wait_closed()
    assert set(range(sender.acked)) <= set(numbers(protocol, cluster.read("logs")))


def test_thirty_percent_loss(penstock, cluster, netns):
    """Slow, and that is all: each once."""
    protocol = PROTOCOLS["relp"]
    cluster.topic("logs", partitions=MANY_PARTITIONS)
    server = penstock(listener(protocol, "unix"), kafka.sink(cluster, encoding="json", kafka=SPREAD))
    sender = AckedSender(protocol, server.address("unix"), outstanding=256)
    sender.start()
    sender.wait_acked(200)
    with ways_to(cluster, THIRTY_PERCENT):
        sender.wait_acked(sender.acked + length(5000, 500))
    server.stop()
    sender.wait_closed()
    arrived = numbers(protocol, cluster.read("logs"))
    assert set(range(sender.acked)) <= set(arrived)
    assert len(arrived) == len(set(arrived))


def test_fatal_error_makes_a_new_producer(penstock, cluster):
    cluster.topic("logs")
    cluster.order(f"errors {kafka.INIT_PRODUCER_ID} 31 1")  # CLUSTER_AUTHORIZATION_FAILED
    server = penstock({"listen": any_url("tcp4")}, kafka.sink(cluster))
    send(server, b"one", b"two")
    server.wait_log("kafka producer ended by a fatal error, making a new one")
    wait_until(lambda: delivered(server) == 2, "both delivered")
    assert [message.value for message in cluster.read("logs")] == ["one", "two"]
    server.stop()


def test_message_too_large(penstock, cluster):
    """It goes to the quarantine with what was said of it; those around it arrive."""
    cluster.topic("logs")
    server = penstock({"listen": any_url("tcp4")}, kafka.sink(cluster, kafka={"message.max.bytes": 2000}))
    send(server, b"before", b"x" * 5000, b"after")
    wait_until(lambda: server.admin.status()["routes"][0]["lost"].get("refused"), lambda: f"{server.admin.status()}")
    wait_until(lambda: delivered(server) == 2, "the others delivered")
    assert [message.value for message in cluster.read("logs")] == ["before", "after"]
    server.stop(expect=None)
    entry, = server.quarantined()
    assert base64.b64decode(entry["bytes"]) == b"x" * 5000
    assert entry["reason"] == "refused"
    assert "MSG_SIZE_TOO_LARGE" in json.dumps(entry)


@pytest.mark.parametrize("away", ["down", "freeze"])
def test_stop_while_the_broker_is_away(penstock, cluster, away):
    """What is not known to be there is left over: together with the topic that is everything."""
    cluster.topic("logs")
    server = penstock({"listen": any_url("tcp4")}, kafka.sink(cluster), server=STOP)
    send(server, *(record("a", number) for number in range(1000)))
    wait_until(lambda: delivered(server) == 1000, "the first delivered")
    getattr(cluster, away)()
    send(server, *(record("b", number) for number in range(1000)))
    wait_until(lambda: server.admin.listener()["events"] == 2000, "the others read")
    server.stop(expect=3)
    left = server.left_over_records()
    assert Counter(left) == Counter(record("b", number) for number in range(1000))
    if away == "freeze":
        cluster.thaw()
    cluster.up()
    arrived = Counter(message.value.encode() for message in cluster.read("logs"))
    assert all(arrived[record("a", number)] == 1 for number in range(1000))


def test_backpressure_while_the_broker_is_away(penstock, cluster):
    """The sender is made to wait, memory stays bounded; when the broker is back everything arrives."""
    cluster.topic("logs", partitions=MANY_PARTITIONS)
    cluster.down()
    server = penstock({"listen": any_url("tcp4"), "receive_buffer": "64KiB"},
                      kafka.sink(cluster, kafka=SPREAD, queue={"max_bytes": "1MiB"}))
    before = server.memory_bytes()
    client = Flood(server.address("tcp4"), "c", size=1000)
    client.start()
    wait_until(lambda: not server.admin.listener()["gate"]["open"], "the gate to shut")
    server.wait_log("sink cannot write, will try again")
    blocked = client.sent
    if not sanitized():
        assert server.memory_bytes() - before < 64 << 20
    assert server.admin.sink()["queue"]["bytes"] <= 3 << 20
    cluster.up()
    client.wait_sent(blocked + 5000)
    client.finish()
    sent = client.sent
    wait_until(lambda: delivered(server) == sent, lambda: f"all {sent} delivered: {server.admin.status()['routes']}")
    arrived = Counter(message.value.encode() for message in cluster.read("logs"))
    assert arrived == Counter(record("c", number, 1000) for number in range(sent))
    server.stop()
