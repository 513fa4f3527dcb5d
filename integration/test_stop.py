"""Stopping is clean: FIN and never RST, and what was sent before the client saw the FIN is in the file once."""

import collections
import os
import resource
import signal
import socket
import stat
import subprocess
import time

import pytest

from support.address import CONNECTED, any_url
from support.clients import TEMPERS, Drip, Flood, Storm, Stubborn, send_datagrams, send_packets, send_stream
from support.records import assert_all_once, record
from support.settings import cannot_run, length
from support.stalled import StalledPipe
from support.wait import wait_until

# How long no reset may show after the exit.
AFTER_EXIT_S = length(30, 2)
# Short where clients that ignore the FIN make the server wait for the deadline; long enough to read what they sent.
DRAIN = {"drain_timeout": "5s", "drain_quiet": "2s"}


def clients_of(server, scheme, tempers):
    clients = [TEMPERS[t](server.address(scheme), f"{t}") for t in tempers]
    for client in clients:
        client.start()
    for client in clients:
        if client.name != "Silent":
            client.wait_sent(3)
    return clients


def assert_kept_promise(server, clients):
    records = server.records()
    for client in clients:
        assert not client.was_reset, (client.name, client.error)
        assert client.error is None, (client.name, client.error)
        if client.name in ("Idle", "Silent", "MidMessage", "HalfClosing"):
            assert client.saw_fin, client.name
            assert_all_once(records, client.name, client.sent)
        else:  # these go on writing behind the FIN: what they sent before is covered, later records are never doubled
            covered = client.sent if client.sent_before_fin is None else client.sent_before_fin
            assert_all_once(records, client.name, covered)


@pytest.mark.slow
@pytest.mark.parametrize("temper", TEMPERS)
@pytest.mark.parametrize("scheme", CONNECTED)
def test_client_is_finished_and_not_reset(netns, penstock, scheme, temper):
    """Full length watches for 30 s after the exit, shortened for 2 s."""
    server = penstock({"listen": any_url(scheme)}, server=DRAIN)
    clients = clients_of(server, scheme, [temper])
    server.stop()
    netns.watch_no_reset(AFTER_EXIT_S if temper in ("Stubborn", "Deaf") else 0.3)
    for client in clients:
        client.finish()
    assert_kept_promise(server, clients)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["tcp", *CONNECTED])
def test_all_tempers_at_once(netns, penstock, scheme, unprivileged):
    """Full length watches for 30 s after the exit, shortened for 2 s."""
    url = "tcp://:0" if scheme == "tcp" else any_url(scheme)
    server = penstock({"listen": url}, server=DRAIN, unprivileged=unprivileged)
    clients = clients_of(server, scheme, TEMPERS)
    server.stop()
    netns.watch_no_reset(AFTER_EXIT_S)
    for client in clients:
        client.finish()
    assert_kept_promise(server, clients)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_either_signal_stops(penstock, number):
    server = penstock({"listen": any_url("tcp4")})
    send_stream(server.address("tcp4"), b"one\n")
    server.stop(number)
    assert server.records() == [b"one"]


def test_further_signals_lose_nothing(netns, penstock):
    """A sink that takes nothing, and somebody who presses Ctrl-C again and again: all is left over."""
    pipe = StalledPipe()
    server = penstock({"listen": any_url("tcp4")}, {"type": "stdout"}, server={"drain_timeout": "300s"},
                      stdout=pipe.write_end)
    pipe.started()
    with server.address("tcp4").connect() as sock:
        sock.sendall(b"".join(record("s", number) + b"\n" for number in range(20_000)))
        server.send_signal()
        assert sock.recv(1) == b""
        for _ in range(5):
            time.sleep(0.02)
            server.send_signal()
        assert server.wait() == 3, server.log_text()
    left = server.left_over_records()
    assert_all_once(pipe.records() + left, "s", 20_000)
    netns.assert_no_reset()


def test_full_queue_on_disk_and_a_dead_sink(penstock):
    """The two timeouts are kept: what is in memory is left over, the queue is closed in order."""
    away = {"type": "relay", "to": "tcp://127.0.0.1:1", "queue": {"type": "disk", "path": "queue", "max_bytes": "4MiB"}}
    server = penstock({"listen": any_url("tcp4"), "receive_buffer": "64KiB"}, away,
                      server={"drain_timeout": "1s", "flush_timeout": "2s"})
    client = Flood(server.address("tcp4"), "f", size=1000)
    client.start()
    wait_until(lambda: not server.admin.listener()["gate"]["open"], "the gate to shut")
    server.stop(expect=3)
    client.finish()
    assert server.log_has("records stay in the queue on disk")
    assert not server.log_has("giving up on what is left")
    assert not server.log_has("sink hangs")


def test_what_has_no_form_is_not_delivered_by_a_stop(penstock):
    """Half of what the sink stands still in cannot be encoded: that is left over too, not counted as written."""
    pipe = StalledPipe()
    server = penstock({"listen": any_url("tcp4"), "protocol": "influx"}, {"type": "stdout", "encoding": "graphite"},
                      server={"drain_timeout": "300ms", "flush_timeout": "300ms"}, stdout=pipe.write_end)
    pipe.started()
    with server.address("tcp4").connect() as sock:
        sock.sendall(b"".join(b'text v="no number"\nnumber v=%d\n' % number for number in range(10_000)))
        sock.shutdown(socket.SHUT_WR)
        wait_until(lambda: server.admin.listener()["events"] == 20_000, "all of it to be read")
        server.stop(expect=3)
    route = server.ledger().route()
    written = len(pipe.records())
    settled = route["delivered"] + route["lost"].get("unencodable", 0)
    assert 0 < written == route["delivered"]
    assert settled + route["lost"]["leftover"] == 20_000, route
    assert len(server.left_over_records()) == route["lost"]["leftover"]


def test_signals_to_the_last_moment(penstock):
    """logrotate may ask for new files while the process is just ending: that is no end by a signal."""
    for _ in range(length(40, 8)):
        server = penstock({"listen": any_url("tcp4")})
        server.send_signal()
        while server.running:
            server.send_signal(signal.SIGHUP)
        assert server.wait() == 0, server.log_text()


def test_second_signal_skips_to_the_end(netns, penstock):
    """A client that ignores the FIN would hold the stop until the deadline, which is far away here. What the sink has not
    written by then is left over."""
    server = penstock({"listen": any_url("tcp4")}, server={"drain_timeout": "300s"})
    (client,) = clients_of(server, "tcp4", ["Stubborn"])
    server.send_signal()
    wait_until(lambda: client.saw_fin, "the FIN")
    server.stop(expect=None)
    client.finish()
    left = server.left_over_records()
    assert_all_once(server.records() + left, client.name, client.sent_before_fin)


@pytest.mark.parametrize("scheme", ["tcp4", "tcp6"])
def test_neighbour_that_no_freeze_holds(netns, penstock, workdir, scheme):
    """Without CAP_NET_ADMIN packets of TTL 255 pass the freeze: a peer that sends them and ignores our FIN is reset in
    the end. Nothing of what was acknowledged is lost, and the exit status and the ledger say what happened.

    Whether the neighbour gets to send within the few milliseconds between freeze and close is chance, less of it on a
    busy machine: there are fifty tries."""
    for number in range(50):
        folder = workdir / str(number)
        folder.mkdir()
        folder.chmod(0o777)
        if stop_beside_a_neighbour(penstock, folder, scheme) == {"unfrozen": 1}:
            return
    pytest.fail("no packet of the neighbour ever passed the freeze")


def stop_beside_a_neighbour(penstock, folder, scheme) -> dict[str, int]:
    """How its connection ended; the exit status agrees with that, and no record is lost."""
    server = penstock({"listen": any_url(scheme)}, server={"drain_timeout": "500ms"}, unprivileged=True, folder=folder)
    neighbour = Stubborn(server.address(scheme), "near")
    if scheme == "tcp4":
        neighbour.sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 255)
    else:
        neighbour.sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 255)
    neighbour.start()
    neighbour.wait_sent(100)
    status = server.stop(expect=None)
    neighbour.finish()
    ended = server.ledger().listener()["ended"]
    assert (ended, status) in (({"unfrozen": 1}, 3), ({"deadline": 1}, 0))
    assert_all_once(server.records(), "near", neighbour.sent_before_fin)
    return ended


def test_all_schemes_in_one_listener(netns, penstock):
    server = penstock({"listen": [any_url(s) for s in CONNECTED]}, server=DRAIN)
    clients = [Drip(server.address(scheme), scheme) for scheme in CONNECTED]
    for client in clients:
        client.start()
    for client in clients:
        client.wait_sent(10)
    server.stop()
    for client in clients:
        client.finish()
        assert client.error is None
        assert client.saw_fin
        assert_all_once(server.records(), client.name, client.sent)
    netns.assert_no_reset()


@pytest.mark.parametrize("scheme", CONNECTED)
def test_what_waits_in_the_accept_queue_is_read(netns, penstock, scheme, unprivileged):
    """The server stands still while clients connect and write; the stop signal is there before it goes on."""
    server = penstock({"listen": any_url(scheme)}, server=DRAIN, unprivileged=unprivileged)
    address = server.address(scheme)
    server.send_signal(signal.SIGSTOP)
    clients = [address.connect() for _ in range(50)]
    for number, client in enumerate(clients):
        client.sendall(record("queued", number) + (b"" if scheme == "unixpacket" else b"\n"))
    server.send_signal(signal.SIGTERM)
    server.send_signal(signal.SIGCONT)
    for client in clients:
        assert client.recv(1) == b""
        client.close()
    assert server.wait() == 0, server.log_text()
    assert sorted(server.records()) == [record("queued", number) for number in range(50)]
    netns.assert_no_reset()
    assert server.ledger().listener()["accepted"] == 50


@pytest.mark.parametrize("scheme", CONNECTED)
def test_connect_storm(netns, penstock, scheme):
    server = penstock({"listen": any_url(scheme)}, server=DRAIN)
    storms = [Storm(server.address(scheme), f"storm{n}") for n in range(8)]
    for storm in storms:
        storm.start()
    wait_until(lambda: all(storm.done > 50 for storm in storms), "the storm to rise")
    server.stop()
    for storm in storms:
        storm.quit.set()
        storm.join(60)
        assert storm.resets == []
    records = server.records()
    for storm in storms:
        assert_all_once(records, storm.name, storm.done, ordered=False)
    # Refused SYNs are answered with RST once the port is closed, so TcpOutRsts may move; no connection was reset.
    assert netns.moved("TcpEstabResets", "TcpExtTCPAbortOnClose", "TcpExtTCPAbortOnData") == {}


@pytest.mark.parametrize("delay", [0, 0.7], ids=["at_once", "late"])
@pytest.mark.parametrize("scheme", ["tcp4", "tcp6"])
def test_handshakes_in_progress_finish(netns, penstock, scheme, delay, unprivileged):
    """The clients' last ACK is lost until the stop has begun, or well into it: to the server they are half open, to
    themselves connected. Their data, or the ACK of a SYN-ACK, sent again, completes the handshake."""
    if subprocess.run(["nft", "list", "ruleset"], capture_output=True).returncode != 0:
        cannot_run("nft does not work here")
    server = penstock({"listen": any_url(scheme)}, server={"drain_timeout": "60s"}, unprivileged=unprivileged)
    address = server.address(scheme)
    nft = ("add table inet lose; add chain inet lose in { type filter hook input priority 0; }; "
           f"add rule inet lose in tcp dport {address.port} tcp flags & (syn|ack) == ack drop")
    subprocess.run(["nft", nft], check=True)
    clients = [address.connect() for _ in range(20)]
    for number, client in enumerate(clients[:15]):
        client.sendall(record("half", number) + b"\n")
    server.send_signal()
    time.sleep(delay)
    subprocess.run(["nft", "delete table inet lose"], check=True)
    for client in clients:
        assert client.recv(1) == b""
        client.close()
    assert server.wait() == 0, server.log_text()
    assert sorted(server.records()) == [record("half", number) for number in range(15)]
    assert server.ledger().listener()["accepted"] == 20
    netns.assert_no_reset()


def test_accept_queue_longer_than_the_descriptors_left(netns, penstock):
    """100 connections wait and 70 descriptors are left: those behind come in as the first ones close."""
    server = penstock({"listen": any_url("tcp4")}, server=DRAIN)
    address = server.address("tcp4")
    limit = server.descriptors() + 70
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (limit, limit))
    server.send_signal(signal.SIGSTOP)
    clients = [address.connect() for _ in range(100)]
    for number, client in enumerate(clients):
        client.sendall(record("queued", number) + b"\n")
        client.shutdown(socket.SHUT_WR)
    server.send_signal(signal.SIGTERM)
    server.send_signal(signal.SIGCONT)
    for client in clients:
        assert client.recv(1) == b""
        client.close()
    assert server.wait() == 0, server.log_text()
    assert sorted(server.records()) == [record("queued", number) for number in range(100)]
    netns.assert_no_reset()


@pytest.mark.parametrize("scheme", ["udp", "udp4", "udp6", "unixgram"])
def test_what_waits_in_a_datagram_queue_is_read(netns, penstock, scheme, unprivileged):
    server = penstock({"listen": "udp://:0" if scheme == "udp" else any_url(scheme)}, unprivileged=unprivileged)
    address = server.address(scheme)
    server.send_signal(signal.SIGSTOP)
    # One sender's unixgram queue holds max_dgram_qlen + 1 datagrams and is kept small by default.
    count = 10 if scheme == "unixgram" else 100
    send_datagrams(address, "queued", count)
    server.send_signal(signal.SIGTERM)
    server.send_signal(signal.SIGCONT)
    assert server.wait() == 0, server.log_text()
    assert server.records() == [record("queued", number) for number in range(count)]
    ledger = server.ledger().listener()
    assert ledger["datagrams"] + ledger["kernel_drops"] == count


@pytest.mark.parametrize("scheme", ["unix", "unixgram", "unixpacket"])
def test_socket_file_is_gone_and_only_ours(penstock, scheme):
    server = penstock({"listen": any_url(scheme)})
    path = server.address(scheme).path
    assert stat.S_ISSOCK(os.stat(path).st_mode)
    server.stop()
    assert not os.path.exists(path)


@pytest.mark.parametrize("scheme", ["unix", "unixgram", "unixpacket"])
def test_socket_file_of_another_stays(penstock, scheme):
    """Somebody moved ours away and put their own in its place."""
    server = penstock({"listen": any_url(scheme)})
    path = server.address(scheme).path
    os.rename(path, path + ".moved")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        other.bind(path)
        server.stop()
        assert os.path.exists(path)


@pytest.mark.parametrize("scheme", ["tcp", "tcp4", "tcp6", "udp4", "unix", "unixgram", "unixpacket"])
def test_same_address_binds_again_at_once(netns, penstock, workdir, scheme):
    first = penstock({"listen": any_url(scheme)}, server=DRAIN)
    url = first.urls()[0]
    send_packets(first.address(scheme), [b"first"]) if scheme.startswith("udp") else None
    clients = clients_of(first, scheme, ["Idle", "Stubborn"]) if scheme in ("tcp", *CONNECTED) else []
    first.stop()
    second = penstock({"listen": url}, folder=workdir, server=DRAIN)
    assert second.urls() == [url]
    for client in clients:
        client.finish()


@pytest.mark.parametrize("scheme", CONNECTED)
def test_what_a_stalled_sink_leaves_over_comes_at_the_next_start(netns, penstock, workdir, scheme):
    """The sink never takes another byte: what is queued, and what the kernel had acknowledged, is left over; delivered,
    left over and nothing else make up the set, and the next start delivers the second by itself."""
    pipe = StalledPipe()
    server = penstock({"listen": any_url(scheme)}, {"type": "stdout", "queue": {"max_bytes": "256KiB"}},
                      server={"drain_timeout": "2s", "flush_timeout": "2s"}, stdout=pipe.write_end)
    pipe.started()
    clients = clients_of(server, scheme, ["HalfClosing"])
    client = clients[0]
    last = -1
    while client.sent != last:  # until the pipe, the queue, the receive buffer and the send buffer are full
        last = client.sent
        time.sleep(0.5)
    server.stop(expect=3)
    client.finish()
    assert not client.was_reset
    left, = server.leftovers()
    assert str(left.name) in server.log_text()

    second = penstock({"listen": any_url("tcp4")}, {"path": "replayed.log"}, folder=workdir)
    second.wait_log("what stops have left over is delivered")
    assert second.leftovers() == []
    second.stop()
    assert second.ledger().route()["recovered"] == second.ledger().route()["delivered"] > 0
    delivered, replayed = pipe.records(), second.records("replayed.log")
    both = collections.Counter(delivered + replayed)
    covered = client.acknowledged
    missing = [n for n in range(covered) if record(client.name, n) not in both]
    assert missing == [], f"{len(missing)} of {covered}: delivered {len(delivered)}, replayed {len(replayed)}"
    # A batch in flight when it was given up may be in both, its records next to each other; nothing else may.
    doubled = [r for r, times in both.items() if times > 1]
    assert set(doubled) <= set(delivered[-len(doubled):]) if doubled else True


def test_stop_while_a_gate_is_shut_and_the_sink_comes_back(netns, penstock):
    """The sink is slow, not dead: everything arrives and the exit status is 0."""
    pipe = StalledPipe()
    server = penstock({"listen": any_url("tcp4")}, {"type": "stdout", "queue": {"max_bytes": "256KiB"}},
                      server={"drain_timeout": "60s"}, stdout=pipe.write_end)
    pipe.started()
    (client,) = clients_of(server, "tcp4", ["HalfClosing"])
    client.wait_sent(20000)
    server.send_signal()
    time.sleep(0.5)
    pipe.flow()
    assert server.wait() == 0, server.log_text()
    client.finish()
    assert_all_once(pipe.records(), client.name, client.sent)
    netns.assert_no_reset()


def test_no_leftover_without_trouble(penstock):
    server = penstock({"listen": any_url("tcp4")})
    send_stream(server.address("tcp4"), b"one\n")
    server.stop()
    assert server.leftovers() == []
    assert server.quarantined() == []


def test_peer_that_was_gone_before(netns, penstock):
    """A client that resets its own connection is its own affair: exit 0, counted as reset by the peer."""
    server = penstock({"listen": any_url("tcp4")})
    sock = server.address("tcp4").connect()
    sock.sendall(b"whole\nhalf")
    server.wait_records(1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    sock.close()
    wait_until(lambda: server.quarantined(), "the tail in the quarantine")
    server.stop()
    assert server.records() == [b"whole"]
    (tail,) = server.quarantined()
    assert tail["reason"] == "tail_reset"
    assert netns.moved("TcpExtTCPAbortOnClose") == {}
