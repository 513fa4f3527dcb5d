"""RELP, by wire bytes and by rsyslog's omrelp: acknowledged is what every required sink has."""

import json
import socket

import pytest

from support.acked import (SYNCED, Relp, check_all_acknowledged, check_nothing_before_delivery, check_stop_under_load,
                           check_undelivered, listener)
from support.peers import Rsyslog, rsyslog_modules
from support.settings import cannot_run
from support.wait import wait_until

STREAMS = ["tcp4", "tcp6", "unix"]


@pytest.mark.parametrize("scheme", STREAMS)
def test_each_record_once_and_acknowledged(penstock, scheme):
    check_all_acknowledged(penstock, Relp(), scheme)


@pytest.mark.parametrize("scheme", STREAMS)
def test_nothing_is_acknowledged_before_it_is_delivered(penstock, scheme):
    check_nothing_before_delivery(penstock, Relp(), scheme)


@pytest.mark.parametrize("scheme", STREAMS)
def test_a_stop_leaves_nothing_unacknowledged(penstock, scheme):
    check_stop_under_load(penstock, Relp(), scheme)


def test_a_sink_that_drops_ends_the_connection(penstock):
    check_undelivered(penstock, Relp(), "tcp4")


@pytest.mark.parametrize("scheme", STREAMS)
def test_close_is_answered_behind_the_last_acknowledgement_and_ends_the_connection(penstock, scheme):
    server = penstock(listener(Relp(), scheme), SYNCED)
    relp = Relp()
    with server.address(scheme).connect() as sock, sock.makefile("rb") as answers:
        sock.settimeout(30)
        sock.sendall(relp.greeting() + b"".join(relp.window(number) for number in range(100)) + b"102 close 0\n")
        assert answers.read().endswith(b"\n101 rsp 6 200 OK\n102 rsp 0\n0 serverclose 0\n")
    server.stop()
    assert len(server.records()) == 100


def feed(agent, numbers):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.connect(agent.input)
        for number in numbers:
            sock.send(f"<13>Nov 24 19:00:00 test[1]: word{number}".encode())


def words(server) -> list:
    """The numbers that were fed, as they arrived."""
    messages = [json.loads(line)["message"] for line in server.records()]
    return [int(text.strip()[4:]) for text in messages if text.strip().startswith("word")]


def omrelp(address) -> str:
    if not (rsyslog_modules() / "omrelp.so").exists():
        cannot_run("rsyslog's omrelp is not unpacked; ./dev test does it")
    return f'type="omrelp" target="{address.host}" port="{address.port}"'


class RelpRsyslog(Rsyslog):
    def forwarding(self) -> str:
        return 'module(load="omrelp")\n' + super().forwarding()


@pytest.mark.parametrize("scheme", ["tcp4", "tcp6"])
def test_rsyslog(penstock, workdir, scheme):
    server = penstock(listener(Relp(), scheme), SYNCED)
    with RelpRsyslog(workdir, omrelp(server.address(scheme))) as agent:
        feed(agent, range(1000))
        wait_until(lambda: len(words(server)) >= 1000, lambda: f"1000 records: {len(words(server))}\n{agent.said()}")
    assert words(server) == list(range(1000))
    server.stop()
    assert all(json.loads(line)["app"] for line in server.records())
    assert server.ledger().listener()["rejected"] == {}


def test_rsyslog_sends_again_only_what_was_not_acknowledged(penstock, workdir):
    """The server is stopped while rsyslog sends, and started again at the same address: each record is there once."""
    server = penstock(listener(Relp(), "tcp4"), SYNCED)
    address = server.address("tcp4")
    with RelpRsyslog(workdir, omrelp(address)) as agent:
        feed(agent, range(300))
        wait_until(lambda: len(words(server)) >= 100, lambda: agent.said())
        server.stop()
        feed(agent, range(300, 600))
        again = penstock({**listener(Relp(), "tcp4"), "listen": f"tcp4://127.0.0.1:{address.port}"}, SYNCED)
        # Both write to the same file, one behind the other.
        wait_until(lambda: len(set(words(again))) >= 600, lambda: f"{agent.said()}\n{again.log_text()}")
    assert sorted(words(again)) == list(range(600))


@pytest.mark.parametrize("bytes_", [
    b"2 syslog " + b"9" * 200,
    b"2 syslog 4294967299 abc\n",
    b"2 syslog 18446744073709551619 abc\n",
    b"2 syslog 3 abcd\n",
    b"2 syslog -1 a\n",
    b"0 syslog 1 a\n",
], ids=["endless", "wraps-32", "wraps-64", "short", "negative", "zero"])
def test_malformed(penstock, bytes_):
    """The connection ends without an answer, it is counted, and a good record on another one arrives."""
    server = penstock(listener(Relp(), "tcp4"), SYNCED)
    relp = Relp()
    with server.address().connect() as sock:
        sock.settimeout(30)
        sock.sendall(relp.greeting())
        assert sock.recv(65536).startswith(b"1 rsp ")
        sock.sendall(bytes_)
        assert sock.recv(65536) == b""
    with server.address().connect() as sock:
        sock.settimeout(30)
        sock.sendall(relp.greeting())
        sock.recv(65536)
        sock.sendall(relp.window(7))
        assert sock.recv(65536) == b"9 rsp 6 200 OK\n"
    server.stop()
    assert len(server.records()) == 1
    assert server.ledger().listener()["rejected"] == {"malformed": 1}
