"""A cluster of Debian's nats-server with JetStream, and a client of a few lines that orders streams and reads them back."""

import base64
import binascii
import collections
import contextlib
import json
import os
import shutil
import signal
import socket
import ssl
import struct
import subprocess
from pathlib import Path

from . import peers
from .settings import PATIENCE, cannot_run
from .stores import free_port
from .wait import wait_until

_ANSWERS, _DATA = "1", "2"  # subscriptions of each client
_ANSWER_PATIENCE = 10  # seconds; what is asked for in the moment in which a leader changes may have no answer at all
_READ_AHEAD = 500
_FIRST_UID = 61_000  # each node is a user of its own, so that nftables can tell whose packets these are


class Message:
    """One that a stream has."""

    def __init__(self, subject: str, headers: dict, value: bytes):
        self.subject, self.headers, self.value = subject, headers, value


def _headers(block: bytes) -> dict:
    lines = block.decode().split("\r\n")[1:]
    return dict(line.split(": ", 1) for line in lines if line)


def _stored(message: dict) -> Message:
    headers, value = (base64.b64decode(message.get(part, "")) for part in ("hdrs", "data"))
    return Message(message["subject"], _headers(headers), value)


class Client:
    """The protocol of NATS over one connection: https://docs.nats.io/reference/reference-protocols/nats-protocol."""

    def __init__(self, host: str, port: int, tls: tuple = None, **connect):
        self._sock = socket.create_connection((host, port), _ANSWER_PATIENCE)
        info = b""
        while not info.endswith(b"\r\n"):  # byte by byte: TLS may begin behind it
            info += self._sock.recv(1)
        assert info.startswith(b"INFO ")
        if tls:
            context = ssl.create_default_context(cafile=tls[0])
            context.check_hostname = False
            context.load_cert_chain(*tls[1:])
            self._sock = context.wrap_socket(self._sock)
        self._file = self._sock.makefile("rb")
        options = {"verbose": False, "headers": True, "no_responders": True, **connect}
        self._send(f"CONNECT {json.dumps(options)}\r\nSUB _INBOX.answers {_ANSWERS}\r\nSUB _INBOX.data {_DATA}\r\n")
        self._read = {_ANSWERS: collections.deque(), _DATA: collections.deque()}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()
        self._sock.close()

    def _send(self, text: str):
        self._sock.sendall(text.encode())

    def _next(self, subscription: str) -> Message:
        """The next message of a subscription; PINGs are answered meanwhile."""
        while not self._read[subscription]:
            words = self._file.readline().decode().split()
            if not words or words[0] == "-ERR":
                raise ConnectionError(" ".join(words))
            if words[0] == "PING":
                self._send("PONG\r\n")
            if words[0] in ("MSG", "HMSG"):
                total = int(words[-1])
                headed = int(words[-2]) if words[0] == "HMSG" else 0
                body = self._file.read(total + 2)[:-2]
                self._read[words[2]].append(Message(words[1], _headers(body[:headed]) if headed else {}, body[headed:]))
        return self._read[subscription].popleft()

    def api(self, subject: str, order: dict = None) -> dict:
        """JetStream's answer; ConnectionError where nobody gives one."""
        payload = json.dumps(order) if order else ""
        self._send(f"PUB $JS.API.{subject} _INBOX.answers {len(payload.encode())}\r\n{payload}\r\n")
        answer = self._next(_ANSWERS)
        if not answer.value:
            raise ConnectionError("no responders")
        return json.loads(answer.value)

    def read(self, stream: str) -> list:
        """All that is in it, in its order: asked for one by one, as its leader has them. (A consumer that is made while its node
        catches up may stand still before the end.) ValueError where not all are given, as while its leader changes."""
        state = self.api(f"STREAM.INFO.{stream}")["state"]
        numbers = range(state["first_seq"], state["last_seq"] + 1)
        messages = []
        for first in range(0, len(numbers), _READ_AHEAD):
            asked = numbers[first:first + _READ_AHEAD]
            orders = (json.dumps({"seq": number}) for number in asked)
            self._send("".join(f"PUB $JS.API.STREAM.MSG.GET.{stream} _INBOX.data {len(order)}\r\n{order}\r\n" for order in orders))
            answers = [json.loads(self._next(_DATA).value) for _ in asked]
            messages += [answer["message"] for answer in answers if "message" in answer]
        if len(messages) != state["messages"]:
            raise ValueError(f"{len(messages)} messages could be read of {state}")
        return [_stored(message) for message in sorted(messages, key=lambda message: message["seq"])]


class Node:
    """One nats-server, which may be killed, frozen and started again."""

    def __init__(self, program: Path, folder: Path, number: int):
        self._program = program
        self.name = f"n{number}"
        self.uid = _FIRST_UID + number
        self.folder = folder / self.name
        self.folder.mkdir()
        os.chown(self.folder, self.uid, self.uid)
        self.port, self.cluster_port = free_port(), free_port()
        self._process = None

    @property
    def url(self) -> str:
        return self.address("nats")

    def address(self, scheme: str) -> str:
        return f"{scheme}://localhost:{self.port}"

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def configure(self, routes: list, extra: str):
        cluster = f"""cluster {{ name: test, listen: "127.0.0.1:{self.cluster_port}", routes: {json.dumps(routes)} }}""" if routes else ""
        (self.folder / "nats.conf").write_text(f"""
server_name: {self.name}
listen: "127.0.0.1:{self.port}"
jetstream {{ store_dir: "{self.folder}/store", max_memory_store: 256MB, max_file_store: 4GB }}
{cluster}
{extra}
""")

    def start(self):
        with open(self.folder / "log", "ab") as log:
            self._process = subprocess.Popen([self._program, "-c", self.folder / "nats.conf"], stdin=subprocess.DEVNULL, stdout=log,
                                             stderr=log, user=self.uid, group=self.uid, extra_groups=[])

    def kill(self):
        self._process.kill()
        self._process.wait(PATIENCE)

    def freeze(self):
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self._process.send_signal(signal.SIGCONT)

    def said(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-5000:]

    def client(self, **connect) -> Client:
        return Client("127.0.0.1", self.port, **connect)


class Cluster:
    """`with Cluster(folder) as cluster`: nodes that are up and have a leader of JetStream. `extra` goes into the configuration of
    each; `connect` is what clients of the tests say about themselves, and `tls` their authority, certificate and key."""

    def __init__(self, folder: Path, nodes: int = 3, extra: str = "", connect: dict = None, tls: tuple = None):
        if os.geteuid() != 0:
            cannot_run("only root can start each server as a user of its own")
        program = shutil.copy2(peers.program("nats-server"), folder)  # where any user may start it
        self._connect = {"tls": tls, **(connect or {})}
        (folder / "nats").mkdir(mode=0o755)
        self.nodes = [Node(program, folder / "nats", number) for number in range(1, nodes + 1)]
        routes = [f"nats-route://127.0.0.1:{node.cluster_port}" for node in self.nodes] if nodes > 1 else []
        for node in self.nodes:
            node.configure(routes, extra)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        for node in self.nodes:
            if node.running:
                node.kill()

    def start(self):
        for node in self.nodes:
            if not node.running:
                node.start()
        self.wait_ready()

    def kill(self):
        for node in self.nodes:
            node.kill()

    @property
    def servers(self) -> list:
        return [node.url for node in self.nodes]

    def said(self) -> str:
        return "\n".join(node.said() for node in self.nodes)

    @contextlib.contextmanager
    def client(self):
        """To some node that runs."""
        with next(node for node in self.nodes if node.running).client(**self._connect) as client:
            yield client

    def ask(self, subject: str, order: dict = None):
        """JetStream's answer; None while there is none."""
        try:
            with self.client() as client:
                return client.api(subject, order)
        except OSError:
            return None

    def wait_ready(self):
        def ready():
            answer = self.ask("INFO")
            return answer and "error" not in answer and all(node.running for node in self.nodes)
        wait_until(ready, lambda: f"JetStream to be up:\n{self.said()}", pause=0.1)

    def stream(self, name: str, *subjects: str, **settings):
        """Makes one of files with a replica a node."""
        order = {"name": name, "subjects": list(subjects), "storage": "file", "num_replicas": len(self.nodes), **settings}

        def made():
            answer = self.ask(f"STREAM.CREATE.{name}", order)
            return answer if answer and "error" not in answer else None
        wait_until(made, lambda: f"stream {name}: {self.ask(f'STREAM.CREATE.{name}', order)}\n{self.said()}", pause=0.2)

    def info(self, name: str):
        """What JetStream says of a stream; None while it says nothing."""
        answer = self.ask(f"STREAM.INFO.{name}")
        return answer if answer and "error" not in answer else None

    def count(self, name: str) -> int:
        """Messages in a stream; -1 while nobody can tell."""
        info = self.info(name)
        return info["state"]["messages"] if info else -1

    def wait_healed(self, name: str):
        """Until all replicas of a stream are there and up to date."""
        def healed():
            cluster = (self.info(name) or {}).get("cluster", {})
            replicas = cluster.get("replicas", [])
            return cluster.get("leader") and len(replicas) == len(self.nodes) - 1 and all(each["current"] for each in replicas)
        wait_until(healed, lambda: f"{name} on all nodes: {self.info(name)}\n{self.said()}", pause=0.1)

    def leader(self, name: str) -> Node:
        """The node that leads a stream."""
        leads = wait_until(lambda: (self.info(name) or {}).get("cluster", {}).get("leader"), "a leader", pause=0.1)
        return next(node for node in self.nodes if node.name == leads)

    def read(self, name: str, at_least: int = 0) -> list:
        """All that is in a stream, in its order, once it has so many: a leader that has just been started has not taken all from
        its log yet."""
        def read():
            try:
                with self.client() as client:
                    return [client.read(name)]
            except (OSError, KeyError, ValueError):  # no answer, or none of a leader
                return None
        wait_until(lambda: self.count(name) >= at_least, lambda: f"{at_least} in {name}: {self.info(name)}", pause=0.1)
        return wait_until(read, lambda: f"stream {name} to be read: {self.info(name)}\n{self.said()}", pause=0.5)[0]


def sink(cluster, **keys) -> dict:
    return {"type": "nats", "servers": cluster.servers, "subject": "logs.{listener}", **keys}


def between_clients_and(nodes: list, condition: str = "") -> list:
    """Rules for what clients and these nodes send each other."""
    ports = ", ".join(str(node.port) for node in nodes)
    return [f"tcp {side} {{ {ports} }} {condition}" for side in ("dport", "sport")]


def between_nodes(node: Node, others: list) -> list:
    """Rules for what a node and the others send each other."""
    ports = ", ".join(str(other.cluster_port) for other in others)
    return [f"meta skuid {node.uid} tcp dport {{ {ports} }}", f"tcp dport {node.cluster_port}", f"tcp sport {node.cluster_port}"]


class Authority:
    """Signs certificates of hosts, in a folder that any user may read."""

    def __init__(self, folder: Path, name: str):
        self.folder = folder / name
        self.folder.mkdir(mode=0o755)
        self.certificate = self.folder / "ca.pem"
        self._run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                  "-keyout", "ca.key", "-out", "ca.pem")

    def _run(self, *arguments: str):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)

    def certify(self, host: str):
        """The files of a certificate and its key."""
        self._run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={host}", "-keyout", f"{host}.key",
                  "-out", f"{host}.csr")
        (self.folder / f"{host}.ext").write_text(f"subjectAltName=DNS:{host}\n")
        self._run("x509", "-req", "-in", f"{host}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile",
                  f"{host}.ext", "-out", f"{host}.pem")
        for path in self.folder.iterdir():
            path.chmod(0o644)
        return self.folder / f"{host}.pem", self.folder / f"{host}.key"


def _nkey_text(prefix: bytes, key: bytes) -> str:
    """https://github.com/nats-io/nkeys: base32 of prefix, key and CRC-16 (XMODEM), little-endian."""
    return base64.b32encode(prefix + key + struct.pack("<H", binascii.crc_hqx(prefix + key, 0))).decode().rstrip("=")


def make_nkey(folder: Path):
    """A user's public key, and the file of its seed."""
    seed = os.urandom(32)
    private = folder / "nkey.der"
    private.write_bytes(bytes.fromhex("302e020100300506032b657004220420") + seed)  # RFC 8410
    public = subprocess.run(["openssl", "pkey", "-inform", "DER", "-in", private, "-pubout", "-outform", "DER"], check=True,
                            capture_output=True).stdout[-32:]
    path = folder / "user.nk"
    seed_prefix, user = 18 << 3, 20 << 3
    path.write_text(_nkey_text(bytes([seed_prefix | user >> 5, (user & 31) << 3]), seed) + "\n")
    return _nkey_text(bytes([user]), public), path
