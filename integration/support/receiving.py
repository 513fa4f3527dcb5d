"""Receivers that are no Penstock: what they get lies in a file, whatever becomes of the process."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from .wait import wait_until

_PROGRAM = """
import os, select, signal, socket, sys
asked = []
signal.signal(signal.SIGUSR1, lambda *_: asked.append(True))
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
out = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
print(listener.getsockname()[1], flush=True)
while True:
    peer, _ = listener.accept()
    while True:
        if asked:  # between two reads: all that was read is in the file
            asked.clear()
            os.kill(os.getpid(), signal.SIGSTOP)
        if not select.select([peer], [], [], 0.02)[0]:
            continue
        data = peer.recv(65536)
        if not data:
            break
        os.write(out, data)
    peer.close()
"""


class RawReceiver:
    """A process that takes one tcp connection after the other and appends what it reads to `path`, byte for byte."""

    def __init__(self, path: Path, port: int = 0):
        self.path = path
        self._process = subprocess.Popen([sys.executable, "-c", _PROGRAM, str(port), str(path)], stdout=subprocess.PIPE)
        self.port = int(self._process.stdout.readline())
        self._listens = self._sockets()

    @property
    def url(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self._process.pid

    def data(self) -> bytes:
        return self.path.read_bytes() if self.path.exists() else b""

    def records(self) -> list:
        return self.data().split(b"\n")[:-1]

    def stop_reading(self):
        """Returns when it stands still, with all that it has read in the file."""
        self._process.send_signal(signal.SIGUSR1)
        stat = Path(f"/proc/{self.pid}/stat")
        wait_until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T", "the receiver to stand still")

    def go_on(self):
        self._process.send_signal(signal.SIGCONT)

    def kill(self):
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()

    def connection(self) -> int:
        """The inode of its connection, once there is one."""
        return wait_until(lambda: self._sockets() - self._listens, "a connection").pop()

    def _sockets(self) -> set:
        """The inodes of its sockets. Their order says nothing: each processor gives out numbers of its own."""
        links = [os.readlink(f"/proc/{self.pid}/fd/{n}") for n in os.listdir(f"/proc/{self.pid}/fd")]
        return {int(link[8:-1]) for link in links if link.startswith("socket:[")}
