"""server.memory: what the server holds stays inside it, whatever the number of listeners and the size of a frame."""

import time

from support.address import any_url
from support.clients import send_stream
from support.records import assert_all_once, record
from support.settings import length, sanitized
from support.stalled import StalledPipe
from support.wait import wait_until

MEMORY = 16 << 20
ALLOWED = MEMORY * 11 // 10
# What is not on its way: thread stacks, the log, the sinks' write buffers, the allocator's own.
BESIDES = 2 << 20
LISTENERS = 100
RUN_S = length(30, 4)


def start_many(penstock, sink):
    """100 listeners, each read by both threads. Every thread has begun its work, so that what it holds is there."""
    listeners = [{"name": f"l{n}", "listen": f"unix://./l{n}.sock"} for n in range(LISTENERS)]
    server = penstock(listeners, {**sink, "queue": {"max_bytes": "1MiB"}},
                      server={"memory": "16MiB", "threads": 2, "drain_timeout": "60s", "flush_timeout": "60s"})
    wait_until(lambda: server.admin.listener("l0")["kernel"]["backlog"] > 0, "the first look at the sockets")
    return server


class Flat:
    """Connections that write whole records as fast as they are taken, from one thread."""

    def __init__(self, server, each):
        self.socks = [server.address(listener=f"l{n}").connect() for n in range(LISTENERS) for _ in range(each)]
        for sock in self.socks:
            sock.setblocking(False)
        self.data = b"".join(record("x", n, 199) + b"\n" for n in range(300))
        self.sent = [0] * len(self.socks)

    def write(self):
        """As much as each takes at once."""
        for n, sock in enumerate(self.socks):
            try:
                self.sent[n] += sock.send(self.data[self.sent[n] % len(self.data):])
            except BlockingIOError:
                pass

    def finish(self):
        """Completes the last record of each and ends its direction."""
        for n, sock in enumerate(self.socks):
            sock.setblocking(True)
            rest = -self.sent[n] % len(self.data)
            if rest:
                sock.sendall(self.data[-rest:])
                self.sent[n] += rest
            sock.shutdown(1)

    @property
    def records(self):
        return sum(self.sent) * 300 // len(self.data)


def assert_memory_holds(server, idle, flat):
    peak = 0
    until = time.monotonic() + RUN_S
    while time.monotonic() < until:
        flat.write()
        peak = max(peak, server.memory_bytes())
    if not sanitized():
        assert peak - idle <= ALLOWED + BESIDES, f"{(peak - idle) >> 10} KiB more than idle"


def test_hundred_listeners_flat_out(penstock):
    """Their smallest blocks alone would be half as much again as the memory: they wait for each other, and all go on."""
    server = start_many(penstock, {"type": "blackhole"})
    idle = server.memory_bytes()
    flat = Flat(server, 4)
    assert_memory_holds(server, idle, flat)
    before = list(flat.sent)
    wait_until(lambda: flat.write() or all(now > then for now, then in zip(flat.sent, before)), "each goes on")
    flat.finish()
    for sock in flat.socks:
        assert sock.recv(1) == b""
        sock.close()
    if not sanitized():
        wait_until(lambda: server.memory_bytes() - idle <= BESIDES,
                   lambda: f"the memory to go back to the system; {(server.memory_bytes() - idle) >> 10} KiB more than idle")
    server.stop()
    ledger = server.ledger()
    assert sum(ledger.route(f"l{n}", "out")["delivered"] for n in range(LISTENERS)) == flat.records


def test_hundred_listeners_on_a_stalled_sink(penstock):
    """They stand still inside the memory; a stop then still brings out everything that was sent."""
    pipe = StalledPipe()
    listeners = [{"name": f"l{n}", "listen": f"unix://./l{n}.sock"} for n in range(LISTENERS)]
    listeners.append({"name": "free", "listen": any_url("tcp4"), "sinks": ["file"]})
    for listener in listeners[:-1]:
        listener["sinks"] = ["slow"]
    server = penstock(listeners, [{"name": "slow", "type": "stdout"}, {"name": "file", "path": "free.log",
                                                                      "queue": {"max_bytes": "1MiB"}}],
                      server={"memory": "16MiB", "threads": 2, "drain_timeout": "60s", "flush_timeout": "60s"},
                      stdout=pipe.write_end)
    pipe.started()
    idle = server.memory_bytes()
    flat = Flat(server, 2)
    assert_memory_holds(server, idle, flat)
    sent = 20_000
    send_stream(server.address("tcp4", "free"), b"".join(record("free", n) + b"\n" for n in range(sent)))
    assert_all_once(server.wait_records(sent, "free.log"), "free", sent)
    pipe.flow()
    flat.finish()
    server.stop()
    assert len(pipe.records()) == flat.records


def test_a_frame_of_the_largest_size_arrives(penstock):
    """A quarter of the memory, in small pieces at first, then at once; alone, and again after others."""
    largest = MEMORY // 4
    server = penstock({"listen": any_url("tcp4"), "max_frame_bytes": largest}, server={"memory": "16MiB"})
    idle = server.memory_bytes()
    sizes = [largest // 2 + 1, largest - 1, largest, largest]
    for size in sizes:
        with server.address().connect() as sock:
            sock.sendall(b"z" * 4300)
            time.sleep(0.05)
            sock.sendall(b"z" * (size - 4300) + b"\n" + b"y" * 10 + b"\n")
            sock.shutdown(1)
            assert sock.recv(1) == b""
        if not sanitized():
            assert server.memory_bytes() - idle <= ALLOWED + BESIDES
    server.stop()
    assert [len(r) for r in server.records()] == [n for size in sizes for n in (size, 10)]
    assert server.ledger().listener()["ended"] == {"clean": len(sizes)}
