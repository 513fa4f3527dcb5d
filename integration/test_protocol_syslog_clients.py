"""protocol = "syslog": what programs with a syslog client of their own send, 1,000 records each over each transport that they
have: each record once, its fields as the program was told."""

import json
import logging
import logging.handlers
import os
import shutil
import socket
import subprocess

import pytest

from support.address import any_url
from support.fields import JSON, WINDOW, drive, send_by_node, wait_lines, window_of
from support.node import needs_unix_datagrams
from support.settings import PATIENCE, ROOT, cannot_run
from support.web import Haproxy, Nginx

COUNT = 1000
LOCAL3, WARNING, NOTICE, INFO = 19, 4, 5, 6


def place(address) -> str:
    """As most programs write it."""
    if address.is_unix:
        return address.path
    return f"[{address.host}]:{address.port}" if ":" in address.host else f"{address.host}:{address.port}"


def check(got: list, expected: dict, absent=()):
    """`word N` each once, all with these fields."""
    assert sorted(int(line["message"].removeprefix("word ")) for line in got) == list(range(COUNT))
    for line in got:
        assert line["flags"] == [], line
        assert {key: line.get(key) for key in expected} == expected, line
        assert not [key for key in absent if key in line], line


def ask_paced(web, server, address):
    window = window_of(address)
    for first in range(0, COUNT, window):
        web.ask(range(first, min(first + window, COUNT)))
        wait_lines(server, min(first + window, COUNT))


def check_haproxy(web, server, address, form: str):
    ask_paced(web, server, address)
    got = wait_lines(server, COUNT)
    check(got, {"facility": LOCAL3, "severity": INFO, "host": "web1", "app": "haproxy", "procid": str(web.process.pid)})
    for line in got:
        assert line["timestamp"]
        if form == "rfc5424":
            number = line["message"].removeprefix("word ")
            assert line["structured_data"] == {"request@1": {"path": f"/{number}", "status": "200"}}


@pytest.mark.parametrize("form", ["rfc3164", "rfc5424"])
@pytest.mark.parametrize("scheme", ["udp4", "udp6", "unixgram"])
def test_haproxy(penstock, workdir, scheme, form):
    server = penstock({"listen": any_url(scheme), "protocol": "syslog"}, JSON)
    address = server.address(scheme)
    where = ("ipv6@" if scheme == "udp6" else "") + place(address)
    with Haproxy(workdir, f"{where} len 2048 format {form}") as web:
        check_haproxy(web, server, address, form)


@pytest.mark.parametrize("framing", ["legacy", "octet-count"])
@pytest.mark.parametrize("scheme", ["tcp4", "tcp6"])
def test_haproxy_by_a_ring(penstock, workdir, scheme, framing):
    server = penstock({"listen": any_url(scheme), "protocol": "syslog"}, JSON)
    address = server.address(scheme)
    ring = (f"ring events\n  format rfc5424\n  maxlen 2048\n  size 65536\n  timeout connect 60s\n  timeout server 300s\n"
            f"  server penstock {place(address)} log-proto {framing}")
    with Haproxy(workdir, "ring@events format rfc5424", ring) as web:
        check_haproxy(web, server, address, "rfc5424")


@pytest.mark.parametrize("scheme", ["udp4", "udp6", "unixgram"])
def test_nginx(penstock, workdir, scheme):
    server = penstock({"listen": any_url(scheme), "protocol": "syslog"}, JSON)
    address = server.address(scheme)
    with Nginx(workdir, ("unix:" if address.is_unix else "") + place(address)) as web:
        ask_paced(web, server, address)
    check(wait_lines(server, COUNT),
          {"facility": LOCAL3, "severity": NOTICE, "host": socket.gethostname(), "app": "nginx"}, absent=["procid"])


@pytest.mark.parametrize("scheme", ["udp4", "udp6", "tcp4", "tcp6", "unixgram", "unix"])
def test_python_syslog_handler(penstock, scheme):
    """No time, no host, and NUL behind each message, which alone ends it on a stream: the listener finds that out."""
    stream = scheme in ("tcp4", "tcp6", "unix")
    server = penstock({"listen": any_url(scheme), "protocol": "syslog"}, JSON)
    address = server.address(scheme)
    handler = logging.handlers.SysLogHandler(address.where, facility="local3",
                                             socktype=socket.SOCK_STREAM if stream else socket.SOCK_DGRAM)
    handler.ident = "tests[77]: "
    log = logging.Logger("tests")
    log.addHandler(handler)
    handler.handleError = pytest.fail
    try:
        for n in range(COUNT):
            log.warning("word %d", n)
            if (n + 1) % WINDOW == 0:
                wait_lines(server, n + 1)
    finally:
        handler.close()
    check(wait_lines(server, COUNT), {"facility": LOCAL3, "severity": WARNING, "app": "tests", "procid": "77"},
          absent=["timestamp", "host"])


def device_log_at(path: str) -> list:
    """A command in front of another one, for which the socket is /dev/log."""
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode != 0:
        cannot_run("mount namespaces are not permitted here")
    script = 'mount -t tmpfs penstock-test /dev && touch /dev/log && mount --bind "$0" /dev/log && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", script, path]


@pytest.mark.parametrize("mechanism, scheme", [("udp", "udp4"), ("tcp", "tcp4"), ("unix", "unix"), ("unix", "unixgram"),
                                               ("native", "unix"), ("native", "unixgram")])
def test_perl_sys_syslog(penstock, mechanism, scheme):
    """IPv4 alone is what it can do. LF and NUL end its messages."""
    if subprocess.run(["perl", "-MSys::Syslog", "-e", ""], capture_output=True, check=False).returncode != 0:
        cannot_run("Sys::Syslog is missing; ./dev test installs perl")
    server = penstock({"listen": any_url(scheme), "protocol": "syslog"}, JSON)
    address = server.address(scheme)
    native = mechanism == "native"
    where = [] if native else [address.path] if address.is_unix else [address.host, str(address.port)]
    command = [*(device_log_at(address.path) if native else []), "perl", ROOT / "integration/support/sys_syslog.pl", mechanism, *where]
    client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    drive(client, server, COUNT, window_of(address))
    got = wait_lines(server, COUNT)
    check(got, {"facility": LOCAL3, "severity": WARNING, "app": "tests", "procid": str(client.pid)}, absent=["host"])
    assert all(line["timestamp"] for line in got)
    server.stop()
    assert len(server.records()) == COUNT


@pytest.mark.parametrize("form", ["BSD", "5424"])
@pytest.mark.parametrize("protocol, scheme", [("tcp4", "tcp4"), ("tcp6", "tcp6"), ("udp4", "udp4"), ("udp6", "udp6"),
                                              ("unix", "unixgram"), ("unix-connect", "unixgram")])
def test_winston_syslog(penstock, protocol, scheme, form):
    """Its message is winston's JSON, in the order in which it was given."""
    if scheme == "unixgram":
        needs_unix_datagrams()
    server = penstock({"listen": any_url(scheme), "protocol": "syslog"}, JSON)
    address = server.address(scheme)
    send_by_node(server, f"winston-syslog-{form}", protocol, address, COUNT, window=window_of(address))
    got = wait_lines(server, COUNT)
    for n, line in enumerate(got):
        assert line["flags"] == []
        assert (line["facility"], line["severity"], line["host"], line["app"]) == (LOCAL3, WARNING, "web1", "tests"), line
        assert line["timestamp"] and line["procid"].isdigit()
        assert json.loads(line["message"]) == {"level": "warning", "message": f"node:{n}:", "n": n, "half": n / 2}
    assert len(got) == COUNT


LOGGER = [
    *[(scheme, [option], form) for scheme, option in (("tcp4", "--tcp"), ("tcp6", "--tcp"), ("udp4", "--udp"), ("udp6", "--udp"))
      for form in ("--rfc3164", "--rfc5424")],
    *[(scheme, ["--tcp", "--octet-count"], form) for scheme in ("tcp4", "tcp6") for form in ("--rfc3164", "--rfc5424")],
    *[(scheme, ["--udp", "--octet-count"], form) for scheme in ("udp4", "udp6") for form in ("--rfc3164", "--rfc5424")],
    *[(scheme, [], form) for scheme in ("unix", "unixgram") for form in ("", "--rfc3164", "--rfc5424")],
    ("unix", ["--octet-count"], "--rfc5424"),
]


@pytest.mark.parametrize("scheme, options, form", LOGGER, ids=["-".join([s, *o, f]).replace("--", "") for s, o, f in LOGGER])
def test_logger(penstock, workdir, scheme, options, form):
    if not shutil.which("logger"):
        cannot_run("logger is not installed; ./dev test installs it")
    server = penstock({"listen": any_url(scheme), "protocol": "syslog"}, JSON)
    address = server.address(scheme)
    where = ["--socket", address.path] if address.is_unix else ["--server", address.host, "--port", str(address.port)]
    for first in range(0, COUNT, WINDOW):  # to a unix socket it waits until there is room
        (workdir / "words").write_text("".join(f"word {n}\n" for n in range(first, first + WINDOW)))
        subprocess.run(["logger", *where, *options, *filter(None, [form]), "--id=77", "--tag", "tests", "--priority",
                        "local3.warning", "--file", workdir / "words"], check=True, timeout=PATIENCE)
        wait_lines(server, first + WINDOW)
    got = wait_lines(server, COUNT)
    check(got, {"facility": LOCAL3, "severity": WARNING, "app": "tests", "procid": "77"}, absent=[] if form else ["host"])
    for line in got:
        assert line["timestamp"]
        assert line.get("host", os.uname().nodename).split(".")[0] == os.uname().nodename.split(".")[0]
        assert ("structured_data" in line) == (form == "--rfc5424")
