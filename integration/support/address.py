"""Addresses as the server's log gives them, and sockets to them."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path

STREAMS = ("tcp4", "tcp6", "unix")                # bytes: framing decides
CONNECTED = (*STREAMS, "unixpacket")              # accepted one by one, FIN at the end
DATAGRAMS = ("udp4", "udp6", "unixgram")
ALL = ("tcp", "tcp4", "tcp6", "udp", "udp4", "udp6", "unix", "unixgram", "unixpacket")

_TYPES = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM, "unix": socket.SOCK_STREAM,
          "unixgram": socket.SOCK_DGRAM, "unixpacket": socket.SOCK_SEQPACKET}


def any_url(scheme: str) -> str:
    """A `listen` value of that scheme that is free in every folder and network of its own."""
    if scheme.startswith("unix"):
        return f"{scheme}://./{scheme}.sock"
    return f"{scheme}://[::1]:0" if scheme.endswith("6") else f"{scheme}://127.0.0.1:0"


@dataclass(frozen=True)
class Address:
    """Where a client sends: `where` is what connect() takes."""

    scheme: str
    where: object

    @classmethod
    def parse(cls, url: str, folder: Path) -> "Address":
        """`folder` is what relative socket paths are relative to. A wildcard becomes loopback."""
        scheme, _, rest = url.partition("://")
        if scheme.startswith("unix"):
            return cls(scheme, "\0" + rest[1:] if rest.startswith("@") else os.path.join(folder, rest))
        host, _, port = rest.rpartition(":")
        host = host.strip("[]")
        return cls(scheme, ({"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), int(port)))

    @property
    def is_tcp(self) -> bool:
        return self.scheme.startswith("tcp")

    @property
    def is_unix(self) -> bool:
        return self.scheme.startswith("unix")

    @property
    def host(self) -> str:
        return self.where[0]

    @property
    def port(self) -> int:
        return self.where[1]

    @property
    def path(self) -> str:
        return self.where

    def new_socket(self, send_buffer: int = None) -> socket.socket:
        """A socket of the right kind, not connected."""
        if self.is_unix:
            family = socket.AF_UNIX
        else:
            family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        sock = socket.socket(family, _TYPES[self.scheme.rstrip("46")])
        if send_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        return sock

    def connect(self, timeout: float = 60.0, send_buffer: int = None) -> socket.socket:
        """A connected socket; its calls give up after `timeout` seconds (None: never)."""
        sock = self.new_socket(send_buffer)
        sock.settimeout(timeout)
        try:
            sock.connect(self.where)
        except BaseException:
            sock.close()
            raise
        return sock
