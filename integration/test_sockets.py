"""penstock sockets and /api/sockets: what the kernel holds of each socket, as ss and the sockets themselves say it, and why
it is not read."""

import contextlib
import json
import socket
import subprocess
import sys
import time
from pathlib import Path

from support.clients import send_stream
from support.command import penstock_command
from support.kernel import Borrowed, ss, udp_line
from support.records import record
from support.stalled import StalledPipe
from support.wait import wait_until

SCHEMES = ("tcp4", "tcp6", "udp4", "unix", "unixgram", "unixpacket")
URLS = ["tcp4://127.0.0.1:0", "tcp6://[::1]:0", "udp4://127.0.0.1:0", "unix://./s.sock", "unixgram://./g.sock",
        "unixpacket://./p.sock"]


def rows(server, query: str = "") -> list:
    return server.admin.json("/api/sockets" + query)["sockets"]


def row(server, scheme: str, kind: str, peer: str = "") -> dict:
    found = [one for one in rows(server) if one["url"].startswith(scheme + "://") and one["kind"] == kind
             and peer in one["peer"]]
    assert len(found) == 1, found
    return found[0]


class Stopped:
    """A server whose sink stands still and whose gate is shut, with a client of each scheme that has not sent yet."""

    def __init__(self, penstock):
        self.pipe = StalledPipe()
        self.server = penstock({"listen": URLS},
                               {"name": "archive", "type": "stdout", "queue": {"max_bytes": "64KiB"}},
                               stdout=self.pipe.write_end)
        self.pipe.started()
        self.sent = 0
        self.clients = {scheme: self.server.address(scheme).connect() for scheme in SCHEMES}

    def shut(self, filler):
        """Records on a connection of its own until nothing goes in any more."""
        filler.setblocking(False)
        block = b"".join(record("f", number, 1000) + b"\n" for number in range(64))
        whole = self.server.admin.listener
        unsent = b""

        def is_shut():
            nonlocal unsent
            with contextlib.suppress(BlockingIOError):
                unsent = unsent or block
                unsent = unsent[filler.send(unsent):]
            return not whole()["gate"]["open"]

        wait_until(is_shut, "the shut gate", pause=0.001)
        filler.setblocking(True)
        filler.sendall(unsent or block)  # finds the gate shut

    def send(self, scheme: str, data: bytes):
        assert self.clients[scheme].send(data) == len(data)


@contextlib.contextmanager
def stopped_and_shut(penstock):
    """A Stopped server, its gate shut by a connection of its own, until its clients are closed."""
    stopped = Stopped(penstock)
    with contextlib.ExitStack() as closing:
        for client in stopped.clients.values():
            closing.enter_context(client)
        filler = closing.enter_context(socket.create_connection(stopped.server.address("tcp4").where))
        stopped.shut(filler)
        yield stopped


def assert_as_the_kernel_says(server, one: dict):
    """One row against `ss` and, where it is a connection or a datagram socket, against the socket itself."""
    seen = ss()[one["inode"]]
    if one["kind"] == "listening":
        queues = one["accept_queue"], one["backlog"]
        assert (one["receive_queue_bytes"], one["send_queue_bytes"]) == (0, 0)
    else:
        queues = one["receive_queue_bytes"], one["send_queue_bytes"]
        assert (one["accept_queue"], one["backlog"]) == (0, 0)
    assert queues == (seen.receive_queue, seen.send_queue), (one, seen)
    assert one["state"] == seen.state
    # A sender before a shut window goes on to probe, and each probe counts as a drop: that of a tcp connection moves.
    drops = one["kernel_drops"] if one["kind"] != "connection" else None
    memory = one["receive_buffer_fill_bytes"], one["receive_buffer_bytes"], drops
    assert memory == (seen.memory["r"], seen.memory["rb"], None if drops is None else seen.memory["d"]), (one, seen)
    with Borrowed(server.pid, one["inode"]) as borrowed:
        meminfo = borrowed.memory()
        assert memory == (meminfo[0], meminfo[1], None if drops is None else meminfo[8])
        if one["kind"] == "connection":
            assert queues == (borrowed.unread(), borrowed.unacknowledged())


def wait_for_rest(server):
    """Nothing more arrives in the kernel's queues: what fills the pipe is still on its way when the first ones pause."""
    seen = []

    def at_rest():
        seen.append(sorted((one["url"], one["peer"], one["receive_queue_bytes"]) for one in rows(server)))
        return len(seen) > 1 and seen[-1] == seen[-2]
    wait_until(at_rest, lambda: f"an end of what arrives: {seen[-2:]}", pause=0.2)


def test_figures_are_the_kernels(penstock):
    """Every kind of socket with bytes that wait: Recv-Q, Send-Q, buffers and drops as ss, SIOCINQ and SO_MEMINFO have them;
    paused ones grow, and name the sink. Behind the pause everything is delivered."""
    with stopped_and_shut(penstock) as stopped:
        server = stopped.server
        for scheme in SCHEMES:
            stopped.send(scheme, b"x" * 99 + b"\n")
        wait_until(lambda: len(rows(server, "?paused=1")) == len(SCHEMES) + 1, lambda: f"pauses: {rows(server)}")
        assert len(rows(server)) == 4 + 2 + 5  # listening, datagram sockets, connections with the filler
        wait_for_rest(server)
        for one in rows(server):
            assert_as_the_kernel_says(server, one)
        # What was sent is what waits; udp charges the buffer for more than that.
        for scheme in ("tcp4", "tcp6", "unix", "unixpacket"):
            local = "%s:%d" % stopped.clients[scheme].getsockname()[:2] if scheme == "tcp4" else ""
            one = row(server, scheme, "connection", local)
            assert (one["receive_queue_bytes"], one["read_bytes"], one["events"]) == (100, 0, 0), one
            assert one["phase"] == "paused" and one["paused_by"] == "archive" and one["paused_seconds"] >= 0
        assert row(server, "unixgram", "datagram")["receive_queue_bytes"] == 100
        udp = row(server, "udp4", "datagram")
        kernel_line = udp_line(server.address("udp4").port)
        assert udp["inode"] == kernel_line["inode"] and udp["paused_by"] == "archive"
        assert udp["receive_queue_bytes"] == kernel_line["rx_queue"] == udp["receive_buffer_fill_bytes"] > 100
        # It grows in the rows of those that go on sending, and in no other.
        stopped.send("tcp6", b"y" * 999 + b"\n")
        stopped.send("unix", b"y" * 999 + b"\n")
        assert row(server, "tcp6", "connection")["receive_queue_bytes"] == 1100
        assert row(server, "unix", "connection")["receive_queue_bytes"] == 1100
        assert row(server, "unixpacket", "connection")["receive_queue_bytes"] == 100
        for one in rows(server):
            assert_as_the_kernel_says(server, one)
        unix = row(server, "unix", "connection")
        assert unix["peer"].startswith("pid=") and unix["command"] == Path("/proc/self/comm").read_text().strip()

        # The sums in /api/status are the same, a second later at most.
        def sums_agree():
            kernel = server.admin.listener()["kernel"]
            listed = rows(server)
            return (kernel["receive_queue_bytes"] == sum(one["receive_queue_bytes"] for one in listed)
                    and kernel["backlog"] == sum(one["backlog"] for one in listed) > 0)
        wait_until(sums_agree, lambda: f"{server.admin.listener()['kernel']}, {rows(server)}")

        assert_commands_show_the_pause(server)
        stopped.pipe.flow()
        wait_until(lambda: rows(server, "?paused=1") == [], lambda: f"the pause's end: {rows(server)}")
        wait_until(lambda: sum(one["receive_queue_bytes"] for one in rows(server)) == 0, "everything read")
    server.stop()
    assert stopped.pipe.records().count(b"x" * 99) == len(SCHEMES)


def assert_commands_show_the_pause(server):
    """The command shows what the API says; sorted, filtered, within 100 columns."""
    def command(*options):
        return penstock_command("sockets", "--config", server.config, *options).stdout.splitlines()

    table = command("--paused", "--sort", "recv-q")
    assert table[0].split() == ["STATE", "RECV-Q", "SEND-Q", "DROPS", "URL", "PEER", "RATE/S", "AGE", "IDLE", "PAUSED"]
    assert len(table) == 1 + len(SCHEMES) + 1 + 1 and all(len(line) <= 100 for line in table), table
    assert all(line.endswith(" archive") for line in table[1:-1]), table
    assert table[-1] == f"{len(SCHEMES) + 1} sockets"
    listening = command("--state", "LISTEN")
    assert len(listening) == 6 and all(line.split()[:3] == ["LISTEN", "0", "4096"] for line in listening[1:-1]), listening
    assert command("--limit", "2", "--kind", "connection")[-1] == "2 of 5 sockets"
    document = json.loads("\n".join(command("--json", "--peer", "[::1]")))
    assert [one["url"].partition(":")[0] for one in document["sockets"]] == ["tcp6"]
    refused = penstock_command("sockets", "--config", server.config, "--sort", "size", expect=1)
    assert "expected one of kind" in refused.stderr


def test_kernel_drops_of_each_datagram_socket(penstock):
    """A udp socket that overflows shows its drops as /proc/net/udp counts them; the listener's count follows."""
    with stopped_and_shut(penstock) as stopped:
        server = stopped.server
        sent = 3000
        for number in range(sent):
            stopped.send("udp4", record("d", number, 500))
        port = server.address("udp4").port
        one = row(server, "udp4", "datagram")
        dropped = udp_line(port)["drops"]
        assert one["kernel_drops"] == dropped > 0
        assert_as_the_kernel_says(server, one)
        first = penstock_command("sockets", "--config", server.config, "--sort", "drops").stdout.splitlines()[1]
        assert "udp4://" in first and first.split()[0] == "UNCONN" and first.split()[3] != "0"
        wait_until(lambda: server.admin.listener()["kernel_drops"] == dropped, "the drops in the ledger")
        stopped.pipe.flow()
        wait_until(lambda: server.admin.listener()["datagrams"] == sent - dropped, "the other datagrams")
    server.stop()


def test_the_accept_queue(penstock):
    """Connections that no descriptor is left for wait in the queue: seen in the row, in ss and in the sums."""
    server = penstock({"listen": ["tcp4://127.0.0.1:0", "unix://./s.sock"]}, descriptors=64)
    with contextlib.ExitStack() as closing:
        def connect(scheme):
            client = closing.enter_context(server.address(scheme).connect())
            client.sendall(b"one\n")

        limit = server.admin.status()["connections"]["max"]
        for _ in range(limit):
            connect("tcp4")
        wait_until(lambda: server.admin.status()["connections"]["active"] == limit, "all places taken")
        for _ in range(7):
            connect("tcp4")
        for _ in range(3):
            connect("unix")
        for scheme, waiting in (("tcp4", 7), ("unix", 3)):
            one = wait_until(lambda: (r := row(server, scheme, "listening"))["accept_queue"] and r, "a queue")
            assert one["accept_queue"] == waiting
            assert_as_the_kernel_says(server, one)
        wait_until(lambda: server.admin.listener()["kernel"]["accept_queue"] == 10, "the sum")
        assert len(rows(server, "?kind=connection")) == limit
        # What the seven tcp connections have sent waits too, though they are nobody's yet.
        wait_until(lambda: server.admin.listener()["kernel"]["receive_queue_bytes"] == 7 * 4, "their bytes")
    server.stop(expect=None)


def test_ten_thousand_connections(penstock, record_property):
    """From several addresses, all listed, each once, in some milliseconds; the data path goes on meanwhile."""
    count = 10_000
    server = penstock({"listen": ["tcp4://127.0.0.1:0"]})
    client = subprocess.Popen([sys.executable, Path(__file__).parent / "support/many_connections.py",
                               str(server.address("tcp4").port), str(count), "10"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    try:
        ends = set()
        for line in client.stdout:
            if line == "done\n":
                break
            ends.add(line.strip())
        assert len(ends) == count
        wait_until(lambda: server.admin.listener()["events"] == count, "a record of each")
        times = []
        for _ in range(5):
            begin = time.monotonic()
            body = server.admin.get("/api/sockets")
            times.append((time.monotonic() - begin) * 1000)
        document = json.loads(body)
        assert document["total"] == count + 1 and not document["incomplete"]
        connections = [one for one in document["sockets"] if one["kind"] == "connection"]
        assert {one["peer"] for one in connections} == ends and len(connections) == count
        assert {one["state"] for one in connections} == {"ESTAB"}
        assert {(one["read_bytes"], one["events"], one["receive_queue_bytes"]) for one in connections} == {(14, 1, 0)}
        for one in connections[:: count // 20]:
            assert_as_the_kernel_says(server, one)
        few = server.admin.json("/api/sockets?sort=-age_seconds&limit=10&peer=127.0.0.7:")
        assert few["total"] == count // 10 and len(few["sockets"]) == 10
        ages = [one["age_seconds"] for one in few["sockets"]]
        assert ages == sorted(ages, reverse=True)
        record_property("told", f"/api/sockets with {count} connections, {len(body)} bytes: "
                                f"{min(times):.0f} to {max(times):.0f} ms, said of itself {document['took_ms']:.0f} ms")
        send_stream(server.address("tcp4"), b"another\n")
        wait_until(lambda: server.admin.listener()["events"] == count + 1, "the data path")
    finally:
        client.stdin.close()
        client.wait(60)
        client.stdout.close()
    server.stop()
