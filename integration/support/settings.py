"""What the environment says about this run."""

import functools
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LONG = os.environ.get("PENSTOCK_LONG") == "1"
MEMCHECK = "PENSTOCK_MEMCHECK" in os.environ
STRICT = os.environ.get("PENSTOCK_NO_SKIP") == "1"

# Longest that anything may take before it counts as stuck. Generous: no test passes or fails by being fast.
PATIENCE = 240.0 if LONG else 120.0


def binary() -> Path:
    """The server under test: $PENSTOCK_BIN, else the dev build."""
    return Path(os.environ.get("PENSTOCK_BIN") or ROOT / "build/dev/server/penstock")


@functools.lru_cache(maxsize=None)
def sanitized() -> bool:
    """A build with a sanitizer or line counters, or one under memcheck: several times the memory and the time, so that
    bounds on them say nothing."""
    blob = binary().read_bytes()
    return MEMCHECK or any(mark in blob for mark in (b"__asan_init", b"__tsan_init", b"__gcov_init"))


def count(name: str, usual: int) -> int:
    """How often, from the environment: `./dev torture` asks for more than usual."""
    return int(os.environ.get(name, usual))


def length(long, short):
    """`long` with PENSTOCK_LONG=1, else `short`."""
    return long if LONG else short


def cannot_run(reason: str):
    """The machine lacks what the test needs: a skip that says so, or a failure where nothing may be skipped."""
    if STRICT:
        pytest.fail(f"cannot run here: {reason}")
    pytest.skip(reason)
