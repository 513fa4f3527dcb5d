"""A receiver of Forward protocol that is no Penstock, and answers as a test wants."""

import gzip
import hashlib
import os
import socket
import threading
from dataclasses import dataclass

import msgpack

CLOSE = object()  # in place of an answer


@dataclass
class Chunk:
    connection: int
    id: str
    tag: str
    entries: list  # (seconds, nanoseconds, record)
    option: dict


def _time(value) -> tuple:
    if isinstance(value, msgpack.ExtType):
        assert value.code == 0 and len(value.data) == 8
        return int.from_bytes(value.data[:4], "big"), int.from_bytes(value.data[4:], "big")
    return value, 0


def _sha512(*parts: bytes) -> str:
    return hashlib.sha512(b"".join(parts)).hexdigest()


class ForwardReceiver:
    """Listens on tcp. `answer(chunk)`, called on a connection's thread, gives the bytes that a chunk is answered with, None
    for nothing, or CLOSE; without it each chunk is acknowledged at once. With `key` (and `users`, a dict) the handshake comes
    first. `chunks` are all that came, in order; `ended` counts connections that the sender has ended with FIN."""

    def __init__(self, answer=None, key: str = None, users: dict = None):
        self._answer = answer or ack
        self._key, self._users = key, users or {}
        self.chunks = []
        self.connections = self.ended = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"

    def records(self) -> list:
        """The texts of all messages of raw records."""
        return [entry[2]["message"].encode() for chunk in self.chunks for entry in chunk.entries]

    def close(self):
        self._listener.close()

    def _accept(self):
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(peer, self.connections), daemon=True).start()

    def _serve(self, peer, connection: int):
        try:
            with peer:
                self._talk(peer, connection)
        except (ConnectionResetError, BrokenPipeError):
            pass

    def _talk(self, peer, connection: int):
        messages = msgpack.Unpacker(max_buffer_size=1 << 26)
        if self._key is not None and not self._greet(peer, messages):
            return
        while data := peer.recv(65536):
            messages.feed(data)
            for message in messages:
                chunk = self._chunk(connection, *message)
                self.chunks.append(chunk)
                answer = self._answer(chunk)
                if answer is CLOSE:
                    return
                if answer is not None:
                    peer.sendall(answer)
        self.ended += 1

    def _greet(self, peer, messages) -> bool:
        nonce, auth = os.urandom(16), os.urandom(16) if self._users else b""
        peer.sendall(msgpack.packb(["HELO", {"nonce": nonce, "auth": auth, "keepalive": True}]))
        while (data := peer.recv(65536)) and not messages.feed(data):
            for kind, host, salt, digest, user, password in messages:
                assert kind == "PING"
                key = self._key.encode()
                known = digest == _sha512(salt, host.encode(), nonce, key) and (not self._users or password == _sha512(
                    auth, user.encode(), self._users.get(user, "").encode()))
                pong = ["PONG", True, "", "here", _sha512(salt, b"here", nonce, key)] if known else ["PONG", False, "who are you", "", ""]
                peer.sendall(msgpack.packb(pong))
                return known
        return False

    @staticmethod
    def _chunk(connection: int, tag: str, packed: bytes, option: dict) -> Chunk:
        if option.get("compressed") == "gzip":
            packed = gzip.decompress(packed)
        unpacker = msgpack.Unpacker()
        unpacker.feed(packed)
        entries = [(*_time(when), fields) for when, fields in unpacker]
        assert option["size"] == len(entries)
        return Chunk(connection, option["chunk"], tag, entries, option)


def ack(chunk: Chunk) -> bytes:
    return msgpack.packb({"ack": chunk.id})
