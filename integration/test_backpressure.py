"""A slow sink: what it cannot take is not read, stays with the sender, and is all there once the sink goes on."""

import signal
import time

import pytest

from support.address import CONNECTED, any_url
from support.clients import DatagramFlood, Flood, send_datagrams, send_stream
from support.records import assert_all_once, fate_of, record
from support.settings import length, sanitized
from support.stalled import StalledPipe
from support.wait import wait_until

STALL_S = length(60, 4)


@pytest.mark.long
@pytest.mark.slow
def test_stalled_sink_at_full_input(netns, penstock):
    """Stalled for 60 s (shortened: 4 s) with every scheme writing, and another listener at full speed beside it."""
    pipe = StalledPipe()
    budget = 64 << 20
    listeners = [{"name": s, "listen": any_url(s), "sinks": ["slow"]} for s in (*CONNECTED, "unixgram")]
    listeners.append({"name": "udp4", "listen": any_url("udp4"), "sinks": ["slow"], "receive_buffer": "256KiB"})
    listeners.append({"name": "fast", "listen": "tcp4://127.0.0.2:0", "sinks": ["file"]})
    server = penstock(listeners, [{"name": "slow", "type": "stdout"}, {"name": "file", "path": "fast.log"}],
                      server={"memory": "64MiB", "drain_timeout": "60s", "flush_timeout": "60s"}, stdout=pipe.write_end)
    pipe.started()
    floods = [Flood(server.address(s, s), s) for s in CONNECTED]
    datagrams = [DatagramFlood(server.address(s, s), s) for s in ("unixgram", "udp4")]
    fast = Flood(server.address("tcp4", "fast"), "fast")
    for thread in (*floods, *datagrams, fast):
        thread.start()

    for flood in floods:
        wait_until(flood.blocked, f"{flood.name} blocked")
    wait_until(lambda: datagrams[0].refused > 10, "unixgram refused")
    fast_before = fast.sent
    until = time.monotonic() + STALL_S
    while time.monotonic() < until:
        if not sanitized():
            assert server.memory_bytes() < budget * 1.1
        time.sleep(0.2)
    assert all(flood.blocked(0.2) for flood in floods), "one of them went on against a stalled sink"
    wait_until(lambda: fast.sent > fast_before + 1000, "the other listener to go on")

    pipe.flow()
    counts = [flood.sent for flood in floods]
    for flood, count in zip(floods, counts):
        wait_until(lambda: flood.sent > count + 1000, f"{flood.name} goes on")
    for thread in (*floods, *datagrams, fast):
        thread.enough.set()
    for thread in (*datagrams,):
        thread.join(60)
    for flood in (*floods, fast):
        flood.join(60)
        assert flood.error is None, (flood.name, flood.error)
        assert flood.saw_fin, flood.name
    server.stop()
    netns.assert_no_reset()

    records = pipe.records()
    for flood in floods:
        assert_all_once(records, flood.name, flood.sent)
    assert_all_once(records, "unixgram", datagrams[0].sent)
    assert_all_once(server.records("fast.log"), "fast", fast.sent)
    ledger = server.ledger()
    udp = ledger.listener("udp4")
    assert udp["datagrams"] + udp["kernel_drops"] == datagrams[1].sent
    assert udp["kernel_drops"] > 0
    assert fate_of(records, "udp4", 0).arrived == udp["datagrams"]
    assert fate_of(records, "udp4", 0).doubled == []


@pytest.mark.parametrize("scheme", CONNECTED)
def test_sender_waits_and_nothing_is_lost(netns, penstock, scheme):
    pipe = StalledPipe()
    server = penstock({"listen": any_url(scheme)}, {"type": "stdout", "queue": {"max_bytes": "256KiB"}},
                      server={"drain_timeout": "60s"}, stdout=pipe.write_end)
    pipe.started()
    flood = Flood(server.address(scheme), "flood")
    flood.start()
    wait_until(flood.blocked, "it to block")
    pipe.flow()
    count = flood.sent
    wait_until(lambda: flood.sent > count + 5000, "it to go on")
    flood.enough.set()
    flood.join(60)
    server.stop()
    assert_all_once(pipe.records(), "flood", flood.sent)
    netns.assert_no_reset()


@pytest.mark.parametrize("scheme", ["tcp4", "unix"])
def test_peers_that_leave_while_parked(netns, penstock, scheme):
    """They send, end their direction or close, all while nobody reads; what they sent arrives later, without spinning."""
    pipe = StalledPipe()
    server = penstock({"listen": any_url(scheme)}, {"type": "stdout", "queue": {"max_bytes": "64KiB"}},
                      server={"drain_timeout": "60s"}, stdout=pipe.write_end)
    pipe.started()
    flood = Flood(server.address(scheme), "flood")
    flood.start()
    wait_until(lambda: not server.admin.listener()["gate"]["open"] and flood.blocked(), "the gate to shut")
    address = server.address(scheme)
    for number in range(50):
        with address.connect() as sock:
            sock.sendall(record("left", number) + b"\n")
    before = server.cpu_seconds()
    time.sleep(1)
    assert server.cpu_seconds() - before < 0.8, "it spins on peers that have left"
    pipe.flow()
    flood.enough.set()
    flood.join(60)
    server.stop()
    records = pipe.records()
    assert_all_once(records, "flood", flood.sent)
    assert sorted(r for r in records if r.startswith(b"left")) == [record("left", n) for n in range(50)]
    netns.assert_no_reset()


def test_idle_clock_stands_still_while_we_are_slow(netns, penstock):
    """A peer is not timed out for what it could not send."""
    pipe = StalledPipe()
    server = penstock({"listen": any_url("tcp4"), "idle_timeout": "4s"},
                      {"type": "stdout", "queue": {"max_bytes": "64KiB"}}, server={"drain_timeout": "60s"},
                      stdout=pipe.write_end)
    pipe.started()
    flood = Flood(server.address("tcp4"), "flood")
    flood.start()
    wait_until(flood.blocked, "it to block")
    time.sleep(9)
    assert flood.error is None
    assert not flood.saw_fin
    pipe.flow()
    flood.enough.set()
    flood.join(60)
    server.stop()
    assert_all_once(pipe.records(), "flood", flood.sent)
    assert "timeout" not in server.ledger().listener()["ended"]


def test_drop_newest_never_blocks_and_counts(netns, penstock):
    pipe = StalledPipe()
    server = penstock({"listen": any_url("tcp4")},
                      {"type": "stdout", "queue": {"max_bytes": "256KiB", "when_full": "drop_newest"}},
                      server={"drain_timeout": "60s", "flush_timeout": "60s"}, stdout=pipe.write_end)
    pipe.started()
    sent = 100_000
    send_stream(server.address("tcp4"), b"".join(record("s", n, 200) + b"\n" for n in range(sent)))
    pipe.flow()
    server.stop()
    route = server.ledger().route()
    fate = fate_of(pipe.records(), "s", 0)
    assert route["events"] == sent
    assert route["lost"]["queue_full"] > 0
    assert route["delivered"] == fate.arrived == sent - route["lost"]["queue_full"]
    assert fate.doubled == [] and fate.in_order


def test_best_effort_sink_never_slows_the_required_one(netns, penstock):
    pipe = StalledPipe()
    server = penstock({"listen": any_url("tcp4"), "sinks": ["file"], "best_effort_sinks": ["slow"]},
                      [{"name": "file"}, {"name": "slow", "type": "stdout", "queue": {"max_bytes": "256KiB"}}],
                      stdout=pipe.write_end)
    pipe.started()
    sent = 100_000
    send_stream(server.address("tcp4"), b"".join(record("s", n, 200) + b"\n" for n in range(sent)))
    server.wait_records(sent)
    pipe.flow()
    server.stop(expect=None)
    assert_all_once(server.records(), "s", sent)
    ledger = server.ledger()
    assert ledger.route("in", "file")["delivered"] == sent
    assert ledger.route("in", "slow")["lost"]["queue_full"] > 0


def test_two_required_sinks_both_get_everything(penstock):
    server = penstock({"listen": any_url("tcp4")}, [{"name": "one", "path": "one.log"}, {"name": "two", "path": "two.log"}])
    send_stream(server.address("tcp4"), b"".join(record("s", n) + b"\n" for n in range(10_000)))
    server.stop()
    assert_all_once(server.records("one.log"), "s", 10_000)
    assert server.output("one.log") == server.output("two.log")


def test_udp_behind_a_shut_gate_is_counted_by_the_kernel(netns, penstock):
    pipe = StalledPipe()
    server = penstock([{"name": "tcp", "listen": any_url("tcp4")}, {"name": "udp", "listen": any_url("udp4")}],
                      {"type": "stdout", "queue": {"max_bytes": "64KiB"}},
                      server={"drain_timeout": "60s"}, stdout=pipe.write_end)
    pipe.started()
    flood = Flood(server.address("tcp4", "tcp"), "flood")
    flood.start()
    wait_until(lambda: not server.admin.listener("udp")["gate"]["open"], "the gate to shut")
    send_datagrams(server.address("udp4", "udp"), "u", 5000, size=200)
    flood.enough.set()
    pipe.flow()
    flood.join(60)
    server.stop()
    udp = server.ledger().listener("udp")
    assert udp["kernel_drops"] > 0
    assert udp["datagrams"] + udp["kernel_drops"] == 5000
    assert fate_of(pipe.records(), "u", 0).arrived == udp["datagrams"]


def test_stdout_that_is_closed(netns, penstock):
    """Its reader has gone: no SIGPIPE, an error in the log, and at the stop the records are left over."""
    pipe = StalledPipe()
    server = penstock({"listen": any_url("tcp4")}, {"type": "stdout"},
                      server={"drain_timeout": "1s", "flush_timeout": "1s"}, stdout=pipe.write_end)
    pipe.started()
    pipe.close()
    send_stream(server.address("tcp4"), b"one\ntwo\n")
    server.send_signal(signal.SIGTERM)
    assert server.wait() == 3, server.log_text()
    assert server.left_over_records() == [b"one", b"two"]
