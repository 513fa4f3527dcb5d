"""The admin address: what it says, what it may be asked, and that nobody gets at the data path through it."""

import contextlib
import socket
import subprocess

import pytest

from support.clients import send_stream
from support.records import record
from support.settings import binary
from support.wait import wait_until

TOKEN = "correct-horse-battery"


def lines(count: int, size: int = 200) -> bytes:
    return b"".join(record("r", number, size) + b"\n" for number in range(count))


def test_status_is_the_ledger(penstock):
    """Listener, URL, route and sink say what was sent; health, readiness and configuration are there."""
    server = penstock({"listen": ["unix://./a.sock", "unix://./b.sock"]})
    admin = server.admin
    sent_a, sent_b = lines(1000), lines(10) + b"\n\n"
    with server.address("unix").connect() as kept:
        kept.sendall(sent_a)
        with socket.socket(socket.AF_UNIX) as other:
            other.connect(str(server.folder / "b.sock"))
            other.sendall(sent_b)
        server.wait_records(1010)
        wait_until(lambda: admin.status()["routes"][0]["delivered"] == 1010, "the route's count")
        status = admin.status()
    listener, = status["listeners"]
    assert (listener["read_bytes"], listener["events"], listener["empty"]) == (len(sent_a) + len(sent_b), 1010, 2)
    assert listener["balanced"] and listener["gate"] == {"open": True, "shut_by": []}
    assert listener["connections"] == {"accepted": 2, "active": 1, "paused": 0, "ended": {"clean": 1}}
    by_url = {url["url"].rpartition("/")[2]: url for url in listener["urls"]}
    assert by_url["a.sock"]["read_bytes"] == len(sent_a) and by_url["b.sock"]["read_bytes"] == len(sent_b)
    assert by_url["b.sock"]["connections"] == {"accepted": 1, "active": 0, "paused": 0, "ended": {"clean": 1}}
    route, = status["routes"]
    assert (route["events"], route["queued"], route["balanced"]) == (1010, 0, True)
    assert route["delivery_seconds"]["count"] == 1010 == route["delivery_seconds"]["buckets"][-1]["count"]
    assert listener["batch_events"]["sum"] == 1010
    assert status["ready"] and status["phase"] == "serving" and status["pid"] == server.pid
    assert status["config"] == str(server.config)
    assert admin.get("/healthz") == b"ok\n" and admin.get("/readyz") == b"ready\n"
    assert admin.get("/api/config").decode() == server.config.read_text()
    server.stop()


def test_ready_only_while_it_serves_and_sinks_take_their_data(penstock, workdir):
    """A required sink that fails, and a stop, are said with their reason."""
    (workdir / "d").mkdir()
    server = penstock({"listen": "unix://./in.sock"}, {"path": "/dev/full"}, server={"drain_timeout": "60s"})
    send_stream(server.address("unix"), lines(10))
    status, _, why = wait_until(lambda: (a := server.admin.ask("/readyz"))[0] == 503 and a, "not ready")
    assert b'sink "out" cannot write' in why and b"No space left" in why.replace(b"no space", b"No space"), why
    assert server.admin.sink()["failing"] and server.admin.sink()["last_error"]
    with server.address("unix").connect() as held:  # keeps the stop from ending
        held.sendall(b"half")
        assert server.admin.ask("/api/drain", "POST")[0] == 202
        wait_until(lambda: server.admin.status()["phase"] == "draining", "the stop's begin")
        assert b"the server is draining" in server.admin.ask("/readyz")[2]
        assert server.admin.ask("/api/drain", "POST")[2] == b'{"drain":"under way"}\n'
        server.send_signal()
    server.wait()


def test_drain_and_reopen_commands(penstock, workdir):
    """Found through --config from any folder; drain ends it in order and waits for that."""
    server = penstock({"listen": "unix://./in.sock"})
    send_stream(server.address("unix"), lines(3))
    server.wait_records(3)
    (server.folder / "out.log").rename(server.folder / "moved.log")

    def run(*arguments):
        return subprocess.run([binary(), *arguments], cwd="/", capture_output=True, text=True, check=False)

    assert run("reopen", "--config", str(server.config)).returncode == 0
    server.wait_log("reopening files")
    with server.address("unix").connect() as sock:
        wait_until(lambda: sock.sendall(record("r", 9, 50) + b"\n") is None and server.records(), "the new file")
    done = run("drain", "--wait", "--config", str(server.config))
    assert (done.returncode, done.stderr) == (0, "")
    assert server.wait() == 0
    gone = run("drain", "--config", str(server.config))
    assert gone.returncode == 1 and "does the server run" in gone.stderr


def test_token_and_foreign_pages(penstock, workdir):
    """An address that others reach takes a token; without one only names of this machine are answered."""
    (workdir / "token").write_text(TOKEN + "\n")
    server = penstock({"listen": "unix://./in.sock"}, admin={"listen": "tcp://0.0.0.0:0", "token_file": "token"})
    admin = server.admin
    admin = type(admin)(admin.url.replace("0.0.0.0", "127.0.0.1").replace("[::]", "127.0.0.1"), server.folder)
    for given in (None, "Bearer", "Bearer ", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN):
        status, headers, _ = admin.ask("/api/status", headers={"Authorization": given} if given else {})
        assert (status, headers["WWW-Authenticate"]) == (401, "Bearer"), given
    assert admin.ask("/healthz")[0] == 401
    assert admin.ask("/api/drain", "POST")[0] == 401
    assert admin.ask("/api/status", headers={"Authorization": f"Bearer {TOKEN}"})[0] == 200
    server.stop()

    local = penstock({"listen": "unix://./in2.sock"}, admin={"listen": "tcp://127.0.0.1:0"}, quarantine={"path": "q2"}).admin
    assert local.ask("/api/status", headers={"Host": "localhost:1"})[0] == 200
    assert local.ask("/api/status", headers={"Host": "rebound.example"})[0] == 403
    assert local.ask("/api/drain", "POST", headers={"Origin": "http://evil.example"})[0] == 403
    assert local.ask("/api/reopen", "POST", headers={"Host": "localhost:7", "Origin": "http://localhost:7"})[0] == 202


HOSTILE = {
    "garbage": (b"\x00\xff\x16\x03\x01" * 50 + b"\r\n\r\n", {b"400", b""}),
    "no such path": (b"GET /nothing HTTP/1.0\r\n\r\n", {b"404"}),
    "wrong method": (b"DELETE /api/status HTTP/1.0\r\n\r\n", {b"405"}),
    "get of an order": (b"GET /api/drain HTTP/1.0\r\n\r\n", {b"405"}),
    "large header": (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 200_000 + b"\r\n\r\n", {b"431", b"413", b""}),
    "large path": (b"GET /" + b"y" * 200_000 + b" HTTP/1.0\r\n\r\n", {b"414", b"431", b""}),
    "large body": (b"POST /api/reopen HTTP/1.0\r\nContent-Length: 999999999\r\n\r\n" + b"z" * 100_000, {b"413"}),
    "length that is none": (b"POST /api/reopen HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", {b"400", b"413", b""}),
    "traversal": (b"GET /../../etc/passwd HTTP/1.0\r\n\r\n", {b"404"}),
    "endless chunks": (b"POST /api/reopen HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" +
                       b"ffff\r\n" + b"c" * 0xffff + b"\r\n" * 5, {b"413", b"400", b""}),
}


def test_hostile_requests(penstock):
    """Each is refused, and records go on arriving meanwhile."""
    server = penstock({"listen": "unix://./in.sock"})
    held = [server.admin.socket() for _ in range(80)]  # more than it serves at once; some say half a request
    for sock in held[:40]:
        sock.sendall(b"GET /api/status HT")
    with server.address("unix").connect() as data:
        data.sendall(lines(100))
        server.wait_records(100)
        for sock in held:
            sock.close()
        for name, (request, expected) in HOSTILE.items():
            with server.admin.socket() as sock:
                answer = b""
                with contextlib.suppress(ConnectionError):
                    sock.sendall(request)
                    sock.shutdown(socket.SHUT_WR)
                with contextlib.suppress(ConnectionError):
                    while piece := sock.recv(65536):
                        answer += piece
            assert (answer.split(b" ")[1] if answer else b"") in expected, (name, answer[:200])
        data.sendall(lines(100))
        server.wait_records(200)
    assert server.admin.listener()["events"] == 200
    assert server.admin.get("/healthz") == b"ok\n"
    server.stop()


def test_clash_and_off(penstock, workdir):
    """An address that is asked for and taken ends the start; the default one is left out with a warning; off is off."""
    first = penstock({"listen": "unix://./first.sock"})
    (workdir / "b").mkdir()
    text = first.config.read_text().replace("first.sock", "b.sock").replace('"quarantine"', '"b/q"').replace("out.log", "b/o.log")
    (workdir / "b.toml").write_text(text)
    clash = subprocess.run([binary(), "run", "--config", "b.toml"], cwd=workdir, capture_output=True, text=True, check=False, timeout=60)
    assert clash.returncode == 1 and "admin: " in clash.stderr and "admin.sock" in clash.stderr
    assert not (workdir / "b.sock").exists()
    assert first.admin.get("/healthz") == b"ok\n"
    off = penstock({"listen": "unix://./off.sock"}, {"path": "off.log"}, quarantine={"path": "q3"}, admin={"listen": "off"})
    assert not off.log_has("admin url") and off.stop() == 0


@pytest.mark.parametrize("listen, trouble", [
    ("tcp://:9514", "can be reached from other machines: that takes a token_file"),
    ("tcp://192.0.2.1:9514", "can be reached from other machines: that takes a token_file"),
    ("udp://127.0.0.1:9514", "expected a tcp or unix URL"),
    ("unix://./in.sock", 'is an address of listener "in"'),
    ("nonsense", "nonsense"),
])
def test_check_of_the_address(workdir, listen, trouble):
    (workdir / "p.toml").write_text('[[listener]]\nname = "in"\nlisten = "unix://./in.sock"\n'
                                    f'[[sink]]\nname = "out"\ntype = "blackhole"\n[admin]\nlisten = "{listen}"\n')
    checked = subprocess.run([binary(), "check", "--config", "p.toml"], cwd=workdir, capture_output=True, text=True, check=False)
    assert checked.returncode == 2 and "p.toml:8:10: admin: listen: " in checked.stderr and trouble in checked.stderr, checked.stderr
