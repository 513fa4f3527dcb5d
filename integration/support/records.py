"""Numbered records, and what became of them."""

from collections import Counter
from dataclasses import dataclass


def record(sender: str, number: int, size: int = 64) -> bytes:
    """`size` bytes (more where the head alone is longer), without a delimiter: `SENDER:000000042:xxxx`."""
    head = f"{sender}:{number:09d}:".encode()
    return head + b"x" * max(0, size - len(head))


def numbers_of(records: list, sender: str) -> list:
    """The numbers that `sender`'s records carry, in file order; whole records only."""
    head = f"{sender}:".encode()
    numbers = []
    for r in records:
        if r.startswith(head):
            parts = r.split(b":", 2)
            if len(parts) == 3 and len(parts[1]) == 9:
                numbers.append(int(parts[1]))
    return numbers


@dataclass
class Fate:
    """How a sender's records arrived, against those it must find there."""

    lost: list
    doubled: list
    in_order: bool
    arrived: int


def fate_of(records: list, sender: str, sent: int) -> Fate:
    """What became of numbers 0..sent-1 of `sender`; later ones may be there or not, but never twice."""
    numbers = numbers_of(records, sender)
    seen = Counter(numbers)
    return Fate(
        lost=[n for n in range(sent) if n not in seen],
        doubled=[n for n, times in seen.items() if times > 1],
        in_order=numbers == sorted(numbers),
        arrived=len(numbers),
    )


def assert_all_once(records: list, sender: str, sent: int, ordered: bool = True):
    """Every record that `sender` counts as sent is there once, in order; across connections no order is promised."""
    fate = fate_of(records, sender, sent)
    assert fate.lost == [], f"{sender}: {len(fate.lost)} of {sent} lost, first {fate.lost[:5]}, arrived {fate.arrived}"
    assert fate.doubled == [], f"{sender}: doubled {fate.doubled[:5]}"
    assert fate.in_order or not ordered, f"{sender}: out of order"
