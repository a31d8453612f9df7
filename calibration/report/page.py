"""One HTML file that needs nothing beside it: no network, no scripts; it prints well."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, field

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff;
       max-width: 60rem; margin: 0 auto; padding: 1rem 1.5rem 4rem; }
h1 { font-size: 1.6rem; margin: 0.5rem 0 0; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 0.4rem; border-bottom: 1px solid #ccc; }
p, ul { margin: 0.5rem 0; }
.note { color: #555; font-size: 0.9rem; }
.verdict { border-left: 0.6rem solid; padding: 0.6rem 1rem; margin: 1rem 0; background: #f6f6f6; }
.verdict .headline { font-size: 1.35rem; font-weight: 600; margin: 0; }
.verdict .grade { margin: 0; color: #444; }
.good { border-color: #00805a; } .usable { border-color: #b87900; } .poor { border-color: #b00000; }
.alarm { margin: 0.7rem 0; } .alarm b { color: #b00000; } .alarm.mild b { color: #8a5a00; }
.alarm .hint { display: block; color: #444; }
img { max-width: 100%; height: auto; display: block; margin: 0.4rem 0; }
figure { margin: 0.8rem 0; } figcaption { color: #444; font-size: 0.9rem; }
.two { display: grid; grid-template-columns: 1fr 1fr; gap: 0.8rem; align-items: start; }
table { border-collapse: collapse; margin: 0.6rem 0; font-size: 0.92rem; }
th, td { text-align: left; padding: 0.15rem 1.1rem 0.15rem 0; vertical-align: top;
         border-bottom: 1px solid #e4e4e4; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.wide { overflow-x: auto; }
summary { cursor: pointer; }
@media (max-width: 40rem) { .two { grid-template-columns: 1fr; } }
@media print {
  body { font-size: 11px; max-width: none; padding: 0; }
  h2 { break-after: avoid; } figure, table, .verdict, .alarm { break-inside: avoid; }
  .verdict { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""


@dataclass
class Page:
    """Collects the parts of a page, in order. All text given is shown as it is.

    Attributes:
        title: of the page.
    """

    title: str
    _parts: list[str] = field(default_factory=list)

    def heading(self, text: str) -> None:
        """Begin a section."""
        self._parts.append(f"<h2>{html.escape(text)}</h2>")

    def text(self, text: str, *, note: bool = False) -> None:
        """One paragraph; a note is smaller."""
        kind = ' class="note"' if note else ""
        self._parts.append(f"<p{kind}>{html.escape(text)}</p>")

    def verdict(self, grade: str, headline: str, lines: Sequence[str]) -> None:
        """What it comes to; ``grade`` is good, usable or poor."""
        items = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
        self._parts.append(
            f'<div class="verdict {grade}"><p class="grade">Verdict: {html.escape(grade)}</p>'
            f'<p class="headline">{html.escape(headline)}</p>'
            f"{f'<ul>{items}</ul>' if items else ''}</div>"
        )

    def alarm(self, message: str, hint: str, *, serious: bool) -> None:
        """Something that is wrong, and what to do."""
        kind, word = ("alarm", "Wrong") if serious else ("alarm mild", "Look at this")
        self._parts.append(
            f'<div class="{kind}"><b>{word}:</b> {html.escape(message)}'
            f'<span class="hint">{html.escape(hint)}</span></div>'
        )

    def figure(self, *pictures: tuple[str, str], caption: str = "") -> None:
        """Pictures side by side.

        Args:
            pictures: data URL of each, and what it shows, for those who cannot see it.
            caption: shown below.
        """
        images = "".join(f'<img src="{url}" alt="{html.escape(words)}">' for url, words in pictures)
        inner = f'<div class="two">{images}</div>' if len(pictures) > 1 else images
        below = f"<figcaption>{html.escape(caption)}</figcaption>" if caption else ""
        self._parts.append(f"<figure>{inner}{below}</figure>")

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]], numbers: int = 0) -> None:
        """A table.

        Args:
            head: titles of the columns; empty for none.
            rows: as many cells each.
            numbers: so many of the last columns are right-aligned.
        """
        width = len(rows[0]) if rows else len(head)

        def row(cells: Sequence[str], tag: str) -> str:
            marks = ["" if at < width - numbers else ' class="n"' for at in range(width)]
            texts = [
                f"<{tag}{mark}>{html.escape(cell)}</{tag}>"
                for mark, cell in zip(marks, cells, strict=True)
            ]
            return f"<tr>{''.join(texts)}</tr>"

        inside = row(head, "th") if head else ""
        inside += "".join(row(cells, "td") for cells in rows)
        self._parts.append(f'<div class="wide"><table>{inside}</table></div>')

    def folded_table(
        self, summary: str, head: Sequence[str], rows: Sequence[Sequence[str]], numbers: int
    ) -> None:
        """A long table that opens with a click; see `table`."""
        self._parts.append(f"<details><summary>{html.escape(summary)}</summary>")
        self.table(head, rows, numbers)
        self._parts.append("</details>")

    def html(self) -> str:
        """The whole file."""
        title = html.escape(self.title)
        return (
            '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{title}</title><style>{_STYLE}</style></head>\n"
            f"<body><h1>{title}</h1>\n" + "\n".join(self._parts) + "\n</body></html>\n"
        )
