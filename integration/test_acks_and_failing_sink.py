"""Protocols that acknowledge, and a file that takes no more for good: what is not delivered is not acknowledged, not at the stop
either. The sender has it still, and sends it to another server: nothing is missing."""

import pytest

from support.acked import SYNCED, AckedSender, Forward, Lumberjack, Relp, acknowledged, listener, numbers
from support.settings import PATIENCE, sanitized
from support.small_disk import fill
from support.tracing import failing
from support.wait import wait_until

PROTOCOLS = {"relp": Relp(), "lumberjack": Lumberjack(), "forward": Forward()}
EACH = pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)
# Far more than the queue, the blocks that are read into and the sockets' buffers hold.
COUNT, PADDING = 6000, 4000
STOP = {"drain_timeout": "2s", "flush_timeout": "2s"}
ALL_AT_ONCE = 1 << 30


def sink(path: str, when_full: str = "block") -> dict:
    return {**SYNCED, "path": path, "queue": {"max_bytes": "1MiB", "when_full": when_full}}


def eager(protocol, server, first: int = 0) -> AckedSender:
    """Waits for no acknowledgement before it sends more: the server makes it wait."""
    sender = AckedSender(protocol, server.address(), outstanding=ALL_AT_ONCE, count=COUNT - first, first=first, padding=PADDING)
    sender.start()
    return sender


def is_full(server) -> bool:
    """The gate is shut: nothing is read."""
    return not server.admin.listener()["gate"]["open"]


def check_the_rest_reaches_another(penstock, protocol, sender, delivered: list):
    """What `sender` was not told of goes to a server that can write; both files together have everything."""
    assert delivered[:sender.acked] == list(range(sender.acked)), "what is acknowledged is there"
    healthy = penstock(listener(protocol, "tcp4"), {**SYNCED, "path": "healthy.log"},
                       quarantine={"path": "healthy"})
    again = eager(protocol, healthy, first=sender.acked)
    again.wait_acked(COUNT - sender.acked)
    again.close()
    healthy.stop()
    received = numbers(protocol, healthy.records("healthy.log"))
    assert received == list(range(sender.acked, COUNT))
    assert set(delivered) | set(received) == set(range(COUNT))


@pytest.mark.parametrize("leave_mb", [0, 4], ids=["from-the-start", "after-a-while"])
@EACH
def test_full_disk(penstock, small_disk, protocol, leave_mb):
    server = penstock(listener(protocol, "tcp4"), sink("disk/out.log"), server=STOP)
    fill(small_disk, leave_mb)
    sender = eager(protocol, server)
    server.wait_log("(?i)no space left")
    wait_until(lambda: is_full(server), lambda: f"the queue to be full: {server.admin.status()}")
    assert sender.sent < COUNT, "it cannot send everything; at the stop it may, to be left over"
    server.stop(expect=3)
    sender.wait_closed()
    assert (sender.acked > 0) == (leave_mb > 0)
    check_the_rest_reaches_another(penstock, protocol, sender, numbers(protocol, server.records("disk/out.log")))


@EACH
def test_full_disk_where_the_queue_drops(penstock, small_disk, protocol):
    """What does not fit is dropped, and the connection ends: where acknowledgements keep the windows' order, when those before it
    are given up at the stop."""
    server = penstock(listener(protocol, "tcp4"), sink("disk/out.log", "drop_newest"), server=STOP)
    fill(small_disk, 1)
    sender = eager(protocol, server)
    wait_until(lambda: server.admin.status()["routes"][0]["lost"].get("queue_full"), lambda: f"drops: {server.admin.status()}")
    server.stop(expect=None)
    sender.wait_closed()
    assert sender.acked < COUNT
    check_the_rest_reaches_another(penstock, protocol, sender, numbers(protocol, server.records("disk/out.log")))


BROKEN = {"relp": b"x", "lumberjack": b"3W", "forward": b"\xc1"}


@EACH
def test_what_stands_in_front_of_broken_bytes_is_acknowledged(penstock, protocol):
    """Else its sender would send it again, and again."""
    server = penstock(listener(protocol, "tcp4"), SYNCED)
    good = b"".join(protocol.window(number) for number in range(50))
    with server.address().connect(timeout=PATIENCE) as sock:
        sock.sendall(protocol.greeting() + good + BROKEN[protocol.name] + protocol.window(50))
        answers = b""
        while data := sock.recv(65536):
            answers += data
    assert acknowledged(protocol, answers) == 50
    server.stop()
    assert numbers(protocol, server.records()) == list(range(50))
    assert server.ledger().listener()["ended"] == {"malformed": 1}


@EACH
def test_disk_that_never_confirms(penstock, protocol):
    """fdatasync fails for good: what is written all the same is not acknowledged."""
    if sanitized():
        pytest.skip("the server ends under strace, where LeakSanitizer does not work")
    server = penstock(listener(protocol, "tcp4"), sink("out.log"), server=STOP)
    out = server.folder / "out.log"
    with failing(server, out, "fdatasync", "error=EIO"):
        sender = eager(protocol, server)
        server.wait_log("(?i)input/output error")
        wait_until(lambda: is_full(server), lambda: f"the queue to be full: {server.admin.status()}")
        server.stop(expect=3)
    sender.wait_closed()
    assert sender.acked == 0
    check_the_rest_reaches_another(penstock, protocol, sender, numbers(protocol, server.records()))
