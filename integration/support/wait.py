"""Waiting for something to become true, with a deadline that only a hang reaches."""

import time

from .settings import PATIENCE


def wait_until(condition, what: str, patience: float = PATIENCE, pause: float = 0.01):
    """Calls `condition` until it gives something true, and gives that back. Fails with `what` (text or a function)."""
    deadline = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"after {patience:.0f} s still not: {what() if callable(what) else what}")
        time.sleep(pause)
