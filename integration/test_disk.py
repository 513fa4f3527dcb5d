"""The file sink: full disks, rotation by others, torn tails, many files."""

import fcntl
import os
import shutil
import signal
import socket
import termios

import pytest

from support.address import any_url
from support.clients import HalfClosing, send_stream
from support.records import assert_all_once, record
from support.small_disk import fill
from support.tracing import failing
from support.wait import wait_until


class Writer(HalfClosing):
    """As HalfClosing, with records of 1,000 bytes."""

    def __init__(self, address, name):
        super().__init__(address, name, 1000)


def blocked(writer):
    before = writer.sent
    writer.quit.wait(1)
    return writer.sent == before


def test_full_disk_that_gets_room_again(netns, penstock, small_disk):
    server = penstock({"listen": any_url("tcp4")}, {"path": "disk/out.log"},
                      server={"drain_timeout": "60s", "flush_timeout": "60s"})
    ballast = fill(small_disk, 4)
    writer = Writer(server.address("tcp4"), "w")
    writer.start()
    server.wait_log("(?i)no space left")
    wait_until(lambda: blocked(writer), "the sender to wait")
    assert server.output("disk/out.log").count(b"\n") > 1000
    ballast.unlink()
    count = writer.sent
    wait_until(lambda: writer.sent > count + 1000, "it to go on")
    server.stop()
    writer.finish()
    assert_all_once(server.records("disk/out.log"), "w", writer.sent)
    assert all(len(r) == 1000 for r in server.records("disk/out.log")), "a torn record"
    netns.assert_no_reset()


def test_full_disk_at_the_stop(netns, penstock, small_disk):
    """Exit 3; the file ends with a whole record; it and what is left over, which lies elsewhere, make up the set."""
    server = penstock({"listen": any_url("tcp4")}, {"path": "disk/out.log"},
                      server={"drain_timeout": "3s", "flush_timeout": "2s"})
    fill(small_disk, 2)
    writer = Writer(server.address("tcp4"), "w")
    writer.start()
    server.wait_log("(?i)no space left")
    wait_until(lambda: blocked(writer), "the sender to wait")
    server.stop(expect=3)
    writer.finish()
    assert server.output("disk/out.log").endswith(b"\n")
    left = server.left_over_records()
    assert left
    assert_all_once(server.records("disk/out.log") + left, "w", writer.acknowledged)
    netns.assert_no_reset()


def test_full_disk_for_the_leftover_too(netns, penstock, small_disk):
    """Nowhere to put it: said so, counted as abandoned, exit 3, and the ledger still balances."""
    server = penstock({"listen": any_url("tcp4")}, {"path": "disk/out.log"},
                      server={"drain_timeout": "2s", "flush_timeout": "2s"}, quarantine={"path": "disk/quarantine"})
    fill(small_disk, 1)
    writer = Writer(server.address("tcp4"), "w")
    writer.start()
    server.wait_log("(?i)no space left")
    wait_until(lambda: blocked(writer), "the sender to wait")
    server.stop(expect=3)
    writer.finish()
    assert server.ledger().route()["lost"].get("abandoned", 0) > 0
    assert any(line.level == "error" for line in server.log)


@pytest.mark.parametrize("sync, call", [("never", "write"), ("always", "write"), ("always", "fdatasync")])
def test_disk_that_fails_for_a_while(netns, penstock, sync, call):
    """Every other of 20 calls fails with EIO: what was written by then is not written again, and nothing is lost."""
    server = penstock({"listen": any_url("tcp4")}, {"path": "out.log", "sync": sync})
    send_stream(server.address("tcp4"), b"before\n")
    server.wait_records(1)
    out = server.folder / "out.log"
    with failing(server, out, call, "error=EIO:when=1..20+2") as trace:
        for turn in range(11):
            send_stream(server.address("tcp4"), b"".join(record(f"turn{turn}", n) + b"\n" for n in range(500)))
            wait_until(lambda: record(f"turn{turn}", 499) in server.records(), "the burst to be written")
    assert server.log_has("(?i)input/output error")
    failed = trace.read_text().count("(INJECTED)")
    assert failed == 10, failed
    server.stop()
    records = server.records()
    for turn in range(11):
        assert_all_once(records, f"turn{turn}", 500)
    assert len(records) == 1 + 11 * 500
    netns.assert_no_reset()


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR1])
def test_reopen_after_rotation(penstock, number):
    server = penstock({"listen": any_url("tcp4")})
    with server.address("tcp4").connect() as sock:
        for turn in range(3):
            sock.sendall(record("s", turn) + b"\n")
            server.wait_records(1)
            os.rename(server.folder / "out.log", server.folder / f"rotated.{turn}")
            server.send_signal(number)
            wait_until(lambda: not server.holds(f"rotated.{turn}"), "it to let go of the rotated file")
        sock.sendall(record("s", 3) + b"\n")
        wait_until(lambda: any(record("s", 3) in server.records(name) for name in os.listdir(server.folder)
                               if name.startswith(("out.log", "rotated"))), "the last one")
    server.stop()
    names = [*(f"rotated.{turn}" for turn in range(3)), "out.log"]
    assert_all_once([r for name in names for r in server.records(name)], "s", 4)


def test_torn_tail_of_a_crash_is_repaired(penstock, workdir):
    (workdir / "out.log").write_bytes(b"whole\ntorn")
    server = penstock({"listen": any_url("tcp4")})
    send_stream(server.address("tcp4"), b"new\n")
    server.wait_records(2)
    server.stop()
    assert server.output().startswith(b"whole\n")
    assert server.output().endswith(b"\nnew\n")
    assert b"tornnew" not in server.output()


def test_appends_to_what_is_there(penstock, workdir):
    (workdir / "out.log").write_bytes(b"before\n")
    server = penstock({"listen": any_url("tcp4")})
    send_stream(server.address("tcp4"), b"after\n")
    server.stop()
    assert server.output() == b"before\nafter\n"


def test_one_file_a_peer_with_few_descriptors(netns, penstock):
    """60 peers, three open files."""
    server = penstock({"listen": any_url("tcp4")}, {"path": "by/{peer}.log", "max_open_files": 3})
    port = server.address("tcp4").port
    for turn in range(3):
        for peer in range(1, 61):
            with socket.create_connection(("127.0.0.1", port), source_address=(f"127.0.0.{peer}", 0)) as sock:
                sock.sendall(record(f"p{peer}", turn) + b"\n")
                sock.shutdown(socket.SHUT_WR)
                assert sock.recv(1) == b""
    server.stop()
    files = list((server.folder / "by").iterdir())
    everything = [r for file in files for r in file.read_bytes().split(b"\n")[:-1]]
    for peer in range(1, 61):
        assert_all_once(everything, f"p{peer}", 3)
        mine = [file for file in files if f"p{peer}:".encode() in file.read_bytes()]
        assert all(f"127.0.0.{peer}" in file.name for file in mine)


@pytest.mark.parametrize("sync", ["never", "interval", "always"])
def test_sync(penstock, sync):
    server = penstock({"listen": any_url("tcp4")}, {"sync": sync})
    send_stream(server.address("tcp4"), b"".join(record("s", n) + b"\n" for n in range(5000)))
    server.stop()
    assert_all_once(server.records(), "s", 5000)


def test_killed_in_the_middle_leaves_whole_blocks(netns, penstock, workdir):
    """SIGKILL: what is in the file is a prefix without a hole; the next start goes on behind it."""
    server = penstock({"listen": any_url("tcp4")})
    writer = Writer(server.address("tcp4"), "w")
    writer.start()
    writer.wait_sent(5000)
    server.kill()
    writer.quit.set()
    writer.join(60)
    again = penstock({"listen": any_url("tcp4")}, folder=workdir)
    send_stream(again.address("tcp4"), b"again\n")
    again.stop()
    records = again.records()
    assert records[-1] == b"again"
    whole = [r for r in records if len(r) == 1000]
    assert whole == [record("w", n, 1000) for n in range(len(whole))]
    assert len(records) - len(whole) <= 2  # `again`, and at most one torn record, ended by the repair


def test_quarantine_stays_within_its_size(penstock):
    server = penstock({"listen": any_url("tcp4"), "max_frame_bytes": 1000, "oversize": "drop"},
                      quarantine={"max_bytes": "64KiB"})
    send_stream(server.address("tcp4"), (b"O" * 2000 + b"\n") * 500)
    server.stop()
    assert server.ledger().listener()["rejected"]["oversize"] == 500
    size = sum(p.stat().st_size for p in (server.folder / "quarantine").iterdir())
    assert 0 < size <= 64 << 10
    assert all(entry["reason"] == "oversize" for entry in server.quarantined())


def test_directory_that_cannot_be_made(penstock, workdir):
    """All sinks open before the first accept, or nothing starts."""
    (workdir / "data").write_text("a file where a folder is needed")
    server = penstock({"listen": any_url("unix")}, {"path": "data/out.log"}, start=False)
    server.spawn()
    assert server.wait() == 1, server.log_text()
    assert "data" in server.log_text()
    assert not (workdir / "unix.sock").exists()


def test_fifo_whose_reader_comes_late_and_is_replaced(netns, penstock, workdir):
    """Without a reader it starts and keeps what comes; two readers, one after the other, get everything once."""
    os.mkfifo(workdir / "out.fifo")
    server = penstock({"listen": any_url("tcp4")}, {"path": "out.fifo"}, server={"flush_timeout": "60s"})
    assert server.log_has("nobody reads the FIFO").level == "warn"
    with server.address("tcp4").connect() as sock:
        sock.sendall(b"".join(record("r", n) + b"\n" for n in range(1000)))
        server.wait_log("nobody reads FIFO out.fifo")
        with open(workdir / "out.fifo", "rb", buffering=0) as first:
            got = first.read(1000)
        sock.sendall(b"".join(record("r", n) + b"\n" for n in range(1000, 2000)))
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(1) == b""
    with open(workdir / "out.fifo", "rb") as second:
        server.send_signal()
        got += second.read()
    assert server.wait() == 0, server.log_text()
    assert got.split(b"\n")[:-1] == [record("r", n) for n in range(2000)]


def test_fifo_that_nobody_ever_reads(netns, penstock, workdir):
    """Nothing counts as delivered: at the stop all of it is left over."""
    os.mkfifo(workdir / "out.fifo")
    server = penstock({"listen": any_url("tcp4")}, {"path": "out.fifo"}, server={"flush_timeout": "500ms"})
    send_stream(server.address("tcp4"), b"one\ntwo\n")
    server.stop(expect=3)
    assert server.left_over_records() == [b"one", b"two"]
    assert server.ledger().route()["delivered"] == 0


def test_fifo_whose_reader_left_before_it_read(netns, penstock, workdir):
    """What the pipe took cannot be taken back from it; the stop says so."""
    os.mkfifo(workdir / "out.fifo")
    with open(workdir / "out.fifo", "rb", opener=lambda path, flags: os.open(path, flags | os.O_NONBLOCK)):
        server = penstock({"listen": any_url("tcp4")}, {"path": "out.fifo"})
        send_stream(server.address("tcp4"), b"one\n")
        wait_until(lambda: unread(workdir / "out.fifo") == 4, "the record to be in the pipe")
    server.stop(expect=3)
    assert server.log_has("closed that nobody reads").level == "error"


def unread(fifo) -> int:
    """Bytes in a pipe that somebody has open."""
    end = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        return int.from_bytes(fcntl.ioctl(end, termios.FIONREAD, bytes(4)), "little")
    finally:
        os.close(end)


def test_records_are_left_over_although_the_directory_is_gone(penstock, workdir):
    os.mkfifo(workdir / "out.fifo")
    server = penstock({"listen": any_url("tcp4")}, {"path": "out.fifo"}, server={"flush_timeout": "500ms"},
                      quarantine={"path": "data/quarantine"})
    send_stream(server.address("tcp4"), b"one\n")
    shutil.rmtree(workdir / "data")
    server.stop(expect=3)
    assert [entry["bytes"] for entry in server.left_over("data/quarantine")] == ["b25l"]
