"""Servers and senders of the bench: Penstock, the floors of the rig beside the repository, and its load generator."""

import os
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from process import Cpu, Process, wait_for_size

ROOT = Path(__file__).resolve().parents[2]
PENSTOCK = Path(os.environ.get("PENSTOCK_BIN") or ROOT / "build/release/server/penstock")
OUTPUT = Path(os.environ.get("BENCH_DIR") or "/dev/shm")  # in memory: no disk is measured
RECORD = 201  # bytes in the file: 200 and a LF


def unpack(folder: Path) -> Path | None:
    """The rig, copied (it is read-only where it stands) and built. None where it is not there."""
    source = Path(os.environ.get("BENCH_RIG") or ROOT.parent / "shared/bench")
    if not (source / "sink.c").exists():
        return None
    copy = folder / "rig"
    shutil.copytree(source, copy)
    for path in [copy, *copy.rglob("*")]:
        path.chmod(path.stat().st_mode | 0o200)
    subprocess.run([copy / "build.sh"], check=True)
    return copy


@dataclass
class Target:
    """A running server, where it listens and what it writes."""

    process: Process
    kind: str
    address: str
    out: Path

    def url(self) -> str:
        return f"{self.kind}://{self.address}"


def free_port() -> int:
    import socket
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def penstock_config(url: str, out, framing=None, threads=0, **listener) -> str:
    keys = {"name": "bench", "listen": url, "sinks": ["out"], **({"framing": framing} if framing else {}), **listener}
    lines = [f"{key} = {str(value).lower() if isinstance(value, bool) else repr(value).replace(chr(39), chr(34))}"
             for key, value in keys.items()]
    return (f"[server]\nthreads = {threads}\n[[listener]]\n" + "\n".join(lines) +
            f'\n[[sink]]\nname = "out"\ntype = "file"\npath = "{out}"\n')


def listens(kind: str, address: str) -> bool:
    if kind.startswith("unix"):
        return f" {address}\n" in Path("/proc/net/unix").read_text()
    port = f":{int(address.rpartition(':')[2]):04X} "
    rows = Path("/proc/net/" + kind).read_text().splitlines()
    return any(port in row and (kind == "udp" or " 0A " in row) for row in rows)


@contextmanager
def serve(rig: Path | None, who: str, kind: str, **config):
    """`who`: penstock, or floor-frame and floor-file of the rig. `kind`: tcp, udp, unix, unixgram, unixpacket."""
    with tempfile.TemporaryDirectory(dir=OUTPUT, prefix="bench.") as name:
        folder = Path(name)
        address = str(folder / "s.sock") if kind.startswith("unix") else f"127.0.0.1:{free_port()}"
        out = folder / config.pop("out", "out.log")
        if who == "penstock":
            conf = folder / "penstock.toml"
            scheme = kind + "4" if kind in ("tcp", "udp") else kind
            if kind == "udp":
                config = {"receive_buffer": "4MiB", **config}
            conf.write_text(penstock_config(f"{scheme}://{address}", out, **config) +
                            f'[quarantine]\npath = "{folder}/quarantine"\n')
            command = [PENSTOCK, "run", "--config", conf]
        else:
            place = address if kind.startswith("unix") else address.rpartition(":")[2]
            command = [rig / "bin/sink", kind, place, out, *(["frame"] if who == "floor-frame" else ["mmsg"])]
        process = Process(command, folder / "server.log")
        try:
            limit = time.monotonic() + 10
            while not listens(kind, address):
                if not process.alive() or time.monotonic() > limit:
                    raise RuntimeError(f"{who} does not listen on {kind}: {(folder / 'server.log').read_text()}")
                time.sleep(0.02)
            time.sleep(0.3)
            yield Target(process, kind, address, out)
        finally:
            process.stop()


@dataclass
class Run:
    """One load from the first byte to the last one in the file."""

    records: int  # that arrived
    rate: float   # records a second
    cpu: Cpu
    peak_mib: float

    def microseconds(self) -> float:
        return self.cpu.total * 1e6 / max(self.records, 1)


def blast(rig: Path, target: Target, count: int, *options) -> Run:
    """The rig's load generator against the target; returns when the file is complete or has not grown for 3 s."""
    before = target.process.cpu()
    result = subprocess.run([rig / "bin/blast", "--proto", target.kind, "--addr", target.address, "--count", str(count),
                             "--out", target.out, *map(str, options)], check=True, capture_output=True, text=True).stdout
    cpu = target.process.cpu() - before
    fields = dict(field.split("=", 1) for field in result.split())
    records = target.out.stat().st_size // RECORD
    return Run(records, records / float(fields["seconds"]), cpu, target.process.memory_kib("VmHWM") / 1024)


def send(target: Target, count: int, *options) -> Run:
    """`penstock send` against the target."""
    before, begin = target.process.cpu(), time.monotonic()
    subprocess.run([PENSTOCK, "send", "--quiet", "--count", str(count), *map(str, options), target.url()], check=False,
                   stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    size, end = wait_for_size(target.out, count * RECORD, 1.5)
    return Run(size // RECORD, size / RECORD / max(end - begin, 1e-9), target.process.cpu() - before,
               target.process.memory_kib("VmHWM") / 1024)


def warm(gib: int):
    """Touches the memory behind the output folder: the first write to a page is many times slower than the next."""
    room = shutil.disk_usage(OUTPUT).free >> 30
    with tempfile.NamedTemporaryFile(dir=OUTPUT, prefix="warm.") as file:
        for _ in range(min(gib, max(room - 1, 0)) * 64):
            file.write(bytes(16 << 20))
