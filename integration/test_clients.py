"""Real clients, as they come with a system: what they send arrives as the records they meant."""

import logging
import logging.handlers
import os
import shutil
import socket
import subprocess

import pytest

from support.address import any_url
from support.clients import BURST, send_packets
from support.peers import Rsyslog, SyslogNg
from support.settings import PATIENCE, ROOT, cannot_run
from support.wait import wait_until

NODE = ROOT / "build/node-loggers"


def run(*command, data=None):
    if not shutil.which(command[0]):
        cannot_run(f"{command[0]} is not installed; ./dev test installs it")
    subprocess.run(list(map(str, command)), input=data, check=True, timeout=PATIENCE, stdin=None if data else subprocess.DEVNULL)


def messages(server, count):
    """The last word of each record, once `count` are there."""
    return [r.rstrip(b"\0").split(b" ")[-1] for r in server.wait_records(count)]


WORDS = [f"word{n}".encode() for n in range(20)]


@pytest.mark.parametrize("scheme, options", [
    ("tcp4", ["--tcp"]), ("tcp4", ["--tcp", "--octet-count"]), ("udp4", ["--udp"]), ("udp4", ["--udp", "--octet-count"]),
    ("tcp6", ["--tcp"]), ("udp6", ["--udp"])], ids=["tcp4", "tcp4-octet", "udp4", "udp4-octet", "tcp6", "udp6"])
@pytest.mark.parametrize("form", ["--rfc3164", "--rfc5424"])
def test_logger_over_the_network(penstock, scheme, options, form):
    stream = {"framing": "syslog_auto"} if scheme.startswith("tcp") else {}
    server = penstock({"listen": any_url(scheme), **stream})
    address = server.address(scheme)
    for word in WORDS[:5]:
        run("logger", "--server", address.host, "--port", address.port, *options, form, word.decode())
    # Each run is a connection or socket of its own, and order holds only within one.
    assert sorted(messages(server, 5)) == sorted(WORDS[:5])
    if scheme.startswith("tcp"):
        assert all(r.startswith(b"<") for r in server.records()), "the count is framing, not record"


def test_logger_reads_a_file_into_one_connection(penstock, workdir):
    (workdir / "words").write_bytes(b"\n".join(WORDS) + b"\n")
    server = penstock({"listen": any_url("tcp4"), "framing": "syslog_auto"})
    address = server.address("tcp4")
    run("logger", "--server", address.host, "--port", address.port, "--tcp", "--octet-count", "--file", workdir / "words")
    assert messages(server, len(WORDS)) == WORDS


@pytest.mark.parametrize("scheme", ["unixgram", "unix"])
def test_logger_to_a_socket(penstock, scheme):
    """logger finds out by itself whether the socket is of datagrams or a stream."""
    server = penstock({"listen": any_url(scheme)})
    for word in WORDS[:5]:
        run("logger", "--socket", server.address(scheme).path, word.decode())
    # On a stream each run is a connection of its own, and order holds only within one.
    assert sorted(messages(server, 5)) == sorted(WORDS[:5])


@pytest.mark.parametrize("scheme", ["tcp4", "tcp6", "unix"])
def test_netcat_stream(penstock, scheme):
    """-N ends its direction at the end of its input, in the middle of the last line."""
    server = penstock({"listen": any_url(scheme)})
    address = server.address(scheme)
    where = ["-U", address.path] if scheme == "unix" else [address.host, address.port]
    run("nc.openbsd", "-N", *where, data=b"\n".join(WORDS))
    assert messages(server, len(WORDS)) == WORDS


@pytest.mark.parametrize("scheme", ["udp4", "udp6", "unixgram"])
def test_netcat_datagram(penstock, scheme):
    server = penstock({"listen": any_url(scheme), "split": "newline"})
    address = server.address(scheme)
    where = ["-uU", address.path] if scheme == "unixgram" else ["-u", address.host, address.port]
    run("nc.openbsd", "-w", "1", *where, data=b"\n".join(WORDS))
    assert messages(server, len(WORDS)) == WORDS


@pytest.mark.parametrize("scheme", ["tcp4", "tcp6", "udp4", "udp6", "unix", "unixgram", "unixpacket"])
def test_socat(penstock, scheme):
    """socat's edges are those of its reads, not of records: hence `split`."""
    split = {} if scheme in ("tcp4", "tcp6", "unix") else {"split": "newline"}
    server = penstock({"listen": any_url(scheme), **split})
    address = server.address(scheme)
    where = {"tcp4": "TCP4:{0}:{1}", "tcp6": "TCP6:[{0}]:{1}", "udp4": "UDP4:{0}:{1}", "udp6": "UDP6:[{0}]:{1}",
             "unix": "UNIX-CONNECT:{0}", "unixgram": "UNIX-SENDTO:{0}", "unixpacket": "UNIX-CONNECT:{0},type=5"}[scheme]
    place = where.format(address.path) if address.is_unix else where.format(address.host, address.port)
    run("socat", "-u", "-", place, data=b"\n".join(WORDS) + b"\n")
    assert messages(server, len(WORDS)) == WORDS


@pytest.mark.parametrize("scheme", ["udp4", "unixgram", "tcp4"])
def test_python_syslog_handler(penstock, scheme):
    """It ends every message with NUL, on streams too."""
    urls = [any_url("tcp4"), any_url("udp4"), any_url("unixgram")]
    server = penstock({"listen": urls, "framing": "nul"})
    address = server.address(scheme)
    kind = socket.SOCK_STREAM if scheme == "tcp4" else socket.SOCK_DGRAM
    handler = logging.handlers.SysLogHandler(address.where, socktype=kind)
    try:
        log = logging.getLogger(f"penstock.{scheme}")
        log.propagate = False
        log.addHandler(handler)
        for word in WORDS:
            log.error(word.decode())
        server.wait_records(len(WORDS))
    finally:
        log.removeHandler(handler)
        handler.close()
    assert server.records() == [b"<11>" + word for word in WORDS]


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
@pytest.mark.parametrize("logger", ["winston-syslog", "syslog-client"])
def test_node_logger(penstock, logger, protocol):
    if not shutil.which("node") or not (NODE / "complete").exists():
        pytest.skip("the Node loggers are not installed; ./dev test installs them where npm reaches its registry")
    server = penstock({"listen": any_url(f"{protocol}4"), **({"framing": "syslog_auto"} if protocol == "tcp" else {})})
    subprocess.run(["node", ROOT / "integration/node/send.js", logger, protocol, str(server.address().port), str(BURST)],
                   check=True, timeout=PATIENCE, stdin=subprocess.DEVNULL, env={**os.environ, "NODE_PATH": str(NODE / "node_modules")})
    records = server.wait_records(BURST)
    assert len(records) == BURST
    for number, r in enumerate(sorted(records, key=lambda r: r[r.index(b"node:"):])):
        assert f"node:{number:09d}:".encode() in r


def feed(agent, numbers):
    """Gives the daemon numbered messages, as a program of its machine would."""
    for number in numbers:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.connect(agent.input)
            sock.send(f"<13>Nov 24 19:00:00 test[1]: word{number}".encode())


def assert_forwards(agent, server, count=300):
    """What the daemon is given arrives, in its order: a burst at a time, since nothing slows a daemon that sends by udp."""
    def words():
        return [word for word in messages(server, 1) if word.startswith(b"word")]

    for first in range(0, count, BURST):
        feed(agent, range(first, first + BURST))
        wait_until(lambda: len(words()) >= first + BURST,
                   lambda: f"{first + BURST} records, but {len(words())}:\n{server.log_text()}\n{agent.said()}")
    assert words() == [f"word{n}".encode() for n in range(count)]


@pytest.mark.parametrize("scheme, action", [
    ("tcp4", 'type="omfwd" target="127.0.0.1" port="{port}" protocol="tcp"'),
    ("tcp4", 'type="omfwd" target="127.0.0.1" port="{port}" protocol="tcp" TCP_Framing="octet-counted"'),
    ("udp4", 'type="omfwd" target="127.0.0.1" port="{port}" protocol="udp"'),
], ids=["tcp", "tcp-octet", "udp"])
def test_rsyslog_forwards(penstock, workdir, scheme, action):
    server = penstock({"listen": any_url(scheme), **({"framing": "syslog_auto"} if scheme == "tcp4" else {})})
    address = server.address(scheme)
    place = {"path": address.path} if address.is_unix else {"port": address.port}
    with Rsyslog(workdir, action.format(**place)) as agent:
        assert_forwards(agent, server)


@pytest.mark.parametrize("scheme, destination", [
    ("tcp4", 'network("127.0.0.1" port({port}) transport("tcp"));'),
    ("tcp4", 'syslog("127.0.0.1" port({port}) transport("tcp"));'),
    ("udp4", 'network("127.0.0.1" port({port}) transport("udp"));'),
    ("unix", 'unix-stream("{path}");'),
    ("unixgram", 'unix-dgram("{path}");'),
], ids=["tcp", "tcp-octet", "udp", "unix", "unixgram"])
def test_syslog_ng_forwards(penstock, workdir, scheme, destination):
    server = penstock({"listen": any_url(scheme), **({"framing": "syslog_auto"} if scheme == "tcp4" else {})})
    address = server.address(scheme)
    place = {"path": address.path} if address.is_unix else {"port": address.port}
    with SyslogNg(workdir, destination.format(**place)) as agent:
        assert_forwards(agent, server)


@pytest.mark.parametrize("scheme", ["udp4", "unixgram"])
def test_empty_datagram_as_perl_probes_with(penstock, scheme):
    server = penstock({"listen": any_url(scheme)})
    send_packets(server.address(scheme), [b"", b"<13>real\n"])
    assert server.wait_records(1) == [b"<13>real"]
