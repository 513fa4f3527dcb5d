"""Scenarios that are judged by the ratio to a floor: interleaved pairs, the median of the pairs' ratios."""

from dataclasses import dataclass

from rig import blast, send, serve
from table import Row, median, spread


@dataclass
class Ratio:
    """Penstock beside a floor under one load. Limits are of the medians; None: not required."""

    name: str
    kind: str
    floor: str
    options: tuple = ()
    floor_options: tuple | None = None  # where the floor cannot take the same bytes
    framing: str | None = None
    share: float = 1.0                  # of the records of a run
    max_cpu: float | None = None
    min_rate: float | None = None


TCP_1 = Ratio("tcp, 1 connection, newline", "tcp", "floor-frame", max_cpu=1.5)
RATIOS = [
    TCP_1,
    Ratio("tcp, 16 connections, newline", "tcp", "floor-frame", ("--conns", 16), max_cpu=1.5),
    Ratio("unix stream, newline", "unix", "floor-frame", max_cpu=1.5),
    Ratio("tcp, octet counted", "tcp", "floor-frame", ("--framing", "octet"), (), "octet_counted", max_cpu=2.0),
    Ratio("unixgram", "unixgram", "floor-file", share=0.5, max_cpu=1.5, min_rate=0.85),
    Ratio("unixpacket", "unixpacket", "floor-file", share=0.5, max_cpu=1.5, min_rate=0.85),
    Ratio("1,000 idle and 1,000 active", "tcp", "floor-frame",
          ("--conns", 1000, "--idle", 1000, "--chunk", 2048, "--settle", 0.5), min_rate=0.9),
]
QUICK = [TCP_1, RATIOS[4], RATIOS[5]]


def pairs(rig, ratio: Ratio, count: int, number: int):
    listener = {"framing": ratio.framing} if ratio.framing else {}
    floor_options = ratio.options if ratio.floor_options is None else ratio.floor_options
    for _ in range(number):
        with serve(rig, "penstock", ratio.kind, **listener) as target:
            ours = blast(rig, target, count, *ratio.options)
        with serve(rig, ratio.floor, ratio.kind) as target:
            yield ours, blast(rig, target, count, *floor_options)


def run(rig, ratio: Ratio, count: int, number: int, table):
    count = int(count * ratio.share)
    runs = list(pairs(rig, ratio, count, number))
    cpu = [ours.microseconds() / floor.microseconds() for ours, floor in runs]
    rate = [ours.rate / floor.rate for ours, floor in runs]
    lost = sum(count - ours.records for ours, _ in runs)
    sides = [[median([getattr(side.cpu, part) * 1e6 / side.records for side in sides]) for part in ("user", "system")]
             for sides in zip(*runs)]
    detail = (f"us a record, user+system: {sides[0][0]:.2f}+{sides[0][1]:.2f}, {ratio.floor} {sides[1][0]:.2f}+{sides[1][1]:.2f}; "
              f"{median([ours.rate for ours, _ in runs]) / 1e3:.0f} k/s" + (f"; LOST {lost}" if lost else ""))
    for values, what, limit, met, sign in (
            (cpu, "CPU", ratio.max_cpu, lambda x: x <= ratio.max_cpu, "<="),
            (rate, "rate", ratio.min_rate, lambda x: x >= ratio.min_rate, ">=")):
        if limit is None:
            continue
        middle = median(values)
        table.add(Row(f"{ratio.name}: {what} / {ratio.floor}", f"{sign} {limit}", f"{middle:.2f} {spread(values)}",
                      met(middle) and not lost, detail))
        detail = ""


def many_connections(rig, connections: int, count: int, number: int, table):
    """How the ratio to floor-frame grows from one connection to thousands of active ones."""
    def ratio(n):
        cpu = []
        for who in ("penstock", "floor-frame"):
            with serve(rig, who, "tcp") as target:
                cpu.append(send(target, count, "--connections", n).microseconds())
        return cpu[0] / cpu[1]

    one, many = [], []
    for _ in range(number):
        one.append(ratio(1))
        many.append(ratio(connections))
    growth = median(many) / median(one)
    table.add(Row(f"CPU ratio at {connections:,} active connections / at 1", "<= 1.3", f"{growth:.2f}", growth <= 1.3,
                  f"at 1: {median(one):.2f} {spread(one)}, at {connections:,}: {median(many):.2f} {spread(many)}"))
