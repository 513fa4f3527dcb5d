"""What the reset checks of all other tests lean on: a reset connection is told from a RST behind both FINs."""

import socket

import pytest
from support.recorder import Segment, resets

CLIENT, SERVER = ("127.0.0.9", 50761), ("127.0.0.1", 43571)
SYN, FIN, ACK, RST = 2, 1, 16, 4


def conversation(*parts):
    return [Segment(*((CLIENT, SERVER) if who == "client" else (SERVER, CLIENT)), flags, seq, ack, 0)
            for who, flags, seq, ack in parts]


OPEN = [("client", SYN, 100, 0), ("server", SYN | ACK, 700, 101)]


def test_rst_behind_both_fins_is_late():
    """As captured: the client closed, the server answered its FIN, and an older ACK of the server came behind it."""
    ended = conversation(*OPEN, ("client", FIN | ACK, 101, 701), ("server", FIN | ACK, 701, 102), ("server", RST, 702, 0))
    assert resets(ended) == ([], 1)


@pytest.mark.parametrize("parts", [
    [("server", RST | ACK, 701, 101)],
    [("client", FIN | ACK, 101, 701), ("server", RST, 701, 0)],
    # The client's FIN comes behind bytes that the server's kernel never took: they are lost with the reset.
    [("server", FIN | ACK, 701, 101), ("client", FIN | ACK, 5101, 702), ("server", RST, 702, 0)],
], ids=["open", "half_closed", "bytes_lost"])
def test_rst_before_that_is_a_reset(parts):
    broken, late = resets(conversation(*OPEN, *parts))
    assert (len(broken), late) == (1, 0)


def test_port_used_again_starts_anew():
    first = conversation(*OPEN, ("client", FIN | ACK, 101, 701), ("server", FIN | ACK, 701, 102))
    second = conversation(*OPEN, ("server", RST | ACK, 701, 101))
    broken, late = resets(first + second)
    assert (len(broken), late) == (1, 0)


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
