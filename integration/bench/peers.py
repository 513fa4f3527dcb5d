"""Where other log daemons are: as ./dev has unpacked them, or where the caller says."""

import os
from pathlib import Path

from rig import OUTPUT, PENSTOCK, ROOT

UNPACKED = Path(os.environ.get("PENSTOCK_PEERS") or ROOT / "build/peers/root")


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
