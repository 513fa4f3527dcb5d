"""From tcp through a queue on disk to a file: Penstock beside rsyslog with a disk queue that is synced, and syslog-ng with a
reliable disk buffer. On a real disk; each record is counted.

syslog-ng has no disk buffer before a file: its records go on by tcp to a thread here that writes the file.
"""

import os
import re
import socket
import threading
import time
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from daemons import SYSLOG_NG_VERSION, rsyslog_command, serving, syslog_ng_command, wait_lines
from rig import PENSTOCK, ROOT
from table import Row, median, spread

WANTED = 3  # times the records a second of another program
RECORD_BYTES = 200
PIECE_RECORDS = 5000
PLACE = Path(os.environ.get("BENCH_DISK") or ROOT / "build/bench")


class Penstock:
    """Records are acknowledged (by protocols that do) and delivered once they are synced."""

    title = "Penstock"
    share = 1.0

    @contextmanager
    def command(self):
        yield self._command

    def _command(self, port: int, folder: Path) -> list:
        config = folder / "penstock.toml"
        config.write_text(f"""[[listener]]
name = "in"
listen = "tcp4://127.0.0.1:{port}"
[[sink]]
name = "out"
path = "{folder}/out.log"
queue = {{ type = "disk", path = "{folder}/queue", sync = "batch" }}
[quarantine]
path = "{folder}/quarantine"
[admin]
listen = "off"
""")
        return [PENSTOCK, "run", "--config", config]


class Rsyslog(Penstock):
    """Its queue on disk before the file's action, synced; without checkpoints, which it makes only when told to."""

    title = "rsyslog, disk queue, synced"
    share = 0.01

    def _command(self, port: int, folder: Path) -> list:
        config = folder / "rsyslog.conf"
        config.write_text(f"""
global(workDirectory="{folder}" maxMessageSize="64k" net.enableDNS="off")
module(load="imptcp" threads="2")
template(name="raw" type="string" string="%rawmsg%\\n")
main_queue(queue.type="FixedArray" queue.size="100000" queue.dequeueBatchSize="2048")
ruleset(name="out") {{
  action(type="omfile" file="{folder}/out.log" template="raw" ioBufferSize="256k"
         queue.type="Disk" queue.filename="queue" queue.syncQueueFiles="on" queue.maxDiskSpace="4g" queue.dequeueBatchSize="2048")
}}
input(type="imptcp" address="127.0.0.1" port="{port}" ruleset="out")
""")
        return rsyslog_command(config)


class SyslogNg(Penstock):
    title = "syslog-ng, reliable disk buffer"
    share = 0.25

    @contextmanager
    def command(self):
        with Receiver() as receiver:
            yield lambda port, folder: self._with(receiver, port, folder)

    def _with(self, receiver, port: int, folder: Path) -> list:
        receiver.write_to(folder / "out.log")
        config = folder / "syslog-ng.conf"
        config.write_text(f"""@version: {SYSLOG_NG_VERSION}
options {{ use-dns(no); keep-hostname(yes); log-msg-size(65536); stats-freq(0); }};
source in {{ network(transport("tcp") ip("127.0.0.1") port({port}) max-connections(11) log-iw-size(110000) log-fetch-limit(1000)
                     flags(no-parse)); }};
destination out {{ network("127.0.0.1" transport("tcp") port({receiver.port}) template("$MSG\\n") flush-lines(1000)
                           disk-buffer(reliable(yes) mem-buf-size(163840000) disk-buf-size(4294967296) dir("{folder}"))); }};
log {{ source(in); destination(out); flags(flow-control); }};
""")
        return syslog_ng_command(config)


class Receiver:
    """Takes one connection and writes what it gets to a file."""

    def __enter__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        return self

    def write_to(self, path: Path):
        threading.Thread(target=self._run, args=(path,), daemon=True).start()

    def _run(self, path: Path):
        try:
            connection, _ = self._listener.accept()
            with connection, path.open("wb", buffering=0) as out:
                while data := connection.recv(1 << 18):
                    out.write(data)
        except OSError:  # the bench is over
            pass

    def __exit__(self, *_):
        self._listener.close()


PROGRAMS = [Penstock(), Rsyslog(), SyslogNg()]


def _run(program, count: int) -> float:
    """Records a second, from the first byte sent to the last record in the file."""
    records = (b"<13>1 2026-11-30T00:00:00Z web1 app - - - %012d " % n for n in range(count))
    lines = (record + b"x" * (RECORD_BYTES - len(record)) for record in records)
    pieces = [b"\n".join([*islice(lines, PIECE_RECORDS), b""]) for _ in range(0, count, PIECE_RECORDS)]
    PLACE.mkdir(parents=True, exist_ok=True)
    with program.command() as command, serving(program.title, command, "tcp", PLACE) as (_, port, out):
        with socket.create_connection(("127.0.0.1", port)) as sock:
            begin = time.monotonic()
            for piece in pieces:
                sock.sendall(piece)
            end = wait_lines(out, count)
        _check(program, out, count)
    return count / (end - begin)


def _check(program, out: Path, count: int):
    seen = set()
    with out.open("rb") as lines:
        for line in lines:
            seen.add(int(re.search(rb"- - - (\d{12}) x", line)[1]))
    if seen != set(range(count)):
        raise RuntimeError(f"{program.title}: {len(seen)} of {count} records")


def run(count: int, rounds: int, table):
    """Adds a row for each other program; what is judged is the median of the rounds' ratios."""
    runs = [{program.title: _run(program, int(count * program.share)) for program in PROGRAMS} for _ in range(rounds)]
    for program in PROGRAMS[1:]:
        ratios = [run["Penstock"] / run[program.title] for run in runs]
        ours, theirs = (median([run[of] for run in runs]) for of in ("Penstock", program.title))
        table.add(Row(f"tcp, queue on disk, file: Penstock / {program.title}", f">= {WANTED}", f"{median(ratios):.1f} {spread(ratios)}",
                      median(ratios) >= WANTED, f"records a second: Penstock {ours:,.0f}, it {theirs:,.0f}"))
