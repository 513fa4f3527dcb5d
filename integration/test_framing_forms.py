"""Framings by any delimiter, by lengths, by JSON's brackets and by the stream's end, over tcp and unix: one server for
all of them, so that many ways of cutting cost one start."""

import base64
import json
import socket
import struct
import time

import pytest

from support.address import any_url
from support.clients import send_stream
from support.wait import wait_until

SCHEMES = ("tcp4", "unix")


def be4(*payloads):
    return b"".join(struct.pack(">I", len(p)) + p for p in payloads)


def varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out) + bytes([number])


# name: the listener's keys, what is sent over one connection, the records it gives
CASES = {
    "delimiter": ({"framing": "delimiter", "delimiter": "--"}, b"a--b-c----\n--d\xff\0--tail",
                  [b"a", b"b-c", b"\n", b"d\xff\0", b"tail"]),
    "crlf": ({"framing": "delimiter", "delimiter": "\\r\\n"}, b"a\nb\r\n\r\r\n\r\nc\r\n", [b"a\nb", b"\r", b"c"]),
    "binary": ({"framing": "delimiter", "delimiter": "\\xff\\x00"}, b"a\xff\xff\0\0b\xff\0", [b"a\xff", b"\0b"]),
    "length": ({"framing": "length_prefixed"}, be4(b"one", b"", b"two\n", b"\0\0\0\1"), [b"one", b"two\n", b"\0\0\0\1"]),
    "header": ({"framing": "length_prefixed",
                "length": {"bytes": 2, "endian": "little", "offset": 2, "includes_header": True}},
               b"T\1\7\0abcT\2\4\0T\1\5\0z", [b"abc", b"z"]),
    "long": ({"framing": "length_prefixed", "length": {"bytes": 8}, "max_frame_bytes": 4},
             struct.pack(">Q", 6) + b"123456" + struct.pack(">Q", 1) + b"x" + b"\xff" * 8 + b"abcdefgh",
             [b"1234", b"x", b"abcd"]),
    "varint": ({"framing": "varint", "max_frame_bytes": 200},
               varint(3) + b"abc" + varint(0) + varint(200) + b"v" * 200 + b"\x81\x80\x00" + b"z",
               [b"abc", b"v" * 200, b"z"]),
    "fixed": ({"framing": "fixed", "frame_bytes": 3}, b"abc\n\0\nde", [b"abc", b"\n\0\n", b"de"]),
    "json": ({"framing": "json"},
             b'\xef\xbb\xbf{"a":"}{\\"]"}\n{\n "b": [1,\n2]}[]"s" 12 true\r\n\x1e{"c":1e3}\x1e-5{}123456789012345678901 7',
             [b'{"a":"}{\\"]"}', b'{\n "b": [1,\n2]}', b"[]", b'"s"', b"12", b"true", b'{"c":1e3}', b"-5", b"{}",
              b"123456789012345678901", b"7"]),
    "broken": ({"framing": "json"},
               b'{"cut":"here\n{"a":1}[1,]{"b":2}\nGET / HTTP/1.1\r\n{"c":3,\n{"d":4}\n{"e":5}\nnul\n{"f":6}',
               [b'{"a":1}', b'{"b":2}', b'{"e":5}', b'{"f":6}']),
    "none": ({"framing": "none"}, b"all\nof\0it\n", [b"all\nof\0it\n"]),
}
REJECTED = {"broken": [b'{"cut":"here', b"[1,]", b"GET / HTTP/1.1\r", b'{"c":3,\n{"d":4}\n', b"nul"]}


def all_forms(penstock, **options):
    listeners = [{"name": name, "listen": [any_url("tcp4"), f"unix://./{name}.sock"], **keys}
                 for name, (keys, _, _) in CASES.items()]
    return penstock(listeners, {"path": "{listener}-{scheme}.log", "newlines": "keep"},
                    server={"threads": 1}, **options)


def test_every_framing_whole_cut_and_over_two_writes(penstock):
    server = all_forms(penstock)
    runs = {}
    for name, (_, data, _) in CASES.items():
        for scheme in SCHEMES:
            address = server.address(scheme, name)
            send_stream(address, data)
            send_stream(address, data, pieces=1)
            for cut in range(1, len(data)):
                with address.connect() as sock:
                    sock.sendall(data[:cut])
                    sock.sendall(data[cut:])
                    sock.shutdown(socket.SHUT_WR)
                    assert sock.recv(1) == b""
            runs[name] = 1 + len(data)
    server.stop()
    for name, (_, data, records) in CASES.items():
        for scheme in SCHEMES:
            written = server.output(f"{name}-{scheme}.log")
            assert written == b"".join(r + b"\n" for r in records) * runs[name], f"{name} over {scheme}"
        ledger = server.ledger().listener(name)
        assert ledger["read_bytes"] == 2 * runs[name] * len(data)
        assert ledger["rejected"].get("malformed", 0) == 2 * runs[name] * len(REJECTED.get(name, []))
        assert "malformed" not in ledger["ended"], name
    refused = [base64.b64decode(entry["bytes"]) for entry in server.quarantined()]
    assert refused == REJECTED["broken"] * (2 * runs["broken"])


def test_a_length_that_makes_no_sense_closes_the_connection(netns, penstock):
    server = penstock([{"name": "varint", "listen": any_url("tcp4"), "framing": "varint"},
                       {"name": "length", "listen": any_url("unix"), "framing": "length_prefixed",
                        "length": {"bytes": 2, "includes_header": True}}],
                      {"path": "{listener}.log"})
    for name, data in (("varint", b"\1x" + b"\xff" * 11), ("length", b"\0\3x\0\1y")):
        with server.address(listener=name).connect() as sock:
            sock.sendall(data)
            assert sock.recv(1) == b""  # FIN, although we did not end our side: and no reset
            netns.assert_no_reset()
    server.stop()
    for name in ("varint", "length"):
        assert server.output(f"{name}.log") == b"x\n"
        assert server.ledger().listener(name)["ended"] == {"malformed": 1}


@pytest.mark.parametrize("end", ["reset", "deadline"])
def test_none_and_a_last_number_are_whole_only_at_a_fin(penstock, end):
    server = penstock([{"name": name, "listen": any_url("tcp4"), "framing": name} for name in ("none", "json")],
                      {"path": "{listener}.log"}, server={"drain_timeout": "200ms"})
    socks = [server.address(listener=name).connect() for name in ("none", "json")]
    for sock in socks:
        sock.sendall(b"42")
    for name in ("none", "json"):  # a reset must not overtake the bytes
        wait_until(lambda: server.admin.listener(name)["read_bytes"] == 2, "the bytes to be read")
    if end == "reset":
        for sock in socks:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
        wait_until(lambda: len(server.quarantined()) == 2, "both tails in the quarantine")
    server.stop(expect=None if end == "reset" else 0)
    assert sorted((e["listener"], e["reason"]) for e in server.quarantined()) == [
        ("json", f"tail_{end}"), ("none", f"tail_{end}")]
    assert server.output("none.log") == server.output("json.log") == b""
    for sock in socks:
        sock.close()


def test_big_frames_arrive_in_single_bytes_and_in_floods(penstock):
    """Not quadratic; and a flood of tiny values behind a long one finds room for all of them."""
    server = all_forms(penstock)
    text = json.dumps({"a": ["x" * 60] * 500}).encode()
    bodies = {"delimiter": text + b"-" * 2, "length": be4(text), "json": text + b"\n", "none": text}
    before = server.cpu_seconds()
    for name, data in bodies.items():
        with server.address("unix", name).connect() as sock:
            for at in range(len(data)):
                sock.send(data[at: at + 1])
            sock.shutdown(socket.SHUT_WR)
            assert sock.recv(1) == b""
    spent = server.cpu_seconds() - before
    flood = b'["' + b"y" * 50_000 + b'"]'
    with server.address("unix", "json").connect() as sock:
        sock.sendall(flood[:-2])
        time.sleep(0.1)
        sock.sendall(flood[-2:] + b"{}" * 400_000)
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(1) == b""
    server.stop()
    for name in bodies:
        assert server.output(f"{name}-unix.log").startswith(text + b"\n")
    assert server.output("json-unix.log") == text + b"\n" + flood + b"\n" + b"{}\n" * 400_000
    assert spent < 30, f"{spent} s of CPU for 4 times 32 KB"


def test_a_wrong_protocol_is_named_with_the_setting_that_would_fit(penstock):
    server = all_forms(penstock)
    for name, data, told in (("length", b"<134>1 - - hello", "syslog_auto"), ("varint", b'{"a": 1}', "json"),
                             ("json", b"11 <13>hello", "octet_counted"), ("json", b"\x1f\x8b\x08\0", "gzip")):
        send_stream(server.address("unix", name), data)
        server.wait_log(f"connection begins with .*listener={name} .*= .{{1,2}}{told}.* would fit")


def test_datagrams_lose_their_listeners_delimiter_once(penstock):
    server = penstock({"listen": [any_url("udp4")], "framing": "delimiter", "delimiter": "||"},
                      {"newlines": "keep"}, server={"threads": 1})
    with server.address("udp4").connect() as sock:
        for message in (b"a||", b"b||||", b"c\n", b"d|", b"||"):
            sock.send(message)
    server.wait_records(4)
    server.stop()
    assert server.output() == b"a\nb||\nc\n\nd|\n"
    assert server.ledger().listener()["empty"] == 1
