"""The admin address of a server under test: HTTP over its unix socket or tcp, byte by byte where a test wants that."""

import http.client
import json
import socket


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float):
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Admin:
    """`url` as the log says it, `folder` where relative paths of sockets begin."""

    def __init__(self, url: str, folder, timeout: float = 120):
        self.url, self._folder, self._timeout = url, folder, timeout
        self._rest = url.partition("://")[2]

    def http(self) -> http.client.HTTPConnection:
        if self.url.startswith("unix"):
            return _UnixConnection(str(self._folder / self._rest), self._timeout)
        host, _, port = self._rest.rpartition(":")
        return http.client.HTTPConnection(host.strip("[]"), int(port), timeout=self._timeout)

    def socket(self) -> socket.socket:
        """A connection without a word said on it."""
        connection = self.http()
        connection.connect()
        return connection.sock

    def ask(self, path: str, method: str = "GET", headers=None, body=None):
        """Status, headers and body of one request."""
        connection = self.http()
        try:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def get(self, path: str) -> bytes:
        status, _, body = self.ask(path)
        assert status == 200, f"{path}: {status} {body[:300]!r}"
        return body

    def json(self, path: str):
        return json.loads(self.get(path))

    def status(self) -> dict:
        return self.json("/api/status")

    def listener(self, name: str = "in") -> dict:
        return next(one for one in self.status()["listeners"] if one["name"] == name)

    def sink(self, name: str = "out") -> dict:
        return next(one for one in self.status()["sinks"] if one["name"] == name)
