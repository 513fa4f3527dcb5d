"""rsyslog, syslog-ng and fluent-bit through the rig's own scripts, for comparison: nothing is required of them."""

import os
import shutil
import subprocess
from pathlib import Path

from rig import OUTPUT, PENSTOCK, ROOT
from table import Row, median

UNPACKED = Path(os.environ.get("PENSTOCK_PEERS") or ROOT / "build/peers/root")
SCENARIOS = ["tcp-1", "tcp-16", "tcp-octet", "unix", "unixgram", "unixpacket", "tcp-2000"]
PEERS = {"rsyslog-imptcp": "RSYSLOG_BIN", "syslog-ng": "SYSLOG_NG_BIN", "fluent-bit": "FLUENT_BIT_BIN"}


def environment() -> dict:
    """Where ./dev has unpacked them; a variable of the caller wins."""
    found = dict(os.environ, BENCH_DIR=str(OUTPUT), PRODUCT_BIN=str(PENSTOCK))
    library = next(iter(sorted(UNPACKED.glob("usr/lib/*-linux-gnu"))), None)
    if library is None:
        return found
    found["LD_LIBRARY_PATH"] = f"{library}:{UNPACKED}/lib/{library.name}:{UNPACKED}/usr/lib/syslog-ng:" + found.get("LD_LIBRARY_PATH", "")
    defaults = {"RSYSLOG_BIN": UNPACKED / "usr/sbin/rsyslogd", "RSYSLOG_MODDIR": library / "rsyslog",
                "SYSLOG_NG_BIN": UNPACKED / "usr/sbin/syslog-ng", "SYSLOG_NG_LIBDIR": f"{found['LD_LIBRARY_PATH']}"}
    modules = next(iter(sorted((UNPACKED / "usr/lib/syslog-ng").glob("[0-9]*"))), None)
    if modules:
        defaults["SYSLOG_NG_ARGS"] = f"--module-path={modules}"
    for key, value in defaults.items():
        found.setdefault(key, str(value))
    return found


def compare(rig, count: int, number: int, table):
    env = environment() | {"COUNT": str(count)}
    names = [name for name, variable in PEERS.items() if shutil.which(env.get(variable) or name)]
    if not names:
        print("  no other log daemon is installed or unpacked", flush=True)
        return
    for scenario in SCENARIOS:
        results = {name: [] for name in ["product", *names]}
        for _ in range(number):
            for name, runs in results.items():
                out = subprocess.run([rig / "run.sh", name, scenario], env=env, check=False, capture_output=True, text=True).stdout
                fields = dict(field.split("=", 1) for field in out.split() if "=" in field)
                if "cpu_us_per_msg" in fields:
                    runs.append(fields)
        for name, runs in results.items():
            if not runs:
                continue
            def middle(key):
                return median([float(run[key]) for run in runs])
            table.add(Row(f"{scenario}: {'penstock' if name == 'product' else name}", "-", f"{middle('msgs_per_s') / 1e3:.0f} k/s",
                          None, f"{middle('cpu_us_per_msg'):.2f} us a record, {middle('peak_rss_MiB'):.0f} MiB, lost {middle('lost'):.0f}"))
