"""`culprit case review` and `culprit feedback`: say what it was, and let it become experience."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from triggers.queue_cli import AsJson, ConfigFile, IncidentId, opened

if TYPE_CHECKING:
    from agent.ledger import Judgement
    from agent.library import StoredCase
    from triggers.learning import Learner


def feedback(
    incident: IncidentId,
    cause: Annotated[str, typer.Option(help="right, partly, wrong or unknown")] = "right",
    action: Annotated[str, typer.Option(help="right, partly, wrong or unknown: the recommended action")] = "unknown",
    component: Annotated[str, typer.Option(help="what it really was: a container, service or host")] = "",
    category: Annotated[str, typer.Option(help="the kind of cause, such as role_violation; see docs/glossary.md")] = "",
    worked: Annotated[str, typer.Option(help="the kind of action that worked, such as stop_container")] = "",
    no_fault: Annotated[bool, typer.Option("--no-fault", help="nothing was wrong")] = False,
    note: Annotated[str, typer.Option(help="in your own words")] = "",
    author: Annotated[str, typer.Option(help="who says so")] = "terminal",
    as_json: AsJson = False, config: ConfigFile = None,
) -> None:
    """Say whether a diagnosis was right, and what it was if not; it becomes a draft case."""
    from agent.ledger import Feedback
    from config.errors import CulpritError
    from triggers.learning_parts import build_learner

    if cause not in ("right", "partly", "wrong", "unknown") or action not in ("right", "partly", "wrong", "unknown"):
        raise typer.BadParameter("cause and action are right, partly, wrong or unknown")
    named = {"component": component, "category": category, "action": worked, "verdict": "no_fault" if no_fault else ""}
    correction = {k: v for k, v in named.items() if v}
    with opened(config) as (store, _):
        try:
            store.ledger.add_feedback(Feedback(
                incident_id=incident, author=author, door="cli", correction=correction, comment=note,
                cause=cast("Judgement", cause), action=cast("Judgement", action)))
            learner = build_learner(store)
            promotion = learner.learn(incident)
            case = promotion.case if promotion else learner.harvest(incident)
        except CulpritError as error:
            typer.echo(f"culprit: {error}", err=True)
            raise typer.Exit(2) from error
    state = {"case": case.id if case else None, "state": case.state if case else None,
             "conflicts": case.conflicts if case else [], "cards": [c.id for c in promotion.cards] if promotion else []}
    if as_json:
        typer.echo(json.dumps(state, ensure_ascii=False))
        return
    typer.echo(f"stored; case {state['case']} is {state['state']}" + "".join(f"\n  conflict: {c}" for c in
                                                                           state["conflicts"] or []))
    if case and case.state == "draft":
        typer.echo(f"it waits for a verifier: culprit case review {incident}")


def review(
    case: Annotated[str, typer.Argument(help="a case or incident id; default: the oldest draft")] = "",
    accept: Annotated[bool, typer.Option("--accept", help="the label is right: learn from it")] = False,
    reject: Annotated[bool, typer.Option("--reject", help="never learn from it")] = False,
    component: Annotated[str, typer.Option(help="edit: what it really was")] = "",
    category: Annotated[str, typer.Option(help="edit: the kind of cause")] = "",
    by: Annotated[str, typer.Option(help="who vouches for it")] = "terminal",
    listing: Annotated[bool, typer.Option("--list", help="list what waits for review")] = False,
    as_json: AsJson = False, config: ConfigFile = None,
) -> None:
    """Look at a harvested case: evidence, label, what learning from it would change; accept, edit or reject.

    Accepting promotes it: the case counts as verified by you. Without flags on a terminal it asks.
    """
    from config.errors import CulpritError
    from triggers.learning_parts import build_learner

    with opened(config) as (store, _):
        learner = build_learner(store)
        try:
            if listing:
                _list(learner, as_json=as_json)
                return
            chosen = _chosen(learner, case)
            if component or category:
                chosen = _edited(learner, chosen, component, category)
            shown = _changes(learner, chosen)
            if not as_json:
                _show(chosen, shown)
            if not accept and not reject:
                accept, reject = _asked() if not as_json else (False, False)
            told = _decide(learner, chosen, accept=accept, reject=reject, by=by)
        except CulpritError as error:
            typer.echo(f"culprit: {error}", err=True)
            raise typer.Exit(2) from error
    if as_json:
        shown_label = {"case": chosen.id, "label": chosen.label, "conflicts": chosen.conflicts}
        typer.echo(json.dumps({**shown_label, **shown, **told}, ensure_ascii=False))
    else:
        typer.echo(told["said"])


def _list(learner: Learner, *, as_json: bool) -> None:
    waiting = [c for c in learner.library.cases()
               if c.state in ("draft", "waiting") or (c.state == "verified" and c.context.get("doubts"))]
    if as_json:
        typer.echo(json.dumps([{"case": c.id, "state": c.state, "label": c.label, "conflicts": c.conflicts,
                                "doubts": c.context.get("doubts", [])} for c in waiting], ensure_ascii=False))
        return
    for c in waiting:
        why = [f"\n    conflict: {t}" for t in c.conflicts] + [f"\n    doubt: {t}" for t in c.context.get("doubts", ())]
        typer.echo(f"{c.id}  {c.state:<8} {_label_line(c)}" + "".join(why))
    if not waiting:
        typer.echo("nothing waits for review")


def _chosen(learner: Learner, name: str) -> StoredCase:
    from config.errors import UnknownThing

    if name:
        return learner.library.case(name)
    waiting = [c for c in learner.library.cases() if c.state in ("draft", "waiting")]
    if not waiting:
        raise UnknownThing("nothing waits for review")
    return waiting[0]


def _edited(learner: Learner, case: StoredCase, component: str, category: str) -> StoredCase:
    """The label with another component or category; what was not given stays."""
    from evals.harvest import component_named, relabelled
    from tools.evidence import iso

    told = learner.told(case.incident_id)
    before = (case.label.get("causes") or [{}])[0]
    named = component_named(told, component).model_dump(mode="json") if component else before.get("component")
    causes = [{"component": named, "category": category or before.get("category")}]
    changes: dict[str, Any] = {"verdict": "diagnosed", "actions": case.label.get("actions") or {}, "causes": causes}
    if not case.label.get("onset"):
        changes["onset"] = iso(told.onset_ms or case.at_ms)
    edited = relabelled(case, changes)
    learner.library.put_case(edited)
    return edited


def _changes(learner: Learner, case: StoredCase) -> dict[str, Any]:
    """What accepting would do, computed without writing."""
    from agent.learned_card import dump
    from evals.schoolroom import preview, rehearsal_of

    if not case.label:
        return {"would": [], "regress": [], "gain": [], "card": ""}
    before, after = preview(learner.library, case, learner.cards(), by="review", trusted=True)
    rehearsal = rehearsal_of(before, after)
    fresh = [c for k, c in after.cards.items() if before.cards.get(k) != c]
    return {"would": [f"{n.kind} {n.about}: {n.text}" for n in after.notices[len(before.notices):]],
            "regress": [e.id for e in rehearsal.taken], "gain": list(rehearsal.gained),
            "card": dump(fresh[0]) if fresh else ""}


def _show(case: StoredCase, shown: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    console.print(f"[bold]{escape(case.id)}[/bold] {case.state}, said by {escape(', '.join(case.authors) or 'nobody')}")
    console.print(f"  diagnosed: {escape(str(case.context.get('diagnosis', {}).get('cause', '')))}")
    console.print(f"  label:     {escape(_label_line(case))}")
    for conflict in case.conflicts:
        console.print(f"  [yellow]conflict[/yellow] {escape(conflict)}")
    table = Table("evidence", "question", "found", title="What was found")
    for o in case.observations:
        found = "; ".join(f"{f['kind']} {' '.join(f['subject'].values())[:40]}" for f in o["findings"][:4])
        table.add_row(escape(str(o["id"])), escape(str(o["question"])), escape(found[:200]))
    console.print(table)
    for line in shown["would"]:
        console.print(f"  would: {escape(line)}")
    console.print(f"  right answers it would change: {escape(', '.join(shown['regress']) or 'none')}")
    if shown["card"]:
        console.print(escape(shown["card"]), highlight=False)


def _label_line(case: StoredCase) -> str:
    if not case.label:
        return "none yet"
    causes = case.label.get("causes") or []
    return "; ".join(f"{c['category']} of {c['component']['kind']} {c['component']['name']}" for c in causes) or str(
        case.label.get("verdict"))


def _asked() -> tuple[bool, bool]:
    """(accept, reject) from a terminal; neither where nobody can answer."""
    import sys

    if not sys.stdin.isatty():
        return False, False
    answer = typer.prompt("accept, reject or later?", default="later")
    return answer.startswith("a"), answer.startswith("r")


def _decide(learner: Learner, case: StoredCase, *, accept: bool, reject: bool, by: str) -> dict[str, Any]:
    from dataclasses import replace

    from config.errors import BadInput
    from evals.schoolroom import promote

    if accept and reject:
        raise BadInput("either --accept or --reject")
    if reject:
        learner.library.put_case(replace(case, state="rejected", verified_by=by))
        return {"state": "rejected", "cards": [], "said": f"{case.id} is rejected"}
    if not accept:
        return {"state": case.state, "cards": [], "said": "left as it is"}
    if case.conflicts:
        raise BadInput(f"{case.id}: verdicts contradict each other; settle them with --component and --category")
    promotion = promote(learner.library, case, learner.cards(), by=by, trusted=True)
    lines = [f"{case.id} is {promotion.case.state}", *(f"  {n.kind} {n.about}: {n.text}" for n in promotion.notices)]
    return {"state": promotion.case.state, "cards": [c.id for c in promotion.cards], "said": "\n".join(lines)}
