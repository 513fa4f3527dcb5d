"""The code blocks of the documents: where they stand, what they are, and when printed output counts as the same.

What a page may hold, and what becomes of it (support/page.py does it):

  ```sh         commands, run in the page's folder one block after the other. A block that is one `penstock run` (or
                `./dev run`) keeps running until the page starts the next one or ends.
  ```text       what the block before it prints
  ```toml ...   a file. Where its first line is a comment with a file's name it is written under that name.

A comment `<!-- not run: REASON -->` above a block excuses it: it is checked as far as that goes without running it.
"""

import re
import socket
from dataclasses import dataclass
from pathlib import Path

from .settings import ROOT

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[\w-]*) *$")
_EXCUSE = re.compile(r"^ *<!-- not run: (?P<reason>.+?) -->$")
_NAME = re.compile(r"^(?:#|//) (?P<name>[\w./-]+\.\w+)$")
_LIST_ITEM = re.compile(r"^ *([-*]|\d+\.) ")

# Longest first: an earlier rule takes what a later one would see a part of.
_VARYING = [
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"), "<time>"),
    (re.compile(r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d(\.\d+| [+-]\d{4})"), "<time>"),
    (re.compile(r"\b(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ \d]\d \d\d:\d\d:\d\d"), "<time>"),
    (re.compile(r"\b\d{8}T\d{6}Z(-\d+)?"), "<time>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d\b"), "<date>"),
    (re.compile(r'(\b(?:pid|threads|max_connections)=|"(?:pid|uid|gid|port)": ?)\d+'), r"\1<number>"),
    (re.compile(r"(\w)\[\d+\]"), r"\1[<number>]"),
    (re.compile(r"(127\.0\.0\.1|\[::1\]):\d{5}\b"), r"\1:<port>"),
    (re.compile(r'("interval":)\d+\.\d+'), r"\1<seconds>"),
    (re.compile(r'isSynced="\d"'), 'isSynced="<number>"'),
]


@dataclass
class Block:
    """One block: `line` is that of its first line of text, `excuse` the reason not to run it, or empty."""

    page: Path
    line: int
    language: str
    text: str
    excuse: str = ""

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def name(self) -> str:
        """The name of the file that it is, or empty."""
        matched = _NAME.match(self.text.split("\n", 1)[0])
        return matched["name"] if matched else ""

    @property
    def commands(self) -> list:
        """Its lines without comments and empty ones."""
        return [line for line in self.text.splitlines() if line.strip() and not line.lstrip().startswith("#")]

    @property
    def serves(self) -> bool:
        """One command that serves in the foreground."""
        return (self.language == "sh" and len(self.commands) == 1
                and re.match(r"(penstock|\./dev) run\b", self.commands[0]) is not None)


def pages() -> list:
    """The documents of the repository that may hold commands."""
    fixed = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "integration/bench/README.md"]
    return [ROOT / name for name in fixed] + sorted((ROOT / "conf/doc").glob("*.md"))


def blocks(page: Path) -> list:
    """All blocks of a page, in order."""
    return blocks_of(page, page.read_text())


def blocks_of(page: Path, text: str) -> list:
    """Those of its `text`. Blocks that are only indented are commands."""
    found, lines, at, excuse, list_item = [], text.split("\n"), 0, "", False
    while at < len(lines):
        line = lines[at]
        fence = _FENCE.match(line)
        if fence:
            end = next((n for n in range(at + 1, len(lines)) if lines[n].strip() == "```"), None)
            assert end is not None, f"{page}:{at + 1}: a block without an end"
            indent = len(fence["indent"])
            inner = "".join(inside[indent:] + "\n" for inside in lines[at + 1:end])
            found.append(Block(page, at + 2, fence["language"], inner, excuse))
            at = end
        elif line.startswith("    ") and not list_item and (at == 0 or not lines[at - 1].strip() or excuse):
            end = next((n for n in range(at, len(lines)) if lines[n].strip() and not lines[n].startswith("    ")), len(lines))
            inner = "\n".join(inside[4:] for inside in lines[at:end]).rstrip("\n") + "\n"
            found.append(Block(page, at + 1, "sh", inner, excuse))
            at = end - 1
        if line.strip():
            excused = _EXCUSE.match(line)
            excuse = excused["reason"] if excused else ""
            list_item = bool(_LIST_ITEM.match(line)) or (list_item and line.startswith(" "))
        at += 1
    return found


def plain(text: str) -> list:
    """The lines of an output without what differs from run to run: times, process ids, ports, the machine's name."""
    name = socket.gethostname()
    if name:
        text = re.sub(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", "web1", text)
    for pattern, instead in _VARYING:
        text = pattern.sub(instead, text)
    return [line.rstrip() for line in text.strip("\n").split("\n")]


def same_output(printed: str, actual: str) -> bool:
    """True where `actual` is what the page prints. A printed line `...` stands for any number of lines."""
    pattern = "".join("(?:.*\n)*?" if line == "..." else re.escape(line) + "\n" for line in plain(printed))
    return re.fullmatch(pattern, "".join(line + "\n" for line in plain(actual))) is not None
