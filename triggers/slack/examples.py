"""Rendered examples: what five recorded incidents look like in Slack, in both languages.

    python -m triggers.slack.examples                     blocks and pictures again from the kept diagnoses
    python -m triggers.slack.examples --investigate       investigate the cases again first
    python -m triggers.slack.examples --font NanumGothic.ttf --bold NanumGothicBold.ttf      needed for Korean pictures
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from agent.assemble import assemble
from agent.diagnosis import Diagnosis
from agent.incident import Incident
from agent.prose import LANGUAGES
from config.slack_settings import Links
from evals.case import load_case
from tools.evidence import Chart, Evidence
from tools.recorded.world import open_world
from triggers.links import EvidenceLinks
from triggers.slack.card import card
from triggers.slack.details import details
from triggers.slack.pictures import Scene, draw, scene_of, use_font
from triggers.slack.preview import Fonts, draw_message
from triggers.slack.story import Story

CASES = ("f01-a", "f03-a", "f09-b", "f17-b", "f22-a")
HOMES = ("evals/cases", "evals/development")
EXAMPLES = Path("docs/slack/examples")
KEPT = EXAMPLES / "diagnoses"
LINKS = EvidenceLinks(Links(prometheus="https://prometheus.example/graph?g0.expr={query}&g0.end_input={to}",
                            loki="https://grafana.example/explore?containers={containers}&from={from_ms}&to={to_ms}"))


async def investigated(folder: Path, lang: str) -> dict[str, Any]:
    """The diagnosis of a recorded case and its incident, as JSON."""
    case, kept = load_case(folder), list[Evidence]()
    first = min(case.signals, key=lambda s: (s.severity.rank, s.starts_ms))
    incident = Incident(id=f"inc-{case.id}", fingerprint=first.fingerprint, signals=case.signals,
                        severity=first.severity, opened_ms=case.now_ms)
    found = await assemble(open_world(folder), lang=lang, keep=lambda _run, batch: kept.extend(batch)).investigate(
        incident, run_id=f"run-{case.id}", asked_at_ms=case.now_ms)
    shown = {"id": incident.id, "title": first.title, "state": "done", "severity": first.severity.value,
             "onset_ms": incident.starts_ms, "resolved_ms": None, "linked_to": None, "error": None}
    return {"incident": shown, "signals": len(case.signals), "diagnosis": _shortened(found),
            "scene": _scene(found, [_charted(e) for e in kept])}


def _shortened(found: Diagnosis) -> dict[str, Any]:
    """What a card shows of it: of findings the names, of queries the first; and no time that differs by machine."""
    body = found.model_dump(mode="json")
    body["usage"]["seconds"] = 2.0
    for e in body["evidence"]:
        e["findings"] = [{"subject": {"container": n}} for n in dict.fromkeys(
            f["subject"].get("container", "") for f in e["findings"]) if n]
        e["query"] = {"queries": list((e["query"].get("queries") or [])[:1])}
    return body


def _charted(e: Evidence) -> dict[str, Any]:
    charts = [{"title": c.title, "unit": c.unit, "ms": list(c.ms), "values": list(c.values),
               "marks": [list(m) for m in c.marks]} for c in e.charts]
    return {"id": e.id, "findings": [f.as_dict() for f in e.findings], "charts": charts}


def _scene(found: Diagnosis, charted: list[dict[str, Any]]) -> dict[str, Any] | None:
    scene = scene_of(found, charted)
    return None if scene is None else asdict(scene)


def rendered(kept: Mapping[str, Any], lang: str) -> dict[str, Any]:
    """Card and details as Slack is given them."""
    found = Diagnosis.model_validate(kept["diagnosis"])
    story = Story(incident=kept["incident"], version="", signal_count=kept["signals"], diagnosis=found)
    text, blocks = card(story, lang, links=LINKS)
    below, detail_blocks = details(story, found, lang, links=LINKS)
    return {"card": {"text": text, "blocks": blocks}, "details": {"text": below, "blocks": detail_blocks}}


def pictured(kept: Mapping[str, Any], blocks: Mapping[str, Any], lang: str, fonts: Fonts) -> bytes:
    """The card and the telling series below it."""
    raw = kept["scene"]
    chart = draw(Scene(**{**raw, "chart": Chart(**raw["chart"])}), lang).png if raw else None
    return draw_message(blocks["card"]["blocks"], fonts, picture=chart)


def dumped(data: object) -> str:
    return json.dumps(data, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description="Render the examples of docs/slack again.")
    parser.add_argument("--investigate", action="store_true", help="investigate the recorded cases again first")
    parser.add_argument("--font", type=Path, help="a font file with Hangul")
    parser.add_argument("--bold", type=Path, help="its bold companion")
    given = parser.parse_args()
    KEPT.mkdir(parents=True, exist_ok=True)
    if given.font:
        use_font(given.font)
    for name in CASES:
        for lang in LANGUAGES:
            place = EXAMPLES / f"{name}.{lang}"
            source = KEPT / f"{name}.{lang}.json"
            if given.investigate:
                folder = next(Path(h) / name for h in HOMES if (Path(h) / name).is_dir())
                kept = asyncio.run(investigated(folder, lang))
                source.write_text(json.dumps(kept, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")
            kept = json.loads(source.read_text("utf-8"))
            blocks = rendered(kept, lang)
            place.with_suffix(f".{lang}.blocks.json").write_text(dumped(blocks), "utf-8")
            if given.font:
                png = pictured(kept, blocks, lang, Fonts(given.font, given.bold))
                place.with_suffix(f".{lang}.png").write_bytes(png)
            sys.stdout.write(f"{name} {lang}: {blocks['card']['text'][:110]}\n")
    if not given.font:
        sys.stdout.write("no --font: pictures were left as they are\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
