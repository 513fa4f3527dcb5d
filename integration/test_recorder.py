"""What the reset checks of all other tests lean on: a reset connection is told from a RST behind both FINs."""

import errno
import socket

import pytest
from support.recorder import Resets, Segment, resets

CLIENT, SERVER = ("127.0.0.9", 50761), ("127.0.0.1", 43571)
SYN, FIN, ACK, RST = 2, 1, 16, 4


def conversation(*parts):
    return [Segment(*((CLIENT, SERVER) if who == "client" else (SERVER, CLIENT)), flags, seq, ack, 0)
            for who, flags, seq, ack in parts]


OPEN = [("client", SYN, 100, 0), ("server", SYN | ACK, 700, 101)]


def test_rst_behind_both_fins_is_late():
    """As captured: the client closed, the server answered its FIN, and an older ACK of the server came behind it."""
    ended = conversation(*OPEN, ("client", FIN | ACK, 101, 701), ("server", FIN | ACK, 701, 102), ("server", RST, 702, 0))
    assert resets(ended) == Resets(late=1)


@pytest.mark.parametrize("parts", [
    [("server", RST | ACK, 701, 101)],
    [("client", FIN | ACK, 101, 701), ("server", RST, 701, 0)],
    # The client's FIN comes behind bytes that the server's kernel never took: they are lost with the reset.
    [("server", FIN | ACK, 701, 101), ("client", FIN | ACK, 5101, 702), ("server", RST, 702, 0)],
], ids=["open", "half_closed", "bytes_lost"])
def test_rst_before_that_is_a_reset(parts):
    found = resets(conversation(*OPEN, *parts))
    assert (len(found.broken), found.refused, found.late) == (1, [], 0)


def test_port_used_again_starts_anew():
    first = conversation(*OPEN, ("client", FIN | ACK, 101, 701), ("server", FIN | ACK, 701, 102))
    second = conversation(*OPEN, ("server", RST | ACK, 701, 101))
    found = resets(first + second)
    assert (len(found.broken), found.refused, found.late) == (1, [], 0)


def test_a_syn_that_nobody_listens_to_is_refused():
    """Once more where the first SYN stayed without an answer. One of another connection breaks that."""
    found = resets(conversation(("client", SYN, 100, 0), ("client", SYN, 100, 0), ("server", RST | ACK, 0, 101)))
    assert (found.broken, len(found.refused), found.late) == ([], 1, 0)
    found = resets(conversation(("client", SYN, 100, 0), ("server", RST, 900, 0)))
    assert (len(found.broken), found.refused) == (1, [])


def test_a_real_refusal_is_counted_apart(netns):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        where = listener.getsockname()
    for _ in range(3):
        with socket.socket() as client:
            assert client.connect_ex(where) == errno.ECONNREFUSED
    assert netns.assert_no_reset(refusals=True) == 3
    with pytest.raises(AssertionError, match="3 of them refusals"):
        netns.assert_no_reset()


@pytest.mark.parametrize("family, host", [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_a_real_reset_is_reported_with_its_conversation(netns, family, host):
    with socket.socket(family) as listener:
        listener.bind((host, 0))
        listener.listen()
        with socket.create_connection(listener.getsockname()[:2]) as client:
            served, _ = listener.accept()
            client.sendall(b"unread")
            served.close()
        with pytest.raises(AssertionError, match=r"TcpOutRsts.*(\n.*)+\[R\.\]"):
            netns.assert_no_reset()
