"""The comparison as Markdown, as JSON and as one HTML page with its pictures inside."""

from __future__ import annotations

import base64
import html
import io
import json
from collections.abc import Sequence
from pathlib import Path

from evals.compare import Comparison, ScoreChange

MAX_CASES = 40


def as_markdown(found: Comparison, failed: Sequence[str], *, names: tuple[str, str]) -> str:
    """Tables that a pull request shows."""
    lines = [f"# {_cell(names[0])} -> {_cell(names[1])}", ""]
    lines += [f"**Refused:** {_cell(reason)}" for reason in failed] or ["**Passed.**"]
    lines += ["", "| score | before | after | difference (95 %) | McNemar p | fell | rose |",
              "|---|---|---|---|---|---|---|"]
    lines += [_line(s) for s in found.scores]
    if found.costs:
        lines += ["", "| cost | before | after | difference (95 %) |", "|---|---|---|---|"]
        lines += [f"| {s.name} | {s.a:.3g} | {s.b:.3g} | {s.difference.mean:+.3g} [{s.difference.low:+.3g}, "
                  f"{s.difference.high:+.3g}] |" for s in found.costs]
    fell = [s for s in found.scores if s.fell]
    if fell:
        lines += ["", "## Cases that fell", ""]
        lines += [f"- {s.name}: {', '.join(_cell(c) for c in s.fell[:MAX_CASES])}" for s in fell]
        lines += ["", *(f"- `{_cell(case)}`: {_cell(why)}" for case, why in sorted(found.reasons.items())[:MAX_CASES])]
    return "\n".join(lines) + "\n"


def _line(s: ScoreChange) -> str:
    d = s.difference
    return (f"| {_cell(s.name)} | {s.a:.3f} | {s.b:.3f} | {d.mean:+.3f} [{d.low:+.3f}, {d.high:+.3f}] | {s.p:.3g} | "
            f"{len(s.fell)} | {len(s.rose)} |")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("`", "'")


def write_report(found: Comparison, failed: Sequence[str], out: Path, *, names: tuple[str, str]) -> None:
    """report.md, report.json, report.html, and the pictures beside them."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "report.md").write_text(as_markdown(found, failed, names=names), encoding="utf-8")
    (out / "report.json").write_text(json.dumps(found.as_dict() | {"failed": list(failed)}, ensure_ascii=False,
                                                indent=1), encoding="utf-8")
    pictures = {"scores.png": differences_picture(found), "families.png": families_picture(found)}
    for name, data in pictures.items():
        (out / name).write_bytes(data)
    (out / "report.html").write_text(_page(found, failed, pictures, names), encoding="utf-8")


def differences_picture(found: Comparison) -> bytes:
    """Each score's difference with its interval, as PNG."""
    rows = [(s.name, s.difference.mean, s.difference.low, s.difference.high) for s in found.scores]
    return _intervals(rows, "difference of the mean, 95 % interval over recordings")


def families_picture(found: Comparison) -> bytes:
    """The same for the cause, by family. A family of one recording has no interval to show."""
    rows = [(name, d.mean, max(d.low, -1.0), min(d.high, 1.0)) for name, d in found.families.items()]
    return _intervals(rows, "difference in right causes by family")


def _intervals(rows: Sequence[tuple[str, float, float, float]], title: str) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 0.6 + 0.32 * max(1, len(rows))), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for y, (_, mean, low, high) in enumerate(rows):
        colour = "#b3261e" if high < 0 else "#1b7f4b" if low > 0 else "#5f6368"
        axes.plot([low, high], [y, y], color=colour, linewidth=2)
        axes.plot([mean], [y], "o", color=colour)
    axes.axvline(0, color="#9aa0a6", linewidth=1)
    axes.set_yticks(range(len(rows)), [r[0] for r in rows])
    axes.invert_yaxis()
    axes.set_title(title, fontsize=10)
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=110)
    return out.getvalue()


def _page(found: Comparison, failed: Sequence[str], pictures: dict[str, bytes], names: tuple[str, str]) -> str:
    images = "".join(f'<img alt="{name}" src="data:image/png;base64,{base64.b64encode(data).decode()}">'
                     for name, data in pictures.items())
    rows = "".join(
        f"<tr><td>{html.escape(s.name)}</td><td>{s.a:.3f}</td><td>{s.b:.3f}</td><td>{s.difference.mean:+.3f} "
        f"[{s.difference.low:+.3f}, {s.difference.high:+.3f}]</td><td>{s.p:.3g}</td>"
        f"<td>{html.escape(', '.join(s.fell[:MAX_CASES]))}</td>"
        f"<td>{html.escape(', '.join(s.rose[:MAX_CASES]))}</td></tr>"
        for s in found.scores)
    verdict = "".join(f"<p class=bad>Refused: {html.escape(f)}</p>" for f in failed) or "<p class=good>Passed.</p>"
    style = ("body{font:15px system-ui;margin:2rem auto;max-width:70rem}td,th{padding:.2rem .6rem;text-align:left;"
             "border-bottom:1px solid #ddd}.bad{color:#b3261e}.good{color:#1b7f4b}img{max-width:100%}")
    return (f"<!doctype html><meta charset=utf-8><title>comparison</title><style>{style}</style>"
            f"<h1>{html.escape(names[0])} to {html.escape(names[1])}</h1>{verdict}<table><tr><th>score<th>before"
            f"<th>after<th>difference<th>McNemar p<th>fell<th>rose</tr>{rows}</table>{images}")
