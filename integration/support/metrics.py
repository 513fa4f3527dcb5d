"""Events of metric protocols as a sink with `encoding = "json"` shows them."""

import json

JSON = {"encoding": "json"}
HEAD = ("time", "listener", "url", "peer", "flags")


def events(server, count: int) -> list:
    """Exactly `count` events without what every record has, once they are there."""
    lines = server.wait_records(count)
    assert len(lines) == count, f"{len(lines)} records, not {count}"
    return [{key: value for key, value in json.loads(line).items() if key not in HEAD} for line in lines]


def flags(server) -> list:
    return [json.loads(line)["flags"] for line in server.records()]


def by_name(found: list, key: str = "name") -> dict:
    """The events by their name, each there once."""
    names = {event[key]: event for event in found}
    assert len(names) == len(found), "a record came twice"
    return names
