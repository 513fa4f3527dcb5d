"""penstock tap, /api/tap and the quarantine in /api/status: what passes by is seen, and nothing is slower or larger for it."""

import contextlib
import json
import re
import signal
import socket
import subprocess
import threading

from support.clients import send_stream
from support.command import penstock_command
from support.records import record
from support.settings import binary, length, sanitized
from support.tapping import Tapping
from support.wait import wait_until

ESCAPED = "\\x1b[2J \\x00\\xff\\xc2\\x9b end"
GARBAGE = b"\x1b[2J \x00\xff\xc2\x9b end"


def command(server, *arguments, **options) -> subprocess.Popen:
    """`penstock tap` of this server, on its own."""
    return subprocess.Popen([binary(), "tap", *arguments, "--config", server.config], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, **options)


def test_json_is_what_the_sink_writes(penstock):
    """Byte for byte, whatever was sent and however it came in; text is safe to show. Others' listeners are not seen."""
    server = penstock([{"name": "a", "listen": ["tcp://127.0.0.1:0", "unix://./a.sock"], "max_frame_bytes": 300},
                       {"name": "b", "listen": "tcp://127.0.0.1:0"}],
                      {"path": "{listener}.json", "encoding": "json"})
    tap, text = Tapping(server.admin, listener="a"), Tapping(server.admin, listener="a", format="text")
    assert (tap.type, text.type) == ("application/x-ndjson", "text/plain; charset=utf-8")
    send_stream(server.address("tcp", "b"), b"not here\n")
    sent = [b"plain", GARBAGE, "größe €😀".encode(), b'quote " backslash \\', b"x" * 1000]
    send_stream(server.address("tcp", "a"), b"\n".join(sent) + b"\n")
    assert tap.wait(5) and text.wait(5)  # no order is promised across connections
    send_stream(server.address("unix", "a"), b"by unix")  # partial
    written = server.wait_records(6, "a.json")
    assert [line.rstrip(b"\n") for line in tap.wait(6)] == written
    shown = [line.decode().rstrip("\n") for line in text.wait(6)]
    peer = server.address("tcp", "a").host + ":"
    assert all(line[23:25] == "Z " and line[25:].startswith(peer) for line in shown[:5]), shown
    assert shown[1].endswith(" " + ESCAPED) and shown[2].endswith(" größe €😀")
    assert shown[4].endswith(" [truncated] " + "x" * 300)
    assert shown[5].endswith(" [partial] by unix") and " pid=" in shown[5]
    server.stop()
    assert wait_until(lambda: tap.ended and text.ended, "the end of both")


def test_filters(penstock):
    """By part of the peer and by bytes of the message; several at a time, each its own."""
    server = penstock({"listen": "tcp://0.0.0.0:0"})
    port = server.address("tcp").port
    taps = {"all": Tapping(server.admin), "peer": Tapping(server.admin, peer="127.0.0.2:"),
            "contains": Tapping(server.admin, contains="ü &=%"), "both": Tapping(server.admin, peer="127.0.0.1", contains="2 ")}
    for number, source in enumerate(["127.0.0.1", "127.0.0.2", "127.0.0.1"]):
        with socket.create_connection(("127.0.0.1", port), source_address=(source, 0)) as sock:
            sock.sendall(f"{number} from {source}\n{number} ü &=%\n".encode())
            sock.shutdown(socket.SHUT_WR)
            assert sock.recv(1) == b""
        taps["all"].wait(2 * (number + 1))  # more than two batches at a time are not kept for taps
    for name, count in {"all": 6, "peer": 2, "contains": 3, "both": 2}.items():
        taps[name].wait(count)
    assert taps["peer"].messages() == ["1 from 127.0.0.2", "1 ü &=%"]
    assert taps["contains"].messages() == ["0 ü &=%", "1 ü &=%", "2 ü &=%"]
    assert taps["both"].messages() == ["2 from 127.0.0.1", "2 ü &=%"]
    assert all(tap.left_out() == 0 for tap in taps.values())
    server.stop()


def test_refusals(penstock):
    """What cannot be served is said, by the command as well; at most eight, and room again when one has gone."""
    server = penstock([{"name": "a", "listen": "unix://./a.sock"}, {"name": "b", "listen": "unix://./b.sock"}])
    ask = server.admin.ask
    for query, status, words in [("", 400, b"There are: a, b"), ("?listener=c", 404, b"There are: a, b"),
                                 ("?listener=a&rate=0", 400, b"1 to 10000"), ("?listener=a&rate=x", 400, b"1 to 10000"),
                                 ("?listener=a&format=xml", 400, b"json or text")]:
        answer = ask("/api/tap" + query)
        assert answer[0] == status and words in answer[2] and "error" in json.loads(answer[2]), answer
    assert ask("/api/tap?listener=a", "POST")[0] == 405
    assert ask("/api/tap?listener=a", "HEAD")[0] == 200
    told = penstock_command("tap", "c", "--config", server.config, expect=1)
    assert told.stderr == "penstock tap: no such listener. There are: a, b\n" and told.stdout == ""
    penstock_command("tap", "--config", server.config, expect=1)
    penstock_command("tap", "a", "--rate", "0", "--config", server.config, expect=2)
    penstock_command("tap", "a", "--config", server.folder / "none.toml", expect=1)
    taps = wait_until(lambda: eight(server), "room for eight")  # the HEAD has left meanwhile
    assert ask("/api/tap?listener=a")[0] == 503
    taps.pop().close()
    # That it has gone is noticed by writing to it.
    with server.address("unix", "a").connect() as sock:
        wait_until(lambda: sock.sendall(b"x\n") is None and again(server), "room for another")
    server.stop()


def eight(server):
    taps = []
    with contextlib.suppress(AssertionError):
        for _ in range(8):
            taps.append(Tapping(server.admin, listener="a"))
        return taps
    for tap in taps:
        tap.close()
    return None


def again(server) -> bool:
    try:
        Tapping(server.admin, listener="a")
    except AssertionError:
        return False
    return True


def test_command(penstock):
    """Text, JSON, a number of records; SIGINT, a reader that goes and the server's stop end it, each with 0."""
    server = penstock({"listen": "tcp://127.0.0.1:0"}, {"encoding": "json"})

    def feed(tap):
        """Records until the tap has shown one; gives its first line."""
        lines = []
        reader = threading.Thread(target=lambda: lines.append(tap.stdout.readline()))
        reader.start()
        with server.address("tcp").connect() as sock:
            wait_until(lambda: sock.sendall(GARBAGE + b"\n") is None and lines, "a record", pause=0.05)
        reader.join()
        return lines[0]

    text, as_json, counted, head = (command(server, *words) for words in
                                    [("in",), ("in", "--json"), ("--count", "1"), ("in",)])
    assert feed(text).decode().endswith(f" {ESCAPED}\n")
    shown = feed(as_json).rstrip(b"\n")
    wait_until(lambda: shown in server.records(), "the sink to write what is shown")  # which need not come first
    assert feed(counted) and counted.wait() == 0
    assert counted.stdout.read() == b""
    assert feed(head)
    head.stdout.close()
    assert head.wait() == 0  # though nothing more is sent
    text.send_signal(signal.SIGINT)
    assert text.wait() == 0
    said = text.stderr.read()  # nothing, or what came while taps had two batches to look at
    assert re.fullmatch(rb"(penstock tap: \d+ records? not looked at\n)*", said), said
    server.stop()
    assert as_json.wait() == 0 and b"the server has stopped" in as_json.stderr.read()


def test_full_load(penstock):
    """Under full load taps show records and say how many they do not; one that is never read holds nothing and slows
    nobody; every record arrives."""
    count, size = length(40_000_000, 8_000_000), 200
    server = penstock({"listen": "tcp://127.0.0.1:0"}, {"type": "blackhole"}, server={"memory": "32MiB"})
    host, port = server.address("tcp").where
    url = f"tcp://{host}:{port}"

    def load() -> float:
        """CPU seconds of the server."""
        before = server.cpu_seconds()
        penstock_command("send", url, "--count", count // 2, "--size", size, "--connections", "4", "--quiet")
        return server.cpu_seconds() - before

    load()
    memory = server.memory_bytes()
    untapped = load()
    wait_until(lambda: server.admin.status()["routes"][0]["delivered"] == count, "all of it sealed and delivered")
    shown = Tapping(server.admin, rate=1000)
    unread = [Tapping(server.admin, reads=False, rate=10_000, format=form) for form in ("json", "text")]
    rare = Tapping(server.admin, contains="seq=000000000000 ")
    tapped_cpu = load()
    wait_until(lambda: shown.left_out() + len(shown.records()) == count // 2, lambda: f"{shown.left_out()} left out, {len(shown.records())}")
    assert len(shown.records()) >= 1000  # a second's worth comes at once
    assert all(b"seq=" in line for line in shown.records())
    assert {message.partition("seq=")[2][:12] for message in rare.messages()} <= {"000000000000"}
    if not sanitized():
        # Each may have a buffer of 256 KiB, twice while it is moved; the taps' own threads and their stacks.
        grown = server.memory_bytes() - memory
        assert grown < 8 << 20, f"{grown >> 10} KiB more"
        print(f"cpu {untapped:.2f} s, tapped {tapped_cpu:.2f} s")
    for tap in (shown, rare, *unread):
        tap.close()
    server.stop()
    listener, = server.ledger().listeners.values()
    assert listener["events"] == 3 * (count // 2)


def test_stopped_client_does_not_hold_the_stop(penstock):
    """Taps end with the server, also those that are not read, and what is drained is seen."""
    server = penstock({"listen": "tcp://127.0.0.1:0"}, server={"drain_timeout": "300s", "flush_timeout": "300s"})
    stuck = Tapping(server.admin, reads=False, rate=10_000)
    reading = Tapping(server.admin)
    with server.address("tcp").connect() as sock:
        for number in range(5000):
            sock.sendall(record("r", number, 300) + b"\n")
        reading.wait(1)
        server.send_signal()
        sock.sendall(b"last\n")
        sock.shutdown(socket.SHUT_WR)
        assert server.wait() == 0, server.log_text()
    wait_until(lambda: reading.ended, "the end")
    stuck.close()


def test_quarantine_is_seen(penstock):
    """Counts by reason and listener, and the last fifty: what the file holds, escaped and cut."""
    server = penstock([{"name": "drop", "listen": "tcp://127.0.0.1:0", "max_frame_bytes": 1000, "oversize": "drop"},
                       {"name": "tail", "listen": "unix://./t.sock", "tail": "quarantine"}])
    empty = server.admin.status()["quarantine"]
    assert empty == {"entries": 0, "dropped": 0, "leftover": 0, "by_reason": [], "last": []}
    send_stream(server.address("tcp", "drop"), b"".join(b"%03d" % n + b"x" * 2000 + b"\n" for n in range(60)))
    send_stream(server.address("unix", "tail"), GARBAGE)
    wait_until(lambda: server.admin.status()["quarantine"]["entries"] == 61, "the file")
    seen = server.admin.status()["quarantine"]
    assert seen["by_reason"] == [{"reason": "oversize", "listener": "drop", "count": 60, "bytes": 60_000},
                                 {"reason": "tail_fin", "listener": "tail", "count": 1, "bytes": len(GARBAGE)}]
    assert len(seen["last"]) == 50
    assert seen["last"][0]["bytes"] == ESCAPED and seen["last"][0]["size"] == len(GARBAGE)
    entries = server.quarantined()[:-51:-1]
    for one, entry in zip(seen["last"], entries, strict=True):
        assert {key: one[key] for key in ("time", "listener", "url", "peer", "reason")} == \
            {key: entry[key] for key in ("time", "listener", "url", "peer", "reason")}
    assert seen["last"][1]["bytes"] == "059" + "x" * 253 and seen["last"][1]["size"] == 1000
    server.stop()
