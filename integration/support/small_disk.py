"""A small file system that a test can fill; the fixture small_disk makes one."""

import contextlib
import os
import subprocess

from .settings import cannot_run

DISK_MB = 64


@contextlib.contextmanager
def mounted(disk):
    """A file system of DISK_MB at the folder, which is made."""
    disk.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "penstock-test", disk], capture_output=True)
    if made.returncode != 0:
        cannot_run(f"mount is not permitted here: {made.stderr.decode().strip()}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


def fill(disk, leave_mb):
    """A ballast file that leaves `leave_mb` MB free."""
    ballast = disk / "ballast"
    with open(ballast, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, (DISK_MB - leave_mb) << 20)
    return ballast


def fill_up(disk):
    """A ballast file that takes all that is free."""
    ballast, size = disk / "ballast", 0
    with open(ballast, "wb") as file:
        for step in (1 << 20, 4096):
            with contextlib.suppress(OSError):
                while True:
                    os.posix_fallocate(file.fileno(), size, step)
                    size += step
    return ballast
