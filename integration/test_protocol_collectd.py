"""protocol = "collectd": what collectd's network plugin sends, plain, signed and encrypted, arrives once, by name."""

import struct

import pytest

from support.address import any_url
from support.clients import send_packets
from support.collectd import Collectd, Commands, network_plugin, types_db
from support.fields import JSON, wait_lines
from support.wait import wait_until

COUNT = 1000
SECURITY = {
    "none": "",
    "sign": 'SecurityLevel "Sign"\nUsername "alice"\nPassword "secret"',
    "encrypt": 'SecurityLevel "Encrypt"\nUsername "alice"\nPassword "secret"',
}


def flush(command: Commands, server, count: int):
    """Until that many have arrived: collectd hands points to its network plugin on threads of its own."""
    def arrived() -> bool:
        command("FLUSH plugin=network")
        return len(server.records()) >= count
    wait_until(arrived, lambda: f"{count} records, but {len(server.records())}:\n{server.log_text()}", pause=0.1)


def point(n: int) -> tuple:
    """The command of point N, and what it becomes."""
    time = 1441588984 + n
    tags = {"host": "web1", "plugin": "test", "plugin_instance": str(n % 7)}
    if n % 3 == 0:
        return (f'PUTVAL "web1/test-{n % 7}/gauge-{n}" interval=10 {time}.500:{n / 4}',
                ("test.gauge", "gauge", {"value": n / 4}, {**tags, "type": "gauge", "type_instance": str(n)}, f"{n}.5"))
    if n % 3 == 1:
        return (f'PUTVAL "web1/test-{n % 7}/if_octets-{n}" interval=10 {time}:{n}:{2 ** 62 + n}',
                ("test.if_octets", "derive", {"rx": n, "tx": 2 ** 62 + n},
                 {**tags, "type": "if_octets", "type_instance": str(n)}, f"{n}.0"))
    return (f'PUTVAL "web1/test-{n % 7}/load-{n}" interval=10 {time}:1:{-n}:U',
            ("test.load", "gauge", {"shortterm": 1.0, "midterm": float(-n), "longterm": "NaN"},
             {**tags, "type": "load", "type_instance": str(n)}, f"{n}.0"))


def check_point(line: dict, expected: tuple):
    name, kind, fields, tags, after = expected
    assert (line["name"], line["kind"], line["fields"], line["tags"]) == (name, kind, fields, tags)
    assert line["interval"] == 10.0 and line["flags"] == []
    # 2015-09-07T01:23:04Z and that many seconds later
    seconds, _, half = after.partition(".")
    clock = 1 * 3600 + 23 * 60 + 4 + int(seconds)
    assert line["timestamp"] == f"2015-09-07T{clock // 3600:02}:{clock // 60 % 60:02}:{clock % 60:02}.{half}00000000Z"


@pytest.mark.parametrize("scheme", ["udp4", "udp6"])
@pytest.mark.parametrize("security", SECURITY)
def test_collectd_sends_each_point_once(penstock, workdir, scheme, security):
    (workdir / "users").write_text("alice: secret\n")
    server = penstock({"listen": any_url(scheme), "protocol": "collectd", "collectd.types_db": str(types_db()),
                       "collectd.auth_file": "users", "collectd.security": security}, JSON)
    address = server.address(scheme)
    expected = {}
    with Collectd(workdir, network_plugin(address, SECURITY[security])) as agent, agent.commands() as command:
        for n in range(COUNT):
            line, becomes = point(n)
            command(line)
            expected[becomes[3]["type_instance"]] = becomes
            if n % 100 == 99:
                flush(command, server, n + 1)
        command('PUTNOTIF host=web1 plugin=df type=df_complex severity=warning time=1441588984 message="disk is full"')
        got = wait_lines(server, COUNT + 1)
    assert len(got) == COUNT + 1
    for line in got[:-1]:
        check_point(line, expected.pop(line["tags"]["type_instance"]))
    assert not expected
    note = got[-1]
    assert (note["host"], note["app"], note["severity"], note["message"]) == ("web1", "df", 4, "disk is full")
    server.stop()
    assert server.ledger().listener()["rejected"] == {}


@pytest.mark.parametrize("security", ["none", "sign"])
def test_collectd_with_less_than_is_asked_for_is_refused(penstock, workdir, security):
    (workdir / "users").write_text("alice: other\n")
    server = penstock({"listen": any_url("udp4"), "protocol": "collectd", "collectd.types_db": str(types_db()),
                       "collectd.auth_file": "users", "collectd.security": "sign"}, JSON)
    address = server.address()
    with Collectd(workdir, network_plugin(address, SECURITY[security])) as agent, agent.commands() as command:
        command(point(0)[0])
        wait_until(lambda: command("FLUSH plugin=network") or server.quarantined(), "a refused datagram", pause=0.1)
    server.stop()
    assert server.records() == []
    assert server.ledger().listener()["rejected"]["refused"] >= 1


def part(kind: int, body: bytes) -> bytes:
    return struct.pack(">HH", kind, len(body) + 4) + body


GOOD = (part(0, b"h\0") + part(2, b"p\0") + part(4, b"gauge\0") + part(6, struct.pack(">HB", 1, 1) + struct.pack("<d", 1.5)))


def test_the_frame_is_a_command_of_collectd(penstock):
    server = penstock({"listen": any_url("unixgram"), "protocol": "collectd"})
    send_packets(server.address(), [GOOD + part(5, b"x\0") + GOOD[-15:]])
    assert server.wait_records(2) == [b"PUTVAL h/p/gauge N:1.5", b"PUTVAL h/p/gauge-x N:1.5"]


def test_malformed_datagrams_go_on_as_they_came(penstock):
    server = penstock({"listen": any_url("unixpacket"), "protocol": "collectd", "unparsed": "quarantine"}, JSON)
    bad = [b"\0\0\0\0", b"\0\6\0\0" + GOOD, GOOD + b"\0\6\0\3", b"\0\0\xff\xff", part(6, b"\xff\xff"), part(1, b"1"), part(0, b"h"),
           part(0x0200, b"x" * 10), part(0x0210, b"\xff\xff"), *(GOOD[:n] for n in range(1, 4))]
    for datagram in bad:
        send_packets(server.address(), [datagram])
    send_packets(server.address(), [GOOD])
    assert wait_lines(server, 1)[0]["fields"] in ({"value": 1.5}, {"value0": 1.5})
    server.stop()
    assert server.ledger().listener()["rejected"] == {"unparsed": len(bad)}
    assert len(server.quarantined()) == len(bad)
