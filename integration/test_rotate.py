"""Rotation of files, by the server itself and by logrotate: nothing is lost, doubled or torn, whenever it is killed."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from support.clients import send_stream
from support.records import assert_all_once, fate_of, record
from support.server import Server
from support.settings import ROOT, cannot_run
from support.wait import wait_until

ARCHIVE = re.compile(r"\.\d{8}T\d{6}\.\d{6}Z(\.zst)?$")
LIMIT = 64 << 10


def files_of(folder: Path, name: str) -> list:
    """The archives of a file, oldest first, and then the file itself."""
    archives = sorted(p for p in folder.iterdir() if ARCHIVE.search(p.name) and ARCHIVE.sub("", p.name) == name)
    return [*archives, *([folder / name] if (folder / name).exists() else [])]


def content(path: Path) -> bytes:
    if path.suffix != ".zst":
        return path.read_bytes()
    return subprocess.run(["zstdcat", path], check=True, capture_output=True).stdout


def lines_in(folder: Path, name: str) -> list:
    """Whole records of a file and its archives, in order."""
    return [line for path in files_of(folder, name) for line in content(path).split(b"\n")[:-1]]


def settled(folder: Path, name: str) -> bool:
    """Every archive is compressed, and nothing lies beside it."""
    return all(p.suffix == ".zst" for p in files_of(folder, name) if p.name != name) and not list(folder.glob("*.tmp"))


def test_by_size_kept_and_compressed(penstock, workdir):
    """Every file within its size although batches are larger; the number that is kept; a stranger's file stays."""
    (workdir / "few.log.bak").write_text("theirs")
    (workdir / "few.log.20200101.zst").write_text("theirs")
    sinks = [{"name": "all", "path": "all.log", "rotate": {"size": "64KiB"}},
             {"name": "packed", "path": "by/{listener}.log", "rotate": {"size": "64KiB", "compress": "zstd"}},
             {"name": "few", "path": "few.log", "rotate": {"size": "64KiB", "keep": 3, "compress": "zstd"}}]
    server = penstock({"listen": "unix://./in.sock"}, sinks)
    send_stream(server.address("unix"), b"".join(record("r", n, 200) + b"\n" for n in range(10_000)))
    by = workdir / "by"
    wait_until(lambda: settled(by, "in.log") and len(files_of(by, "in.log")) == 31
               and settled(workdir, "few.log") and len(files_of(workdir, "few.log")) == 4,
               lambda: f"it to settle: {os.listdir(workdir)}")
    server.stop()
    for folder, name in ((workdir, "all.log"), (by, "in.log")):
        assert all(len(content(p)) <= LIMIT for p in files_of(folder, name))
        assert_all_once(lines_in(folder, name), "r", 10_000)
        assert len(files_of(folder, name)) == 31
    kept = lines_in(workdir, "few.log")
    assert kept == [record("r", n, 200) for n in range(10_000 - len(kept), 10_000)]
    assert (workdir / "few.log.bak").read_text() == "theirs"
    assert (workdir / "few.log.20200101.zst").read_text() == "theirs"


def test_by_time_at_the_start(penstock, workdir):
    """A file last written yesterday is rotated without a record, one of today is not, nor is an empty one."""
    for name, age in (("old.log", 86_400), ("new.log", 0), ("empty.log", 86_400)):
        (workdir / name).write_bytes(b"" if name == "empty.log" else b"before\n")
        os.utime(workdir / name, (time.time() - age, time.time() - age))
    server = penstock({"listen": "unix://./in.sock"},
                      [{"name": n, "path": f"{n}.log", "rotate": {"every": "365d" if n == "new" else "1h"}}
                       for n in ("old", "new", "empty")])
    wait_until(lambda: len(files_of(workdir, "old.log")) == 2, "the rotation")
    send_stream(server.address("unix"), b"after\n")
    server.stop()
    assert [content(p) for p in files_of(workdir, "old.log")] == [b"before\n", b"after\n"]
    assert [content(p) for p in files_of(workdir, "new.log")] == [b"before\nafter\n"]
    assert [content(p) for p in files_of(workdir, "empty.log")] == [b"after\n"]


def test_directory_without_rights(penstock, workdir):
    """The rename fails: writing goes on into the same file, and one line says so."""
    if os.geteuid() != 0:
        cannot_run("only root can start the server as another user")
    folder = workdir / "d"
    folder.mkdir()
    server = penstock({"listen": "unix://./in.sock", "mode": "0666"},
                      {"path": "d/out.log", "rotate": {"size": "64KiB"}}, unprivileged=True)
    folder.chmod(0o555)
    os.chown(folder, 0, 0)
    send_stream(server.address("unix"), b"".join(record("r", n, 1000) + b"\n" for n in range(200)))
    wait_until(lambda: len(lines_in(folder, "out.log")) == 200, "the records")
    assert len(files_of(folder, "out.log")) == 1
    assert server.wait_log("rotation failed").level == "warn"
    server.stop()
    assert_all_once(lines_in(folder, "out.log"), "r", 200)


# --- killed at each step

BEFORE = 60  # records of 1,000 bytes: the 66th makes the file too large
IN_FLIGHT = 20
NOT_REACHED = "this rotation made fewer such calls"
CALLS = ["write", "openat", "close", "fsync", "fdatasync", "renameat2", "unlink", "flock", "fchmod", "utimensat"]


def thread_named(pid: int, name: str) -> int:
    """Waits for it: a thread names itself, when it first runs."""
    return wait_until(lambda: next((int(task.name) for task in Path(f"/proc/{pid}/task").iterdir()
                                    if (task / "comm").read_text().strip() == name), None), f"the thread {name}")


def is_traced(pid: int, tid: int) -> bool:
    """True of a thread that is gone: it was traced, and killed."""
    try:
        return "TracerPid:\t0\n" not in Path(f"/proc/{pid}/task/{tid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True


def calls_in(trace: Path) -> list:
    return re.findall(r"^(\w+)\(", trace.read_text(), re.MULTILINE)


def steps_of(calls: list) -> list:
    return [call for call in calls if call in ("fsync", "fdatasync", "renameat2", "unlink")]


def stands_still(trace: Path, thread: str) -> bool:
    """The thread makes no call for a second; that of the archives ends with the folder's sync."""
    before = calls_in(trace)
    time.sleep(1)
    return calls_in(trace) == before and (thread != "archives" or steps_of(before)[-2:] == ["unlink", "fsync"])


def rotate_once(folder: Path, sync: str, thread: str, kill_at: tuple = ()) -> list:
    """The calls of one thread of the server in one rotation and compression. `kill_at` is a call and a number: the
    server is killed in front of it."""
    inject = ["-e", "inject={}:signal=KILL:when={}".format(*kill_at)] if kill_at else []
    server = Server(folder, **tables(sync)).start()
    try:
        with server.address("unix").connect() as sock:
            sock.sendall(b"".join(record("r", n, 1000) + b"\n" for n in range(BEFORE)))
            wait_until(lambda: len(server.records()) == BEFORE, "the first records")
            tid = thread_named(server.pid, thread)
            with subprocess.Popen(["strace", "-p", str(tid), "-o", folder / "trace", "-e", f"trace={','.join(CALLS)}",
                                   *inject], stderr=subprocess.DEVNULL) as tracer:
                wait_until(lambda: is_traced(server.pid, tid) or tracer.poll() is not None, "strace to hold the thread")
                assert tracer.poll() is None or not server.running, "strace may not trace here"
                with contextlib.suppress(BrokenPipeError):  # killed before the rotation has begun
                    sock.sendall(b"".join(record("r", n, 1000) + b"\n" for n in range(BEFORE, BEFORE + IN_FLIGHT)))
                wait_until(lambda: not server.running or (len(files_of(folder, "out.log")) == 2
                           and settled(folder, "out.log") and len(lines_in(folder, "out.log")) == BEFORE + IN_FLIGHT),
                           "the rotation or the kill")
                # What comes behind the last thing that can be seen.
                wait_until(lambda: not server.running or stands_still(folder / "trace", thread), "the thread's rest")
                tracer.terminate()
            calls = calls_in(folder / "trace")
            if kill_at and calls.count(kill_at[0]) >= kill_at[1]:
                wait_until(lambda: not server.running, f"the kill in front of {kill_at}")
    finally:
        server.kill()
    return calls


def tables(sync: str) -> dict:
    return {"listeners": {"listen": "unix://./in.sock"},
            "sinks": {"path": "out.log", "sync": sync, "rotate": {"size": "64KiB", "compress": "zstd"}}}


def trouble_after(folder: Path, sync: str, thread: str, call: str, number: int) -> str:
    """Kills the server in front of the thread's `number`th `call` while it rotates and compresses, starts it again, and
    gives what is wrong then."""
    folder.mkdir()
    if rotate_once(folder, sync, thread, (call, number)).count(call) < number:
        return NOT_REACHED
    again = Server(folder, **tables(sync)).start()
    try:
        wait_until(lambda: settled(folder, "out.log"), lambda: f"archives to be put right: {os.listdir(folder)}")
        send_stream(again.address("unix"), b"end\n")
        again.stop()
        again.check()
    finally:
        again.kill()
    return trouble_in(lines_in(folder, "out.log"))


def trouble_in(records: list) -> str:
    """What was in the file before the kill is there once; what was on its way is there or not, in order, never twice."""
    fate = fate_of(records, "r", BEFORE)
    if fate.lost or fate.doubled or not fate.in_order:
        return f"{fate}"
    if records[-1] != b"end":
        return f"the last one is {records[-1]}"
    whole = [r for r in records[:-1] if len(r) == 1000]
    if whole != [record("r", n, 1000) for n in range(len(whole))]:
        return "a hole"
    return "" if len(records) - 1 - len(whole) <= 1 else "more than one torn record"


def test_killed_at_each_step(netns, workdir):
    """Before every system call that changes a file, or opens or closes one, of both threads, with and without syncs."""
    if not shutil.which("strace"):
        cannot_run("strace is missing")
    runs = [(sync, thread) for sync in ("never", "always") for thread in ("sink out", "archives")]
    with ThreadPoolExecutor(4) as pool:
        for run in runs:
            (workdir / "-".join(run)).mkdir()
        traces = list(pool.map(lambda run: rotate_once(workdir / "-".join(run), *run), runs))
        cases = [(*run, call, number + 1) for run, calls in zip(runs, traces)
                 for call in CALLS for number in range(calls.count(call))]
        troubles = list(pool.map(lambda at: trouble_after(workdir / str(at), *cases[at]), range(len(cases))))
    for (sync, thread), calls in zip(runs, traces):
        steps = steps_of(calls)
        if thread == "archives":
            assert steps == ["fdatasync", "renameat2", "fsync", "unlink", "fsync"]
        else:
            at = steps.index("renameat2")
            assert sync == "never" or (steps[at - 1] == "fdatasync" and steps[at + 1: at + 3] == ["fsync", "fdatasync"])
    # The last records may come in one read or several: the sink then writes, and syncs, less often than in the trace. The
    # archives' thread tries again while the sink's still holds the file that it has renamed, or need not.
    found = {case: trouble for case, trouble in zip(cases, troubles) if trouble}
    assert {case: trouble for case, trouble in found.items() if trouble != NOT_REACHED} == {}
    unreached = {case for case, trouble in found.items() if trouble == NOT_REACHED}
    assert all(number > 1 for _, _, _, number in unreached)  # each kind of call is in every rotation
    assert len(unreached) < len(cases) / 4


# --- logrotate

def test_logrotate(penstock, workdir):
    """The shipped example, with Debian's logrotate, under load: each record once, as many files as it says."""
    if not shutil.which("logrotate", path=os.environ["PATH"] + ":/usr/sbin"):
        cannot_run("logrotate is missing")
    logs, state, bin_folder = workdir / "log", workdir / "state", workdir / "bin"
    (logs / "in").mkdir(parents=True)
    bin_folder.mkdir()
    server = penstock({"listen": "unix://./in.sock"},
                      [{"name": "one", "path": "log/all.log"}, {"name": "two", "path": "log/{listener}/in.log"}])
    rules = (ROOT / "conf/logrotate").read_text().replace("/var/log/penstock/", f"{logs}/")
    user = subprocess.check_output(["id", "-un"], text=True).strip()
    group = subprocess.check_output(["id", "-gn"], text=True).strip()
    rules = rules.replace("su penstock penstock", f"su {user} {group}").replace("rotate 14", "rotate 50")
    (workdir / "rules").write_text(rules)
    systemctl = bin_folder / "systemctl"  # as if the service's main process were this one
    systemctl.write_text(f'#!/bin/sh\ntest "$*" = "show --property=MainPID --value penstock.service" && echo {server.pid}\n')
    systemctl.chmod(0o755)
    environment = {**os.environ, "PATH": f"{bin_folder}:{os.environ['PATH']}:/usr/sbin"}
    sent = 0
    with server.address("unix").connect() as sock:
        for turn in range(5):
            for _ in range(20):
                sock.sendall(b"".join(record("r", n, 500) + b"\n" for n in range(sent, sent + 100)))
                sent += 100
            subprocess.run(["logrotate", "-f", "-s", state, workdir / "rules"], check=True, env=environment)
            wait_until(lambda: not server.holds("log/all.log.1") and not server.holds("log/in/in.log.1"), "it to let go")
            sock.sendall(b"".join(record("r", n, 500) + b"\n" for n in range(sent, sent + 100)))
            sent += 100
            wait_until(lambda: record("r", sent - 1, 500) in server.records("log/in/in.log"), "the last record")
    server.stop()
    for name in ("all.log", "in/in.log"):
        path = logs / name
        turns = [path.with_name(f"{path.name}.{n}{'.gz' if n > 1 else ''}") for n in range(5, 0, -1)]
        assert all(turn.exists() for turn in turns), sorted(os.listdir(path.parent))
        texts = [subprocess.check_output(["gzip", "-dc", t]) if t.suffix == ".gz" else t.read_bytes() for t in turns]
        lines = [line for text in (*texts, path.read_bytes()) for line in text.split(b"\n")[:-1]]
        assert_all_once(lines, "r", sent)
        assert len(lines) == sent
