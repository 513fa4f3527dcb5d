"""One who taps a listener of a server under test, over HTTP."""

import json
import socket
import threading
from urllib.parse import urlencode

from .wait import wait_until


class Tapping:
    """Open once the constructor returns: what is received from then on is seen. Reads unless `reads` is False."""

    def __init__(self, admin, reads: bool = True, **query):
        self._connection = admin.http()
        self._connection.request("GET", "/api/tap?" + urlencode(query))
        self._answer = self._connection.getresponse()
        assert self._answer.status == 200, (self._answer.status, self._answer.read())
        self.type = self._answer.headers["Content-Type"]
        self.lines = []
        self.ended = False
        if reads:
            threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        try:
            for line in iter(self._answer.readline, b""):
                self.lines.append(line)
        except (OSError, ValueError, AttributeError):  # closed by us
            return
        self.ended = True

    def wait(self, count: int) -> list:
        """The first `count` records, as they came."""
        wait_until(lambda: len(self.records()) >= count, lambda: f"{count} records, but: {self.lines}")
        return self.records()[:count]

    def records(self) -> list:
        return [line for line in list(self.lines) if not line.startswith((b'{"skipped"', b"# "))]

    def messages(self) -> list:
        return [json.loads(line)["message"] for line in self.records()]

    def left_out(self) -> int:
        """What JSON notes have told so far."""
        return sum(sum(json.loads(line).values()) for line in list(self.lines) if line.startswith(b'{"skipped"'))

    def close(self):
        """Wakes our reader as well, which would keep the socket."""
        self._connection.sock.shutdown(socket.SHUT_RDWR)
        self._connection.close()
