"""A Penstock that relays, one that receives, and what is said to the first."""

import socket
import threading

from .records import record

ORDERLY = {"drain_timeout": "5s"}


def receiver_at(penstock, workdir, name, listen, sink=None, **options):
    folder = workdir / name
    folder.mkdir(exist_ok=True)
    return penstock({"listen": listen, **options}, sink, folder=folder)


def url_of(receiver, scheme=None) -> str:
    address = receiver.address(scheme)
    if address.is_unix:
        return f"{address.scheme}://{address.path}"
    host = f"[{address.host}]" if ":" in address.host else address.host
    return f"{address.scheme}://{host}:{address.port}"


def relay_to(*urls, **options) -> dict:
    return {"type": "relay", "to": list(urls), **options}


def say(server, count, first=0, size=64):
    """Numbered lines over one connection, which ends."""
    with server.address().connect() as sock:
        sock.sendall(b"".join(record("a", n, size) + b"\n" for n in range(first, first + count)))
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(65536):
            pass


class Talker(threading.Thread):
    """say() beside the test; `done` when the server has taken all."""

    def __init__(self, server, count, size=64):
        super().__init__(daemon=True)
        self._arguments = (server, count, 0, size)
        self.done = threading.Event()
        self.start()

    def run(self):
        say(*self._arguments)
        self.done.set()


class Stream(threading.Thread):
    """Numbered lines over one connection, paced at about 100000 a second, until end()."""

    _AT_ONCE, _PAUSE = 500, 0.005

    def __init__(self, server):
        super().__init__(daemon=True)
        self._sock = server.address().connect()
        self._enough = threading.Event()
        self._count = 0
        self.start()

    def run(self):
        while not self._enough.wait(self._PAUSE):
            numbers = range(self._count, self._count + self._AT_ONCE)
            self._sock.sendall(b"".join(record("a", n) + b"\n" for n in numbers))
            self._count += self._AT_ONCE

    def end(self) -> int:
        """How many there were, when the server has taken all."""
        self._enough.set()
        self.join()
        self._sock.shutdown(socket.SHUT_WR)
        while self._sock.recv(65536):
            pass
        self._sock.close()
        return self._count
