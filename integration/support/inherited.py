"""Sockets that a service manager would bind and keep: what a server takes over by LISTEN_FDS."""

import socket
from pathlib import Path

from .address import Address


def given_socket(scheme: str, folder: Path) -> tuple:
    """A bound socket of that scheme (listening, where it is one to accept from) and the URL that a config names it by."""
    path = str(folder / "given.sock")
    unix, six = scheme.startswith("unix"), scheme.endswith("6")
    where = path if unix else ("::1" if six else "127.0.0.1", 0)
    given = Address(scheme, where).new_socket()
    given.bind(where)
    if given.type != socket.SOCK_DGRAM:
        given.listen(128)
    if unix:
        return given, f"{scheme}://{path}"
    host, port = given.getsockname()[:2]
    return given, f"{scheme}://{f'[{host}]' if six else host}:{port}"
