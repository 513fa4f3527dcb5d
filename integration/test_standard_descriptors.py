"""Started with stdin, stdout or stderr closed, as some supervisors do: their numbers go to nothing of the server's own."""

import pytest

from support.address import Address, any_url
from support.clients import send_stream
from support.settings import binary
from support.wait import wait_until


@pytest.fixture
def started_with(workdir, monkeypatch):
    """From here on the server is started through a shell, with these redirections."""

    def arrange(redirections: str):
        script = workdir / "start"
        script.write_text(f'#!/bin/sh\nexec {binary()} "$@" {redirections}\n')
        script.chmod(0o755)
        monkeypatch.setenv("PENSTOCK_BIN", str(script))

    return arrange


def accepts(address: Address) -> bool:
    try:
        address.connect().close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize("redirections", ["<&-", ">&-", "<&- >&-"])
def test_closed_at_the_start(penstock, started_with, redirections):
    started_with(redirections)
    server = penstock({"listen": any_url("unix")})
    send_stream(server.address("unix"), b"one\ntwo\n")
    server.stop()
    assert server.records() == [b"one", b"two"]


@pytest.mark.parametrize("redirections", ["2>&-", "<&- >&- 2>&-"])
def test_closed_stderr_takes_the_log_and_nothing_else(penstock, started_with, workdir, redirections):
    """Nobody hears that it is ready, so its socket file is waited for."""
    started_with(redirections)
    server = penstock({"listen": "unix://./in.sock"}, start=False)
    server.spawn()
    address = Address.parse("unix://./in.sock", workdir)
    wait_until(lambda: accepts(address), "it to listen")
    send_stream(address, b"one\ntwo\n")
    server.stop()
    server.checked = True  # the ledger is in the log
    assert server.records() == [b"one", b"two"]
    assert server.log_text() == ""


@pytest.mark.parametrize("redirections", [">&-", "<&- >&-", "1</dev/null"])
def test_records_to_a_closed_stdout_are_refused_at_the_start(penstock, started_with, workdir, redirections):
    started_with(redirections)
    server = penstock({"listen": any_url("unix")}, {"type": "stdout"}, start=False)
    server.spawn()
    assert server.wait() == 1, server.log_text()
    assert server.log_has('sink "?out"?: stdout is closed'), server.log_text()
    assert not (workdir / "unix.sock").exists()
