"""The relay sink: from a Penstock to a Penstock, and to other receivers, that come and go."""

import signal
import socket
import subprocess
from pathlib import Path

import pytest

from support import network
from support.acked import AckedSender, Relp, listener
from support.address import ALL, any_url
from support.kernel import Borrowed
from support.receiving import RawReceiver
from support.records import assert_all_once, fate_of, numbers_of, record
from support.relaying import ORDERLY, Talker, receiver_at, relay_to, say, url_of
from support.wait import wait_until

COUNT = 20_000
# Datagrams have no backpressure: few enough for the receiver's buffer.
DATAGRAMS = 2_000


@pytest.mark.parametrize("scheme", ALL)
def test_a_penstock_behind_a_penstock(penstock, workdir, netns, scheme):
    datagrams = scheme.startswith("udp") or scheme == "unixgram"
    count = DATAGRAMS if datagrams else COUNT
    options = {"receive_buffer": "8MiB"} if scheme.startswith("udp") else {}
    behind = receiver_at(penstock, workdir, "behind", any_url(scheme), **options)
    server = penstock({"listen": any_url("tcp4")}, relay_to(url_of(behind)), server=ORDERLY)
    say(server, count)
    server.stop()
    assert_all_once(behind.wait_records(count), "a", count)
    behind.stop()
    assert len(behind.records()) == count
    netns.assert_no_reset()


@pytest.mark.parametrize("framing, settings, listener", [
    ("newline", {}, {}),
    ("crlf", {}, {"framing": "newline"}),
    ("nul", {}, {}),
    ("octet_counted", {}, {}),
    ("syslog_auto", {}, {}),
    ("delimiter", {"delimiter": "||"}, {}),
    ("length_prefixed", {"length": {"bytes": 2, "endian": "little", "offset": 1}}, {}),
    ("varint", {}, {}),
    ("fixed", {"frame_bytes": 64}, {}),
], ids=lambda value: value if isinstance(value, str) else "")
def test_framings_of_both_sides_fit(penstock, workdir, framing, settings, listener):
    behind = receiver_at(penstock, workdir, "behind", any_url("tcp4"), **{"framing": framing, **settings, **listener})
    server = penstock({"listen": any_url("tcp4")}, relay_to(url_of(behind), framing=framing, **settings))
    say(server, COUNT)
    server.stop()
    assert_all_once(behind.wait_records(COUNT), "a", COUNT)


def test_datagrams_that_the_path_takes_in_pieces_only(penstock, workdir, netns):
    """The kernel cuts nothing into segments that are longer than the MTU: they go one by one, and others together again."""
    network.ip("link", "set", "lo", "mtu", 1500)
    behind = receiver_at(penstock, workdir, "behind", any_url("udp4"), receive_buffer="8MiB")
    server = penstock({"listen": any_url("tcp4")}, relay_to(url_of(behind)))
    for first, size in ((0, 300), (300, 3000), (600, 300)):
        say(server, 300, first=first, size=size)
    server.stop()
    assert_all_once(behind.wait_records(900), "a", 900)
    behind.stop()


def test_a_name_is_looked_up(penstock, workdir):
    """localhost has an IPv6 address too, where nobody listens: all addresses are tried."""
    behind = receiver_at(penstock, workdir, "behind", any_url("tcp4"))
    server = penstock({"listen": any_url("tcp4")}, relay_to(f"tcp://localhost:{behind.address().port}"))
    say(server, 100)
    assert_all_once(behind.wait_records(100), "a", 100)
    server.stop()


def test_a_name_that_nobody_knows_is_said(penstock):
    server = penstock({"listen": any_url("tcp4")}, relay_to("tcp://no-such-host.invalid:5514"), server={"flush_timeout": "1s"})
    say(server, 10)
    server.wait_log("sink cannot write.*no such host")
    server.stop(expect=3)


def test_what_lines_cannot_carry_goes_to_the_quarantine(penstock, workdir):
    behind = receiver_at(penstock, workdir, "behind", any_url("tcp4"))
    server = penstock({"listen": any_url("unixgram")}, relay_to(url_of(behind)))
    with server.address().connect() as sock:
        for text in (b"one", b"two\nlines", b"three"):
            sock.send(text)
    assert behind.wait_records(2) == [b"one", b"three"]
    assert wait_until(server.quarantined, "an entry")[0]["reason"] == "unencodable"
    server.stop(expect=None)


@pytest.mark.parametrize("kind", ["tcp", "unix", "udp"])
def test_socat(penstock, workdir, kind):
    got = workdir / "got"
    here = {"tcp": "TCP-LISTEN:5599,bind=127.0.0.1,reuseaddr,fork", "unix": f"UNIX-LISTEN:{workdir}/s.sock,fork",
            "udp": "UDP-RECV:5599,bind=127.0.0.1,rcvbuf=4194304"}[kind]
    url = f"unix://{workdir}/s.sock" if kind == "unix" else f"{kind}://127.0.0.1:5599"
    count = 200 if kind == "udp" else COUNT
    with subprocess.Popen(["socat", "-u", here, f"OPEN:{got},creat,append"]) as socat:
        try:
            if kind == "unix":
                wait_until((workdir / "s.sock").exists, "the socket")
            elif kind == "udp":
                wait_until(lambda: ":15DF " in Path("/proc/thread-self/net/udp").read_text(), "port 5599")
            server = penstock({"listen": any_url("tcp4")}, relay_to(url))
            say(server, count)
            server.stop()
            size = count * (64 if kind == "udp" else 65)
            wait_until(lambda: got.exists() and got.stat().st_size >= size, lambda: f"{size} bytes, not {got.stat().st_size}")
        finally:
            socat.terminate()
    data = got.read_bytes()
    records = [data[at:at + 64] for at in range(0, len(data), 64)] if kind == "udp" else data.split(b"\n")[:-1]
    assert_all_once(records, "a", count)


def test_nc(penstock, workdir):
    with open(workdir / "got", "wb") as got, subprocess.Popen(["nc", "-l", "127.0.0.1", "5598"], stdin=subprocess.DEVNULL,
                                                              stdout=got) as nc:
        try:
            server = penstock({"listen": any_url("tcp4")}, relay_to("tcp://127.0.0.1:5598"))
            say(server, COUNT)
            server.stop()
            nc.wait(60)
        finally:
            nc.kill()
    assert_all_once((workdir / "got").read_bytes().split(b"\n")[:-1], "a", COUNT)


def test_killed_receiver_loses_only_what_its_kernel_had(penstock, workdir, netns):
    """What the dead receiver has read, and what lay unread in its kernel, and what the next one gets, is everything, in order."""
    big = 600_000
    first = RawReceiver(workdir / "first")
    server = penstock({"listen": any_url("tcp4")}, relay_to(first.url))
    talker = Talker(server, big)
    wait_until(lambda: first.data(), "some records")
    first.stop_reading()
    with Borrowed(first.pid, first.connection()) as connection:
        looks = []

        def full():
            """For three seconds: while the window is nearly shut the sender waits longer and longer before it fills it."""
            looks.append(connection.unread())
            return len(looks) > 60 and 0 < looks[-60] == looks[-1]

        wait_until(full, "a receive queue that grows no more", pause=0.05)
        had = first.data() + connection.peek(looks[-1])
    first.kill()
    server.wait_log("connection refused")
    second = RawReceiver(workdir / "second", first.port)
    wait_until(lambda: talker.done.is_set() and f"a:{big - 1:09d}:".encode() in second.data()[-1000:], "the last record")
    whole = len(had.split(b"\n")) - 1
    numbers = numbers_of(second.records(), "a")
    assert numbers == list(range(numbers[0], big))
    assert whole - 1 <= numbers[0] <= whole
    server.stop()
    second.kill()


def test_penstock_that_is_killed_and_comes_back(penstock, workdir):
    """All that was sent after the death is there, in order; before it only what was on its way may be missing."""
    behind = receiver_at(penstock, workdir, "behind", any_url("tcp4"))
    url = url_of(behind)
    server = penstock({"listen": any_url("tcp4")}, relay_to(url))
    say(server, 1000)
    behind.wait_records(1000)
    behind.kill()
    say(server, 1000, first=1000)
    server.wait_log("connection refused")
    again = receiver_at(penstock, workdir, "behind", url)
    records = again.wait_records(2000)
    assert_all_once(records, "a", 2000)
    server.stop()
    again.stop()


@pytest.mark.parametrize("away", ["a_moment", "until_it_is_missed"])
def test_receiver_that_stops_in_order_loses_and_doubles_nothing(penstock, workdir, netns, away):
    """No connection is reset. While nobody listens the kernel refuses new ones, each with a RST to its SYN: how many there
    are is a matter of how long that lasts."""
    behind = receiver_at(penstock, workdir, "behind", any_url("tcp4"))
    url = url_of(behind)
    server = penstock({"listen": any_url("tcp4")}, relay_to(url))
    talker = Talker(server, 100_000)
    behind.wait_records(1000)
    behind.stop()
    assert all(len(r) == 64 for r in behind.records()), "whole records"
    if away == "until_it_is_missed":
        server.wait_log("receiver cannot be reached")
        wait_until(lambda: "connection refused" in str(server.admin.sink()), lambda: f"a refusal: {server.admin.sink()}")
    again = receiver_at(penstock, workdir, "behind", url)
    records = again.wait_records(100_000)
    assert talker.done.wait(60)
    assert_all_once(records, "a", 100_000)
    server.stop()
    again.stop()
    refusals = netns.assert_no_reset(refusals=True)
    assert refusals != 0 or away == "a_moment"


def test_queue_on_disk_outlives_the_server_and_the_receiver(penstock, workdir):
    """Nobody is there, and the server is killed: what it had acknowledged to its sender is sent when both are back."""
    relp, to = Relp(), {"queue": {"type": "disk", "path": "queue"}, "framing": "octet_counted"}
    receiver = receiver_at(penstock, workdir, "behind", any_url("tcp4"), framing="octet_counted")
    url = url_of(receiver)
    receiver.stop()
    server = penstock(listener(relp, "tcp4"), relay_to(url, **to))
    sender = AckedSender(relp, server.address(), outstanding=64, count=2000)
    sender.start()
    sender.wait_acked(2000)
    server.kill()
    sender.close()
    receiver = receiver_at(penstock, workdir, "behind", url, framing="octet_counted")
    again = penstock(listener(relp, "tcp4"), relay_to(url, **to))
    receiver.wait_records(2000)
    assert [int(r.split()[4]) for r in receiver.records()] == list(range(2000))
    again.kill()  # its ledger would have delivered what another process has read


def test_failover_and_back(penstock, workdir):
    one = receiver_at(penstock, workdir, "one", any_url("tcp4"))
    two = receiver_at(penstock, workdir, "two", any_url("tcp4"))
    url = url_of(one)
    server = penstock({"listen": any_url("tcp4")}, relay_to(url, url_of(two), balance="failover"))
    say(server, 100)
    one.wait_records(100)
    one.stop()
    say(server, 100, first=100)
    assert numbers_of(two.wait_records(100), "a") == list(range(100, 200))
    assert server.wait_log("receiver cannot be reached").fields["url"] == url
    one = receiver_at(penstock, workdir, "one", url)
    sent = [200]

    def came_back():
        say(server, 1, first=sent[0])
        sent[0] += 1
        return len(one.records()) > 100

    wait_until(came_back, "records at the first receiver")
    assert server.log_has("receiver is reached again")
    server.stop()
    for receiver in (one, two):
        receiver.stop()
    assert_all_once(one.records() + two.records(), "a", sent[0], ordered=False)


def test_round_robin_over_three(penstock, workdir):
    receivers = [receiver_at(penstock, workdir, name, any_url("tcp4")) for name in ("one", "two", "three")]
    server = penstock({"listen": any_url("tcp4")}, relay_to(*map(url_of, receivers), balance="round_robin"))
    say(server, 100_000)
    server.stop()
    for receiver in receivers:
        receiver.stop()
    assert all(len(receiver.records()) > 1000 for receiver in receivers)
    assert_all_once(sum((receiver.records() for receiver in receivers), []), "a", 100_000, ordered=False)


def test_hash_keeps_a_sender_together(penstock, workdir):
    receivers = [receiver_at(penstock, workdir, name, any_url("tcp4")) for name in ("one", "two", "three")]
    server = penstock({"listen": any_url("tcp4")}, relay_to(*map(url_of, receivers), balance="hash"))
    senders = [f"127.0.0.{n}" for n in range(10, 40)]
    for sender in senders:
        with socket.create_connection(server.address().where, source_address=(sender, 0)) as sock:
            sock.sendall(b"".join(record(sender, n) + b"\n" for n in range(20)))
    server.stop()
    for receiver in receivers:
        receiver.stop()
    for sender in senders:
        fates = [fate_of(receiver.records(), sender, 20) for receiver in receivers]
        assert sorted(fate.arrived for fate in fates) == [0, 0, 20]
    assert all(receiver.records() for receiver in receivers)


def test_slow_receiver_blocks_the_sender_in_bounded_memory(penstock, workdir, netns):
    receiver = RawReceiver(workdir / "got")
    server = penstock({"listen": any_url("tcp4")}, relay_to(receiver.url, queue={"max_bytes": "2MiB"}),
                      server={"memory": "32MiB"})
    say(server, 1)
    wait_until(lambda: receiver.data(), "the first record")
    before = server.memory_bytes()
    receiver.stop_reading()
    count, size = 40_000, 1000
    talker = Talker(server, count, size)
    wait_until(lambda: not server.admin.listener()["gate"]["open"], "a shut gate")
    server.wait_log("takes nothing more")
    assert not talker.done.is_set()
    assert server.memory_bytes() - before < 24 << 20
    receiver.go_on()
    assert talker.done.wait(120)
    server.stop()
    assert_all_once(receiver.records()[1:], "a", count)
    netns.assert_no_reset()
    receiver.kill()


def test_stop_sends_everything_then_fin(penstock, workdir, netns):
    """The receiver reads nothing while the server stops, until all is in its kernel's hands or the server waits for it."""
    receiver = RawReceiver(workdir / "got")
    server = penstock({"listen": any_url("tcp4")}, relay_to(receiver.url), server=ORDERLY)
    say(server, 1)
    wait_until(lambda: receiver.data(), "the first record")
    receiver.stop_reading()
    say(server, 60_000, first=1)
    server.send_signal(signal.SIGTERM)
    server.wait_log("stopping|draining|stop")
    receiver.go_on()
    assert server.wait() == 0
    assert_all_once(receiver.records(), "a", 60_001)
    netns.assert_no_reset()
    receiver.kill()


def test_stop_without_a_receiver_leaves_all_of_it_over(penstock, workdir):
    server = penstock({"listen": any_url("tcp4")}, relay_to("tcp://127.0.0.1:5597"), server={"flush_timeout": "1s"})
    say(server, 500)
    server.wait_log("connection refused")
    server.stop(expect=3)
    left = server.left_over_records()
    assert_all_once(left, "a", 500)
