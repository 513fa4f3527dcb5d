"""A queue on disk for as long as it takes: a disk that fills again and again, one that writes 1 MB/s, a sink that stands still.
Short here; `./dev torture queue` is patient."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from support.acked import AckedSender, Relp, listener, numbers
from support.address import any_url
from support.clients import Flood
from support.records import assert_all_once
from support.report import report
from support.settings import PATIENCE, cannot_run, count, sanitized
from support.small_disk import fill_up
from support.stalled import StalledPipe
from support.wait import wait_until

FILLINGS = count("PENSTOCK_FILLINGS", 3)
SECONDS = count("PENSTOCK_SECONDS", 2)  # that a sink stands still, or a disk is slow
MIB = 1 << 20
QUEUE_MIB = 64 if SECONDS > 60 else 8


def queued(server) -> dict:
    return server.admin.status()["sinks"][0]["disk_queue"]


def is_ready(server) -> bool:
    return server.admin.ask("/readyz")[0] == 200


def test_a_disk_that_is_filled_and_freed_again_and_again(penstock, small_disk):
    """Every time it is not ready and holds its sender, and goes on by itself."""
    protocol, pipe = Relp(), StalledPipe(pipe_bytes=4096)
    server = penstock(listener(protocol, "tcp4"), {"type": "stdout", "encoding": "json",
                      "queue": {"type": "disk", "path": "disk/queue", "max_bytes": "16MiB"}}, stdout=pipe.write_end)
    pipe.started()
    pid = server.pid
    sender = AckedSender(protocol, server.address(), outstanding=256, padding=4000)
    sender.start()
    for turn in range(FILLINGS):
        ballast = fill_up(small_disk)
        wait_until(lambda: not is_ready(server), lambda: f"turn {turn}: it not to be ready: {queued(server)}")
        held = sender.acked
        os.unlink(ballast)
        pipe.flow()
        wait_until(lambda: sender.acked > held + 300 and is_ready(server), lambda: f"turn {turn}: it to go on: {queued(server)}")
        pipe.stall()
    sender.enough()
    pipe.flow()
    sender.wait_acked(sender.sent)
    wait_until(lambda: queued(server)["records"] == 0, "the queue to be empty")
    assert server.pid == pid
    server.stop()
    sent = sender.sent
    assert numbers(protocol, pipe.records()) == list(range(sent))
    report(f"disk filled and freed {FILLINGS} times: {sent} records, each once and in order, no restart")


class SlowDisk:
    """An ext4 on a loop device, to which a process in `cgroup` writes at most so many bytes a second."""

    CGROUP = Path("/sys/fs/cgroup/blkio")

    def __init__(self, folder: Path, bytes_a_second: int):
        self.at = folder / "slow"
        self.at.mkdir()
        image = folder / "slow.img"
        with open(image, "wb") as file:
            file.truncate(512 * MIB)
        subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
        done = subprocess.run(["losetup", "--find", "--show", image], capture_output=True, text=True)
        if done.returncode != 0:
            cannot_run(f"no loop device: {done.stderr.strip()}")
        self._device = done.stdout.strip()
        subprocess.run(["mount", self._device, self.at], check=True)
        self._group = self.CGROUP / f"penstock-{os.getpid()}"
        if not self.CGROUP.is_dir():
            cannot_run("there is no cgroup v1 for blkio")
        self._group.mkdir()
        self.limit(bytes_a_second)

    def limit(self, bytes_a_second: int):
        """0: as fast as it goes."""
        number = os.stat(self._device).st_rdev
        text = f"{os.major(number)}:{os.minor(number)} {bytes_a_second}"
        (self._group / "blkio.throttle.write_bps_device").write_text(text)

    def take(self, pid: int):
        for task in os.listdir(f"/proc/{pid}/task"):
            (self._group / "tasks").write_text(task)

    def close(self):
        subprocess.run(["umount", "--lazy", self.at], check=True)
        subprocess.run(["losetup", "--detach", self._device], check=False)
        wait_until(lambda: not (self._group / "tasks").read_text(), "the group to be empty")
        self._group.rmdir()


@pytest.fixture
def slow_disk(workdir):
    if os.geteuid() != 0:
        cannot_run("only root can make a slow disk")
    disk = SlowDisk(workdir, MIB)
    yield disk
    disk.close()


def test_a_disk_of_one_megabyte_a_second(penstock, slow_disk):
    """Memory stays within bounds, senders wait, and what is acknowledged arrives."""
    protocol = Relp()
    server = penstock(listener(protocol, "tcp4"), {"encoding": "json", "queue": {"type": "disk", "path": "slow/queue"}},
                      server={"memory": "64MiB"})
    slow_disk.take(server.pid)
    sender = AckedSender(protocol, server.address(), outstanding=1 << 30, padding=4000)
    sender.start()
    most = 0

    def watched() -> bool:
        nonlocal most
        most = max(most, server.memory_bytes())
        return sender.acked > SECONDS * 100  # of 4 KB: far less than it could write
    wait_until(watched, lambda: f"records acknowledged: {sender.acked}", patience=PATIENCE + 10 * SECONDS)
    wait_until(lambda: not server.admin.listener()["gate"]["open"], "the sender to be held up")
    if not sanitized():
        assert most < 160 * MIB, most
    slow_disk.limit(0)
    sender.enough()
    wait_until(lambda: sender.acked == sender.sent, lambda: f"{sender.sent} acknowledged: {sender.acked}")
    wait_until(lambda: queued(server)["records"] == 0, "the queue to be empty")
    server.stop()
    assert numbers(protocol, server.records()) == list(range(sender.sent))
    report(f"disk of 1 MB/s: {sender.sent} records of 4 KB, each once and in order; at most {most / MIB:.0f} MiB of memory")


def test_a_sink_that_stands_still_at_full_input(penstock):
    """Streams are held up by their windows, the queue keeps to its size, memory to its own, and the ledger balances."""
    pipe = StalledPipe(pipe_bytes=4096)
    schemes = ("tcp4", "tcp6", "unix")
    server = penstock([{"name": scheme, "listen": any_url(scheme)} for scheme in schemes],
                      {"type": "stdout", "queue": {"type": "disk", "path": "queue", "max_bytes": f"{QUEUE_MIB}MiB"}},
                      server={"memory": "64MiB"}, stdout=pipe.write_end)
    pipe.started()
    senders = [Flood(server.address(scheme, scheme), scheme, size=1000) for scheme in schemes]
    for sender in senders:
        sender.start()
    wait_until(lambda: not any(server.admin.listener(scheme)["gate"]["open"] for scheme in schemes),
               lambda: f"all gates to shut: {queued(server)}")
    wait_until(lambda: all(sender.blocked() for sender in senders), "all senders to stand still")
    sent, most = [sender.sent for sender in senders], 0
    for _ in range(SECONDS):
        time.sleep(1)
        most = max(most, server.memory_bytes())
        assert queued(server)["bytes"] <= QUEUE_MIB * MIB
    assert [sender.sent for sender in senders] == sent, "nothing moves"
    if not sanitized():
        assert most < 160 * MIB, most
    pipe.flow()
    wait_until(lambda: all(sender.sent > before for sender, before in zip(senders, sent)), "all senders to go on")
    for sender in senders:
        sender.enough.set()
        sender.join(PATIENCE)
    wait_until(lambda: queued(server)["records"] == 0 and all(
        server.admin.listener(sender.name)["events"] == sender.sent for sender in senders), "everything delivered")
    server.stop()
    records = pipe.records()
    for sender in senders:
        assert_all_once(records, sender.name, sender.sent)
    total = sum(sender.sent for sender in senders)
    report(f"sink that stood still for {SECONDS} s: {total} records of {len(schemes)} streams, each once and in order; "
           f"at most {most / MIB:.0f} MiB of memory, {QUEUE_MIB} MiB of disk")
