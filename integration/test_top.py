"""penstock top: as text, and on a terminal of 80 columns with keys."""

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time

import pyte

from support.clients import send_stream
from support.records import record
from support.settings import PATIENCE, binary
from support.wait import wait_until


def lines(count: int) -> bytes:
    return b"".join(record("r", number, 200) + b"\n" for number in range(count))


def stuck_server(penstock, workdir):
    """One listener whose records arrive, one whose sink takes nothing."""
    os.mkfifo(workdir / "fifo")
    server = penstock([{"name": "fine", "listen": "unix://./fine.sock", "sinks": ["out"]},
                       {"name": "stuck", "listen": "unix://./stuck.sock", "sinks": ["slow"]}],
                      [{}, {"name": "slow", "path": "fifo", "queue": {"max_bytes": "1MiB"}}],
                      server={"drain_timeout": "300ms", "flush_timeout": "300ms"})
    send_stream(server.address("unix", "fine"), lines(50))
    return server


def test_plain_text_points_to_the_sink(penstock, workdir):
    server = stuck_server(penstock, workdir)
    with open(workdir / "fifo", "rb", buffering=0, opener=lambda p, f: os.open(p, f | os.O_NONBLOCK)):
        with server.address("unix", "stuck").connect() as sock:
            sock.setblocking(False)

            def paused_after_more():
                with contextlib.suppress(BlockingIOError):
                    sock.send(lines(100))
                return server.admin.listener("stuck")["connections"]["paused"] == 1

            wait_until(paused_after_more, "the pause")
            shown = subprocess.run([binary(), "top", "--once", "--interval", "0.2", "--config", server.config],
                                   capture_output=True, text=True, check=True).stdout
            status = server.admin.status()
    assert "bytes wait at sink slow, it " in shown
    assert re.search(r"^stuck .* 1     1 .*shut: slow$", shown, re.MULTILINE), shown
    assert re.search(r"^fine .* open$", shown, re.MULTILINE), shown
    slow = next(sink for sink in status["sinks"] if sink["name"] == "slow")
    assert not slow["queue"]["open"] and re.search(r"^slow .*\[\|{20}\]", shown, re.MULTILINE), shown
    server.stop(expect=None)


class Screen:
    """A terminal of 80 columns that shows what a program writes to it."""

    def __init__(self, terminal: int):
        self._terminal, self._screen = terminal, pyte.Screen(80, 24)
        self._stream = pyte.ByteStream(self._screen)

    def wait(self, text: str) -> list:
        """Its lines, once one of them holds `text`."""
        deadline = time.monotonic() + PATIENCE
        while not any(text in line for line in self._screen.display):
            assert time.monotonic() < deadline, f"no {text!r} in\n" + "\n".join(self._screen.display)
            if select.select([self._terminal], [], [], 0.5)[0]:
                self._stream.feed(os.read(self._terminal, 65536))
        return list(self._screen.display)


def test_keys_on_a_terminal(penstock, workdir):
    """Shows, sorts, filters, quits; the terminal is left as it was."""
    server = stuck_server(penstock, workdir)
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(binary(), ["penstock", "top", "--interval", "0.2", "--config", str(server.config)],
                  {**os.environ, "TERM": "xterm"})
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    screen = Screen(terminal)
    shown = screen.wait("s sort: rate")
    assert shown[0].startswith("penstock") and any(line.startswith("stuck ") for line in shown)
    os.write(terminal, b"s")
    screen.wait("s sort: recv-q")
    os.write(terminal, b"/")
    screen.wait("Enter keeps it")
    os.write(terminal, b"fine\n")
    shown = screen.wait("filter: fine  space")
    assert any(line.startswith("fine ") for line in shown) and not any(line.startswith("stuck ") for line in shown)
    os.write(terminal, b" ")
    screen.wait("held: space goes on")
    os.write(terminal, b"q")
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0
    server.stop()


def test_without_a_server(workdir):
    shown = subprocess.run([binary(), "top", "--once", "--admin", "unix://./none.sock"], cwd=workdir, capture_output=True,
                           text=True, check=False)
    assert shown.returncode == 1 and "unix://./none.sock" in shown.stderr and "does the server run" in shown.stderr
