"""One peer that writes as fast as it can, beside 100 peers of 10 records a second on the same loop: how late are these?"""

import contextlib
import resource
import socket
import subprocess
import threading
import time

import measure
import targets

PEERS, RATE, SECONDS = 100, 10, 5


@contextlib.contextmanager
def held(port: int, count: int):
    """`count` connections that say nothing."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    socks = []
    try:
        for _ in range(count):
            socks.append(socket.create_connection(("127.0.0.1", port)))
        yield socks
    finally:
        for sock in socks:
            sock.close()


def _watch(path, delays, quit_):
    """Reads lines of `path` as they come; each begins with the monotonic time at which it was sent."""
    while not path.exists() and not quit_.is_set():
        time.sleep(0.001)
    with open(path, "rb") as file:
        rest = b""
        while not quit_.is_set():
            data = file.read(1 << 16)
            if not data:
                time.sleep(0.0005)
                continue
            now = time.monotonic()
            *lines, rest = (rest + data).split(b"\n")
            delays.extend(now - float(line.split(b" ")[0]) for line in lines)


def run():
    delays, quit_ = [], threading.Event()
    with measure.serving("penstock", "tcp") as (process, first):
        process.terminate()  # its place with another configuration: one loop, a file a listener
        process.wait()
        place = targets.Place(first.folder, "tcp", first.port)
        slow_port = measure.free_port()
        config = place.folder / "fair.toml"
        config.write_text(f"""[server]
threads = 1
[[listener]]
name = "fast"
listen = "tcp4://127.0.0.1:{place.port}"
[[listener]]
name = "slow"
listen = "tcp4://127.0.0.1:{slow_port}"
[[sink]]
name = "out"
path = "{place.folder}/{{listener}}.out"
""")
        server = subprocess.Popen([targets.binary(), "run", "--config", config], cwd=place.folder,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            while not measure.listens(targets.Place(place.folder, "tcp", slow_port)):
                time.sleep(0.02)
            flood = subprocess.Popen([targets.binary(), "send", place.url, "--duration", str(SECONDS + 2), "--quiet"])
            watcher = threading.Thread(target=_watch, args=(place.folder / "slow.out", delays, quit_))
            watcher.start()
            time.sleep(1)
            with held(slow_port, PEERS) as socks:
                for turn in range(SECONDS * RATE * PEERS):
                    socks[turn % PEERS].sendall(b"%.6f slow\n" % time.monotonic())
                    time.sleep(1 / (RATE * PEERS))
                time.sleep(0.5)
            quit_.set()
            watcher.join()
            flood.wait()
        finally:
            server.terminate()
            server.wait()
    delays.sort()
    print(f"  {len(delays)} records of {PEERS} peers beside a flat-out one: p50 {delays[len(delays) // 2] * 1e3:.1f} ms, "
          f"p99 {delays[len(delays) * 99 // 100] * 1e3:.1f} ms")
