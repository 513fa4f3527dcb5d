"""The udp scenarios: the highest rate without loss, a paced sender with UDP_SEGMENT, and trains taken whole."""

import subprocess

from rig import send, serve
from table import Row, median, spread


def highest_rate(rig, number: int, table, step_from=150_000, factor=1.05):
    """5 % steps of one second each until two in a row lose something."""
    def best(who):
        with serve(rig, who, "udp") as target:
            out = subprocess.run([rig / "bin/blast", "--proto", "udp", "--addr", target.address, "--count", "0", "--gso",
                                  "--step", str(step_from), "--step-factor", str(factor), "--out", target.out,
                                  "--pid", str(target.process.pid)], check=True, capture_output=True, text=True).stdout
        return float(dict(f.split("=", 1) for f in out.split())["max_lossless"])

    ours, floors = [], []
    for _ in range(number):
        ours.append(best("penstock"))
        floors.append(best("floor-file"))
    ratio = median(ours) / max(median(floors), 1)
    table.add(Row("udp, highest rate without loss / floor-file", ">= 0.70, aim 0.85", f"{ratio:.2f}", ratio >= 0.7,
                  f"{median(ours) / 1e3:.0f} k/s, floor-file {median(floors) / 1e3:.0f} k/s, steps of {factor - 1:.0%}"))


def paced(rig, rate: int, count: int, number: int, table):
    """What is kept of a segmenting sender's records at a rate that few servers keep up with."""
    def kept(who):
        with serve(rig, who, "udp") as target:
            return 100 * send(target, count, "--rate", rate, "--segment", 64).records / count

    ours, floors = [], []
    for _ in range(number):
        ours.append(kept("penstock"))
        floors.append(kept("floor-file"))
    gap = median(floors) - median(ours)
    table.add(Row(f"udp, segmenting sender at {rate / 1e6:.1f} M/s: points below floor-file", "<= 3", f"{gap:.1f}", gap <= 3,
                  f"kept {median(ours):.1f} % {spread(ours)}, floor-file {median(floors):.1f} % {spread(floors)}"))


def trains(count: int, number: int, table):
    """gro = true, the sender flat out."""
    runs = []
    for _ in range(number):
        with serve(None, "penstock", "udp", gro=True) as target:
            runs.append(send(target, count, "--segment", 64))
    rates = [run.rate / 1e6 for run in runs]
    cpu = median([run.microseconds() for run in runs])
    table.add(Row("udp with gro = true, sender flat out: M records/s delivered", ">= 5", f"{median(rates):.2f} {spread(rates)}",
                  median(rates) >= 5, f"{cpu:.2f} us a record, {median([100 * run.records / count for run in runs]):.0f} % of what was sent"))
