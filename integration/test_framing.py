"""Streams into records: every framing over every stream scheme, cut anywhere, whole or broken."""

import socket

import pytest

from support.address import STREAMS, any_url
from support.clients import send_stream
from support.records import assert_all_once, record
from support.settings import length, sanitized
from support.wait import wait_until

over_streams = pytest.mark.parametrize("scheme", STREAMS)


def run(penstock, scheme, data, pieces=0, sink=None, **listener):
    """Sends `data` over one connection to a server with that listener, stops it, gives it back."""
    server = penstock({"listen": any_url(scheme), **listener}, sink or {})
    send_stream(server.address(scheme), data, pieces)
    server.stop()
    return server


@over_streams
@pytest.mark.parametrize("pieces", [0, 1, 3])
@pytest.mark.parametrize("framing, data, expected", [
    ("newline", b"a\nbb\r\n\n\xff\x00c\n", [b"a", b"bb", b"\xff\x00c"]),
    ("nul", b"a\0bb\r\0\0c", [b"a", b"bb\r", b"c"]),
    ("octet_counted", b"1 a2 bb10 <13>1 - -\r", [b"a", b"bb", b"<13>1 - -\r"]),
    ("syslog_auto", b"<13>one\n3 two<13>three\n2024-01-01 line\n",
     [b"<13>one", b"two", b"<13>three", b"2024-01-01 line"]),
], ids=["newline", "nul", "octet_counted", "syslog_auto"])
def test_the_same_bytes_give_the_same_records(penstock, scheme, pieces, framing, data, expected):
    server = run(penstock, scheme, data, pieces, framing=framing)
    assert server.records() == expected
    ledger = server.ledger().listener()
    assert ledger["read_bytes"] == len(data)
    assert ledger["events"] == len(expected)


@over_streams
def test_last_line_without_delimiter_is_delivered_at_fin(penstock, scheme):
    server = run(penstock, scheme, b"whole\nhalf")
    assert server.records() == [b"whole", b"half"]
    assert server.ledger().listener()["partial"] == 1


@pytest.mark.parametrize("tail, delivered, quarantined", [
    ("auto", [b"whole", b"half"], 0), ("deliver", [b"whole", b"half"], 0),
    ("quarantine", [b"whole"], 1), ("drop", [b"whole"], 0)])
def test_tail_policy_at_fin(penstock, tail, delivered, quarantined):
    server = run(penstock, "tcp4", b"whole\nhalf", tail=tail)
    assert server.records() == delivered
    entries = server.quarantined()
    assert len(entries) == quarantined
    for entry in entries:
        assert entry["reason"] == "tail_fin"
        assert entry["listener"] == "in"
        assert entry["bytes"] == "aGFsZg=="


@over_streams
@pytest.mark.parametrize("oversize", ["truncate", "drop", "close"])
def test_oversize_frame(penstock, scheme, oversize):
    server = penstock({"listen": any_url(scheme), "max_frame_bytes": 100, "oversize": oversize})
    with server.address(scheme).connect() as sock:
        sock.sendall(b"before\n" + b"L" * 1000 + b"\nafter\n")
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(1) == b""
    server.stop()
    ledger = server.ledger().listener()
    if oversize == "truncate":
        assert server.records() == [b"before", b"L" * 100, b"after"]
        assert (ledger["truncated"], ledger["cut_bytes"]) == (1, 900)
    elif oversize == "drop":
        assert server.records() == [b"before", b"after"]
        assert ledger["rejected"]["oversize"] == 1
    else:
        assert server.records() == [b"before"]
        assert ledger["rejected"]["oversize"] == 1


@over_streams
def test_frame_of_exactly_the_maximum_is_whole(penstock, scheme):
    server = run(penstock, scheme, b"M" * 100 + b"\n" + b"N" * 100 + b"\r\n", pieces=7, max_frame_bytes=100)
    assert server.records() == [b"M" * 100, b"N" * 100]
    assert server.ledger().listener()["truncated"] == 0


@over_streams
@pytest.mark.parametrize("framing, data", [("octet_counted", b"3 abcxyz"), ("octet_counted", b"03 abc"),
                                           ("octet_counted", b"99999999999999999999 a"), ("octet_counted", b"-1 a")])
def test_malformed_counts_close_the_connection(netns, penstock, scheme, framing, data):
    server = penstock({"listen": any_url(scheme), "framing": framing})
    with server.address(scheme).connect() as sock:
        sock.sendall(data)
        assert sock.recv(1) == b""  # FIN, although we did not end our side: and no reset
        netns.assert_no_reset()
    server.stop()
    assert server.records() == ([b"abc"] if data.startswith(b"3 ") else [])
    ledger = server.ledger().listener()
    assert ledger["ended"].get("malformed") == 1, ledger
    assert ledger["rejected"].get("malformed") == 1, ledger


@pytest.mark.slow
@over_streams
def test_endless_line(penstock, scheme):
    """One line of 64 MB (shortened: 16 MB) gives one truncated record, in bounded memory."""
    size = length(64, 16) << 20
    server = penstock({"listen": any_url(scheme)})
    before = server.memory_bytes()
    with server.address(scheme).connect() as sock:
        for _ in range(size >> 20):
            sock.sendall(b"E" * (1 << 20))
        sock.sendall(b"\nnext\n")
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(1) == b""
    if not sanitized():
        assert server.memory_bytes() - before < 16 << 20
    server.stop()
    assert server.records() == [b"E" * 65536, b"next"]
    assert server.ledger().listener()["cut_bytes"] == size - 65536


@over_streams
def test_two_million_empty_lines(penstock, scheme):
    server = penstock({"listen": any_url(scheme)})
    send_stream(server.address(scheme), b"\n" * 2_000_000 + b"end\n")
    server.stop()
    assert server.records() == [b"end"]
    ledger = server.ledger().listener()
    assert ledger["empty"] == 2_000_000


@over_streams
def test_a_million_tiny_lines(penstock, scheme):
    server = penstock({"listen": any_url(scheme)})
    before = server.memory_bytes()
    send_stream(server.address(scheme), b"a\n" * 1_000_000)
    if not sanitized():
        assert server.memory_bytes() - before < 64 << 20
    server.stop()
    assert server.output() == b"a\n" * 1_000_000


@over_streams
@pytest.mark.parametrize("framing", ["newline", "octet_counted", "nul"])
def test_frame_of_64_kib_in_single_bytes(penstock, scheme, framing):
    """Not quadratic: 64 KiB in 64 KiB writes. The bound on CPU is a hundred times what it takes."""
    payload = bytes(b"0123456789abcdef"[i % 16] for i in range(65536))
    data = {"newline": payload + b"\n", "octet_counted": b"65536 " + payload, "nul": payload + b"\0"}[framing]
    server = penstock({"listen": any_url(scheme), "framing": framing})
    before = server.cpu_seconds()
    with server.address(scheme).connect() as sock:
        if scheme.startswith("tcp"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(len(data)):
            sock.send(data[at: at + 1])
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(1) == b""
    spent = server.cpu_seconds() - before
    server.stop()
    assert server.records() == [payload]
    assert spent < 30, f"{spent} s of CPU for 64 KiB"


@over_streams
@pytest.mark.parametrize("newlines, expected", [("escape", b"a\\nb"), ("keep", b"a\nb"), ("replace", b"a b")])
def test_newlines_inside_a_record(penstock, scheme, newlines, expected):
    server = run(penstock, scheme, b"3 a\nb", framing="octet_counted", sink={"newlines": newlines})
    assert server.output() == expected + b"\n"


@over_streams
def test_many_connections_keep_their_own_order(penstock, scheme):
    server = penstock({"listen": any_url(scheme)}, server={"threads": 3})
    address = server.address(scheme)
    socks = [address.connect() for _ in range(40)]
    for number in range(500):
        for at, sock in enumerate(socks):
            sock.sendall(record(f"c{at}", number) + b"\n")
    for sock in socks:
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(1) == b""
        sock.close()
    server.stop()
    records = server.records()
    for at in range(40):
        assert_all_once(records, f"c{at}", 500)
    assert len(records) == 40 * 500


def test_interleaved_unfinished_frames_do_not_mix(penstock):
    """Halves of two connections' records arrive in turn on one loop."""
    server = penstock({"listen": any_url("tcp4")}, server={"threads": 1})
    one, two = (server.address("tcp4").connect() for _ in range(2))
    for number in range(200):
        a, b = (record(name, number, 400) + b"\n" for name in ("one", "two"))
        one.sendall(a[:150])
        two.sendall(b[:250])
        one.sendall(a[150:])
        two.sendall(b[250:])
    for sock in (one, two):
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(1) == b""
        sock.close()
    server.stop()
    records = server.records()
    assert_all_once(records, "one", 200)
    assert_all_once(records, "two", 200)
    assert len(records) == 400


@pytest.mark.parametrize("data, told", [(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP"),
                                        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "TLS"),
                                        (b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", "PROXY"),
                                        (b"12 <13>hello wo\n", "octet")])
def test_what_does_not_belong_here_is_named_in_the_log(penstock, data, told):
    server = penstock({"listen": any_url("tcp4")})
    send_stream(server.address("tcp4"), data)
    wait_until(lambda: any(told.lower() in line.text.lower() and line.level == "warn" for line in server.log),
               lambda: f"{told} in a warning:\n{server.log_text()}")
