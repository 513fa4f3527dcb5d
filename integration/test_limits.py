"""Limits refuse safely: a FIN and never a reset, counted, and everybody else is served."""

import resource
import signal
import socket
import subprocess
import threading
import time

import pytest

from support.address import CONNECTED, STREAMS, any_url
from support.clients import Drip, Stubborn, send_stream
from support.records import assert_all_once, record
from support.settings import cannot_run, length, sanitized
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


class RefusedFlood(threading.Thread):
    """Peers over a limit that connect and then hold still, until told to quit: 1,000 at once, later ones at most 100 a
    second and up to `most`, so that whoever is to be served has the better part of a minute to be so."""

    def __init__(self, connect, most=6000):
        super().__init__(daemon=True)
        self.connect = connect
        self.most = most
        self.held = []
        self.quit = threading.Event()

    def run(self):
        while len(self.held) < self.most and not self.quit.wait(0 if len(self.held) < 1000 else 0.01):
            try:
                self.held.append(self.connect())
            except OSError:  # the accept queue is full
                pass

    def __enter__(self):
        self.start()
        wait_until(lambda: len(self.held) >= 1000, "1,000 refused peers")
        return self

    def __exit__(self, *_):
        self.quit.set()
        self.join()
        for sock in self.held:
            sock.close()


def assert_served_during(flood, server, connect, count=100):
    """`count` peers one after another are served before the flood has run dry."""
    for number in range(count):
        with connect() as sock:
            sock.sendall(record("good", number) + b"\n")
            wait_until(lambda: record("good", number) in server.records() or not flood.is_alive(), "a good peer's record")
        assert flood.is_alive(), f"the flood of {len(flood.held)} is over and only {number} good peers were served"


def test_refusals_of_one_listener_delay_no_other(netns, penstock, unprivileged):
    """Refused peers that neither send nor close: the budget for them never keeps a listener below its limit waiting."""
    server = penstock([{"name": "full", "listen": any_url("tcp4"), "max_connections": 1},
                       {"name": "good", "listen": any_url("tcp6")}], unprivileged=unprivileged)
    full, good = server.address(listener="full"), server.address(listener="good")
    with hold(full, 1, "tcp4")[0], RefusedFlood(lambda: full.connect(5)) as flood:
        server.wait_records(1)
        assert_served_during(flood, server, good.connect)
    server.stop()
    netns.assert_no_reset()


def test_refusals_of_one_peer_delay_no_other(netns, penstock, unprivileged):
    """One address hoards refusals at the listener where others, within their limit, come in."""
    server = penstock({"listen": any_url("tcp4"), "max_connections_per_peer": 2}, unprivileged=unprivileged)
    address = server.address("tcp4")

    def connect_from(host):
        return socket.create_connection(address.where, 5, source_address=(host, 0))
    with RefusedFlood(lambda: connect_from("127.0.0.9")) as flood:
        assert_served_during(flood, server, lambda: connect_from("127.0.0.7"))
    server.stop()
    netns.assert_no_reset()


def test_refused_peer_that_has_not_seen_our_fin(netns, penstock, unprivileged):
    """It writes without a pause while our FIN is lost twice: what it sends is discarded and never answered by a reset."""
    if subprocess.run(["nft", "list", "ruleset"], capture_output=True).returncode != 0:
        cannot_run("nft does not work here")
    server = penstock({"listen": any_url("tcp4"), "max_connections": 1}, unprivileged=unprivileged)
    address = server.address("tcp4")
    nft = ("add table inet lose; add chain inet lose in { type filter hook input priority 0; }; "
           f"add rule inet lose in tcp sport {address.port} tcp flags & fin == fin limit rate 1/hour burst 2 packets "
           "counter drop")
    with hold(address, 1, "tcp4")[0]:
        server.wait_records(1)
        subprocess.run(["nft", nft], check=True)
        peer = Stubborn(address, "refused", 60_000)
        peer.start()
        netns.watch_no_reset(2)  # the third FIN comes after 400 ms
        shown = subprocess.run(["nft", "list", "table", "inet", "lose"], capture_output=True, text=True, check=True).stdout
        assert "counter packets 2 " in shown, shown
        peer.finish()
    assert peer.error is None
    assert peer.bytes_sent > 1 << 20, "it was to send more than the server reads of a refused peer"
    server.stop()
    netns.assert_no_reset()
    ended = server.ledger().listener()["ended"]
    assert ended.get("refused") == 1 and "unfrozen" not in ended, ended


@over_connected
def test_idle_timeout(netns, penstock, scheme):
    server = penstock({"listen": any_url(scheme), "idle_timeout": "3s"})
    with server.address(scheme).connect() as sock:
        sock.sendall(b"one" + end_of(scheme))
        assert sock.recv(1) == b""
    server.stop()
    netns.assert_no_reset()
    assert server.records() == [b"one"]
    assert server.ledger().listener()["ended"]["timeout"] == 1


@over_connected
def test_idle_timeout_does_not_run_while_the_server_stands_still(netns, penstock, scheme):
    """Stopped for two timeouts and continued: its peers have sent all the time, it only could not read."""
    server = penstock({"listen": any_url(scheme), "idle_timeout": "4s"})
    peers = [Drip(server.address(scheme), f"drip{n}") for n in range(5)]
    for peer in peers:
        peer.start()
    for peer in peers:
        peer.wait_sent(10)
    server.send_signal(signal.SIGSTOP)
    time.sleep(9)
    server.send_signal(signal.SIGCONT)
    before = [peer.sent for peer in peers]
    wait_until(lambda: all(p.sent > sent + 50 or p.saw_fin for p, sent in zip(peers, before)), "the peers to go on")
    assert not any(peer.saw_fin for peer in peers), "somebody who kept sending was closed"
    for peer in peers:
        peer.finish()
    server.stop()
    assert "timeout" not in server.ledger().listener()["ended"]
    for peer in peers:
        assert peer.error is None
        assert_all_once(server.records(), peer.name, peer.sent)
    netns.assert_no_reset()


@pytest.mark.parametrize("scheme", STREAMS)
def test_idle_timeout_quarantines_the_unfinished_frame(netns, penstock, scheme):
    server = penstock({"listen": any_url(scheme), "idle_timeout": "3s"})
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
    server = penstock({"listen": any_url(scheme), "first_byte_timeout": "3s"})
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


def sent_on(unsent) -> list:
    """Of (socket, bytes), what the server has not taken yet; connections that it closed take nothing more."""
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
    return later


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
        for _ in range(50):
            unsent = sent_on(unsent)
            time.sleep(0.05)

        def closed_some():
            nonlocal unsent
            unsent = sent_on(unsent)
            return server.admin.listener("bad")["connections"]["ended"].get("partial_budget")
        wait_until(closed_some, "the first of them to be closed", pause=0.05)
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
