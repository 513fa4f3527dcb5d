"""The other commands of the binary, run to their end."""

import subprocess

from .settings import PATIENCE, binary


def penstock_command(*arguments, folder=None, expect=0) -> subprocess.CompletedProcess:
    """`penstock ARGUMENTS`, with its output as text; fails when the exit status is not `expect` (None: any)."""
    done = subprocess.run([str(binary()), *map(str, arguments)], cwd=folder, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=PATIENCE)
    assert expect is None or done.returncode == expect, f"exit {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done
