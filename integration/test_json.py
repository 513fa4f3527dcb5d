"""encoding = "json": every line is an object that says where the record came from, whatever bytes it has."""

import base64
import datetime
import gzip
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time

import pytest

from support.address import ALL, Address, any_url
from support.clients import send_packets, send_stream
from support.server import NOBODY
from support.settings import cannot_run, sanitized
from support.wait import wait_until

JSON = {"encoding": "json"}
MEMBERS = ["time", "listener", "url", "peer", "flags", "message"]

# A client that takes a name, sends what it is told to, and stays until its standard input ends.
CLIENT = """
import ctypes, socket, sys
kind, path, name, text, stays = sys.argv[1:]
ctypes.CDLL(None).prctl(15, bytes.fromhex(name) + b"\\0", 0, 0, 0)
sock = socket.socket(socket.AF_UNIX, getattr(socket, "SOCK_" + kind))
sock.connect(path)
sock.send(text.encode() + (b"\\n" if kind == "STREAM" else b""))
if stays == "yes":
    sys.stdin.read()
"""
KINDS = {"unix": "STREAM", "unixgram": "DGRAM", "unixpacket": "SEQPACKET"}


def objects(server, count, name="out.log"):
    """`count` lines, each as strict UTF-8 and as a JSON object with exactly the members that there should be."""
    lines = [json.loads(line.decode()) for line in server.wait_records(count, name)]
    for line in lines:
        extra = ["message_base64"] if "message_base64" in line else []
        assert list(line) == MEMBERS + extra
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", line["time"])
    return lines


def client(address: Address, text: str, name: bytes, stays=True, **identity) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", CLIENT, KINDS[address.scheme], address.path, name.hex(), text,
                             "yes" if stays else "no"], stdin=subprocess.PIPE, **identity)


def test_listener_url_and_peer_of_every_scheme(penstock):
    server = penstock([{"name": scheme, "listen": any_url(scheme)} for scheme in ALL], {**JSON, "path": "out.log"})
    before = time.time_ns()
    me = open("/proc/self/comm").read().removesuffix("\n")
    expected = {}
    for scheme in ALL:
        address = server.address(scheme, scheme)
        with address.connect() as sock:
            sock.send(scheme.encode() + b"\n")
            if address.is_unix:
                peer = {"pid": os.getpid(), "uid": os.getuid(), "gid": os.getgid(), "command": me}
            else:
                peer = {"address": sock.getsockname()[0], "port": sock.getsockname()[1]}
            expected[scheme] = (scheme, server.urls(scheme)[0], peer, [])
            server.wait_records(len(expected))  # it is there while we are
    after = time.time_ns()
    for line in objects(server, len(ALL)):
        assert (line["listener"], line["url"], line["peer"], line["flags"]) == expected.pop(line["message"])
        seconds = datetime.datetime.fromisoformat(line["time"][:19] + "+00:00").timestamp()
        assert before <= int(seconds) * 10**9 + int(line["time"][20:29]) <= after
    assert not expected


def test_ipv4_senders_of_dual_stack_sockets_are_ipv4(penstock):
    server = penstock([{"name": scheme, "listen": f"{scheme}://:0"} for scheme in ("tcp", "udp")], JSON)
    for scheme, kind in ("tcp", socket.SOCK_STREAM), ("udp", socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as sock:
            sock.connect(("127.0.0.1", server.address(scheme, scheme).port))
            sock.send(b"four\n")
    assert [line["peer"]["address"] for line in objects(server, 2)] == ["127.0.0.1"] * 2


def test_other_users_and_names_with_any_bytes(penstock):
    """The process is the one that the kernel names, not what it says of itself."""
    if os.geteuid() != 0:
        cannot_run("only root can become another user")
    server = penstock({"listen": [any_url(scheme) for scheme in KINDS], "mode": "0666"}, JSON)
    clients = {}
    names = [b"plain", b"(sd-pam) x", b"two\nlines\n", b'"\\\t', b"caf\xe9", b"fifteen bytes..", b"cut to fifteen bytes"]
    for number, name in enumerate(names):
        address = server.address(list(KINDS)[number % 3])
        clients[str(number)] = client(address, str(number), name, user=NOBODY, group=1234, extra_groups=[])
    server.send_signal(signal.SIGHUP)  # reopened meanwhile
    try:
        for line in objects(server, len(names)):
            name = names[int(line["message"])][:15].decode("utf-8", "replace")
            pid = clients[line["message"]].pid
            assert line["peer"] == {"pid": pid, "uid": NOBODY, "gid": 1234, "command": name}
    finally:
        for process in clients.values():
            process.communicate()


def test_a_sender_that_has_gone_has_no_command(penstock):
    """It never gets the name of another process; what the kernel has kept of it stays."""
    server = penstock({"listen": any_url("unixgram")}, JSON)
    server.send_signal(signal.SIGSTOP)
    gone = client(server.address("unixgram"), "gone", b"gone", stays=False)
    assert gone.wait(60) == 0
    server.send_signal(signal.SIGCONT)
    assert objects(server, 1)[0]["peer"] == {"pid": gone.pid, "uid": os.getuid(), "gid": os.getgid()}


def test_a_sender_that_changes_its_name_is_soon_called_by_the_new_one(penstock):
    server = penstock({"listen": any_url("unixgram")}, JSON)
    program = CLIENT.replace("sys.stdin.read()", """
    sys.stdin.readline()
    ctypes.CDLL(None).prctl(15, b"after\\0", 0, 0, 0)
    while True:
        sock.send(b"x")
        __import__("time").sleep(0.1)""")
    changing = subprocess.Popen([sys.executable, "-c", program, "DGRAM", server.address("unixgram").path, b"before".hex(), "x", "yes"],
                                stdin=subprocess.PIPE)
    try:
        assert objects(server, 1)[0]["peer"]["command"] == "before"
        changing.stdin.write(b"change\n")
        changing.stdin.flush()
        wait_until(lambda: [line["peer"]["command"] for line in objects(server, 1)][-1] == "after", "the new name")
        commands = [line["peer"]["command"] for line in objects(server, 1)]
        assert commands == sorted(commands, reverse=True), "first the old one, then the new one"
    finally:
        changing.kill()
        changing.communicate()


def test_compressed_datagrams_have_their_sender_too(penstock):
    server = penstock({"listen": any_url("unixgram"), "content_encoding": "gzip"}, JSON)
    me = open("/proc/self/comm").read().removesuffix("\n")
    send_packets(server.address("unixgram"), [gzip.compress(b"packed")])
    line = objects(server, 1)[0]
    assert (line["message"], line["peer"]["pid"], line["peer"]["command"]) == ("packed", os.getpid(), me)


def random_record(randomness) -> bytes:
    parts = [b"plain text ", b'"', b"\\", b"\n", b"\r\n", b"\0", b"\x1b[31m", "é€😀\u2028\ufeff".encode(), b"\xff", b"\xc3", b"\xe2\x82",
             b"\xed\xa0\xbd\xed\xb8\x80", b"\xf4\x90\x80\x80", b"\xc0\x80", b"\xf0\x9f\x98", randomness.randbytes(3)]
    kind = randomness.randrange(4)
    if kind == 0:
        return randomness.randbytes(randomness.randrange(1, 300))
    if kind == 1:
        return bytes(randomness.randrange(32, 127) for _ in range(randomness.randrange(1, 300)))
    return b"".join(randomness.choice(parts) for _ in range(randomness.randrange(1, 30)))


@pytest.mark.parametrize("sink", [JSON, {**JSON, "type": "stdout"}], ids=["file", "stdout"])
def test_any_bytes_come_back(penstock, workdir, sink):
    randomness = random.Random(20261125)
    # The dot: a line end at the end of a frame is no part of the record.
    records = [b"ascii", b"\xff"] + [random_record(randomness) + b"." for _ in range(3000)]
    with open(workdir / "stdout", "wb") as stdout:
        server = penstock({"listen": any_url("tcp4"), "framing": "octet_counted"}, sink, stdout=stdout)
        send_stream(server.address("tcp4"), b"".join(b"%d %s" % (len(r), r) for r in records))
        lines = objects(server, len(records), "stdout" if "type" in sink else "out.log")
    for record, line in zip(records, lines, strict=True):
        assert line["message"] == record.decode("utf-8", "replace")
        valid = line["message"].encode() == record
        assert ("message_base64" in line) == (not valid)
        if not valid:
            assert base64.b64decode(line["message_base64"], validate=True) == record
    server.stop()
    assert server.ledger().listener()["events"] == len(records)


def test_flags(penstock):
    server = penstock([{"name": "cut", "listen": any_url("tcp4"), "max_frame_bytes": 10},
                       {"name": "gram", "listen": any_url("unixgram"), "max_frame_bytes": 10},
                       {"name": "drop", "listen": any_url("udp4"), "max_frame_bytes": 10, "oversize": "drop"}], JSON)
    send_stream(server.address("tcp4", "cut"), b"whole\n0123456789abc\nunfinished")
    objects(server, 3)
    send_packets(server.address("unixgram", "gram"), [b"0123456789abc"])
    objects(server, 4)
    send_packets(server.address("udp4", "drop"), [b"0123456789abc", b"short"])
    assert [(line["message"], line["flags"]) for line in objects(server, 5)] == [
        ("whole", []), ("0123456789", ["truncated"]), ("unfinished", ["partial"]), ("0123456789", ["truncated"]), ("short", [])]
    server.stop()
    assert len(server.quarantined()) == 1


def test_beside_a_raw_sink(penstock):
    """Each sink has its own form of the same records; command names are there for the one that shows them."""
    sinks = [{"name": "json", "path": "json.log", **JSON}, {"name": "raw", "path": "raw.log"}]
    server = penstock({"listen": any_url("unix"), "sinks": ["raw"], "best_effort_sinks": ["json"]}, sinks)
    records = [b"r%05d \"x\" \xff" % n for n in range(5000)]
    send_stream(server.address("unix"), b"".join(r + b"\n" for r in records))
    lines = objects(server, len(records), "json.log")
    assert server.wait_records(len(records), "raw.log") == records
    assert [base64.b64decode(line["message_base64"]) for line in lines] == records
    assert all("command" in line["peer"] for line in lines)


def test_a_record_of_16_mib_of_control_bytes(penstock):
    """Its line is six times as long; the memory for it goes back."""
    size = 16 << 20
    server = penstock({"listen": any_url("tcp4"), "max_frame_bytes": size}, JSON)
    send_stream(server.address("tcp4"), b"\x01" * size + b"\nnext\n")
    wait_until(lambda: server.output().endswith(b'"next"}\n'), "both records")
    first, second = server.records()
    assert first.endswith(b'"message":"' + rb"\u0001" * size + b'"}')
    assert json.loads(second)["message"] == "next"
    if not sanitized():
        wait_until(lambda: server.memory_bytes() < 64 << 20, lambda: f"less memory than {server.memory_bytes() >> 20} MiB")
