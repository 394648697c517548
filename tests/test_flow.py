"""The main job: an Alertmanager payload over HTTP becomes a verified diagnosis with actions."""

import asyncio
import io
from pathlib import Path

from rich.console import Console

from agent.codes import ActionKind, Verdict
from agent.grounding import ground, unsupported
from tests.tools.recorded.tiny_case import write_tiny_case
from triggers.demo import run_demo
from triggers.report import export_svg, report


def test_an_alert_becomes_a_published_diagnosis(tmp_path: Path) -> None:
    """Door, queue, worker, graph, verification, ledger and read-back over HTTP, each the real one."""
    folder = write_tiny_case(tmp_path / "tiny").folder
    demo = asyncio.run(run_demo(folder, lang="en", console=Console(file=io.StringIO())))
    found = demo.diagnosis
    assert found.verdict is Verdict.DIAGNOSED
    root = found.hypotheses[0]
    assert (root.component.name, root.component.colour) == ("worker-green", "green")
    assert root.category.value == "role_violation"
    assert found.actions[0].kind is ActionKind.STOP_CONTAINER
    assert "Capacity first" in found.actions[0].steps[0].why
    assert found.actions[0].verify
    assert found.actions[0].undo == "docker start worker-green"


def test_every_sentence_that_states_a_fact_cites_evidence_that_holds_it(tmp_path: Path) -> None:
    """In both languages, checked again on what was stored and read back."""
    folder = write_tiny_case(tmp_path / "tiny").folder
    for lang in ("en", "ko"):
        found = asyncio.run(run_demo(folder, lang=lang, console=Console(file=io.StringIO()))).diagnosis
        evidence = {e["id"]: e for e in found.evidence}
        assert found.claims
        for said in (*found.claims, *found.timeline):
            assert said.evidence
            base = ground([evidence[i] for i in said.evidence], evidence.values())
            assert unsupported(said.text, base) == [], said.text


def test_the_report_can_be_printed_and_exported(tmp_path: Path) -> None:
    """The terminal report names cause, action and undo; the picture is SVG."""
    folder = write_tiny_case(tmp_path / "tiny").folder
    demo = asyncio.run(run_demo(folder, lang="ko", console=Console(file=io.StringIO())))
    out = io.StringIO()
    Console(file=out, width=140).print(report(demo.diagnosis, charts=demo.charts, lang="ko"))
    text = out.getvalue()
    assert "worker-green" in text
    assert "되돌리기: docker start worker-green" in text
    assert export_svg(demo.diagnosis, demo.charts, "ko").startswith("<svg")
