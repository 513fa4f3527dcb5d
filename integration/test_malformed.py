"""Malformed input of the kinds known from published vulnerabilities of such listeners, for each protocol that each concerns. After
it the process lives, its memory is what it was, the counter that is named has moved, nothing was acknowledged, and a good record on
a new connection arrives."""

import gzip
import pickle
import re
import socket
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from support.acked import SYNCED, Forward, Lumberjack, Relp, acknowledged, pack
from support.address import any_url
from support.clients import send_packets
from support.settings import PATIENCE, sanitized
from support.wait import wait_until

TURNS = 20
GROWTH_BYTES = 32 << 20       # of resident memory, and of its peak
PIECE_BYTES = 1000            # what a client writes at a time
LONG_BYTES = 300_000          # a frame of which at most 64 KiB are allowed
BOMB = b" " * (64 << 20)
WRAPS_32, WRAPS_64 = b"%d" % (2**32 + 3), b"%d" % (2**64 + 3)
ENDLESS = b"9" * 5000
ARABIC = "١٣".encode()        # the digits of 13
SECOND = 1700000000
STREAM, DATAGRAM = "tcp4", "unixgram"


def u32(value: int) -> bytes:
    return struct.pack(">I", value)


MOST = u32(0xFFFFFFFF)


def pickled(body: bytes) -> bytes:
    return u32(len(body)) + body


def part(kind: int, body: bytes, size: int = None) -> bytes:
    return struct.pack(">HH", kind, len(body) + 4 if size is None else size) + body


def lumberjack_compressed(frames: bytes) -> bytes:
    packed = zlib.compress(frames)
    return b"2C" + u32(len(packed)) + packed


def chunk(identity: int, at: int, count: int, body: bytes) -> bytes:
    return b"\x1e\x0f" + struct.pack(">QBB", identity, at, count) + body


# A value of collectd
HEAD = part(0, b"web1\0") + part(2, b"good\0")
GAUGE = HEAD + part(4, b"gauge\0") + part(6, struct.pack(">HB", 1, 1) + struct.pack("<d", 1.5))
RELP, LUMBERJACK, FORWARD = Relp(), Lumberjack(), Forward()

# What a good client sends, and what the file has then.
GOOD = {
    "syslog": (b"<13>good\n", b"good"),
    "json": (b'{"message":"good"}\n', b"good"),
    "statsd": (b"good:1|c\n", b"good"),
    "influx": (b"good v=1\n", b"good"),
    "graphite": (b"good 1 1700000000\n", b"good"),
    "opentsdb": (b"put good 1700000000 1 host=web1\n", b"good"),
    "graphite_pickle": (pickled(pickle.dumps([("good", (SECOND, 1))], 2)), b"good"),
    "gelf": (b'{"version":"1.1","host":"web1","short_message":"good"}\0', b"good"),
    "collectd": (GAUGE, b"good"),
    "relp": (RELP.greeting() + RELP.window(1), b"hello"),
    "lumberjack": (LUMBERJACK.window(1), b"hello"),
    "forward": (FORWARD.window(1), b"hello"),
    "raw": (b"good\n", b"good"),
}
ACKNOWLEDGING = {"relp": RELP, "lumberjack": LUMBERJACK, "forward": FORWARD}


@dataclass
class Case:
    """`sent` is one stream's bytes, or datagrams. `moved` are the counters of the ledger by which it shows, and by how much each time:
    a reason of rejection, a column (`unparsed`, `truncated`, or `events` where the protocol has room for it), or bytes that were
    discarded for a reason."""

    protocol: str
    kind: str
    sent: object
    moved: dict
    options: dict = field(default_factory=dict)

    def __str__(self):
        return f"{self.protocol}-{self.kind}".replace(" ", "-")

    @property
    def scheme(self) -> str:
        return STREAM if isinstance(self.sent, bytes) else DATAGRAM


def cuts(message: bytes, first: int, last: int) -> list:
    return [message[:at] for at in range(first, last)]


RFC5424 = b"<13>1 2026-01-02T03:04:05.678901+01:00 web1 app - - - text"
RFC3164 = b"<13>Jan 12 13:14:15 web1 app: text"
UNPARSED = {"unparsed": 1}
MALFORMED = {"malformed": 1}
OVERSIZE = {"oversize": 1}
TRUNCATED = {"truncated": 1}
SHORT_FRAMES = {"max_frame_bytes": "64KiB"}
OCTETS = {"framing": "octet_counted"}


def lines(frames: list) -> bytes:
    return b"".join(frame + b"\n" for frame in frames)


CASES = [
    # Digits without end, in a count and elsewhere
    Case("raw", "count without end", ENDLESS, MALFORMED, OCTETS),
    Case("syslog", "count without end", b"9" * LONG_BYTES + b"\n", TRUNCATED),
    Case("syslog", "octet count without end", ENDLESS, MALFORMED, OCTETS),
    Case("relp", "number without end", RELP.greeting() + ENDLESS, MALFORMED),
    Case("relp", "count without end", RELP.greeting() + b"2 syslog " + ENDLESS, MALFORMED),
    Case("statsd", "event length without end", b"_e{" + ENDLESS + b",1}:a|b\n", UNPARSED),
    Case("statsd", "value without end", b"a:" + ENDLESS + b"e9|c\n", UNPARSED),
    Case("influx", "integer without end", b"m v=" + ENDLESS + b"i\n", UNPARSED),
    Case("graphite", "time without end", b"a 1 " + ENDLESS + b"\n", UNPARSED),
    Case("opentsdb", "time without end", b"put a " + ENDLESS + b" 1 host=a\n", UNPARSED),
    # Counts that wrap
    *[Case("raw", f"count wraps {bits}", count + b" abc", MALFORMED, OCTETS) for bits, count in ((32, WRAPS_32), (64, WRAPS_64))],
    *[Case("syslog", f"count wraps {bits}", count + b" abc", MALFORMED, OCTETS) for bits, count in ((32, WRAPS_32), (64, WRAPS_64))],
    *[Case("relp", f"count wraps {bits}", RELP.greeting() + b"2 syslog " + count + b" abc\n", MALFORMED)
      for bits, count in ((32, WRAPS_32), (64, WRAPS_64))],
    *[Case("statsd", f"event length wraps {bits}", b"_e{" + count + b",1}:abc|d\n", UNPARSED) for bits, count in ((32, WRAPS_32), (64, WRAPS_64))],
    *[Case("influx", f"integer wraps {bits}", b"m v=" + count + b"i\n", moved) for bits, count, moved in
      ((32, WRAPS_32, {"events": 1}), (64, WRAPS_64, UNPARSED))],
    # A frame that is too long, over many reads
    *[Case(protocol, "long frame", b"x" * LONG_BYTES + end, TRUNCATED) for protocol, end in (
        ("raw", b"\n"), ("syslog", b"\n"), ("statsd", b"\n"), ("influx", b"\n"), ("graphite", b"\n"), ("opentsdb", b"\n"))],
    Case("gelf", "long frame", b"x" * LONG_BYTES + b"\0", TRUNCATED, SHORT_FRAMES),
    Case("json", "long frame", b'"' + b"x" * LONG_BYTES + b'"\n', TRUNCATED),
    Case("graphite_pickle", "long frame", pickled(b"x" * LONG_BYTES), TRUNCATED, SHORT_FRAMES),
    Case("relp", "long frame", RELP.greeting() + b"2 syslog %d " % LONG_BYTES + b"x" * LONG_BYTES + b"\n", OVERSIZE,
         {**SHORT_FRAMES, "oversize": "close"}),
    Case("lumberjack", "long frame", b"2W" + u32(1) + b"2J" + u32(1) + u32(LONG_BYTES) + b'"' + b"x" * LONG_BYTES, OVERSIZE, SHORT_FRAMES),
    Case("forward", "long frame", pack(["t", 1, {"k": "x" * LONG_BYTES}]), OVERSIZE, SHORT_FRAMES),
    # Times that end early, at each byte
    Case("syslog", "RFC 5424 time cut", lines(cuts(RFC5424, 11, 38)), {"unparsed": 27}),
    Case("syslog", "RFC 5424 time cut, datagrams", cuts(RFC5424, 11, 38), {"unparsed": 27}),
    Case("syslog", "RFC 5424 year cut: a text that begins with 1", lines(cuts(RFC5424, 6, 11)), {"events": 5}),
    Case("syslog", "RFC 3164 time cut", lines(cuts(RFC3164, 4, 19)), {"events": 15}),
    Case("syslog", "RFC 3164 time cut, datagrams", cuts(RFC3164, 4, 19), {"events": 15}),
    *[Case("forward", f"event time cut at {at}", b"\x93\xa1t" + (b"\xd7\0" + u32(SECOND) + u32(1))[:at], {"tail_fin": 1}) for at in range(1, 10)],
    Case("collectd", "time cut", [part(0, b"web1\0") + part(8, struct.pack(">Q", SECOND << 30))[:at] for at in range(1, 12)], {"unparsed": 11}),
    # Structured data that nobody closes
    *[Case("syslog", f"open structured data {n}", b"<13>1 - - - - - " + text + b"\n", UNPARSED)
      for n, text in enumerate([b"[", b"[a", b"[a b", b'[a b="', b'[a b="c', b'[a b="c\\"', b'[a b="c"', b'[a b="c" ' * 3000])],
    # Priorities
    *[Case("syslog", f"priority {text.decode()}", b"<" + text + b">1 - - - - - - text\n", UNPARSED)
      for text in (b"192", b"999", b"4294967309", b"18446744073709551629", b"013")],
    # Digits of other scripts
    Case("syslog", "digits of Arabic in the priority", b"<" + ARABIC + b">1 - - - - - - text\n", {"events": 1}),
    Case("syslog", "digits of Arabic in the version", b"<13>1" + ARABIC + b" 2026-01-02T03:04:05Z - - - - - text\n", {"events": 1}),
    Case("syslog", "digits of Arabic in the time", b"<13>1 2026-01-" + ARABIC + b"T03:04:05Z - - - - - text\n", UNPARSED),
    Case("raw", "digits of Arabic in the count", ARABIC + b" " + b"x" * 13, MALFORMED, OCTETS),
    Case("relp", "digits of Arabic in the count", RELP.greeting() + b"2 syslog " + ARABIC + b" " + b"x" * 13 + b"\n", MALFORMED),
    Case("statsd", "digits of Arabic", b"a:" + ARABIC + b"|c\n", UNPARSED),
    Case("influx", "digits of Arabic", b"m v=" + ARABIC + b"\n", UNPARSED),
    Case("graphite", "digits of Arabic", b"a " + ARABIC + b" 1700000000\n", UNPARSED),
    Case("opentsdb", "digits of Arabic", b"put a 1700000000 " + ARABIC + b" host=a\n", UNPARSED),
    Case("json", "digits of Arabic", b'{"n":' + ARABIC + b"}\n", UNPARSED),
    # Sample rates
    *[Case("statsd", f"sample rate {rate.decode()}", b"a:1|c|@" + rate + b"\n", UNPARSED) for rate in (b"0", b"0.0", b"-0", b"0e5", b"1e-999", b"nan")],
    # GELF's chunks
    Case("gelf", "chunk flood", [chunk(n, 0, 2, b"x" * 1000) for n in range(200)], {"partial_budget": 150},
         {"gelf.max_chunk_sets": 50, "gelf.max_chunk_bytes": "1MiB"}),
    Case("gelf", "chunks that conflict", [chunk(1, 0, 2, b"a"), chunk(1, 1, 3, b"b")], MALFORMED),
    Case("gelf", "chunks that cannot be", [chunk(1, 0, 0, b"x"), chunk(1, 0, 129, b"x"), chunk(1, 5, 5, b"x"), b"\x1e\x0f"], {"malformed": 4}),
    # Bombs
    *[Case("gelf", f"{name} bomb", [compress(b'{"short_message":"' + BOMB + b'"}')], {"decompress_limit": 1})
      for name, compress in (("zlib", zlib.compress), ("gzip", gzip.compress))],
    *[Case("raw", f"{name} bomb", compress(BOMB), {"discarded decompress_limit": 1}, {"content_encoding": name})
      for name, compress in (("zlib", zlib.compress), ("gzip", gzip.compress))],
    Case("syslog", "zlib bomb", [b"z" + zlib.compress(b"<13>" + BOMB)], {"decompress_limit": 1}),
    Case("lumberjack", "zlib bomb", b"2W" + u32(1) + lumberjack_compressed(BOMB), {"decompress_limit": 1}),
    Case("forward", "gzip bomb", pack(["t", gzip.compress(BOMB), {"compressed": "gzip", "chunk": "id"}]), {"decompress_limit": 1}),
    # MessagePack
    *[Case("forward", f"{name} of 4 GiB", bytes_ + MOST + b"\0", OVERSIZE) for name, bytes_ in (
        ("array", b"\xdd"), ("text", b"\x92\xdb"), ("binary", b"\x92\xa1t\xc6"), ("map", b"\x93\xa1t\x01\xdf"), ("extension", b"\x93\xa1t\xc9"))],
    *[Case("forward", f"{name} nested 100,000 times", b"\x93\xa1t\x01\x81\xa1k" + bytes_ * 100_000, MALFORMED)
      for name, bytes_ in (("arrays", b"\x91"), ("maps", b"\x81\xa1k"))],
    *[Case("json", f"{name} nested 100,000 times", bytes_ * 100_000 + b"\n", UNPARSED, {"max_frame_bytes": "1MiB"})
      for name, bytes_ in (("arrays", b"["), ("objects", b'{"a":'))],
    Case("gelf", "arrays nested 100,000 times", b"[" * 100_000 + b"\0", UNPARSED, {"max_frame_bytes": "1MiB"}),
    Case("lumberjack", "arrays nested 100,000 times", b"2W" + u32(1) + b"2J" + u32(1) + u32(100_000) + b"[" * 100_000, UNPARSED,
         {"max_frame_bytes": "1MiB"}),
    # Lumberjack
    Case("lumberjack", "compressed in compressed", b"2W" + u32(1) + lumberjack_compressed(lumberjack_compressed(LUMBERJACK.window(1)[6:])), MALFORMED),
    *[Case("lumberjack", f"{name} of 4 GiB", bytes_ + MOST, moved) for name, bytes_, moved in (
        ("window", b"2W", MALFORMED), ("event", b"2W" + u32(1) + b"2J" + u32(1), OVERSIZE),
        ("compressed frame", b"2W" + u32(1) + b"2C", OVERSIZE), ("number of pairs", b"2W" + u32(1) + b"2D" + u32(1), OVERSIZE),
        ("key", b"2W" + u32(1) + b"2D" + u32(1) + u32(1), OVERSIZE))],
    # Pickles
    Case("graphite_pickle", "global", pickled(b"cos\nsystem\n(S'true'\ntR."), UNPARSED),
    Case("graphite_pickle", "stack global", pickled(b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R."), UNPARSED),
    Case("graphite_pickle", "length of 4 GiB", MOST + b"x", UNPARSED),
    # collectd
    Case("collectd", "part of length 0", [HEAD + part(kind, b"", size=0) + GAUGE for kind in (0, 4, 6, 0x210)], {"unparsed": 4}),
    Case("collectd", "part of length 3", [part(0, b"", size=3) + GAUGE], UNPARSED),
    Case("collectd", "part of 64 KiB", [part(0, b"x", size=65535)], UNPARSED),
    Case("collectd", "65,535 values", [part(6, b"\xff\xff" + b"\1" * 9)], UNPARSED),
]


def peak_bytes(server) -> int:
    return int(re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{server.pid}/status").read_text())[1]) << 10


def converse(address, data: bytes) -> bytes:
    """Writes in pieces, until the server has ended the connection, or all is written; gives all that it answered."""
    answers = b""
    with address.connect(PATIENCE) as sock:
        try:
            for at in range(0, len(data), PIECE_BYTES):
                sock.sendall(data[at: at + PIECE_BYTES])
            sock.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass
        try:
            while answer := sock.recv(65536):
                answers += answer
        except ConnectionResetError:
            pass
    return answers


def send_good(server, case: Case, count: int):
    """On a new connection; `count` good ones are in the file then."""
    data, mark = GOOD[case.protocol]
    if case.protocol == "raw" or case.options == OCTETS:
        coding = case.options.get("content_encoding")
        data = b"4 good" if case.options == OCTETS else {"zlib": zlib.compress, "gzip": gzip.compress, None: bytes}[coding](b"good\n")
    if case.scheme == DATAGRAM:
        send_packets(server.address(), [data.rstrip(b"\n\0")])
        wait_until(lambda: goods(server, mark) >= count, lambda: f"the good record:\n{server.log_text()}")
        return
    acks = ACKNOWLEDGING.get(case.protocol)
    answers = converse(server.address(), data)
    assert acks is None or acknowledged(acks, answers) == 1, answers
    wait_until(lambda: goods(server, mark) >= count, lambda: f"the good record:\n{server.log_text()}")


def goods(server, mark: bytes) -> int:
    return sum(mark in record for record in server.records())


@pytest.mark.parametrize("case", CASES, ids=str)
def test_malformed(penstock, case):
    server = penstock({"listen": any_url(case.scheme), "protocol": case.protocol, **case.options}, SYNCED)
    send_good(server, case, 1)
    before, peak = server.memory_bytes(), peak_bytes(server)
    for _ in range(TURNS):
        if case.scheme == DATAGRAM:
            send_packets(server.address(), case.sent)
            continue
        answers = converse(server.address(), case.sent)
        if case.protocol in ACKNOWLEDGING:
            taken = case.moved.get("unparsed", 0)
            assert acknowledged(ACKNOWLEDGING[case.protocol], answers) == taken, "acknowledged what it did not take"
    send_good(server, case, 2)
    if not sanitized():
        assert server.memory_bytes() - before < GROWTH_BYTES
        assert peak_bytes(server) - peak < GROWTH_BYTES
    server.stop()
    row = server.ledger().listener()
    counts = {"unparsed": row["unparsed"], "truncated": row["truncated"], "events": row["events"] - 2 - row["unparsed"],
              **row["rejected"], **{f"discarded {reason}": size for reason, size in row["discarded_bytes"].items()}}
    for name, each in case.moved.items():
        assert counts.get(name, 0) >= TURNS * each, f"{name}: {row}"
