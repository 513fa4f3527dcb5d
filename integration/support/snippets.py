"""What the documents print of other programs' configurations: completed to whole files, examined by the program itself,
and where it sends, sent with."""

import contextlib
import os
import shutil
import socket
import subprocess
import tomllib
import urllib.request
from pathlib import Path

from .peers import PEERS, Rsyslog, SyslogNg, library_environment, program, rsyslog_modules, syslog_ng_modules
from .settings import PATIENCE
from .wait import wait_until

WEB = ("127.0.0.1", 8080)

_NGINX = """daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx-error.log;
events {{ }}
http {{
  client_body_temp_path {folder}/nginx-1; proxy_temp_path {folder}/nginx-2; fastcgi_temp_path {folder}/nginx-3;
  uwsgi_temp_path {folder}/nginx-4; scgi_temp_path {folder}/nginx-5;
  server {{ listen 127.0.0.1:8080; location / {{ return 200; }} {text} }}
}}
"""
_HAPROXY = """{text}
frontend web
  mode http
  timeout client 5s
  bind 127.0.0.1:8080
  http-request return status 200
"""


class _PrintedRsyslog(Rsyslog):
    def forwarding(self):
        return self.action


class _PrintedSyslogNg(SyslogNg):
    def forwarding(self):
        return self.destination


def _examine(command: list, what: str):
    done = subprocess.run(list(map(str, command)), env=library_environment(), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, f"{what}: exit {done.returncode}\n{done.stdout}{done.stderr}"


def _written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


# --- examined: each raises where the program does not take it

def examine_rsyslog(text: str, folder: Path, place: str):
    config = _written(folder, "printed-rsyslog.conf", f'global(workDirectory="{folder}")\n{text}')
    _examine([program("rsyslogd"), "-N1", "-f", config, "-M", rsyslog_modules()], place)


def examine_syslog_ng(text: str, folder: Path, place: str):
    if "source(s_src)" in text and "source s_src" not in text:  # Debian's own file has it
        text = "source s_src { internal(); };\n" + text
    modules = syslog_ng_modules()
    config = _written(folder, "printed-syslog-ng.conf", f"@version: {modules.name}\n{text}")
    _examine([program("syslog-ng"), "-s", "--no-caps", "-f", config, f"--module-path={modules}"], place)


def examine_nginx(text: str, folder: Path, place: str):
    config = _written(folder, "printed-nginx.conf", _NGINX.format(folder=folder, text=text))
    _examine([program("nginx"), "-t", "-p", folder, "-e", folder / "nginx-start.log", "-c", config], place)


def examine_haproxy(text: str, folder: Path, place: str):
    config = _written(folder, "printed-haproxy.cfg", _HAPROXY.format(text=text))
    _examine([program("haproxy"), "-c", "-f", config], place)


def examine_telegraf(text: str, _folder: Path, place: str):
    assert set(tomllib.loads(text)) <= {"agent", "inputs", "outputs"}, place


def examine_yaml(text: str, _folder: Path, place: str):
    import yaml  # python3-yaml, where a page has YAML at all

    assert isinstance(yaml.safe_load(text), dict), place


# --- sent with: each makes the program send one message that holds the word

def _through_socket(agent, word: str):
    with agent, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.connect(agent.input)
        sock.send(f"<13>Nov 24 19:00:00 test[1]: {word}".encode())
        yield


@contextlib.contextmanager
def send_by_rsyslog(text: str, folder: Path, word: str):
    yield from _through_socket(_PrintedRsyslog(folder, text), word)


@contextlib.contextmanager
def send_by_syslog_ng(text: str, folder: Path, word: str):
    yield from _through_socket(_PrintedSyslogNg(folder, text), word)


def _through_web(command: list, folder: Path, word: str):
    with open(folder / "web.log", "wb") as log:
        process = subprocess.Popen(list(map(str, command)), env=library_environment(), stdin=subprocess.DEVNULL,
                                   stdout=log, stderr=log, cwd=folder)
    try:
        wait_until(lambda: _answers(word) or process.poll() is not None, (folder / "web.log").read_text)
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _answers(word: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{WEB[0]}:{WEB[1]}/{word}", timeout=PATIENCE) as answer:
            return answer.status == 200
    except OSError:
        return False


@contextlib.contextmanager
def send_by_nginx(_text: str, folder: Path, word: str):
    yield from _through_web([program("nginx"), "-p", folder, "-e", folder / "nginx-start.log", "-c",
                             folder / "printed-nginx.conf"], folder, word)


@contextlib.contextmanager
def send_by_haproxy(_text: str, folder: Path, word: str):
    yield from _through_web([program("haproxy"), "-f", folder / "printed-haproxy.cfg"], folder, word)


EXAMINE = {"rsyslog": examine_rsyslog, "syslog-ng": examine_syslog_ng, "nginx": examine_nginx,
           "haproxy": examine_haproxy, "yaml": examine_yaml}
SEND = {"rsyslog": send_by_rsyslog, "syslog-ng": send_by_syslog_ng, "nginx": send_by_nginx, "haproxy": send_by_haproxy}
