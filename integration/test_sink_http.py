"""type = "http": the real VictoriaMetrics, InfluxDB and ClickHouse; and for Loki, Elasticsearch and Splunk a server of the test that
answers as their documentation says. What is acknowledged is what the server has said that it has."""

import base64
import gzip
import json
import ssl

import pytest

from support.acked import AckedSender, Relp, listener
from support.address import any_url
from support.clients import send_stream
from support.settings import length
from support.stores import ClickHouse, InfluxDb, Scripted, VictoriaMetrics, certificates
from support.wait import wait_until

SYSLOG = {"listen": any_url("tcp4"), "protocol": "syslog"}
INFLUX = {"listen": any_url("tcp4"), "protocol": "influx"}
TIME = 1767323045000000000  # 2026-01-02T03:04:05Z


def sink(url: str, preset: str = "none", **more) -> dict:
    http = {key: value for key, value in more.items() if key != "encoding"}
    encoding = {"encoding": more["encoding"]} if "encoding" in more else {}
    return {"type": "http", "endpoint": url, "preset": preset, **encoding, **({"http": http} if http else {})}


def message(n: int, text: str = "hello") -> bytes:
    return f"<165>1 2026-01-02T03:04:05Z web1 app {n} ID - {text}\n".encode()


def quarantined(server) -> list:
    return [entry for entry in server.quarantined() if entry["reason"] == "refused"]


def wait_rows(store, count: int, query: str) -> list:
    wait_until(lambda: len(store.query(query)) >= count, lambda: f"{count} rows, but {store.query(query)[-5:]}")
    return store.query(query)


# --- real servers

@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_victoria_metrics_has_every_point(penstock, workdir, compression):
    with VictoriaMetrics(workdir) as store:
        server = penstock(INFLUX, sink(store.url, "influx", compression=compression))
        points = [f"cpu,host=h{n % 10} v={n}.5,n={n}i {TIME + n * 1000000}\n" for n in range(5000)]
        send_stream(server.address(), "".join(points).encode())
        wait_until(lambda: sum(map(len, store.series().values())) >= 10000, lambda: f"all points: {server.log_text()}")
        series = store.series()
        assert len(series) == 20
        for host in range(10):
            expected = [(TIME // 1000000 + n, n) for n in range(host, 5000, 10)]
            assert sorted(series["cpu_n", f"h{host}"]) == expected
            assert sorted(series["cpu_v", f"h{host}"]) == [(at, n + 0.5) for at, n in expected]
        server.stop()


def test_statsd_reaches_victoria_metrics(penstock, workdir):
    with VictoriaMetrics(workdir) as store:
        server = penstock({"listen": any_url("tcp4"), "protocol": "statsd"}, sink(store.url, "influx"))
        send_stream(server.address(), b"load:0.25|g|#host:web1\n")
        wait_until(lambda: store.series(), lambda: server.log_text())
        (name, host), = store.series()
        assert name.startswith("load") and host == "web1"
        server.stop()


def test_influxdb_with_a_database_that_comes_late_and_a_conflict(penstock, workdir):
    with InfluxDb(workdir) as store:
        server = penstock(INFLUX, sink(store.url, "influx", target="metrics", compression="gzip"))
        send_stream(server.address(), b"".join(b"cpu,host=a v=%d.5 %d\n" % (n, TIME + n) for n in range(100)))
        server.wait_log("sink cannot write.*status 404.*database not found")
        store.query("CREATE DATABASE metrics")
        wait_until(lambda: len(store.query("SELECT v FROM cpu")) == 100, lambda: server.log_text())
        server.wait_log("sink writes again")
        send_stream(server.address(), b'cpu,host=a v=1.5 %d\ncpu,host=a v="text" %d\ncpu,host=a v=2.5 %d\n'
                    % (TIME + 1000, TIME + 1001, TIME + 1002))
        wait_until(lambda: quarantined(server), lambda: server.log_text())
        rows = wait_rows(store, 102, "SELECT v FROM cpu")
        assert rows[-2:] == [[TIME + 1000, 1.5], [TIME + 1002, 2.5]]
        assert [value for _, value in rows[:100]] == [n + 0.5 for n in range(100)]
        server.stop()
        (entry,) = quarantined(server)
        assert "field type conflict" in json.dumps(entry)


def test_influxdb_keeps_points_without_a_time_and_a_number_written_in_two_ways(penstock, workdir):
    with InfluxDb(workdir) as store:
        store.query("CREATE DATABASE metrics")
        server = penstock({"listen": any_url("tcp4"), "protocol": "statsd"}, sink(store.url, "influx", target="metrics"))
        values = ["1", "0.93", "1", "18446744073709551615"] * 500
        send_stream(server.address(), "".join(f"hits:{value}|c\n" for value in values).encode())
        rows = wait_rows(store, len(values), "SELECT value FROM hits")
        server.stop()
        assert [float(value) for _, value in rows] == [float(value) for value in values], "each, in order"
        assert quarantined(server) == []


LOGS = "CREATE TABLE logs (time DateTime, listener String, host String, procid UInt32, severity UInt8, message String) ENGINE = Log"


def test_clickhouse_has_the_columns_it_asks_for(penstock, workdir):
    with ClickHouse(workdir) as store:
        server = penstock(SYSLOG, sink(store.url, "clickhouse", target="logs", compression="gzip"))
        send_stream(server.address(), message(7))
        server.wait_log("sink cannot write.*status 404.*logs")
        store.run(LOGS)
        wait_until(lambda: store.query("SELECT * FROM logs"), lambda: server.log_text())
        records = b"".join(message(n) for n in range(1000))
        send_stream(server.address(), records + b"<165>1 2026-01-02T03:04:05Z web1 app unreadable ID - bad\n" + message(1000))
        rows = wait_rows(store, 1002, "SELECT procid, host, listener, severity, message FROM logs")
        server.stop()
        assert sorted(row["procid"] for row in rows) == sorted([7, *range(1001)])
        assert {(row["host"], row["listener"], row["severity"], row["message"]) for row in rows} == {("web1", "in", 5, "hello")}
        (entry,) = quarantined(server)
        assert "Cannot parse" in json.dumps(entry) and "unreadable" in json.dumps(entry)


@pytest.mark.parametrize("column", ["FixedString(5)", "Enum8('hello' = 1)"])
def test_clickhouse_has_a_column_that_cannot_take_a_record(penstock, workdir, column):
    with ClickHouse(workdir) as store:
        store.run(f"CREATE TABLE narrow (procid UInt32, message {column}) ENGINE = Log")
        server = penstock(SYSLOG, sink(store.url, "clickhouse", target="default.narrow"))
        send_stream(server.address(), message(1) + message(2, "something else") + message(3))
        rows = wait_rows(store, 2, "SELECT procid, message FROM narrow")
        wait_until(lambda: quarantined(server), lambda: server.log_text())
        server.stop()
        assert sorted((row["procid"], row["message"]) for row in rows) == [(1, "hello"), (3, "hello")]
        (entry,) = quarantined(server)
        assert base64.b64decode(entry["bytes"]) == message(2, "something else").rstrip()


def test_clickhouse_is_killed_and_nothing_acknowledged_is_lost(penstock, workdir):
    with ClickHouse(workdir) as store:
        store.run(LOGS)
        server = penstock(listener(Relp(), "tcp4"), sink(store.url, "clickhouse", target="logs", timeout="5s"))
        sender = AckedSender(Relp(), server.address(), outstanding=256)
        sender.start()
        for cycle in range(1, length(20, 3) + 1):
            sender.wait_acked(sender.acked + 500 * cycle)
            store.kill()
            server.wait_log("sink cannot write")
            store.start()
        sender.wait_acked(sender.acked + 500)
        server.stop()
        sender.wait_closed()
        rows = {row["procid"] for row in store.query("SELECT procid FROM logs")}
        assert set(range(sender.acked)) <= rows


# --- a server by script

def lines(bodies) -> list:
    return b"".join(bodies).splitlines()


def procids(store) -> list:
    return [int(json.loads(line)["procid"]) for line in lines(store.taken())]


def test_trouble_of_every_kind_and_everything_acknowledged_is_there(penstock):
    trouble = [None, (500, {}, b"oh"), (503, {"Retry-After": "1"}, b"busy"), (429, {}, b"slower"), (502, {}, b"<html>")]

    def answer(number, request):
        return trouble[number // 3 % 5] if number % 3 == 1 and number < 16 else (200, {}, b"fine" * 5)

    with Scripted(answer) as store:
        server = penstock(listener(Relp(), "tcp4"), sink(store.url + "/in", encoding="json", batch_bytes="16KiB", compression="gzip"))
        sender = AckedSender(Relp(), server.address(), outstanding=256, count=3000, padding=100)
        sender.start()
        sender.wait_acked(3000)
        taken = [int(json.loads(line)["procid"]) for body in store.taken() for line in gzip.decompress(body).splitlines()]
        assert sorted(set(taken)) == list(range(3000))
        assert list(dict.fromkeys(taken)) == list(range(3000)), "in order"
        sender.close()
        server.stop()
        assert {request["path"] for request in store.requests} == {"/in"}
        assert store.requests[0]["headers"]["Content-Encoding"] == "gzip"


def test_nothing_acknowledged_is_missing_there_when_penstock_is_killed(penstock):
    with Scripted() as store:
        first = 0
        for cycle in range(length(30, 4)):
            server = penstock(listener(Relp(), "tcp4"), sink(store.url, encoding="json", in_flight=1 + cycle % 3))
            sender = AckedSender(Relp(), server.address(), outstanding=64, first=first)
            sender.start()
            sender.wait_acked(30 + 37 * cycle % 100)
            server.kill()
            sender.wait_closed()
            assert set(range(first, first + sender.acked)) <= set(procids(store))
            first += sender.sent
            sender.close()


def test_a_server_that_is_away_holds_senders_up_and_a_stop_leaves_it_over(penstock):
    with Scripted() as gone:
        url = gone.url
    server = penstock({"listen": any_url("tcp4")}, {**sink(url), "queue": {"max_bytes": "1MiB"}},
                      server={"drain_timeout": "1s", "flush_timeout": "1s"})
    send_stream(server.address(), b"one\ntwo\n")
    server.wait_log("sink cannot write.*onnect")
    server.stop(expect=3)
    assert server.left_over_records() == [b"one", b"two"]


def test_loki(penstock):
    with Scripted(lambda *_: (204, {}, b"")) as store:
        server = penstock(SYSLOG, sink(store.url, "loki", headers={"X-Scope-OrgID": "team", "Authorization": "Bearer s3cret"}))
        send_stream(server.address(), message(1) + message(2, 'quo"te'))
        wait_until(lambda: len(store.taken()) > 0, lambda: server.log_text())
        assert "s3cret" not in server.log_text() and "s3cret" not in json.dumps(server.admin.status())
        server.stop()
    values = []
    for request in store.requests:
        assert request["path"] == "/loki/api/v1/push" and request["headers"]["Content-Type"] == "application/json"
        assert request["headers"]["X-Scope-OrgID"] == "team" and request["headers"]["Authorization"] == "Bearer s3cret"
        for stream in json.loads(request["body"])["streams"]:
            assert stream["stream"] == {"listener": "in", "host": "web1", "app": "app"}
            values += stream["values"]
    assert len({at for at, _ in values}) == 2, "one time would make equal lines one"
    assert [line for _, line in values] == [message(1).decode().rstrip("\n"), message(2, 'quo"te').decode().rstrip("\n")]
    assert all(at.isdigit() and len(at) == 19 for at, _ in values)


def test_elasticsearch_refuses_one_and_is_too_busy_for_another(penstock):
    seen = set()

    def answer(number, request):
        parts = [json.loads(line) for line in request["body"].splitlines()]
        assert request["path"].startswith("/_bulk?filter_path=")
        assert all(action == {"create": {"_index": "logs"}} for action in parts[::2])
        items = []
        for document in parts[1::2]:
            text = document["message"]
            if text == "bad":
                items.append({"create": {"status": 400, "error": {"type": "mapper_parsing_exception", "reason": "no number"}}})
            elif text == "busy" and "busy" not in seen:
                seen.add("busy")
                items.append({"create": {"status": 429, "error": {"type": "es_rejected_execution_exception"}}})
            else:
                items.append({"create": {"_index": "logs", "status": 201}})
        return 200, {"Content-Type": "application/json"}, json.dumps({"took": 1, "errors": True, "items": items}).encode()

    with Scripted(answer) as store:
        server = penstock(SYSLOG, sink(store.url, "elasticsearch", target="logs"))
        send_stream(server.address(), message(1) + message(2, "bad") + message(3, "busy") + message(4))
        server.wait_log("sink cannot write.*status 429")
        server.wait_log("sink writes again")
        server.stop()
    documents = [json.loads(line) for line in lines(request["body"] for request in store.requests)[1::2]]
    assert [document["procid"] for document in documents].count("3") == 2
    assert sorted({document["procid"] for document in documents}) == ["1", "2", "3", "4"]
    assert len(documents) == 5, "what was taken is not sent again"
    assert documents[0]["@timestamp"] == documents[0]["time"] and documents[0]["host"] == "web1"
    (entry,) = quarantined(server)
    assert "mapper_parsing_exception" in json.dumps(entry)


def test_splunk_takes_events_until_one_is_bad(penstock):
    taken = []

    def answer(number, request):
        assert request["headers"]["Authorization"] == "Splunk token-1"
        if number == 0:
            return 400, {}, b'{"text":"Incorrect index","code":7,"invalid-event-number":1}'
        for at, event in enumerate(map(json.loads, request["body"].splitlines())):
            if "bad" in event["event"]:
                return 400, {}, json.dumps({"text": "Invalid data format", "code": 6, "invalid-event-number": at}).encode()
            taken.append(event)
        return 200, {}, b'{"text":"Success","code":0}'

    with Scripted(answer) as store:
        server = penstock(SYSLOG, sink(store.url, "splunk", target="main", headers={"Authorization": "Splunk token-1"}))
        send_stream(server.address(), message(1) + message(2, "bad") + message(3))
        server.wait_log("sink cannot write.*Incorrect index")
        wait_until(lambda: quarantined(server) and len(taken) >= 2, lambda: server.log_text())
        server.stop()
    assert [event["event"].split()[4] for event in taken] == ["1", "3"]
    assert {(event["time"], event["host"], event["sourcetype"], event["index"]) for event in taken} == {(TIME / 1e9, "web1", "in", "main")}
    assert "Invalid data format" in json.dumps(quarantined(server))


# --- TLS

def test_tls_with_an_own_authority_and_a_client_certificate(penstock, workdir):
    made = certificates(workdir)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*made["server"])
    context.load_verify_locations(made["ca"])
    context.verify_mode = ssl.CERT_REQUIRED
    cert, key = map(str, made["client"])
    with Scripted(context=context) as store:
        server = penstock({"listen": any_url("tcp4")}, sink(store.url, ca_file=str(made["ca"]), client_cert=cert, client_key=key))
        send_stream(server.address(), b"one\n")
        wait_until(lambda: store.taken() == [b"one\n"], lambda: server.log_text())
        server.stop()


def test_a_certificate_that_nobody_trusts_gets_no_record(penstock, workdir):
    made = certificates(workdir)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*made["server"])
    with Scripted(context=context) as store:
        server = penstock({"listen": any_url("tcp4")}, sink(store.url), server={"drain_timeout": "1s", "flush_timeout": "1s"})
        send_stream(server.address(), b"one\n")
        server.wait_log("sink cannot write.*certificate")
        server.stop(expect=3)
        assert store.requests == []


# --- with a queue on disk

def test_what_was_acknowledged_waits_on_disk_through_a_kill_until_the_server_is_there(penstock):
    with Scripted() as gone:
        port = gone.port
    to = {**sink(f"http://127.0.0.1:{port}", encoding="json"), "queue": {"type": "disk", "path": "queue"}}
    server = penstock(listener(Relp(), "tcp4"), to)
    sender = AckedSender(Relp(), server.address(), outstanding=64, count=2000)
    sender.start()
    sender.wait_acked(2000)
    server.wait_log("sink cannot write.*onnect")
    server.kill()
    sender.close()
    server = penstock(listener(Relp(), "tcp4"), to)
    with Scripted(port=port) as store:
        wait_until(lambda: len(procids(store)) >= 2000, lambda: f"{len(procids(store))} records\n{server.log_text()}")
        assert list(dict.fromkeys(procids(store))) == list(range(2000))
        server.kill()
