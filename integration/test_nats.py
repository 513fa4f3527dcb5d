"""The nats sink against a cluster of three of Debian's nats-server, a stream with three replicas in files."""

import base64
import json
import re
from collections import Counter

import pytest

from support import nats
from support.acked import AckedSender, Forward, Relp, listener
from support.address import any_url
from support.clients import Flood
from support.packet_filter import THIRTY_PERCENT, Filter
from support.prometheus import Metrics, documented, promtool
from support.records import record
from support.settings import ROOT, length, sanitized
from support.wait import wait_until

PROTOCOLS = {"relp": Relp(), "forward": Forward()}
EACH = pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)
STOP = {"drain_timeout": "2s", "flush_timeout": "2s"}
# What does not find its answer is looked for again soon.
QUICK = {"nats.ack_timeout": "1s"}


@pytest.fixture
def cluster(workdir):
    with nats.Cluster(workdir) as running:
        running.stream("LOGS", "logs.>")
        yield running


@pytest.fixture
def single(workdir):
    with nats.Cluster(workdir, nodes=1) as running:
        yield running


def send(server, *records: bytes):
    with server.address("tcp4").connect() as sock:
        sock.sendall(b"".join(one + b"\n" for one in records))


def delivered(server) -> int:
    return sum(route["delivered"] for route in server.admin.status()["routes"])


def wait_delivered(server, count: int):
    wait_until(lambda: delivered(server) == count, lambda: f"{count} delivered: {server.admin.status()['routes']}\n{server.log_text()}")


def numbers(protocol, messages: list) -> list:
    return [protocol.number_of(json.loads(message.value)) for message in messages]


def shown(server, name: str):
    found = re.search(rf'^{name}{{sink="out"}} (\S+)$', server.admin.get("/metrics").decode(), re.M)
    return float(found[1]) if found else None


def connected_to(server, cluster) -> nats.Node:
    """The node that the sink is connected to, by the log."""
    url = [line for line in server.log if line.message == "nats connected"][-1].fields["server"]
    return next(node for node in cluster.nodes if node.url == url)


def assert_all_arrived(protocol, sender, cluster, stream="LOGS"):
    """What was acknowledged is there, and within the duplicate window once."""
    arrived = Counter(numbers(protocol, cluster.read(stream, at_least=sender.acked)))
    lost = sorted(set(range(sender.acked)) - set(arrived))
    assert lost == [], f"{len(lost)} of {sender.acked} lost, first {lost[:5]}"
    twice = [number for number, times in arrived.items() if times > 1]
    assert twice == [], f"{len(twice)} of {sender.acked} twice, first {twice[:5]}"


def test_records_are_messages(penstock, cluster):
    """Bytes, subject and headers of each, once and in order."""
    server = penstock([{"listen": any_url("tcp4")}, {"name": "other", "listen": any_url("tcp4")}], nats.sink(cluster, **{"nats.stream": "LOGS"}))
    sent = [f"record {number}".encode() for number in range(5000)]
    send(server, *sent)
    with server.address(listener="other").connect() as sock:
        sock.sendall(b"another\n")
    wait_delivered(server, 5001)
    messages = cluster.read("LOGS")
    mine = [message for message in messages if message.subject == "logs.in"]
    assert [message.value for message in mine] == sent
    assert len({message.headers["Nats-Msg-Id"] for message in messages}) == 5001
    for message in mine:
        assert set(message.headers) == {"Nats-Msg-Id", "Nats-Expected-Stream", "listener", "url", "peer", "time"}
        assert message.headers["listener"] == "in" and message.headers["url"] == server.urls()[0]
        assert re.fullmatch(r"127\.0\.0\.1:\d+", message.headers["peer"])
        assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", message.headers["time"])
    assert [(message.subject, message.value) for message in messages if message not in mine] == [("logs.other", b"another")]
    server.stop()


def test_subjects_from_peers_stay_in_their_place(penstock, cluster):
    """Dots, wildcards and dollars of a field are no syntax; the fields of a JSON record arrive as they were."""
    server = penstock({"listen": any_url("tcp4"), "protocol": "json"},
                      nats.sink(cluster, subject="logs.{field:host}.{field:app}", encoding="json", headers=False))
    send(server, b'{"host":"web.1","app":"a b*>","message":"one","n":17}', b'{"host":"$JS","message":"two"}')
    wait_delivered(server, 2)
    first, second = cluster.read("LOGS")
    assert (first.subject, second.subject) == ("logs.web_1.a_b__", "logs._JS._")
    assert set(first.headers) == {"Nats-Msg-Id"}
    value = json.loads(first.value)
    assert value["host"] == "web.1" and value["message"] == "one" and value["fields"] == {"app": "a b*>", "n": 17}
    server.stop()


def test_measures_are_metrics(penstock, cluster):
    server = penstock({"listen": any_url("tcp4")}, nats.sink(cluster))
    send(server, b"one", b"two")
    wait_delivered(server, 2)
    metrics = Metrics(server.admin.get("/metrics").decode())
    ours = {name: (kind, metrics.labels(name)) for name, kind in metrics.types.items() if name.startswith("penstock_nats_")}
    assert ours == documented((ROOT / "conf/doc/monitoring.md").read_text(), sinks="nats")
    assert promtool("check", "metrics", text=metrics.text) == ""
    assert shown(server, "penstock_nats_connected") == shown(server, "penstock_nats_connections_total") == 1
    assert shown(server, "penstock_nats_published_records_total") == shown(server, "penstock_nats_acked_records_total") == 2
    assert shown(server, "penstock_nats_published_bytes_total") == 6
    assert shown(server, "penstock_nats_in_flight_records") == shown(server, "penstock_nats_resent_records_total") == 0
    server.stop()


@pytest.mark.long
def test_nodes_killed_in_turn_under_load(penstock, cluster):
    """kill -9 of each, of the one that the sink is connected to first, and started again: nothing is lost, nothing comes twice."""
    protocol = PROTOCOLS["relp"]
    server = penstock(listener(protocol, "tcp4"), nats.sink(cluster, encoding="json", **QUICK))
    sender = AckedSender(protocol, server.address("tcp4"), outstanding=256)
    sender.start()
    sender.wait_acked(500)
    first = connected_to(server, cluster)
    for node in [first, *(node for node in cluster.nodes if node is not first)] * length(3, 1):
        node.kill()
        sender.wait_acked(sender.acked + 500)
        node.start()
        cluster.wait_healed("LOGS")
        sender.wait_acked(sender.acked + 500)
    assert shown(server, "penstock_nats_connections_total") >= 2
    server.stop()
    sender.wait_closed()
    assert_all_arrived(protocol, sender, cluster)


@pytest.mark.parametrize("which", ["connected", "leader"])
def test_node_that_hangs(penstock, cluster, which):
    """It keeps its connections and answers nothing, which only the missing acknowledgements show."""
    protocol = PROTOCOLS["forward"]
    server = penstock(listener(protocol, "tcp4"), nats.sink(cluster, encoding="json", **QUICK))
    sender = AckedSender(protocol, server.address("tcp4"), outstanding=64)
    sender.start()
    sender.wait_acked(300)
    node = connected_to(server, cluster) if which == "connected" else cluster.leader("LOGS")
    node.freeze()
    sender.wait_acked(sender.acked + 500)
    node.thaw()
    sender.wait_acked(sender.acked + 500)
    server.stop()
    sender.wait_closed()
    assert_all_arrived(protocol, sender, cluster)


@pytest.mark.long
@EACH
def test_cluster_that_is_away_and_comes_back(penstock, cluster, protocol):
    """At the start, and again in the middle: acknowledged is what the stream has, and everything arrives once."""
    cluster.kill()
    server = penstock(listener(protocol, "tcp4"), nats.sink(cluster, encoding="json", **QUICK))
    sender = AckedSender(protocol, server.address("tcp4"), outstanding=64)
    sender.start()
    server.wait_log("sink cannot write, will try again.*connect to nats://")
    assert server.admin.sink()["failing"] and sender.acked == 0
    cluster.start()
    sender.wait_acked(500)
    server.wait_log("sink writes again")
    cluster.kill()
    wait_until(lambda: server.admin.sink()["failing"], "the sink to fail")
    server.wait_log("nats connection lost")
    stalled = sender.acked
    cluster.start()
    sender.wait_acked(stalled + 500)
    server.stop()
    sender.wait_closed()
    assert_all_arrived(protocol, sender, cluster)


def test_partition_of_the_sink(penstock, cluster, netns):
    """Its packets are dropped: first on the way to one node, then to all of them."""
    protocol = PROTOCOLS["relp"]
    server = penstock(listener(protocol, "unix"), nats.sink(cluster, encoding="json", **QUICK))
    sender = AckedSender(protocol, server.address("unix"), outstanding=64)
    sender.start()
    sender.wait_acked(300)
    with Filter(*nats.between_clients_and([connected_to(server, cluster)])):
        sender.wait_acked(sender.acked + 500)
    server.wait_log("nats connection lost.*no answer for 1000 ms")
    with Filter(*nats.between_clients_and(cluster.nodes)):
        wait_until(lambda: server.admin.sink()["failing"], "the sink to fail")
        stalled = sender.acked
    sender.wait_acked(stalled + 500)
    server.stop()
    sender.wait_closed()
    assert_all_arrived(protocol, sender, cluster)


def test_partition_of_a_node(penstock, cluster, netns):
    """The node that the sink is connected to is cut off from the others: the sink leaves it, since it does not acknowledge."""
    protocol = PROTOCOLS["relp"]
    server = penstock(listener(protocol, "unix"), nats.sink(cluster, encoding="json", **QUICK))
    sender = AckedSender(protocol, server.address("unix"), outstanding=64)
    sender.start()
    sender.wait_acked(300)
    cut_off = connected_to(server, cluster)
    with Filter(*nats.between_nodes(cut_off, [node for node in cluster.nodes if node is not cut_off])):
        sender.wait_acked(sender.acked + 500)
    cluster.wait_healed("LOGS")
    sender.wait_acked(sender.acked + 500)
    server.stop()
    sender.wait_closed()
    assert_all_arrived(protocol, sender, cluster)


def test_thirty_percent_loss(penstock, cluster, netns):
    protocol = PROTOCOLS["relp"]
    server = penstock(listener(protocol, "unix"), nats.sink(cluster, encoding="json"))
    sender = AckedSender(protocol, server.address("unix"), outstanding=256)
    sender.start()
    sender.wait_acked(300)
    with Filter(*nats.between_clients_and(cluster.nodes, THIRTY_PERCENT)):
        sender.wait_acked(sender.acked + length(5000, 500))
    server.stop()
    sender.wait_closed()
    assert_all_arrived(protocol, sender, cluster)


def test_stop_under_load(penstock, cluster):
    """All that was read is delivered, and then it goes: exit 0."""
    server = penstock({"listen": any_url("tcp4"), "receive_buffer": "64KiB"}, nats.sink(cluster, queue={"max_bytes": "1MiB"}),
                      server={"drain_timeout": "1s", "flush_timeout": "60s"})  # a client that goes on sending is read until then
    client = Flood(server.address("tcp4"), "c", size=200)
    client.start()
    client.wait_sent(20_000)
    server.stop()
    client.finish()
    count = server.ledger().route()["delivered"]
    assert count >= client.acknowledged
    arrived = [message.value for message in cluster.read("LOGS")]
    assert arrived == [record("c", number, 200) for number in range(count)]


@pytest.mark.parametrize("away", ["kill", "freeze"])
def test_stop_while_the_cluster_is_away(penstock, cluster, away):
    """What is not known to be there is left over: together with the stream that is everything."""
    server = penstock({"listen": any_url("tcp4")}, nats.sink(cluster), server=STOP)
    send(server, *(record("a", number) for number in range(1000)))
    wait_delivered(server, 1000)
    for node in cluster.nodes:
        getattr(node, away)()
    send(server, *(record("b", number) for number in range(1000)))
    wait_until(lambda: server.admin.listener()["events"] == 2000, "the others read")
    server.stop(expect=3)
    left = server.left_over_records()
    assert Counter(left) == Counter(record("b", number) for number in range(1000))
    if away == "kill":
        cluster.start()
    else:
        for node in cluster.nodes:
            node.thaw()
    arrived = Counter(message.value for message in cluster.read("LOGS", at_least=1000))
    assert all(arrived[record("a", number)] == 1 for number in range(1000))


@pytest.mark.long
def test_backpressure_while_the_cluster_is_away(penstock, cluster):
    """The sender is made to wait, memory stays bounded; when the cluster is back everything arrives."""
    cluster.kill()
    server = penstock({"listen": any_url("tcp4"), "receive_buffer": "64KiB"}, nats.sink(cluster, queue={"max_bytes": "1MiB"}))
    before = server.memory_bytes()
    client = Flood(server.address("tcp4"), "c", size=1000)
    client.start()
    wait_until(lambda: not server.admin.listener()["gate"]["open"], "the gate to shut")
    server.wait_log("sink cannot write, will try again")
    blocked = client.sent
    if not sanitized():
        assert server.memory_bytes() - before < 32 << 20
    assert server.admin.sink()["queue"]["bytes"] <= 3 << 20
    cluster.start()
    client.wait_sent(blocked + 5000)
    client.finish()
    wait_delivered(server, client.sent)
    arrived = Counter(message.value for message in cluster.read("LOGS"))
    assert arrived == Counter(record("c", number, 1000) for number in range(client.sent))
    server.stop()


@pytest.mark.parametrize("limit", ["server", "stream"])
def test_record_too_large(penstock, single, limit):
    """It goes to the quarantine with what was said of it; those around it arrive."""
    settings = {"max_msg_size": 2000} if limit == "stream" else {}
    single.stream("LOGS", "logs.>", **settings)
    size = 5000 if limit == "stream" else 1 << 20  # nats-server's max_payload, which headers count against
    server = penstock({"listen": any_url("tcp4"), "max_frame_bytes": "2MiB"}, nats.sink(single))
    send(server, b"before", b"x" * size, b"after")
    wait_until(lambda: server.admin.status()["routes"][0]["lost"].get("refused"), lambda: f"{server.admin.status()}\n{server.log_text()}")
    wait_delivered(server, 2)
    assert [message.value for message in single.read("LOGS")] == [b"before", b"after"]
    server.stop(expect=None)
    entry, = server.quarantined()
    assert base64.b64decode(entry["bytes"]) == b"x" * size
    assert entry["reason"] == "refused"
    answer = "message size exceeds maximum allowed (10054)" if limit == "stream" else "larger than the server's max_payload of 1048576 bytes"
    assert answer in json.dumps(entry)


def test_stream_that_is_missing(penstock, single):
    """Nothing is lost meanwhile; the log says what is missing."""
    server = penstock({"listen": any_url("tcp4")}, nats.sink(single))
    send(server, b"one", b"two")
    server.wait_log("sink cannot write, will try again.*no stream takes this subject")
    assert delivered(server) == 0
    single.stream("LOGS", "logs.>")
    wait_delivered(server, 2)
    assert [message.value for message in single.read("LOGS")] == [b"one", b"two"]
    server.stop()


def test_stream_that_is_another_one(penstock, single):
    single.stream("OTHER", "logs.>")
    server = penstock({"listen": any_url("tcp4")}, nats.sink(single, **{"nats.stream": "LOGS"}), server=STOP)
    send(server, b"one")
    server.wait_log(r"sink cannot write, will try again.*expected stream does not match \(10060\)")
    server.stop(expect=3)
    assert single.count("OTHER") == 0


def test_stream_that_is_full(penstock, single):
    """`discard: new` is backpressure, until somebody makes room."""
    single.stream("LOGS", "logs.>", max_msgs=10, discard="new")
    server = penstock({"listen": any_url("tcp4")}, nats.sink(single))
    sent = [f"{number}".encode() for number in range(20)]
    send(server, *sent)
    server.wait_log(r"sink cannot write, will try again.*maximum messages exceeded")
    first = single.read("LOGS")
    assert len(first) == 10
    single.ask("STREAM.PURGE.LOGS")
    wait_delivered(server, 20)
    assert Counter(message.value for message in first + single.read("LOGS")) == Counter(sent)
    server.stop()


def test_stream_is_made(penstock, cluster):
    keys = {"nats.stream": "MADE", "nats.create_stream": True, "nats.replicas": 3}
    for _ in range(2):  # the second time it is there
        server = penstock({"listen": any_url("tcp4")}, nats.sink(cluster, subject="made.{listener}", **keys))
        send(server, b"one")
        wait_delivered(server, 1)
        server.stop()
    made = cluster.info("MADE")["config"]
    assert (made["subjects"], made["num_replicas"], made["storage"]) == (["made.*"], 3, "file")
    assert [message.value for message in cluster.read("MADE")] == [b"one", b"one"]


def test_stream_that_cannot_be_made(penstock, cluster):
    """Its subjects are another stream's."""
    server = penstock({"listen": any_url("tcp4")}, nats.sink(cluster, **{"nats.stream": "MADE", "nats.create_stream": True}, **QUICK), server=STOP)
    send(server, b"one")
    server.wait_log(r"sink cannot write, will try again.*make stream MADE: subjects overlap with an existing stream \(10065\)")
    server.stop(expect=3)
    assert cluster.count("LOGS") == 0


def test_disk_queue_before_it(penstock, cluster):
    """What senders were told is kept, over kill -9, while the cluster is away: it arrives later."""
    protocol = PROTOCOLS["relp"]
    out = nats.sink(cluster, encoding="json", queue={"type": "disk", "path": "queue"})
    server = penstock(listener(protocol, "tcp4"), out)
    sender = AckedSender(protocol, server.address("tcp4"), outstanding=64)
    sender.start()
    sender.wait_acked(500)
    cluster.kill()
    sender.wait_acked(sender.acked + 500)
    server.kill()
    sender.wait_closed()
    acked = sender.acked
    again = penstock(listener(protocol, "tcp4"), out, folder=server.folder)
    cluster.start()
    wait_until(lambda: again.admin.status()["sinks"][0]["disk_queue"]["records"] == 0, lambda: f"the queue to be empty\n{again.log_text()}")
    again.stop()
    arrived = Counter(numbers(protocol, cluster.read("LOGS")))
    assert set(range(acked)) <= set(arrived) <= set(range(sender.sent))


def test_what_a_disk_queue_delivers_again_is_known_to_the_stream(penstock, cluster):
    """Killed under load, again and again: a record keeps its Nats-Msg-Id, so that nothing is there twice."""
    protocol = PROTOCOLS["relp"]
    out = nats.sink(cluster, encoding="json", queue={"type": "disk", "path": "queue"})
    folder, first, acked = None, 0, set()
    for _ in range(5):
        server = penstock(listener(protocol, "tcp4"), out, folder=folder)
        folder = server.folder
        sender = AckedSender(protocol, server.address("tcp4"), outstanding=64, first=first)
        sender.start()
        sender.wait_acked(300)
        server.kill()
        sender.wait_closed()
        acked |= set(range(first, first + sender.acked))
        first += sender.sent
    again = penstock(listener(protocol, "tcp4"), out, folder=folder)
    wait_until(lambda: again.admin.status()["sinks"][0]["disk_queue"]["records"] == 0, lambda: f"the queue to be empty\n{again.log_text()}")
    told = Metrics(again.admin.get("/metrics").decode()).sum("penstock_nats_duplicate_records_total")
    again.stop()
    arrived = Counter(numbers(protocol, cluster.read("LOGS")))
    assert acked <= set(arrived)
    assert not [number for number, times in arrived.items() if times > 1], f"the last start was told of {told} that are there already"


def test_users(penstock, workdir):
    """A password, a token or an nkey; the wrong one is trouble that is told, and nothing is lost."""
    for name, extra, keys, connect in identities(workdir):
        folder = workdir / name
        folder.mkdir(mode=0o755)
        with nats.Cluster(folder, nodes=1, extra=extra, connect=connect) as single:
            single.stream("LOGS", "logs.>")
            server = penstock({"listen": any_url("tcp4")}, nats.sink(single, nats=keys), folder=folder)
            send(server, b"one")
            wait_delivered(server, 1)
            server.stop()
            stranger = penstock({"listen": any_url("tcp4")}, nats.sink(single), server=STOP, folder=folder)
            send(stranger, b"two")
            stranger.wait_log("sink cannot write, will try again.*[Aa]uth")
            stranger.stop(expect=3)
            assert [message.value for message in single.read("LOGS")] == [b"one"]
            for path in (folder / "quarantine").iterdir():
                path.unlink() if path.is_file() else None


def identities(workdir):
    admin = '{ user: "test", password: "test" }'
    as_admin = {"user": "test", "pass": "test"}
    yield "password", f'authorization {{ users: [{admin}, {{ user: "p", password: "s3cret" }}] }}', {"user": "p", "password": "s3cret"}, as_admin
    yield "token", 'authorization { token: "s3cret" }', {"token": "s3cret"}, {"auth_token": "s3cret"}
    nkey, seed = nats.make_nkey(workdir)
    yield "nkey", f"authorization {{ users: [{admin}, {{ nkey: {nkey} }}] }}", {"nkey": nkey, "nkey_seed_file": str(seed)}, as_admin


@pytest.mark.parametrize("trust", ["right", "other authority", "other name"])
def test_tls(penstock, workdir, trust):
    """Under load, with certificates on both sides. A server with a certificate of somebody else gets nothing."""
    authority = nats.Authority(workdir, "ca")
    other = nats.Authority(workdir, "other")
    certificate, key = authority.certify("elsewhere" if trust == "other name" else "localhost")
    own_certificate, own_key = authority.certify("client")
    tls = f'tls {{ cert_file: "{certificate}", key_file: "{key}", ca_file: "{authority.certificate}", verify: {str(trust == "right").lower()} }}'
    with nats.Cluster(workdir, nodes=1, extra=tls, tls=(authority.certificate, own_certificate, own_key)) as single:
        single.stream("LOGS", "logs.>")
        keys = {"ca_file": str((other if trust == "other authority" else authority).certificate), "client_cert": str(own_certificate),
                "client_key": str(own_key)}
        out = {**nats.sink(single, nats=keys), "servers": [node.address("tls") for node in single.nodes]}
        server = penstock({"listen": any_url("tcp4")}, out, server=STOP)
        sent = [record("t", number, 1000) for number in range(20_000 if trust == "right" else 1)]
        send(server, *sent)
        if trust == "right":
            wait_delivered(server, len(sent))
            assert [message.value for message in single.read("LOGS")] == sent
            server.stop()
        else:
            server.wait_log("sink cannot write, will try again.*(certificate|SSL|hostname)")
            server.stop(expect=3)
            assert single.count("LOGS") == 0
