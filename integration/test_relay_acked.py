"""The relay sink of protocol "forward": delivered is what the receiver has acknowledged."""

import json
import time

import msgpack
import pytest

from support.acked import AckedSender, Relp, listener
from support.address import any_url
from support.forward_receiver import CLOSE, ForwardReceiver, ack
from support.node import Receiver
from support.packet_filter import THIRTY_PERCENT, Filter, of_port
from support.prometheus import Metrics, documented
from support.records import assert_all_once, fate_of
from support.relaying import ORDERLY, Stream, Talker, receiver_at, relay_to, say, url_of
from support.settings import ROOT
from support.stalled import StalledPipe
from support.wait import wait_until

COUNT = 20_000
FORWARD = {"protocol": "forward"}
KEY = "a shared key"
JSON = {"encoding": "json"}


def behind_it(penstock, workdir, listen=None, name="behind", sink=None, **options):
    return receiver_at(penstock, workdir, name, listen or any_url("tcp4"), sink or JSON, protocol="forward", **options)


def acked_to(*urls, **options) -> dict:
    forward = {f"forward.{name}": options.pop(name) for name in list(options) if name in (
        "tag", "compression", "ack_timeout", "shared_key_file", "user", "password_file")}
    return relay_to(*urls, **FORWARD, **options, **forward)


def events(server, count: int) -> list:
    return [json.loads(line) for line in server.wait_records(count)]


def messages(lines) -> list:
    return [json.loads(line)["fields"]["message"].encode() for line in lines]


def measures(server) -> Metrics:
    return Metrics(server.admin.get("/metrics").decode())


@pytest.mark.parametrize("compression", ["none", "gzip"])
@pytest.mark.parametrize("scheme", ["tcp4", "tcp6", "unix"])
def test_a_penstock_behind_a_penstock(penstock, workdir, netns, scheme, compression):
    behind = behind_it(penstock, workdir, any_url(scheme))
    server = penstock({"listen": any_url("tcp4")}, acked_to(url_of(behind), compression=compression), server=ORDERLY)
    before = time.time()
    say(server, COUNT)
    server.stop()
    found = events(behind, COUNT)
    assert_all_once([event["fields"]["message"].encode() for event in found], "a", COUNT)
    assert {event["tag"] for event in found} == {"in"}
    assert {frozenset(event["fields"]) for event in found} == {frozenset(["message"])}
    day = time.strftime("%Y-%m-%dT%H", time.gmtime(before))
    assert all(len(event["timestamp"]) == 30 for event in found) and found[0]["timestamp"].startswith(day[:10])
    behind.stop()
    assert len(behind.records()) == COUNT
    netns.assert_no_reset()


RECORDS = [
    {"text": "größer", "n": 7, "low": -7, "big": 2**64 - 1, "real": 0.25, "yes": True, "nothing": None},
    {"deep": {"list": [1, "two", {"three": 3.5}], "empty": {}}, "bytes": b"\xff\0"},
    {"message": "hello", "fields": {"tag": "inner"}, "timestamp": "mine", "time": 5},
]


def test_records_of_forward_protocol_go_on_as_they_came(penstock, workdir):
    """Fields with their types, times to the nanosecond, tags, metadata; written by the first one and by the one behind."""
    behind = behind_it(penstock, workdir)
    server = penstock({"listen": any_url("tcp4"), "protocol": "forward", "sinks": ["file", "out"]},
                      [{"name": "file", "path": "here.log", **JSON}, {"name": "out", **acked_to(url_of(behind))}])
    seconds = msgpack.ExtType(0, (1441588984).to_bytes(4, "big") + (5).to_bytes(4, "big"))
    inner = msgpack.ExtType(0, (1441588985).to_bytes(4, "big") + (123456789).to_bytes(4, "big"))
    sent = [msgpack.packb([f"tag.{at % 2}", seconds, {**record, "when": inner}]) for at, record in enumerate(RECORDS)]
    sent.append(msgpack.packb(["meta", [[[seconds, {"severity": 3}], {"k": "v"}]]]))
    sent.append(msgpack.packb(["old", 1441588984, {"k": "v"}]))
    with server.address().connect() as sock:
        sock.sendall(b"".join(sent))
    there = events(behind, len(sent))
    here = [json.loads(line) for line in server.wait_records(len(sent), "here.log")]
    around = ("time", "listener", "url", "peer", "flags", "raw_base64")
    assert [{k: v for k, v in event.items() if k not in around} for event in there] == [
        {k: v for k, v in event.items() if k not in around} for event in here]
    assert there[0]["timestamp"] == "2015-09-07T01:23:04.000000005Z"
    assert there[0]["fields"]["when"] == "2015-09-07T01:23:05.123456789Z"
    assert [event["tag"] for event in there] == ["tag.0", "tag.1", "tag.0", "meta", "old"]
    assert there[3]["metadata"] == {"severity": 3}
    server.stop()


def test_fields_of_other_protocols(penstock, workdir):
    """Typed, the sender's time as the entry's; the tag by template, a tag of its own for each run of records."""
    receiver = ForwardReceiver()
    server = penstock({"listen": any_url("tcp4"), "protocol": "syslog"}, acked_to(receiver.url, tag="sys.{field:app}"))
    lines = [f"<13>1 2026-11-29T20:00:00.5Z web1 {app} 42 - [x a=\"b\"] hello" for app in ("sshd", "sshd", "cron")]
    with server.address().connect() as sock:
        sock.sendall("".join(line + "\n" for line in lines).encode())
    wait_until(lambda: sum(len(chunk.entries) for chunk in receiver.chunks) == 3, "three records")
    assert [(chunk.tag, len(chunk.entries)) for chunk in receiver.chunks] == [("sys.sshd", 2), ("sys.cron", 1)]
    seconds, nanos, record = receiver.chunks[0].entries[0]
    assert (seconds, nanos) == (1795982400, 500_000_000)
    assert record == {"facility": 1, "severity": 5, "host": "web1", "app": "sshd", "procid": "42",
                      "structured_data": {"x": {"a": "b"}}, "message": "hello"}
    server.stop()


@pytest.fixture
def secrets(workdir):
    for name, text in (("key", KEY), ("wrong", "another key"), ("users", "agent:its password"), ("password", "its password")):
        (workdir / name).write_text(text + "\n")
    return lambda name: str(workdir / name)


@pytest.mark.parametrize("users", [False, True], ids=["key", "users"])
def test_a_shared_key(penstock, workdir, secrets, users):
    theirs = {"users_file": secrets("users")} if users else {}
    behind = behind_it(penstock, workdir, forward={"shared_key_file": secrets("key"), **theirs})
    ours = {"user": "agent", "password_file": secrets("password")} if users else {}
    server = penstock({"listen": any_url("tcp4")}, acked_to(url_of(behind), shared_key_file=secrets("key"), **ours))
    say(server, 1000)
    server.stop()
    assert_all_once(messages(behind.wait_records(1000)), "a", 1000)
    behind.stop()
    assert behind.ledger().listener()["rejected"] == {}


@pytest.mark.parametrize("theirs, ours, reason", [
    ({"shared_key_file": "key"}, {"shared_key_file": "wrong"}, "refuses the handshake: shared_key mismatch"),
    ({"shared_key_file": "key"}, {}, "asks for a shared key, and forward.shared_key_file names none"),
    ({"shared_key_file": "key", "users_file": "users"}, {"shared_key_file": "key"}, "asks for a user and password"),
    ({"shared_key_file": "key", "users_file": "users"},
     {"shared_key_file": "key", "user": "agent", "password_file": "key"}, "refuses the handshake: username/password mismatch"),
    ({}, {"shared_key_file": "key"}, "no handshake, HELO or PONG, within 10s"),
], ids=["wrong_key", "no_key", "no_user", "wrong_password", "not_asked"])
def test_a_handshake_that_fails_is_said_and_loses_nothing(penstock, workdir, secrets, theirs, ours, reason):
    """The records wait, and go to a receiver that takes the handshake."""
    def real(options):
        return {k: secrets(v) if k.endswith("_file") else v for k, v in options.items()}
    behind = behind_it(penstock, workdir, forward=real(theirs))
    url = url_of(behind)
    server = penstock({"listen": any_url("tcp4")}, acked_to(url, **real(ours)))
    say(server, 100)
    server.wait_log(reason)
    behind.stop()
    assert behind.records() == []
    again = behind_it(penstock, workdir, url, forward={"shared_key_file": ours["shared_key_file"] and secrets(ours["shared_key_file"])} if ours else {})
    assert_all_once(messages(again.wait_records(100)), "a", 100)
    server.stop()


def test_receiver_that_stops_in_order_loses_and_doubles_nothing(penstock, workdir, netns):
    """It acknowledges what it took before it goes, and takes nothing that it cannot acknowledge any more."""
    behind = behind_it(penstock, workdir)
    url = url_of(behind)
    server = penstock({"listen": any_url("tcp4")}, acked_to(url))
    talker = Talker(server, 100_000)
    behind.wait_records(1000)
    behind.stop()
    again = behind_it(penstock, workdir, url)
    records = again.wait_records(100_000)
    assert talker.done.wait(60)
    server.stop()
    again.stop()
    assert_all_once(messages(records), "a", 100_000)
    netns.assert_no_reset(refusals=True)


def test_receiver_that_is_killed_under_load_loses_nothing(penstock, workdir):
    """Its acknowledgements mean: on its disk. Twice is what was on its disk and not acknowledged, or in its file and still in its
    queue."""
    disk = {"queue": {"type": "disk", "path": "queue", "max_bytes": "4MiB"}, **JSON}
    behind = behind_it(penstock, workdir, sink=disk)
    url = url_of(behind)
    server = penstock({"listen": any_url("tcp4")}, acked_to(url, queue={"max_bytes": "1MiB"}))
    stream = Stream(server)
    file = workdir / "behind" / "out.log"
    for _ in range(5):
        before = file.stat().st_size if file.exists() else 0
        wait_until(lambda: file.exists() and file.stat().st_size > before + 1_000_000, "more records")
        behind.kill()
        behind = behind_it(penstock, workdir, url, sink=disk)
    count = stream.end()
    server.stop()
    behind.stop()
    lines = behind.records()
    whole = [line for line in lines if line.startswith(b"{") and line.endswith(b"}}")]
    assert len(lines) - len(whole) <= 5, "no more torn lines than kills"
    fate = fate_of(messages(whole), "a", count)
    assert fate.lost == []
    print(f"{len(fate.doubled)} of {count} twice")


@pytest.mark.parametrize("condition", ["", THIRTY_PERCENT], ids=["partition", "thirty-percent-loss"])
def test_packets_that_are_lost_lose_no_record(penstock, workdir, netns, condition):
    behind = behind_it(penstock, workdir)
    server = penstock({"listen": any_url("unix")}, acked_to(url_of(behind), queue={"max_bytes": "1MiB"}))
    stream = Stream(server)
    behind.wait_records(1000)
    with Filter(*of_port(behind.address().port, condition)):
        if condition:
            behind.wait_records(len(behind.records()) + 1000)
        else:
            wait_until(lambda: not server.admin.listener()["gate"]["open"], "the sender to be held up")
    count = stream.end()
    server.stop()
    behind.stop()
    assert fate_of(messages(behind.records()), "a", count).lost == []


def test_receiver_whose_sink_stands_still(penstock, workdir):
    """No acknowledgement: then none to our senders either, who are blocked, and nothing is lost or doubled."""
    pipe = StalledPipe()
    folder = workdir / "behind"
    folder.mkdir()
    behind = penstock({"listen": any_url("tcp4"), "protocol": "forward"},
                      {"type": "stdout", "queue": {"max_bytes": "1MiB"}, **JSON}, folder=folder, stdout=pipe.write_end)
    pipe.started()
    relp = Relp()
    server = penstock(listener(relp, "tcp4"), acked_to(url_of(behind), queue={"max_bytes": "1MiB"}))
    count = 3000
    sender = AckedSender(relp, server.address(), outstanding=1 << 30, count=count, padding=4000)
    sender.start()
    server.wait_log("has not acknowledged [0-9]+ chunks yet")
    wait_until(lambda: not server.admin.listener()["gate"]["open"], "a shut gate")
    assert sender.sent < count and sender.acked < count
    pipe.flow()
    sender.wait_acked(count)
    sender.close()
    server.stop()
    behind.stop()
    found = [json.loads(line)["fields"] for line in pipe.records()]
    assert [int(fields["procid"]) for fields in found] == list(range(count))


def test_metrics_are_as_the_page_says(penstock, workdir):
    """Of the sink that has them; and a receiver that is killed is a connection lost, and what it had not acknowledged goes again."""
    behind = behind_it(penstock, workdir)
    server = penstock({"listen": any_url("tcp4")}, acked_to(url_of(behind)))
    say(server, 1000)
    behind.wait_records(1000)
    ours = {name: (kind, measures(server).labels(name)) for name, kind in measures(server).types.items()
            if name.startswith("penstock_relay_")}
    assert ours == documented((ROOT / "conf/doc/monitoring.md").read_text(), sinks="relay")
    wait_until(lambda: measures(server).sum("penstock_relay_acks_awaited") == 0, "all acknowledgements")
    found = measures(server)
    assert found.sum("penstock_relay_upstreams_up") == found.sum("penstock_relay_connections_opened_total") == 1
    assert found.sum("penstock_relay_sent_bytes_total") > 64_000
    assert found.sum("penstock_relay_messages_total") >= 1
    assert found.sum("penstock_relay_connections_lost_total") == found.sum("penstock_relay_resends_total") == 0
    behind.kill()
    wait_until(lambda: measures(server).sum("penstock_relay_upstreams_up") == 0, "a receiver that is away")
    assert measures(server).sum("penstock_relay_connections_lost_total") == 1
    say(server, 10, first=1000)
    wait_until(lambda: measures(server).sum("penstock_relay_retries_total") > 0, "a batch that finds no receiver")
    again = behind_it(penstock, workdir, url_of(behind))
    again.wait_records(1010)
    server.stop()


# ---- receivers that are no Penstock

@pytest.mark.parametrize("compression", ["none", "gzip"])
@pytest.mark.parametrize("users", [None, False, True], ids=["open", "key", "users"])
def test_fluent_org_server(penstock, secrets, users, compression):
    """The receiver of the Fluent project's logger for Node.js."""
    security = {"serverHostname": "server.test", "sharedKey": KEY, "authorize": bool(users), "userDict": {"agent": "its password"}}
    ours = {} if users is None else {"shared_key_file": secrets("key")}
    if users:
        ours.update(user="agent", password_file=secrets("password"))
    with Receiver(**({} if users is None else {"security": security})) as receiver:
        server = penstock({"listen": any_url("tcp4"), "protocol": "json"}, acked_to(receiver.url, compression=compression, **ours))
        with server.address().connect() as sock:
            sock.sendall(b"".join(json.dumps({"n": n, "half": n + 0.5, "list": [n, None]}).encode() + b"\n" for n in range(1000)))
        found = receiver.entries(1000)
        server.stop()
    assert [entry["record"] for entry in found] == [{"n": n, "half": n + 0.5, "list": [n, None]} for n in range(1000)]
    assert {entry["tag"] for entry in found} == {"in"}
    assert all(abs(entry["time"][0] - time.time()) < 3600 for entry in found) and any(entry["time"][1] for entry in found)
    assert server.log_has("sink cannot write") is None


def relaying(penstock, receiver, **options):
    return penstock({"listen": any_url("tcp4")}, acked_to(receiver.url, **options), server=ORDERLY)


def test_no_acknowledgement_in_time(penstock):
    """The connection is ended, and the same chunk comes over the next one under the same id."""
    receiver = ForwardReceiver(lambda chunk: ack(chunk) if chunk.connection > 2 else None)
    server = relaying(penstock, receiver, ack_timeout="1s")
    say(server, 100)
    server.wait_log("no acknowledgement for 1000 ms")
    server.stop()
    first, second, third = ([c for c in receiver.chunks if c.connection == at] for at in (1, 2, 3))
    assert [(c.id, c.entries) for c in first] == [(c.id, c.entries) for c in second] == [(c.id, c.entries) for c in third]
    assert_all_once([entry[2]["message"].encode() for chunk in third for entry in chunk.entries], "a", 100)


@pytest.mark.parametrize("answer, reason", [
    (b"\x81\xa3ack\xa5wrong", "acknowledges a chunk that it was not sent"),
    (b"HTTP/1.1 400 Bad Request\r\n\r\n", "answers with something else than Forward protocol's"),
    (b"\xc1", "answers with something else than Forward protocol's"),
    (b"\x81\xa3ack\xc0", "answers with something else than Forward protocol's"),
    (b"\xdb\xff\xff\xff\xff", "answers with something else than Forward protocol's"),
], ids=["wrong_id", "http", "never_used", "nil", "long"])
def test_an_answer_that_is_none(penstock, answer, reason):
    receiver = ForwardReceiver(lambda chunk: ack(chunk) if chunk.connection > 1 else answer)
    server = relaying(penstock, receiver)
    say(server, 100)
    server.wait_log(reason)
    server.stop()
    assert_all_once([entry[2]["message"].encode() for c in receiver.chunks if c.connection > 1 for entry in c.entries], "a", 100)


def test_late_acknowledgements_in_pieces(penstock):
    """Longer than the sink has patience for: said, and nothing is sent twice."""
    def late(chunk):
        if chunk is receiver.chunks[0]:
            server.wait_log("has not acknowledged [0-9]+ chunks yet")
        return ack(chunk)
    receiver = ForwardReceiver(late)
    server = relaying(penstock, receiver)
    say(server, 1000)
    server.stop()
    assert_all_once(receiver.records(), "a", 1000)
    assert receiver.connections == receiver.ended == 1


def test_receiver_that_closes_in_the_middle(penstock):
    """With some chunks acknowledged, each time: what was not comes again, what was does not."""
    def some(chunk):
        mine = [c for c in receiver.chunks if c.connection == chunk.connection]
        if chunk.connection > 5 or len(mine) < 3:
            acknowledged.append(chunk)
            return ack(chunk)
        return CLOSE
    acknowledged = []
    receiver = ForwardReceiver(some)
    server = relaying(penstock, receiver)
    count = 50_000
    say(server, count)
    server.stop()
    assert receiver.connections > 5
    once = {chunk.id: chunk for chunk in acknowledged}
    # It closes with bytes unread, which resets the connection: the acknowledgement just before may go down with it.
    assert len(acknowledged) - len(once) <= receiver.connections
    assert_all_once([entry[2]["message"].encode() for chunk in once.values() for entry in chunk.entries], "a", count)


def test_stop_waits_for_the_acknowledgements_then_sends_fin(penstock, netns):
    def when_stopping(chunk):
        server.wait_log("stopping")
        return ack(chunk)
    receiver = ForwardReceiver(when_stopping)
    server = relaying(penstock, receiver)
    say(server, 1000)
    server.stop()
    assert_all_once(receiver.records(), "a", 1000)
    wait_until(lambda: receiver.ended == 1, "the FIN")
    netns.assert_no_reset()


def test_chunks_keep_their_ids_over_a_restart_with_a_queue_on_disk(penstock, workdir):
    receiver = ForwardReceiver(lambda chunk: ack(chunk) if asked else None)
    asked = []
    relp, to = Relp(), acked_to(receiver.url, queue={"type": "disk", "path": "queue"})
    server = penstock(listener(relp, "tcp4"), to)
    sender = AckedSender(relp, server.address(), outstanding=1, count=50)
    sender.start()
    sender.wait_acked(50)
    wait_until(lambda: sum(len(chunk.entries) for chunk in receiver.chunks) == 50, "all chunks")
    server.kill()
    sender.close()
    before = [(chunk.id, chunk.entries) for chunk in receiver.chunks]
    asked.append(True)
    again = penstock(listener(relp, "tcp4"), to)
    wait_until(lambda: sum(len(chunk.entries) for chunk in receiver.chunks) == 100, "all chunks again")
    again.kill()  # its ledger would have delivered what another process has read
    assert [(chunk.id, chunk.entries) for chunk in receiver.chunks] == before + before


def test_failover_and_round_robin(penstock, workdir):
    """A receiver that refuses the handshake is none: the other one gets all, and then both."""
    (workdir / "key").write_text(KEY)
    refuses, takes = ForwardReceiver(key="another key"), ForwardReceiver(key=KEY)
    server = penstock({"listen": any_url("tcp4")}, acked_to(refuses.url, takes.url, balance="round_robin",
                                                            shared_key_file=str(workdir / "key")))
    say(server, 1000)
    wait_until(lambda: len(takes.records()) == 1000, "all records")
    assert refuses.chunks == []
    assert server.wait_log("receiver cannot be reached").fields["reason"].endswith("it refuses the handshake: who are you")
    refuses._key = KEY
    sent = [1000]

    def both():
        say(server, 100, first=sent[0])
        sent[0] += 100
        return refuses.chunks

    wait_until(both, "records at the first receiver")
    server.stop()
    assert_all_once(takes.records() + refuses.records(), "a", sent[0], ordered=False)
