"""The server under test: started from a config, stopped by a signal, and asked what it knows."""

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import threading
from pathlib import Path

from . import ledger, toml
from .address import Address
from .admin import Admin
from .log import LogLine, troubles
from .settings import PATIENCE, binary
from .wait import wait_until

NOBODY = 65534


class Server:
    """One `penstock run` in a folder of its own.

    `listeners` and `sinks` are TOML tables as dicts; a listener needs `listen` at least and is called `in` unless it
    says otherwise. Without `sinks` all records go to out.log. Every server is checked when its test ends: no sanitizer
    report, and a ledger that balances where it was stopped in order.
    """

    def __init__(self, folder: Path, listeners, sinks=None, server=None, quarantine=None, *, admin=None, unprivileged=False,
                 descriptors=None, processes=None, environment=None, inherit=None, stdout=subprocess.DEVNULL):
        self.folder = folder
        self.unprivileged = unprivileged
        self._limits = {"nofile": descriptors, "nproc": processes}
        self._environment = environment or {}
        self._inherit = inherit
        self._stdout = stdout
        self._process = None
        self._changed = threading.Condition()
        self._lines = []
        self.checked = False
        listeners = [listeners] if isinstance(listeners, dict) else listeners
        self._listeners = [{"name": "in", **table} for table in listeners]
        sinks = [sinks] if isinstance(sinks, dict) else sinks
        self._sinks = [{"name": "out", **({} if "type" in table else {"type": "file", "path": "out.log"}), **table}
                       for table in sinks or [{}]]
        # By default two seconds, which a sink's thread may have to wait for a processor.
        self._server = {"threads": 2, "flush_timeout": "20s", **(server or {})}
        self._quarantine = {"path": "quarantine", **(quarantine or {})}
        self._admin = {"listen": "unix://./admin.sock", **(admin or {})}
        self.config = folder / "penstock.toml"
        self.write_config()

    # --- life

    def write_config(self):
        self.config.write_text(toml.render(self._server, self._listeners, self._sinks, self._quarantine, self._admin))

    def start(self) -> "Server":
        """Starts it and waits until it says that it is ready."""
        self.spawn()
        wait_until(lambda: self._ready() or self._process.poll() is not None, lambda: f"ready\n{self.log_text()}")
        assert self._ready(), f"did not start, exit {self._process.poll()}:\n{self.log_text()}"
        return self

    def spawn(self):
        """Starts it without waiting."""
        program = binary()
        if self.unprivileged:  # uid 65534 may not be able to reach the build folder
            program = Path(shutil.copy2(program, self.folder / "penstock"))
            for path in (self.folder, *self.folder.iterdir()):
                os.chown(path, NOBODY, NOBODY)
        command = [str(program), "run", "--config", str(self.config)]
        limits = [f"--{name}={limit}:{limit}" for name, limit in self._limits.items() if limit]
        if limits:
            command = ["prlimit", *limits, *command]
        identity = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if self.unprivileged else {}
        environment = {**os.environ, **self._environment}
        if self._inherit:  # sd_listen_fds(3): descriptors from 3 on, meant for this process id; the shell keeps its own
            n = self._inherit.fileno()
            command = ["bash", "-c", f'exec 3<&{n}; [ {n} = 3 ] || exec {n}<&-; export LISTEN_PID=$$ LISTEN_FDS=1; exec "$@"',
                       "bash", *command]
            identity["pass_fds"] = [n]
        self._process = subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=self._stdout,
                                         stderr=subprocess.PIPE, env=environment, **identity)
        threading.Thread(target=self._read_log, args=(self._process,), daemon=True).start()

    def _read_log(self, process):
        for raw in process.stderr:
            with self._changed:
                self._lines.append(LogLine.parse(raw.decode(errors="backslashreplace").rstrip("\n")))
                self._changed.notify_all()
        process.stderr.close()

    def _ready(self):
        return any(line.message == "ready" for line in self._lines)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def send_signal(self, number=signal.SIGTERM):
        self._process.send_signal(number)

    def wait(self, patience: float = PATIENCE) -> int:
        """The exit status, once it has ended and its last log line is here."""
        try:
            status = self._process.wait(patience)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {patience:.0f} s:\n{self.log_text()}") from None
        wait_until(lambda: self._process.stderr.closed, "the log's end")
        return status

    def stop(self, number=signal.SIGTERM, expect=0) -> int:
        """Stops it in order; fails when the exit status is not `expect` (None: any)."""
        self.send_signal(number)
        status = self.wait()
        assert expect is None or status == expect, f"exit {status}, not {expect}:\n{self.log_text()}"
        return status

    def kill(self):
        """Ends it at once, whatever state it is in; for clean-up, and for what a crash would leave behind."""
        if self.running:
            self._process.kill()
        self._process.wait()
        self.checked = True

    # --- what it says

    @property
    def log(self) -> list:
        return list(self._lines)

    def log_text(self) -> str:
        return "\n".join(line.text for line in self._lines)

    def log_has(self, pattern: str):
        """The first line that matches, or None."""
        return next((line for line in self._lines if re.search(pattern, line.text)), None)

    def wait_log(self, pattern: str) -> LogLine:
        return wait_until(lambda: self.log_has(pattern), lambda: f"/{pattern}/ in the log:\n{self.log_text()}")

    def urls(self, listener: str = "in") -> list:
        """The bound URLs of a listener, as the log says them."""
        return [line.fields["url"] for line in self._lines
                if line.message == "listening" and line.fields.get("listener") == listener]

    def address(self, scheme: str = None, listener: str = "in") -> Address:
        """Where to send: the listener's first URL of that scheme."""
        urls = self.urls(listener)
        for url in urls:
            if scheme is None or url.startswith(scheme + "://"):
                return Address.parse(url, self.folder)
        raise AssertionError(f"listener {listener} has no {scheme} among {urls}")

    @property
    def admin(self) -> Admin:
        return Admin(next(line.fields["url"] for line in self._lines if line.message == "admin"), self.folder)

    # --- what it wrote

    def output(self, name: str = "out.log") -> bytes:
        path = self.folder / name
        return path.read_bytes() if path.exists() else b""

    def records(self, name: str = "out.log") -> list:
        """The sink file's whole lines."""
        return self.output(name).split(b"\n")[:-1]

    def wait_records(self, count: int, name: str = "out.log") -> list:
        """Waits until the sink file holds `count` records and gives them."""
        return wait_until(lambda: (r := self.records(name)) if len(self.records(name)) >= count else None,
                          lambda: f"{count} records in {name}, but {len(self.records(name))}:\n{self.log_text()}")

    def quarantined(self) -> list:
        """Entries of the quarantine."""
        return [json.loads(line) for path in sorted((self.folder / "quarantine").glob("quarantine*.jsonl"))
                for line in path.read_text().splitlines()]

    def leftovers(self, quarantine: str = "quarantine") -> list:
        """Where stops have left records over, the oldest stop first."""
        return sorted((self.folder / quarantine).glob("leftover/*/*"), key=lambda path: path.name)

    def left_over(self, quarantine: str = "quarantine") -> list:
        """The records in them, as `penstock queue dump` has them."""
        return [json.loads(line) for line in self._dump_left_over(quarantine)]

    def left_over_records(self) -> list:
        """Their bytes. There may be millions: json.loads would take longer than the test."""
        return [base64.b64decode(line.partition(b'"bytes":"')[2].partition(b'"')[0])
                for line in self._dump_left_over("quarantine")]

    def _dump_left_over(self, quarantine: str):
        for path in self.leftovers(quarantine):
            with subprocess.Popen([binary(), "queue", "dump", path], stdout=subprocess.PIPE) as dump:
                yield from dump.stdout
            assert dump.returncode == 0

    def ledger(self) -> ledger.Ledger:
        return ledger.parse(self._lines)

    # --- what it uses

    def memory_bytes(self) -> int:
        """Resident memory that is its own: not the program's file. Counted page by page; the RssAnon of its status is kept
        up in batches by each processor and may be some hundred KiB off."""
        counted = Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        return int(re.search(r"Anonymous:\s+(\d+) kB", counted)[1]) * 1024

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def holds(self, name: str) -> bool:
        """It has the file of that name (as it is called now) open."""
        folder = f"/proc/{self.pid}/fd"
        path = os.path.realpath(self.folder / name)
        for descriptor in os.listdir(folder):
            try:
                if os.readlink(f"{folder}/{descriptor}") == path:
                    return True
            except FileNotFoundError:
                pass
        return False

    # --- the end of every test

    def check(self):
        """What must hold for every server, whatever the test was about."""
        if self._process is None or self.checked:
            return
        self.checked = True
        if self.running:
            self.send_signal(signal.SIGCONT)
            self.stop(expect=None)
        assert troubles(self._lines) == [], self.log_text()
        status = self._process.returncode
        assert status >= 0, f"ended by signal {-status}:\n{self.log_text()}"
        if status in (0, 3):
            self.ledger().assert_balanced()
