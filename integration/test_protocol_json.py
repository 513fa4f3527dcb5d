"""protocol = "json": objects of loggers arrive as log records, field by field; what is none goes on as it came."""

import json
import time

import pytest

from support.address import ALL, STREAMS, any_url
from support.clients import send_packets, send_stream
from support.fields import JSON, lines, send_by_node, send_paced, wait_lines

COUNT = 1000


def record(n: int) -> bytes:
    return json.dumps({"timestamp": f"2026-01-02T03:04:05.{n:06}Z", "host": "web1", "level": "warn", "message": f"m{n}",
                       "n": n, "half": n / 2, "big": 2 ** 64 - 1 - n, "nested": {"list": [n, None, True, "é"]}}).encode()


def check_record(line: dict, n: int):
    assert line["flags"] == []
    assert line["timestamp"] == f"2026-01-02T03:04:05.{n:06}000Z"
    assert (line["host"], line["severity"], line["message"]) == ("web1", 4, f"m{n}")
    assert line["fields"] == {"level": "warn", "n": n, "half": n / 2, "big": 2 ** 64 - 1 - n,
                              "nested": {"list": [n, None, True, "é"]}}


@pytest.mark.parametrize("scheme", ALL)
def test_each_record_once_over_every_transport(penstock, scheme):
    server = penstock({"listen": any_url(scheme), "protocol": "json"}, JSON)
    send_paced(server, server.address(scheme), [record(n) for n in range(COUNT)])
    for n, line in enumerate(wait_lines(server, COUNT)):
        check_record(line, n)
    server.stop()
    assert server.ledger().listener()["decoded"] == COUNT


@pytest.mark.parametrize("scheme", STREAMS)
def test_values_without_anything_between_them(penstock, scheme):
    server = penstock({"listen": any_url(scheme), "protocol": "json", "framing": "json"}, JSON)
    send_stream(server.address(scheme), b"".join(record(n) for n in range(COUNT)), pieces=1000)
    for n, line in enumerate(wait_lines(server, COUNT)):
        check_record(line, n)


@pytest.mark.parametrize("protocol, scheme", [("tcp", "tcp4"), ("tcp", "tcp6"), ("udp", "udp4")])
def test_pino(penstock, protocol, scheme):
    """Over udp it puts many objects into one datagram."""
    server = penstock({"listen": any_url(scheme), "protocol": "json"}, JSON)
    before = time.time_ns() // 10 ** 6
    send_by_node(server, "pino-socket", protocol, server.address(scheme), COUNT)
    got = wait_lines(server, COUNT)
    assert len(got) == COUNT
    for n, line in enumerate(got):
        assert (line["message"], line["severity"], line["flags"]) == (f"node:{n}:", 6, [])
        fields = line["fields"]
        assert fields.pop("pid") > 0 and before > 0
        assert fields == {"level": 30, "n": n, "half": n / 2}
        assert line["timestamp"].endswith("000000Z"), "it counts milliseconds"


BAD = [b"[1,2]", b'"text"', b"plain text", b"{", b'{"a":NaN}', b'{"a":"\xff"}', b'{"a":01}', b"{} x",
       b'{"a":' + b"[" * 60_000, b'{"a":' + b"[" * 20_000 + b"]" * 20_000 + b"}", b'{"a":[' + b"0," * 20_000 + b"0]}"]


def test_half_of_a_surrogate_pair_costs_its_character_only(penstock):
    """JavaScript makes it of a text that ends in the middle of an emoji, Python of a file name that is no UTF-8."""
    server = penstock({"listen": any_url("tcp4"), "protocol": "json"}, JSON)
    halves = {"message": "cut \ud83d", "file": "\udcff.txt", "nested": {"\ude00": ["a\ud83db", "\U0001f600"]}}
    send_stream(server.address(), json.dumps(halves).encode() + b"\n")
    line = wait_lines(server, 1)[0]
    assert (line["message"], line["flags"]) == ("cut \ufffd", [])
    assert line["fields"] == {"file": "\ufffd.txt", "nested": {"\ufffd": ["a\ufffdb", "\U0001f600"]}}


def test_what_is_no_object_goes_on_with_the_reason(penstock):
    server = penstock({"listen": any_url("tcp4"), "protocol": "json"}, JSON)
    for bad in BAD:
        send_stream(server.address(), bad + b"\n")
    send_stream(server.address(), record(7) + b"\n")
    got = wait_lines(server, len(BAD) + 1)
    assert len(got) == len(BAD) + 1
    for line in got[:-1]:
        assert line["flags"] == ["unparsed"]
        assert line["error"] and 0 <= line["error_offset"] <= 60_005
    assert {line["message"] for line in got if line["flags"]} >= {"[1,2]", '"text"', "plain text", "{"}
    check_record(got[-1], 7)
    server.stop()
    assert server.ledger().listener()["unparsed"] == len(BAD)


def test_or_it_goes_to_the_quarantine(penstock):
    server = penstock({"listen": any_url("tcp4"), "protocol": "json", "unparsed": "quarantine"}, JSON)
    send_stream(server.address(), b"\n".join([*BAD, record(7), b""]))
    check_record(wait_lines(server, 1)[0], 7)
    server.stop()
    assert server.ledger().listener()["rejected"] == {"unparsed": len(BAD)}
    assert len(server.quarantined()) == len(BAD)


def test_a_datagram_of_lines_with_a_mark_and_carriage_returns(penstock):
    server = penstock({"listen": any_url("udp4"), "protocol": "json"}, JSON)
    send_packets(server.address(), [b"\xef\xbb\xbf" + record(0) + b"\r\n" + record(1) + b"\r\n\r\n" + record(2)])
    for n, line in enumerate(wait_lines(server, 3)):
        check_record(line, n)


def test_names_can_be_left_alone(penstock):
    server = penstock({"listen": any_url("tcp4"), "protocol": "json", "json.known_names": False, "json.max_fields": 2}, JSON)
    send_stream(server.address(), b'{"message":"m","level":"info"}\n{"a":1,"b":2,"c":3}\n')
    first, second = wait_lines(server, 2)
    assert first["fields"] == {"message": "m", "level": "info"}
    assert second["error"] == "more fields than an object may have"
    assert lines(server) == [first, second]
