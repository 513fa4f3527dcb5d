"""Syslog to JSON: Penstock beside rsyslog and syslog-ng, each with its own parser and its own JSON, on the same bytes.

Each of them writes an object a line with host, app, procid, msgid, facility, severity, timestamp, structured data and message. A run counts
only when each record is there once and its fields are those that were sent.
"""

import json
import socket
import time
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from daemons import SYSLOG_NG_VERSION, rsyslog_command, serving, syslog_ng_command, wait_lines
from rig import PENSTOCK
from table import Row, median, spread

RECORD_BYTES = 200
WANTED = 5  # times less processor time than another program
ALL_AT_ONCE_BYTES = 1 << 20
BURST = 100  # datagrams, which the smallest receive buffer here holds
BURST_SECONDS = 0.01


@dataclass(frozen=True)
class Form:
    """What a message looks like on the wire and which fields it has."""

    head: str
    fields: dict

    def message(self, n: int) -> bytes:
        text = f"{self.head}{n:012d} "
        return (text + ("abcdefghijklmnopqrstuvwxyz" * 8)[: RECORD_BYTES - len(text)]).encode()

    def text(self, n: int) -> str:
        return self.message(n).decode()[self.head.index("seq="):]


RFC5424 = Form('<165>1 2026-11-22T09:00:00.123456Z web1.example app 4711 ID47 [origin@32473 ip="192.0.2.1" software="bench"] seq=',
               {"facility": "20", "severity": "5", "host": "web1.example", "app": "app", "procid": "4711", "msgid": "ID47",
                "time": "11-22T09:00:00.123456", "data": {"origin@32473": {"ip": "192.0.2.1", "software": "bench"}}})
RFC3164 = Form("<165>Nov 22 09:00:00 web1 app[4711]: seq=",
               {"facility": "20", "severity": "5", "host": "web1", "app": "app", "procid": "4711", "msgid": "",
                "time": "11-22T09:00:00.000000", "data": {}})


@dataclass(frozen=True)
class Load:
    name: str
    title: str
    form: Form
    kind: str           # tcp or udp
    share: float = 1.0  # of the records of a run


LOADS = [
    Load("syslog-json", "RFC 5424 with structured data, tcp", RFC5424, "tcp"),
    Load("syslog-3164-json", "RFC 3164, tcp", RFC3164, "tcp"),
    Load("syslog-udp-json", "RFC 5424 with structured data, udp", RFC5424, "udp", share=0.06),
]


class Penstock:
    title = "penstock"

    def takes(self, _load: Load) -> bool:
        return True

    def command(self, load: Load, port: int, folder: Path) -> list:
        buffer = 'receive_buffer = "4MiB"\n' if load.kind == "udp" else ""
        config = folder / "penstock.toml"
        config.write_text(f"""
[[listener]]
name = "bench"
listen = "{load.kind}4://127.0.0.1:{port}"
protocol = "syslog"
{buffer}
[[sink]]
name = "out"
path = "{folder}/out.log"
encoding = "json"
[quarantine]
path = "{folder}/quarantine"
""")
        return [PENSTOCK, "run", "--config", config]

    def fields(self, line: dict) -> dict:
        return {"time": line["timestamp"], "data": line.get("structured_data", {}), "msgid": line.get("msgid", ""),
                **{key: line[key] for key in ("host", "app", "procid", "facility", "severity", "message")}}


class Rsyslog:
    """imptcp, the faster one of its two for streams. `%structured-data%` is what its parser makes of it: one string."""

    title = "rsyslog"
    _modules = ""
    _actions = ""
    _data = 'property(outname="data" name="structured-data" format="jsonf")'

    def takes(self, _load: Load) -> bool:
        return True

    def command(self, load: Load, port: int, folder: Path) -> list:
        module, more = {"tcp": ('imptcp" threads="2', ""), "udp": ('imudp" batchSize="256" threads="1', 'rcvBufSize="4m"')}[load.kind]
        names = {"host": "hostname", "app": "app-name", "procid": "procid", "msgid": "msgid", "facility": "syslogfacility",
                 "severity": "syslogseverity", "message": "msg"}
        fields = [f'property(outname="{out}" name="{name}" format="jsonf")' for out, name in names.items()]
        fields += ['property(outname="time" name="timereported" dateFormat="rfc3339" format="jsonf")', self._data]
        separated = '\n  constant(value=", ")\n  '.join(fields)
        config = folder / "rsyslog.conf"
        config.write_text(f"""
global(workDirectory="{folder}" maxMessageSize="64k" net.enableDNS="off")
module(load="{module}")
{self._modules}
template(name="json" type="list") {{
  constant(value="{{")
  {separated}
  constant(value="}}\\n")
}}
main_queue(queue.type="FixedArray" queue.size="100000" queue.dequeueBatchSize="2048")
ruleset(name="out") {{
  {self._actions}
  action(type="omfile" file="{folder}/out.log" template="json" ioBufferSize="256k")
}}
input(type="{module.split('"')[0]}" address="127.0.0.1" port="{port}" {more} ruleset="out")
""")
        return rsyslog_command(config)

    def fields(self, line: dict) -> dict:
        """It keeps the blank in front of RFC 3164's text, and writes "-" for what is not there."""
        absent = {key: "" for key in ("procid", "msgid") if line[key] == "-"}
        return {**line, **absent, "message": line["message"].lstrip(), "data": self._pairs(line["data"])}

    def _pairs(self, data: str) -> dict:
        if data == "-":
            return {}
        name, *pairs = data.removeprefix("[").removesuffix("]").split()
        return {name: {key: value.strip('"') for key, _, value in (pair.partition("=") for pair in pairs)}}


class RsyslogStructured(Rsyslog):
    """With mmpstrucdata, which makes an object of the structured data."""

    title = "rsyslog, mmpstrucdata"
    _modules = 'module(load="mmpstrucdata")'
    _actions = 'action(type="mmpstrucdata")'
    _data = 'constant(value="\\"data\\": ") property(name="$!rfc5424-sd")'

    def takes(self, load: Load) -> bool:
        return load.form is RFC5424

    def _pairs(self, data) -> dict:
        return data or {}


class SyslogNg:
    """Its default parser and format-json; RFC 5424 has to be told to it on a plain network() source."""

    title = "syslog-ng"

    def takes(self, _load: Load) -> bool:
        return True

    def command(self, load: Load, port: int, folder: Path) -> list:
        flags = "flags(syslog-protocol)" if load.form is RFC5424 else ""
        transport = {"tcp": "max-connections(11) log-iw-size(110000)", "udp": "so-rcvbuf(4194304) log-iw-size(100000)"}[load.kind]
        names = {"host": "HOST", "app": "PROGRAM", "procid": "PID", "msgid": "MSGID", "facility": "FACILITY_NUM",
                 "severity": "LEVEL_NUM", "message": "MSG", "time": "ISODATE"}
        pairs = " ".join(f"{out}=${name}" for out, name in names.items())
        config = folder / "syslog-ng.conf"
        config.write_text(f"""@version: {SYSLOG_NG_VERSION}
options {{ use-dns(no); keep-hostname(yes); log-msg-size(65536); stats-freq(0); frac-digits(6); ts-format(iso); time-zone("UTC"); }};
source in {{ network(transport("{load.kind}") ip("127.0.0.1") port({port}) {transport} log-fetch-limit(1000) {flags}); }};
destination out {{ file("{folder}/out.log" template("$(format-json --scope sdata {pairs})\\n") flush-lines(1000) log-fifo-size(2000000)); }};
log {{ source(in); destination(out); flags(flow-control); }};
""")
        return syslog_ng_command(config)

    def fields(self, line: dict) -> dict:
        return {**line, "data": line.get("_SDATA", {})}


PROGRAMS = [Penstock(), Rsyslog(), RsyslogStructured(), SyslogNg()]


def _run(program, load: Load, count: int) -> float:
    """Microseconds of processor time a record, when all of them are there as sent."""
    pieces = _pieces(load, count)
    with serving(program.title, lambda port, folder: program.command(load, port, folder), load.kind) as (process, port, out):
        before = process.cpu()
        _send(load, port, pieces)
        wait_lines(out, count)
        spent = process.cpu() - before
        _check(program, load.form, out, count)
    return spent.total * 1e6 / count


def _pieces(load: Load, count: int) -> list:
    """What is sent in one call, or at one time: made beforehand, so that the sender is not what is measured."""
    messages = (load.form.message(n) for n in range(count))
    if load.kind == "udp":
        return [list(islice(messages, BURST)) for _ in range(0, count, BURST)]
    together = ALL_AT_ONCE_BYTES // RECORD_BYTES
    return [b"\n".join([*islice(messages, together), b""]) for _ in range(0, count, together)]


def _send(load: Load, port: int, pieces: list):
    stream = load.kind == "tcp"
    with socket.socket(type=socket.SOCK_STREAM if stream else socket.SOCK_DGRAM) as sock:
        sock.connect(("127.0.0.1", port))
        if stream:
            for piece in pieces:
                sock.sendall(piece)
            return
        due = time.monotonic()
        for burst in pieces:
            for message in burst:
                sock.send(message)
            due += BURST_SECONDS
            time.sleep(max(0, due - time.monotonic()))


def _check(program, form: Form, out: Path, count: int):
    """Each record once; where two programs differ in how they write a time, its digits are compared."""
    seen = set()
    with out.open("rb") as lines:
        for line in lines:
            found = program.fields(json.loads(line))
            n = int(found["message"][4:16])
            expected = {**form.fields, "message": form.text(n)}
            compared = {key: found[key] if key == "data" else str(found[key]) for key in expected}
            compared["time"] = _time_of_year(compared["time"])
            if compared != expected:
                raise RuntimeError(f"{program.title} wrote {line.decode()!r}: {compared} is not {expected}")
            seen.add(n)
    if seen != set(range(count)):
        raise RuntimeError(f"{program.title}: {len(seen)} of {count} records")


def _time_of_year(text: str) -> str:
    """Without the year, which RFC 3164 does not have, and with the six digits that all of them can write."""
    digits = text[:19] + "." + (text[20:26] if text[19:20] == "." else "000000")
    return datetime.strptime(digits, "%Y-%m-%dT%H:%M:%S.%f").strftime("%m-%dT%H:%M:%S.%f")


def run(count: int, rounds: int, table):
    """Adds a row for each load and other program; what is judged is the median of the rounds' ratios."""
    for load in LOADS:
        number = int(count * load.share)
        programs = [program for program in PROGRAMS if program.takes(load)]
        runs = [{program.title: _run(program, load, number) for program in programs} for _ in range(rounds)]
        for title in [program.title for program in programs[1:]]:
            ratios = [run[title] / run["penstock"] for run in runs]
            ours, theirs = (median([run[of] for run in runs]) for of in ("penstock", title))
            table.add(Row(f"{load.title}: CPU of {title} / Penstock", f">= {WANTED}", f"{median(ratios):.1f} {spread(ratios)}",
                          median(ratios) >= WANTED, f"us a record: {theirs:.2f}, Penstock {ours:.2f}; {number:,} records"))
