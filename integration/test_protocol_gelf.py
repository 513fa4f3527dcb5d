"""protocol = "gelf": messages of real clients, whole and in chunks, arrive once, field by field; floods of chunks do not."""

import gzip
import json
import logging
import sys
import zlib
from contextlib import ExitStack

import pytest

from support.address import ALL, any_url
from support.clients import send_packets, send_stream
from support.fields import JSON, send_by_node, send_paced, wait_lines
from support.peers import PEERS
from support.settings import cannot_run, sanitized
from support.wait import wait_until

COUNT = 1000


def message(n: int, **more) -> bytes:
    return json.dumps({"version": "1.1", "host": "web1", "short_message": f"m{n}", "timestamp": 1385053862 + n / 4, "level": 4,
                       "_n": n, "_text": "é", **more}).encode()


def check_message(line: dict, n: int):
    assert line["flags"] == []
    assert line["timestamp"].endswith(f"{n % 4 * 25:02}0000000Z")
    assert (line["host"], line["severity"], line["message"]) == ("web1", 4, f"m{n}")
    assert line["fields"] == {"n": n, "text": "é"}


def chunk(name: bytes, number: int, count: int, payload: bytes) -> bytes:
    return b"\x1e\x0f" + name.rjust(8, b"\0") + bytes([number, count]) + payload


def chunks(name: bytes, payload: bytes, count: int) -> list:
    size = -(-len(payload) // count)
    return [chunk(name, i, count, payload[i * size: (i + 1) * size]) for i in range(count)]


@pytest.mark.parametrize("scheme", ALL)
def test_each_message_once_over_every_transport(penstock, scheme):
    server = penstock({"listen": any_url(scheme), "protocol": "gelf"}, JSON)
    send_paced(server, server.address(scheme), [message(n) for n in range(COUNT)], b"\0")
    for n, line in enumerate(wait_lines(server, COUNT)):
        check_message(line, n)


def test_lines_instead_of_nul(penstock):
    server = penstock({"listen": any_url("tcp4"), "protocol": "gelf", "framing": "newline"}, JSON)
    send_stream(server.address(), b"".join(message(n) + b"\n" for n in range(10)))
    for n, line in enumerate(wait_lines(server, 10)):
        check_message(line, n)


@pytest.mark.parametrize("scheme", ["udp4", "udp6", "unixgram", "unixpacket"])
@pytest.mark.parametrize("pack", [bytes, zlib.compress, gzip.compress])
def test_chunks_of_all_codings_in_the_wrong_order(penstock, scheme, pack):
    server = penstock({"listen": any_url(scheme), "protocol": "gelf"}, JSON)
    for n in range(50):
        parts = chunks(str(n).encode(), pack(message(n)), 1 + n % 5)
        send_packets(server.address(scheme), [*parts[1:], *parts[1:], parts[0]])
        wait_lines(server, n + 1)
    for n, line in enumerate(wait_lines(server, 50)):
        check_message(line, n)
    server.stop()
    assert server.ledger().listener()["rejected"] == {}


@pytest.mark.parametrize("protocol, scheme", [("udp", "udp4"), ("udp", "udp6"), ("tcp", "tcp4"), ("tcp", "tcp6")])
def test_gelf_pro(penstock, protocol, scheme):
    server = penstock({"listen": any_url(scheme), "protocol": "gelf"}, JSON)
    send_by_node(server, "gelf-pro", protocol, server.address(scheme), COUNT)
    got = wait_lines(server, COUNT)
    assert len(got) == COUNT
    for n, line in enumerate(sorted(got, key=lambda line: line["fields"]["n"])):  # a connection or socket each
        assert (line["message"], line["severity"], line["flags"]) == (f"node:{n}:", 6, [])
        assert (line["fields"]["n"], line["fields"]["half"]) == (n, n / 2)


def graypy():
    path = str(PEERS / "usr/lib/python3/dist-packages")
    if path not in sys.path:
        sys.path.append(path)
    try:
        import graypy as module
    except ImportError:
        cannot_run(f"graypy is not unpacked under {PEERS}; ./dev test does it")
    return module


@pytest.mark.parametrize("scheme", ["udp4", "tcp4", "tcp6"])  # Python's DatagramHandler knows no IPv6
@pytest.mark.parametrize("pad", [0, 5000], ids=["short", "chunked"])
def test_graypy(penstock, scheme, pad):
    server = penstock({"listen": any_url(scheme), "protocol": "gelf"}, JSON)
    address = server.address(scheme)
    module = graypy()
    if scheme.startswith("udp"):
        handler = module.GELFUDPHandler(address.host, address.port, compress=pad == 0)
    else:
        handler = module.GELFTCPHandler(address.host, address.port)
    log = logging.getLogger(f"penstock.graypy.{scheme}.{pad}")
    log.propagate = False
    log.addHandler(handler)
    window = 100 if pad == 0 else 20
    try:
        for n in range(COUNT):
            log.error("m%d", n, extra={"n": n, "pad": "x" * pad})
            if n % window == window - 1:
                wait_lines(server, n + 1)
    finally:
        log.removeHandler(handler)
        handler.close()
    got = wait_lines(server, COUNT)
    assert len(got) == COUNT
    for n, line in enumerate(got):
        assert (line["message"], line["severity"], line["flags"]) == (f"m{n}", 3, [])
        assert (line["fields"]["n"], line["fields"]["pad"]) == (n, "x" * pad)


def test_chunks_that_cannot_be(penstock):
    server = penstock({"listen": any_url("udp4"), "protocol": "gelf"}, JSON)
    bad = [b"\x1e\x0f", chunk(b"a", 0, 0, b"x"), chunk(b"a", 0, 129, b"x"), chunk(b"a", 5, 5, b"x"),
           chunk(b"a", 255, 128, b"x"), b"\x1e\x0f" + b"a" * 9]
    for datagram in bad:
        send_packets(server.address(), [datagram])
    send_packets(server.address(), [message(1)])
    check_message(wait_lines(server, 1)[0], 1)
    server.stop()
    assert server.ledger().listener()["rejected"] == {"malformed": len(bad)}
    assert len(server.quarantined()) == len(bad)


def test_what_stays_unfinished_is_refused_by_its_time_and_by_the_stop(penstock):
    server = penstock({"listen": any_url("udp4"), "protocol": "gelf"}, JSON)
    send_packets(server.address(), chunks(b"early", message(1), 3)[:2])
    wait_until(lambda: len(server.quarantined()) == 2, "the chunks of a message whose time is over in the quarantine")
    send_packets(server.address(), [*chunks(b"late", message(2), 2)[:1], message(3)])
    check_message(wait_lines(server, 1)[0], 3)
    server.stop()
    assert server.ledger().listener()["rejected"] == {"tail_timeout": 2, "tail_deadline": 1}


def test_floods_and_bombs_cost_what_the_limits_say(penstock):
    server = penstock({"listen": any_url("unixgram"), "protocol": "gelf", "gelf.max_chunk_sets": 50,
                       "gelf.max_chunk_bytes": "1MiB", "gelf.max_message_bytes": "64KiB"}, JSON)
    address = server.address()
    bomb = zlib.compress(b'{"short_message":"' + b" " * (32 << 20) + b'"}')
    send_packets(address, [message(0), bomb])
    wait_lines(server, 1)
    before = server.memory_bytes()
    flood = [chunk(str(n).encode(), 0, 2, b"x" * 1000) for n in range(5000)]
    conflicts = [chunk(b"same", n % 2, 2 + n % 100, bytes([n % 256]) * 1000) for n in range(1000)]
    send_packets(address, [*flood, *conflicts, *chunks(b"bomb", bomb, 100), *chunks(b"long", message(1, _pad="x" * 70_000), 100)])
    send_packets(address, chunks(b"good", message(1), 3))
    check_message(wait_lines(server, 2)[1], 1)
    if not sanitized():
        assert server.memory_bytes() < before + (64 << 20)
    server.stop()
    rejected = server.ledger().listener()["rejected"]
    assert rejected["partial_budget"] >= 4900 and rejected["decompress_limit"] == 2
    assert rejected["malformed"] >= 900 and rejected["oversize"] > 80


def test_chunks_of_all_connections_stay_within_the_listeners_limit(penstock):
    server = penstock({"listen": [any_url("unixpacket"), any_url("udp4")], "protocol": "gelf"}, JSON, server={"memory": "16MiB"})
    address = server.address("unixpacket")
    before = server.memory_bytes()
    with ExitStack() as stack:
        for n in range(12):
            sock = stack.enter_context(address.connect())
            for m in range(150):
                sock.send(chunk(b"%d" % m, 0, 2, b"x" * 100_000))
            sock.send(message(n))  # behind them: they have been read when it arrives
            wait_lines(server, n + 1)
        held = server.memory_bytes() - before
        if not sanitized():
            assert held < 64 << 20
    server.stop()
    rejected = server.ledger().listener()["rejected"]
    assert sum(rejected.values()) == 12 * 150 and rejected["partial_budget"] > 0


def test_a_refused_chunk_is_blamed_on_its_sender(penstock):
    server = penstock({"listen": any_url("udp4"), "protocol": "gelf", "gelf.max_chunk_sets": 1}, JSON, server={"threads": 1})
    with ExitStack() as stack:
        senders = [stack.enter_context(server.address().connect()) for _ in range(3)]
        names = [f"127.0.0.1:{sock.getsockname()[1]}" for sock in senders]

        def send_half(n):
            senders[n].send(chunk(b"id", 0, 2, b"x"))
            senders[n].send(message(n))  # behind it: it has been read when this arrives
            wait_lines(server, n + 1)

        send_half(0)
        send_half(1)  # costs the one before
        wait_until(lambda: len(server.quarantined()) == 2, "the second one, whose time is over, in the quarantine too")
        send_half(2)
        server.stop()
    entries = server.quarantined()
    assert [(entry["reason"], entry["peer"]) for entry in entries] == list(
        zip(["partial_budget", "tail_timeout", "tail_deadline"], names, strict=True))
    for entry, line in zip(entries, wait_lines(server, 3), strict=True):
        assert entry["time"] <= line["time"]  # of receipt, not of the end of its time
    assert server.log_has("malformed frame").fields["peer"] == names[0]
