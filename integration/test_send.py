"""`penstock send`: what it says it sent is what arrives, and what it finds wrong is wrong."""

import json

import pytest

from support.address import ALL, any_url
from support.clients import BURST
from support.command import penstock_command

FRAMINGS = ["newline", "nul", "octet_counted", "syslog_auto"]


def url_of(server, scheme):
    return next(url for url in server.urls() if url.startswith(scheme + "://"))


def listen_url(scheme):
    return {"tcp": "tcp://:0", "udp": "udp://:0"}.get(scheme) or any_url(scheme)


def fitting(server, count):
    """How many a datagram socket's buffer holds though nobody reads them: the kernel may not have given what was asked."""
    return BURST if server.log_has("receive buffer smaller than asked") else count


@pytest.mark.parametrize("scheme", ALL)
@pytest.mark.parametrize("payload", ["syslog", "raw", "json", "statsd"])
def test_every_scheme_and_payload_verifies(netns, penstock, scheme, payload):
    buffer = {"receive_buffer": "8MiB"} if scheme.startswith("udp") else {}
    server = penstock({"listen": listen_url(scheme), **buffer})
    count = fitting(server, 5000)
    paced = ["--rate", "20000"] if scheme.startswith("udp") else []
    penstock_command("send", url_of(server, scheme), "--count", count, "--payload", payload, *paced, "--report",
                     "report.json", folder=server.folder)
    server.wait_records(count)
    server.stop()
    penstock_command("send", "--verify", "out.log", "--count", count, "--payload", payload, folder=server.folder)
    penstock_command("send", "--verify", "out.log", "--expect", "report.json", "--payload", payload, folder=server.folder)


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("scheme", ["tcp4", "tcp6", "unix"])
def test_every_framing_over_many_connections(netns, penstock, scheme, framing):
    server = penstock({"listen": any_url(scheme), "framing": framing})
    penstock_command("send", url_of(server, scheme), "--count", 50_000, "--connections", 16, "--framing", framing,
                     folder=server.folder)
    server.stop()
    penstock_command("send", "--verify", "out.log", "--count", 50_000, folder=server.folder)
    netns.assert_no_reset()


def test_segmented_datagrams(netns, penstock):
    """UDP_SEGMENT: one system call, many datagrams, each a record; with and without UDP_GRO at the receiver."""
    for gro in (False, True):
        server = penstock({"name": "in", "listen": any_url("udp4"), "receive_buffer": "8MiB", "gro": gro},
                          {"path": f"gro-{gro}.log"})
        count = fitting(server, 3000)
        penstock_command("send", url_of(server, "udp4"), "--count", count, "--segment", 20, "--rate", 20000,
                         folder=server.folder)
        server.wait_records(count, f"gro-{gro}.log")
        server.stop()
        penstock_command("send", "--verify", f"gro-{gro}.log", "--count", count, folder=server.folder)


def test_verify_finds_what_is_wrong(penstock):
    server = penstock({"listen": any_url("tcp4")})
    penstock_command("send", url_of(server, "tcp4"), "--count", 1000, folder=server.folder)
    server.stop()
    lines = server.output().splitlines(keepends=True)
    whole = server.folder / "out.log"

    def verify():
        done = penstock_command("send", "--verify", "out.log", "--count", 1000, "--json", folder=server.folder, expect=None)
        return done.returncode, json.loads(done.stdout)

    assert verify()[0] == 0
    whole.write_bytes(b"".join(lines[:500] + lines[501:]))
    status, told = verify()
    assert status != 0 and told["lost"] == 1
    whole.write_bytes(b"".join(lines + lines[7:8]))
    status, told = verify()
    assert status != 0 and told["doubled"] == 1
    altered = bytearray(lines[3])
    altered[-2] ^= 1
    whole.write_bytes(b"".join([*lines[:3], bytes(altered), *lines[4:]]))
    status, told = verify()
    assert status != 0 and told["altered"] == 1


def test_file(penstock, workdir):
    (workdir / "lines").write_bytes(b"one\ntwo\n\xff\x00three\n")
    server = penstock({"listen": any_url("unix")})
    penstock_command("send", "--file", "lines", url_of(server, "unix"), folder=workdir)
    server.stop()
    assert server.records() == [b"one", b"two", b"\xff\x00three"]


def test_replay_of_the_quarantine(penstock, workdir):
    server = penstock({"listen": any_url("tcp4"), "tail": "quarantine"})
    with server.address("tcp4").connect() as sock:
        sock.sendall(b"half \xff\x00")
    server.stop()
    assert server.records() == []
    again = penstock({"listen": any_url("tcp4")}, folder=workdir)
    penstock_command("send", "--replay", "quarantine/quarantine.jsonl", url_of(again, "tcp4"), folder=workdir)
    again.stop()
    assert again.records() == [b"half \xff\x00"]


def test_nobody_listens(workdir):
    done = penstock_command("send", "tcp4://127.0.0.1:1", "--count", 1, folder=workdir, expect=None)
    assert done.returncode not in (0, 2)
    assert "tcp4://127.0.0.1:1" in done.stderr and "refused" in done.stderr
    penstock_command("send", "tcp4://127.0.0.1", "--count", 1, folder=workdir, expect=2)
