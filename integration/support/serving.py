"""A server that a page starts, as the page starts it."""

import subprocess
from pathlib import Path

from . import ledger
from .log import LogLine, troubles
from .settings import PATIENCE
from .wait import wait_until


class Serving:
    """One `penstock run` of the page, until stop()."""

    def __init__(self, command: str, folder: Path, environment: dict):
        self._log = folder.parent / "serving.err"  # not among the records
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(["bash", "-c", f"exec {command}"], cwd=folder, env=environment,
                                             stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(lambda: self._said(" ready ") or self._process.poll() is not None, self._log.read_text)
        assert self._process.poll() is None, f"{command}\n{self._log.read_text()}"

    def _said(self, words: str) -> bool:
        return words in self._log.read_text()

    def stop(self):
        """SIGTERM; it must end well, with a balanced ledger."""
        self._process.terminate()
        status = self._process.wait(PATIENCE)
        text = self._log.read_text()
        lines = [LogLine.parse(line) for line in text.splitlines()]
        assert status == 0 and troubles(lines) == [], f"exit {status}\n{text}"
        ledger.parse(lines).assert_balanced()

    def kill(self):
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
