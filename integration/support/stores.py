"""Servers that keep records, as Debian has them, unpacked by ./dev under build/peers; and one of the tests that answers by a script."""

import http.client
import http.server
import json
import os
import signal
import socket
import ssl
import subprocess
import threading
import time
import urllib.parse
from pathlib import Path

from .peers import PEERS, library_environment
from .settings import PATIENCE, cannot_run
from .wait import wait_until


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Store:
    """One of them on a port of its own, in a folder of its own; may be killed and started again."""

    def __init__(self, folder: Path):
        self.folder = folder / type(self).__name__
        self.folder.mkdir()
        self.port = free_port()
        self._process = None

    def program(self) -> str:
        raise NotImplementedError

    def arguments(self) -> list:
        raise NotImplementedError

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill(signal.SIGTERM)

    def start(self):
        path = PEERS / self.program()
        if not path.exists():
            cannot_run(f"{path} is not unpacked; ./dev test does it")
        with open(self.folder / "log", "ab") as log:
            self._process = subprocess.Popen([path, *map(str, self.arguments())], env=library_environment(), cwd=self.folder,
                                             stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(lambda: self.answers() or self._process.poll() is not None, self.said)
        assert self._process.poll() is None, self.said()

    def kill(self, number=signal.SIGKILL):
        self._process.send_signal(number)
        self._process.wait(PATIENCE)

    def said(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def request(self, path: str, body: str = None, **query) -> str:
        """What it answers; of an error too."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            target = path + ("?" + urllib.parse.urlencode(query) if query else "")
            connection.request("GET" if body is None else "POST", target, body,
                               {"Content-Type": "application/x-www-form-urlencoded"})
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def answers(self) -> bool:
        try:
            self.request("/ping")
            return True
        except OSError:
            return False


class VictoriaMetrics(Store):
    def program(self):
        return "usr/bin/victoria-metrics"

    def arguments(self):
        return ["-storageDataPath=data", f"-httpListenAddr=127.0.0.1:{self.port}", "-retentionPeriod=100y", "-memory.allowedBytes=64MB"]

    def series(self) -> dict:
        """{(name, host): [(time in ms, value)]} of what it has."""
        self.request("/internal/force_flush")
        lines = [json.loads(line) for line in self.request("/api/v1/export", body="match[]={__name__!=''}").splitlines()]
        return {(line["metric"]["__name__"], line["metric"].get("host")): list(zip(line["timestamps"], line["values"]))
                for line in lines}


class InfluxDb(Store):
    def program(self):
        return "usr/bin/influxd"

    def arguments(self):
        (self.folder / "influx.conf").write_text(f"""
reporting-disabled = true
bind-address = "127.0.0.1:{free_port()}"
[meta]
  dir = "meta"
[data]
  dir = "data"
  wal-dir = "wal"
  index-version = "inmem"
[http]
  bind-address = "127.0.0.1:{self.port}"
  log-enabled = false
[monitor]
  store-enabled = false
""")
        return ["-config", "influx.conf"]

    def query(self, text: str) -> list:
        """The rows of the first series."""
        answer = json.loads(self.request("/query", body=urllib.parse.urlencode({"q": text, "db": "metrics", "epoch": "ns"})))
        series = answer["results"][0].get("series", [{"values": []}])
        return series[0]["values"]


class ClickHouse(Store):
    def program(self):
        return "usr/sbin/clickhouse-server"

    def arguments(self):
        (self.folder / "config.xml").write_text(f"""<yandex>
<logger><level>warning</level><console>1</console></logger>
<http_port>{self.port}</http_port><tcp_port>{free_port()}</tcp_port><listen_host>127.0.0.1</listen_host>
<path>{self.folder}/data/</path><tmp_path>{self.folder}/tmp/</tmp_path><mark_cache_size>5242880</mark_cache_size>
<users_config>users.xml</users_config><default_profile>default</default_profile><default_database>default</default_database>
</yandex>""")
        (self.folder / "users.xml").write_text("""<yandex><profiles><default></default></profiles><quotas><default></default></quotas>
<users><default><password></password><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota></default></users>
</yandex>""")
        return [f"--config-file={self.folder}/config.xml"]

    def query(self, text: str) -> list:
        return [json.loads(line) for line in self.request("/", body=text + " FORMAT JSONEachRow").splitlines()]

    def run(self, text: str):
        answer = self.request("/", body=text)
        assert answer == "", answer


class Scripted:
    """An HTTP server of the test: `answer(number, request)` gives (status, headers, body), or None to reset the connection.
    `requests` are those that came, with their path, headers and body."""

    def __init__(self, answer=None, context: ssl.SSLContext = None, port: int = 0):
        self.requests = []
        self._answer = answer or (lambda number, request: (200, {}, b""))
        self._lock = threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):  # the name that http.server looks for
                outer._serve(self)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        if context:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self.url = f"http{'s' if context else ''}://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def _serve(self, handler):
        request = {"path": handler.path, "headers": dict(handler.headers),
                   "body": handler.rfile.read(int(handler.headers["Content-Length"]))}
        with self._lock:
            number = len(self.requests)
            self.requests.append(request)
        answer = self._answer(number, request)
        if answer is None:
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
            return
        status, headers, body = answer
        request["status"] = status
        handler.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            handler.send_header(name, value)
        handler.end_headers()
        for at in range(0, len(body), 7):  # a slow one
            handler.wfile.write(body[at:at + 7])
            time.sleep(0.001)

    def taken(self) -> list:
        """Bodies that it has said 2xx of, in the order of their coming."""
        return [request["body"] for request in self.requests if 200 <= request.get("status", 0) < 300]


def certificates(folder: Path) -> dict:
    """Files of a certificate authority, a server for 127.0.0.1 and a client, made by openssl: {"ca": ..., "server": (cert, key), ...}."""
    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True, env={**os.environ, "RANDFILE": "rnd"})

    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "7300", "-subj", "/CN=test ca",
            "-keyout", "ca.key", "-out", "ca.pem")
    made = {"ca": folder / "ca.pem"}
    for name in ("server", "client"):
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                "-keyout", f"{name}.key", "-out", f"{name}.csr")
        (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "7300",
                "-extfile", "names", "-out", f"{name}.pem")
        made[name] = (folder / f"{name}.pem", folder / f"{name}.key")
    return made
