"""Senders of the protocols that acknowledge, byte by byte, and what must hold for each of them.

A window is what one acknowledgement stands for: one message of RELP, one window of Lumberjack, one chunk of Forward. Its
records carry numbers.
"""

import json
import socket
import struct
import threading
import time
import zlib

from .address import any_url
from .settings import PATIENCE
from .stalled import StalledPipe
from .wait import wait_until


class Relp:
    """`TXNR SP COMMAND SP LEN SP DATA LF`, a window each message."""

    name = "relp"
    answers_greeting = True

    def greeting(self) -> bytes:
        return self._frame(1, "open", b"relp_version=0\nrelp_software=test\ncommands=syslog")

    def window(self, number: int, padding: int = 0) -> bytes:
        text = f"<13>1 2026-11-29T20:00:00Z web1 app {number} - - hello " + "x" * padding
        return self._frame(number + 2, "syslog", text.encode())

    @staticmethod
    def _frame(txnr: int, command: str, data: bytes) -> bytes:
        return f"{txnr} {command} {len(data)} ".encode() + data + b"\n"

    def take_ack(self, answers: bytes):
        """How many bytes the first answer takes, and whether it is an acknowledgement; None: it is not whole."""
        head = answers.split(b" ", 3)
        if len(head) < 4 or not head[2].isdigit():
            return None
        size = sum(len(part) + 1 for part in head[:3]) + int(head[2]) + 1
        return None if len(answers) < size else (size, head[3].startswith(b"200 OK\n") and head[0] != b"1")

    def number_of(self, record: dict) -> int:
        assert record["host"] == "web1" and record["app"] == "app" and record["message"].startswith("hello ")
        return int(record["procid"])


class Lumberjack:
    """Version 2, a window of one event, compressed where asked for."""

    name = "lumberjack"
    answers_greeting = False

    def __init__(self, compressed: bool = False):
        self.compressed = compressed

    def greeting(self) -> bytes:
        return b""

    def window(self, number: int, padding: int = 0) -> bytes:
        event = json.dumps({"message": "hello", "n": number, "x": "x" * padding}).encode()
        frame = b"2J" + struct.pack(">II", 1, len(event)) + event
        if self.compressed:
            packed = zlib.compress(frame)
            frame = b"2C" + struct.pack(">I", len(packed)) + packed
        return b"2W" + struct.pack(">I", 1) + frame

    def take_ack(self, answers: bytes):
        if len(answers) < 6:
            return None
        assert answers[:2] == b"2A", answers[:6]
        return 6, answers[2:6] != b"\0\0\0\0"  # ACK 0 only says that it takes longer

    def number_of(self, record: dict) -> int:
        assert record["message"] == "hello"
        return record["fields"]["n"]


def pack(value) -> bytes:
    """MessagePack of what the tests send."""
    if isinstance(value, dict):
        return bytes([0x80 | len(value)]) + b"".join(pack(k) + pack(v) for k, v in value.items())
    if isinstance(value, list):
        return bytes([0x90 | len(value)]) + b"".join(map(pack, value))
    if isinstance(value, bytes):
        return b"\xc6" + struct.pack(">I", len(value)) + value
    if isinstance(value, int):
        return b"\xce" + struct.pack(">I", value)
    return b"\xdb" + struct.pack(">I", len(value.encode())) + value.encode()


class Forward:
    """PackedForward with a chunk."""

    name = "forward"
    answers_greeting = False

    def greeting(self) -> bytes:
        return b""

    def window(self, number: int, padding: int = 0) -> bytes:
        entry = pack([1441588984, {"message": "hello", "n": number, "x": "x" * padding}])
        return pack(["test.tag", entry, {"size": 1, "chunk": f"{number:012d}"}])

    def take_ack(self, answers: bytes):
        size = len(pack({"ack": ""}).replace(b"\xdb\0\0\0\3ack", b"\xa3ack")) + 12
        head = b"\x81\xa3ack\xdb\0\0\0\x0c"
        if len(answers) < size:
            return None
        assert answers.startswith(head), answers[:size]
        return size, True

    def number_of(self, record: dict) -> int:
        assert record["tag"] == "test.tag" and record["fields"]["message"] == "hello"
        return record["fields"]["n"]


class AckedSender(threading.Thread):
    """Sends windows `first`, `first` + 1, ... as long as at most `outstanding` are not acknowledged, until it has sent `count`
    or the server ends the connection. `acked` windows are acknowledged: the first ones."""

    def __init__(self, protocol, address, outstanding: int = 8, count: int = 1 << 30, first: int = 0, padding: int = 0):
        super().__init__(daemon=True)
        self.protocol, self.count = protocol, count
        self._first, self._padding = first, padding
        self._outstanding = outstanding
        self._sock = address.connect()
        self._sock.settimeout(PATIENCE)
        self._changed = threading.Condition()
        self.sent = self.acked = 0
        self.closed = False
        self.error = None
        threading.Thread(target=self._read, daemon=True).start()

    def run(self):
        try:
            self._sock.sendall(self.protocol.greeting())
            while self.sent < self.count:
                with self._changed:
                    self._changed.wait_for(lambda: self.closed or self.sent - self.acked < self._outstanding)
                    if self.closed:
                        return
                number, self.sent = self.sent, self.sent + 1
                self._sock.sendall(self.protocol.window(self._first + number, self._padding))
        except OSError as error:
            self.error = error

    def _read(self):
        answers = b""
        try:
            while data := self._sock.recv(65536):
                answers += data
                while taken := self.protocol.take_ack(answers):
                    answers = answers[taken[0]:]
                    with self._changed:
                        self.acked += taken[1]
                        self._changed.notify_all()
        except OSError as error:
            self.error = error
        with self._changed:
            self.closed = True
            self._changed.notify_all()

    def enough(self):
        """Sends no more; `sent` stays from here on."""
        self.count = 0
        self.join(PATIENCE)
        assert not self.is_alive(), (self.sent, self.acked, self.error)

    def wait_acked(self, count: int):
        with self._changed:
            assert self._changed.wait_for(lambda: self.acked >= count or self.closed, PATIENCE), self.acked
        assert self.acked >= count, (self.acked, self.error)

    def wait_closed(self):
        with self._changed:
            assert self._changed.wait_for(lambda: self.closed, PATIENCE), "the connection is still open"

    def close(self):
        self._sock.close()


def numbers(protocol, lines: list) -> list:
    return [protocol.number_of(json.loads(line)) for line in lines]


def listener(protocol, scheme: str, **more) -> dict:
    return {"listen": any_url(scheme), "protocol": protocol.name, **more}


SYNCED = {"encoding": "json", "sync": "always"}


def check_all_acknowledged(penstock, protocol, scheme: str, count: int = 1000):
    """Each record once and in order, each window acknowledged."""
    server = penstock(listener(protocol, scheme), SYNCED)
    sender = AckedSender(protocol, server.address(scheme), outstanding=64, count=count)
    sender.start()
    sender.wait_acked(count)
    assert numbers(protocol, server.records()) == list(range(count)), "acknowledged is what the file has"
    sender.close()
    server.stop()


def check_nothing_before_delivery(penstock, protocol, scheme: str):
    """The sink stands still: what is read is not acknowledged; when it goes on, it is."""
    pipe = StalledPipe(pipe_bytes=4096)
    server = penstock(listener(protocol, scheme), {"type": "stdout", "encoding": "json"}, stdout=pipe.write_end)
    pipe.started()
    with server.address(scheme).connect() as sock:
        sock.settimeout(PATIENCE)
        sock.sendall(protocol.greeting())
        if protocol.answers_greeting:
            sock.recv(65536)
        sock.sendall(protocol.window(0, padding=20000) + protocol.window(1))
        wait_until(lambda: server.admin.listener()["events"] == 2, lambda: f"both are read: {server.admin.listener()}")
        sock.setblocking(False)
        answers = b""
        try:
            answers = sock.recv(65536)
        except BlockingIOError:
            pass
        assert not acknowledged(protocol, answers), "acknowledged before its sink had it"
        sock.settimeout(PATIENCE)
        pipe.flow()
        while acknowledged(protocol, answers) < 2:
            answers += sock.recv(65536)
    server.stop()
    assert numbers(protocol, pipe.records()) == [0, 1]


def acknowledged(protocol, answers: bytes) -> int:
    count = 0
    while taken := protocol.take_ack(answers):
        answers = answers[taken[0]:]
        count += taken[1]
    return count


def check_stop_under_load(penstock, protocol, scheme: str):
    """What is delivered is acknowledged, and what is acknowledged is delivered: no sender sends a record twice, and none
    is lost."""
    server = penstock(listener(protocol, scheme), SYNCED)
    senders = [AckedSender(protocol, server.address(scheme), outstanding) for outstanding in (1, 8, 64)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.wait_acked(50)
    server.stop()
    for sender in senders:
        sender.wait_closed()
    delivered = numbers(protocol, server.records())
    expected = [number for sender in senders for number in range(sender.acked)]
    assert sorted(delivered) == sorted(expected)


def check_undelivered(penstock, protocol, scheme: str):
    """A required sink that drops: no acknowledgement, and the connection ends."""
    pipe = StalledPipe(pipe_bytes=4096)
    server = penstock(listener(protocol, scheme),
                      {"type": "stdout", "encoding": "json", "queue": {"max_bytes": "64KiB", "when_full": "drop_newest"}},
                      stdout=pipe.write_end, server={"flush_timeout": "100ms"})
    pipe.started()
    sender = AckedSender(protocol, server.address(scheme), outstanding=5000)
    sender.start()
    wait_until(lambda: server.admin.status()["routes"][0]["lost"].get("queue_full"), "records to be dropped")
    pipe.flow()  # what came before them is delivered now
    sender.wait_closed()
    server.stop(expect=None)
    first = numbers(protocol, pipe.records())
    assert first[:sender.acked] == list(range(sender.acked)), "what is acknowledged is there"
    assert sender.acked < sender.sent
