"""What a stop leaves over is delivered by the next start, byte for byte, whatever the framing."""

import contextlib
import os

import pytest

from support.address import any_url
from support.command import penstock_command

IMPATIENT = {"drain_timeout": "500ms", "flush_timeout": "500ms"}

# What each framing can carry and a careless replay would not: counts, CR, LF and NUL where they are a record's own.
RECORDS = {
    "newline": [b"10 green bottles", b"ends in CR\r", b"\r", b"NUL \0 inside", b"3 ab"],
    "nul": [b"LF \n inside", b"ends in CR\r", b"ends in LF\n", b"10 green bottles"],
    "octet_counted": [b"10 green bottles", b"LF \n inside", b"ends in CR\r", b"\n", b"NUL \0 inside"],
    "syslog_auto": [b"10 green bottles", b"ends in CR\r", b"ends in CRLF\r\n", b"\n", b"\0", b"<13>second"],
    "datagram": [b"LF \n inside", b"ends in LF\n", b"ends in CRLF\r\n", b"ends in CR\r", b"10 green bottles"],
}
WIRE = {
    "newline": lambda record: record + b"\r\n",
    "nul": lambda record: record + b"\0",
    "octet_counted": lambda record: b"%d %s\r\n" % (len(record) + 2, record),
    "syslog_auto": lambda record: b"%d %s\r\n" % (len(record) + 2, record),
    "datagram": lambda record: record + b"\r\n",
}


@pytest.fixture
def full_fifo(workdir):
    """A file sink's path that takes no byte."""
    os.mkfifo(workdir / "fifo")
    end = os.open(workdir / "fifo", os.O_RDWR | os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        while os.write(end, b"x"):
            pass
    yield
    os.close(end)


def listener(kind: str) -> dict:
    scheme = "unixgram" if kind == "datagram" else "unix"
    framing = {} if kind == "datagram" else {"framing": kind}
    return {"name": kind, "listen": f"{scheme}://./{kind}.sock", **framing}


def send(server, kind: str):
    with server.address(listener=kind).connect() as sock:
        for record in RECORDS[kind]:
            sock.send(WIRE[kind](record))


@pytest.mark.parametrize("kinds", [*([kind] for kind in RECORDS), list(RECORDS)], ids="+".join)
def test_the_next_start_completes_the_set(penstock, workdir, full_fifo, kinds):
    listeners = [listener(kind) for kind in kinds]
    first = penstock(listeners, {"path": "fifo"}, server=IMPATIENT)
    for kind in kinds:
        send(first, kind)
    first.stop(expect=3)
    assert first.log_has("data left over").fields["records"] == str(sum(len(RECORDS[kind]) for kind in kinds))

    second = penstock(listeners, {"path": "{listener}.log", "newlines": "keep"}, folder=workdir)
    second.wait_log("what stops have left over is delivered")
    assert not (workdir / "quarantine/leftover").exists()
    second.stop()
    for kind in kinds:
        assert second.output(f"{kind}.log") == b"".join(record + b"\n" for record in RECORDS[kind])
        assert second.ledger().route(kind)["recovered"] == len(RECORDS[kind])


LINES = {"listen": any_url("unix")}


def send_lines(server):
    with server.address().connect() as sock:
        sock.sendall(b"".join(map(WIRE["newline"], RECORDS["newline"])))


def test_what_is_left_over_comes_before_anything_new(penstock, workdir, full_fifo):
    first = penstock(LINES, {"path": "fifo"}, server=IMPATIENT)
    send_lines(first)
    first.stop(expect=3)
    second = penstock(LINES, folder=workdir)
    with second.address().connect() as sock:
        sock.sendall(b"new\n")
    second.wait_records(len(RECORDS["newline"]) + 1)
    second.stop()
    assert second.records()[-1] == b"new"


def test_two_stops_before_a_start_that_delivers(penstock, workdir, full_fifo):
    """The second one had not come to the first one's records: they stay, said so, and come first in the end."""
    servers = [penstock(LINES, {"path": "fifo"}, server=IMPATIENT, folder=workdir)]
    servers[0].address().connect().sendall(b"one\n")
    servers[0].stop(expect=3)
    servers.append(penstock(LINES, {"path": "fifo"}, server=IMPATIENT, folder=workdir))
    servers[1].address().connect().sendall(b"two\n")
    servers[1].stop(expect=3)
    still = servers[1].log_has("data of earlier stops is still left over")
    assert still.fields["records"] == "1"
    assert servers[1].ledger().route()["lost"] == {"leftover": 2}
    third = penstock(LINES, folder=workdir)
    assert third.wait_records(2) == [b"one", b"two"]
    third.stop()


def test_a_start_that_is_killed_goes_on_where_it_was(penstock, workdir, full_fifo):
    first = penstock(LINES, {"path": "fifo"}, server=IMPATIENT)
    send_lines(first)
    first.stop(expect=3)
    penstock(LINES, {"path": "fifo"}, folder=workdir).kill()
    third = penstock(LINES, folder=workdir)
    third.wait_log("what stops have left over is delivered")
    third.stop()
    assert third.records() == RECORDS["newline"]


def test_a_queue_on_disk_takes_it_over(penstock, workdir, full_fifo):
    first = penstock(LINES, {"path": "fifo"}, server=IMPATIENT)
    send_lines(first)
    first.stop(expect=3)
    second = penstock(LINES, {"queue": {"type": "disk", "path": "q"}}, folder=workdir)
    second.wait_records(len(RECORDS["newline"]))
    second.stop()
    assert second.records() == RECORDS["newline"]
    assert second.ledger().route()["recovered"] == len(RECORDS["newline"])
    assert second.leftovers() == []


def test_a_sink_that_is_gone_keeps_its_own(penstock, workdir, full_fifo):
    """Another sink does not get it; the log says where it is, and `penstock queue dump` gives it to `penstock send`."""
    first = penstock(LINES, {"name": "old", "path": "fifo"}, server=IMPATIENT)
    send_lines(first)
    first.stop(expect=3)
    second = penstock(LINES, folder=workdir)
    warning = second.log_has("for a sink that there is no more")
    assert warning.fields["sink"] == "old"
    left, = second.leftovers()
    (workdir / "left.jsonl").write_text(penstock_command("queue", "dump", left).stdout)
    penstock_command("send", second.urls()[0], "--replay", "left.jsonl", "--framing", "crlf", folder=workdir)
    second.wait_records(len(RECORDS["newline"]))
    second.stop()
    assert second.records() == RECORDS["newline"]


def test_a_damaged_record_costs_no_other(penstock, workdir, full_fifo):
    first = penstock(LINES, {"path": "fifo"}, server=IMPATIENT)
    send_lines(first)
    first.stop(expect=3)
    segment, = first.leftovers()[0].glob("*.seg")
    segment.write_bytes(segment.read_bytes().replace(b"10 green bottles", b"11 green bottles"))
    second = penstock(LINES, folder=workdir)
    second.wait_log("what stops have left over is delivered")
    second.stop(expect=3)
    assert second.records() == RECORDS["newline"][1:]
    assert second.ledger().route()["lost"] == {"damaged": 1}


def test_what_cannot_be_listed_is_said(penstock, workdir):
    (workdir / "quarantine/leftover").mkdir(parents=True)
    (workdir / "quarantine/leftover/sink").write_text("no directory")
    server = penstock(LINES, {"name": "sink"}, folder=workdir)
    assert server.log_has("what stops have left over cannot be listed").fields["reason"] == "Not a directory"
    send_lines(server)
    server.wait_records(len(RECORDS["newline"]))
    server.stop()
