"""A network namespace of the test's own, and the kernel's counters in it.

The calling thread moves into a fresh namespace; every thread and process that it starts from then on is born there, so
neither the server nor the clients need to know. Nothing else uses the namespace: its counters move only for the test,
its ports are free, and it vanishes with its last process.
"""

import contextlib
import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import time
from pathlib import Path

from support import recorder

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1
_OWN = "/proc/thread-self"  # /proc/self is the main thread, wherever this one may be

# Each of these means that some peer was reset, or would have been.
RESETS = ("TcpOutRsts", "TcpEstabResets", "TcpExtTCPAbortOnClose", "TcpExtTCPAbortOnData")


def _check(result: int):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(sock, _SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(sock, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | _IFF_UP))


@contextlib.contextmanager
def own_network():
    """Moves this thread into a new namespace with loopback up, and back at the end. OSError where not permitted."""
    before = os.open(f"{_OWN}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _check(_libc.unshare(_CLONE_NEWNET))
        try:
            _loopback_up()
            yield
        finally:
            _check(_libc.setns(before, _CLONE_NEWNET))
    finally:
        os.close(before)


def ip(*arguments):
    """`ip ARGUMENTS` (iproute2) in this thread's namespace."""
    done = subprocess.run(["ip", *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        raise OSError(f"ip {' '.join(map(str, arguments))}: {done.stderr.strip()}")


class FarEnd:
    """Another machine: a namespace of its own, on the other end of cables that link() lays."""

    def __init__(self):
        with own_network():
            self._netns = os.open(f"{_OWN}/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    def close(self):
        os.close(self._netns)

    @contextlib.contextmanager
    def entered(self):
        """This thread there; sockets made meanwhile stay there."""
        here = os.open(f"{_OWN}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            _check(_libc.setns(self._netns, _CLONE_NEWNET))
            yield
        finally:
            _check(_libc.setns(here, _CLONE_NEWNET))
            os.close(here)

    def link(self, name: str, near=(), far=()):
        """A cable: an interface `name` on both ends, with these addresses (`10.9.0.1/24`). OSError where not permitted."""
        ip("link", "add", name, "type", "veth", "peer", "name", "far-end")
        ip("link", "set", "far-end", "netns", f"/proc/{os.getpid()}/fd/{self._netns}")
        with self.entered():
            ip("link", "set", "far-end", "name", name)
            _up(name, far)
        _up(name, near)


def _up(name: str, addresses):
    """IPv6 addresses are good at once: nobody is asked whether they are taken."""
    with open(f"/proc/sys/net/ipv6/conf/{name}/accept_dad", "w") as setting:
        setting.write("0")
    for address in addresses:
        ip("address", "add", address, "dev", name)
    ip("link", "set", name, "up")


def counters() -> dict:
    """/proc/net/snmp and netstat of this thread's namespace as {"TcpOutRsts": 0, "TcpExtTCPAbortOnClose": 0, ...}."""
    values = {}
    for name in ("snmp", "netstat"):
        lines = Path(f"{_OWN}/net/{name}").read_text().splitlines()
        for heads, numbers in zip(lines[::2], lines[1::2]):
            prefix, _, names = heads.partition(":")
            for key, number in zip(names.split(), numbers.partition(":")[2].split()):
                values[prefix + key] = int(number)
    # IPv6 has a file of its own, one counter a line, with names that are unlike the others' already.
    for line in Path(f"{_OWN}/net/snmp6").read_text().splitlines():
        key, number = line.split()
        values[key] = int(number)
    return values


class Counters:
    """What the kernel counted since this object was made."""

    def __init__(self):
        self._recorder = recorder.Recorder()
        self._start = counters()

    def close(self):
        self._recorder.close()

    def moved(self, *names: str) -> dict:
        """Those of `names` (all where none are given) that moved, with by how much."""
        now = counters()
        names = names or tuple(now)
        return {n: now[n] - self._start.get(n, 0) for n in names if now.get(n, 0) != self._start.get(n, 0)}

    def assert_no_reset(self, refusals: bool = False) -> int:
        """No counter of resets moved, but for RSTs that came when a connection was over, and with `refusals` those that
        answered a SYN where nobody listened: how many of these. The record must show either."""
        moved = self.moved(*RESETS)
        if not moved:
            return 0
        found = recorder.resets(self._recorder.segments())
        allowed = found.late + (len(found.refused) if refusals else 0)
        if moved == {"TcpOutRsts": allowed}:
            return len(found.refused)
        conversations = "\n\n".join(found.broken + found.refused)
        raise AssertionError(f"{moved}, {found.late} of them late, {len(found.refused)} of them refusals, "
                             f"{self._recorder.lost} segments not recorded\n{conversations}")

    def watch_no_reset(self, seconds: float):
        """Looks for `seconds`, ten times a second, and fails as soon as a reset shows."""
        deadline = time.monotonic() + seconds
        while True:
            self.assert_no_reset()
            if time.monotonic() >= deadline:
                return
            time.sleep(0.1)
