"""The comparison as a picture: SVG written by hand, so that nothing but Python is needed; text stays text."""

from html import escape

from compare import LOADS, PROGRAMS, Figure, caption, figures
from table import median

WIDTH, MARGIN = 860, 28
LABEL, BAR = 168, 420          # where bars begin, and the longest of them
LINE, BAR_HEIGHT = 20, 13
CLASSES = {"penstock": "own", "rsyslog": "first", "syslog-ng": "second", "bare loop": "floor"}

# A ground of its own, so that it reads on a page of any colour; dark where the reader's system is.
STYLE = """
  .ground { fill: #ffffff; stroke: #d0d7de } text { fill: #1f2328; font: 13px sans-serif }
  .title { font-size: 17px; font-weight: bold } .head { font-weight: bold } .small { font-size: 11px; fill: #59636e }
  .own { fill: #0969da } .first { fill: #bc4c00 } .second { fill: #8250df } .floor { fill: #8c959f } .bad { fill: #cf222e }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117; stroke: #3d444d } text { fill: #f0f6fc } .small { fill: #9198a1 }
    .own { fill: #4493f8 } .first { fill: #db6d28 } .second { fill: #ab7df8 } .floor { fill: #656c76 } .bad { fill: #f85149 }
  }
"""


class Page:
    """Elements from top to bottom; `y` is where the next one stands."""

    def __init__(self):
        self.y = MARGIN
        self._elements = []

    def text(self, x: float, content: str, kind: str = "", anchor: str = "start"):
        self._elements.append(f'<text x="{x:g}" y="{self.y:g}" class="{kind}" text-anchor="{anchor}">{escape(content)}</text>')

    def bar(self, x: float, width: float, kind: str):
        self._elements.append(f'<rect x="{x:g}" y="{self.y - BAR_HEIGHT + 2:g}" width="{max(width, 1):.1f}" '
                              f'height="{BAR_HEIGHT}" rx="2" class="{kind}"/>')

    def svg(self, title: str) -> str:
        height = self.y + MARGIN - LINE
        return "\n".join([
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" width="{WIDTH}" height="{height:g}" '
            f'role="img" aria-label="{escape(title)}">',
            f"<title>{escape(title)}</title>", f"<style>{STYLE}</style>",
            f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1:g}" rx="8" class="ground"/>',
            *self._elements, "</svg>", ""])


def draw(result: dict) -> str:
    page = Page()
    title = "Penstock beside rsyslog, syslog-ng and a bare loop"
    page.y += 6
    page.text(MARGIN, title, "title")
    page.y += 24
    page.text(MARGIN, "Processor time a record, in microseconds (less is better); records a second; records lost", "small")
    page.y += LINE
    rows = figures(result)
    longest = max((row.cpu_us for row in rows), default=1)
    for load in LOADS:
        of_load = [row for row in rows if row.load is load]
        if of_load:
            _load(page, load.title, of_load, longest)
    _stop(page, result["stop"])
    _foot(page, result)
    return page.svg(title)


def _load(page: Page, title: str, rows: list[Figure], longest: float):
    page.y += 8
    page.text(MARGIN, title, "head")
    page.y += LINE
    for program in PROGRAMS:
        row = next((row for row in rows if row.program == program), None)
        page.text(LABEL - 10, program, anchor="end")
        if row is None:
            page.text(LABEL, "does not take this load", "small")
        else:
            width = BAR * row.cpu_us / longest
            page.bar(LABEL, width, CLASSES[program])
            page.text(LABEL + width + 8, _words(row), "bad" if row.missed else "")
        page.y += LINE


def _words(row: Figure) -> str:
    ratio = "" if row.program == "penstock" else f" ({row.cpu_ratio:.1f} x)"
    lost = f", {100 * row.lost / row.sent:.1f} % lost" if row.lost else ""
    mark = f" - MISSED: {row.missed}" if row.missed else ""
    return f"{row.cpu_us:.2f} us{ratio}, {row.rate / 1e6:.2f} M/s{lost}{mark}".replace(" us", " µs")


def _stop(page: Page, stops: dict):
    stops = {program: runs for program, runs in stops.items() if runs}
    if not stops:
        return
    page.y += 12
    page.text(MARGIN, "A stop (SIGTERM) while 16 tcp connections send all they can", "head")
    page.y += LINE
    columns = (LABEL, 330, 520, 690)
    for x, head in zip(columns, ("connections reset", "records acknowledged", "of them lost", "ended after")):
        page.text(x, head, "small")
    page.y += LINE
    for program, runs in stops.items():
        of = {key: median([run[key] for run in runs]) for key in runs[0]}
        page.text(LABEL - 10, program, anchor="end")
        bad = [of["reset"] > 0, False, of["lost"] > 0, False]
        cells = (f"{of['reset']:.0f} of {of['connections']:.0f}", f"{of['acknowledged']:,.0f}", f"{of['lost']:,.0f}",
                 f"{of['seconds']:.2f} s")
        for x, cell, red in zip(columns, cells, bad):
            page.text(x, cell, "bad" if red else "")
        page.y += LINE


def _foot(page: Page, result: dict):
    page.y += 8
    for line in caption(result).split("; "):
        page.text(MARGIN, line, "small")
        page.y += 15
    page.text(MARGIN, "bare loop: recv and write without any protocol; whole lines for streams, whole datagrams else", "small")
    page.y += LINE
