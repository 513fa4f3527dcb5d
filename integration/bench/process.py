"""What is measured of a server: processor time of all its threads, and memory, from /proc."""

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Cpu:
    """Seconds. The total comes from the scheduler in ns; user and system from ticks of 10 ms."""

    total: float
    user: float
    system: float

    def __sub__(self, other):
        return Cpu(self.total - other.total, self.user - other.user, self.system - other.system)


class Process:
    """A server or a sender that the bench has started, and ends by its pid."""

    def __init__(self, arguments, log: Path, environment=None):
        with log.open("wb") as out:
            self._process = subprocess.Popen([str(a) for a in arguments], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                             env=environment)
        self.pid = self._process.pid

    def alive(self) -> bool:
        return self._process.poll() is None

    def cpu(self) -> Cpu:
        tasks = Path(f"/proc/{self.pid}/task")
        nanoseconds = sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir())
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return Cpu(nanoseconds / 1e9, int(fields[11]) / TICK, int(fields[12]) / TICK)

    def memory_kib(self, field="VmRSS") -> int:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1])
        raise LookupError(field)

    def stop(self):
        if self.alive():
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(15)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()


def wait_for_size(file: Path, wanted: int, stall: float = 3.0) -> tuple[int, float]:
    """Size and time (monotonic) of the last growth, when `wanted` is reached or nothing has come for `stall` seconds."""
    size, grown = -1, time.monotonic()
    while True:
        now_size = file.stat().st_size if file.exists() else 0
        if now_size != size:
            size, grown = now_size, time.monotonic()
        if size >= wanted or time.monotonic() - grown > stall:
            return size, grown
        time.sleep(0.002)
