"""A fresh Debian machine: a folder that debootstrap filled, and commands that run in it."""

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

from .settings import PATIENCE, ROOT, cannot_run

SUITE = "bookworm"
CACHE = ROOT / "build/machine"
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


def mirror() -> str:
    """Where this machine has its own packages of the suite from."""
    told = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME)", "Created-By: Packages"],
                          capture_output=True, text=True, check=False).stdout
    found = [uri for uri, codename in map(str.split, told.splitlines()) if codename == SUITE]
    return os.environ.get("PENSTOCK_MIRROR") or (found[0] if found else cannot_run(f"apt has no source of {SUITE}"))


class Machine:
    """Root's view of the folder: no init, no services, as in a container before its first process."""

    def __init__(self, folder: Path):
        self.folder = folder

    def command(self, *words) -> list:
        return ["chroot", str(self.folder), "/usr/bin/env", "-i", f"PATH={_PATH}", "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive",
                *map(str, words)]

    def run(self, *words, expect=0) -> str:
        done = subprocess.run(self.command(*words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=10 * PATIENCE)
        assert expect is None or done.returncode == expect, f"{words}: exit {done.returncode}\n{done.stdout}"
        return done.stdout

    def apt(self, *words) -> str:
        return self.run("apt-get", "-y", "-q", "--no-install-recommends", *words)

    def take(self, file: Path) -> str:
        """Copies a file into the machine's /root and gives its name there."""
        shutil.copy(file, self.folder / "root")
        return f"/root/{file.name}"

    def path(self, name: str) -> Path:
        return self.folder / name.lstrip("/")

    def files(self) -> set:
        """The names of all files, but for those of the kernel."""
        found = self.run("find", "/", "-xdev", "-path", "/proc", "-prune", "-o", "-print")
        return set(found.splitlines())


def _base(package: Path) -> Path:
    """The archive of a minimal Debian with what `package` depends on at hand, so that later runs need no network."""
    depends = subprocess.run(["dpkg-deb", "-f", package, "Depends"], capture_output=True, text=True, check=True).stdout
    archive = CACHE / f"{SUITE}-{hashlib.sha256(depends.encode()).hexdigest()[:12]}.tar"
    if archive.exists():
        return archive
    source = mirror()
    work = CACHE / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    made = subprocess.run(["debootstrap", "--variant=minbase", SUITE, work, source], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if made.returncode != 0:
        cannot_run(f"debootstrap could not make a machine from {source}:\n{made.stdout[-2000:]}")
    machine = Machine(work)
    machine.path("/etc/apt/apt.conf.d/99keep").write_text('Binary::apt::APT::Keep-Downloaded-Packages "true";\n')
    machine.apt("update")
    machine.apt("install", "--download-only", machine.take(package))
    machine.path(f"/root/{package.name}").unlink()
    subprocess.run(["tar", "--numeric-owner", "-C", work, "-cf", f"{archive}.new", "."], check=True)
    os.rename(f"{archive}.new", archive)
    shutil.rmtree(work)
    return archive


def fresh_machine(package: Path, folder: Path) -> Machine:
    """A new one in `folder`. Skips the test where that takes more than the machine that we are on permits."""
    if os.geteuid() != 0 or not re.search(r"^\s*0\s+0\s+4294967295$", Path("/proc/self/uid_map").read_text(), re.M):
        cannot_run("only root can fill a folder with a Debian system")
    if not shutil.which("debootstrap"):
        cannot_run("debootstrap is not installed; ./dev package does it")
    archive = _base(package)
    subprocess.run(["tar", "--numeric-owner", "-C", folder, "-xf", archive], check=True)
    return Machine(folder)
