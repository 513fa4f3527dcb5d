"""protocol = "syslog": messages of real daemons and loggers arrive as log records, field by field."""

import socket

import pytest

from support.address import ALL, any_url
from support.clients import send_stream
from support.fields import JSON, lines, send_paced, wait_lines
from support.peers import Rsyslog, SyslogNg
from support.wait import wait_until

COUNT = 1000
WINDOW = 100


def rfc5424(n: int) -> bytes:
    return (f'<165>1 2026-01-02T03:04:05.{n:06}+01:00 web1 app {n} ID{n} [a@1 n="{n}" quote="\\"\\]"][b] '
            f"message {n}").encode()


def check_rfc5424(line: dict, n: int):
    assert line["flags"] == []
    assert (line["facility"], line["severity"]) == (20, 5)
    assert line["timestamp"] == f"2026-01-02T02:04:05.{n:06}000Z"
    assert (line["host"], line["app"], line["procid"], line["msgid"]) == ("web1", "app", str(n), f"ID{n}")
    assert line["structured_data"] == {"a@1": {"n": str(n), "quote": '"]'}, "b": {}}
    assert line["message"] == f"message {n}"


@pytest.mark.parametrize("scheme", ALL)
def test_each_record_once_over_every_transport(penstock, scheme):
    server = penstock({"listen": any_url(scheme), "protocol": "syslog"}, JSON)
    send_paced(server, server.address(scheme), [rfc5424(n) for n in range(COUNT)])
    for n, line in enumerate(wait_lines(server, COUNT)):
        check_rfc5424(line, n)
    server.stop()
    assert server.ledger().listener()["unparsed"] == 0


def test_counts_and_lines_of_both_forms(penstock):
    server = penstock({"listen": any_url("tcp4"), "protocol": "syslog"}, JSON)
    counted = rfc5424(1)
    data = b"%d %s<13>Jan  2 03:04:05 web2 su[7]: line\n" % (len(counted), counted)
    send_stream(server.address("tcp4"), data * 300, pieces=997)
    got = wait_lines(server, 600)
    for first, second in zip(got[::2], got[1::2]):
        check_rfc5424(first, 1)
        assert (second["host"], second["app"], second["procid"], second["message"]) == ("web2", "su", "7", "line")


def feed_paced(agent, server, count: int):
    """To a daemon of the machine; what it forwards of each window is awaited."""
    for first in range(0, count, WINDOW):
        for n in range(first, first + WINDOW):
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
                sock.connect(agent.input)
                sock.send(b"<165>Jan  2 03:04:05 tests[77]: word %d %s" % (n, b"x" * 200))
        wait_until(lambda upto=first + WINDOW: len(words(server)) >= upto, lambda: f"{first + WINDOW} of {len(words(server))}")


def forwarded(server) -> list:
    """Not what the daemon says of itself. Some templates of rsyslog put a blank in front of the message."""
    return [line for line in lines(server) if line.get("message", "").lstrip().startswith("word ")]


def words(server) -> set:
    return {line["message"].split()[1] for line in forwarded(server)}


RSYSLOG = {
    "udp": ("udp4", 'type="omfwd" target="127.0.0.1" port="{port}" protocol="udp"'),
    "tcp": ("tcp4", 'type="omfwd" target="127.0.0.1" port="{port}" protocol="tcp"'),
    "octet-5424": ("tcp4", 'type="omfwd" target="127.0.0.1" port="{port}" protocol="tcp" TCP_Framing="octet-counted" '
                           'template="RSYSLOG_SyslogProtocol23Format"'),
    "forward-format": ("tcp4", 'type="omfwd" target="127.0.0.1" port="{port}" protocol="tcp" '
                               'template="RSYSLOG_ForwardFormat"'),
    "compressed-udp": ("udp4", 'type="omfwd" target="127.0.0.1" port="{port}" protocol="udp" ZipLevel="9" '
                               'compression.mode="single"'),
    "compressed-tcp": ("tcp4", 'type="omfwd" target="127.0.0.1" port="{port}" protocol="tcp" ZipLevel="9" '
                               'compression.mode="single" TCP_Framing="octet-counted"'),
}


@pytest.mark.parametrize("way", RSYSLOG)
def test_rsyslog(penstock, workdir, way):
    scheme, action = RSYSLOG[way]
    server = penstock({"listen": any_url(scheme), "protocol": "syslog"}, JSON)
    with Rsyslog(workdir, action.format(port=server.address(scheme).port)) as agent:
        feed_paced(agent, server, COUNT)
    got = forwarded(server)
    assert len(got) == COUNT
    for line in got:
        assert (line["facility"], line["severity"], line["app"], line["procid"]) == (20, 5, "tests", "77"), line
        assert line["message"].endswith("x" * 200) and line["timestamp"] and line["host"]
    server.stop()
    packed = server.ledger().listener()["compressed_bytes"]
    assert (packed > 0) == way.startswith("compressed")


@pytest.mark.parametrize("scheme, driver", [
    ("udp4", 'network("127.0.0.1" port({port}) transport("udp"));'),
    ("tcp4", 'syslog("127.0.0.1" port({port}) transport("tcp"));'),
    ("tcp4", 'network("127.0.0.1" port({port}) transport("tcp"));'),
], ids=["udp-3164", "tcp-5424", "tcp-3164"])
def test_syslog_ng(penstock, workdir, scheme, driver):
    server = penstock({"listen": any_url(scheme), "protocol": "syslog"}, JSON)
    with SyslogNg(workdir, driver.format(port=server.address(scheme).port)) as agent:
        feed_paced(agent, server, COUNT)
    got = forwarded(server)
    assert len(got) == COUNT
    for line in got:
        assert (line["facility"], line["severity"], line["app"], line["procid"]) == (20, 5, "tests", "77"), line


def test_what_is_no_syslog_goes_on_or_to_the_quarantine(penstock):
    bad = [b"<999>text", b"<13>1 2026-13-01T00:00:00Z - - - - -", b'<13>1 - - - - - [open a="']
    server = penstock([{"name": "on", "listen": any_url("tcp4"), "protocol": "syslog"},
                       {"name": "off", "listen": any_url("unix"), "protocol": "syslog", "unparsed": "quarantine"}], JSON)
    for listener, scheme in (("on", "tcp4"), ("off", "unix")):
        send_stream(server.address(scheme, listener), b"\n".join([*bad, b"<13>good", b""]))
    got = wait_lines(server, 5)
    server.stop()
    unparsed = [line for line in got if line["flags"] == ["unparsed"]]
    assert [line["message"].encode() for line in unparsed] == bad
    assert [line["error"] for line in unparsed] == ["the priority is above 191", "there is no such time",
                                                    "a value of the structured data has no closing quote"]
    assert [line["message"] for line in lines(server) if not line["flags"]] == ["good", "good"]
    ledger = server.ledger()
    assert ledger.listener("on")["unparsed"] == 3
    assert ledger.listener("off")["rejected"] == {"unparsed": 3}
    assert [entry["detail"] for entry in server.quarantined()][0] == "at byte 1: the priority is above 191"


def test_syslog_to_syslog(penstock):
    """What goes out as RFC 5424 comes in as the same fields again."""
    first = penstock({"listen": any_url("tcp4"), "protocol": "syslog"}, {"encoding": "syslog"})
    send_stream(first.address("tcp4"), b"".join(rfc5424(n) + b"\n" for n in range(COUNT)))
    first.wait_records(COUNT)
    first.stop()
    second = penstock({"listen": any_url("tcp4"), "protocol": "syslog"}, {**JSON, "path": "again.log"})
    send_stream(second.address("tcp4"), b"".join(record + b"\n" for record in first.records()))
    second.wait_records(COUNT, "again.log")
    for n, line in enumerate(lines(second, "again.log")):
        check_rfc5424(line, n)
