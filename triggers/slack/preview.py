"""What a message looks like on a phone, as a PNG: enough of Block Kit to judge a card without Slack.

Drawn with Pillow, which comes with matplotlib; imported when the first picture is drawn.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from triggers.slack.blocks import Block

WIDTH, MARGIN, SIZE, SMALL, TITLE = 860, 28, 25, 20, 30
INK, GREY, PAPER, CODE, LINK = "#1d1c1d", "#616061", "#ffffff", "#f1eff0", "#1264a3"
DOTS = {"🔴": "#e01e5a", "🟠": "#ee8a1d", "🔵": "#1d6fb8", "✅": "#2eb67d"}
BUTTONS = {"primary": "#007a5a", "danger": "#e01e5a"}
_TOKENS = re.compile(r"```(?P<fence>.*?)```|`(?P<code>[^`]*)`|\*(?P<bold>[^*\n]+)\*|(?<!\w)_(?P<soft>[^_\n<]+)_(?!\w)"
                     r"|<!date\^\d+\^[^|]*\|(?P<date>[^>]*)>|<@(?P<who>[^>]*)>|<[^|>]*\|(?P<link>[^>]*)>", re.DOTALL)
_WORDS = re.compile(r"\s+|[^\s]+")


@dataclass(frozen=True)
class Run:
    """A piece of text in one style: plain, bold, code, link."""

    text: str
    style: str = "plain"


def runs(text: str) -> Iterator[Run]:
    """mrkdwn in pieces; a date shows its fallback, as clients do that cannot show it."""
    at = 0
    for found in _TOKENS.finditer(text):
        yield Run(_shown(text[at:found.start()]))
        kind = str(found.lastgroup)
        style = {"fence": "code", "code": "code", "bold": "bold", "link": "link", "who": "link"}.get(kind, "plain")
        yield Run(("@" if kind == "who" else "") + _shown(found.group(kind)), style)
        at = found.end()
    yield Run(_shown(text[at:]))


def _shown(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


@dataclass
class Page:
    """A growing list of things to draw: (kind, x, y, what, colour, size, bold)."""

    fonts: Any
    y: float = MARGIN
    marks: list[tuple[Any, ...]] = field(default_factory=list)

    def text(self, text: str, *, size: int = SIZE, colour: str = INK, bold: bool = False, indent: int = 0) -> None:
        """Wrapped at the page's width; styles within the line."""
        for line in text.split("\n"):
            self._line(line, size, colour, bold, MARGIN + indent)

    def _line(self, line: str, size: int, colour: str, bold: bool, left: int) -> None:
        x = float(left)
        for run in runs(line):
            heavy = bold or run.style == "bold"
            for word in _WORDS.findall(run.text):
                for piece in self._fitting(word, size, heavy, WIDTH - MARGIN - left):
                    width = self.fonts.width(piece, size, heavy)
                    if x + width > WIDTH - MARGIN and x > left:
                        x, self.y = float(left), self.y + size * 1.45
                    if x == left and piece.isspace():
                        continue
                    ink = LINK if run.style == "link" else colour
                    if run.style == "code":
                        self.marks.append(("box", x, self.y, width, CODE, size))
                    self.marks.append(("text", x, self.y, piece, ink, size, heavy))
                    x += width
        self.y += size * 1.45

    def _fitting(self, word: str, size: int, bold: bool, room: float) -> Iterator[str]:
        """A word longer than a line is cut into pieces."""
        while word and self.fonts.width(word, size, bold) > room:
            cut = max(1, int(len(word) * room / self.fonts.width(word, size, bold)) - 1)
            yield word[:cut]
            word = word[cut:]
        yield word


class Fonts:
    """A regular and a bold file; loaded once a size."""

    def __init__(self, regular: Path, bold: Path | None = None) -> None:
        self._files = (regular, bold or regular)
        self._loaded: dict[tuple[int, bool], Any] = {}

    def of(self, size: int, bold: bool) -> Any:
        from PIL import ImageFont

        if (size, bold) not in self._loaded:
            self._loaded[size, bold] = ImageFont.truetype(str(self._files[bold]), size)
        return self._loaded[size, bold]

    def width(self, text: str, size: int, bold: bool) -> float:
        return float(self.of(size, bold).getlength(text))


def draw_message(blocks: Sequence[Block], fonts: Fonts, *, picture: bytes | None = None) -> bytes:
    """The blocks from top to bottom, then the picture."""
    from PIL import Image, ImageDraw

    page = Page(fonts)
    for block in blocks:
        _block(page, block)
    chart: Image.Image | None = None
    if picture:
        opened = Image.open(io.BytesIO(picture))
        chart = opened.resize((WIDTH - 2 * MARGIN, round(opened.height * (WIDTH - 2 * MARGIN) / opened.width)))
    height = int(page.y) + MARGIN + (chart.height + MARGIN if chart is not None else 0)
    sheet = Image.new("RGB", (WIDTH, height), PAPER)
    pen = ImageDraw.Draw(sheet)
    for mark in page.marks:
        _ink(pen, mark, fonts)
    if chart is not None:
        sheet.paste(chart, (MARGIN, int(page.y) + MARGIN // 2))
    out = io.BytesIO()
    sheet.quantize(200).save(out, format="PNG", optimize=True)
    return out.getvalue()


def _block(page: Page, block: Block) -> None:
    kind = block["type"]
    if kind == "header":
        _header(page, str(block["text"]["text"]))
    elif kind == "section":
        page.text(str(block["text"]["text"]))
    elif kind == "context":
        for element in block["elements"]:
            page.text(str(element["text"]), size=SMALL, colour=GREY)
    elif kind == "actions":
        _buttons(page, block["elements"])
    elif kind == "divider":
        page.marks.append(("box", MARGIN, page.y + 8, WIDTH - 2 * MARGIN, "#dddddd", 1))
    page.y += 12


def _header(page: Page, text: str) -> None:
    colour = DOTS.get(text[:1])
    if colour:
        page.marks.append(("dot", MARGIN, page.y + 6, 22, colour))
    page.text(text[1:].strip() if colour else text, size=TITLE, bold=True, indent=34 if colour else 0)


def _buttons(page: Page, elements: Sequence[Block]) -> None:
    x = float(MARGIN)
    for element in elements:
        label, colour = str(element["text"]["text"]), BUTTONS.get(element.get("style", ""), INK)
        width = page.fonts.width(label, SMALL, True) + 32
        if x + width > WIDTH - MARGIN:
            x, page.y = float(MARGIN), page.y + 48
        page.marks += [("frame", x, page.y, width, colour), ("text", x + 16, page.y + 9, label, colour, SMALL, True)]
        x += width + 12
    page.y += 44


def _ink(pen: Any, mark: tuple[Any, ...], fonts: Fonts) -> None:
    kind, x, y = mark[:3]
    if kind == "text":
        pen.text((x, y), mark[3], fill=mark[4], font=fonts.of(mark[5], mark[6]))
    elif kind == "box":
        pen.rectangle((x, y - 1, x + mark[3], y + mark[5] * 1.25), fill=mark[4])
    elif kind == "dot":
        pen.ellipse((x, y, x + mark[3], y + mark[3]), fill=mark[4])
    else:
        pen.rounded_rectangle((x, y, x + mark[3], y + 40), radius=8, outline=mark[4], width=2)
