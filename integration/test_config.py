"""Config files: what is wrong is told with file, line, column and key, and nothing is bound or written."""

import os
import re
import socket

import pytest

from support.address import ALL, any_url
from support.clients import send_messages, send_stream
from support.command import penstock_command
from support.inherited import given_socket
from support.settings import ROOT, cannot_run
from support.wait import wait_until

# The limit on processes counts all of a user: tests that set it run one after another.
ONE_USER = pytest.mark.xdist_group("limit_on_processes")

GOOD = """\
[server]
threads = 2

[[listener]]
name = "in"
listen = "tcp4://127.0.0.1:0"
framing = "newline"
sinks = ["out"]

[[sink]]
name = "out"
type = "file"
path = "data/out.log"
"""

# (what is replaced in GOOD, by what, line, words that the message must hold)
MISTAKES = {
    "unknown key": ('framing = "newline"', 'framming = "newline"', 7, ["framming", "framing"]),
    "unknown table": ("[server]", "[servr]", 1, ["servr", "server"]),
    "wrong type": ("threads = 2", 'threads = "two"', 2, ["threads"]),
    "negative number": ("threads = 2", "threads = -1", 2, ["threads", "-1"]),
    "number too large": ("threads = 2", "threads = 100000", 2, ["threads", "100000"]),
    "duration without unit": ("threads = 2", "drain_timeout = 6", 2, ["drain_timeout"]),
    "duration with a wrong unit": ("threads = 2", 'drain_timeout = "6parsecs"', 2, ["drain_timeout", "6parsecs"]),
    "size with a wrong unit": ("threads = 2", 'memory = "1 elephant"', 2, ["memory"]),
    "unknown word": ('framing = "newline"', 'framing = "newlin"', 7, ["framing", "newlin", "newline"]),
    "unknown sink": ('sinks = ["out"]', 'sinks = ["ouch"]', 8, ["sinks", "ouch", "out"]),
    "unknown sink type": ('type = "file"', 'type = "fle"', 12, ["type", "fle", "file"]),
    "missing listen": ('listen = "tcp4://127.0.0.1:0"\n', "\n", 4, ["listen"]),
    "unknown scheme": ("tcp4://127.0.0.1:0", "tpc://127.0.0.1:0", 6, ["tpc"]),
    "no scheme": ("tcp4://127.0.0.1:0", "127.0.0.1:0", 6, ["127.0.0.1:0"]),
    "no port": ("tcp4://127.0.0.1:0", "tcp4://127.0.0.1", 6, ["port"]),
    "port out of range": ("tcp4://127.0.0.1:0", "tcp4://127.0.0.1:65536", 6, ["65536"]),
    "unknown service": ("tcp4://127.0.0.1:0", "tcp4://127.0.0.1:nosuchsvc", 6, ["nosuchsvc"]),
    "IPv6 in tcp4": ("tcp4://127.0.0.1:0", "tcp4://[::1]:0", 6, ["::1"]),
    "relative path without dot": ("tcp4://127.0.0.1:0", "unix://tmp/x.sock", 6, ["tmp/x.sock"]),
    "path too long": ("tcp4://127.0.0.1:0", "unix:///" + "p" * 120, 6, ["107"]),
    "delimiter in the wrong place": ("sinks = [", "sinks = (", 8, []),
    "duplicate key": ("threads = 2", "threads = 2\nthreads = 3", 3, ["threads"]),
    "memory too small": ("threads = 2", 'memory = "4MiB"', 2, ["memory", "16MiB"]),
    "queues larger than the memory": ('type = "file"', 'type = "file"\nqueue.max_bytes = "1GiB"', None, ["memory"]),
    "path outside": ('path = "data/out.log"', 'path = ""', 13, ["path"]),
    "unknown place holder": ('path = "data/out.log"', 'path = "data/{lisener}.log"', 13, ["lisener"]),
    "frame too large": ('framing = "newline"', 'max_frame_bytes = "1GiB"', 7, ["max_frame_bytes"]),
    "frame of nothing": ('framing = "newline"', "max_frame_bytes = 0", 7, ["max_frame_bytes"]),
    "unset variable": ('path = "data/out.log"', 'path = "${PENSTOCK_NO_SUCH_VARIABLE}/out.log"', 13,
                       ["PENSTOCK_NO_SUCH_VARIABLE"]),
}


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("command", ["check", "run"])
def test_mistake_is_told_with_its_place(workdir, command, mistake):
    before, after, line, words = MISTAKES[mistake]
    assert GOOD.count(before) == 1
    config = workdir / "penstock.toml"
    config.write_text(GOOD.replace(before, after))
    done = penstock_command(command, "--config", config, folder=workdir, expect=2)
    told = done.stdout + done.stderr
    first = next((t for t in told.splitlines() if str(config) in t), "")
    assert first, told
    if line is not None:
        assert re.search(re.escape(str(config)) + rf":{line}:\d+: ", told), told
    for word in words:
        assert word in told, told
    assert sorted(os.listdir(workdir)) == ["penstock.toml"], "a file was touched"


def test_all_mistakes_are_told_at_once(workdir):
    text = GOOD
    wanted = []
    for mistake in ("unknown key", "wrong type", "unknown sink", "unknown sink type"):
        before, after, line, _ = MISTAKES[mistake]
        text = text.replace(before, after)
        wanted.append(line)
    config = workdir / "penstock.toml"
    config.write_text(text)
    done = penstock_command("check", "--config", config, folder=workdir, expect=2)
    lines = [int(n) for n in re.findall(re.escape(str(config)) + r":(\d+):\d+: ", done.stdout + done.stderr)]
    assert set(wanted) <= set(lines), done.stdout + done.stderr
    assert lines == sorted(lines), "not in file order"


@pytest.mark.parametrize("command", ["check", "run"])
def test_missing_file_and_no_toml(workdir, command):
    done = penstock_command(command, "--config", workdir / "absent.toml", folder=workdir, expect=2)
    assert "absent.toml" in done.stdout + done.stderr
    (workdir / "penstock.toml").write_text("this is [no toml\n")
    done = penstock_command(command, "--config", workdir / "penstock.toml", folder=workdir, expect=2)
    assert re.search(r"penstock\.toml:1:\d+: ", done.stdout + done.stderr)


def test_good_file_passes_and_touches_nothing(workdir):
    (workdir / "penstock.toml").write_text(GOOD)
    penstock_command("check", "--config", "penstock.toml", folder=workdir)
    assert os.listdir(workdir) == ["penstock.toml"]


def test_default_file(workdir):
    """conf/penstock.toml below the current folder, when no --config is given."""
    (workdir / "conf").mkdir()
    (workdir / "conf/penstock.toml").write_text(GOOD.replace("threads", "treads"))
    done = penstock_command("check", folder=workdir, expect=2)
    assert "conf/penstock.toml:2:1:" in done.stdout + done.stderr


def test_the_file_that_we_ship_is_good(workdir):
    (workdir / "run").mkdir()
    penstock_command("check", "--config", ROOT / "conf/penstock.toml", folder=workdir)


def test_usage_errors(workdir):
    penstock_command("nonsense", folder=workdir, expect=2)
    penstock_command("run", "--nonsense", folder=workdir, expect=2)
    assert "0.1.0" in penstock_command("--version", folder=workdir).stdout
    for words in ((), ("run",), ("check",), ("send",)):
        assert "penstock" in penstock_command(*words, "--help", folder=workdir).stdout


@pytest.mark.parametrize("second", ["tcp4", "udp4", "unix", "unixgram", "unixpacket"])
def test_address_in_use_leaves_nothing_behind(workdir, second):
    """The first listener could be bound, the second cannot: exit 1, and no socket file, no lock held, no data."""
    taken = socket.socket(socket.AF_UNIX if second.startswith("unix") else socket.AF_INET,
                          {"tcp4": socket.SOCK_STREAM, "udp4": socket.SOCK_DGRAM, "unix": socket.SOCK_STREAM,
                           "unixgram": socket.SOCK_DGRAM, "unixpacket": socket.SOCK_SEQPACKET}[second])
    with taken:
        if second.startswith("unix"):
            taken.bind(str(workdir / "taken.sock"))
            url = f"{second}://{workdir}/taken.sock"
        else:
            taken.bind(("127.0.0.1", 0))
            url = f"{second}://127.0.0.1:{taken.getsockname()[1]}"
        if second in ("tcp4", "unix", "unixpacket"):
            taken.listen()
        config = workdir / "penstock.toml"
        config.write_text(GOOD.replace('"tcp4://127.0.0.1:0"', f'["unix://./first.sock", "{url}"]'))
        done = penstock_command("run", "--config", config, folder=workdir, expect=1)
        assert url in done.stderr, done.stderr
    left = set(os.listdir(workdir)) - {"penstock.toml", "taken.sock", "taken.sock.lock", "first.sock.lock"}
    assert left == set(), left


def test_a_sink_that_cannot_be_opened_leaves_nothing_behind(workdir):
    """The first sink and the quarantine could be opened, the second sink cannot: their empty files go again."""
    config = workdir / "penstock.toml"
    config.write_text(GOOD + '[[sink]]\nname = "second"\ntype = "file"\npath = "/proc/nowhere/out.log"\n')
    done = penstock_command("run", "--config", config, folder=workdir, expect=1)
    assert "/proc/nowhere" in done.stderr, done.stderr
    assert set(os.listdir(workdir)) == {"penstock.toml"}


@ONE_USER
def test_a_thread_that_cannot_be_made_leaves_nothing_behind(penstock, workdir):
    """As in a container with a limit on processes: exit 1, and what the start had created is gone."""
    if os.geteuid() != 0:
        cannot_run("needs a user without other processes")
    server = penstock({"listen": any_url("unix")}, {"path": "data/out.log"}, start=False, unprivileged=True, processes=3)
    server.spawn()
    assert server.wait() == 1, server.log_text()
    assert server.log_has("cannot start a thread")
    assert set(os.listdir(workdir)) - {"penstock", "penstock.toml", "unix.sock.lock"} == set()
    server.checked = True


@ONE_USER
@pytest.mark.parametrize("processes", [4, 5, 6])
def test_a_thread_that_cannot_be_made_waits_for_no_dead_sink(penstock, processes):
    """Its queue on disk has records for a receiver that is away: they stay there, and the start fails at once."""
    if os.geteuid() != 0:
        cannot_run("needs a user without other processes")
    away = {"type": "relay", "to": "tcp://127.0.0.1:1", "queue": {"type": "disk", "path": "queue"}}
    settings = {"server": {"threads": 2, "flush_timeout": "300ms"}, "unprivileged": True}
    first = penstock({"listen": any_url("tcp4")}, away, **settings)
    send_stream(first.address("tcp4"), b"a\nb\n")
    wait_until(lambda: first.admin.sink()["disk_queue"]["records"] == 2, "the records in the queue on disk")
    first.stop()
    again = penstock({"listen": any_url("tcp4")}, away, start=False, folder=first.folder, processes=processes, **settings)
    again.spawn()
    assert again.wait() == 1, again.log_text()
    assert again.log_has("cannot start a thread")
    again.checked = True
    last = penstock({"listen": any_url("tcp4")}, away, folder=first.folder, **settings)
    assert last.admin.sink()["disk_queue"]["records"] == 2
    last.stop()


@pytest.mark.parametrize("kind", ["file", "directory"])
def test_what_is_no_socket_is_never_touched(workdir, kind):
    path = workdir / "precious"
    path.write_text("data") if kind == "file" else path.mkdir()
    config = workdir / "penstock.toml"
    config.write_text(GOOD.replace("tcp4://127.0.0.1:0", f"unix://{path}"))
    done = penstock_command("run", "--config", config, folder=workdir, expect=1)
    assert str(path) in done.stderr
    assert path.read_text() == "data" if kind == "file" else path.is_dir()


@pytest.mark.parametrize("scheme", ["unix", "unixgram", "unixpacket"])
def test_stale_socket_is_replaced(penstock, workdir, scheme):
    first = penstock({"listen": any_url(scheme)})
    path = first.address(scheme).path
    first.kill()
    assert os.path.exists(path)
    second = penstock({"listen": any_url(scheme)}, folder=workdir)
    send_messages(second.address(scheme), [b"one"])
    second.wait_records(1)
    second.stop()
    assert not os.path.exists(path)


@pytest.mark.parametrize("scheme", ["unix", "unixgram", "unixpacket"])
def test_live_server_at_the_path_is_left_alone(penstock, workdir, scheme):
    first = penstock({"listen": any_url(scheme)})
    config = workdir / "second.toml"
    config.write_text(first.config.read_text().replace("out.log", "second.log"))
    done = penstock_command("run", "--config", config, folder=workdir, expect=1)
    assert scheme in done.stderr
    send_messages(first.address(scheme), [b"still here"])
    first.wait_records(1)


@pytest.mark.parametrize("scheme", ALL)
def test_every_scheme_serves(penstock, scheme):
    url = {"tcp": "tcp://:0", "udp": "udp://:0"}.get(scheme) or any_url(scheme)
    server = penstock({"listen": url})
    send_messages(server.address(scheme), [b"one", b"two"])
    server.wait_records(2)
    server.stop()
    assert server.records() == [b"one", b"two"]


def test_all_nine_in_one_listener(penstock):
    server = penstock({"listen": ["tcp://:0", "udp://:0", *(any_url(s) for s in ALL if s not in ("tcp", "udp"))]})
    assert len(server.urls()) == 9
    for url in server.urls():
        scheme = url.partition(":")[0]
        send_messages(server.address(scheme), [scheme.encode()])
    server.wait_records(9)
    server.stop()
    assert sorted(server.records()) == sorted(s.encode() for s in ALL)


@pytest.mark.parametrize("scheme", ["tcp4", "udp4"])
def test_port_0_twice_is_two_ports(penstock, scheme):
    server = penstock([{"name": "one", "listen": any_url(scheme)}, {"name": "two", "listen": any_url(scheme)}],
                      {"path": "{listener}.log"})
    assert server.address(scheme, "one").port != server.address(scheme, "two").port
    for name in ("one", "two"):
        send_messages(server.address(scheme, name), [name.encode()])
        server.wait_records(1, f"{name}.log")


@pytest.mark.parametrize("scheme", ["unix", "unixpacket", "unixgram"])
def test_abstract_names(penstock, scheme):
    server = penstock({"listen": f"{scheme}://@penstock-{os.getpid()}"})
    send_messages(server.address(scheme), [b"one"])
    server.wait_records(1)
    assert not list(server.folder.glob("@*"))


@pytest.mark.parametrize("mode", ["0600", "0660", "0666"])
def test_mode_of_the_socket_file(penstock, mode):
    server = penstock({"listen": any_url("unix"), "mode": mode})
    assert oct(os.stat(server.address("unix").path).st_mode & 0o777) == oct(int(mode, 8))


@pytest.mark.parametrize("scheme", ["tcp", "udp"])
def test_wildcard_is_dual_stack(penstock, scheme):
    server = penstock({"listen": f"{scheme}://:0"})
    port = server.address(scheme).port
    kind = socket.SOCK_STREAM if scheme == "tcp" else socket.SOCK_DGRAM
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with socket.socket(family, kind) as sock:
            sock.connect((host, port))
            sock.sendall(host.encode() + (b"\n" if scheme == "tcp" else b""))
    server.wait_records(2)
    server.stop()
    assert sorted(server.records()) == [b"127.0.0.1", b"::1"]


@pytest.mark.parametrize("scheme", ["tcp6", "udp6"])
def test_scheme_with_6_is_ipv6_only(penstock, scheme):
    server = penstock({"listen": f"{scheme}://:0"})
    port = server.address(scheme).port
    kind = socket.SOCK_STREAM if scheme == "tcp6" else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as sock:  # the port is free for IPv4
        sock.bind(("127.0.0.1", port))


def test_check_bind_tells_what_the_kernel_grants(workdir):
    (workdir / "penstock.toml").write_text(GOOD.replace('"tcp4://127.0.0.1:0"', '["udp4://127.0.0.1:0", "unixgram://./g"]')
                                           .replace('framing = "newline"', 'receive_buffer = "64KiB"'))
    done = penstock_command("check", "--bind", "--config", "penstock.toml", folder=workdir)
    told = done.stdout + done.stderr
    udp = next(line for line in told.splitlines() if "udp4://127.0.0.1" in line)
    assert "65536" in udp and "131072" in udp, "asked for, and twice that as the kernel grants it"
    assert "max_dgram_qlen" in told
    assert os.listdir(workdir) == ["penstock.toml"], "unix paths are examined, not bound"


def test_check_bind_finds_a_taken_port(workdir):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"tcp4://127.0.0.1:{taken.getsockname()[1]}"
        (workdir / "penstock.toml").write_text(GOOD.replace("tcp4://127.0.0.1:0", url))
        penstock_command("check", "--config", "penstock.toml", folder=workdir)
        done = penstock_command("check", "--bind", "--config", "penstock.toml", folder=workdir, expect=2)
    assert "penstock.toml:6:" in done.stdout + done.stderr and url in done.stdout + done.stderr


def test_check_bind_beside_the_running_server_is_good(penstock, workdir):
    """Its own addresses are held by a running Penstock: a note, not a mistake."""
    server = penstock({"listen": [any_url("tcp4"), any_url("unix"), any_url("unixgram")]})
    text = server.config.read_text()
    for url in server.urls():
        text = text.replace(any_url(url.partition(":")[0]), url)
    (workdir / "same.toml").write_text(text)
    penstock_command("check", "--bind", "--config", "same.toml", folder=workdir)


@pytest.mark.parametrize("scheme", ALL)
def test_inherited_sockets(penstock, workdir, scheme):
    """LISTEN_FDS: the socket was bound by somebody else and holds what came before the start."""
    given, url = given_socket(scheme, workdir)
    server = penstock({"listen": url}, start=False, inherit=given)
    server.start()
    given.close()
    send_messages(server.address(scheme), [b"one"])
    server.wait_records(1)
    server.stop()
    if scheme.startswith("unix"):
        assert os.path.exists(server.address(scheme).path), "the socket file belongs to whoever made it"
