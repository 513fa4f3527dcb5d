"""One measurement: start a target, send, wait until its file is complete, and see what it cost."""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import targets

FOLDER = os.environ.get("BENCH_DIR", "/dev/shm")  # memory, so that no disk is measured
SIZE = 200
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Figures:
    """What one run gave. Rates in records a second, CPU in microseconds a record (of the target, user and system)."""

    sent: int
    received: int
    rate: float
    user_us: float
    system_us: float
    peak_mib: float

    @property
    def cpu_us(self) -> float:
        return self.user_us + self.system_us

    def __str__(self):
        lost = f", {self.sent - self.received:,} lost" if self.received != self.sent else ""
        return (f"{self.rate / 1e6:.3f} M/s, {self.cpu_us:.3f} us ({self.user_us:.3f} user, {self.system_us:.3f} system), "
                f"peak {self.peak_mib:.1f} MiB{lost}")


def cpu_of(pid: int) -> tuple:
    """Seconds of user and of system time so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) / _TICK, int(fields[12]) / _TICK


def memory_of(pid: int, key: str) -> float:
    """MiB of a line of /proc/PID/status: VmHWM, RssAnon."""
    return int(re.search(rf"{key}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())[1]) / 1024


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


def listens(place) -> bool:
    if place.inet:
        table = "/proc/net/udp" if place.kind == "udp" else "/proc/net/tcp"
        lines = (line.split() for line in Path(table).read_text().splitlines()[1:])
        return any(line[1].endswith(f":{place.port:04X}") and (place.kind == "udp" or line[3] == "0A") for line in lines)
    return str(place.socket) in Path("/proc/net/unix").read_text()


@contextlib.contextmanager
def serving(target: str, kind: str):
    """(process, place) of a target that listens; None where it does not know that kind. Its folder is gone after."""
    folder = Path(tempfile.mkdtemp(prefix="pstbench-", dir=FOLDER))
    place = targets.Place(folder, kind, free_port())
    process = targets.start(target, place)
    try:
        if process is None:
            yield None
            return
        deadline = time.monotonic() + 20
        while not listens(place):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{target} does not listen:\n{(folder / 'target.log').read_text(errors='replace')}")
            time.sleep(0.02)
        time.sleep(0.2)
        yield process, place
    finally:
        if process is not None and process.poll() is None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(30)
            if process.poll() is None:
                process.kill()
                process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def send(*arguments) -> dict:
    """`penstock send ARGUMENTS --json`: its summary. A sender that was slowed down or refused is a figure too."""
    done = subprocess.run([str(targets.binary()), "send", *map(str, arguments), "--json"], capture_output=True, text=True)
    if done.returncode not in (0, 1) or not done.stdout:
        raise SystemExit(f"penstock send: {done.stderr}")
    return json.loads(done.stdout)


def send_arguments(kind: str) -> list:
    return ["--framing", "octet_counted"] if kind == "octet" else []


def wait_complete(out: Path, size: int, stall: float = 3.0) -> tuple:
    """Waits until `out` has `size` bytes, or has not grown for `stall` seconds. (bytes, when they were there)."""
    seen, since = -1, time.monotonic()
    while True:
        now, is_size = time.monotonic(), out.stat().st_size if out.exists() else 0
        if is_size != seen:
            seen, since = is_size, now
        if seen >= size or now - since > stall:
            return seen, since
        time.sleep(0.002)


def run(target: str, kind: str, count: int, *arguments):
    """Figures of `count` records of 200 bytes sent with `penstock send ARGUMENTS`; None where not applicable."""
    with serving(target, kind) as served:
        if served is None:
            return None
        process, place = served
        user, system = cpu_of(process.pid)
        begin = time.monotonic()
        sent = send(place.url, "--count", count, "--size", SIZE, *send_arguments(kind), *arguments)["sent"]
        size, end = wait_complete(place.out, sent * (SIZE + 1))
        user, system = (after - before for after, before in zip(cpu_of(process.pid), (user, system)))
        received = size // (SIZE + 1)
        return Figures(sent, received, received / (end - begin), user * 1e6 / max(1, received),
                       system * 1e6 / max(1, received), memory_of(process.pid, "VmHWM"))


def warm(gib: int):
    """Touches the memory behind FOLDER once: the first write to a page is many times slower, and whoever is measured
    first would pay for it."""
    free = shutil.disk_usage(FOLDER).free >> 30
    gib = min(gib, free // 2)
    with tempfile.TemporaryFile(dir=FOLDER) as file:
        for _ in range(gib << 10):
            file.write(bytes(1 << 20))
