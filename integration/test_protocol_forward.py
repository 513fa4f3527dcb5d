"""Forward protocol, by wire bytes and by the loggers of the Fluent projects: acknowledged is what every required sink has."""

import contextlib
import gzip
import hashlib
import json
import os
import socket

import pytest

from support.acked import (SYNCED, Forward, check_all_acknowledged, check_nothing_before_delivery, check_stop_under_load,
                           check_undelivered, listener, pack)
from support.address import any_url
from support.node import assert_as_sent, send
from support.settings import PATIENCE, sanitized
from support.stalled import StalledPipe

STREAMS = ["tcp4", "tcp6", "unix"]
KEY = "a shared key"
ACK = {"ackTimeout": 60000}  # its default, 500 ms, is no matter of the server on a busy machine


@pytest.mark.parametrize("scheme", STREAMS)
def test_each_record_once_and_acknowledged(penstock, scheme):
    check_all_acknowledged(penstock, Forward(), scheme)


@pytest.mark.parametrize("scheme", STREAMS)
def test_nothing_is_acknowledged_before_it_is_delivered(penstock, scheme):
    check_nothing_before_delivery(penstock, Forward(), scheme)


@pytest.mark.parametrize("scheme", STREAMS)
def test_a_stop_leaves_nothing_unacknowledged(penstock, scheme):
    check_stop_under_load(penstock, Forward(), scheme)


def fill(sock) -> int:
    """Messages that ask for no answer, until the socket takes no more. How many are in it as a whole."""
    sock.setblocking(False)
    count, rest = 0, b""
    with contextlib.suppress(BlockingIOError):
        while True:
            if not rest:
                rest, count = pack(["t", 1441588984, {"n": count, "x": "x" * 500}]), count + 1
            rest = rest[sock.send(rest):]
    sock.settimeout(PATIENCE)
    return count - 1


@pytest.mark.parametrize("scheme", STREAMS)
def test_a_stop_takes_all_of_a_sender_that_asks_for_no_answers(penstock, scheme):
    """It would send nothing again, whatever it sees of the stop."""
    pipe = StalledPipe()
    server = penstock(listener(Forward(), scheme), {"type": "stdout", "encoding": "json", "queue": {"max_bytes": "256KiB"}},
                      server={"drain_timeout": "120s"}, stdout=pipe.write_end)
    pipe.started()
    with server.address(scheme).connect() as sock:
        whole = fill(sock)
        server.send_signal()
        assert sock.recv(1) == b"", "the goodbye"
        sock.shutdown(socket.SHUT_WR)
        pipe.flow()
        assert server.wait() == 0, server.log_text()
    assert [json.loads(line)["fields"]["n"] for line in pipe.records()] == list(range(whole))
    assert "tail_deadline" not in server.ledger().listener()["discarded_bytes"]


def test_a_sink_that_drops_ends_the_connection(penstock):
    check_undelivered(penstock, Forward(), "tcp4")


@pytest.mark.parametrize("scheme", ["udp4", "udp6"])
def test_heartbeat(penstock, scheme):
    server = penstock(listener(Forward(), scheme))
    with server.address(scheme).connect(timeout=30) as sock:
        for _ in range(3):
            sock.send(b"\0")
            assert sock.recv(100) == b"\0"
        sock.send(b"x")  # no heartbeat: counted, not answered
        sock.send(b"\0")
        assert sock.recv(100) == b"\0"
    server.stop()
    assert server.ledger().listener()["rejected"] == {"malformed": 1}


def fields(server, count: int) -> list:
    records = [json.loads(line) for line in server.wait_records(count)]
    assert all(record["tag"] == "node.app" and record["timestamp"] for record in records)
    return [record["fields"] for record in records]


def place(address) -> dict:
    return {"path": address.path} if address.is_unix else {"host": address.host, "port": address.port}


@pytest.mark.parametrize("mode", ["Message", "Forward", "PackedForward", "CompressedPackedForward"])
@pytest.mark.parametrize("scheme", STREAMS)
def test_fluent_org_logger_with_acknowledgements(penstock, scheme, mode):
    server = penstock(listener(Forward(), scheme), SYNCED)
    send("@fluent-org/logger", scheme, 0, 1000, socket=place(server.address(scheme)), eventMode=mode, ack=ACK)
    assert_as_sent(fields(server, 1000), 1000)
    server.stop()
    assert server.ledger().listener()["rejected"] == {}


@pytest.fixture
def secrets(workdir):
    (workdir / "key").write_text(KEY + "\n")
    (workdir / "users").write_text("# who may send\nsomebody:else\nnode:its password\n")
    return {"shared_key_file": str(workdir / "key"), "server_name": "penstock.test"}


@pytest.mark.parametrize("users", [False, True], ids=["key", "users"])
def test_fluent_org_logger_with_a_shared_key(penstock, workdir, secrets, users):
    if users:
        secrets["users_file"] = str(workdir / "users")
    server = penstock(listener(Forward(), "tcp4", forward=secrets), SYNCED)
    who = {"username": "node", "password": "its password"} if users else {}
    send("@fluent-org/logger", "tcp4", 0, 1000, socket=place(server.address()), ack=ACK,
         security={"clientHostname": "client.test", "sharedKey": KEY, **who})
    assert_as_sent(fields(server, 1000), 1000)
    server.stop()
    assert server.ledger().listener()["rejected"] == {}


@pytest.mark.parametrize("scheme", STREAMS)
def test_fluent_logger(penstock, scheme):
    server = penstock(listener(Forward(), scheme), SYNCED)
    send("fluent-logger", scheme, 0, 1000, requireAckResponse=True, **place(server.address(scheme)))
    assert_as_sent(fields(server, 1000), 1000)
    server.stop()


def test_fluent_logger_with_a_shared_key(penstock, secrets):
    server = penstock(listener(Forward(), "tcp4", forward=secrets), SYNCED)
    send("fluent-logger", "tcp4", 0, 1000, security={"clientHostname": "client.test", "sharedKey": KEY},
         **place(server.address()))
    assert_as_sent(fields(server, 1000), 1000)
    server.stop()


def test_a_wrong_key_is_refused(penstock, secrets):
    server = penstock(listener(Forward(), "tcp4", forward=secrets), SYNCED)
    with server.address().connect(timeout=30) as sock:
        helo = sock.recv(65536)
        assert helo.startswith(b"\x92\xa4HELO\x83\xa5nonce\xc4\x10")
        nonce, salt = helo[helo.index(b"\xc4\x10") + 2:][:16], os.urandom(16)
        digest = hashlib.sha512(salt + b"client" + nonce + b"wrong").hexdigest()
        sock.sendall(b"\x96" + pack("PING") + pack("client") + pack(salt) + pack(digest) + pack("") + pack("")
                     + Forward().window(0))
        answer = b""
        while data := sock.recv(65536):
            answer += data
    assert answer.startswith(b"\x95\xa4PONG\xc2")
    with server.address().connect(timeout=30) as sock:  # no PING at all
        assert sock.recv(65536).startswith(b"\x92\xa4HELO")
        sock.sendall(Forward().window(0))
        assert sock.recv(65536) == b""
    server.wait_log("handshake failed, closing.*another shared key")
    server.stop()
    assert server.records() == []
    assert KEY not in server.log_text()


def test_a_key_file_that_is_missing_ends_the_start(penstock, workdir):
    server = penstock(listener(Forward(), "tcp4", forward={"shared_key_file": str(workdir / "none")}), start=False)
    server.spawn()
    assert server.wait() != 0
    assert server.log_has("shared_key_file")


def test_what_fluentd_sends_by_default_fits(penstock):
    """A full chunk of 8 MiB, and one that compresses well."""
    server = penstock(listener(Forward(), "tcp4"), {**SYNCED, "encoding": "raw"})
    entry = pack([1441588984, {"x": os.urandom(25_000).hex() + "x" * (1 << 20)}])
    full = pack(["t", pack([1441588984, {"x": "x" * ((8 << 20) - 21)}]), {"size": 1, "chunk": "full"}])
    assert len(full) > 8 << 20
    packed = gzip.compress(entry * 20, 1)
    with server.address().connect(timeout=PATIENCE) as sock:
        for message in full, pack(["t", packed, {"compressed": "gzip", "chunk": "gzip"}]):
            sock.sendall(message)
            assert b"ack" in sock.recv(65536)
    server.stop()
    assert server.ledger().listener()["decoded"] == 21


def test_a_limit_is_named_in_the_log(penstock):
    server = penstock(listener(Forward(), "tcp4"), SYNCED)
    with server.address().connect(timeout=PATIENCE) as sock:
        sock.sendall(pack(["t", BOMB, {"compressed": "gzip", "chunk": "id"}]))
        assert sock.recv(65536) == b""
    server.wait_log("stream over a limit, closing.*forward.max_decompressed_ratio")
    server.stop()


BOMB = gzip.compress(b"\0" * (64 << 20))


@pytest.mark.parametrize("bytes_", [
    b"\xc1",
    b"\xdd\xff\xff\xff\xff",
    b"\x92\xdb\xff\xff\xff\xff",
    b"\x93\xa1t\x01\xdf\xff\xff\xff\xff",
    b"\x93\xa1t\x01\x81\xa1k" + b"\x91" * 100_000,
    pack(["t", BOMB, {"compressed": "gzip", "chunk": "id"}]),
    b'{"tag":"json"}\n',
], ids=["c1", "array-4GiB", "text-4GiB", "map-4GiB", "nested", "bomb", "json"])
def test_malformed(penstock, bytes_):
    """The connection ends without an answer, memory stays, and a good record on another connection arrives."""
    server = penstock(listener(Forward(), "tcp4"), SYNCED)
    before = server.memory_bytes()
    for _ in range(20):
        with server.address().connect(timeout=30) as sock:
            sock.sendall(bytes_)
            assert sock.recv(65536) == b""
    assert sanitized() or server.memory_bytes() - before < 64 << 20
    with server.address().connect(timeout=30) as sock:
        sock.sendall(Forward().window(7))
        assert b"ack" in sock.recv(65536)
    server.stop()
    assert len(server.records()) == 1
    assert sum(server.ledger().listener()["rejected"].values()) == 20
