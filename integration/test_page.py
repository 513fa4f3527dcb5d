"""The status page in a browser: what it shows is what /api/status says, and where bytes wait stands out."""

import json
import re
import socket
import time

import pytest

from support.browser import Browser
from support.clients import Flood, send_datagrams, send_stream
from support.png import Picture
from support.records import record
from support.settings import ROOT
from support.stalled import StalledPipe
from support.wait import wait_until

SHOTS = ROOT / "build/page"
QUEUE = 4 << 20
HOSTILE = b"<script>document.title='taken'</script><img src=x onerror=alert(1)>\x00\xff\x1b[31m" + b"x" * 300


# --- without a browser

def read_events(stream, count: int) -> list:
    """The next `count` events as (name, document)."""
    events = []
    while len(events) < count:
        name = stream.readline().decode().removeprefix("event: ").rstrip("\n")
        data = stream.readline().decode().removeprefix("data: ")
        assert stream.readline() == b"\n"
        events.append((name, json.loads(data)))
    return events


def open_events(admin, headers=None):
    """The reply to a request of /api/events, not read yet."""
    connection = admin.http()
    connection.request("GET", "/api/events", headers=headers or {})
    return connection.getresponse()


def test_events(penstock):
    """History, then the document of /api/status with rates once a second; streams are limited and come back."""
    server = penstock({"listen": "unix://./in.sock"})
    send_stream(server.address("unix"), b"".join(record("a", n, 200) + b"\n" for n in range(1000)))
    server.wait_records(1000)
    admin = server.admin
    stream = open_events(admin)
    assert stream.headers["Content-Type"] == "text/event-stream"
    (first, history), *looks = read_events(stream, 4)
    assert first == "history" and [name for name, _ in looks] == ["status"] * 3
    columns = [history[name] for name in history if name.endswith("_per_second")] + [history["receive_queue_bytes"]]
    assert all(len(column) == len(history["time"]) for column in columns), history
    times = [look["time"] for _, look in looks]
    assert times == sorted(set(times))
    status = admin.status()
    rates = looks[-1][1].pop("rates")
    assert set(looks[-1][1]) == set(status) and looks[-1][1]["routes"] == status["routes"]
    assert rates["interval_seconds"] > 0 and rates["events_per_second"] == 0
    assert [one["name"] for one in rates["listeners"] + rates["sinks"]] == ["in", "out"]

    streams = [stream, *(open_events(admin) for _ in range(15))]
    assert [stream.status for stream in streams] == [200] * 16
    assert admin.ask("/api/events")[0] == 503 and admin.ask("/healthz")[0] == 200
    for stream in streams:
        stream.close()

    def there_is_room():
        with open_events(admin) as stream:
            return stream.status == 200

    wait_until(there_is_room, "a stream again")
    server.stop()


@pytest.mark.long
def test_a_reader_that_stands_still_is_dropped(penstock, workdir):
    """What it does not take is not kept for it: the kernel's buffers fill, and the server ends the connection."""
    listeners = [{"name": f"listener-{n}", "listen": f"unix://./{n}.sock"} for n in range(40)]
    path = str(workdir / "a.sock")
    server = penstock(listeners, admin={"listen": f"unix://{path}"})
    stuck = server.admin.socket()
    stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stuck.sendall(b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    wait_until(lambda: stuck.recv(1, socket.MSG_PEEK), "the reply's begin")

    def held() -> int:
        """Connections of the admin socket that the server has."""
        return sum(line.endswith(path) for line in open(f"/proc/{server.pid}/net/unix").read().splitlines()) - 1

    assert held() >= 1
    wait_until(lambda: held() == 0, "the server closes it")
    assert server.admin.ask("/healthz")[0] == 200
    server.stop()


def test_with_a_token_the_page_is_there_and_the_figures_are_not(penstock, workdir):
    """The page's files hold no secret: it asks for the token itself."""
    (workdir / "token").write_text("correct-horse\n")
    server = penstock({"listen": "unix://./in.sock"}, admin={"listen": "tcp4://127.0.0.1:0", "token_file": "token"})
    admin = server.admin
    status, headers, body = admin.ask("/")
    assert status == 200 and b"token-form" in body
    assert headers["Content-Security-Policy"].startswith("default-src 'self';")
    assert admin.ask("/assets/page.js")[0] == 200
    for path in ("/api/events", "/api/status", "/assets/../api/status", "/assets/", "//"):
        assert admin.ask(path)[0] == 401, path
    assert admin.ask("/", "POST")[0] == 401
    assert admin.ask("/api/status", headers={"Authorization": "Bearer correct-horse"})[0] == 200
    server.stop()


def contrast(one: str, other: str) -> float:
    """WCAG 2.1: of two colours `#rrggbb`."""
    def light(colour):
        parts = [int(colour[at: at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    dark, bright = sorted((light(one), light(other)))
    return (bright + 0.05) / (dark + 0.05)


def test_text_can_be_read_in_both_schemes():
    """Each tone against the grounds that it is written on: at least 4.5 (AA); what is drawn at least 3."""
    style = (ROOT / "server/admin/page/page.css").read_text()
    schemes = [dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block)) for block in re.findall(r"\{[^{}]*--ground:[^{}]*\}", style)]
    light, dark, chosen_dark = schemes
    assert dark == chosen_dark and set(light) == set(dark)
    for colours in (light, dark):
        for text, grounds in {"ink": ("ground", "panel", "wait-soft", "loss-soft", "off-soft", "flow-soft"), "soft": ("ground", "panel", "flow-soft"),
                              "good": ("panel", "good-soft"), "wait": ("panel", "ground", "wait-soft"),
                              "loss": ("panel", "ground", "loss-soft")}.items():
            for ground in grounds:
                assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
        for drawn in ("flow", "loss", "good", "soft"):
            assert contrast(colours[drawn], colours["panel"]) >= 3, drawn
        assert contrast(colours["wait-line"], colours["panel"]) >= 2.5


# --- in a browser

def size_text(value: int) -> str:
    """As the page writes bytes."""
    units = ["B", "KiB", "MiB", "GiB"]
    at, scaled = 0, float(value)
    while scaled >= 1024 * 0.9995 and at < len(units) - 1:
        scaled, at = scaled / 1024, at + 1
    digits = 0 if at == 0 or scaled >= 99.95 else 1 if scaled >= 9.995 else 2
    return f"{scaled:.{digits}f} {units[at]}"


class Page:
    """What stands on the page, and the server's own word to compare with."""

    def __init__(self, browser, server):
        self.browser = browser
        self.server = server

    def text(self, selector: str) -> str:
        return self.browser.run("const one = document.querySelector(arguments[0]); return one?.innerText ?? one?.textContent ?? ''", selector)

    def attribute(self, selector: str, name: str):
        return self.browser.run("return document.querySelector(arguments[0])?.getAttribute(arguments[1]) ?? null", selector, name)

    def names(self, table: str) -> list:
        return self.browser.run("return [...document.querySelectorAll(arguments[0] + ' tbody tr')].map((row) => row.dataset.name)", table)

    def cells(self, table: str) -> dict:
        """{row: {key: value}} of a table, each value as the page was given it."""
        return self.browser.run("""
            const rows = [...document.querySelectorAll(arguments[0] + ' tbody tr')];
            const cells = (row) => Object.fromEntries([...row.children].map((cell) => [cell.dataset.key, cell.dataset.value]));
            return Object.fromEntries(rows.map((row) => [row.dataset.name, cells(row)]))""", table)

    def texts(self, table: str, row: str) -> dict:
        """{key: text} of a row, as it is read."""
        return self.browser.run("""
            const row = [...document.querySelectorAll(arguments[0] + ' tbody tr')].find((one) => one.dataset.name === arguments[1]);
            return Object.fromEntries([...row.children].map((cell) => [cell.dataset.key, cell.innerText]))""", table, row)

    def boxes(self, selectors) -> list:
        return self.browser.run("""return arguments[0].map((selector) => {
            const box = document.querySelector(selector).getBoundingClientRect();
            return {x: box.left + scrollX, y: box.top + scrollY, width: box.width, height: box.height};
        })""", selectors)

    def colour(self, selector: str, property_name: str = "background-color") -> tuple:
        value = self.browser.run("return getComputedStyle(document.querySelector(arguments[0])).getPropertyValue(arguments[1])",
                                 selector, property_name)
        return tuple(int(part) for part in re.findall(r"\d+", value)[:3])

    def fresh(self) -> dict:
        """Waits until it shows a look that is newer than now, and gives what the server says then."""
        now = self.server.admin.status()["time"]
        wait_until(lambda: (self.attribute("html", "data-seen") or "") > now, "the page's next look")
        return self.server.admin.status()

    def shot(self, name: str, *selectors: str):
        """Keeps a picture of the page; gives of each element its own picture and its box on the page."""
        def still():
            before = self.boxes(selectors)
            whole, parts = self.browser.screenshot(), [self.part(box) for box in before]
            return (whole, parts, before) if before == self.boxes(selectors) else None

        whole, parts, boxes = wait_until(still, "a picture while nothing on the page moves")
        SHOTS.mkdir(parents=True, exist_ok=True)
        (SHOTS / f"{name}.png").write_bytes(whole)
        return dict(zip(selectors, zip(parts, boxes)))

    def part(self, box: dict) -> Picture:
        left, top = int(box["x"]), int(box["y"])
        clip = {"x": left, "y": top, "width": int(box["width"]) + 2, "height": int(box["height"]) + 2}
        return Picture(self.browser.screenshot(clip), (left, top))


def assert_shows(page: Page, status: dict):
    """Each figure of the tables that stands still is the server's."""
    cells = page.cells("#listeners")
    for one in status["listeners"]:
        shown = cells.pop(one["name"])
        assert shown["gate"] == ("open" if one["gate"]["open"] else "shut")
        expected = {"kernel_drops": one["kernel_drops"], "active": one["connections"]["active"], "paused": one["connections"]["paused"],
                    "receive_queue_bytes": one["kernel"]["receive_queue_bytes"],
                    "send_queue_bytes": one["kernel"]["send_queue_bytes"], "accept_queue": one["kernel"]["accept_queue"]}
        assert {key: int(shown[key]) for key in expected} == expected, one["name"]
        texts = page.texts("#listeners", one["name"])
        assert texts["receive_queue_bytes"] == size_text(expected["receive_queue_bytes"])
        assert texts["kernel_drops"] == (f"! {expected['kernel_drops']:,}" if expected["kernel_drops"] else "0")
        assert texts["name"].split("\n") == [one["name"], f"{one['protocol']}, {one['framing']}", *(url["url"] for url in one["urls"])]
    assert not cells
    cells = page.cells("#sinks")
    for one in status["sinks"]:
        routes = [route for route in status["routes"] if route["sink"] == one["name"]]
        expected = {"queue": one["queue"]["bytes"], "peak_bytes": one["queue"]["peak_bytes"],
                    "delivered": sum(route["delivered"] for route in routes), "queued": sum(route["queued"] for route in routes),
                    "lost": sum(sum(route["lost"].values()) for route in routes)}
        shown = cells.pop(one["name"])
        assert {key: int(shown[key]) for key in expected} == expected, one["name"]
        texts = page.texts("#sinks", one["name"])
        assert texts["delivered"] == f"{expected['delivered']:,}" and texts["queued"] == f"{expected['queued']:,}"
        assert texts["queue"].endswith(f"% of {size_text(one['queue']['max_bytes'])}")
    assert not cells
    assert page.text("#facts [data-key=phase]") == status["phase"]
    assert page.text("#facts [data-key=paused]") == str(status["connections"]["paused"])
    assert size_text(status["memory"]["used_bytes"]) in page.text("#facts [data-key=memory]")
    losses = {f"listener {one['name']}: {'dropped by the kernel: receive buffer full'}": one["kernel_drops"]
              for one in status["listeners"] if one["kernel_drops"]}
    shown = {name: int(row["count"]) for name, row in page.cells("#losses").items()}
    assert losses.items() <= shown.items()


def bar_of(sink: dict) -> str:
    return f"#sinks tr[data-name={sink['name']}] .meter"


def assert_bar(page: Page, picture: Picture, bar: dict, sink: dict):
    """The sink's bar in the screenshot: coloured as far as its queue is full, and not beyond."""
    selector = bar_of(sink)
    level, ground = page.colour(f"{selector} .meter-level"), page.colour(selector)
    assert level != ground
    share = min(1.0, sink["queue"]["bytes"] / sink["queue"]["max_bytes"])
    width, middle = bar["width"] - 2, bar["y"] + bar["height"] / 2  # without its edges
    for at in range(0, 100):
        x = bar["x"] + 1 + width * (at + 0.5) / 100
        if abs((at + 0.5) / 100 - share) > 0.03:
            wanted = level if (at + 0.5) / 100 < share else ground
            assert picture.pixel(x, middle) == wanted, (sink["name"], at, share, bar)


def assert_bars(page: Page, name: str, status: dict):
    """A screenshot against what the server says; in the picture of the flow the sink is as full."""
    fill = "#flow [data-name=archive] .node-fill"
    parts = page.shot(name, fill, *(bar_of(sink) for sink in status["sinks"]))
    for sink in status["sinks"]:
        assert_bar(page, *parts[bar_of(sink)], sink)
    (picture, box), colour = parts[fill], page.colour(fill, "fill")
    assert picture.pixel(box["x"] + 12, box["y"] + 4) == picture.pixel(box["x"] + box["width"] - 12, box["y"] + 4) == colour
    share = min(1.0, status["sinks"][0]["queue"]["bytes"] / status["sinks"][0]["queue"]["max_bytes"])
    whole, = page.boxes(["#flow [data-name=archive] .node-box"])
    assert box["width"] == pytest.approx(share * whole["width"], abs=4)


def stands_still(server) -> bool:
    """Nothing moves any more: two looks of the counters, and of the kernel's part, are the same."""
    def look():
        status = server.admin.status()
        return [status["listeners"], status["routes"], status["sinks"], status["connections"]]
    before = look()
    time.sleep(2.5)
    return look() == before


def check_waiting(page: Page):
    """The sink has stopped: the sentence, the picture and the tables point to it."""
    status = page.fresh()
    assert_shows(page, status)
    syslog, statsd, _ = status["listeners"]
    queued = syslog["kernel"]["receive_queue_bytes"]
    both = queued + statsd["kernel"]["receive_queue_bytes"]
    assert statsd["kernel_drops"] > 0 and "Records are being lost." in page.text("#verdict")
    sentence = page.text("#verdict")
    assert "Bytes wait at sink archive: it does not take its data." in sentence
    assert f"2 connections and 1 datagram socket paused, {size_text(both)} in Recv-Q; 2 listeners: syslog and statsd" in sentence
    assert "Bytes wait at sink archive" in page.text("#spoken") and "Recv-Q" not in page.text("#spoken")
    assert page.attribute("#spoken", "aria-live") == "polite"
    marked = page.browser.run("return [...document.querySelectorAll('#flow [data-tone]')].map((one) => one.dataset.name ?? 'way')")
    assert sorted(marked) == ["archive", "statsd", "syslog", "way", "way"]
    assert page.text("#flow .gate-shut") == "shut" and f"{size_text(queued)} in Recv-Q" in page.text("#flow [data-name=syslog]")
    assert queued > 100_000, "what the peers sent and nobody reads lies in the kernel"
    rows = {row["id"]: row for row in page.server.admin.json("/api/sockets?paused=1")["sockets"]}
    wait_until(lambda: set(page.names("#paused")) == set(rows), lambda: f"{set(rows)} among the paused: {page.names('#paused')}")
    shown = page.cells("#paused")
    assert {row["paused_by"] for row in shown.values()} == {"archive"} and len(rows) == 3
    assert {name: int(row["receive_queue_bytes"]) for name, row in shown.items()} == {
        name: row["receive_queue_bytes"] for name, row in rows.items()}
    assert sum(row["receive_queue_bytes"] for row in rows.values()) == both


def check_hostile_bytes(page: Page):
    """What a peer sent is text, escaped and cut, whatever it looks like."""
    quarantine = page.server.admin.status()["quarantine"]
    shown = page.browser.run("return [...document.querySelectorAll('#last code')].map((one) => one.textContent)")
    assert shown == [entry["bytes"] for entry in quarantine["last"]] and shown[0].startswith("<script>")
    assert "\x1b" not in shown[0] and "\\x00" in shown[0]
    reasons = {(row["listener"], row["reason"]): (int(row["count"]), int(row["bytes"])) for row in page.cells("#quarantine").values()}
    assert reasons == {(one["listener"], one["reason"]): (one["count"], one["bytes"]) for one in quarantine["by_reason"]}
    assert page.browser.run("return document.querySelectorAll('main script, main img, main iframe').length") == 0
    assert page.browser.run("return document.title").endswith(" - Penstock")


def check_keyboard(page: Page):
    """Tables sort by their heads' buttons, charts are read with arrows, and what has the focus is seen."""
    browser = page.browser
    browser.run("document.querySelector('#sinks [role=columnheader]:nth-child(3) button').focus()")
    browser.press("ENTER")
    assert page.names("#sinks")[0] == "archive" and page.attribute("#sinks th[aria-sort]", "aria-sort") == "descending"
    browser.press("ENTER")
    assert page.names("#sinks")[-1] == "archive"
    browser.press("ENTER")
    assert page.names("#sinks") == ["archive", "file"] and page.attribute("#sinks th[aria-sort]", "aria-sort") is None
    browser.press("TAB")
    assert browser.run("return getComputedStyle(document.activeElement).outlineStyle") == "solid"
    browser.run("document.querySelector('#chart-input [role=slider]').focus()")
    browser.press("LEFT", "LEFT")
    assert re.fullmatch(r"\d\d:\d\d:\d\d", page.text("#chart-input .chart-when"))
    assert page.text("#chart-recvq .chart-when") == page.text("#chart-input .chart-when")
    assert int(page.attribute("#chart-input [role=slider]", "aria-valuenow")) < 0
    browser.press("ESCAPE")
    assert page.text("#chart-input .chart-when") == "now"


def check_charts(page: Page):
    """The figure beside each chart is the last point's, and the lines have what the history has."""
    status = page.fresh()
    fill = max(one["queue"]["bytes"] / one["queue"]["max_bytes"] for one in status["sinks"])
    assert float(page.attribute("#chart-fill .chart-value", "data-value")) == pytest.approx(fill)
    queued = sum(one["kernel"]["receive_queue_bytes"] for one in status["listeners"])
    assert int(page.attribute("#chart-recvq .chart-value", "data-value")) == queued
    assert page.text("#chart-dropped .chart-value") == "0/s"
    for name in ("input", "records", "delivered", "dropped", "fill", "recvq"):
        assert page.attribute(f"#chart-{name} .chart-line", "d").count("L") > 3, name


def check_window(page: Page):
    """The charts' points are those of ten minutes, whatever the clock did: a pause, a second twice, a step back."""
    times, fills = page.browser.run("""return import('/assets/charts.js').then(({History}) => {
        const history = new History();
        const rates = {interval_seconds: 1, read_bytes_per_second: 1, events_per_second: 1, delivered_per_second: 1, lost_per_second: 0};
        return arguments[0].map((seconds) => {
            for (const second of seconds)
                history.add({time: new Date(second * 1000).toISOString(), rates, listeners: [],
                             sinks: [{name: `from ${seconds[0]}`, queue: {bytes: 1, max_bytes: 2}}]});
            return [history.points.time.map((time) => time / 1000), history.points.queues.map((queue) => queue.fill)];
        }).at(-1);
    })""", [list(range(1, 1201)), [1200, 1201, 1900], list(range(1000, 1010))])
    assert times == list(range(1000, 1010)) and fills == [[0.5] * 10]
    times, fills = page.browser.run("""return import('/assets/charts.js').then(({History}) => {
        const history = new History();
        const list = [1000, 2000, 3000, 2500, 3500, 700000];
        history.reset({points_max: 600, time: list, read_bytes_per_second: [...list], events_per_second: [...list],
                       delivered_per_second: [...list], lost_per_second: [...list], receive_queue_bytes: [...list],
                       queues: [{sink: 's', fill: [...list]}]});
        return [history.points.time, history.points.queues[0].fill];
    })""")
    assert times == fills == [700000]


def check_phone(page: Page):
    """Nothing is cut off and nothing has to be pushed sideways, from a phone to a small window."""
    for width in (1100, 1041, 800, 360):
        page.browser.size(width, 740)
        page.fresh()
        wide = page.browser.run("""return [...document.querySelectorAll('body *')].filter((one) => one.getClientRects().length &&
            !one.closest('.unseen, .skip') && one.getBoundingClientRect().right > innerWidth + 0.5).map((one) => one.outerHTML)""")
        assert wide == [] and page.browser.run("return document.documentElement.scrollWidth") == width
    page.shot("phone")
    page.browser.size(1280, 900)


def check_schemes(page: Page):
    """As the system says, unless the button says otherwise."""
    def is_dark():
        return sum(page.colour("body")) < 200
    assert not is_dark()
    page.browser.scheme("dark")
    wait_until(is_dark, "dark")
    page.shot("dark")
    press = "document.getElementById('theme').click(); return document.getElementById('theme').innerText"
    assert page.browser.run(press) == "Scheme: light" and not is_dark()
    page.browser.scheme("light")
    assert page.browser.run(press) == "Scheme: dark" and is_dark()
    assert page.browser.run(press) == "Scheme: system" and not is_dark()


def fill_half(server, connection):
    """In pieces, because a queue is charged with the blocks that its batches keep, which depends on how they were read."""
    piece = b"".join(record("f", number, 1000) + b"\n" for number in range(100))
    sent = 0
    while server.admin.sink("archive")["queue"]["bytes"] <= QUEUE * 0.55:
        connection.sendall(piece)
        sent += len(piece)
        wait_until(lambda: server.admin.listener("syslog")["read_bytes"] == sent, "the piece is read")


def enter_token(page: Page, right: str):
    """The server that came back asks for one; a wrong one is asked for again."""
    for token in ("wrong", right):
        wait_until(lambda: page.text("#link") == "token wanted", "it asks for the token")
        page.browser.run("document.getElementById('token').focus()")
        page.browser.press(*token, "ENTER")
        wait_until(lambda: page.text("#link") != "token wanted" or "not the token" in page.text("#token-note"), "an answer")


def errors(browser) -> list:
    """What the page, and not the browser about itself, was told about in the console."""
    return [message for message in browser.messages() if message["level"] != "INFO" and not message["message"].startswith("chrome:")]


@pytest.mark.long
def test_page(penstock, workdir):
    """One browser, one server: a queue that fills, a sink that stands still, losses, hostile bytes, the end and a new begin."""
    pipe = StalledPipe()
    listeners = [{"name": "syslog", "listen": ["tcp4://127.0.0.1:0", "unix://./syslog.sock"], "sinks": ["archive"]},
                 {"name": "statsd", "listen": "udp4://127.0.0.1:0", "sinks": ["archive"], "receive_buffer": "32KiB"},
                 {"name": "apps", "listen": "tcp4://127.0.0.1:0", "sinks": ["file"], "max_frame_bytes": 256, "oversize": "drop"}]
    sinks = [{"name": "archive", "type": "stdout", "queue.max_bytes": QUEUE}, {"name": "file", "path": "file.log"}]
    admin = {"listen": "tcp4://127.0.0.1:0"}
    server = penstock(listeners, sinks, admin=admin, stdout=pipe.write_end)
    pipe.started()
    send_stream(server.address(listener="apps"), HOSTILE + b"\n" + b"".join(record("a", n) + b"\n" for n in range(100)))
    filling = server.address("tcp4", "syslog").connect()
    fill_half(server, filling)
    with Browser() as browser:
        page = Page(browser, server)
        browser.size(1280, 900)
        browser.open(f"http://127.0.0.1:{server.admin.http().port}/")
        wait_until(lambda: stands_still(server), "the queue's part")
        status = page.fresh()
        assert status["sinks"][0]["queue"]["open"] and 0.5 < status["sinks"][0]["queue"]["bytes"] / QUEUE < 0.9
        assert_shows(page, status)
        assert_bars(page, "filling", status)
        check_hostile_bytes(page)

        floods = [Flood(server.address(scheme, "syslog"), scheme) for scheme in ("tcp4", "unix")]
        for flood in floods:
            flood.start()
        wait_until(lambda: not server.admin.listener("statsd")["gate"]["open"], "the gates are shut")
        send_datagrams(server.address("udp4", "statsd"), "d", 300, 1000)
        wait_until(lambda: stands_still(server), "all stands still")
        check_waiting(page)
        assert_bars(page, "waiting", page.fresh())
        check_charts(page)
        check_keyboard(page)
        check_window(page)
        check_phone(page)
        check_schemes(page)

        pipe.flow()
        for flood in floods:
            flood.enough.set()
            flood.join(60)
        filling.close()
        wait_until(lambda: "Nothing waits and nothing is lost." in page.text("#verdict"), lambda: page.text("#verdict"))
        wait_until(lambda: stands_still(server), "all is delivered")
        status = page.fresh()
        assert_shows(page, status)
        assert status["listeners"][1]["events"] + status["listeners"][1]["kernel_drops"] == 300
        assert page.text("#paused").endswith("No connection is paused.")
        assert errors(browser) == []

        port = server.admin.http().port
        server.stop()
        wait_until(lambda: "no connection" in page.text("#link"), "the page says that the server is gone")
        assert "The connection to the server is lost" in page.text("#verdict")
        (workdir / "again").mkdir()
        (workdir / "again/token").write_text("correct-horse\n")
        again = penstock({"listen": "unix://./again.sock"}, folder=workdir / "again",
                         admin={"listen": f"tcp4://127.0.0.1:{port}", "token_file": "token"})
        enter_token(page, "correct-horse")
        wait_until(lambda: page.text("#link") == "live" and page.names("#listeners") == ["in"], "the page is back")
        wait_until(lambda: page.text("#verdict").startswith("OK"), lambda: page.text("#verdict"))
        assert page.attribute("#token-form", "hidden") is not None
        again.stop()


@pytest.mark.long
def test_a_sink_behind_its_queue_on_disk(penstock):
    """What it does not take is kept: the sentence, the state and the amount on disk say so."""
    server = penstock({"listen": "tcp4://127.0.0.1:0"},
                      {"type": "relay", "to": ["tcp://127.0.0.1:9"], "queue": {"type": "disk", "path": "queue", "max_bytes": "64MiB"}},
                      admin={"listen": "tcp4://127.0.0.1:0"})
    send_stream(server.address(), b"".join(record("d", n) + b"\n" for n in range(1200)))
    wait_until(lambda: server.admin.sink("out")["disk_queue"]["delivering"] is False, lambda: server.admin.sink("out"))
    with Browser() as browser:
        page = Page(browser, server)
        browser.size(1280, 900)
        browser.open(f"http://127.0.0.1:{server.admin.http().port}/")
        wait_until(lambda: "its queue on disk keeps 1,200 records" in page.text("#verdict"), lambda: page.text("#verdict"))
        texts = page.texts("#sinks", "out")
        assert texts["state"].startswith("behind") and texts["disk"] == "1,200 in 8.00 MiB of 64.0 MiB", texts
        assert errors(browser) == []
    server.stop(expect=0)
