"""encoding = "msgpack": what another reader of MessagePack finds in the files, after a crash and a rotation too."""

import subprocess

import msgpack
import pytest

from support.address import any_url
from support.clients import HalfClosing, send_packets, send_stream
from support.records import record
from support.wait import wait_until

SINK = {"path": "out.msgpack", "encoding": "msgpack"}


def maps(data: bytes) -> list:
    """All values of a file; an error where the last one is not whole."""
    unpacker = msgpack.Unpacker(timestamp=3, strict_map_key=True)
    unpacker.feed(data)
    found, end = [], 0
    for value in unpacker:
        found.append(value)
        end = unpacker.tell()
    assert end == len(data), f"{len(data) - end} bytes behind the last whole map"
    return found


def content(path) -> bytes:
    if path.suffix != ".zst":
        return path.read_bytes()
    return subprocess.run(["zstd", "-dc", path], stdout=subprocess.PIPE, check=True).stdout


def wait_maps(server, count: int) -> list:
    def whole():
        try:
            return len(found := maps(server.output("out.msgpack"))) >= count and found
        except AssertionError:
            return None  # in the middle of a write

    return wait_until(whole, lambda: f"{count} maps:\n{server.log_text()}")


def test_syslog_fields_texts_and_bytes(penstock):
    server = penstock({"listen": any_url("tcp4"), "protocol": "syslog"}, SINK)
    send_stream(server.address("tcp4"),
                b'<165>1 2003-10-11T22:14:15.003Z host app 8710 ID47 [a@1 x="1" y="\xff"] caf\xc3\xa9\n'
                b"<34>Oct 11 22:14:15 web1 sshd[4721]: \xfc\n<999>not syslog\n")
    first, second, third = wait_maps(server, 3)
    assert list(first)[:5] == ["time", "listener", "url", "peer", "flags"]
    assert first["time"].year >= 2024 and first["peer"]["address"] == "127.0.0.1" and first["flags"] == []
    assert first["timestamp"].isoformat() == "2003-10-11T22:14:15.003000+00:00"
    assert (first["facility"], first["severity"], first["host"], first["app"]) == (20, 5, "host", "app")
    assert first["structured_data"] == {"a@1": {"x": "1", "y": b"\xff"}}
    assert first["message"] == "caf\u00e9"
    assert second["message"] == b"\xfc" and second["tag" if "tag" in second else "app"] == "sshd"
    assert third["flags"] == ["unparsed"] and third["message"] == "<999>not syslog" and third["error_offset"] == 1
    server.stop()


def test_statsd_numbers_keep_their_type(penstock):
    server = penstock({"listen": any_url("udp4"), "protocol": "statsd"}, SINK)
    send_packets(server.address("udp4"), [b"gorets:1|c|@0.5|#env:dev\nglork:1:2.5|ms"])
    first, second = wait_maps(server, 2)
    assert (first["name"], first["kind"], first["value"], first["sample_rate"], first["tags"]) == \
        ("gorets", "counter", 1, 0.5, {"env": "dev"})
    assert type(first["value"]) is int and second["value"] == [1, 2.5]
    server.stop()


def test_killed_under_load_leaves_no_torn_map(netns, penstock, workdir):
    """SIGKILL, five times: after the next start the file is whole maps, without a hole in what each writer sent."""
    for turn in range(5):
        server = penstock({"listen": any_url("tcp4")}, SINK, folder=workdir)
        if turn != 0:
            maps(server.output("out.msgpack"))  # repaired before the first record
        writer = HalfClosing(server.address("tcp4"), f"w{turn}", 1000)
        writer.start()
        writer.wait_sent(3000)
        server.kill()
        writer.quit.set()
        writer.join(60)
    last = penstock({"listen": any_url("tcp4")}, SINK, folder=workdir)
    send_stream(last.address("tcp4"), b"last\n")
    last.stop()
    messages = [value["message"].encode() for value in maps(last.output("out.msgpack"))]
    assert messages.pop() == b"last"
    for turn in range(5):
        mine = [m for m in messages if m.startswith(f"w{turn}:".encode())]
        assert mine == [record(f"w{turn}", n, 1000) for n in range(len(mine))]
    assert sum(m.startswith(b"w") for m in messages) == len(messages)


def test_torn_map_is_cut_off_and_said(penstock, workdir):
    whole = msgpack.packb({"message": "whole"})
    (workdir / "out.msgpack").write_bytes(whole + msgpack.packb({"message": "torn"})[:-1])
    server = penstock({"listen": any_url("tcp4")}, SINK)
    assert server.log_has("ended in a torn record, which was cut off: 13 bytes").level == "warn"
    send_stream(server.address("tcp4"), b"new\n")
    server.stop()
    assert [value["message"] for value in maps(server.output("out.msgpack"))] == ["whole", "new"]


def test_file_of_something_else_is_refused(penstock, workdir):
    (workdir / "out.msgpack").write_bytes(b"a line\n")
    server = penstock({"listen": any_url("tcp4")}, SINK, start=False)
    server.spawn()
    assert server.wait() == 1
    assert "holds something else than records of this encoding" in server.log_text()
    assert server.output("out.msgpack") == b"a line\n"


@pytest.mark.parametrize("compress", ["none", "zstd"])
def test_rotated_files_hold_whole_maps(penstock, compress):
    server = penstock({"listen": any_url("tcp4")}, {**SINK, "rotate.size": "64KiB", "rotate.compress": compress})
    send_stream(server.address("tcp4"), b"".join(record("r", n, 1000) + b"\n" for n in range(500)))
    server.stop()
    files = sorted(server.folder.glob("out.msgpack*"), key=lambda path: (path.name == "out.msgpack", path.name))
    assert len(files) > 5
    found = [value["message"].encode() for path in files for value in maps(content(path))]
    assert found == [record("r", n, 1000) for n in range(500)]
