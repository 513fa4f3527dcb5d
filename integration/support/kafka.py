"""A Kafka cluster of librdkafka's mock brokers, in a process of its own, and what kcat reads back from it.

The mock keeps about 5 MB a partition and does not replicate: that is what these tests cannot show.
"""

import json
import shutil
import signal
import subprocess

from .settings import PATIENCE, binary, cannot_run

PRODUCE, INIT_PRODUCER_ID = 0, 22  # API keys of Kafka's protocol
MSG_SIZE_TOO_LARGE = 10


class Message:
    """One that kcat has read."""

    def __init__(self, read: dict):
        self.value, self.key, self.partition = read["payload"], read.get("key"), read["partition"]
        self.time_ms = read["ts"]
        names_and_values = read.get("headers", [])
        self.headers = dict(zip(names_and_values[::2], names_and_values[1::2]))


class Cluster:
    """`with Cluster() as cluster`: brokers that are up."""

    def __init__(self, brokers: int = 1):
        program = binary().parents[1] / "tests/kafka/kafka_mock_cluster"
        if not program.exists():
            cannot_run(f"no {program}; build it (target kafka_mock_cluster)")
        self._brokers = brokers
        self._process = subprocess.Popen([program, str(brokers)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.servers = self._process.stdout.readline().strip()
        assert self.servers, "the mock cluster did not start"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.thaw()
        self._process.stdin.close()
        try:
            self._process.wait(PATIENCE)
        finally:
            self._process.kill()

    def order(self, command: str):
        """One of the commands of tests/kafka/mock_cluster.cpp."""
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline().strip()
        assert answer == "ok", f"{command}: {answer}"

    def topic(self, name: str, partitions: int = 1):
        self.order(f"topic {name} {partitions}")

    def down(self):
        for broker in range(1, self._brokers + 1):
            self.order(f"down {broker}")

    def up(self):
        for broker in range(1, self._brokers + 1):
            self.order(f"up {broker}")

    def freeze(self):
        """The brokers hang: connections stay open, nothing is answered."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self._process.send_signal(signal.SIGCONT)

    def read(self, topic: str) -> list:
        """All that is in the topic, in order within each partition."""
        if not shutil.which("kcat"):
            cannot_run("kcat is not installed")
        command = ["kcat", "-C", "-b", self.servers, "-t", topic, "-o", "beginning", "-e", "-q", "-J"]
        done = subprocess.run(command, capture_output=True, timeout=PATIENCE, check=True)
        return [Message(json.loads(line)) for line in done.stdout.splitlines()]


def sink(cluster, **keys) -> dict:
    """A kafka sink that finds its way back quickly."""
    options = {"reconnect.backoff.max.ms": 500, **keys.pop("kafka", {})}
    return {"type": "kafka", "brokers": cluster.servers.split(","), "topic": "logs", **keys, "kafka": options}
