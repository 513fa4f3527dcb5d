"""Senders of records with fields, and the JSON lines in which they arrive."""

import json
import subprocess

from . import node
from .address import Address
from .clients import send_packets, send_stream
from .wait import wait_until

JSON = {"encoding": "json"}
# A udp socket's buffer holds at least as many small datagrams; more are sent only when those have arrived.
WINDOW = 100


def lines(server, name: str = "out.log") -> list:
    return [json.loads(line) for line in server.records(name)]


def wait_lines(server, count: int) -> list:
    wait_until(lambda: len(server.records()) >= count,
               lambda: f"{count} records, but {len(server.records())}:\n{server.log_text()}")
    return lines(server)


def send_paced(server, address: Address, messages: list, delimiter: bytes = b"\n", window: int = WINDOW):
    """`messages`, each of which becomes one record: a stream at once, datagrams in windows that are awaited."""
    if address.scheme in ("tcp", "tcp4", "tcp6", "unix"):
        return send_stream(address, b"".join(message + delimiter for message in messages))
    for at in range(0, len(messages), window):
        send_packets(address, messages[at: at + window])
        wait_lines(server, min(at + window, len(messages)))


def window_of(address: Address) -> int:
    """How many datagrams the address holds for senders that do not wait; net.unix.max_dgram_qlen is 10 by default."""
    return 8 if address.scheme == "unixgram" else WINDOW


def drive(client, server, count: int, window: int = WINDOW):
    """A client that sends as many records as each line of its input says, and then says `sent`; windows are awaited."""
    with client:
        for at in range(0, count, window):
            client.stdin.write(f"{min(window, count - at)}\n")
            client.stdin.flush()
            assert client.stdout.readline() == "sent\n"
            wait_lines(server, min(at + window, count))
        client.stdin.close()
        assert client.wait(60) == 0


def send_by_node(server, logger: str, protocol: str, address: Address, count: int, pad: int = 0, window: int = WINDOW):
    """`count` records by integration/node/send_fields.js, in windows that are awaited."""
    where = (address.path, 0) if address.is_unix else (address.host, address.port)
    client = node.start("send_fields.js", logger, protocol, *where, *([pad] if pad else []),
                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    drive(client, server, count, window)
