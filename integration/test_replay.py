"""What the stop leaves over comes back by the command that its report prints, byte for byte, whatever the framing."""

import contextlib
import os
import shlex

import pytest

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


def replay(server, command: str, expect=0):
    """As pasted into a shell in the folder of the configuration."""
    program, *arguments = shlex.split(command)
    assert program == "penstock"
    return penstock_command(*arguments, folder=server.folder, expect=expect)


@pytest.mark.parametrize("kinds", [*([kind] for kind in RECORDS), list(RECORDS)], ids="+".join)
def test_the_printed_command_completes_the_set(penstock, workdir, full_fifo, kinds):
    listeners = [listener(kind) for kind in kinds]
    first = penstock(listeners, {"path": "fifo"}, server=IMPATIENT)
    for kind in kinds:
        send(first, kind)
    first.stop(expect=3)
    commands = [line.fields["replay"] for line in first.log if "replay" in line.fields]
    assert len(commands) == len(kinds), first.log_text()

    second = penstock(listeners, {"path": "{listener}.log", "newlines": "keep"}, folder=workdir)
    for command in commands:
        replay(second, command)
    second.stop()
    for kind in kinds:
        assert second.output(f"{kind}.log") == b"".join(record + b"\n" for record in RECORDS[kind])


def test_a_framing_that_changes_records_is_told(penstock, workdir, full_fifo):
    first = penstock(listener("syslog_auto"), {"path": "fifo"}, server=IMPATIENT)
    send(first, "syslog_auto")
    first.stop(expect=3)
    command = next(line.fields["replay"] for line in first.log if "replay" in line.fields)
    second = penstock(listener("syslog_auto"), folder=workdir)
    done = replay(second, command.replace("octet_counted", "newline"), expect=1)
    assert "3 records hold the delimiter" in done.stderr, done.stderr
    done = replay(second, command + " --listener other", expect=1)
    assert 'no entry of listener "other"' in done.stderr, done.stderr
