"""Power cuts of the disk that a queue lies on: an ext4 on a loop device is shut down without writing its log, as if the machine
had stopped, and mounted again. The file behind the queue lies there too. What was acknowledged arrives.

The server stands still (SIGSTOP) around the cut: a sync that is under way at that moment reports success on some kernels although
its data is lost."""

import fcntl
import os
import random
import signal
import struct
import subprocess
from pathlib import Path

import pytest

from support.acked import AckedSender, Forward, Lumberjack, Relp, listener, numbers
from support.report import report
from support.settings import cannot_run, count
from support.wait import wait_until

PROTOCOLS = {"relp": Relp(), "lumberjack": Lumberjack(), "forward": Forward()}
EXT4_IOC_SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = 2
DISK_MB = 96
CUTS = count("PENSTOCK_CUTS", 3)  # of each protocol


class CutDisk:
    """An ext4 in a file, mounted at `at`."""

    def __init__(self, folder: Path):
        self.at = folder / "cut"
        self._image = folder / "cut.img"
        self.at.mkdir()
        with open(self._image, "wb") as image:
            image.truncate(DISK_MB << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", self._image], check=True)
        self.mount()

    def mount(self):
        done = subprocess.run(["mount", "-o", "loop", self._image, self.at], capture_output=True)
        if done.returncode != 0:
            cannot_run(f"a loop device cannot be mounted here: {done.stderr.decode().strip()}")

    def unmount(self):
        subprocess.run(["umount", self.at], check=True)

    def cut(self):
        descriptor = os.open(self.at, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(descriptor, EXT4_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(descriptor)


@pytest.fixture
def cut_disk(workdir):
    if os.geteuid() != 0:
        cannot_run("only root can mount a disk and shut it down")
    disk = CutDisk(workdir)
    yield disk
    subprocess.run(["umount", "--lazy", disk.at], capture_output=True)


def stand_still(server):
    """Each thread of it is stopped: no system call is under way."""
    server.send_signal(signal.SIGSTOP)
    tasks = Path(f"/proc/{server.pid}/task")
    wait_until(lambda: all((task / "stat").read_text().rpartition(")")[2].split()[0] == "T" for task in tasks.iterdir()),
               "all threads to stop")


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)
def test_acknowledged_records_outlive_power_cuts(penstock, cut_disk, protocol):
    queue = {"type": "disk", "path": "cut/queue", "max_bytes": "32MiB"}
    sink = {"encoding": "json", "path": "cut/out.log", "queue": queue}
    moments = random.Random(protocol.name)
    acked, sent, first = set(), set(), 0
    for _ in range(CUTS):
        server = penstock(listener(protocol, "tcp4"), sink, folder=cut_disk.at.parent)
        sender = AckedSender(protocol, server.address(), outstanding=32, first=first, padding=moments.randrange(2000))
        sender.start()
        sender.wait_acked(moments.randrange(1, 300))
        stand_still(server)
        cut_disk.cut()
        server.kill()
        sender.wait_closed()
        acked |= set(range(first, first + sender.acked))
        sent |= set(range(first, first + sender.sent))
        first += sender.sent
        cut_disk.unmount()
        cut_disk.mount()
    server = penstock(listener(protocol, "tcp4"), sink, folder=cut_disk.at.parent)
    wait_until(lambda: server.admin.status()["sinks"][0]["disk_queue"]["records"] == 0, "the queue to be empty")
    server.stop(expect=None)
    received = numbers(protocol, [line for line in server.records("cut/out.log") if line.endswith(b"}") and line.startswith(b"{")])
    assert acked <= set(received) <= sent
    assert server.ledger().route()["lost"] == {}
    report(f"{protocol.name}, {CUTS} power cuts: {len(sent)} records sent, {len(acked)} of them acknowledged, 0 of those lost, "
           f"{len(received) - len(set(received))} delivered twice")
