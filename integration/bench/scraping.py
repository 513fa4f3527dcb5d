"""What looking at the server costs it: instructions of the data path, time of a scrape, turns of the loops."""

import math
import re
import resource
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

from process import Process
from rig import OUTPUT, PENSTOCK
from table import Row, median, spread

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support.admin import Admin  # noqa: E402

_CONFIG = """[server]
threads = 2
[[listener]]
name = "bench"
listen = ["tcp4://127.0.0.1:0", "unix://./in.sock"]
[[sink]]
name = "out"
type = "blackhole"
[admin]
listen = "unix://./admin.sock"
"""


class Bench:
    """A server without a disk, in a folder of its own."""

    def __init__(self, folder: Path, wrapper=()):
        self.folder = folder
        (folder / "penstock.toml").write_text(_CONFIG)
        self.process = Process(["env", "-C", folder, *wrapper, PENSTOCK, "run", "--config", "penstock.toml"], folder / "log")
        limit = time.monotonic() + 60
        while " ready " not in self.log():
            if not self.process.alive() or time.monotonic() > limit:
                raise RuntimeError(self.log())
            time.sleep(0.02)
        self.admin = Admin("unix://./admin.sock", folder)

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def url(self) -> str:
        return re.search(r"url=(tcp4://\S+)", self.log())[1]

    def events(self) -> int:
        return self.admin.listener("bench")["events"]

    def wait_events(self, count: int):
        while self.events() < count:
            if not self.process.alive():
                raise RuntimeError(self.log())
            time.sleep(0.2)

    def scrape(self) -> float:
        """Seconds."""
        begin = time.monotonic()
        if not self.admin.get("/metrics").endswith(b"\n"):
            raise RuntimeError("half a scrape")
        return time.monotonic() - begin


@contextmanager
def serve(wrapper=()):
    with tempfile.TemporaryDirectory(dir=OUTPUT, prefix="bench.") as name:
        bench = Bench(Path(name), wrapper)
        try:
            yield bench
        finally:
            bench.process.stop()


class Scraper(threading.Thread):
    """Scrapes at an interval until told to stop, and keeps the time that each took."""

    def __init__(self, bench: Bench, interval: float):
        super().__init__(daemon=True)
        self.took = []
        self._bench, self._interval, self._quit = bench, interval, threading.Event()

    def run(self):
        while not self._quit.wait(self._interval):
            self.took.append(self._bench.scrape())

    def stop(self):
        self._quit.set()
        self.join()


# --- instructions

def _threads(pid: int) -> list:
    """Names in the order in which they began, which is how callgrind numbers them."""
    tasks = sorted(Path(f"/proc/{pid}/task").iterdir(), key=lambda task: int(task.name))
    return [(task / "comm").read_text().strip() for task in tasks]


def _instructions(folder: Path, names: list) -> dict:
    """By the name of the thread; callgrind writes a file for each."""
    counted = {}
    for file in folder.glob("callgrind.out-*"):
        text = file.read_text()
        name = names[int(re.search(r"^thread: (\d+)", text, re.M)[1]) - 1]
        counted[name] = counted.get(name, 0) + int(re.search(r"^(?:totals|summary): (\d+)", text, re.M)[1])
    return counted


def _count_load(records: int, scrape_every: float | None) -> tuple:
    """Instructions a record of the loops and the sink, while one connection sends `records`; and the number of scrapes."""
    with tempfile.TemporaryDirectory(prefix="callgrind.") as name:
        out = Path(name)
        wrapper = ["valgrind", "--tool=callgrind", "--separate-threads=yes", f"--callgrind-out-file={out}/callgrind.out"]
        with serve(wrapper) as bench:
            names = _threads(bench.process.pid)
            scraper = Scraper(bench, scrape_every) if scrape_every else None
            if scraper:
                scraper.start()
            subprocess.run([PENSTOCK, "send", "--quiet", "--count", str(records), f"unix://{bench.folder}/in.sock"], check=True,
                           stdin=subprocess.DEVNULL)
            bench.wait_events(records)
            if scraper:
                scraper.stop()
        counted = _instructions(out, names)
    path = sum(count for thread, count in counted.items() if thread.startswith(("io ", "sink ")))
    return path / records, len(scraper.took) if scraper else 0


def instructions(records: int, pairs: int, table):
    """Scraped every 100 ms and not, by turns."""
    quiet, scraped, scrapes = [], [], 0
    for _ in range(pairs):
        quiet.append(_count_load(records, None)[0])
        each, count = _count_load(records, 0.1)
        scraped.append(each)
        scrapes += count
    more = (median(scraped) / median(quiet) - 1) * 100
    table.add(Row("instructions a record, scraped every 100 ms: % more", "< 2", f"{more:+.2f}", more < 2,
                  f"{median(quiet):.1f} {spread(quiet)} without, {median(scraped):.1f} {spread(scraped)} with {scrapes} scrapes; "
                  "loops and sink, by callgrind"))


# --- a scrape

@contextmanager
def _idle(bench: Bench, connections: int):
    """Connections from ten addresses, each with one record sent."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    host, _, port = bench.url().partition("://")[2].rpartition(":")
    peers = []
    try:
        for number in range(connections):
            peers.append(socket.create_connection((host, int(port)), 10, source_address=(f"127.0.0.{number % 10 + 1}", 0)))
            peers[-1].sendall(b"x" * 200 + b"\n")
        bench.wait_events(connections)
        yield
    finally:
        for peer in peers:
            peer.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def scrape_time(connections: int, table):
    """The slowest of fifty."""
    with serve() as bench, _idle(bench, connections):
        took = []
        for _ in range(50):
            took.append(bench.scrape() * 1000)
            time.sleep(0.1)  # in all, five looks of the sampler at all sockets
        size = len(bench.admin.get("/metrics"))
    table.add(Row(f"a scrape with {connections:,} connections: ms", "< 50", f"{max(took):.1f}", max(took) < 50,
                  f"slowest of 50, median {median(took):.1f}; {size / 1024:.0f} KiB"))


# --- turns of the loops

def _turns(bench: Bench) -> dict:
    """Turns so far by upper bound, of all loops; not cumulated."""
    counts = {}
    for loop in bench.admin.status()["loops"]:
        below = 0
        for bucket in loop["turn_seconds"]["buckets"]:
            bound = math.inf if bucket["le"] is None else bucket["le"]
            counts[bound] = counts.get(bound, 0) + bucket["count"] - below
            below = bucket["count"]
    return counts


def _p99_ms(counts: dict) -> float:
    """As histogram_quantile() makes it: straight inside of a bucket."""
    wanted, lower = 0.99 * sum(counts.values()), 0.0
    for bound in sorted(counts):
        if counts[bound] >= wanted:
            return 1000 * (lower if bound == math.inf else lower + (bound - lower) * wanted / counts[bound])
        wanted -= counts[bound]
        lower = bound
    return math.nan


def loop_turns(seconds: int, table, connections=1000, rate="50k"):
    """Windows of five seconds by turns, scraped every second and not, `seconds` of each."""
    window = 5
    totals = {False: {}, True: {}}
    with serve() as bench:
        load = Process([PENSTOCK, "send", "--quiet", "--connections", 16, "--idle", connections, "--rate", rate,
                        "--duration", f"{2 * seconds + 60}s", bench.url()], bench.folder / "load.log")
        try:
            while bench.events() < 100_000:
                time.sleep(0.1)
            for _ in range(seconds // window):
                for scraped, total in totals.items():
                    begin = _turns(bench)
                    scraper = Scraper(bench, 1.0)
                    if scraped:
                        scraper.start()
                    time.sleep(window)
                    if scraped:
                        scraper.stop()
                    for bound, count in _turns(bench).items():
                        total[bound] = total.get(bound, 0) + count - begin[bound]
        finally:
            load.stop()
    quiet, scraped = _p99_ms(totals[False]), _p99_ms(totals[True])
    table.add(Row(f"p99 of a loop's turn, scraped every second for {seconds} s: ms more", "< 1", f"{scraped - quiet:+.3f}",
                  scraped - quiet < 1, f"{quiet:.3f} without, {scraped:.3f} with; {rate} records/s, {connections:,} more connections"))


def run(table):
    instructions(1_000_000, 5, table)
    scrape_time(10_000, table)
    loop_turns(60, table)
