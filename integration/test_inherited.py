"""A service manager keeps the socket while servers come and go: whoever sends meanwhile waits, and nobody is refused."""

import os
import socket

import pytest

from support.address import ALL, CONNECTED
from support.clients import DatagramFlood, Storm
from support.inherited import given_socket
from support.records import assert_all_once, record
from support.wait import wait_until

# The longest that a stop waits for the client that ignores the FIN.
DRAIN = {"drain_timeout": "1s"}
# What finds no listening socket fails at once or, where its SYN is dropped, after this.
GIVE_UP_S = 60
_SO_RCVBUFFORCE = 33


def say(address, name, count) -> list:
    """`count` connections with a record each, or as many datagrams. The connections stay open and are given back."""
    if address.scheme in ("udp", "udp4", "udp6", "unixgram"):
        with address.connect(GIVE_UP_S) as sock:
            for number in range(count):
                sock.send(record(name, number))
        return []
    socks = []
    for number in range(count):
        socks.append(address.connect(GIVE_UP_S))
        socks[-1].sendall(record(name, number) + (b"" if address.scheme == "unixpacket" else b"\n"))
    return socks


def close_all(socks):
    for sock in socks:
        sock.close()


@pytest.fixture
def heirs(penstock, workdir, unprivileged):
    """Makes two servers that get the same socket, the first one started."""
    def make(url, given):
        first, second = (penstock({"listen": url}, folder=workdir, start=False, inherit=given, server=DRAIN,
                                  unprivileged=unprivileged) for _ in range(2))
        return first.start(), second
    return make


@pytest.mark.parametrize("scheme", ALL)
def test_start_again_on_the_same_socket(netns, workdir, heirs, scheme):
    """Records of both servers arrive, and those that were sent while there was none."""
    given, url = given_socket(scheme, workdir)
    with given:
        first, second = heirs(url, given)
        address = first.address(scheme)
        held = say(address, "first", 5)
        first.wait_records(5)
        close_all(held)
        first.stop()
        if scheme.startswith("unix"):
            assert os.path.exists(address.path), "the socket file belongs to whoever made it"
        held = say(address, "between", 5)
        second.start()
        held += say(address, "second", 5)
        second.wait_records(15)
        close_all(held)
        second.stop()
    assert sorted(second.records()) == sorted(record(name, n) for name in ("first", "between", "second") for n in range(5))
    netns.assert_no_reset()


@pytest.mark.parametrize("scheme", CONNECTED)
def test_who_connects_during_the_stop_is_served_by_the_next(netns, workdir, heirs, scheme):
    given, url = given_socket(scheme, workdir)
    with given:
        first, second = heirs(url, given)
        address = first.address(scheme)
        (holder,) = say(address, "holder", 1)
        first.wait_records(1)
        first.send_signal()
        assert holder.recv(1) == b"", "the FIN that says that the stop has begun"
        held = say(address, "during", 5)
        assert first.wait() == 0, first.log_text()
        second.start()
        second.wait_records(6)
        close_all([holder, *held])
        second.stop()
    assert sorted(second.records()) == sorted([record("holder", 0), *(record("during", n) for n in range(5))])
    netns.assert_no_reset()


@pytest.mark.parametrize("scheme", CONNECTED)
def test_clients_that_come_all_the_time_notice_no_restart(netns, workdir, heirs, scheme):
    given, url = given_socket(scheme, workdir)
    with given:
        first, second = heirs(url, given)
        storms = [Storm(first.address(scheme), f"storm{n}") for n in range(4)]
        for storm in storms:
            storm.start()
        wait_until(lambda: all(storm.done > 50 for storm in storms), "the storm to rise")
        first.stop()
        second.start()
        before = [storm.done for storm in storms]
        wait_until(lambda: all(s.done > done + 50 or not s.is_alive() for s, done in zip(storms, before)), "the storm to go on")
        assert all(storm.is_alive() for storm in storms), "somebody was refused"
        for storm in storms:
            storm.quit.set()
        for storm in storms:
            storm.join(60)
            assert storm.resets == []
        second.stop()
    for storm in storms:
        assert_all_once(second.records(), storm.name, storm.done, ordered=False)
    netns.assert_no_reset()


@pytest.mark.parametrize("scheme", ["udp4", "udp6", "unixgram"])
def test_datagrams_of_a_restart_all_arrive(netns, workdir, heirs, scheme):
    """The socket's buffer holds what comes between the two servers."""
    given, url = given_socket(scheme, workdir)
    given.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 64 << 20)
    with given:
        first, second = heirs(url, given)
        flood = DatagramFlood(first.address(scheme), "flood")
        flood.start()
        wait_until(lambda: flood.sent > 500, "the flood")
        first.stop()
        second.start()
        before = flood.sent
        wait_until(lambda: flood.sent > before + 500 or not flood.is_alive(), "the flood to go on")
        assert flood.is_alive(), "it was refused"
        flood.enough.set()
        flood.join(60)
        wait_until(lambda: len(second.records()) >= flood.sent, lambda: f"{flood.sent} records, but {len(second.records())}")
        second.stop()
    assert_all_once(second.records(), "flood", flood.sent)
