"""Penstock beside rsyslog, syslog-ng and a bare loop on the same loads: every run is one of the rig's own `run.sh`.

The rig starts each program with its own configuration (conf/ there): the same bytes in and out, no parsing, no name
lookups, written to a file in memory without a sync, the same socket buffers.
"""

import json
import os
import platform
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import peers
import stop
from rig import PENSTOCK
from table import aligned, median

PROGRAMS = {"penstock": "product", "rsyslog": "rsyslog-imptcp", "syslog-ng": "syslog-ng", "bare loop": None}


@dataclass
class Load:
    """What is sent. `limit`: the most processor time that Penstock may need, as a ratio to the bare loop."""

    scenario: str
    title: str
    floor: str
    limit: float | None = None
    share: float = 1.0             # of the records of a run
    lossless: bool = True
    floor_scenario: str = None     # where the bare loop cannot take the same bytes


LOADS = [
    Load("tcp-1", "tcp, 1 connection, newline", "floor-frame", 1.5),
    Load("tcp-16", "tcp, 16 connections, newline", "floor-frame", 1.5),
    Load("tcp-octet", "tcp, 1 connection, octet counted", "floor-frame", 2.0, floor_scenario="tcp-1"),
    Load("udp-blast", "udp, sender flat out", "floor-file", lossless=False),
    Load("unix", "unix stream, newline", "floor-frame", 1.5),
    Load("unixgram", "unixgram", "floor-file", 1.5, share=0.5),
]


def measure(rig: Path, count: int, rounds: int) -> dict:
    """The raw numbers of everything, as they are saved."""
    env = peers.environment()
    result = {"taken": time.strftime("%Y-%m-%d"), "machine": _machine(), "load_average": round(os.getloadavg()[0], 1),
              "versions": _versions(env), "count": count, "rounds": rounds, "loads": {}, "stop": {}}
    for load in LOADS:
        print(f"  {load.title}", flush=True)
        runs = {program: [] for program in PROGRAMS}
        for _ in range(rounds):
            for program, script in PROGRAMS.items():
                scenario = load.scenario if script else load.floor_scenario or load.scenario
                figures = _run(rig, script or load.floor, scenario, env | {"COUNT": str(int(count * load.share))})
                if figures:
                    runs[program].append(figures)
        result["loads"][load.scenario] = runs
    print("  stop under load", flush=True)
    for program, script in PROGRAMS.items():
        if script:
            runs = [stop.run(rig, script, env) for _ in range(rounds)]
            result["stop"][program] = [run for run in runs if run]
    return result


def _run(rig, script, scenario, env) -> dict | None:
    """None where the program does not take this kind of load, or is not there."""
    out = subprocess.run([rig / "run.sh", script, scenario], env=env, check=False, capture_output=True, text=True).stdout
    fields = dict(field.split("=", 1) for field in out.split() if "=" in field)
    if "cpu_us_per_msg" not in fields:
        return None
    return {"cpu_us": float(fields["cpu_us_per_msg"]), "rate": float(fields["msgs_per_s"]), "sent": int(fields["sent"]),
            "lost": int(fields["lost"]), "corrupt": int(fields["corrupt"]), "peak_mib": float(fields["peak_rss_MiB"])}


def _machine() -> str:
    models = re.findall(r"^model name\s*:\s*(.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    return f"{os.cpu_count()} cores {models[0] if models else platform.machine()}, Linux {platform.release().split('-')[0]}"


def _versions(env) -> dict:
    """As each program says itself."""
    commands = {"penstock": [PENSTOCK, "--version"], "rsyslog": [env.get("RSYSLOG_BIN", "rsyslogd"), "-v"],
                "syslog-ng": [env.get("SYSLOG_NG_BIN", "syslog-ng"), "--version"]}
    found = {}
    for program, command in commands.items():
        try:
            said = subprocess.run(command, env=env, check=False, capture_output=True, text=True).stdout
        except OSError:
            said = ""
        version = re.search(r"\d+(\.\d+)+", said)
        found[program] = version[0] if version else "not found"
    return found


@dataclass
class Figure:
    """Medians of one program under one load, and the ratios to Penstock's."""

    load: Load
    program: str
    cpu_us: float
    rate: float
    lost: float
    sent: int
    cpu_ratio: float
    rate_ratio: float
    missed: str = ""


def figures(result: dict) -> list[Figure]:
    """Load by load, in the order of PROGRAMS; a program that does not take a load is left out."""
    rows = []
    for load in LOADS:
        runs = result["loads"][load.scenario]
        middle = {program: {key: median([run[key] for run in taken]) for key in taken[0]}
                  for program, taken in runs.items() if taken}
        ours = middle.get("penstock")
        for program, of in middle.items():
            row = Figure(load, program, of["cpu_us"], of["rate"], of["lost"], of["sent"],
                         of["cpu_us"] / ours["cpu_us"] if ours else 0, of["rate"] / ours["rate"] if ours else 0)
            if program == "penstock":
                row.missed = _missed(load, runs)
            rows.append(row)
    return rows


def _missed(load: Load, runs) -> str:
    """Why Penstock's row does not hold what is required of it."""
    if any(run["corrupt"] or (load.lossless and run["lost"]) for run in runs["penstock"]):
        return "records lost or changed"
    ratios = [ours["cpu_us"] / floor["cpu_us"] for ours, floor in zip(runs["penstock"], runs["bare loop"]) if floor["cpu_us"]]
    if load.limit and ratios and median(ratios) > load.limit:
        return f"{median(ratios):.2f} times the bare loop, at most {load.limit} wanted"
    return ""


def text(result: dict) -> str:
    """The one table, and who measured what."""
    cells = [["load", "program", "CPU us/record", "to Penstock", "records/s", "to Penstock", "lost", ""]]
    rows = figures(result)
    for load in LOADS:
        for program in PROGRAMS:
            row = next((r for r in rows if r.load is load and r.program == program), None)
            title = load.title if program == "penstock" else ""
            if row is None:
                cells.append([title, program, *["-"] * 5, ""])
                continue
            cells.append([title, program, f"{row.cpu_us:.3f}", f"{row.cpu_ratio:.2f} x", f"{row.rate / 1e3:,.0f} k",
                          f"{row.rate_ratio:.2f} x", _lost(row), f"MISSED: {row.missed}" if row.missed else ""])
    lines = [aligned(cells)]
    heads = ["stop under load, 16 tcp connections", "program", "ended after", "connections reset", "records acknowledged",
             "of them lost", "cut or doubled", ""]
    cells = [heads]
    for program, runs in result["stop"].items():
        if runs:
            of = {key: median([run[key] for run in runs]) for key in runs[0]}
            missed = program == "penstock" and any(run["reset"] or run["lost"] or run["spoilt"] for run in runs)
            cells.append(["", program, f"{of['seconds']:.2f} s", f"{of['reset']:.0f} of {of['connections']:.0f}",
                          f"{of['acknowledged']:,.0f}", f"{of['lost']:,.0f}", f"{of['spoilt']:.0f}", "MISSED" if missed else ""])
        else:
            cells.append(["", program, *["-"] * 5, ""])
    lines += ["", aligned(cells), "", caption(result),
              "bare loop: recv and write, whole lines for streams, whole datagrams else; for octet counting the newline load"]
    return "\n".join(lines)


def _lost(row: Figure) -> str:
    return f"{row.lost:,.0f}" + (f" ({100 * row.lost / row.sent:.1f} %)" if row.lost else "")


def caption(result: dict) -> str:
    versions = ", ".join(f"{program} {version}" for program, version in result["versions"].items())
    return (f"{result['taken']}: {versions}; {result['machine']}, load average {result['load_average']} at the start; medians of {result['rounds']} rounds of {result['count']:,} records "
            "of 200 bytes to a file in memory")


def missed(result: dict) -> bool:
    return any(row.missed for row in figures(result)) or any(
        run["reset"] or run["lost"] or run["spoilt"] for run in result["stop"].get("penstock", []))


def save(result: dict, file: Path):
    file.write_text(json.dumps(result, indent=1) + "\n")
