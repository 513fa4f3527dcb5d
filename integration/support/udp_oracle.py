"""What the kernel itself says of a udp socket of the server: two ways that share nothing with the server's own."""

import ctypes
import errno
import os
import re
import socket
import struct
from dataclasses import dataclass
from pathlib import Path

from .settings import cannot_run

_libc = ctypes.CDLL(None, use_errno=True)
_SYS_PIDFD_GETFD = 438
_SO_MEMINFO = 55
_RMEM_ALLOC, _RCVBUF, _DROPS = 0, 1, 8  # linux/sock_diag.h, SK_MEMINFO_*


@dataclass(frozen=True)
class UdpState:
    """Bytes as the receive buffer is charged with them."""

    queued_bytes: int
    buffer_bytes: int
    drops: int


def _row(port: int) -> list:
    """Of /proc/net/udp or udp6 of this thread's network."""
    for name in ("udp", "udp6"):
        for line in Path(f"/proc/thread-self/net/{name}").read_text().splitlines()[1:]:
            row = line.split()
            if int(row[1].rpartition(":")[2], 16) == port:
                return row
    raise LookupError(f"no udp socket has port {port}")


def from_proc(port: int) -> UdpState:
    """proc(5); it does not tell the buffer's size."""
    row = _row(port)
    return UdpState(int(row[4].partition(":")[2], 16), 0, int(row[12]))


def _descriptor(pid: int, inode: str) -> int:
    for name in os.listdir(f"/proc/{pid}/fd"):
        if os.readlink(f"/proc/{pid}/fd/{name}") == f"socket:[{inode}]":
            return int(name)
    raise LookupError(f"process {pid} has no socket {inode}")


def from_socket(pid: int, port: int) -> UdpState:
    """SO_MEMINFO of the server's own socket, of which we take a second descriptor for a moment."""
    pidfd = os.pidfd_open(pid)
    try:
        number = _libc.syscall(_SYS_PIDFD_GETFD, pidfd, _descriptor(pid, _row(port)[9]), 0)
        if number < 0 and ctypes.get_errno() in (errno.EPERM, errno.ENOSYS):
            cannot_run("another process's descriptors cannot be had here (pidfd_getfd, CAP_SYS_PTRACE)")
        if number < 0:
            raise OSError(ctypes.get_errno(), "pidfd_getfd")
        with socket.socket(fileno=number) as copy:
            info = struct.unpack("9I", copy.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 36))
    finally:
        os.close(pidfd)
    return UdpState(info[_RMEM_ALLOC], info[_RCVBUF], info[_DROPS])


def port_of(url: str) -> int:
    return int(re.search(r":(\d+)$", url)[1])
