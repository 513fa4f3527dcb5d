"""Stops with much to put away: many unfinished frames, many full sockets before a dead sink, one sink that may fail."""

import base64
import contextlib
import itertools
import os
import resource

import pytest

from support import settings
from support.address import any_url
from support.records import numbers_of, record

IMPATIENT = {"drain_timeout": "500ms", "flush_timeout": "500ms"}


@contextlib.contextmanager
def many_descriptors(wanted: int):
    """The soft limit of this process and of those it starts is `wanted`, as far as the hard one goes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, wanted), hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def dead_fifo(workdir):
    """A file sink's path that takes a pipe full of bytes and nothing more; gives the end to read them from."""
    os.mkfifo(workdir / "fifo")
    end = os.open(workdir / "fifo", os.O_RDWR | os.O_NONBLOCK)
    yield end
    os.close(end)


def read_all(end: int) -> bytes:
    chunks = []
    with contextlib.suppress(BlockingIOError):
        while chunk := os.read(end, 1 << 20):
            chunks.append(chunk)
    return b"".join(chunks)


@pytest.mark.parametrize("scheme", ["tcp4", "unix"])
def test_every_unfinished_frame_is_quarantined(netns, penstock, scheme):
    """300 peers stand in the middle of a frame of 60 KB and ignore the FIN."""
    server = penstock({"listen": any_url(scheme)}, server={"drain_timeout": "500ms"})
    halves = [record("half", number, 60_000) for number in range(300)]
    socks = []
    for half in halves:
        socks.append(server.address(scheme).connect())
        socks[-1].sendall(half)
    server.stop()
    entries = server.quarantined()
    assert {entry["reason"] for entry in entries} == {"tail_deadline"}
    assert sorted(base64.b64decode(entry["bytes"]) for entry in entries) == halves
    for sock in socks:
        assert sock.recv(1) == b""
        sock.close()
    netns.assert_no_reset()


def fill(sock, name: str) -> list:
    """Short records until the socket takes no more; gives those that it took, the last one perhaps in part."""
    sock.setblocking(False)
    acknowledged = b""
    for first in itertools.count(step=1000):
        rest = b"".join(record(name, number, 32) + b"\n" for number in range(first, first + 1000))
        try:
            while rest:
                taken = sock.send(rest)
                acknowledged, rest = acknowledged + rest[:taken], rest[taken:]
        except BlockingIOError:
            return acknowledged.removesuffix(b"\n").split(b"\n")


@pytest.mark.long
def test_a_thousand_full_sockets_before_a_dead_sink(netns, penstock, dead_fifo):
    """What the kernel had acknowledged is in the sink or left over, however long that takes to write."""
    count = 200 if settings.sanitized() else 1000  # an instrumented server takes ten times as long for each
    with many_descriptors(2000):
        server = penstock({"listen": any_url("unix")}, {"path": "fifo", "queue": {"max_bytes": "1MiB"}}, server=IMPATIENT)
        socks = [server.address("unix").connect(send_buffer=65536) for _ in range(count)]
        acknowledged = [fill(sock, f"c{number}") for number, sock in enumerate(socks)]
        server.stop(expect=3)
    for sock in socks:
        sock.setblocking(True)
        assert sock.recv(1) == b"", "a FIN, and no reset"
        sock.close()
    missing = set().union(*acknowledged)
    total = len(missing)
    missing.difference_update(read_all(dead_fifo).split(b"\n"))
    missing.difference_update(server.left_over_records())
    assert not missing, f"{len(missing)} of {total} lost"
    assert server.ledger().listener()["ended"].keys() <= {"clean", "quiet", "deadline"}


def test_a_stalled_best_effort_sink_is_no_failure(penstock, dead_fifo):
    """Its events are lost and counted; the required sink has all of them, and the exit status says so."""
    server = penstock({"listen": any_url("unix"), "sinks": ["out"], "best_effort_sinks": ["extra"]},
                      [{}, {"name": "extra", "path": "fifo", "queue": {"max_bytes": "1MiB"}}], server=IMPATIENT)
    with server.address("unix").connect() as sock:
        for number in range(3000):
            sock.sendall(record("r", number, 1000) + b"\n")
    server.wait_records(3000)
    server.stop()
    assert numbers_of(server.records(), "r") == list(range(3000))
    assert sum(server.ledger().route(sink="extra")["lost"].values()) > 0
