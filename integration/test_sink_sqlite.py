"""type = "sqlite": records as rows, read back by Python's sqlite3 while the server runs and after it has ended in any way."""

import contextlib
import json
import sqlite3
import subprocess

import pytest

from support.acked import AckedSender, Forward, Relp, listener
from support.address import any_url
from support.clients import send_stream
from support.settings import length, sanitized
from support.small_disk import fill
from support.tracing import failing
from support.wait import wait_until

DATABASE = {"type": "sqlite", "path": "logs.db"}


def rows(server, query: str, path: str = "logs.db") -> list:
    """What a query gives; nothing as long as there is no such table or column."""
    with contextlib.closing(sqlite3.connect(server.folder / path, timeout=60)) as database:
        try:
            return database.execute(query).fetchall()
        except sqlite3.OperationalError as error:
            assert "no such" in str(error), error
            return []


def wait_rows(server, count: int, query: str) -> list:
    return wait_until(lambda: (got := rows(server, query)) if len(rows(server, query)) >= count else None,
                      lambda: f"{count} rows of {query}: {rows(server, query)}\n{server.log_text()}")


CASES = {
    "raw": ("raw", "tcp4", b"hello\nb\xff\x00d\n", "message", [("hello",), (b"b\xff\x00d",)]),
    "syslog": ("syslog", "tcp4", b'<165>1 2026-01-02T03:04:05.000006Z web1 app 7 ID3 [a@1 n="4"] text\n',
               "timestamp, host, app, procid, msgid, facility, severity, structured_data, message",
               [(1767323045000006000, "web1", "app", "7", "ID3", 20, 5, '{"a@1":{"n":"4"}}', "text")]),
    "unparsed": ("syslog", "tcp4", b"<999>what\n", "flags, message, error IS NOT NULL, typeof(error_offset)",
                 [("unparsed", "<999>what", 1, "integer")]),
    "json": ("json", "tcp4", b'{"message":"m","level":"error","n":1,"x":{"y":[true,null,0.5]}}\n',
             "message, severity, fields", [("m", 3, '{"level":"error","n":1,"x":{"y":[true,null,0.5]}}')]),
    "gelf": ("gelf", "tcp4", b'{"version":"1.1","host":"h","short_message":"s","level":4,"_user":7}\0',
             "host, message, severity, fields", [("h", "s", 4, '{"user":7}')]),
    "statsd": ("statsd", "tcp4", b"hits:3|c|#a:b\nload:0.25|g\n", "name, kind, value, tags",
               [("hits", "counter", 3, '{"a":"b"}'), ("load", "gauge", 0.25, None)]),
    "influx": ("influx", "tcp4", b'cpu,host=a v=1.5,n=3i,s="t",b=true 5\n', "name, timestamp, tags, fields",
               [("cpu", 5, '{"host":"a"}', '{"v":1.5,"n":3,"s":"t","b":true}')]),
    "graphite": ("graphite", "tcp4", b"a.b;t=1 4.5 1600000000\n", "name, value, timestamp, tags",
                 [("a.b", 4.5, 1600000000000000000, '{"t":"1"}')]),
    "opentsdb": ("opentsdb", "tcp4", b"put sys.cpu 1600000000 7 host=a\n", "name, value, tags", [("sys.cpu", 7, '{"host":"a"}')]),
}


@pytest.mark.parametrize("case", CASES)
def test_records_of_every_protocol_with_their_types(penstock, case):
    protocol, scheme, data, columns, expected = CASES[case]
    server = penstock({"listen": any_url(scheme), "protocol": protocol}, DATABASE)
    send_stream(server.address(scheme), data)
    got = wait_rows(server, len(expected), f'SELECT {columns} FROM "in" ORDER BY rowid')
    assert repr(got) == repr(expected), "as written, 3 is not 3.0"
    (time_ns, name, url, peer), = set(rows(server, 'SELECT typeof(time), listener, url, peer FROM "in"'))
    assert (time_ns, name, peer) == ("integer", "in", "127.0.0.1") and url.startswith("tcp4://127.0.0.1:")
    server.stop()
    assert not (server.folder / "logs.db-wal").exists(), "everything is in the database itself"


def test_credentials_of_unix_peers_and_a_table_each(penstock):
    server = penstock([{"name": "local", "listen": "unixgram://./in.sock"},
                       {"name": "stream", "listen": "unix://./stream.sock"}], {**DATABASE, "table": "{scheme}_{listener}"})
    with server.address("unixgram", "local").connect() as sock:
        sock.send(b"hello")
    send_stream(server.address("unix", "stream"), b"bye\n")
    (uid, message), = wait_rows(server, 1, "SELECT peer_uid, message FROM unixgram_local")
    assert (uid, message) == (0, "hello")
    assert wait_rows(server, 1, "SELECT message FROM unix_stream") == [("bye",)]
    server.stop()


PROTOCOLS = {"relp": Relp(), "forward": Forward()}
EACH = pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)


def numbers(protocol, server, path: str = "logs.db") -> list:
    """Of the acknowledged senders' records, in the order of the table."""
    if protocol.name == "relp":
        return [int(procid) for procid, in rows(server, 'SELECT procid FROM "in" ORDER BY rowid', path)]
    return [json.loads(fields)["n"] for fields, in rows(server, 'SELECT fields FROM "in" ORDER BY rowid', path)]


@EACH
def test_nothing_acknowledged_is_lost_when_it_is_killed(penstock, protocol):
    server = penstock(listener(protocol, "tcp4"), {**DATABASE, "sync": "always"})
    first = 0
    for cycle in range(length(50, 6)):
        sender = AckedSender(protocol, server.address(), outstanding=64, first=first)
        sender.start()
        sender.wait_acked(20 + 37 * cycle % 100)
        server.kill()
        sender.wait_closed()
        got = numbers(protocol, server)
        assert set(range(first, first + sender.acked)) <= set(got)
        assert len(got) == len(set(got)), "each sender sends a number once, so it is there once"
        assert rows(server, "PRAGMA integrity_check") == [("ok",)]
        first += sender.sent
        sender.close()
        server = penstock(listener(protocol, "tcp4"), {**DATABASE, "sync": "always"})
    server.stop()


@EACH
def test_full_disk_and_room_again(penstock, small_disk, protocol):
    server = penstock(listener(protocol, "tcp4"), {**DATABASE, "path": "disk/logs.db", "sync": "always"})
    ballast = fill(small_disk, 2)
    sender = AckedSender(protocol, server.address(), outstanding=64, count=6000, padding=4000)
    sender.start()
    server.wait_log("(?i)sink cannot write.*database or disk is full")
    held = sender.acked
    assert held < 6000
    ballast.unlink()
    sender.wait_acked(6000)
    server.wait_log("sink writes again")
    assert numbers(protocol, server, "disk/logs.db") == list(range(6000)), "each once, in order"
    sender.close()
    server.stop()


@EACH
def test_a_disk_that_does_not_confirm_for_a_while(penstock, protocol):
    """With sync = "always" nothing is acknowledged before its sync; a sync that failed leaves nothing that comes twice."""
    if sanitized():
        pytest.skip("strace slows a sanitized build down to nothing")
    server = penstock(listener(protocol, "tcp4"), {**DATABASE, "sync": "always"})
    with failing(server, server.folder / "logs.db-wal", "fdatasync,fsync", "error=EIO"):
        sender = AckedSender(protocol, server.address(), outstanding=64, count=500)
        sender.start()
        server.wait_log("sink cannot write.*disk I/O error")
        assert sender.acked == 0
    sender.wait_acked(500)
    assert numbers(protocol, server) == list(range(500))
    sender.close()
    server.stop()


def test_another_writer_is_waited_for(penstock):
    server = penstock(listener(Relp(), "tcp4"), {**DATABASE, "sync": "interval"})
    sender = AckedSender(Relp(), server.address(), outstanding=64, count=500)
    other = sqlite3.connect(server.folder / "logs.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    sender.start()
    server.wait_log("sink cannot write.*another program has locked it")
    assert sender.acked == 0
    other.execute("ROLLBACK")
    sender.wait_acked(500)
    assert numbers(Relp(), server) == list(range(500))
    sender.close()
    server.stop()


def test_a_stop_while_it_is_locked_leaves_records_to_replay(penstock):
    server = penstock({"listen": any_url("tcp4")}, DATABASE, server={"drain_timeout": "1s", "flush_timeout": "1s"})
    other = sqlite3.connect(server.folder / "logs.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    send_stream(server.address(), b"one\ntwo\n")
    server.wait_log("another program has locked it")
    server.stop(expect=3)
    assert server.left_over_records() == [b"one", b"two"]
    other.execute("ROLLBACK")
    assert rows(server, 'SELECT message FROM "in"') == []


def test_readers_hold_nobody_up_and_old_rows_go(penstock):
    server = penstock({"listen": any_url("tcp4")}, {**DATABASE, "max_rows": 1000})
    send_stream(server.address(), b"".join(b"%d\n" % n for n in range(5000)))
    wait_until(lambda: rows(server, 'SELECT max(CAST(message AS INTEGER)), count(*) FROM "in"') == [(4999, 1000)],
               lambda: f"the last thousand: {rows(server, 'SELECT max(message), count(*) FROM in')}")
    reader = sqlite3.connect(server.folder / "logs.db", isolation_level=None)
    reader.execute("BEGIN")
    assert reader.execute('SELECT count(*) FROM "in"').fetchone() == (1000,)
    send_stream(server.address(), b"".join(b"%d\n" % n for n in range(5000, 5100)))
    wait_until(lambda: rows(server, 'SELECT max(CAST(message AS INTEGER)), count(*) FROM "in"') == [(5099, 1000)],
               lambda: "written and removed beside the reader")
    assert reader.execute('SELECT max(CAST(message AS INTEGER)) FROM "in"').fetchone() == (4999,)
    reader.close()
    server.stop()


def test_the_database_is_taken_away(penstock):
    server = penstock({"listen": any_url("tcp4")}, DATABASE)
    send_stream(server.address(), b"one\n")
    wait_rows(server, 1, 'SELECT message FROM "in"')
    subprocess.run("mkdir old && mv logs.db* old/", shell=True, cwd=server.folder, check=True)
    send_stream(server.address(), b"two\n")
    server.wait_log("the database file was moved or removed")
    assert wait_rows(server, 1, 'SELECT message FROM "in"') == [("two",)]
    server.stop()
    with sqlite3.connect(server.folder / "old/logs.db") as database:
        assert database.execute('SELECT message FROM "in"').fetchall() == [("one",)]
