"""Other log daemons, unpacked by ./dev under build/peers: never installed, never touching the machine's own log."""

import os
import subprocess
from pathlib import Path

from .settings import ROOT, cannot_run
from .wait import wait_until

PEERS = Path(os.environ.get("PENSTOCK_PEERS") or ROOT / "build/peers/root")


def library_environment() -> dict:
    """The environment in which the unpacked programs find their libraries."""
    paths = [*PEERS.glob("usr/lib/*-linux-gnu"), *PEERS.glob("lib/*-linux-gnu"), PEERS / "usr/lib/syslog-ng"]
    return {**os.environ, "LD_LIBRARY_PATH": ":".join(map(str, paths))}


def program(name: str) -> Path:
    path = PEERS / "usr/sbin" / name
    if not path.exists():
        cannot_run(f"{name} is not unpacked under {PEERS}; ./dev test does it")
    return path


def rsyslog_modules() -> Path:
    return next(PEERS.glob("usr/lib/*-linux-gnu/rsyslog"))


def syslog_ng_modules() -> Path:
    return next(path for path in (PEERS / "usr/lib/syslog-ng").iterdir() if path.is_dir())


class Daemon:
    """A forwarding daemon that takes datagrams at the unix socket `input` until it is left as a context."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.input = str(folder / "agent.sock")

    def command(self) -> list:
        raise NotImplementedError

    def __enter__(self):
        self._log = open(self.folder / "agent.log", "wb")
        self._process = subprocess.Popen(self.command(), env=library_environment(), stdin=subprocess.DEVNULL,
                                         stdout=self._log, stderr=self._log, cwd=self.folder)
        wait_until(lambda: os.path.exists(self.input) or self._process.poll() is not None,
                   lambda: f"the agent's socket:\n{self.said()}")
        assert self._process.poll() is None, self.said()
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(60)
        self._log.close()

    def said(self) -> str:
        return (self.folder / "agent.log").read_text(errors="replace")


class Rsyslog(Daemon):
    """rsyslog with one forwarding action (the parameters of omfwd, or a whole action)."""

    def __init__(self, folder: Path, action: str):
        super().__init__(folder)
        self.action = action

    def forwarding(self) -> str:
        return (f'action({self.action} queue.type="LinkedList" action.resumeRetryCount="-1" action.resumeInterval="1")')

    def command(self):
        config = self.folder / "rsyslog.conf"
        config.write_text(f"""
global(workDirectory="{self.folder}" net.enableDNS="off")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="{self.input}" CreatePath="on" RateLimit.Interval="0")
{self.forwarding()}
""")
        return [program("rsyslogd"), "-n", "-f", config, "-i", self.folder / "rsyslog.pid", "-M", rsyslog_modules()]


class SyslogNg(Daemon):
    """syslog-ng with one destination driver."""

    def __init__(self, folder: Path, destination: str):
        super().__init__(folder)
        self.destination = destination

    def forwarding(self) -> str:
        return f"destination d {{ {self.destination} }};\nlog {{ source(s_src); destination(d); }};"

    def command(self):
        daemon, modules = program("syslog-ng"), syslog_ng_modules()
        config = self.folder / "syslog-ng.conf"
        config.write_text(f"""@version: {modules.name}
options {{ stats-freq(0); use-dns(no); keep-hostname(yes); time-reopen(1); }};
source s_src {{ unix-dgram("{self.input}"); }};
{self.forwarding()}
""")
        return [daemon, "-F", "--no-caps", "-f", config, "-R", self.folder / "persist", "-p", self.folder / "pid",
                "-c", self.folder / "control", f"--module-path={modules}"]
