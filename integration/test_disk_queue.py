"""A sink's queue on disk: what is acknowledged is delivered, over kill -9, restarts, full disks and damage."""

import base64
import json
import os
import random
import re
import subprocess
import threading

import pytest

from support.acked import AckedSender, Forward, Lumberjack, Relp, listener, numbers
from support.report import report
from support.settings import PATIENCE, binary, count
from support.small_disk import fill
from support.stalled import StalledPipe
from support.wait import wait_until

PROTOCOLS = {"relp": Relp(), "lumberjack": Lumberjack(), "forward": Forward()}
EACH = pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)
QUEUE = {"type": "disk", "path": "queue"}
KILLS = count("PENSTOCK_KILLS", 6)  # of each protocol


def sink(**queue) -> dict:
    return {"encoding": "json", "queue": {**QUEUE, **queue}}


def stalled_sink(**queue) -> dict:
    return {"type": "stdout", "encoding": "json", "queue": {**QUEUE, **queue}}


def disk(server) -> dict:
    return server.admin.status()["sinks"][0]["disk_queue"]


def route(server) -> dict:
    return server.admin.status()["routes"][0]


def wait_delivered(server):
    wait_until(lambda: disk(server)["records"] == 0, lambda: f"the queue to be empty: {disk(server)}")


@EACH
def test_each_record_once_in_order_and_acknowledged(penstock, protocol):
    server = penstock(listener(protocol, "tcp4"), sink())
    sender = AckedSender(protocol, server.address(), outstanding=64, count=1000)
    sender.start()
    sender.wait_acked(1000)
    sender.close()
    server.stop()
    assert numbers(protocol, server.records()) == list(range(1000))


@EACH
def test_acknowledged_while_the_sink_stands_still_and_delivered_after_kill(penstock, protocol):
    pipe = StalledPipe(pipe_bytes=4096)
    server = penstock(listener(protocol, "tcp4"), stalled_sink(), stdout=pipe.write_end)
    pipe.started()
    sender = AckedSender(protocol, server.address(), outstanding=64, count=500)
    sender.start()
    sender.wait_acked(500)
    assert disk(server)["records"] > 0
    server.kill()
    sender.close()
    again = penstock(listener(protocol, "tcp4"), sink(), folder=server.folder)
    wait_delivered(again)
    assert route(again)["recovered"] == route(again)["delivered"] > 0
    again.stop()
    received = numbers(protocol, again.records())
    assert received == list(range(500))[-len(received):], "all but what the pipe had taken, in order"


def test_a_stop_leaves_what_the_sink_does_not_take_in_the_queue(penstock):
    """That is no failure: exit 0, nothing left over, and the next start delivers it."""
    protocol = PROTOCOLS["relp"]
    pipe = StalledPipe(pipe_bytes=4096)
    server = penstock(listener(protocol, "tcp4"), stalled_sink(), server={"flush_timeout": "300ms"}, stdout=pipe.write_end)
    pipe.started()
    sender = AckedSender(protocol, server.address(), outstanding=64, count=300)
    sender.start()
    sender.wait_acked(300)
    server.stop(expect=0)
    assert server.leftovers() == []
    left = int(server.log_has("records stay in the queue on disk").fields["records"])
    assert server.ledger().route()["queued"] == left > 0
    again = penstock(listener(protocol, "tcp4"), sink(), folder=server.folder)
    wait_delivered(again)
    again.stop()
    assert again.ledger().route()["recovered"] == left
    assert numbers(protocol, again.records()) == list(range(300 - left, 300))


@EACH
def test_killed_again_and_again_under_load(penstock, protocol):
    """No acknowledged record is lost, none is altered or invented; what comes twice was not yet known to be delivered."""
    moments = random.Random(protocol.name)
    acked, sent, first = set(), set(), 0
    folder = None
    for _ in range(KILLS):
        server = penstock(listener(protocol, "tcp4"), sink(), folder=folder)
        folder = server.folder
        sender = AckedSender(protocol, server.address(), outstanding=32, first=first, padding=moments.randrange(2000))
        sender.start()
        sender.wait_acked(moments.randrange(1, 400))
        server.kill()
        sender.wait_closed()
        acked |= set(range(first, first + sender.acked))
        sent |= set(range(first, first + sender.sent))
        first += sender.sent
    server = penstock(listener(protocol, "tcp4"), sink(), folder=folder)
    wait_delivered(server)
    assert disk(server)["damaged_records"] == 0
    server.stop()
    received = numbers(protocol, whole_lines(server))
    assert acked <= set(received) <= sent
    report(f"{protocol.name}, {KILLS} kills: {len(sent)} records sent, {len(acked)} of them acknowledged, 0 of those lost, "
           f"{len(received) - len(set(received))} delivered twice")


def whole_lines(server) -> list:
    """Without those that a kill has torn: the file sink ends them, and writes the records again."""
    lines = []
    for line in server.records():
        try:
            json.loads(line)
            lines.append(line)
        except ValueError:
            pass
    return lines


def is_ready(server) -> bool:
    return server.admin.ask("/readyz")[0] == 200


@pytest.mark.parametrize("leave_mb", [0, 12], ids=["from-the-start", "after-a-while"])
def test_full_disk_holds_senders_and_needs_no_restart(penstock, small_disk, leave_mb):
    protocol = PROTOCOLS["relp"]
    pipe = StalledPipe(pipe_bytes=4096)
    ballast = fill(small_disk, leave_mb)
    server = penstock(listener(protocol, "tcp4"), stalled_sink(path="disk/queue", max_bytes="32MiB"), stdout=pipe.write_end)
    pipe.started()
    count = 6000
    sender = AckedSender(protocol, server.address(), outstanding=256, count=count, padding=4000)
    sender.start()
    server.wait_log("(?i)no space left")
    wait_until(lambda: not is_ready(server), "not ready while it cannot write")
    assert (sender.acked > 0) == (leave_mb > 0) and sender.acked < count
    os.truncate(ballast, 0)
    pipe.flow()
    sender.wait_acked(count)
    wait_delivered(server)
    assert is_ready(server)
    server.stop()
    assert numbers(protocol, pipe.records()) == list(range(count))


def send_more_than_it_holds(server, reason) -> int:
    """How many numbered records: all of them read, and some dropped for `reason`."""
    count, line = 60000, b"x" * 200
    with server.address().connect() as sock:
        for first in range(0, count, 1000):
            sock.sendall(b"".join(b"%08d " % n + line + b"\n" for n in range(first, first + 1000)))
    wait_until(lambda: server.admin.listener()["events"] == count, lambda: f"everything read: {server.admin.listener()}")
    wait_until(lambda: route(server)["lost"].get(reason), lambda: f"drops: {route(server)}")
    return count


@pytest.mark.parametrize("when_full, reason", [("drop_oldest", "drop_oldest"), ("drop_newest", "queue_full")])
def test_a_full_queue_that_drops_counts_each_record(penstock, when_full, reason):
    pipe = StalledPipe(pipe_bytes=4096)
    server = penstock({"listen": "tcp4://127.0.0.1:0"}, stalled_sink(max_bytes="4MiB", when_full=when_full), stdout=pipe.write_end)
    pipe.started()
    count = send_more_than_it_holds(server, reason)
    pipe.flow()
    wait_delivered(server)
    server.stop()
    row = server.ledger().route()
    assert row["lost"] == {reason: row["lost"][reason]}
    assert row["delivered"] + row["lost"][reason] == count
    received = [int(json.loads(record)["message"][:8]) for record in pipe.records()]
    assert len(received) == row["delivered"]
    assert received == sorted(received)
    assert received[0 if when_full == "drop_newest" else -1] == (0 if when_full == "drop_newest" else count - 1)


def test_what_a_full_queue_has_dropped_is_no_damage_at_the_next_start(penstock):
    """Batches in flight have lain in the dropped files as well."""
    pipe = StalledPipe(pipe_bytes=4096)
    server = penstock({"listen": "tcp4://127.0.0.1:0"}, stalled_sink(max_bytes="4MiB", when_full="drop_oldest"),
                      server={"flush_timeout": "2s"}, stdout=pipe.write_end)
    pipe.started()
    count = send_more_than_it_holds(server, "drop_oldest")
    wait_until(lambda: server.admin.sink()["queue"]["bytes"] == 0, lambda: f"nothing in memory: {server.admin.sink()}")
    assert disk(server)["records"] < count
    server.stop(expect=0)
    row = server.ledger().route()
    assert row["queued"] == int(server.log_has("records stay in the queue on disk").fields["records"])
    assert row["delivered"] + row["queued"] + row["lost"]["drop_oldest"] == count
    again = penstock({"listen": "tcp4://127.0.0.1:0"}, sink(max_bytes="4MiB"), folder=server.folder)
    wait_delivered(again)
    assert disk(again)["damaged_records"] == 0
    again.stop()
    assert again.ledger().route()["recovered"] == again.ledger().route()["delivered"] == row["queued"]
    received = [int(json.loads(record)["message"][:8]) for record in again.records()]
    assert received == list(range(count - row["queued"], count))
    assert not list((server.folder / "queue").glob("*.damaged*"))


def test_full_by_its_limit_holds_senders(penstock):
    pipe = StalledPipe(pipe_bytes=4096)
    server = penstock({"listen": "tcp4://127.0.0.1:0"}, stalled_sink(max_bytes="4MiB"), stdout=pipe.write_end)
    pipe.started()
    count, line = 200_000, b"x" * 200
    with server.address().connect() as sock:
        sock.settimeout(PATIENCE)
        with Feeder(sock, count, line) as feeder:
            wait_until(lambda: not server.admin.listener()["gate"]["open"], lambda: f"the gate to shut: {server.admin.status()}")
            assert feeder.sent < count
            assert disk(server)["bytes"] <= 4 << 20
            pipe.flow()
            feeder.join(PATIENCE)
            assert feeder.sent == count
    wait_until(lambda: route(server)["delivered"] == count, lambda: f"everything delivered: {route(server)}")
    server.stop()
    assert [int(json.loads(record)["message"][:8]) for record in pipe.records()] == list(range(count))


class Feeder:
    """Sends numbered lines on a thread of its own."""

    def __init__(self, sock, count, line):
        self.sent = 0
        self._sock, self._count, self._line = sock, count, line
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._thread.join(PATIENCE)

    def join(self, patience):
        self._thread.join(patience)

    def _run(self):
        while self.sent < self._count:
            some = min(1000, self._count - self.sent)
            self._sock.sendall(b"".join(b"%08d " % n + self._line + b"\n" for n in range(self.sent, self.sent + some)))
            self.sent += some


def test_damage_costs_the_damaged_record_and_is_counted(penstock):
    protocol = PROTOCOLS["relp"]
    pipe = StalledPipe(pipe_bytes=4096)
    server = penstock(listener(protocol, "tcp4"), stalled_sink(), stdout=pipe.write_end)
    pipe.started()
    sender = AckedSender(protocol, server.address(), outstanding=16, count=400)
    sender.start()
    sender.wait_acked(400)
    server.kill()
    segment, = (server.folder / "queue").glob("*.seg")
    content = bytearray(segment.read_bytes())
    place = content.index(b"app 250 - - hello")
    content[place + 6] ^= 1  # 251
    segment.write_bytes(content)
    older = segment.with_name(segment.name + ".damaged")
    older.write_bytes(b"of an earlier time, when ids began at 1 as well")
    again = penstock(listener(protocol, "tcp4"), sink(), folder=server.folder)
    wait_delivered(again)
    assert disk(again)["damaged_records"] == 1
    kept = segment.with_name(segment.name + ".damaged-2")
    wait_until(lambda: kept.exists() and not segment.exists(), "the damaged segment to be set aside")
    assert kept.read_bytes()[:len(content)] == content
    assert b"earlier time" in older.read_bytes()
    again.stop(expect=3)
    received = numbers(protocol, again.records())
    assert received == [number for number in range(received[0], 400) if number != 250]
    assert again.ledger().route()["lost"] == {"damaged": 1}


def test_a_directory_in_use_is_refused(penstock):
    server = penstock({"listen": "tcp4://127.0.0.1:0"}, sink())
    other = penstock({"listen": "tcp4://127.0.0.1:0"}, sink(), folder=server.folder, start=False,
                     admin={"listen": "unix://./other.sock"})
    other.spawn()
    assert other.wait() == 1
    assert other.log_has("another process uses this queue")
    server.stop()


def test_what_it_does_is_in_the_metrics(penstock):
    server = penstock({"listen": "tcp4://127.0.0.1:0"}, sink(max_bytes="64MiB"))
    with server.address().connect() as sock:
        sock.sendall(b"one\ntwo\n")
    server.wait_records(2)
    wait_delivered(server)
    text = server.admin.get("/metrics").decode()
    assert 'penstock_disk_queue_max_bytes{sink="out"} 67108864' in text
    assert 'penstock_disk_queue_records{sink="out"} 0' in text
    assert 'penstock_disk_queue_failed_syncs_total{sink="out"} 0' in text
    assert 'penstock_disk_queue_delivering{sink="out"} 1' in text
    server.stop()


def queue_command(server, *arguments):
    return subprocess.run([str(binary()), "queue", *arguments], cwd=server.folder, capture_output=True, text=True)


def test_the_queue_command_shows_what_waits(penstock):
    protocol = PROTOCOLS["relp"]
    pipe = StalledPipe(pipe_bytes=4096)
    server = penstock(listener(protocol, "tcp4"), stalled_sink(), stdout=pipe.write_end)
    pipe.started()
    sender = AckedSender(protocol, server.address(), outstanding=16, count=200)
    sender.start()
    sender.wait_acked(200)
    stat = queue_command(server, "stat", "queue")
    assert stat.returncode == 0 and "(a server has it open)" in stat.stdout
    server.kill()
    stat = queue_command(server, "stat", "queue")
    waiting = int(re.search(r"waiting +(\d+) records", stat.stdout)[1])
    assert 0 < waiting <= 200 and "open" not in stat.stdout
    dumped = [json.loads(line) for line in queue_command(server, "dump", "queue").stdout.splitlines()]
    assert len(dumped) == waiting
    assert base64.b64decode(dumped[-1]["bytes"]) == b"<13>1 2026-11-29T20:00:00Z web1 app 199 - - hello "
    assert dumped[-1]["listener"] == "in" and dumped[-1]["peer"].startswith("127.0.0.1:")
    check = queue_command(server, "check", "queue")
    assert check.returncode == 0 and "0000000000000001.seg  ok" in check.stdout
    segment = server.folder / "queue" / "0000000000000001.seg"
    content = bytearray(segment.read_bytes())
    content[content.index(b"app 150 - -") + 4] ^= 8
    segment.write_bytes(content)
    check = queue_command(server, "check", "queue")
    assert check.returncode == 1 and "DAMAGED" in check.stdout and ", 1 damaged" in check.stdout
    none = queue_command(server, "stat", "quarantine")
    assert none.returncode == 1 and "no queue" in none.stderr


def test_dumped_records_can_be_sent_again(penstock):
    pipe = StalledPipe(pipe_bytes=4096)
    server = penstock({"listen": "tcp4://127.0.0.1:0"}, stalled_sink(), stdout=pipe.write_end)
    pipe.started()
    with server.address().connect() as sock:
        sock.sendall(b"".join(b"line %d\n" % n for n in range(2000)))
    wait_until(lambda: disk(server)["records"] > 1000, "records on disk")
    server.kill()
    dump = queue_command(server, "dump", "--all", "queue").stdout
    (server.folder / "dump.jsonl").write_text(dump)
    other = penstock({"listen": "tcp4://127.0.0.1:0"}, {"path": "other.log"}, folder=server.folder)
    sent = subprocess.run([str(binary()), "send", "--replay", "dump.jsonl", other.urls()[0]], cwd=server.folder, capture_output=True)
    assert sent.returncode == 0, sent.stderr
    other.wait_records(2000, "other.log")
    other.stop()
    assert other.records("other.log") == [b"line %d" % n for n in range(2000)]
