"""Small terminal charts of a telling series: one line of blocks per chart, with its range and marks."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from agent.prose import clock
from tools.evidence import Chart

BLOCKS = "▁▂▃▄▅▆▇█"
GAP = "·"


def spark(values: Sequence[float | None], width: int) -> str:
    """`width` blocks; each is the mean of the values it covers, scaled between minimum and maximum. A gap is a dot."""
    cells = [_mean(values[i * len(values) // width : max(i * len(values) // width + 1, (i + 1) * len(values) // width)])
             for i in range(min(width, len(values)))]
    known = [c for c in cells if c is not None]
    if not known:
        return GAP * len(cells)
    low, span = min(known), (max(known) - min(known)) or 1.0
    return "".join(GAP if c is None else BLOCKS[min(7, int((c - low) / span * 8))] for c in cells)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return sum(known) / len(known) if known else None


def chart_line(chart: Chart, *, width: int = 48) -> Text:
    """Title, blocks, range and a line under them that marks moments."""
    known = [v for v in chart.values if v is not None]
    text = Text()
    text.append(f"{chart.title}\n", style="bold")
    text.append(f"  {spark(chart.values, width)}", style="cyan")
    if known:
        text.append(f"  {min(known):.3g} … {max(known):.3g} {chart.unit}", style="dim")
    if chart.ms:
        text.append(f"\n  {_mark_row(chart, min(width, len(chart.values)))}", style="yellow")
        text.append(f"\n  {clock(chart.ms[0])}{' ' * max(1, min(width, len(chart.ms)) - 16)}{clock(chart.ms[-1])} UTC",
                    style="dim")
    return text


def _mark_row(chart: Chart, width: int) -> str:
    row = [" "] * width
    start, span = chart.ms[0], max(1, chart.ms[-1] - chart.ms[0])
    label = ""
    for ms, name in chart.marks:
        place = (ms - start) * (width - 1) // span
        if 0 <= place < width:
            row[place] = "▲"
            label = f" {name} {clock(ms)}"
    return "".join(row) + label
