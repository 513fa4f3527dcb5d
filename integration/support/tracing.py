"""System calls that fail, as strace injects them."""

import contextlib
import shutil
import subprocess
from pathlib import Path

from .settings import cannot_run
from .wait import wait_until


@contextlib.contextmanager
def failing(server, file: Path, call: str, injection: str):
    """`call` on the file does what strace's `injection` says, such as "error=EIO:when=1+2", until the context is left. Gives the
    file in which each such call stands."""
    if not shutil.which("strace"):
        cannot_run("strace is missing")
    trace = server.folder / "trace"
    with subprocess.Popen(["strace", "-f", "-p", str(server.pid), "-P", file, "-e", f"trace={call}", "-e",
                           f"inject={call}:{injection}", "-o", trace], stderr=subprocess.DEVNULL) as tracer:
        try:
            wait_until(lambda: _traced(server.pid) or tracer.poll() is not None, "strace to hold all threads")
            if tracer.poll() is not None:
                cannot_run("strace may not trace here")
            yield trace
        finally:
            tracer.terminate()


def _traced(pid: int) -> bool:
    """All threads of a process have a tracer."""
    return all("TracerPid:\t0\n" not in (task / "status").read_text() for task in Path(f"/proc/{pid}/task").iterdir())
