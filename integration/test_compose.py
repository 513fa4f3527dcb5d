"""docker-compose.yml and the Dockerfile: what they name exists, without an engine to try them on; and the services' own commands
and configurations work together, each program as Debian has it, librdkafka's mock brokers in the broker's place."""

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import tomllib

import pytest

from support import kafka, nats, peers
from support.collectd import types_db
from support.command import penstock_command
from support.settings import PATIENCE, ROOT, binary, cannot_run
from support.wait import wait_until

yaml = pytest.importorskip("yaml")


@pytest.fixture(scope="module")
def services():
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]


def dockerfile_of(services) -> str:
    build = services["penstock"]["build"]
    return (ROOT / build["context"] / build["dockerfile"]).read_text()


def test_paths_exist(services):
    for service in services.values():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (ROOT / source).is_file(), source


def test_named_volumes_are_declared(services):
    whole = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    named = {v.split(":")[0] for s in services.values() for v in s.get("volumes", ()) if not v.startswith(".")}
    assert named == set(whole["volumes"])


def test_dockerfile_copies_and_runs_what_exists(services):
    text = dockerfile_of(services)
    for source in re.findall(r"^COPY (?!--from)(\S+) ", text, re.M):
        assert (ROOT / source).exists(), source
    for command in re.findall(r"^RUN (\./\S+)", text, re.M):
        assert shutil.which(str(ROOT / command)), command
    assert "build/release/server/penstock" in text


def test_published_ports_are_those_of_its_config(services):
    config = tomllib.loads((ROOT / "conf/compose/penstock.toml").read_text())
    urls = []
    for listener in config["listener"]:
        urls += [listener["listen"]] if isinstance(listener["listen"], str) else listener["listen"]
    for port in services["penstock"]["ports"]:
        inside, _, proto = port.rpartition(":")[2].partition("/")
        assert any(re.match(rf"{proto}[46]?://.*:{inside}$", url) for url in urls), port


def test_the_configuration_names_services(services):
    text = (ROOT / "conf/compose/penstock.toml").read_text()
    for host in re.findall(r"(?:nats://|\")(\w+):(?:4222|9092)", text):
        assert host in services
    penstock_command("check", "--config", ROOT / "conf/compose/penstock.toml")


def test_server_has_the_time_it_needs_to_stop(services):
    assert services["penstock"]["stop_grace_period"] == "10s"  # drain_timeout 6s + flush_timeout 2s


def script_of(services, name: str) -> str:
    shell, flag, script = services[name]["command"]
    assert (shell, flag) == ("bash", "-c")
    script = script.replace("$$", "$")
    subprocess.run(["bash", "-n", "-c", script], check=True)
    return script


def test_options_of_logger_exist(services):
    script = script_of(services, "logger")
    options = subprocess.run(["logger", "--help"], capture_output=True, text=True, check=True).stdout
    for option in re.findall(r"--[a-z0-9-]+", script):
        assert option in options, option


def test_agents_wait_for_a_server_that_has_a_health_check(services):
    for agent in ("logger", "rsyslog", "collectd"):
        assert services[agent]["depends_on"]["penstock"]["condition"] == "service_healthy"
    test = services["penstock"]["healthcheck"]["test"]
    assert test[0] == "CMD" and shutil.which(test[1])


def test_the_image_has_every_library_of_the_server(services):
    """The second stage installs what the binary links, beyond what every Debian image has."""
    asked_for = subprocess.run(["objdump", "-p", binary()], capture_output=True, text=True, check=True).stdout
    linked = subprocess.run(["ldd", binary()], capture_output=True, text=True, check=True).stdout
    packages = set()
    for name, library in re.findall(r"(\S+) => /(?:usr/)?lib/(\S+)", linked):
        if f"NEEDED               {name}\n" not in asked_for:
            continue  # a library of a library, which its package brings
        owner = subprocess.run(["dpkg", "-S", library], capture_output=True, text=True, check=False).stdout
        packages.update(line.split(":")[0] for line in owner.splitlines())
    base = {"libc6", "libgcc-s1", "libstdc++6"}
    missing = {p for p in packages if not p.endswith("-dev")} - base - set(dockerfile_of(services).split())
    if missing & {"libasan8", "libtsan2"}:
        pytest.skip("an instrumented build is not what the image holds")
    assert missing == set()


NODES = {"nats1": "127.0.0.11", "nats2": "127.0.0.12", "nats3": "127.0.0.13"}


class Together:
    """The services as plain processes. What is a host's name in the file is an address here, and files of a container lie in
    `folder`; everything else is as the file has it."""

    def __init__(self, services, folder, brokers: str):
        self._services, self._folder = services, folder
        self._places = {"kafka:9092": brokers, "penstock": "127.0.0.1", **NODES,
                        "/var/log/app.log": f"{folder}/app.log", "/var/spool/rsyslog": str(folder)}
        self._running = contextlib.ExitStack()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._running.close()

    def here(self, text: str) -> str:
        for there, place in self._places.items():
            text = re.sub(rf"(?<![\w.]){re.escape(there)}(?![\w-])", place, text)
        return text

    def config(self, name: str, first: str = "") -> str:
        """A configuration of conf/compose."""
        path = self._folder / name
        path.write_text(first + self.here((ROOT / "conf/compose" / name).read_text()))
        return str(path)

    def start(self, name: str, command: list):
        log = self._running.enter_context(open(self._folder / f"{name}.out", "wb"))
        process = subprocess.Popen(list(map(str, command)), cwd=self._folder, env=peers.library_environment(), stdin=subprocess.DEVNULL,
                                   stdout=log, stderr=log, start_new_session=True)
        self._running.callback(self._end, process)
        return process

    @staticmethod
    def _end(process):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(PATIENCE)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def said(self) -> str:
        return "\n".join(f"--- {path.name}\n{path.read_text(errors='replace')[-2000:]}" for path in self._folder.glob("*.out"))

    # --- the services

    def nats(self, name: str):
        """Each has an address of its own, as in a container; its folder is its own too."""
        command = shlex.split(self._services[name]["command"].replace("0.0.0.0", NODES[name]).replace("/data", f"{self._folder}/{name}"))
        command = [word if before == "--name" else self.here(word) for before, word in zip(["", *command], command)]
        return self.start(name, [peers.program("nats-server"), "--addr", NODES[name], *command])

    def penstock(self):
        config = self.config("penstock.toml")
        process = self.start("penstock", [binary(), "run", "--config", config])
        health = self._services["penstock"]["healthcheck"]["test"][1:]
        wait_until(lambda: subprocess.run(health, stderr=subprocess.DEVNULL).returncode == 0, lambda: f"its health:\n{self.said()}")
        return process

    def logger(self):
        self.start("logger", ["bash", "-c", self.here(script_of(self._services, "logger"))])

    def rsyslog(self):
        if not (peers.rsyslog_modules() / "omrelp.so").exists():
            cannot_run("rsyslog's omrelp is not unpacked; ./dev test does it")
        script = self.here(script_of(self._services, "rsyslog"))
        daemon = f"{peers.program('rsyslogd')} -i {self._folder}/rsyslog.pid -M {peers.rsyslog_modules()}"
        self.start("rsyslog", ["bash", "-c", script.replace("rsyslogd", daemon).replace("/etc/rsyslog.conf", self.config("rsyslog.conf"))])

    def collectd(self):
        unpacked = (f'BaseDir "{self._folder}"\nPIDFile "{self._folder}/collectd.pid"\nPluginDir "{peers.PEERS}/usr/lib/collectd"\n'
                    f'TypesDB "{types_db()}"\nFQDNLookup false\n')
        config = self.config("collectd.conf", unpacked)
        command = [config if word == "/etc/collectd/collectd.conf" else word for word in self._services["collectd"]["command"]]
        self.start("collectd", [peers.program(command[0]), *command[1:]])


@pytest.mark.long
def test_the_services_work_together(netns, workdir, services):
    """Logs of two agents are in the broker's topics, metrics of the third one in the stream; a node that is killed and a broker
    that is away lose nothing of them, and the server ends in order."""
    with kafka.Cluster() as cluster, Together(services, workdir, cluster.servers) as together:
        for topic in ("logs.syslog", "logs.relp"):
            cluster.topic(topic)
        nodes = {name: together.nats(name) for name in NODES}
        server = together.penstock()
        together.logger()
        together.rsyslog()
        together.collectd()

        def messages(topic: str) -> list:
            return [json.loads(message.value)["message"] for message in cluster.read(topic)]

        def metrics() -> list:
            with contextlib.suppress(OSError, KeyError, ValueError), nats.Client(NODES["nats3"], 4222) as client:
                return [json.loads(message.value) for message in client.read("METRICS")]
            return []
        wait_until(lambda: {"message 3 by tcp", "message 3 by udp"} <= set(messages("logs.syslog")), together.said, pause=0.5)
        wait_until(lambda: "line 3 of the application" in messages("logs.relp"), together.said, pause=0.5)
        wait_until(lambda: {"load", "memory"} <= {metric["tags"]["plugin"] for metric in metrics()}, together.said, pause=0.5)

        cluster.down()
        nodes["nats1"].kill()
        seen = len(metrics())
        before = len((workdir / "app.log").read_text().splitlines())
        wait_until(lambda: len((workdir / "app.log").read_text().splitlines()) > before + 3, "the agents to go on", pause=0.5)
        cluster.up()
        lines = [f"line {n} of the application" for n in range(1, before + 3)]
        wait_until(lambda: set(lines) <= set(messages("logs.relp")), together.said, pause=0.5)
        wait_until(lambda: len(metrics()) > seen + 3, together.said, pause=0.5)
        server.send_signal(signal.SIGTERM)
        assert server.wait(PATIENCE) == 0, together.said()
