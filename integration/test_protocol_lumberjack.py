"""Lumberjack, by wire bytes and by a client of npm: acknowledged is what every required sink has."""

import json
import os
import struct
import zlib

import pytest

from support.acked import (SYNCED, AckedSender, Lumberjack, check_all_acknowledged, check_nothing_before_delivery,
                           check_stop_under_load, check_undelivered, listener)
from support.node import assert_as_sent, send
from support.settings import PATIENCE, sanitized
from support.stalled import StalledPipe
from support.wait import wait_until

STREAMS = ["tcp4", "tcp6", "unix"]


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "compressed"])
@pytest.mark.parametrize("scheme", STREAMS)
def test_each_record_once_and_acknowledged(penstock, scheme, compressed):
    check_all_acknowledged(penstock, Lumberjack(compressed), scheme)


@pytest.mark.parametrize("scheme", STREAMS)
def test_nothing_is_acknowledged_before_it_is_delivered(penstock, scheme):
    check_nothing_before_delivery(penstock, Lumberjack(), scheme)


@pytest.mark.parametrize("scheme", STREAMS)
def test_a_stop_leaves_no_window_unacknowledged(penstock, scheme):
    check_stop_under_load(penstock, Lumberjack(compressed=True), scheme)


def test_a_sink_that_drops_ends_the_connection(penstock):
    check_undelivered(penstock, Lumberjack(), "tcp4")


def events(first: int, count: int) -> bytes:
    texts = [json.dumps({"message": "hello", "n": first + i}).encode() for i in range(count)]
    return b"".join(b"2J" + struct.pack(">II", i + 1, len(text)) + text for i, text in enumerate(texts))


def test_windows_of_many_events(penstock):
    """As Beats send them: a window, its events in several compressed frames, and then the acknowledgement is waited for."""
    server = penstock(listener(Lumberjack(), "tcp4"), SYNCED)
    with server.address().connect(timeout=PATIENCE) as sock:
        for first in range(0, 1000, 100):
            half = events(first, 100)
            middle = half.index(b"2J", len(half) // 2)
            frames = b"".join(b"2C" + struct.pack(">I", len(z)) + z
                              for z in (zlib.compress(half[:middle]), zlib.compress(half[middle:])))
            sock.sendall(b"2W" + struct.pack(">I", 100) + frames)
            assert sock.recv(6) == b"2A" + struct.pack(">I", 100)
    server.stop()
    assert [json.loads(line)["fields"]["n"] for line in server.records()] == list(range(1000))


def test_version_1(penstock):
    server = penstock(listener(Lumberjack(), "tcp4"), SYNCED)
    with server.address().connect(timeout=PATIENCE) as sock:
        for sequence in range(1, 1001):  # logstash-forwarder counts on
            pairs = [b"line", b"hello", b"n", str(sequence).encode()]
            frame = b"1D" + struct.pack(">II", sequence, 2) + b"".join(struct.pack(">I", len(p)) + p for p in pairs)
            sock.sendall(b"1W" + struct.pack(">I", 1) + frame)
            assert sock.recv(6) == b"1A" + struct.pack(">I", sequence)
    server.stop()
    records = [json.loads(line) for line in server.records()]
    assert [(r["message"], r["fields"]) for r in records] == [("hello", {"n": str(n)}) for n in range(1, 1001)]


def check_kept_alive(sock, pipe) -> None:
    """Told to wait as long as the sink stands still, and then that its window has arrived."""
    keepalive = b"2A\0\0\0\0"
    for _ in range(5):
        assert sock.recv(6) == keepalive
    pipe.flow()
    while (answer := sock.recv(6)) == keepalive:
        pass
    assert answer == b"2A\0\0\0\1"


def test_a_slow_sink_keeps_the_connection_alive(penstock):
    """ACK 0 comes as long as the sink stands still, and then the acknowledgement."""
    pipe = StalledPipe(pipe_bytes=4096)
    server = penstock(listener(Lumberjack(), "tcp4", lumberjack={"keepalive": "100ms"}),
                      {"type": "stdout", "encoding": "json"}, stdout=pipe.write_end)
    pipe.started()
    with server.address().connect(timeout=PATIENCE) as sock:
        sock.sendall(Lumberjack().window(0, padding=20000))
        check_kept_alive(sock, pipe)
    server.stop()


def test_a_window_that_is_not_read_yet_keeps_its_connection_alive(penstock):
    """The sinks are full with what others sent: its sender is told to wait all the same, and sends it once."""
    pipe = StalledPipe(pipe_bytes=4096)
    server = penstock(listener(Lumberjack(), "tcp4", lumberjack={"keepalive": "100ms"}),
                      {"type": "stdout", "encoding": "json", "queue": {"max_bytes": "64KiB"}}, stdout=pipe.write_end)
    pipe.started()
    other = AckedSender(Lumberjack(), server.address(), outstanding=1 << 30, count=100, padding=4000)
    other.start()
    wait_until(lambda: not server.admin.listener()["gate"]["open"], "the gate to be shut")
    with server.address().connect(timeout=PATIENCE) as sock:
        sock.sendall(Lumberjack().window(1000))
        check_kept_alive(sock, pipe)
    other.wait_acked(100)
    other.close()
    server.stop()


def test_a_batch_of_filebeat_fits(penstock):
    """2048 events of 9 kB, in one compressed frame."""
    server = penstock(listener(Lumberjack(), "tcp4"), SYNCED)
    texts = [json.dumps({"message": os.urandom(500).hex() + "x" * 8000}).encode() for _ in range(2048)]
    frames = b"".join(b"2J" + number(i + 1) + number(len(text)) + text for i, text in enumerate(texts))
    with server.address().connect(timeout=PATIENCE) as sock:
        sock.sendall(b"2W" + number(2048) + compressed(frames))
        while (answer := sock.recv(6)) == b"2A\0\0\0\0":
            pass
        assert answer == b"2A" + number(2048)
    server.stop()


@pytest.mark.parametrize("scheme", ["tcp4", "tcp6"])
def test_lumberjack_client(penstock, scheme):
    server = penstock(listener(Lumberjack(), scheme), SYNCED)
    send("lumberjack-client", scheme, server.address(scheme).port, 1000)
    records = [json.loads(line)["fields"] | {"text": json.loads(line)["message"]} for line in server.wait_records(1000)]
    assert_as_sent(records, 1000)
    server.stop()


def number(value: int) -> bytes:
    return struct.pack(">I", value)


MOST = number(0xffffffff)
EVENT = b"2J" + number(1) + number(2) + b"{}"


def compressed(frames: bytes) -> bytes:
    packed = zlib.compress(frames)
    return b"2C" + number(len(packed)) + packed


@pytest.mark.parametrize("bytes_", [
    b"2W" + number(1) + compressed(compressed(EVENT)),
    b"2W" + number(1) + b"2J" + number(1) + MOST,
    b"2W" + number(1) + b"2C" + MOST,
    b"2W" + number(1) + b"2D" + number(1) + MOST,
    b"2W" + MOST,
    b"2W" + number(1) + compressed(b"\0" * (64 << 20)),
], ids=["nested", "json-4GiB", "compressed-4GiB", "pairs-4GiB", "window-4GiB", "bomb"])
def test_malformed(penstock, bytes_):
    """The connection ends without an acknowledgement, memory stays, and a good window on another one arrives."""
    server = penstock(listener(Lumberjack(), "tcp4"), SYNCED)
    before = server.memory_bytes()
    for _ in range(20):
        with server.address().connect(timeout=PATIENCE) as sock:
            sock.sendall(bytes_)
            assert sock.recv(65536) == b""
    assert sanitized() or server.memory_bytes() - before < 64 << 20
    sender = AckedSender(Lumberjack(), server.address(), count=1)
    sender.start()
    sender.wait_acked(1)
    sender.close()
    server.stop()
    assert len(server.records()) == 1
    assert sum(server.ledger().listener()["rejected"].values()) == 20


def test_an_event_that_is_no_json_object_does_not_hold_its_window_up(penstock):
    """Its sender would send all of the window again, for ever."""
    server = penstock(listener(Lumberjack(), "tcp4"), SYNCED)
    texts = [b'{"message":"before"}', b"[1]", b'{"a":', b'{"message":"name \\udcff"}', b'{"message":"\xff"}', b'{"message":"after"}']
    with server.address().connect(timeout=PATIENCE) as sock:
        sock.sendall(b"2W" + number(len(texts)) + b"".join(
            b"2J" + number(n + 1) + number(len(text)) + text for n, text in enumerate(texts)))
        while (answer := sock.recv(6)) == b"2A\0\0\0\0":
            pass
        assert answer == b"2A" + number(len(texts))
    server.stop()
    records = [json.loads(line) for line in server.records()]
    assert [record["flags"] for record in records] == [[], ["unparsed"], ["unparsed"], [], ["unparsed"], []]
    assert records[3]["message"] == "name \ufffd"
    assert server.ledger().listener()["unparsed"] == 3
