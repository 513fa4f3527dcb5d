"""The server's own log, as text (`time level message key=value ...`), read back."""

import re
from dataclasses import dataclass, field

_LINE = re.compile(r"^(?P<time>\S+) +(?P<level>debug|info|warn|error) +(?P<rest>.*)$")
_FIELD = re.compile(r'(?:^| )([A-Za-z_][\w.]*)=("(?:[^"\\]|\\.)*"|\S*)')
_TROUBLE = ("penstock: bug:", "Sanitizer", "runtime error:", "terminate called")


@dataclass
class LogLine:
    """One line: `message` is what stands before the first key=value."""

    text: str
    level: str = ""
    message: str = ""
    fields: dict = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "LogLine":
        matched = _LINE.match(text)
        if not matched:
            return cls(text)
        rest = matched["rest"]
        fields = {key: value[1:-1] if value.startswith('"') else value for key, value in _FIELD.findall(rest)}
        first = _FIELD.search(rest)
        return cls(text, matched["level"], (rest[: first.start()] if first else rest).strip(), fields)


def troubles(lines: list) -> list:
    """Lines by which a sanitizer, an abort or the C++ runtime says that the program has a bug."""
    return [line for line in lines if any(mark in line.text for mark in _TROUBLE)]
