"""carbon's relay, unpacked by ./dev under build/peers."""

import os
import socket
import subprocess
import sys
from pathlib import Path

from .address import Address
from .peers import PEERS
from .settings import PATIENCE, cannot_run
from .wait import wait_until


def free_port() -> int:
    """Of this network namespace, which the test has for itself."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


def bracketed(address: Address) -> str:
    return f"[{address.host}]" if ":" in address.host else address.host


class CarbonRelay:
    """carbon-relay with one destination, in lines ("line") or pickles ("pickle"); takes lines itself."""

    def __init__(self, folder: Path, destination: Address, form: str):
        self.folder = folder / "carbon"
        self.port = free_port()
        self.folder.mkdir()
        (self.folder / "storage-schemas.conf").write_text("[all]\npattern = .*\nretentions = 60s:1d\n")
        (self.folder / "carbon.conf").write_text(f"""
[relay]
USER =
LINE_RECEIVER_INTERFACE = 127.0.0.1
LINE_RECEIVER_PORT = {self.port}
PICKLE_RECEIVER_INTERFACE = 127.0.0.1
PICKLE_RECEIVER_PORT = {free_port()}
RELAY_METHOD = consistent-hashing
DESTINATIONS = {bracketed(destination)}:{destination.port}:a
DESTINATION_PROTOCOL = {form}
CARBON_METRIC_INTERVAL = 0
STORAGE_DIR = {self.folder}
LOG_DIR = {self.folder}
PID_DIR = {self.folder}
CONF_DIR = {self.folder}
""")

    def __enter__(self):
        script = PEERS / "usr/bin/carbon-relay"
        if not script.exists():
            cannot_run(f"carbon-relay is not unpacked under {PEERS}; ./dev test does it")
        environment = {**os.environ, "PYTHONPATH": str(PEERS / "usr/lib/python3/dist-packages"),
                       "PYTHONDONTWRITEBYTECODE": "1"}
        self._log = open(self.folder / "log", "wb")
        self._process = subprocess.Popen(
            [sys.executable, script, f"--config={self.folder}/carbon.conf", f"--pidfile={self.folder}/pid", "--nodaemon",
             "--debug", "start"], env=environment, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log)
        wait_until(lambda: "Destination is up" in self.said() or self._process.poll() is not None,
                   lambda: f"carbon-relay's connection:\n{self.said()}")
        assert self._process.poll() is None, self.said()
        return self

    def send(self, lines: str):
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as sock:
            sock.sendall(lines.encode())

    def said(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(60)
        self._log.close()
