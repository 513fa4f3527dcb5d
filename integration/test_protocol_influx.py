"""protocol = "influx": points of the line protocol, over every transport."""

import pytest

from support.address import ALL, STREAMS, any_url
from support.clients import send_packets, send_stream
from support.metrics import JSON, events, flags
from support.wait import wait_until

INFLUX = {"protocol": "influx"}
WIRE = (b'# a comment\ncpu,host=web\\ 1 usage=12.5,cores=4i,big=18446744073709551615u,up=True 1700000000000000000\r\n\n'
        b'log text="one\ntwo \\"quoted\\"\t"\nbad\nm f=1')
MEANT = [
    {"name": "cpu", "tags": {"host": "web 1"}, "fields": {"usage": 12.5, "cores": 4, "big": 18446744073709551615, "up": True},
     "timestamp": "2023-11-14T22:13:20.000000000Z"},
    {"name": "log", "fields": {"text": 'one\ntwo "quoted"\t'}},
    {"error": "no blank before the fields", "error_offset": 3, "message": "bad"},
    {"name": "m", "fields": {"f": 1.0}},
]


@pytest.mark.parametrize("scheme", ALL)
def test_points_over_every_transport(penstock, scheme):
    server = penstock({"listen": any_url(scheme), **INFLUX}, JSON)
    address = server.address(scheme)
    if scheme in (*STREAMS, "tcp"):
        send_stream(address, WIRE, pieces=5)
    else:
        send_packets(address, [WIRE])
    assert events(server, len(MEANT)) == MEANT
    assert [("unparsed" in each) for each in flags(server)] == [False, False, True, False]


@pytest.mark.parametrize("scheme, count", [("udp4", 3000), ("unixgram", 9000), ("unixpacket", 9000)])
def test_the_longest_frame_is_that_of_a_line_not_of_a_datagram(penstock, scheme, count):
    server = penstock({"listen": any_url(scheme), "max_frame_bytes": 64, **INFLUX}, JSON)
    send_packets(server.address(scheme), [b"".join(b"cpu,host=a v=%di\n" % (n % 10) for n in range(count))])
    assert [event["fields"]["v"] for event in events(server, count)] == [n % 10 for n in range(count)]
    server.stop()
    assert server.ledger().listener().get("cut_bytes", 0) == 0


@pytest.mark.parametrize("precision, digits", [("ns", "000000000"), ("us", "000000"), ("ms", "000"), ("s", "")])
def test_precision(penstock, precision, digits):
    server = penstock({"listen": any_url("tcp4"), "influx.precision": precision, **INFLUX}, JSON)
    send_stream(server.address("tcp4"), f"m f=1 1700000000{digits}\n".encode())
    assert events(server, 1)[0]["timestamp"] == "2023-11-14T22:13:20.000000000Z"


def test_a_quote_that_nobody_closes_ends_behind_twice_the_longest_frame(penstock):
    server = penstock({"listen": any_url("tcp4"), "max_frame_bytes": 1024, **INFLUX}, JSON)
    send_stream(server.address("tcp4"), b'm f="' + b"x\n" * 2000 + b"\nm f=1\n")
    wait_until(lambda: b'"fields":{"f":1.0}' in server.output(), "the good line")
    assert "truncated" in flags(server)[0] and "unparsed" in flags(server)[0]


def test_lines_of_a_text_that_is_cut_off_are_no_points(penstock):
    server = penstock({"listen": any_url("tcp4"), "max_frame_bytes": 64, **INFLUX}, JSON)
    send_stream(server.address("tcp4"), b'm f="' + b"z" * 80 + b'\ncpu usage=999\n" 5\nok v=1\n', pieces=7)
    assert [event.get("name") for event in events(server, 2)] == [None, "ok"]
    server.stop()
    listener = server.ledger().listener()
    assert (listener["truncated"], listener["cut_bytes"]) == (1, 39)
