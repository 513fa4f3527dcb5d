"""Scenarios without a floor: memory of idle connections and at full speed, and a quiet peer beside a loud one."""

import os
import resource
import socket
import subprocess
import threading
import time

from rig import PENSTOCK, serve
from table import Row, median


def idle_memory(connections: int, table):
    """Resident memory that a connection adds once it has sent one record and gone silent."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    connections = min(connections, hard - 200)
    with serve(None, "penstock", "tcp") as target:
        host, port = target.address.split(":")
        before = target.process.memory_kib()
        peers = []
        for i in range(connections):
            peers.append(socket.create_connection((host, int(port)), 10))
            peers[-1].sendall(b"x" * 200 + b"\n")
            if i % 64 == 63:
                time.sleep(0.001)  # lets the accept queue drain
        time.sleep(4)  # an idle listener gives its block back within two seconds
        each = (target.process.memory_kib() - before) / connections
        for peer in peers:
            peer.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    table.add(Row(f"an idle connection, at {connections:,}: KiB of user memory", "<= 1", f"{each:.2f}", each <= 1,
                  f"{before / 1024:.1f} MiB before the first"))


def memory_at_full_speed(seconds: int, table):
    """Resident memory at 16 connections flat out; the file is cut back all the while."""
    samples = []
    with serve(None, "penstock", "tcp") as target:
        sender = subprocess.Popen([PENSTOCK, "send", "--quiet", "--duration", f"{seconds}s", "--connections", "16", target.url()],
                                  stdin=subprocess.DEVNULL)
        while sender.poll() is None:
            samples.append(target.process.memory_kib() / 1024)
            os.truncate(target.out, 0)
            time.sleep(0.05)
        peak = target.process.memory_kib("VmHWM") / 1024
    thirds = len(samples) // 3
    steady = median(samples[-thirds:])
    table.add(Row("resident memory at full TCP speed, MiB", "<= 32, steady", f"{peak:.1f} peak", peak <= 32,
                  f"median of the first third {median(samples[:thirds]):.1f}, of the last {steady:.1f}"))


def quiet_beside_loud(seconds: int, table, quiet_peers=100, per_second=10):
    """p99 from send to file of peers with a few records a second, on the loop of one that sends flat out."""
    with serve(None, "penstock", "tcp", threads=1, out="{peer}.log") as target:
        host, port = target.address.split(":")
        quiet = [socket.create_connection((host, int(port)), 5, source_address=("127.0.0.2", 0)) for _ in range(quiet_peers)]
        folder = target.out.parent
        loud = subprocess.Popen([PENSTOCK, "send", "--quiet", "--duration", f"{seconds + 1}s", target.url()],
                                stdin=subprocess.DEVNULL)
        stop = threading.Event()
        sender = threading.Thread(target=_send_stamps, args=(quiet, per_second, stop))
        sender.start()
        cutter = threading.Thread(target=_cut_back, args=(folder / "127.0.0.1.log", stop))
        cutter.start()
        delays = _watch(folder / "127.0.0.2.log", seconds)
        stop.set()
        sender.join()
        cutter.join()
        loud.wait()
    p99 = sorted(delays)[int(len(delays) * 0.99)] if delays else float("inf")
    wanted = quiet_peers * per_second * seconds
    table.add(Row("1 flat-out peer beside 100 of 10 records/s, one loop: p99, ms", "< 50", f"{p99:.1f}", p99 < 50,
                  f"median {median(delays) if delays else float('nan'):.1f} ms, {len(delays)} of about {wanted} records seen"))


def _send_stamps(peers, per_second, stop):
    """Each peer's turn comes `per_second` times a second; each record holds the time at which it was sent."""
    due = time.monotonic()
    while not stop.is_set():
        for peer in peers:
            due += 1 / (per_second * len(peers))
            time.sleep(max(0, due - time.monotonic()))
            peer.sendall(b"%.6f %s\n" % (time.monotonic(), b"q" * 150))


def _cut_back(file, stop):
    """In small steps: while a file is cut, the sink waits for its lock."""
    while not stop.is_set():
        if file.exists() and file.stat().st_size > 32 << 20:
            os.truncate(file, 0)
        time.sleep(0.005)


def _watch(quiet, seconds):
    delays, rest = [], b""
    limit = time.monotonic() + seconds
    while not quiet.exists() and time.monotonic() < limit:
        time.sleep(0.001)
    with quiet.open("rb") as file:
        while time.monotonic() < limit:
            data = rest + file.read()
            seen = time.monotonic()
            *lines, rest = data.split(b"\n")
            delays += [1000 * (seen - float(line.split(b" ", 1)[0])) for line in lines]
            time.sleep(0.001)
    return delays
