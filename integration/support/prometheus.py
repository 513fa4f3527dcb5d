"""Prometheus: its text format, promtool, and a server that scrapes what is under test."""

import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import urllib.parse
from pathlib import Path

from .peers import PEERS
from .settings import PATIENCE, cannot_run
from .wait import wait_until

_SAMPLE = re.compile(r'([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)')
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def program(name: str) -> str:
    """`prometheus` or `promtool`: unpacked by ./dev, or installed."""
    unpacked = PEERS / "usr/bin" / name
    path = str(unpacked) if unpacked.exists() else shutil.which(name)
    if not path:
        cannot_run(f"{name} is neither unpacked under {PEERS} nor installed; ./dev test does it")
    return path


def promtool(*words, text: str = None) -> str:
    done = subprocess.run([program("promtool"), *map(str, words)], input=text, capture_output=True, text=True,
                          timeout=PATIENCE, check=False)
    assert done.returncode == 0, f"promtool {words}: exit {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


class Metrics:
    """One scrape. `types` by metric; samples by name and labels."""

    def __init__(self, text: str):
        self.text = text
        self.types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))
        self._samples = {}
        for line in text.splitlines():
            if not line.startswith("#"):
                name, labels, value = _SAMPLE.fullmatch(line).groups()
                self._samples.setdefault(name, []).append((dict(_LABEL.findall(labels or "")), float(value)))

    def sum(self, name: str, **labels) -> float:
        """Of all samples with these labels; there must be one."""
        found = [value for has, value in self._samples[name] if labels.items() <= has.items()]
        assert found, (name, labels)
        return sum(found)

    def by(self, name: str, label: str, **labels) -> dict:
        """Value by one label, of those that are not 0."""
        return {has[label]: value for has, value in self._samples[name] if labels.items() <= has.items() and value}

    def labels(self, metric: str) -> list:
        """The names of its labels, in their order, `le` left out."""
        names = [metric] + [metric + end for end in ("_bucket", "_sum", "_count") if self.types[metric] == "histogram"]
        return list(dict.fromkeys(label for name in names for has, _ in self._samples.get(name, [])
                                  for label in has if label != "le"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Prometheus:
    """A Prometheus in this thread's network that scrapes the tcp address `target` twice a second, with `rules`."""

    def __init__(self, folder: Path, target: str, rules: Path):
        self._folder = folder
        self._port = _free_port()
        (folder / "prometheus.yml").write_text(
            "global: {scrape_interval: 500ms, evaluation_interval: 500ms}\n"
            f"rule_files: [{rules}]\n"
            f"scrape_configs: [{{job_name: penstock, static_configs: [{{targets: ['{target}']}}]}}]\n")

    def __enter__(self):
        self._log = (self._folder / "prometheus.log").open("wb")
        self._process = subprocess.Popen(
            [program("prometheus"), f"--config.file={self._folder}/prometheus.yml", f"--storage.tsdb.path={self._folder}/tsdb",
             f"--web.listen-address=127.0.0.1:{self._port}", "--log.level=warn"],
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log, cwd=self._folder, env={**os.environ, "GOMAXPROCS": "2"})
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(PATIENCE)
        self._log.close()

    def wait_scrapes(self, count: int):
        """Until it has at least so many of them."""
        wait_until(lambda: (result := self._try("query", query="count_over_time(penstock_ready[1h])"))
                   and float(result["result"][0]["value"][1]) >= count, lambda: f"{count} scrapes\n{self.said()}", pause=0.1)

    def query(self, expression: str) -> list:
        """The samples that it answers with, now."""
        return self._ask("query", query=expression)["result"]

    def series(self, selector: str) -> list:
        return self._ask("series", **{"match[]": selector})

    def rules(self) -> dict:
        """State by name."""
        return {rule["name"]: rule for group in self._ask("rules")["groups"] for rule in group["rules"]}

    def said(self) -> str:
        return (self._folder / "prometheus.log").read_text(errors="replace")

    def _ask(self, what: str, **parameters):
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        try:
            connection.request("GET", f"/api/v1/{what}?{urllib.parse.urlencode(parameters)}")
            answer = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        assert answer["status"] == "success", (parameters, answer)
        return answer["data"]

    def _try(self, what: str, **parameters):
        """None while it starts, or has nothing."""
        try:
            result = self._ask(what, **parameters)
        except (OSError, ValueError):
            return None
        return result if result.get("result") else None


def documented(page: str, sinks: str = "") -> dict:
    """Type and labels by metric, as the page conf/doc/monitoring.md has them: of all servers, or those that only this type of
    sinks has."""
    rows = re.findall(r"^\| `(\w+)` \| (counter|gauge|histogram) \| ([\w, ]*) \| .+ \|$",
                      "\n".join(table for table in re.split(r"\n\n", page) if _sinks_of(table) == sinks), re.M)
    return {name: (kind, labels.replace(",", "").split()) for name, kind, labels in rows}


def _sinks_of(table: str) -> str:
    head = re.match(r"\| metric of `(\w+)` \|", table)
    return head[1] if head else ""
