"""Clients for Node.js, as ./dev test installs them from their lock file."""

import os
import shutil
import subprocess

from .settings import ROOT, cannot_run

LOGGERS = ROOT / "build/node-loggers"


class PacedClient:
    """A script of integration/node that sends a hundred records at a time and waits to be told to go on."""

    def __init__(self, script: str, *arguments):
        if not shutil.which("node") or not (LOGGERS / "complete").exists():
            cannot_run("the Node clients are not installed; ./dev test installs them where npm reaches its registry")
        command = ["node", ROOT / "integration/node" / script, *map(str, arguments)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                         env={**os.environ, "NODE_PATH": str(LOGGERS / "node_modules")})

    def run(self, count: int, arrived):
        """Lets it send `count` records; `arrived(n)` waits until n of them are there."""
        sent = 0
        while sent < count:
            line = self._process.stdout.readline()
            assert line, f"the client ended with status {self._process.wait(60)}"
            sent = int(line)
            arrived(sent)
            self._process.stdin.write("on\n")
            self._process.stdin.flush()
        assert self._process.wait(60) == 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()
