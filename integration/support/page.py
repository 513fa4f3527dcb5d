"""Runs what a page prints, in a folder of its own and with `penstock` in PATH, as a reader who types it would."""

import os
import py_compile
import re
import shutil
import subprocess
import time
import tomllib
from pathlib import Path

from . import snippets
from .documents import Block, same_output
from .serving import Serving
from .settings import PATIENCE, ROOT, binary
from .wait import wait_until

NODE = ROOT / "build/node-loggers"

# What a part of a configuration is completed with, to be one that starts.
_LISTENER = '\n[[listener]]\nname = "completed"\nlisten = "tcp4://127.0.0.1:0"\n'
_SINK = '\n[[sink]]\nname = "completed"\npath = "data/completed.log"\n'


class Page:
    """`outcomes` says of each block what was done with it: {"README.md:10": "run"}."""

    def __init__(self, path: Path, folder: Path):
        self.path = path
        self.folder = folder
        self.outcomes = {}
        self._server = None
        self._typed = ""    # all commands that were run
        self._configs = []  # (block, name) of those that the page may not start itself
        self._sources = []  # names of the programs that it should run
        self._programs = folder / "bin"
        self._programs.mkdir()
        (self._programs / "penstock").symlink_to(binary().resolve())
        self._environment = {**os.environ, "PATH": f"{self._programs}:{os.environ['PATH']}",
                             "NODE_PATH": str(NODE / "node_modules"), "HOME": str(folder), "LC_ALL": "C.UTF-8"}
        self.work = folder / "w"
        self.work.mkdir()
        if path.parent == ROOT:  # read inside of a clone
            shutil.copytree(ROOT / "conf", self.work / "conf")

    def run(self, blocks: list):
        try:
            for at, block in enumerate(blocks):
                after = blocks[at + 1] if at + 1 < len(blocks) and blocks[at + 1].language == "text" else None
                self.outcomes[block.place] = self._treat(block, after)
            self._stop_server()
            unused = [name for name in self._sources if name not in self._typed]
            assert not unused, f"{self.path}: no command runs {unused}"
            for block, name in self._configs:
                if name not in self._typed:
                    self._start_once(block)
                    self.outcomes[block.place] = "started"
        finally:
            if self._server:
                self._server.kill()

    # --- one block

    def _treat(self, block: Block, printed: Block) -> str:
        if block.name and not block.excuse:
            path = self.work / block.name.lstrip("/")  # never the machine's own
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text)
        match block.language:
            case "sh":
                return self._commands(block, printed)
            case "text":
                return self._text(block)
            case "toml" if re.search(r"^\[\[(inputs|outputs)\.", block.text, re.M):
                snippets.examine_telegraf(block.text, self.folder, block.place)
                return "parsed"
            case "toml":
                return self._config(block)
            case "python":
                self._source(block, lambda path: py_compile.compile(str(path), doraise=True))
                return "written"
            case "js":
                if not shutil.which("node"):
                    return "not run: node is not installed"
                self._source(block, lambda path: subprocess.run(["node", "--check", path], check=True, timeout=PATIENCE))
                return "written"
            case language if language in snippets.EXAMINE:
                return self._snippet(block)
        raise AssertionError(f"{block.place}: nobody knows how to try a block of `{block.language}`")

    def _text(self, block: Block) -> str:
        """An output has been compared with its commands already; else it must be excused (a picture, for example)."""
        if block.excuse:
            return "not run: " + block.excuse
        assert self.outcomes.get(block.place) == "compared", f"{block.place}: the output of no command"
        return "compared"

    def _source(self, block: Block, check):
        assert block.name, f"{block.place}: its first line must be a comment with its file's name"
        self._sources.append(block.name)
        check(self.work / block.name)

    def _snippet(self, block: Block) -> str:
        folder = self.folder / f"s{block.line}"
        folder.mkdir()
        snippets.EXAMINE[block.language](block.text, folder, block.place)
        if block.language not in snippets.SEND or not self._server or block.excuse:
            return "examined"
        word = f"word{block.line:05d}"
        with snippets.SEND[block.language](block.text, folder, word):
            wait_until(lambda: self._arrived(word), lambda: f"{block.place}: what it sends did not arrive")
        return "sent with"

    def _arrived(self, word: str) -> bool:
        return any(word.encode() in path.read_bytes() for path in self.work.rglob("*.log"))

    # --- commands

    def _commands(self, block: Block, printed: Block) -> str:
        self._bash("-n", "-c", block.text, place=block.place)
        if block.excuse:
            for line in block.commands:
                self._exists(line, block.place)
            return "not run: " + block.excuse
        if any(line.startswith("node ") for line in block.commands) and not (NODE / "complete").exists():
            return self._without_node(block, printed)
        if block.serves:
            self._stop_server()
            command = block.commands[0]
            if command.startswith("./dev"):  # the same server, without building it once more
                (self.work / "run").mkdir(exist_ok=True)
                command = re.sub(r"^\./dev run\b", "penstock run", command.partition("#")[0])
            self._server = Serving(command, self.work, self._environment)
            self._typed += command
            return "serving"
        if printed is None or printed.excuse:
            self._bash("-euo", "pipefail", "-c", block.text, place=block.place)
        else:
            self._compare(block, printed)
        self._typed += block.text
        return "run"

    def _without_node(self, block: Block, printed: Block) -> str:
        """npm does not reach its registry everywhere: what needs its packages is left out, the rest of the block is not."""
        rest = "\n".join(line for line in block.commands if not line.startswith("node "))
        self._typed += block.text
        self._bash("-euo", "pipefail", "-c", rest, place=block.place)
        if printed:
            self.outcomes[printed.place] = "compared"
        return "not run: the Node packages are not installed; ./dev test does it where npm reaches its registry"

    def _bash(self, *arguments, place: str) -> str:
        done = self._bash_once(*arguments)
        assert done.returncode == 0, f"{place}: exit {done.returncode}\n{arguments[-1]}\n{done.stdout}"
        return done.stdout

    def _bash_once(self, *arguments) -> subprocess.CompletedProcess:
        return subprocess.run(["bash", *arguments], cwd=self.work, env=self._environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="backslashreplace",
                              timeout=PATIENCE)

    def _compare(self, block: Block, printed: Block):
        """The last command is run again until it shows what is printed: records need a moment to their file."""
        before, last = self._split(block)
        shown = self._bash("-euo", "pipefail", "-c", before, place=block.place) if before else ""
        deadline = time.monotonic() + PATIENCE
        while True:
            done = self._bash_once("-euo", "pipefail", "-c", last)
            actual = shown + done.stdout
            if done.returncode == 0 and same_output(printed.text, actual):
                break
            assert time.monotonic() < deadline, f"{printed.place}: not what is printed, but\n{actual}"
            time.sleep(0.1)
        self.outcomes[printed.place] = "compared"

    def _split(self, block: Block):
        """The commands before the last one, and the last one with its continuation lines."""
        lines = block.text.splitlines(keepends=True)
        for at in range(len(lines) - 1, 0, -1):
            parts = "".join(lines[:at]), "".join(lines[at:])
            whole = not lines[at - 1].endswith("\\\n") and parts[1].strip()
            if whole and all(subprocess.run(["bash", "-n", "-c", part], stderr=subprocess.DEVNULL).returncode == 0
                             for part in parts):
                return parts
        return "", block.text

    def _exists(self, line: str, place: str):
        """What can be said of a command that is not run: its verb, its options and its program exist."""
        words = line.partition(" #")[0].split()
        if words[0] == "./dev":
            usage = self._bash("-c", f"{ROOT}/dev help", place=place)
            assert len(words) == 1 or re.search(rf"^  {re.escape(words[1])}\b", usage, re.M), f"{place}: {line}"
            if words[1:2] == ["bench"]:
                usage = self._bash("-c", f"{ROOT}/integration/bench/bench --help", place=place)
        elif words[0] == "penstock" and len(words) > 1:
            usage = self._bash("-c", f"penstock {words[1]} --help", place=place)
        else:
            return
        for option in (word.partition("=")[0] for word in words if word.startswith("--")):
            assert option in usage, f"{place}: {option}"

    # --- configurations

    def _config(self, block: Block) -> str:
        name = block.name or "part.toml"
        text = self._completed(block)
        (self.work / name).write_text(text)
        said = self._bash("-c", f"penstock check --config {name}", place=block.place)
        assert said.strip().endswith("ok"), f"{block.place}: {said}"
        self._configs.append((block, block.name or "(a part)"))
        return "checked"

    def _completed(self, block: Block) -> str:
        tables = tomllib.loads(block.text)
        return block.text + ("" if "listener" in tables else _LISTENER) + ("" if "sink" in tables else _SINK)

    def example(self, text: str):
        """A configuration with commands in its first comment: served, and typed while it is."""
        typed = re.findall(r"^#     (\S.*)$", text.split("\n[", 1)[0], re.M)
        try:
            self._serve_below(text)
            for line in (line for line in typed if not line.startswith("penstock run ")):
                self._bash("-euo", "pipefail", "-c", re.sub(r"\bHOST\b", "127.0.0.1", line), place=line)
                if re.match(r"(logger|echo|printf|penstock send) ", line):  # what comes next may want to see it
                    wait_until(self._has_records, "a record of it")
            self._stop_server()
        finally:
            if self._server:
                self._server.kill()

    def _has_records(self) -> bool:
        """Lines in a file, or rows in a database."""
        return any(path.stat().st_size for pattern in ("*.log", "*.db-wal") for path in self.work.rglob(pattern))

    def _start_once(self, block: Block):
        self._serve_below(self._completed(block))
        self._stop_server()

    def _serve_below(self, text: str):
        """Serves a configuration, with absolute paths below the page's folder."""
        text = re.sub(r'(?<=")/(?=var|run|srv)|(?<=://)/(?=var|run|srv)', f"{self.work}/", text)
        for table in tomllib.loads(text)["listener"]:
            urls = table["listen"] if isinstance(table["listen"], list) else [table["listen"]]
            for path in (url.partition("://")[2] for url in urls if url.startswith("unix") and "@" not in url):
                (self.work / path).parent.mkdir(parents=True, exist_ok=True)
        (self.work / "once.toml").write_text(text)
        self._server = Serving("penstock run --config once.toml", self.work, self._environment)

    def _stop_server(self):
        if self._server:
            self._server.stop()
            self._server = None
