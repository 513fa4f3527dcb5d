"""The documents: every command and every configuration in them works as printed, and every link leads somewhere."""

import py_compile
import re
import socket
from collections import Counter

import pytest

from support.command import penstock_command
from support.documents import blocks, blocks_of, pages, same_output
from support.page import Page
from support.settings import ROOT

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def name(page):
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", [page for page in pages() if blocks(page)], ids=name)
def test_what_a_page_prints_works(page, workdir, netns, record_property):
    printed = blocks(page)
    run = Page(page, workdir)
    run.run(printed)
    assert len(run.outcomes) == len(printed)
    counted = Counter(outcome.partition(":")[0] for outcome in run.outcomes.values())
    record_property("told", f"{name(page)}: " + ", ".join(f"{count} {what}" for what, count in counted.items()))
    for place, outcome in run.outcomes.items():
        if outcome.startswith("not run"):
            record_property("told", f"  {place} {outcome}")


EXAMPLES = [ROOT / "conf/penstock.toml", *sorted((ROOT / "conf/examples").glob("*.toml"))]


@pytest.mark.parametrize("example", EXAMPLES, ids=name)
def test_what_an_example_says_to_try_works(example, workdir, netns):
    Page(example, workdir).example(example.read_text())


def anchors(page) -> set:
    """The names by which a renderer lets its headings be reached."""
    heads = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", pages(), ids=name)
def test_links_lead_somewhere(page):
    for target in LINK.findall(re.sub(r"`[^`\n]*`", "", page.read_text())):
        if re.match(r"[a-z]+://", target):
            continue
        path, _, anchor = target.partition("#")
        to = (page.parent / path).resolve() if path else page
        assert to.exists(), f"{name(page)}: {target}"
        assert not anchor or anchor in anchors(to), f"{name(page)}: {target}"


def test_the_lines_of_the_log_are_those_of_the_server():
    """operations.md says what to do about them: the words must be those that the operator sees."""
    table = (ROOT / "conf/doc/operations.md").read_text().partition("| line | what to do |")[2].partition("\n\n")[0]
    lines = re.findall(r"^\| `([^`]+)` \|", table, re.M)
    sources = " ".join(path.read_text() for path in (ROOT / "server").rglob("*.cpp"))
    missing = [line for line in lines if f'"{line}' not in sources and line.partition("=")[0] not in sources]
    assert lines and missing == []


@pytest.mark.parametrize("printed, actual, same", [
    ("<13>Nov 25 02:50:27 web1 app[7]: x\n", f"<13>Jan  1 12:00:00 {socket.gethostname()} app[12]: x\n", True),
    ("2026-11-25T02:42:31.459Z info  ready pid=1\n", "2027-01-01T00:00:00.000Z info  ready pid=99\n", True),
    ("first\n...\nlast\n", "first\nlast\n", True),
    ("first\n...\nlast\n", "first\n1\n2\nlast\n", True),
    ("lost=0\n", "lost=1\n", False),
    ("one\n", "one\ntwo\n", False),
    ("one\ntwo\n", "one\n", False),
    ("exit status 0\n", "exit status 3\n", False),
])
def test_output_is_compared(printed, actual, same):
    assert same_output(printed, actual) is same


@pytest.mark.parametrize("text, complaint", [
    ("```\nsomething\n```\n", "nobody knows"),
    ("```cobol\nsomething\n```\n", "nobody knows"),
    ("```text\nout of nowhere\n```\n", "the output of no command"),
    ("```sh\nfalse\n```\n", "exit 1"),
    ("    false\n", "exit 1"),
    ("Text:\n\n    true\n    false\n", "exit 1"),
    ("```sh\nif\n```\n", "exit 2"),
    ("```toml\n[[listener]]\nlisten = 1\n```\n", "exit 2"),
    ("```python\n# it.py\nif\n```\n", "invalid syntax"),
    ("```python\nprint()\n```\n", "must be a comment with its file's name"),
    ("```python\n# it.py\nprint()\n```\n", "no command runs"),
    ("<!-- not run: it takes long -->\n```sh\n./dev torrture\n```\n", "torrture"),
    ("<!-- not run: it takes long -->\n```sh\npenstock send --cuont 1 tcp://:1\n```\n", "--cuont"),
    ("```toml\n# it.toml\n[[listener]]\nname = 'in'\nlisten = 'tcp://203.0.113.1:1'\n```\n", "cannot assign"),
], ids=lambda value: value.split("\n")[1 if "\n" in value else 0])
def test_a_wrong_page_is_found(text, complaint, workdir, netns):
    page = ROOT / "conf/doc/wrong.md"  # is never written
    with pytest.raises((AssertionError, py_compile.PyCompileError), match=re.escape(complaint)):
        Page(page, workdir).run(blocks_of(page, text))


# What a key of the migration page needs beside it to be a whole configuration.
COMPANIONS = {
    'framing = "delimiter"': "delimiter = ';'", "delimiter": 'framing = "delimiter"',
    'framing = "fixed"': "frame_bytes = 8", "length": 'framing = "length_prefixed"', "syslog.": 'protocol = "syslog"',
    "multicast": 'listen = "udp4://239.1.2.3:5000"',
}
LISTEN = 'listen = ["tcp4://127.0.0.1:0", "udp4://127.0.0.1:0", "unix://./in.sock"]'


def counterparts() -> list:
    """The code in the second columns of the tables of migrate.md."""
    rows = re.findall(r"^\|.+\| ([^|]+) \|$", (ROOT / "conf/doc/migrate.md").read_text(), re.M)
    return sorted({code for row in rows for code in re.findall(r"`([^`]+)`", row)})


def keys_of_the_reference() -> set:
    return set(re.findall(r"^#?([a-z_.]+) = ", (ROOT / "conf/penstock.toml").read_text(), re.M))


def test_each_counterpart_is_a_key_with_a_value_that_check_takes(workdir):
    keys, refused = keys_of_the_reference(), []
    for code in counterparts():
        key, assigned, value = code.partition(" = ")
        if assigned:
            text = code.replace("ADDRESS:PORT", "127.0.0.1:5514").replace('"TIME"', '"2m"').replace("/PATH", "/run/in.sock")
            companion = next((line for start, line in COMPANIONS.items() if text.startswith(start)), "")
            listen = "" if "listen =" in text + companion else LISTEN
            in_sink = key.partition(".")[0] in ("queue", "rotate", "encoding", "newlines", "sync", "timezone")
            (workdir / "one.toml").write_text("\n".join(
                ["[[listener]]", 'name = "in"', listen, companion, "" if in_sink else text,
                 "[[sink]]", 'name = "out"', 'path = "out.log"', text if in_sink else ""]))
            done = penstock_command("check", "--config", "one.toml", folder=workdir, expect=None)
            if done.returncode != 0:
                refused.append(f"{code}: {done.stdout}{done.stderr}")
        elif re.fullmatch(r"[a-z]+(_[a-z]+)+|[a-z]+\.[a-z_]+", code) and code not in keys:
            refused.append(f"{code}: no such key")
    assert refused == []
