"""What is shipped beside the binary says the same as the binary: man page, completions, unit."""

import json
import os
import re
import shutil
import signal
import subprocess

import pytest

from support.command import penstock_command
from support.settings import PATIENCE, ROOT, binary, cannot_run, sanitized
from support.wait import wait_until

ADMIN_COMMANDS = ("sockets", "tap", "top", "drain", "reopen")  # they find a running server
COMMANDS = ("run", "check", "send", "queue", *ADMIN_COMMANDS)


def options(command: str) -> set:
    """The options of a command, as its help has them: {"--config", "-c", ...}."""
    told = penstock_command(*command.split(), "--help").stdout
    found = set()
    for line in re.findall(r"^  (-\S+)", told, re.M):
        found.update(line.split(","))
    assert "--help" in found
    return found


def choices(option: str) -> set:
    """The words that an option of `send` takes, as it says when it is given another one."""
    refused = penstock_command("send", option, "?", "tcp://127.0.0.1:1", expect=2)
    return set(re.search(r"expected one of (.*), got \?", refused.stderr)[1].split())


def needed(program: str) -> str:
    path = shutil.which(program)
    if not path:
        cannot_run(f"{program} is not installed; ./dev test does it")
    return path


def run(*command, **more) -> str:
    done = subprocess.run(list(map(str, command)), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=PATIENCE, **more)
    assert done.returncode == 0, f"{command}: exit {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


# --- the manual

PAGE = (ROOT / "conf/doc/penstock.1.md").read_text()


def described_below(heading: str) -> set:
    section = re.split(r"^##", PAGE.partition(heading + "\n")[2], flags=re.M)[0]
    return set(re.findall(r"\*\*(-[a-zA-Z-]+)\*\*", "\n".join(re.findall(r"^\*\*-.*$", section, re.M))))


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_manual_has_every_option(command):
    described = described_below(f"### penstock {command}" if command else "## OPTIONS")
    if command in ADMIN_COMMANDS:
        described |= described_below("### How commands find the server")
    common = set() if not command else {"-h", "--help"}
    assert described == options(command) - common


def test_manual_has_the_choices_and_exit_status():
    for option in ("--payload", "--framing"):
        description = re.search(rf"^\*\*{option}\*\*.*\n((?:.+\n)+)", PAGE, re.M)[1]
        assert set(re.findall(r"\*\*(\w+)\*\*", description)) == choices(option)
    assert set(re.findall(r"^\*\*(\d)\*\*$", PAGE, re.M)) == {"0", "1", "2", "3"}


@pytest.mark.parametrize("page", ["penstock.1", "penstock.toml.5"])
def test_man_page_is_clean(page, workdir):
    """Made from the Markdown page, understood by man and by whatis."""
    for program in ("go-md2man", "man", "lexgrog"):
        needed(program)
    (workdir / "date").write_text("1700000000\n")
    made = workdir / f"{page}.gz"
    run(ROOT / "conf/packaging/man-page", ROOT / f"conf/doc/{page}.md", "1.2.3", workdir / "date", made)
    done = subprocess.run(["man", "--warnings", "-l", made], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          env={**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "100"}, timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (0, "")
    assert "2023-11-14" in done.stdout and "<!--" not in done.stdout
    name = page.rpartition(".")[0]
    assert run("lexgrog", made).startswith(f'{made}: "{name} - ')


# --- completion


BASH = """
source /usr/share/bash-completion/bash_completion
source "$1"
compopt() { :; } # it works inside of a real completion only
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE=$* COMP_POINT=${#COMP_LINE}
[[ $(complete -p penstock) == *' -F _penstock penstock' ]] || exit 1
_penstock
printf '%s\\n' "${COMPREPLY[@]}"
"""

# A shell in a terminal of its own, in which compadd prints what it would offer (zsh has no other way to ask).
ZSH = """
zmodload zsh/zpty
zpty shell zsh -f -i
send() { zpty -w shell "$1" }
send 'PS1=; unsetopt zle_bracketed_paste; zmodload zsh/complist'
send "fpath=(${(q)1:h} \\$fpath); autoload -Uz compinit; compinit -u -d ${(q)PWD}/.zcompdump"
send 'compadd() {
  [[ " $* " == *" -"[OAD]" "* ]] && { builtin compadd "$@"; return }
  local -a offered; builtin compadd -A offered "$@"
  local one; for one in "$offered[@]"; do print -r -- "OFFERED <$one>"; done
  builtin compadd "$@"
}'
send 'offer() { print -r -- BEGIN-OFFERS; zle complete-word; print -r -- END-"OFFERS" }; zle -N offer; bindkey "^I" offer'
send "cd ${(q)PWD}"
send 'zle-line-init() { print -r -- READY-"NOW" }; zle -N zle-line-init' # a key before the editor reads would be lost
zpty -r shell line '*READY-NOW*'
zpty -w -n shell "$2"$'\\t'
zpty -r shell line '*END-OFFERS*'
print -r -- "$line"
zpty -d shell
"""


def offered(shell: str, *words: str, folder) -> set:
    """What the shell offers for the last word."""
    if shell == "bash":
        if not os.path.exists("/usr/share/bash-completion/bash_completion"):
            cannot_run("bash-completion is not installed; ./dev test does it")
        return set(run("bash", "--norc", "-c", BASH, "bash", ROOT / "conf/completion/penstock.bash", *words, cwd=folder).split())
    needed("zsh")
    told = run("zsh", "-f", "-c", ZSH, "zsh", ROOT / "conf/completion/_penstock", " ".join(words), cwd=folder)
    return set(re.findall(r"OFFERED <([^>]*)>", told))


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completion(shell, workdir):
    (workdir / "my.toml").touch()
    (workdir / "left.jsonl").touch()
    (workdir / "other.txt").touch()

    def offer(*words):
        return offered(shell, "penstock", *words, folder=workdir)

    assert offer("") == set(COMMANDS)
    assert offer("c") == {"check"}
    assert offer("run", "--config", "") == {"my.toml"}
    assert offer("send", "--replay", "") == {"left.jsonl"}
    assert offer("send", "--file", "o") == {"other.txt"}
    assert offer("send", "--verify", "my.toml", "o") == {"other.txt"}
    assert offer("send", "unix") == {"unix://", "unixgram://", "unixpacket://"}
    for option in ("--payload", "--framing"):
        assert offer("send", option, "") == choices(option)
    for command in ("", *COMMANDS):
        both = offer(*command.split(), "-") | offer(*command.split(), "--")
        assert both == options(command), command


# --- the unit

UNIT = (ROOT / "conf/systemd/penstock.service").read_text()

def test_unit_is_valid_and_its_exposure_is_small(workdir):
    needed("systemd-analyze")
    told = run("systemd-analyze", "security", "--offline=yes", "--no-pager", ROOT / "conf/systemd/penstock.service")
    assert float(re.search(r"exposure level for penstock.service: ([\d.]+)", told)[1]) <= 1.6, told
    # `verify` looks for the program and the manual on this machine, where they may not be.
    copy = workdir / "penstock.service"
    copy.write_text(re.sub(r"^Documentation=.*\n", "", UNIT, flags=re.M)
                    .replace("/usr/bin/penstock", "/usr/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True, timeout=PATIENCE)
    assert [line for line in done.stderr.splitlines() if "penstock.service" in line] == []


def permitted_calls() -> set:
    """What the SystemCallFilter= lines of the unit let through."""
    groups, group = {}, None
    for line in run("systemd-analyze", "syscall-filter", "--no-pager").splitlines():
        word = line.strip()
        if line.startswith("@"):
            group = groups.setdefault(word, [])
        elif word and not word.startswith("#") and group is not None:
            group.append(word)

    def calls(name):
        return set().union(*map(calls, groups[name])) if name.startswith("@") else {name}

    permitted = set()
    for line in re.findall(r"^SystemCallFilter=(.*)$", UNIT, re.M):
        listed = set().union(*map(calls, line.lstrip("~").split()))
        permitted = permitted - listed if line.startswith("~") else permitted | listed
    return permitted


def test_unit_permits_what_a_run_needs(workdir):
    """Every system call and address family of a start, traffic of each kind, a reopening and a stop."""
    needed("systemd-analyze")
    if sanitized():
        pytest.skip("an instrumented build makes calls of its own")
    (workdir / "run").mkdir()
    config = (ROOT / "conf/penstock.toml").read_text()
    for key, value in {"sync": "always", "rotate.size": "64KiB", "rotate.compress": "zstd",
                       "flush_timeout": "60s"}.items():
        config, replaced = re.subn(rf"^#{key} = .*$", f'{key} = "{value}"', config, flags=re.M)
        assert replaced == 1, key
    (workdir / "penstock.toml").write_text(config)
    trace = workdir / "trace"
    server = subprocess.Popen(["strace", "-f", "-qq", "-o", trace, binary(), "run", "--config", "penstock.toml"], cwd=workdir,
                              stdin=subprocess.DEVNULL, stderr=open(workdir / "log", "wb"))
    try:
        wait_until(lambda: " ready" in (workdir / "log").read_text(), lambda: (workdir / "log").read_text())
        for url in ("tcp://127.0.0.1:5514", "udp://127.0.0.1:5514", "unixgram://./run/syslog.sock", "tcp://[::1]:5170",
                    "unix://./run/lines.sock", "unixpacket://./run/packets.sock", "udp://[::1]:8125"):
            penstock_command("send", url, "--count", "200", "--quiet", folder=workdir)
        pid = int(trace.read_text().split(maxsplit=1)[0])  # of the server; strace would keep the signals for itself
        os.kill(pid, signal.SIGHUP)
        wait_until(lambda: len(list(workdir.glob("data/*/*.log"))) == 3, "a file of each listener")
        penstock_command("send", "tcp://127.0.0.1:5514", "--count", "1000", "--quiet", folder=workdir)
        wait_until(lambda: list(workdir.glob("data/syslog/*.zst")), "a file that was rotated and compressed")
        os.kill(pid, signal.SIGTERM)
        assert server.wait(PATIENCE) == 0, (workdir / "log").read_text()
    finally:
        server.kill()
    lines = trace.read_text()
    used = set(re.findall(r"^\d+ +([a-z]\w+)\(", lines, re.M))
    assert {"accept4", "fdatasync", "shutdown"} <= used
    # execve is systemd's own, before the filter is there; the others are asked for, but not needed.
    assert used - permitted_calls() - {"execve", "setpriority", "ioprio_set"} == set()
    families = set(re.findall(r"^RestrictAddressFamilies=(.*)$", UNIT, re.M)[0].split())
    assert set(re.findall(r" socket\((AF_\w+)", lines)) <= families


def test_unit_stops_later_than_the_server():
    """The longest stop by the packaged configuration: drain_timeout, flush_timeout and the last writes."""
    assert int(re.search(r"^TimeoutStopSec=(\d+)s$", UNIT, re.M)[1]) >= 6 + 2 + 10


def test_account(workdir):
    """The sysusers file makes the account that the unit names."""
    needed("systemd-sysusers")
    (workdir / "etc").mkdir()
    run("systemd-sysusers", f"--root={workdir}", ROOT / "conf/systemd/penstock.sysusers")
    assert re.search(r"^penstock:[^:]*:\d+:\d+:[^:]*:/var/lib/penstock:/usr/sbin/nologin$",
                     (workdir / "etc/passwd").read_text(), re.M)


# --- what the binary is made of


def test_bill_of_materials(workdir):
    build = binary().parents[1]
    if not (build / "build.ninja").exists():
        pytest.skip("a binary without its build folder: ninja's records say what was compiled in")
    if sanitized():
        pytest.skip("an instrumented build is not what is shipped")
    (workdir / "date").write_text("1700000000\n")
    run(ROOT / "conf/packaging/sbom", binary(), build, "1.2.3", workdir / "date", workdir / "bill")
    bill = json.loads((workdir / "bill").read_text())
    assert (bill["bomFormat"], bill["specVersion"], bill["metadata"]["timestamp"]) == ("CycloneDX", "1.5", "2023-11-14T22:13:20Z")
    parts = {part["name"]: part for part in bill["components"]}
    assert len(parts) == len(bill["components"])
    for part in parts.values():
        assert part["version"] and part["licenses"][0]["expression"] and part["purl"].startswith("pkg:deb/debian/")
    needed = re.findall(r"\(NEEDED\)\s+Shared library: \[(\S+)\]", run("readelf", "-d", binary()))
    linked = {os.path.basename(os.path.realpath(path)) for path in re.findall(r"(/\S+) \(0x", run("ldd", binary()))
              if os.path.basename(path) in needed}
    listed = {p["value"] for part in parts.values() for p in part["properties"] if p["name"] == "penstock:file"}
    assert linked == listed and len(linked) > 5
    for headers_only in ("libexpected-dev", "libcli11-dev", "rapidjson-dev", "libmsgpack-cxx-dev"):
        assert headers_only in parts
    assert "catch2" not in parts, "the tests are not shipped"
