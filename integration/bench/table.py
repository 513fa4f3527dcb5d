"""The one table that the bench prints."""

from dataclasses import dataclass, field


@dataclass
class Row:
    """A requirement and what was measured. `met` is None where there is nothing to compare."""

    what: str
    required: str
    measured: str
    met: bool | None
    detail: str = ""


@dataclass
class Table:
    rows: list[Row] = field(default_factory=list)

    def add(self, row: Row):
        self.rows.append(row)
        print(f"  {row.what}: {row.measured} {row.detail}".rstrip(), flush=True)

    def text(self) -> str:
        marks = {True: "yes", False: "NO", None: "-"}
        cells = [["what", "required", "measured", "met", "detail"]]
        cells += [[r.what, r.required, r.measured, marks[r.met], r.detail] for r in self.rows]
        return aligned(cells)


def aligned(cells: list[list[str]]) -> str:
    """Columns side by side, a line below the first row."""
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in cells]
    lines.insert(1, "-" * max(map(len, lines)))
    return "\n".join(lines)


def median(values) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def spread(values) -> str:
    return f"[{min(values):.2f}-{max(values):.2f}]"
