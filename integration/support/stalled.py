"""A sink that stands still and later goes on: the server's stdout is a pipe that nobody reads until `flow()`."""

import fcntl
import os
import threading

_F_SETPIPE_SZ = 1031


class StalledPipe:
    """Give `write_end` to the server as stdout, for a sink of type stdout; then call started()."""

    def __init__(self, pipe_bytes: int = 65536):
        self._read_end, self.write_end = os.pipe()
        fcntl.fcntl(self._read_end, _F_SETPIPE_SZ, pipe_bytes)
        self._chunks = []
        self._reader = None
        self._flowing = threading.Event()

    def started(self):
        """The server has its own copy now; ours must not keep the pipe open."""
        os.close(self.write_end)

    def flow(self):
        """From here on everything is read, as fast as it comes."""
        self._flowing.set()
        if self._reader is None:
            self._reader = threading.Thread(target=self._read, daemon=True)
            self._reader.start()

    def stall(self):
        """Again nothing is read, but for what is being read just now."""
        self._flowing.clear()

    def close(self):
        """The reader goes away: writes to the pipe fail with EPIPE."""
        os.close(self._read_end)

    def _read(self):
        while self._flowing.wait() and (chunk := os.read(self._read_end, 1 << 20)):
            self._chunks.append(chunk)
        os.close(self._read_end)

    def size(self) -> int:
        return sum(len(chunk) for chunk in self._chunks)

    def records(self) -> list:
        """Whole lines, complete once the server has ended and the pipe is empty."""
        self.flow()
        self._reader.join(60)
        assert not self._reader.is_alive(), "someone still holds the pipe open"
        return self.text().split(b"\n")[:-1]

    def text(self) -> bytes:
        return b"".join(self._chunks)
