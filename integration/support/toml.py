"""Config files from Python values: what the tests need of TOML and no more."""

import json


def _value(value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, str):
        return json.dumps(value)  # a TOML basic string escapes the same way
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(v) for v in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {_value(v)}" for k, v in value.items()) + " }"
    raise TypeError(f"no TOML for {value!r}")


def _table(header: str, keys: dict) -> str:
    return "\n".join([header, *(f"{k} = {_value(v)}" for k, v in keys.items())]) + "\n"


def render(server: dict, listeners: list, sinks: list, quarantine: dict, admin: dict) -> str:
    """The text of a penstock.toml."""
    tables = [_table("[server]", server)]
    tables += [_table("[[listener]]", listener) for listener in listeners]
    tables += [_table("[[sink]]", sink) for sink in sinks]
    tables += [_table("[quarantine]", quarantine), _table("[admin]", admin)]
    return "\n".join(tables)
