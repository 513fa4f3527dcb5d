"""docker-compose.yml and the Dockerfile: what they name exists, without an engine to try them on."""

import re
import shutil
import subprocess
import tomllib

import pytest

from support.settings import ROOT, binary

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


def test_published_ports_are_those_of_the_shipped_config(services):

    listeners = tomllib.loads((ROOT / "conf/penstock.toml").read_text())["listener"]
    urls = [url for listener in listeners for url in
            ([listener["listen"]] if isinstance(listener["listen"], str) else listener["listen"])]
    for port in services["penstock"]["ports"]:
        inside, _, proto = port.split(":")[1].partition("/")
        assert any(re.match(rf"{proto}[46]?://.*:{inside}$", url) for url in urls), port


def test_server_has_the_time_it_needs_to_stop(services):
    assert services["penstock"]["stop_grace_period"] == "10s"  # drain_timeout 6s + flush_timeout 2s


def test_agent_command_is_valid_shell(services):
    shell, flag, script = services["agent"]["command"]
    assert (shell, flag) == ("bash", "-c")
    script = script.replace("$$", "$")
    subprocess.run(["bash", "-n", "-c", script], check=True)
    for command in ("logger", "sleep"):
        assert re.search(rf"\b{command}\b", script) and shutil.which(command)
    options = subprocess.run(["logger", "--help"], capture_output=True, text=True, check=True).stdout
    for option in re.findall(r"--[a-z0-9-]+", script):
        assert option in options, option


def test_agent_waits_for_a_server_that_has_a_health_check(services):
    assert services["agent"]["depends_on"]["penstock"]["condition"] == "service_healthy"
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
