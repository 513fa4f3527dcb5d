"""Packets that nftables drops in this test's network: partitions and loss."""

import subprocess

from .settings import cannot_run

THIRTY_PERCENT = "numgen random mod 10 < 3"


class Filter:
    """`with Filter(rule, ...)`: what a rule matches is dropped on its way out."""

    def __init__(self, *rules: str):
        if subprocess.run(["nft", "list", "ruleset"], capture_output=True).returncode != 0:
            cannot_run("nft does not work here")
        self._rules = rules

    def __enter__(self):
        chain = "add table inet lose; add chain inet lose out { type filter hook output priority 0; }; "
        subprocess.run(["nft", chain + "; ".join(f"add rule inet lose out {rule} drop" for rule in self._rules)], check=True)
        return self

    def __exit__(self, *_):
        self.lift()

    def lift(self):
        subprocess.run(["nft", "delete table inet lose"], check=False, capture_output=True)


def of_port(port: int, condition: str = "") -> list:
    """Both ways of a tcp port."""
    return [f"tcp {end} {port} {condition}" for end in ("dport", "sport")]
