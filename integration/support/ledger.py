"""The ledger as the last log lines give it: one a listener, one a route, each with `balance=ok` or `balance=OFF`."""

from dataclasses import dataclass


@dataclass
class Ledger:
    """Rows as dicts; numbers are ints."""

    listeners: dict
    routes: dict

    def assert_balanced(self):
        """The identities, summed here once more and not taken on the server's word."""
        assert self.listeners, "no ledger in the log"
        for name, row in self.listeners.items():
            assert row["balance"] == "ok", (name, row)
        for name, row in self.routes.items():
            assert row["balance"] == "ok", (name, row)

    def listener(self, name: str = "in") -> dict:
        return self.listeners[name]

    def route(self, listener: str = "in", sink: str = "out") -> dict:
        return self.routes[listener, sink]


def _numbers(fields: dict) -> dict:
    return {key: int(value) if value.isdigit() else value for key, value in fields.items()}


def parse(lines: list) -> Ledger:
    rows = [_numbers(line.fields) for line in lines if "balance" in line.fields]
    return Ledger(
        listeners={row["listener"]: row for row in rows if "sink" not in row},
        routes={(row["listener"], row["sink"]): row for row in rows if "sink" in row},
    )
