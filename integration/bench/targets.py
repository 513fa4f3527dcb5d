"""Who is measured: the server, the floors, and other log daemons; each listens at a place and writes lines to a file."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support.peers import PEERS, library_environment  # noqa: E402
from support.settings import binary  # noqa: E402

HERE = Path(__file__).resolve().parent
STREAMS = ("tcp", "octet", "unix")


def build_floor() -> Path:
    """floor.c, compiled when it has changed."""
    program = HERE.parents[1] / "build/bench/floor"
    program.parent.mkdir(parents=True, exist_ok=True)
    source = HERE / "floor.c"
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-o", program, source], check=True)
    return program


class Place:
    """Where one run listens and writes. `kind`: tcp, octet, udp, unix, unixgram or unixpacket."""

    def __init__(self, folder: Path, kind: str, port: int):
        self.folder, self.kind, self.port = folder, kind, port
        self.socket = folder / "s.sock"
        self.out = folder / "out.log"

    @property
    def inet(self) -> bool:
        return self.kind in ("tcp", "octet", "udp")

    @property
    def url(self) -> str:
        scheme = {"octet": "tcp4", "tcp": "tcp4", "udp": "udp4"}.get(self.kind, self.kind)
        return f"{scheme}://127.0.0.1:{self.port}" if self.inet else f"{scheme}://{self.socket}"


def penstock(place: Place, extra: str = "") -> list:
    lines = ["[server]", 'drain_timeout = "30s"', "[[listener]]", 'name = "bench"', f'listen = "{place.url}"']
    if place.kind in STREAMS:
        lines.append(f'framing = "{"octet_counted" if place.kind == "octet" else "newline"}"')
    if place.kind == "udp":
        lines.append('receive_buffer = "4MiB"')
    lines += [extra, "[[sink]]", 'name = "out"', f'path = "{place.out}"', "[quarantine]", f'path = "{place.folder}/q"']
    config = place.folder / "penstock.toml"
    config.write_text("\n".join(lines) + "\n")
    return [binary(), "run", "--config", config]


def penstock_gro(place: Place) -> list:
    return penstock(place, "gro = true")


def floor_frame(place: Place):
    if place.kind not in ("tcp", "unix"):
        return None
    return [build_floor(), place.kind, place.port if place.inet else place.socket, place.out, "frame"]


def floor_file(place: Place):
    if place.kind == "octet":
        return None
    return [build_floor(), place.kind, place.port if place.inet else place.socket, place.out, "mmsg"]


def rsyslog(place: Place):
    inputs = {
        "tcp": f'module(load="imptcp" threads="2") input(type="imptcp" address="127.0.0.1" port="{place.port}" ruleset="o")',
        "octet": f'module(load="imptcp" threads="2") input(type="imptcp" address="127.0.0.1" port="{place.port}" ruleset="o")',
        "udp": f'module(load="imudp" batchSize="256") input(type="imudp" address="127.0.0.1" port="{place.port}"'
               ' rcvBufSize="4m" ruleset="o")',
        "unix": f'module(load="imptcp") input(type="imptcp" path="{place.socket}" ruleset="o")',
        "unixgram": f'module(load="imuxsock" sysSock.use="off") input(type="imuxsock" socket="{place.socket}"'
                    ' rateLimit.interval="0" useSpecialParser="off" parseHostname="off" flowControl="on" ruleset="o")',
    }
    if place.kind not in inputs or not (PEERS / "usr/sbin/rsyslogd").exists():
        return None
    config = place.folder / "rsyslog.conf"
    config.write_text(f"""global(workDirectory="{place.folder}" maxMessageSize="64k" net.enableDNS="off")
template(name="raw" type="string" string="%rawmsg%\\n")
main_queue(queue.type="FixedArray" queue.size="100000" queue.dequeueBatchSize="2048")
ruleset(name="o") {{ action(type="omfile" file="{place.out}" template="raw" ioBufferSize="256k") }}
{inputs[place.kind]}
""")
    modules = next(PEERS.glob("usr/lib/*-linux-gnu/rsyslog"))
    return [PEERS / "usr/sbin/rsyslogd", "-n", "-f", config, "-i", place.folder / "pid", "-M", modules]


def syslog_ng(place: Place):
    wide = "max-connections(10000) log-iw-size(1000000) log-fetch-limit(1000) flags(no-parse)"
    sources = {
        "tcp": f'network(transport("tcp") ip("127.0.0.1") port({place.port}) listen-backlog(4096) {wide});',
        "octet": f'syslog(transport("tcp") ip("127.0.0.1") port({place.port}) {wide});',
        "udp": f'network(transport("udp") ip("127.0.0.1") port({place.port}) so-rcvbuf(4194304) flags(no-parse));',
        "unix": f'unix-stream("{place.socket}" {wide});',
        "unixgram": f'unix-dgram("{place.socket}" log-iw-size(100000) flags(no-parse));',
    }
    if place.kind not in sources or not (PEERS / "usr/sbin/syslog-ng").exists():
        return None
    modules = next(path for path in (PEERS / "usr/lib/syslog-ng").iterdir() if path.is_dir())
    config = place.folder / "syslog-ng.conf"
    config.write_text(f"""@version: {modules.name}
options {{ use-dns(no); keep-hostname(yes); log-msg-size(65536); stats-freq(0); }};
source s {{ {sources[place.kind]} }};
destination d {{ file("{place.out}" template("$MSG\\n") flush-lines(1000) log-fifo-size(2000000)); }};
log {{ source(s); destination(d); flags(flow-control); }};
""")
    return [PEERS / "usr/sbin/syslog-ng", "-F", "--no-caps", "-f", config, "-R", place.folder / "persist",
            "-p", place.folder / "pid", "-c", place.folder / "control", f"--module-path={modules}"]


TARGETS = {"penstock": penstock, "penstock-gro": penstock_gro, "floor-frame": floor_frame, "floor-file": floor_file,
           "rsyslog": rsyslog, "syslog-ng": syslog_ng}


def start(name: str, place: Place):
    """The target's process, or None where it cannot serve that kind of place."""
    command = TARGETS[name](place)
    if command is None:
        return None
    environment = library_environment() if name in ("rsyslog", "syslog-ng") else dict(os.environ)
    with open(place.folder / "target.log", "wb") as log:
        log.write((shlex.join(map(str, command)) + "\n").encode())
        log.flush()
        return subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                env=environment, cwd=place.folder)
