"""collectd, unpacked by ./dev under build/peers: what it is told by collectd-unixsock(5), one of its plugins sends on."""

import socket
from pathlib import Path

from .address import Address
from .peers import PEERS, Daemon, program
from .settings import PATIENCE, cannot_run
from .wait import wait_until


def types_db() -> Path:
    path = PEERS / "usr/share/collectd/types.db"
    if not path.exists():
        cannot_run(f"collectd is not unpacked under {PEERS}; ./dev test does it")
    return path


def network_plugin(destination: Address, security: str = "") -> str:
    """`security` is the SecurityLevel and what belongs to it."""
    return f'<Plugin network>\n  <Server "{destination.host}" "{destination.port}">\n    {security}\n  </Server>\n</Plugin>'


def write_plugin(plugin: str, destination: Address) -> str:
    """write_graphite or write_tsdb."""
    protocol = f'Protocol "{destination.scheme[:3]}"' if plugin == "write_graphite" else ""
    return (f'<Plugin {plugin}>\n  <Node "penstock">\n    Host "{destination.host}"\n    Port "{destination.port}"\n'
            f"    {protocol}\n  </Node>\n</Plugin>")


class Commands:
    """A connection to collectd: a line, and the line that answers it."""

    def __init__(self, path: str):
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._sock.settimeout(PATIENCE)
        # The file is there a moment before anybody listens.
        wait_until(lambda: self._sock.connect_ex(path) == 0, "collectd to listen")
        self._answers = self._sock.makefile("r")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._answers.close()
        self._sock.close()

    def __call__(self, command: str):
        self._sock.sendall(command.encode() + b"\n")
        answer = self._answers.readline()
        assert answer.startswith("0 "), (command, answer)


class Collectd(Daemon):
    """Of the host web1. `plugin` is what network_plugin or write_plugin give."""

    def __init__(self, folder: Path, plugin: str):
        super().__init__(folder)
        self._plugin = plugin

    def command(self) -> list:
        name = self._plugin.split(">")[0].split()[1]
        config = self.folder / "collectd.conf"
        config.write_text(f"""
Hostname "web1"
FQDNLookup false
BaseDir "{self.folder}"
PIDFile "{self.folder}/collectd.pid"
PluginDir "{PEERS}/usr/lib/collectd"
TypesDB "{types_db()}"
Interval 10
LoadPlugin {name}
{self._plugin}
LoadPlugin unixsock
<Plugin unixsock>
  SocketFile "{self.input}"
</Plugin>
""")
        return [program("collectd"), "-f", "-C", config]

    def commands(self) -> Commands:
        return Commands(self.input)

    def put(self, count: int, second: int):
        """`count` gauges `web1/test-N/gauge-x` of the value N + 0.5 at that second. The last of them it sends when it ends."""
        with self.commands() as command:
            for n in range(count):
                command(f"PUTVAL web1/test-{n}/gauge-x interval=10 {second}:{n}.5")
