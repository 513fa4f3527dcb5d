"""Clients for Node.js, as ./dev test installs them from their lock file."""

import json
import os
import shutil
import subprocess

from .settings import ROOT, cannot_run

LOGGERS = ROOT / "build/node-loggers"


def start(script: str, *arguments, variables=None, **options) -> subprocess.Popen:
    """A script of integration/node; `options` are Popen's."""
    if not shutil.which("node") or not (LOGGERS / "complete").exists():
        cannot_run("the Node clients are not installed; ./dev test installs them where npm reaches its registry")
    return subprocess.Popen(["node", ROOT / "integration/node" / script, *map(str, arguments)], **options,
                            env={**os.environ, "NODE_PATH": str(LOGGERS / "node_modules"), **(variables or {})})


def needs_unix_datagrams():
    """Node itself has none: clients that send them need an addon, which ./dev test builds where there are Node's headers."""
    if not (LOGGERS / "node_modules/unix-dgram/build/Release/unix_dgram.node").exists():
        cannot_run("the Node addon unix-dgram is not built; ./dev test does it where Node's headers are installed")


class PacedClient:
    """A script that sends a hundred records at a time and waits to be told to go on."""

    def __init__(self, script: str, *arguments):
        self._process = start(script, *arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

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


def send(logger: str, protocol: str, port, count: int, /, **options):
    """Runs integration/node/send.js to its end."""
    client = start("send.js", logger, protocol, port, count, variables={"OPTIONS": json.dumps(options)},
                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    with client:
        try:
            said, _ = client.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            client.kill()
            raise
    assert client.returncode == 0, said.decode(errors="replace")


class Receiver:
    """integration/node/forward_receiver.js, with these options of FluentServer; a context."""

    def __init__(self, **options):
        self._process = start("forward_receiver.js", variables={"OPTIONS": json.dumps(options)}, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, text=True)
        self.url = f"tcp://127.0.0.1:{int(self._process.stdout.readline())}"

    def entries(self, count: int) -> list:
        """The next ones; waits for them."""
        return [json.loads(self._process.stdout.readline()) for _ in range(count)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()


def assert_as_sent(records: list, count: int):
    """What send.js gives structured loggers: each record once, in order, with its types."""
    assert [record["n"] for record in records] == list(range(count))
    for n, record in enumerate(records):
        assert record == {"text": f"node:{n:09d}:", "n": n, "half": n + 0.5, "odd": n % 2 == 1, "list": [n, None]}, record
