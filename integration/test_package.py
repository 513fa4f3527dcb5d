"""The Debian package on a fresh machine: installed from the .deb alone, it receives its first record; then it is upgraded,
removed and purged. `./dev package` builds the package and runs this; $PENSTOCK_DEB names it."""

import contextlib
import os
import re
import shlex
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from support.machine import fresh_machine
from support.settings import PATIENCE
from support.wait import wait_until

CONFIG = "/etc/penstock/penstock.toml"


@pytest.fixture(scope="module")
def package() -> Path:
    if not os.environ.get("PENSTOCK_DEB"):
        pytest.skip("no package here; ./dev package builds one and runs this")
    return Path(os.environ["PENSTOCK_DEB"])


@pytest.fixture(scope="module")
def machine(package):
    folder = Path(tempfile.mkdtemp(prefix="penstock-machine-"))
    try:
        yield fresh_machine(package, folder)
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def before(machine):
    return machine.files()


@pytest.fixture(scope="module")
def installed(machine, package, before):
    """The machine after `apt install ./penstock_*.deb`."""
    machine.apt("install", machine.take(package))
    return machine


def unit(machine) -> dict:
    """The keys of the installed unit's [Service] section; the last of each counts."""
    text = machine.path("/usr/lib/systemd/system/penstock.service").read_text()
    return dict(re.findall(r"^(\w+)=(.*)$", text.partition("[Service]")[2], re.M))


@contextlib.contextmanager
def service(machine):
    """The unit's process as systemd would start it: its user, capabilities, folders and notification socket."""
    keys = unit(machine)
    user = keys["User"]
    machine.run("install", "-d", "-o", user, "-g", keys["Group"], "-m", keys["RuntimeDirectoryMode"],
                f"/run/{keys['RuntimeDirectory']}")
    capabilities = ",".join("+" + name.removeprefix("CAP_").lower() for name in keys["AmbientCapabilities"].split())
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(str(machine.path("/run/notify")))
        notified.settimeout(PATIENCE)
        machine.run("chown", user, "/run/notify")
        process = subprocess.Popen(
            machine.command("env", "-C", keys["WorkingDirectory"], "NOTIFY_SOCKET=/run/notify", "setpriv", "--no-new-privs",
                            f"--reuid={user}", f"--regid={keys['Group']}", "--init-groups", "--inh-caps=-all,"+capabilities,
                            f"--ambient-caps=-all,{capabilities}", f"--bounding-set=-all,{capabilities}",
                            "sh", "-c", f"umask {keys['UMask']}; exec {keys['ExecStart']}"),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            assert "READY=1" in notified.recv(4096).decode()
            yield process
            process.terminate()
            log = process.communicate(timeout=PATIENCE)[1]
            assert process.returncode == 0 and "balance=ok" in log, log
        finally:
            if process.poll() is None:
                process.kill()
                print(process.communicate()[1])
            machine.path("/run/notify").unlink()


def records(machine) -> str:
    return "".join(path.read_text() for path in sorted(machine.path("/var/log/penstock").rglob("*.log")))


def send(*command, text=None):
    subprocess.run(command, input=text, text=True, check=True, timeout=PATIENCE)


def test_first_record(installed, netns):
    """From the .deb alone, by the commands that the packaged file names at its top."""
    try_it = re.search(r"^# +(logger .*)$", installed.path(CONFIG).read_text(), re.M)[1]
    with service(installed):
        send(*shlex.split(try_it))
        send("logger", "--server", "127.0.0.1", "--port", "5514", "--udp", "by udp")
        send("nc", "-N", "127.0.0.1", "5170", text="by nc\n")
        send("logger", "--socket", str(installed.path("/run/penstock/syslog.sock")), "by unixgram")
        wait_until(lambda: all(word in records(installed) for word in ("hello", "by udp", "by nc", "by unixgram")),
                   lambda: f"the records:\n{records(installed)}")
        shown = installed.run("sh", "-c", re.search(r"^# +(tail .*)$", installed.path(CONFIG).read_text(), re.M)[1])
        assert "hello" in shown
    owner = installed.run("stat", "-c", "%U:%G %a", "/var/log/penstock", "/var/lib/penstock").split("\n")
    assert owner[:2] == ["penstock:penstock 750"] * 2


def test_a_low_port_without_root(installed, netns):
    config = installed.path(CONFIG)
    text = config.read_text()
    config.write_text(text.replace("tcp://:5514", "tcp://:514"))
    try:
        with service(installed):
            send("nc", "-N", "127.0.0.1", "514", text="low port\n")
            wait_until(lambda: "low port" in records(installed), "the record")
    finally:
        config.write_text(text)


def test_what_is_installed(installed):
    assert re.fullmatch(r"penstock \d+\.\d+\.\d+\n", installed.run("penstock", "--version"))
    assert f"{CONFIG}: ok" in installed.run("penstock", "check")
    assert installed.path("/etc/systemd/system/multi-user.target.wants/penstock.service").is_symlink(), "not enabled"
    assert re.match(r"penstock:[^:]*:\d+:\d+:[^:]*:/var/lib/penstock:/usr/sbin/nologin\n",
                    installed.run("getent", "passwd", "penstock"))
    for name in ("man/man1/penstock.1.gz", "man/man5/penstock.toml.5.gz", "bash-completion/completions/penstock",
                 "zsh/vendor-completions/_penstock", "doc/penstock/penstock.cdx.json", "doc/penstock/copyright"):
        # (man pages and documents are left out by some containers' dpkg; not by this machine's)
        assert installed.path(f"/usr/share/{name}").exists(), name
    assert "missing" not in installed.run("dpkg", "--verify", "penstock")


def test_upgrade_keeps_what_an_administrator_edited(installed, package, workdir):
    newer = workdir / "penstock_99.0.0_amd64.deb"
    tree = workdir / "tree"
    subprocess.run(["dpkg-deb", "-R", package, tree], check=True)
    control = tree / "DEBIAN/control"
    control.write_text(re.sub(r"^Version: .*$", "Version: 99.0.0", control.read_text(), flags=re.M))
    with open(tree / CONFIG.lstrip("/"), "a") as config:
        config.write("# the new version's file\n")
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, newer], check=True, stdout=subprocess.DEVNULL)

    edited = installed.path(CONFIG).read_text() + "# edited here\n"
    installed.path(CONFIG).write_text(edited)
    log = records(installed)
    installed.run("chmod", "0700", "/var/log/penstock")
    installed.apt("-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold", "install",
                  installed.take(newer))
    assert "Version: 99.0.0" in installed.run("dpkg", "-s", "penstock")
    assert installed.path(CONFIG).read_text() == edited
    assert installed.path(CONFIG + ".dpkg-dist").read_text().endswith("# the new version's file\n")
    assert records(installed) == log
    assert installed.run("stat", "-c", "%a", "/var/log/penstock") == "700\n", "an administrator's mode was changed"


def test_remove_keeps_configuration_and_records(installed):
    log = records(installed)
    installed.apt("remove", "penstock")
    assert not installed.path("/usr/bin/penstock").exists()
    assert not installed.path("/usr/lib/systemd/system/penstock.service").exists()
    assert installed.path(CONFIG).read_text().endswith("# edited here\n")
    assert log and records(installed) == log


def test_purge_leaves_nothing(installed, before):
    installed.apt("purge", "penstock")
    left = {name for name in installed.files() - before if "penstock" in name and not name.startswith("/root/")}
    assert left == set()
    installed.run("getent", "passwd", "penstock", expect=2)
    installed.run("getent", "group", "penstock", expect=2)


def test_installed_again_after_a_purge(installed, package):
    installed.apt("install", installed.take(package))
    assert "penstock 0" in installed.run("penstock", "--version")
    assert installed.path(CONFIG).read_text().endswith("# edited here\n") is False
    installed.apt("purge", "penstock")
