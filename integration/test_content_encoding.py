"""content_encoding: compressed streams, datagrams and packets of real compressors, cut, broken, or bombs."""

import gzip
import os
import shutil
import socket
import subprocess
import time
import zlib

import pytest

from support.address import CONNECTED, DATAGRAMS, STREAMS, any_url
from support.clients import send_packets, send_stream
from support.peers import Rsyslog
from support.records import assert_all_once, record
from support.settings import PATIENCE, cannot_run, length, sanitized
from support.stalled import StalledPipe
from support.wait import wait_until

CODINGS = ("gzip", "zlib", "zstd")
SEPARATE = ("udp4", "unixgram", "unixpacket")


def compress(coding, data):
    if coding == "gzip":
        return gzip.compress(data)
    if coding == "zlib":
        return zlib.compress(data)
    if coding == "zstd":
        if not shutil.which("zstd"):
            cannot_run("zstd is not installed; ./dev test installs it")
        return subprocess.run(["zstd", "-q", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout
    return data


def text(name, first, end, size=64):
    return b"".join(record(name, n, size) + b"\n" for n in range(first, end))


def row(server):
    return server.ledger().listener()


@pytest.mark.parametrize("scheme", STREAMS)
def test_streams_whole_in_bytes_and_in_members(penstock, scheme):
    """Each coding named and found, in one write, in single bytes, in two, in several members; one server for all."""
    listeners = [{"name": f"{coding}-{mode}", "listen": any_url(scheme).replace(".sock", f"{coding}{mode}.sock"),
                  "content_encoding": coding if mode == "named" else "auto"} for coding in CODINGS for mode in ("named", "auto")]
    listeners.append({"name": "plain", "listen": any_url(scheme), "content_encoding": "auto"})
    server = penstock(listeners)
    sent = 0
    for table in listeners:
        address = server.address(listener=table["name"])
        coding = table["name"].split("-")[0]
        data = text(table["name"], 0, 50)
        small = compress(coding, data)
        send_stream(address, small)
        send_stream(address, small, pieces=1)
        send_stream(address, small, pieces=len(small) // 2 + 1)
        send_stream(address, compress(coding, data[:70]) + compress(coding, data[70:71]) + compress(coding, data[71:]), pieces=7)
        sent += 200
    server.wait_records(sent)
    server.stop()
    records = server.records()
    assert len(records) == sent
    for table in listeners:
        for number in range(50):
            assert records.count(record(table["name"], number)) == 4
        counts = server.ledger().listener(table["name"])
        assert counts["ended"] == {"clean": 4}
        assert counts["truncated_streams"] == 0
        if table["name"] != "plain":
            assert (counts["compressed_bytes"], counts["decompressed_bytes"]) == (counts["read_bytes"], 200 * 65)
        else:
            assert (counts["compressed_bytes"], counts["decompressed_bytes"]) == (0, 0)


@pytest.mark.parametrize("coding", CODINGS)
def test_every_cut_of_a_stream(penstock, coding):
    server = penstock({"listen": any_url("unix"), "content_encoding": "auto"})
    data = compress(coding, b"one\ntwo\n")
    for cut in range(1, len(data)):
        with server.address().connect() as sock:
            sock.sendall(data[:cut])
            time.sleep(0.002)
            sock.sendall(data[cut:])
            sock.shutdown(socket.SHUT_WR)
            assert sock.recv(1) == b""
    server.stop()
    assert sorted(server.records()) == [b"one"] * (len(data) - 1) + [b"two"] * (len(data) - 1)


@pytest.mark.parametrize("scheme", ["tcp4", "unix"])
def test_flushed_records_arrive_without_further_bytes(penstock, scheme):
    server = penstock({"listen": any_url(scheme), "content_encoding": "auto"})
    for wbits in (15, 31):
        sender = zlib.compressobj(wbits=wbits)
        with server.address().connect() as sock:
            for number in range(20):
                before = len(server.records())
                sock.sendall(sender.compress(record("f", number) + b"\n") + sender.flush(zlib.Z_SYNC_FLUSH))
                server.wait_records(before + 1)
            sock.sendall(sender.flush())
    server.stop()
    assert row(server)["truncated_streams"] == 0


@pytest.mark.parametrize("framing, data, expected", [
    ("newline", b"a\nbb\r\n\nc", [b"a", b"bb", b"c"]), ("nul", b"a\0bb\0", [b"a", b"bb"]),
    ("octet_counted", b"1 a2 bb", [b"a", b"bb"]), ("syslog_auto", b"<13>one\n3 two", [b"<13>one", b"two"])])
def test_framings_stand_above_it(penstock, framing, data, expected):
    server = penstock({"listen": any_url("tcp4"), "framing": framing, "content_encoding": "gzip"})
    send_stream(server.address(), compress("gzip", data), pieces=1)
    server.stop()
    assert server.records() == expected


@pytest.mark.parametrize("coding", CODINGS)
def test_broken_streams(netns, penstock, coding):
    """Garbage behind, corruption in the middle, an end in the middle, plain text: what came before stays, no reset."""
    server = penstock({"listen": any_url("tcp4"), "content_encoding": coding, "tail": "quarantine"})
    address = server.address()
    whole = compress(coding, text("behind", 0, 100))
    noise = compress(coding, os.urandom(100_000).replace(b"\n", b"") + b"\n")
    corrupt = compress(coding, text("first", 0, 100)) + noise[: len(noise) // 2] + b"\xff" * 1000 + noise[len(noise) // 2:]
    for data in (whole + b"garbage" * 100, corrupt, b"plain text\n" * 100):
        with address.connect() as sock:
            sock.sendall(data)
            assert sock.recv(1) == b""  # FIN although we did not end our side
    cut = compress(coding, text("cut", 0, 1000, 200))
    send_stream(address, cut[:-9])
    server.wait_log("compressed stream ends in the middle")
    send_stream(address, compress(coding, text("good", 0, 10)))
    netns.assert_no_reset()
    server.stop()
    records = server.records()
    assert_all_once(records, "behind", 100)
    assert_all_once(records, "first", 100)
    assert_all_once(records, "good", 10)
    counts = row(server)
    assert counts["ended"] == {"clean": 2, "malformed": 3}
    assert counts["truncated_streams"] == 1
    assert counts["discarded_bytes"]["undecodable"] > 700
    assert server.log_has("undecodable compressed stream.*begin as")


@pytest.mark.parametrize("scheme", SEPARATE)
def test_datagrams(penstock, scheme):
    """Each for itself: good ones of all codings, plain ones, bad ones and bombs in turn."""
    server = penstock([{"listen": any_url(scheme), "content_encoding": "auto"},
                       {"name": "split", "listen": any_url(scheme).replace(".sock", "s.sock"), "content_encoding": "gzip",
                        "split": "newline"}])
    bomb = compress("gzip", b"0" * (20 << 20))
    packets, expected = [], []
    for coding in CODINGS:
        good = compress(coding, coding.encode() + b" record\n")
        packets += [good, good[:-3], b"plain " + coding.encode(), bomb]
        expected += [coding.encode() + b" record", b"plain " + coding.encode()]
    send_packets(server.address(), packets)
    send_packets(server.address(listener="split"), [compress("gzip", b"a\nb\nc"), b"plain", b"", compress("gzip", b"d")])
    server.wait_records(len(expected) + 4)
    server.stop()
    records = server.records()
    assert [r for r in records if len(r) > 1] == expected
    assert sorted(r for r in records if len(r) == 1) == [b"a", b"b", b"c", b"d"]
    assert row(server)["rejected"] == {"undecodable": 3, "decompress_limit": 3}
    refused = [entry for entry in server.quarantined() if entry["listener"] == "in"]
    assert sorted(entry["reason"] for entry in refused) == ["decompress_limit"] * 3 + ["undecodable"] * 3
    assert all(entry["detail"] for entry in refused)


def test_bombs_on_many_connections(penstock):
    """Memory stays flat, the process and the other connections live, and a good record arrives on a new one."""
    count = length(1000, 100)
    server = penstock({"listen": any_url("tcp4"), "content_encoding": "auto"}, server={"memory": "16MiB"})
    idle = server.memory_bytes()
    with server.address().connect() as other:
        other.sendall(record("other", 0) + b"\n")
        bombs = [compress(coding, (b"\0" * 999 + b"\n") * (64 << 10)) for coding in CODINGS]
        socks = []
        for n in range(count):
            socks.append(server.address().connect())
            socks[-1].sendall(bombs[n % 3][:60_000])
        peak = 0
        for sock in socks:
            peak = max(peak, server.memory_bytes())
            assert sock.recv(1) == b""
            sock.close()
        if not sanitized():
            assert peak - idle < 24 << 20, f"{(peak - idle) >> 10} KiB more than idle"
        other.sendall(record("other", 1) + b"\n")
        send_stream(server.address(), compress("gzip", record("good", 0) + b"\n"))
        wait_until(lambda: len([r for r in server.records() if b":0000" in r]) == 3, "the good records")
    server.stop()
    counts = row(server)
    assert counts["ended"]["malformed"] == count
    assert counts["discarded_bytes"]["decompress_limit"] > 0


def test_zstd_windows_beyond_the_memory_wait_their_turn(penstock):
    """Frames of 2 MiB windows, more than a quarter of the memory holds: nobody is closed, all is delivered."""
    server = penstock({"listen": any_url("tcp4"), "content_encoding": "zstd"}, server={"memory": "32MiB"})
    data = compress("zstd", text("w", 0, 100)[:-1])
    half = 30
    socks = [server.address().connect() for _ in range(12)]
    for sock in socks:
        sock.sendall(data[:half])
    time.sleep(0.3)
    for sock in socks:
        sock.sendall(data[half:])
        sock.shutdown(socket.SHUT_WR)
    for sock in socks:
        assert sock.recv(1) == b""
        sock.close()
    server.stop()
    assert len(server.records()) == 1200
    assert row(server)["ended"] == {"clean": 12}


@pytest.mark.parametrize("scheme", ["tcp4", "unix"])
def test_a_slow_sink_keeps_compressed_bytes_with_the_sender(penstock, scheme):
    """Backpressure, a stop in the middle of it, and every record of it delivered."""
    pipe = StalledPipe()
    server = penstock({"listen": any_url(scheme), "content_encoding": "gzip"}, {"type": "stdout", "queue": {"max_bytes": "1MiB"}},
                      server={"drain_timeout": "60s", "flush_timeout": "60s"}, stdout=pipe.write_end)
    pipe.started()
    idle = server.memory_bytes()
    data = compress("gzip", text("s", 0, 200_000, 100))  # 20 MB of text
    with server.address().connect(timeout=None) as sock:
        sock.setblocking(False)
        sent = 0

        def write():
            nonlocal sent
            try:
                sent += sock.send(data[sent:])
            except BlockingIOError:
                pass
            return sent == len(data)

        until = time.monotonic() + 1
        while time.monotonic() < until:
            write()
        if not sanitized():
            assert server.memory_bytes() - idle < 8 << 20
        server.send_signal()
        pipe.flow()
        wait_until(write, "all to be taken")
        sock.shutdown(socket.SHUT_WR)
        sock.setblocking(True)
        assert sock.recv(1) == b""
    assert server.wait() == 0
    assert_all_once(pipe.records(), "s", 200_000)


@pytest.mark.parametrize("scheme", ["tcp4", "unix"])
def test_stop_with_clients_that_go_on(netns, penstock, scheme):
    """At the deadline what was acknowledged is decoded: whole records up to some number, none missing, no reset."""
    server = penstock({"listen": any_url(scheme), "content_encoding": "auto"}, server={"drain_timeout": "300ms"})
    socks = [server.address().connect() for _ in range(6)]
    senders = [zlib.compressobj(1, wbits=31) for _ in socks]
    sent = [0] * len(socks)
    alive = set(range(len(socks)))

    def write(patience):
        for n in list(alive):
            piece = text(f"c{n}", sent[n], sent[n] + 500, 100)
            try:
                socks[n].settimeout(patience)
                socks[n].sendall(senders[n].compress(piece) + senders[n].flush(zlib.Z_SYNC_FLUSH))
                sent[n] += 500
            except OSError:  # the frozen server takes no more
                alive.discard(n)

    for _ in range(20):
        write(PATIENCE)
    server.send_signal()
    until = time.monotonic() + 0.6
    while time.monotonic() < until and alive:
        write(1)
    server.wait()
    netns.assert_no_reset()
    records = server.records()
    for n in range(len(socks)):
        mine = [r for r in records if r.startswith(b"c%d:" % n)]
        assert mine == [record(f"c{n}", number, 100) for number in range(len(mine))]
        assert len(mine) >= 20 * 500
    for sock in socks:
        sock.close()


def test_rsyslog_forwards_compressed_streams(penstock, workdir):
    """A zlib stream that lives as long as the connection, flushed by rsyslog at the end of each of its transactions."""
    server = penstock({"listen": any_url("tcp4"), "framing": "syslog_auto", "content_encoding": "auto"})
    port = server.address().port
    action = f'type="omfwd" target="127.0.0.1" port="{port}" protocol="tcp" compression.mode="stream:always" ZipLevel="9"'
    with Rsyslog(workdir, action) as agent:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.connect(agent.input)
            for number in range(300):
                sock.send(f"<13>Nov 24 19:00:00 test[1]: word{number}".encode())
            wait_until(lambda: sum(b"word" in r for r in server.records()) >= 300,
                       lambda: f"300 records:\n{server.log_text()}\n{agent.said()}")
    server.stop()
    words = [r.split(b" ")[-1] for r in server.records() if b"word" in r]
    assert words == [b"word%d" % n for n in range(300)]
    assert row(server)["compressed_bytes"] == row(server)["read_bytes"]


def test_limits_of_a_connection(penstock):
    server = penstock({"listen": any_url("tcp4"), "content_encoding": "gzip", "max_decompressed_bytes": 6500,
                       "max_decompressed_ratio": 0})
    send_stream(server.address(), compress("gzip", text("exact", 0, 100)))
    with server.address().connect() as sock:
        sock.sendall(compress("gzip", text("more", 0, 101)))
        assert sock.recv(1) == b""
    server.stop()
    assert_all_once(server.records(), "exact", 100)
    assert_all_once(server.records(), "more", 100)
    assert server.log_has("max_decompressed_bytes")


def test_what_was_decoded_is_looked_at_for_hints(penstock):
    server = penstock({"listen": any_url("tcp4"), "content_encoding": "auto"})
    send_stream(server.address(), compress("gzip", b"GET / HTTP/1.1\r\n\r\n"))
    server.wait_log("begins with an HTTP request")
