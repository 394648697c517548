"""A picture of the telling series: incident window shaded, what was usual before, changes marked. Read on a phone.

matplotlib is imported when the first picture is drawn. Its own font has no Hangul: Korean labels are used only where
a font with them is installed.
"""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog

from agent.diagnosis import Diagnosis
from tools.evidence import Chart, parse_iso
from triggers.slack.phrases import say
from triggers.slack.text import plain

HANGUL_FONTS = ("NanumGothic", "Noto Sans CJK KR", "Noto Sans KR", "NanumBarunGothic", "UnDotum", "Malgun Gothic",
                "Apple SD Gothic Neo", "Baekmuk Gulim")
MOST_MARKS = 4
_drawing = threading.Lock()  # matplotlib's caches are not for several threads
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Picture:
    title: str
    png: bytes


@dataclass(frozen=True)
class Scene:
    """One series with what happened around it. Times are Unix ms; `usual` are the low and high of before the onset."""

    chart: Chart
    onset_ms: int | None
    end_ms: int
    changes: tuple[tuple[int, str], ...] = ()
    usual: tuple[float, float] | None = None


class Pictures:
    """`evidence_of` reads a run's evidence with charts, as the ledger does."""

    def __init__(self, evidence_of: Callable[[str], Sequence[Mapping[str, Any]]]) -> None:
        self._evidence_of = evidence_of

    async def telling(self, found: Diagnosis, lang: str) -> Picture | None:
        """The series the first claims stand on; None where nothing was charted or drawing fails."""
        evidence = await asyncio.to_thread(self._evidence_of, found.run)
        scene = scene_of(found, evidence)
        if scene is None:
            return None
        try:
            return await asyncio.to_thread(draw, scene, lang)
        except (ImportError, ValueError, RuntimeError, OSError) as error:
            _log.warning("no picture", run=found.run, reason=f"{type(error).__name__}: {error}")
            return None


def scene_of(found: Diagnosis, evidence: Sequence[Mapping[str, Any]]) -> Scene | None:
    """The chart of the evidence that the claims cite first, with the changes that evidence tells of."""
    cited = [i for c in found.claims for i in c.evidence]
    charted = [(cited.index(e["id"]), n, c) for e in evidence if e["id"] in cited
               for n, c in enumerate(e.get("charts") or ()) if len(c["ms"]) >= 3]
    if not charted:
        return None
    _, _, raw = min(charted, key=lambda found: found[:2])
    chart = Chart(raw["title"], raw["unit"], tuple(raw["ms"]), tuple(raw["values"]),
                  tuple((int(at), str(what)) for at, what in raw.get("marks", ())))
    onset = parse_iso(found.onset) if found.onset else next((at for at, _ in chart.marks), None)
    return Scene(chart, onset, parse_iso(found.asked_at), _changes(evidence, chart), _usual(chart, onset))


def _changes(evidence: Sequence[Mapping[str, Any]], chart: Chart) -> tuple[tuple[int, str], ...]:
    found = {(int(f["since_ms"]), str(f.get("detail", ""))) for e in evidence for f in e.get("findings", ())
             if f.get("kind") == "change_in_window" and f.get("since_ms")}
    return tuple(sorted(c for c in found if chart.ms[0] <= c[0] <= chart.ms[-1])[-MOST_MARKS:])


def _usual(chart: Chart, onset: int | None) -> tuple[float, float] | None:
    """Tenth and ninetieth percentile of what was measured before the onset; None from fewer than four values."""
    before = sorted(v for at, v in zip(chart.ms, chart.values, strict=True)
                    if v is not None and onset is not None and at < onset)
    if len(before) < 4:
        return None
    return before[len(before) // 10], before[len(before) - 1 - len(before) // 10]


def draw(scene: Scene, lang: str) -> Picture:
    """720 x 480 points at 2x. Raises ValueError or RuntimeError from matplotlib for what it cannot draw."""
    from matplotlib import dates, rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with _drawing:
        font = _hangul_font()
        lang = lang if font or lang != "ko" else "en"
        with rc_context({"font.family": [font, "DejaVu Sans"] if font else ["DejaVu Sans"], "font.size": 13,
                         "axes.unicode_minus": False, "text.parse_math": False}):
            figure = Figure(figsize=(7.2, 4.8), dpi=200, layout="constrained")
            FigureCanvasAgg(figure)
            axes = figure.add_subplot()
            title = plain(scene.chart.title if font else _printable(scene.chart.title), 60)
            _series(axes, scene, lang)
            _happenings(axes, scene, bool(font))
            axes.set_title(title, fontsize=16, loc="left", fontweight="bold")
            axes.set_ylabel(plain(scene.chart.unit, 24))
            axes.xaxis.set_major_formatter(dates.DateFormatter("%H:%M", tz=UTC))  # type: ignore[no-untyped-call]
            axes.xaxis.set_major_locator(dates.AutoDateLocator(maxticks=6))  # type: ignore[no-untyped-call]
            axes.set_xlabel("UTC")
            axes.grid(alpha=0.25)
            axes.spines[["top", "right"]].set_visible(False)
            if axes.get_legend_handles_labels()[0]:
                figure.legend(loc="outside lower right", ncols=2, fontsize=11, frameon=False)
            out = io.BytesIO()
            figure.savefig(out, format="png", metadata={"Software": None})
    return Picture(title, out.getvalue())


def _series(axes: Any, scene: Scene, lang: str) -> None:
    """The line, what was usual behind it, and the incident's window."""
    values = [float("nan") if v is None else v for v in scene.chart.values]
    times = [_at(ms) for ms in scene.chart.ms]
    known = [v for v in scene.chart.values if v is not None]
    if scene.usual is not None and known:
        low, high = scene.usual
        thin = max(0.0, (max(known) - min(known)) * 0.02 - (high - low)) / 2  # a level is shown as a band too
        axes.axhspan(low - thin, high + thin, color="#2a9d8f", alpha=0.3, lw=0, label=say("picture.baseline", lang))
    if scene.onset_ms is not None:
        end = max(scene.end_ms, scene.chart.ms[-1])
        axes.axvspan(_at(scene.onset_ms), _at(end), color="#e76f51", alpha=0.18, lw=0,
                     label=say("picture.window", lang))
    axes.plot(times, values, color="#1d3557", lw=2.4)
    axes.margins(x=0.01, y=0.18)
    if known and min(known) >= 0:
        axes.set_ylim(bottom=-0.03 * max(known))


def _happenings(axes: Any, scene: Scene, has_font: bool) -> None:
    """Dashed lines with what changed written along them, two heights in turn."""
    middle = (scene.chart.ms[0] + scene.chart.ms[-1]) / 2
    for n, (at, what) in enumerate(scene.changes):
        axes.axvline(_at(at), color="#6a4c93", lw=1.4, ls="--")
        label = plain(what if has_font else _printable(what), 28)
        side, shift = ("left", 4) if at < middle else ("right", -4)
        axes.annotate(label, (_at(at), 1 - 0.08 * n), xycoords=("data", "axes fraction"), xytext=(shift, -4),
                      textcoords="offset points", fontsize=11, color="#6a4c93", va="top", ha=side)


def _at(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def use_font(path: Path) -> None:
    """A font file that is not installed, for pictures of this process."""
    from matplotlib import font_manager

    font_manager.fontManager.addfont(str(path))


def _hangul_font() -> str:
    from matplotlib import font_manager

    installed = {f.name for f in font_manager.fontManager.ttflist}
    return next((name for name in HANGUL_FONTS if name in installed), "")


def _printable(text: str) -> str:
    """What the built-in font can show: boxes would say nothing."""
    return " ".join("".join(c if ord(c) < 0x250 else " " for c in text).split())
