"""The ledger as the last log lines give it: one a listener, one a route, each with `balance=ok` or `balance=OFF`."""

from dataclasses import dataclass


@dataclass
class Ledger:
    """Rows as dicts: numbers are ints, lists by reason such as `tail_fin:3,oversize:1` are dicts."""

    listeners: dict
    routes: dict

    def assert_balanced(self):
        """The identities, summed here once more and not taken on the server's word."""
        assert self.listeners, "no ledger in the log"
        for name, row in self.listeners.items():
            assert row["balance"] == "ok", (name, row)
            assert row["read_bytes"] + row["decompressed_bytes"] == (
                row["compressed_bytes"] + row["in_frames_bytes"] + row["framing_bytes"] + row["cut_bytes"]
                + sum(row["discarded_bytes"].values()) + row["partial_held_bytes"]), row
            assert row["frames"] == (row["decoded"] + row["aggregated"] + row["empty"]
                                     + sum(row["rejected"].values())), row
            assert row["events"] == row["decoded"] + row["flushed"], row
            assert row["accepted"] == row["active"] + sum(row["ended"].values()), row
        for name, row in self.routes.items():
            assert row["balance"] == "ok", (name, row)
            assert row["events"] + row["recovered"] == row["delivered"] + row["queued"] + sum(row["lost"].values()), row
            listener = self.listeners.get(row["listener"], {"events": 0})  # a queue on disk may hold those of one that is gone
            assert row["events"] == listener["events"], (name, row)

    def listener(self, name: str = "in") -> dict:
        return self.listeners[name]

    def route(self, listener: str = "in", sink: str = "out") -> dict:
        return self.routes[listener, sink]


_LISTS = ("discarded_bytes", "rejected", "ended", "lost")


def _value(key: str, text: str):
    if key in _LISTS:
        return {} if text == "0" else {name: int(n) for name, n in (part.split(":") for part in text.split(","))}
    return int(text) if text.isdigit() else text


def parse(lines: list) -> Ledger:
    rows = [{key: _value(key, text) for key, text in line.fields.items()} for line in lines if "balance" in line.fields]
    return Ledger(
        listeners={row["listener"]: row for row in rows if "sink" not in row},
        routes={(row["listener"], row["sink"]): row for row in rows if "sink" in row},
    )
