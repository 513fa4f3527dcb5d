"""What becomes of a sender's records when the receiver is stopped under load: 16 connections that write all they can.

A record counts as acknowledged when the receiving kernel has acknowledged its last byte: its sender has no reason to
send it again. A connection counts as reset when its sender meets an error instead of the receiver's FIN.
"""

import fcntl
import select
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from rig import OUTPUT, RECORD, free_port

CONNECTIONS = 16
AHEAD = 0.7  # seconds of load before the stop
PATIENCE = 30
_SIOCOUTQ = 0x5411

# The rig's own way to start a program; its process id is told, and its end waited for.
_START = """
HERE=$1 PEER=$2 DIR=$3 PORT=$4 KIND=tcp CONNS=$5 IDLE=0 SOCK=$3/s.sock OUT=$3/out.log
. "$HERE/lib.sh" && . "$HERE/peers/$PEER.sh" && peer_has || exit 7
peer_start && wait_listening || exit 8
echo "$PEER_PID"
wait "$PEER_PID"
"""


class Sender(threading.Thread):
    """One connection, numbered records, until the receiver's FIN or an error."""

    def __init__(self, number: int, port: int):
        super().__init__(daemon=True)
        self.number = number
        self.acknowledged = 0
        self.reset = False
        self._sent = 0
        self._sock = socket.create_connection(("127.0.0.1", port), 10)
        self._sock.setblocking(False)

    def run(self):
        try:
            self._send_until_fin()
            self._sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.reset = True
        waiting = struct.unpack("i", fcntl.ioctl(self._sock, _SIOCOUTQ, b"\0" * 4))[0]
        self.acknowledged = (self._sent - waiting) // RECORD
        self._sock.close()

    def _send_until_fin(self):
        number, rest = 0, b""
        while True:
            readable, _, _ = select.select([self._sock], [self._sock], [], 1)
            if readable and not self._sock.recv(1):
                break
            if not rest:
                rest = b"".join(self._record(n) for n in range(number, number + 300))
                number += 300
            try:
                taken = self._sock.send(rest)
            except BlockingIOError:
                continue
            self._sent += taken
            rest = rest[taken:]
        self._finish(rest[: len(rest) % RECORD])

    def _finish(self, rest: bytes):
        """The record that is on its way already; a peer that ends with half a one could complain about any answer."""
        self._sock.settimeout(PATIENCE)
        while rest:
            taken = self._sock.send(rest)
            self._sent += taken
            rest = rest[taken:]

    def _record(self, number: int) -> bytes:
        return b"<13>1 - - c%02d %012d " % (self.number, number) + b"x" * (RECORD - 28) + b"\n"


def run(rig: Path, script: str, env: dict) -> dict | None:
    """One stop. None where the program is not there."""
    folder = Path(tempfile.mkdtemp(dir=OUTPUT, prefix="bench."))
    port = free_port()
    starter = subprocess.Popen(["bash", "-c", _START, "stop", rig, script, folder, str(port), str(CONNECTIONS)], env=env,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    try:
        pid = starter.stdout.readline().strip()
        if not pid:
            return None
        return _stop_under_load(int(pid), starter, port, folder / "out.log")
    finally:
        starter.stdout.close()
        shutil.rmtree(folder, ignore_errors=True)


def _stop_under_load(pid: int, starter, port: int, out: Path) -> dict:
    senders = [Sender(number, port) for number in range(CONNECTIONS)]
    for sender in senders:
        sender.start()
    time.sleep(AHEAD)
    begin = time.monotonic()
    subprocess.run(["kill", "-TERM", str(pid)], check=True)
    try:
        starter.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        subprocess.run(["kill", "-KILL", str(pid)], check=True)
        starter.wait()
    seconds = time.monotonic() - begin
    for sender in senders:
        sender.join(PATIENCE)
    arrived, spoilt = _arrived(out)
    return {"connections": CONNECTIONS, "seconds": round(seconds, 2), "reset": sum(s.reset for s in senders),
            "acknowledged": sum(s.acknowledged for s in senders), "spoilt": spoilt,
            "lost": sum(1 for s in senders for n in range(s.acknowledged) if n not in arrived[s.number])}


def _arrived(out: Path) -> tuple[list[set], int]:
    """The numbers that came, connection by connection, and how many lines are cut or came twice."""
    arrived, spoilt = [set() for _ in range(CONNECTIONS)], 0
    with out.open("rb") as lines:
        for line in lines:
            number = line[14:26]
            if len(line) != RECORD or not number.isdigit() or int(number) in arrived[int(line[11:13])]:
                spoilt += 1
            else:
                arrived[int(line[11:13])].add(int(number))
    return arrived, spoilt
