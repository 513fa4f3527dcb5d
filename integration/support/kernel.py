"""What the kernel says of a server's sockets, by ways of its own: `ss`, and the server's descriptors, borrowed.

A borrowed descriptor (pidfd_getfd) is the same open socket: getsockopt and ioctl on it answer for the server's.
"""

import array
import ctypes
import fcntl
import os
import re
import socket
import subprocess
import termios
from dataclasses import dataclass

_libc = ctypes.CDLL(None, use_errno=True)
_SYS_PIDFD_GETFD = 438
_SO_MEMINFO = 55
_MEMINFO_VARS = 9


@dataclass(frozen=True)
class SsLine:
    """A line of `ss`; for listening sockets the queues are accept queue and backlog."""

    state: str
    receive_queue: int
    send_queue: int
    memory: dict  # skmem: r, rb, t, tb, ..., d


def _ss_line(line: str, kind: str):
    words = line.split()
    if kind == "x":
        words = words[1:]  # without Netid
    memory = re.search(r"skmem:\(([^)]*)\)", line)
    inode = re.search(r"ino:(\d+)", line)[1] if kind != "x" else words[4]
    return int(inode), SsLine(words[0], int(words[1]), int(words[2]),
                              {m[1]: int(m[2]) for m in re.finditer(r"([a-z]+)(\d+)", memory[1])})


def ss() -> dict:
    """All sockets of this network namespace that a process has, by inode."""
    lines = {}
    for kind in "tux":
        done = subprocess.run(["ss", f"-Onmeai{kind}H"], capture_output=True, text=True, check=True)
        for line in done.stdout.splitlines():
            if kind == "x" or " ino:" in line:
                inode, parsed = _ss_line(line, kind)
                lines[inode] = parsed
    return lines


class Borrowed:
    """A socket of another process, by its inode; as a context."""

    def __init__(self, pid: int, inode: int):
        self._pid, self._inode = pid, inode

    def __enter__(self):
        number = next(int(one) for one in os.listdir(f"/proc/{self._pid}/fd")
                      if _link(f"/proc/{self._pid}/fd/{one}") == f"socket:[{self._inode}]")
        pidfd = os.pidfd_open(self._pid)
        try:
            descriptor = _libc.syscall(_SYS_PIDFD_GETFD, pidfd, number, 0)
        finally:
            os.close(pidfd)
        if descriptor < 0:
            raise OSError(ctypes.get_errno(), "pidfd_getfd")
        self._socket = socket.socket(fileno=descriptor)
        return self

    def __exit__(self, *_):
        self._socket.close()

    def unread(self) -> int:
        """SIOCINQ."""
        return self._number(termios.FIONREAD)

    def unacknowledged(self) -> int:
        """SIOCOUTQ."""
        return self._number(termios.TIOCOUTQ)

    def peek(self, size: int) -> bytes:
        """The first `size` bytes of the receive queue, which stay there."""
        return self._socket.recv(size, socket.MSG_PEEK | socket.MSG_DONTWAIT)

    def _number(self, request: int) -> int:
        value = array.array("i", [0])
        fcntl.ioctl(self._socket, request, value)
        return value[0]

    def memory(self) -> list:
        """SO_MEMINFO: rmem_alloc, rcvbuf, wmem_alloc, sndbuf, forward, queued, option, backlog, drops."""
        raw = self._socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 4 * _MEMINFO_VARS)
        return list(array.array("I", raw))


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except FileNotFoundError:
        return ""


def udp_line(port: int) -> dict:
    """Of /proc/net/udp."""
    with open("/proc/thread-self/net/udp") as table:
        for line in table.readlines()[1:]:
            words = line.split()
            if int(words[1].rpartition(":")[2], 16) == port:
                return {"rx_queue": int(words[4].rpartition(":")[2], 16), "inode": int(words[9]), "drops": int(words[12])}
    raise AssertionError(f"no udp socket at port {port}")
