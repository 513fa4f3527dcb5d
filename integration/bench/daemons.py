"""Starting Penstock, rsyslog and syslog-ng with a configuration of the bench's own, and waiting for what they write."""

import os
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import peers
from process import Process
from rig import OUTPUT, free_port, listens

SYSLOG_NG_VERSION = os.environ.get("SYSLOG_NG_VERSION", "3.38")  # of its configuration
STALL_SECONDS = 5.0


def rsyslog_command(config: Path) -> list:
    environment = peers.environment()
    return [environment.get("RSYSLOG_BIN", "rsyslogd"), "-n", "-f", config, "-i", config.parent / "pid",
            *(["-M", environment["RSYSLOG_MODDIR"]] if "RSYSLOG_MODDIR" in environment else [])]


def syslog_ng_command(config: Path) -> list:
    environment, folder = peers.environment(), config.parent
    return [environment.get("SYSLOG_NG_BIN", "syslog-ng"), "-F", "--no-caps", "-f", config, "-R", folder / "persist",
            "-c", folder / "ctl", "-p", folder / "pid", *environment.get("SYSLOG_NG_ARGS", "").split()]


@contextmanager
def serving(title: str, command, kind: str, place: Path = OUTPUT):
    """The running program, its port and its output. `command(port, folder)` writes the configuration and says how to start it."""
    with tempfile.TemporaryDirectory(dir=place, prefix="bench.") as name:
        folder, port = Path(name), free_port()
        process = Process(command(port, folder), folder / "server.log", peers.environment())
        try:
            limit = time.monotonic() + 20
            while not listens(kind, f"127.0.0.1:{port}"):
                if not process.alive() or time.monotonic() > limit:
                    raise RuntimeError(f"{title} does not listen: {(folder / 'server.log').read_text()}")
                time.sleep(0.02)
            time.sleep(0.3)
            yield process, port, folder / "out.log"
        finally:
            process.stop()


def wait_lines(file: Path, count: int) -> float:
    """Until so many lines are in the file, or nothing has come for STALL_SECONDS. Gives when the last came (monotonic)."""
    lines, grown = 0, time.monotonic()
    while not file.exists() and time.monotonic() - grown < STALL_SECONDS:
        time.sleep(0.01)
    with file.open("rb") as read:
        while lines < count and time.monotonic() - grown < STALL_SECONDS:
            piece = read.read(1 << 20)
            if piece:
                lines, grown = lines + piece.count(b"\n"), time.monotonic()
            else:
                time.sleep(0.01)
    return grown
