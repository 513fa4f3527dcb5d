"""Loggers from npm, as ./dev installs them."""

import json
import os
import shutil
import subprocess

from .settings import ROOT, cannot_run

NODE = ROOT / "build/node-loggers"


def send(logger: str, protocol: str, port, count: int, /, **options):
    """Runs integration/node/send.js to its end."""
    if not shutil.which("node") or not (NODE / "complete").exists():
        cannot_run("the Node loggers are not installed; ./dev test installs them where npm reaches its registry")
    done = subprocess.run(["node", ROOT / "integration/node/send.js", logger, protocol, str(port), str(count)], timeout=120,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={**os.environ, "NODE_PATH": str(NODE / "node_modules"), "OPTIONS": json.dumps(options)})
    assert done.returncode == 0, done.stdout.decode(errors="replace")


def assert_as_sent(records: list, count: int):
    """What send.js gives structured loggers: each record once, in order, with its types."""
    assert [record["n"] for record in records] == list(range(count))
    for n, record in enumerate(records):
        assert record == {"text": f"node:{n:09d}:", "n": n, "half": n + 0.5, "odd": n % 2 == 1, "list": [n, None]}, record
