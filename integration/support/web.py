"""Web servers that log to a syslog server, unpacked by ./dev under build/peers: haproxy and nginx. They are asked through a
unix socket, so that they need no port."""

import http.client
import os
import socket
import subprocess
from pathlib import Path

from .peers import library_environment, program
from .settings import PATIENCE
from .wait import wait_until


class _Web:
    """Runs until it is left as a context; `ask` makes it log."""

    def __init__(self, folder: Path):
        self.folder = folder / "web"
        self.folder.mkdir()
        self.input = str(self.folder / "web.sock")
        self._connection = None

    def command(self) -> list:
        raise NotImplementedError

    def __enter__(self):
        self._log = open(self.folder / "log", "wb")
        self.process = subprocess.Popen(list(map(str, self.command())), env=library_environment(), cwd=self.folder,
                                        stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log)
        self._connection = http.client.HTTPConnection("web1", timeout=PATIENCE)
        wait_until(lambda: self._connected() or self.process.poll() is not None, lambda: f"it listens:\n{self.said()}")
        assert self.process.poll() is None, self.said()
        return self

    def _connected(self) -> bool:
        """A file of the socket's name is there before it listens."""
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(PATIENCE)
        if sock.connect_ex(self.input) != 0:
            sock.close()
            return False
        self._connection.sock = sock
        return True

    def ask(self, numbers):
        """One request each, over one connection: it writes `word N` into its log."""
        for number in numbers:
            self._connection.request("GET", f"/{number}")
            answer = self._connection.getresponse()
            answer.read()
            assert answer.status == 200, answer.status

    def said(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def __exit__(self, *_):
        self._connection.close()
        self.process.terminate()
        self.process.wait(PATIENCE)
        self._log.close()


class Haproxy(_Web):
    """`target` is what stands behind `log`, `sections` whatever else its file needs."""

    def __init__(self, folder: Path, target: str, sections: str = ""):
        super().__init__(folder)
        self._target, self._sections = target, sections

    def command(self) -> list:
        config = self.folder / "haproxy.cfg"
        config.write_text(f"""
global
  log {self._target} local3 info
  log-send-hostname web1
{self._sections}
frontend web
  mode http
  log global
  timeout client 300s
  bind {self.input}
  http-request set-var(txn.number) path,regsub(^/,)
  log-format word\\ %[var(txn.number)]
  log-format-sd [request@1\\ path=\\"%HP\\"\\ status=\\"%ST\\"]
  http-request return status 200
""")
        return [program("haproxy"), "-db", "-f", config]


class Nginx(_Web):
    """`server` is the value of `syslog:server=`, with what else it takes."""

    def __init__(self, folder: Path, server: str):
        super().__init__(folder)
        self._server = server

    def command(self) -> list:
        config = self.folder / "nginx.conf"
        temporary = " ".join(f"{kind}_temp_path {self.folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        user = "user root;" if os.geteuid() == 0 else ""
        config.write_text(f"""daemon off; master_process off; {user} pid {self.folder}/pid; error_log {self.folder}/error.log;
events {{ }}
http {{
  {temporary}
  map $uri $number {{ "~^/(?<digits>\\d+)$" $digits; }}
  log_format word "word $number";
  server {{
    listen unix:{self.input};
    keepalive_timeout 300s; keepalive_requests 1000000;
    access_log syslog:server={self._server},facility=local3,severity=notice word;
    location / {{ return 200; }}
  }}
}}
""")
        return [program("nginx"), "-p", self.folder, "-e", self.folder / "start.log", "-c", config]
