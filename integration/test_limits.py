"""Limits refuse safely: a FIN and never a reset, counted, and everybody else is served."""

import resource
import socket
import subprocess
import time

import pytest

from support.address import CONNECTED, STREAMS, any_url
from support.clients import send_stream
from support.records import record
from support.settings import length, sanitized
from support.wait import wait_until

over_connected = pytest.mark.parametrize("scheme", CONNECTED)


def end_of(scheme):
    return b"" if scheme == "unixpacket" else b"\n"


def hold(address, count, scheme):
    """`count` connections that are served: each has its record in the file."""
    socks = []
    for number in range(count):
        sock = address.connect()
        sock.sendall(record("held", number) + end_of(scheme))
        socks.append(sock)
    return socks


def assert_refused(address, scheme):
    """Our record is taken and answered with FIN: no reset, although the server never wanted it."""
    with address.connect() as sock:
        try:
            sock.sendall(record("refused", 0) + end_of(scheme))
        except BrokenPipeError:
            pass  # unix: the refusal may come before the first byte
        assert sock.recv(1) == b""


@over_connected
@pytest.mark.parametrize("table", ["server", "listener"])
def test_max_connections(netns, penstock, scheme, table):
    limits = {"server": {"max_connections": 5} if table == "server" else {}}
    listener = {"max_connections": 5} if table == "listener" else {}
    server = penstock({"listen": any_url(scheme), **listener}, **limits)
    address = server.address(scheme)
    held = hold(address, 5, scheme)
    server.wait_records(5)
    for _ in range(20):
        assert_refused(address, scheme)
    netns.assert_no_reset()
    for sock in held:
        sock.close()

    def served_again():
        with address.connect() as sock:
            sock.sendall(b"again" + end_of(scheme))
        return b"again" in server.records()
    wait_until(served_again, "service after the others left", pause=0.1)
    server.stop()
    netns.assert_no_reset()
    assert not any(r.startswith(b"refused") for r in server.records())
    ledger = server.ledger().listener()
    assert ledger["ended"]["refused"] >= 20
    assert ledger["discarded_bytes"].get("refused", 0) > 0 or scheme.startswith("unix")


@over_connected
def test_max_connections_per_peer(netns, penstock, scheme):
    """By address; on unix schemes by uid."""
    server = penstock({"listen": any_url(scheme), "max_connections_per_peer": 3})
    address = server.address(scheme)
    held = hold(address, 3, scheme)
    server.wait_records(3)
    assert_refused(address, scheme)
    if scheme == "tcp4":
        with socket.create_connection(address.where, source_address=("127.0.0.2", 0)) as other:
            other.sendall(b"other address\n")
            wait_until(lambda: b"other address" in server.records(), "the other address")
    for sock in held:
        sock.close()
    server.stop()
    netns.assert_no_reset()


@over_connected
def test_idle_timeout(netns, penstock, scheme):
    server = penstock({"listen": any_url(scheme), "idle_timeout": "300ms"})
    with server.address(scheme).connect() as sock:
        sock.sendall(b"one" + end_of(scheme))
        assert sock.recv(1) == b""
    server.stop()
    netns.assert_no_reset()
    assert server.records() == [b"one"]
    assert server.ledger().listener()["ended"]["timeout"] == 1


@pytest.mark.parametrize("scheme", STREAMS)
def test_idle_timeout_quarantines_the_unfinished_frame(netns, penstock, scheme):
    server = penstock({"listen": any_url(scheme), "idle_timeout": "300ms"})
    with server.address(scheme).connect() as sock:
        sock.sendall(b"one\nhalf")
        assert sock.recv(1) == b""
    server.stop()
    assert server.records() == [b"one"]
    (entry,) = server.quarantined()
    assert (entry["reason"], entry["bytes"]) == ("tail_timeout", "aGFsZg==")
    netns.assert_no_reset()


@over_connected
def test_first_byte_timeout(netns, penstock, scheme):
    """Ends those who say nothing, and leaves those who have spoken."""
    server = penstock({"listen": any_url(scheme), "first_byte_timeout": "300ms"})
    address = server.address(scheme)
    with address.connect() as talker, address.connect() as silent:
        talker.sendall(b"one" + end_of(scheme))
        assert silent.recv(1) == b""
        talker.sendall(b"two" + end_of(scheme))
        server.wait_records(2)
    server.stop()
    netns.assert_no_reset()
    assert server.records() == [b"one", b"two"]


@over_connected
def test_probe_is_counted_and_no_trouble(netns, penstock, scheme):
    """Load balancers and health checks connect and leave without a byte."""
    server = penstock({"listen": any_url(scheme)})
    for _ in range(25):
        server.address(scheme).connect().close()
    send_stream(server.address(scheme), b"real" + end_of(scheme))
    server.stop()
    assert server.ledger().listener()["ended"]["probe"] == 25
    assert [line.text for line in server.log if line.level in ("warn", "error")] == []


@over_connected
def test_no_descriptors_left(netns, penstock, scheme):
    """`ulimit -n 64` and 200 clients: nobody is reset, the server does not spin, and all are served in the end."""
    server = penstock({"listen": any_url(scheme)}, descriptors=64)
    address = server.address(scheme)
    clients = []
    for number in range(200):
        sock = address.connect()
        sock.sendall(record("c", number) + end_of(scheme))
        clients.append(sock)
    time.sleep(1)
    before = server.cpu_seconds()
    time.sleep(2)
    assert server.cpu_seconds() - before < 1.5, "it spins while it has no descriptor"
    for sock in clients:  # those served or refused see FIN, those behind them are let in as these leave
        sock.shutdown(socket.SHUT_WR)
    for sock in clients:
        assert sock.recv(1) == b""
        sock.close()
    server.stop()
    netns.assert_no_reset()
    ledger = server.ledger().listener()
    served = len(server.records())
    assert served + ledger["ended"].get("refused", 0) == 200
    assert served >= 30


def test_descriptors_run_out_later(netns, penstock):
    """The limit falls while the server runs: accepting waits for a free descriptor."""
    server = penstock({"listen": any_url("tcp4")})
    address = server.address("tcp4")
    limit = server.descriptors() + 10
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (limit, limit))
    clients = []
    for number in range(40):
        sock = address.connect()
        sock.sendall(record("c", number) + b"\n")
        clients.append(sock)
    for sock in clients:
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(1) == b""
        sock.close()
    server.stop()
    netns.assert_no_reset()
    assert sorted(server.records()) == [record("c", number) for number in range(40)]


@pytest.mark.slow
def test_unfinished_frames_of_many_connections(netns, penstock):
    """10,000 connections (shortened: 2,000 and a fifth of the memory) that each hold 60 KiB of an unfinished frame;
    a good listener still delivers, and memory stays inside the budget."""
    count, budget = length((10_000, 256), (2_000, 64))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = min(count, hard - 200)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    server = penstock([{"name": "bad", "listen": any_url("tcp4")}, {"name": "good", "listen": any_url("unix")}],
                      {"path": "{listener}.log"}, server={"memory": f"{budget}MiB"})
    address = server.address("tcp4", "bad")
    hoarders = []
    try:
        for _ in range(count):
            sock = address.connect()
            hoarders.append(sock)
            sock.setblocking(False)
        unsent = [(sock, b"u" * (60 << 10)) for sock in hoarders]
        for _ in range(50):  # as much as the server takes; connections that it closed take nothing more
            later = []
            for sock, rest in unsent:
                try:
                    rest = rest[sock.send(rest):]
                except BlockingIOError:
                    pass
                except OSError:
                    continue
                if rest:
                    later.append((sock, rest))
            unsent = later
            if not unsent:
                break
            time.sleep(0.05)
        good = server.address("unix", "good")
        for number in range(50):
            send_stream(good, record("good", number) + b"\n")
        server.wait_records(50, "good.log")
        if not sanitized():
            assert server.memory_bytes() < (budget << 20) * 1.1
    finally:
        for sock in hoarders:
            sock.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    server.stop()
    ended = server.ledger().listener("bad")["ended"]
    assert ended.get("partial_budget", 0) > 0, ended


def test_keepalive_is_set(netns, penstock):
    """Seen from outside: the connection carries a keepalive timer."""
    server = penstock({"listen": any_url("tcp4"), "keepalive": "30s"})
    address = server.address("tcp4")
    with address.connect() as sock:
        sock.sendall(b"one\n")
        server.wait_records(1)
        shown = subprocess.run(["ss", "-Htno", "state", "established", f"sport = :{address.port}"], check=True,
                               capture_output=True, text=True).stdout
        assert "keepalive" in shown, shown
    server.stop()
