"""Fixtures of all scenarios. Every test runs in a network namespace of its own where that is permitted."""

import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest

pytest.register_assert_rewrite("support")
from support import network, settings, small_disk as disks  # noqa: E402
from support.server import Server  # noqa: E402


def pytest_report_header():
    length = "full length" if settings.LONG else "shortened (PENSTOCK_LONG=1 for full length)"
    return [f"server: {settings.binary()}", f"slow scenarios: {length}"]


def pytest_sessionstart(session):
    if not settings.binary().exists():
        pytest.exit(f"no server at {settings.binary()}; build it or set PENSTOCK_BIN", returncode=2)


def pytest_collection_modifyitems(items):
    """Tests run side by side: the longest begin first, so that none of them is left running alone at the end."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(autouse=True)
def no_test_hangs():
    """Ends a test that is stuck where no deadline of its own looks."""
    limit = 1800 if settings.LONG else 800

    def stuck(_number, _frame):
        raise TimeoutError(f"the test took over {limit} s")

    before = signal.signal(signal.SIGALRM, stuck)
    signal.alarm(limit)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(autouse=True)
def network_of_its_own():
    """True where the test has one. Others run in the machine's network, on free ports."""
    try:
        context = network.own_network()
        context.__enter__()
    except PermissionError:
        yield False
        return
    try:
        yield True
    finally:
        context.__exit__(None, None, None)


@pytest.fixture
def netns(network_of_its_own):
    """For tests that read kernel counters or need the namespace for itself: the counters from here on."""
    if not network_of_its_own:
        settings.cannot_run("network namespaces are not permitted here (CAP_SYS_ADMIN)")
    counters = network.Counters()
    yield counters
    counters.close()


@pytest.fixture
def workdir(request):
    """An empty folder with a short name (unix socket paths end at 107 bytes) that any user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="pst-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    if getattr(request.node, "failed", False):
        print(f"left for inspection: {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def small_disk(workdir):
    """A file system of 64 MB at workdir/disk, for support.small_disk.fill."""
    with disks.mounted(workdir / "disk") as disk:
        yield disk


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    item.failed = getattr(item, "failed", False) or report.failed


@pytest.fixture
def penstock(workdir):
    """Makes servers: penstock(listeners, sinks, server=..., ...) as Server takes them; started unless start=False."""
    servers = []

    def make(listeners, sinks=None, *, start=True, folder=None, **options) -> Server:
        server = Server(folder or workdir, listeners, sinks, **options)
        servers.append(server)
        return server.start() if start else server

    yield make
    try:
        for server in servers:
            server.check()
    finally:
        for server in servers:
            if server.running:
                server.kill()


@pytest.fixture(params=["root", "unprivileged"])
def unprivileged(request):
    """False, then True: the server as uid 65534 without any capability. Only root can start both."""
    if request.param == "unprivileged" and (os.geteuid() != 0 or not _can_become_nobody()):
        settings.cannot_run("only root with a mapped uid 65534 can start the server as another user")
    return request.param == "unprivileged"


def _can_become_nobody() -> bool:
    """False inside a user namespace that maps a single user."""
    mapped = [line.split() for line in Path("/proc/self/uid_map").read_text().splitlines()]
    return any(int(first) <= 65534 < int(first) + int(count) for first, _, count in mapped)


def pytest_terminal_summary(terminalreporter):
    """What tests want to be read of their run, whichever process ran them: record_property("told", line)."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])]
    told = [line for report in reports if report.when == "call"
            for key, line in report.user_properties if key == "told"]
    if told:
        terminalreporter.section("what the tests tell")
        for line in told:
            terminalreporter.write_line(line)
