"""`make demo-learning`: the loop, closed before your eyes, on recorded incidents. No key, no network.

An incident of a family whose card was taken away -> undetermined -> an engineer's correction -> a harvested case ->
verified -> a card -> the family again, recorded at another time, under other names, in the other colour -> right,
citing the first incident. Then `culprit eval compare` shows the gain.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import SecretStr
from rich.console import Console
from rich.markup import escape

from agent.assemble import assemble
from agent.card import Card, load_cards
from agent.checkpoints import sqlite_checkpoints
from agent.codes import HypothesisStatus, Verdict
from agent.diagnosis import Diagnosis
from agent.ledger import Feedback
from config.errors import BadInput
from config.logging import configure_logging
from config.settings import Auth, Correlation, Http, Learning, Log, Publish, Settings
from evals.case import BUNDLED, Case, find_cases, load_case, payload_of
from evals.compare import compare_runs, read_run
from evals.compare_report import as_markdown
from evals.label import Label, load_label
from evals.report import as_json
from evals.run import run_case
from evals.schoolroom import Promotion
from tools.recorded.world import open_world
from triggers.demo import TOKEN, investigated, post, serving
from triggers.learning import Learner, Memory
from triggers.learning_parts import build_learner, build_memory
from triggers.upkeep import Upkeep
from triggers.wiring import Store, build_store

ENGINEER = "kim"


@dataclass(frozen=True)
class Loop:
    """What the demonstration showed. `before` and `after` are of the two incidents of the family."""

    before: Diagnosis
    promotion: Promotion
    after: Diagnosis
    gained: float


def family_twins(root: Path = BUNDLED) -> tuple[Path, Path]:
    """Two recordings of one fault that began with an alert. Raises BadInput where there are none."""
    first: dict[str, Path] = {}
    for folder in find_cases(root):
        label = load_label(folder)
        if label.verdict is Verdict.DIAGNOSED and payload_of(folder) is not None:
            if label.family in first:
                return first[label.family], folder
            first[label.family] = folder
    raise BadInput(f"{root.name}: no family was recorded twice")


async def run_demo_learning(console: Console, root: Path = BUNDLED) -> Loop:
    """The whole loop in a temporary folder."""
    one, two = family_twins(root)
    truth = load_label(one)
    cards = tuple(c for c in load_cards() if c.category not in {cause.category for cause in truth.causes})
    with tempfile.TemporaryDirectory(prefix="culprit-learning-") as data:
        settings = _settings(Path(data))
        configure_logging(settings.log)
        store = build_store(settings, publishers=())
        try:
            console.print(f"[bold]1. The card for {truth.causes[0].category} is taken away; "
                          f"incident recorded as {escape(one.name)}[/bold]")
            memory = build_memory(store)
            before = await _incident(store, one, cards, memory)
            _say(console, before)
            learner = replace(build_learner(store, inventory=open_world(one).inventory), known=cards)
            promotion = await _learn(console, learner, store, one, before, truth)
            await asyncio.to_thread(_a_day_later, store)
            console.print(f"[bold]4. The family again, recorded at another time, other names, other colour: "
                          f"{escape(two.name)}[/bold]")
            after = await _incident(store, two, cards, memory)
            _say(console, after)
            console.print("[bold]5. culprit eval compare[/bold]")
            gained = await _compared(console, (one, two), cards, memory, Path(data))
        finally:
            store.close()
    return Loop(before, promotion, after, gained)


async def _incident(store: Store, folder: Path, cards: Sequence[Card], memory: Memory) -> Diagnosis:
    case, payload = load_case(folder), payload_of(folder)
    if payload is None:
        raise BadInput(f"{folder.name}: began without an alert")
    investigation = assemble(
        open_world(folder), cards=tuple(cards), keep=store.ledger.save_evidence, experience=memory,
        checkpoints=sqlite_checkpoints(Path(store.settings.checkpoints)))
    already = frozenset(row["id"] for row in store.incidents.list())
    async with serving(store) as url:
        await post(url, payload)
        return await investigated(store, case, url, investigation, already=already)


def _a_day_later(store: Store) -> None:
    """The first incident is over and closed, so that the next alert is not taken for a part of it."""
    over = Correlation(close_after_seconds=0.001)
    Upkeep(database=store.database, correlation=over, retention=store.settings.retention).close_settled()


async def _learn(console: Console, learner: Learner, store: Store, folder: Path, found: Diagnosis, truth: Label
                 ) -> Promotion:
    """The correction of one trusted engineer, and what it becomes."""
    cause = truth.causes[0]
    correction = {"component": f"{cause.component.kind.value} {cause.component.name}",
                  "category": cause.category.value}
    if truth.actions.right:
        correction |= {"action": truth.actions.right[0].kind.value, "target": truth.actions.right[0].target}
    console.print(f"[bold]2. {ENGINEER} says:[/bold] wrong; it was {cause.category.value} of {cause.component.name}")
    store.ledger.add_feedback(Feedback(incident_id=found.incident, author=ENGINEER, door="cli", cause="wrong",
                                       correction=correction))
    if learner.shelf is not None:
        learner.shelf.put(found.incident, folder)
    promotion = await asyncio.to_thread(learner.learn, found.incident)
    if promotion is None:
        raise BadInput(f"nothing was learned from {found.incident}")
    console.print(f"[bold]3. Case {promotion.case.id} is {promotion.case.state}[/bold], vouched for by "
                  f"{promotion.case.verified_by}")
    for notice in promotion.notices:
        console.print(f"   {notice.kind} {notice.about}: {escape(notice.text)}", highlight=False, soft_wrap=True)
    return promotion


def _say(console: Console, found: Diagnosis) -> None:
    root = next((h for h in found.hypotheses if h.status is HypothesisStatus.ROOT), None)
    said = f"{root.category.value} of {root.component.name} ({root.confidence:.2f})" if root else found.verdict.value
    console.print(f"   {found.incident}: [bold]{escape(said)}[/bold] after {len(found.evidence)} questions"
                  f"{', recognised at once' if found.usage.recognised else ''}", highlight=False)
    for p in found.seen_before[:2]:
        console.print(f"   seen before: {p.incident}{f' ({p.card})' if p.card else ''}", highlight=False)


async def _compared(console: Console, folders: Sequence[Path], cards: tuple[Card, ...], memory: Memory, data: Path
                    ) -> float:
    """Both recordings scored without and with what was learned, then compared as the command does."""
    files = []
    for name, extra in (("without", ()), ("with", memory().cards)):
        results = [await run_case(folder, cards=(*cards, *extra)) for folder in folders]
        files.append(data / f"{name}.json")
        files[-1].write_text(json.dumps(as_json(results, model="analyst")), encoding="utf-8")
    found = compare_runs(read_run(files[0]), read_run(files[1]))
    console.print(as_markdown(found, [], names=("without", "with")), markup=False, highlight=False)
    cause = found.score("cause")
    return cause.difference.mean if cause else 0.0


def _settings(data: Path) -> Settings:
    return Settings(
        data_dir=data, log=Log(level="error", format="console"), http=Http(port=0, auth=Auth(token=SecretStr(TOKEN))),
        publish=Publish(console=False), correlation=Correlation(group_wait_seconds=0.0),
        learning=Learning(verify="trusted", trusted=(ENGINEER,)))


def passed(loop: Loop, case: Case) -> bool:
    """Wrong before, right after, and the first incident is cited."""
    root = next((h for h in loop.after.hypotheses if h.status is HypothesisStatus.ROOT), None)
    truth = load_label(case.folder)
    right = root is not None and any(root.component.name == c.component.name and root.category is c.category
                                     for c in truth.causes)
    cited = any(p.incident == loop.before.incident for p in loop.after.seen_before)
    return right and cited and loop.before.verdict is not Verdict.DIAGNOSED


def main() -> None:
    """Exit 1 when the loop did not close."""
    console = Console()
    loop = asyncio.run(run_demo_learning(console))
    right = passed(loop, load_case(family_twins()[1]))
    console.print("[green]the loop is closed[/green]" if right else "[red]the loop did not close[/red]")
    raise SystemExit(0 if right else 1)


if __name__ == "__main__":
    main()
