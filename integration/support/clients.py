"""Clients of every temper, each on a thread of its own, over every scheme that has connections.

A client counts a record as sent once the kernel has taken all of it. `sent_before_fin` is that count when the client
first saw the server's FIN, and `acknowledged` the number of records that the server's side had acknowledged when the
client left: what a well-kept promise covers. `error` is what a call failed with, if one did.
"""

import errno
import fcntl
import select
import socket
import struct
import threading
import time

from .address import Address
from .records import record
from .settings import PATIENCE
from .wait import wait_until

# Short datagrams that a receive buffer of the default size (212,992 bytes, each charged with 832 or more) takes although
# nobody reads it meanwhile. Senders by udp wait for the arrival of one burst before the next.
BURST = 100
_SIOCOUTQ = 0x5411


class Client(threading.Thread):
    """Connects in the constructor, so that the connection exists when it returns; runs once started."""

    def __init__(self, address: Address, name: str, size: int = 64):
        super().__init__(name=name, daemon=True)
        self.address = address
        self.size = size
        self.packets = address.scheme == "unixpacket"
        self.sent = 0
        self.sent_before_fin = None
        self.acknowledged = 0
        self.bytes_sent = 0
        self.error = None
        self.quit = threading.Event()
        self.sock = address.connect(timeout=None)
        self.sock.setblocking(False)

    # --- to be called by whoever started it

    def wait_sent(self, count: int):
        """Waits until `count` records are sent."""
        wait_until(lambda: self.sent >= count or self.error, f"{self.name}: {count} records sent")
        assert self.error is None, f"{self.name}: {self.error!r}"

    def finish(self):
        """Tells it to leave and waits until it has; its socket is closed then."""
        self.quit.set()
        self.join(PATIENCE)
        assert not self.is_alive(), f"{self.name} is stuck"

    @property
    def saw_fin(self) -> bool:
        return self.sent_before_fin is not None

    @property
    def was_reset(self) -> bool:
        return isinstance(self.error, OSError) and self.error.errno == errno.ECONNRESET

    # --- for the tempers below

    def run(self):
        try:
            self.behave()
        except OSError as error:
            self.error = error
        finally:
            self.acknowledged = self.count_acknowledged()
            self.sock.close()

    def count_acknowledged(self) -> int:
        """Whole records of which no byte waits in our own kernel any more. On unix schemes what is sent lies with the
        receiver at once, and stays readable whatever we do."""
        if not self.address.is_tcp:
            return self.sent
        waiting = struct.unpack("i", fcntl.ioctl(self.sock, _SIOCOUTQ, b"\0" * 4))[0]
        return (self.bytes_sent - waiting) // (self.size + 1)

    def behave(self):
        raise NotImplementedError

    def send_bytes(self, data: bytes) -> bool:
        """All of `data`, however long it takes; False when told to quit before."""
        while data:
            if self.quit.is_set():
                return False
            if not select.select([], [self.sock], [], 0.1)[1]:
                continue
            try:
                taken = self.sock.send(data)
            except BlockingIOError:
                continue
            data = data[taken:]
            self.bytes_sent += taken
        return True

    def send_record(self) -> bool:
        delimiter = b"" if self.packets else b"\n"
        if not self.send_bytes(record(self.name, self.sent, self.size) + delimiter):
            return False
        self.sent += 1
        return True

    def send_records(self, count: int):
        for _ in range(count):
            self.send_record()

    def look_for_fin(self) -> bool:
        """Without waiting. The server sends nothing else, so whatever is readable is its FIN or an error."""
        if not self.saw_fin:
            try:
                if self.sock.recv(1, socket.MSG_DONTWAIT) == b"":
                    self.sent_before_fin = self.sent
            except BlockingIOError:
                pass
        return self.saw_fin

    def wait_fin(self):
        """Until the FIN is there, or it is told to quit."""
        while not self.look_for_fin() and not self.quit.is_set():
            select.select([self.sock], [], [], 0.1)


class Idle(Client):
    """Sends a few records, then nothing; closes at the server's FIN."""

    def behave(self):
        self.send_records(3)
        self.wait_fin()


class Silent(Client):
    """Never sends a byte; closes at the server's FIN."""

    def behave(self):
        self.wait_fin()


class MidMessage(Client):
    """Stands in the middle of a record at the stop; finishes it, and one more, when it sees the FIN."""

    def behave(self):
        self.send_records(3)
        whole = record(self.name, self.sent, self.size) + b"\n"
        half = 0 if self.packets else len(whole) // 2
        self.send_bytes(whole[:half])
        self.wait_fin()
        if self.packets:
            self.send_record()
        elif self.send_bytes(whole[half:]):
            self.sent += 1
        self.send_record()
        self.sock.shutdown(socket.SHUT_WR)


class HalfClosing(Client):
    """Writes without a pause until it sees the FIN, then ends its own direction too and closes."""

    def behave(self):
        while not self.look_for_fin() and not self.quit.is_set():
            self.send_record()
        self.sock.shutdown(socket.SHUT_WR)
        # Everything that it sent, it sent before its own FIN: all of it must arrive.


class Stubborn(Client):
    """Writes without a pause and takes no notice of the FIN, until told to quit."""

    def behave(self):
        while not self.quit.is_set():
            self.look_for_fin()
            try:
                self.send_record()
            except BrokenPipeError:  # unix: the deadline's SHUT_RD; what the FIN told, now as an error
                self.quit.wait()


class Deaf(Client):
    """Writes some records and then neither reads, writes nor closes, until told to quit."""

    def behave(self):
        self.send_records(200)
        self.quit.wait()


class Drip(Client):
    """A record now and then, until it sees the FIN; then closes."""

    def behave(self):
        while not self.look_for_fin() and not self.quit.is_set():
            self.send_record()
            self.quit.wait(0.01)


class Flood(HalfClosing):
    """Writes without a pause until told to quit; then ends its direction in order, so that all of it counts."""

    def __init__(self, address, name, size=200):
        super().__init__(address, name, size)
        self.enough = threading.Event()

    def behave(self):
        while not self.enough.is_set() and self.send_record():
            pass
        self.sock.shutdown(socket.SHUT_WR)
        self.wait_fin()

    def blocked(self, seconds=1.0) -> bool:
        before = self.sent
        time.sleep(seconds)
        return self.sent == before


class DatagramFlood(threading.Thread):
    """Datagrams without a pause (unixgram) or about 2,000 a second (udp); counts those that the kernel took, and
    those that it refused with EAGAIN."""

    def __init__(self, address, name):
        super().__init__(name=name, daemon=True)
        self.sock = address.connect(timeout=None)
        self.sock.setblocking(False)
        self.pause = 0 if address.is_unix else 0.0005
        self.sent = 0
        self.refused = 0
        self.enough = threading.Event()

    def run(self):
        with self.sock:
            while not self.enough.is_set():
                try:
                    self.sock.send(record(self.name, self.sent, 200))
                    self.sent += 1
                    time.sleep(self.pause)
                except BlockingIOError:
                    self.refused += 1
                    time.sleep(0.001)
                except (BrokenPipeError, ConnectionError, FileNotFoundError):
                    return  # the server has stopped


TEMPERS = {kind.__name__: kind for kind in (Idle, Silent, MidMessage, HalfClosing, Stubborn, Deaf)}


class Storm(threading.Thread):
    """Connects, sends one record, ends its direction and waits for the FIN; again and again until refused.

    `done` is the number of connections that ended with the server's FIN: their records must have arrived. `resets`
    holds what should never happen to a client whose connect() succeeded.
    """

    def __init__(self, address: Address, name: str):
        super().__init__(name=name, daemon=True)
        self.address = address
        self.done = 0
        self.resets = []
        self.quit = threading.Event()

    def run(self):
        while not self.quit.is_set():
            try:
                sock = self.address.connect(timeout=PATIENCE / 2)
            except OSError:  # refused, or its SYN found no listener: the stop has begun
                return
            with sock:
                if not self._converse(sock):
                    return

    def _converse(self, sock) -> bool:
        try:
            sock.settimeout(PATIENCE)
            delimiter = b"" if self.address.scheme == "unixpacket" else b"\n"
            sock.sendall(record(self.name, self.done) + delimiter)
            sock.shutdown(socket.SHUT_WR)
            if sock.recv(1) != b"":
                raise AssertionError("the server answered")
        except OSError as error:
            self.resets.append(error)
            return False
        self.done += 1
        return True


def send_datagrams(address: Address, name: str, count: int, size: int = 64, first: int = 0, timeout: float = 60.0):
    """`count` numbered datagrams; blocks where the scheme does (unixgram)."""
    with address.connect(timeout) as sock:
        for number in range(first, first + count):
            sock.send(record(name, number, size))


def send_stream(address: Address, data: bytes, pieces: int = 0, timeout: float = 60.0):
    """All of `data` in writes of `pieces` bytes (0: one write), our FIN, and then the wait for the server's."""
    with address.connect(timeout) as sock:
        if pieces:
            for at in range(0, len(data), pieces):
                sock.sendall(data[at: at + pieces])
        else:
            sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(1) == b""


def send_packets(address: Address, packets: list, timeout: float = 60.0):
    """Each of `packets` as one message: datagrams and packets keep their edges."""
    with address.connect(timeout) as sock:
        for packet in packets:
            sock.send(packet)


def send_messages(address: Address, messages: list, delimiter: bytes = b"\n"):
    """`messages` as the scheme carries them: one a datagram or packet, else each with `delimiter` behind it."""
    if address.scheme in ("udp", "udp4", "udp6", "unixgram", "unixpacket"):
        send_packets(address, messages)
    else:
        send_stream(address, b"".join(m + delimiter for m in messages))
