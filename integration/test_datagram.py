"""Datagrams and packets: edges kept, truncation known, empty ones counted, kernel drops exact."""

import os
import signal
import socket

import pytest

from support.address import DATAGRAMS, any_url
from support.clients import send_datagrams, send_packets
from support.records import assert_all_once, record
from support.settings import cannot_run
from support.wait import wait_until

MESSAGES = (*DATAGRAMS, "unixpacket")
over_messages = pytest.mark.parametrize("scheme", MESSAGES)


@over_messages
def test_one_message_is_one_record(penstock, scheme):
    server = penstock({"listen": any_url(scheme)}, {"newlines": "keep"})
    send_packets(server.address(scheme), [b"one", b"t\0wo\xff", b"3 counted", b"last"])
    server.wait_records(4)
    server.stop()
    assert server.records() == [b"one", b"t\0wo\xff", b"3 counted", b"last"]
    assert server.ledger().listener()["datagrams"] == 4


@over_messages
def test_delimiter_at_the_end_is_no_part_of_the_record(penstock, scheme):
    """Agents end datagrams with LF, CRLF or NUL out of habit; LF and CRLF go, as in a stream."""
    server = penstock({"listen": any_url(scheme)})
    send_packets(server.address(scheme), [b"lf\n", b"crlf\r\n", b"none"])
    server.wait_records(3)
    server.stop()
    assert server.records() == [b"lf", b"crlf", b"none"]


@over_messages
def test_split_newline(penstock, scheme):
    server = penstock({"listen": any_url(scheme), "split": "newline"})
    send_packets(server.address(scheme), [b"a\nb\n", b"c", b"\n\nd\r\ne"])
    server.wait_records(5)
    server.stop()
    assert server.records() == [b"a", b"b", b"c", b"d", b"e"]


@over_messages
def test_empty_message_is_counted_and_ends_nothing(penstock, scheme):
    """On unixpacket an empty packet and the end of the connection look the same to recv()."""
    server = penstock({"listen": any_url(scheme)})
    send_packets(server.address(scheme), [b"", b"one", b"", b"", b"two"])
    server.wait_records(2)
    server.stop()
    assert server.records() == [b"one", b"two"]
    ledger = server.ledger().listener()
    assert (ledger["datagrams"], ledger["empty"]) == (5, 3)


@over_messages
@pytest.mark.parametrize("oversize", ["truncate", "drop"])
def test_message_over_the_maximum(penstock, scheme, oversize):
    server = penstock({"listen": any_url(scheme), "max_frame_bytes": 1000, "oversize": oversize})
    send_packets(server.address(scheme), [b"E" * 1000, b"O" * 5000, b"after"])
    wait_until(lambda: b"after" in server.records(), "the last one")
    server.stop()
    ledger = server.ledger().listener()
    assert ledger["read_bytes"] == 6005
    if oversize == "truncate":
        assert server.records() == [b"E" * 1000, b"O" * 1000, b"after"]
        assert (ledger["truncated"], ledger["cut_bytes"]) == (1, 4000)
    else:
        assert server.records() == [b"E" * 1000, b"after"]
        assert ledger["rejected"]["oversize"] == 1


@pytest.mark.parametrize("scheme", ["udp4", "udp6"])
def test_largest_udp_datagram(penstock, scheme):
    server = penstock({"listen": any_url(scheme), "receive_buffer": "1MiB"})
    size = 65507
    for number in range(3):
        send_packets(server.address(scheme), [bytes([65 + number]) * size])
        server.wait_records(number + 1)
    server.stop()
    assert server.records() == [bytes([65 + number]) * size for number in range(3)]


@pytest.mark.parametrize("scheme", ["unixgram", "unixpacket"])
def test_unix_message_of_200_kb(penstock, scheme):
    """Delivered whole where max_frame_bytes allows it, cut and counted where not."""
    big = os.urandom(100_000).hex().encode()
    whole = penstock({"name": "whole", "listen": any_url(scheme), "max_frame_bytes": "256KiB"})
    send_packets(whole.address(scheme, "whole"), [big, b"after"])
    whole.wait_records(2)
    whole.stop()
    assert whole.records() == [big, b"after"]


@pytest.mark.parametrize("scheme", ["unixgram", "unixpacket"])
def test_unix_message_of_200_kb_over_the_default(penstock, scheme):
    server = penstock({"listen": any_url(scheme)})
    send_packets(server.address(scheme), [b"B" * 200_000, b"after"])
    server.wait_records(2)
    server.stop()
    assert server.records() == [b"B" * 65536, b"after"]
    assert server.ledger().listener()["cut_bytes"] == 200_000 - 65536


@pytest.mark.parametrize("scheme", ["udp4", "udp6"])
def test_kernel_drops_are_exact(netns, penstock, scheme):
    """Sent = read + dropped by the kernel, against a sender that counts."""
    server = penstock({"listen": any_url(scheme), "receive_buffer": "16KiB"})
    address = server.address(scheme)
    server.send_signal(signal.SIGSTOP)
    send_datagrams(address, "flood", 5000, size=200)
    server.send_signal(signal.SIGCONT)
    after = 0

    def goes_on():  # the first ones may still meet a full queue
        nonlocal after
        send_datagrams(address, "after", 1, first=after)
        after += 1
        return any(r.startswith(b"after") for r in server.records())
    wait_until(goes_on, "it to go on", pause=0.05)
    server.stop()
    ledger = server.ledger().listener()
    assert ledger["kernel_drops"] > 0
    assert ledger["datagrams"] + ledger["kernel_drops"] == 5000 + after
    assert len(server.records()) == ledger["datagrams"]


def test_unixgram_senders_wait_and_lose_nothing(netns, penstock):
    server = penstock({"listen": any_url("unixgram")})
    send_datagrams(server.address("unixgram"), "s", 20_000)
    server.wait_records(20_000)
    server.stop()
    assert_all_once(server.records(), "s", 20_000)


@over_messages
def test_order_within_a_sender(netns, penstock, scheme):
    server = penstock({"listen": any_url(scheme), **({"receive_buffer": "4MiB"} if scheme.startswith("udp") else {})})
    send_datagrams(server.address(scheme), "s", 2_000)
    server.wait_records(2_000 if scheme.startswith("unix") else 1)
    server.stop()
    sent = 2_000 - server.ledger().listener()["kernel_drops"]
    assert len(server.records()) == sent
    if sent == 2_000:
        assert_all_once(server.records(), "s", 2_000)


def test_smaller_buffer_than_asked_is_told(penstock):
    """As an ordinary user the kernel caps what is asked for at rmem_max."""
    if os.geteuid() != 0:
        cannot_run("the cap is tested by dropping root's privileges")
    server = penstock({"listen": any_url("udp4"), "receive_buffer": "1GiB"}, unprivileged=True)
    assert any(line.level == "warn" and "buffer" in line.text for line in server.log), server.log_text()


def test_dual_stack_shows_ipv4_peers_as_ipv4(penstock):
    server = penstock({"listen": "udp://:0"}, {"path": "{peer}.log"})
    address = server.address("udp")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"four", ("127.0.0.1", address.port))
    wait_until(lambda: list(server.folder.glob("127.0.0.1*.log")), lambda: f"a file by IPv4 peer: {os.listdir(server.folder)}")
