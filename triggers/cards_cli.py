"""`culprit cards …`: what was learned. Look at it, compare it, retire it, delete it, share it through a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from triggers.queue_cli import AsJson, ConfigFile, opened

app = typer.Typer(help="What was learned from verified incidents.", no_args_is_help=True)
CardId = Annotated[str, typer.Argument(help="the card's id")]


@app.command("list")
def list_cards(
    state: Annotated[str, typer.Option(help="active, pending or retired; default: all learned ones")] = "",
    shipped: Annotated[bool, typer.Option("--shipped", help="the cards that come with Culprit instead")] = False,
    as_json: AsJson = False, config: ConfigFile = None,
) -> None:
    """Learned cards with their outcomes."""
    from agent.card import load_cards
    from agent.library import Library

    rows: list[dict[str, Any]]
    if shipped:
        rows = [{"id": c.id, "state": "shipped", "category": c.category.value, "right": 0, "wrong": 0, "why": "",
                 "incidents": []} for c in load_cards()]
    else:
        with opened(config) as (store, _):
            found = Library(database=store.database).cards()
        rows = [{"id": r.card.id, "state": r.state, "category": r.card.category.value, "right": r.credit.right,
                 "wrong": r.credit.wrong, "why": r.why, "incidents": list(r.card.provenance.incidents)}
                for r in found if state in ("", r.state)]
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        why = f"  ({row['why']})" if row["why"] else ""
        outcomes = f"right {row['right']} wrong {row['wrong']}"
        typer.echo(f"{row['id']}  {row['state']:<8} {row['category']:<20} {outcomes}{why}")
    if not rows:
        typer.echo("nothing has been learned yet")


@app.command()
def show(card: CardId, config: ConfigFile = None) -> None:
    """One card as YAML, learned or shipped."""
    from agent.card import load_cards
    from agent.learned_card import dump
    from agent.library import Library
    from config.errors import UnknownThing

    with opened(config) as (store, _):
        shipped = next((c for c in load_cards() if c.id == card), None)
        if shipped is not None:
            typer.echo(dump(shipped), nl=False)
            return
        try:
            found = Library(database=store.database).card(card)
        except UnknownThing as error:
            raise _missing(error) from error
    typer.echo(f"# {found.state}{': ' + found.why if found.why else ''}; right {found.credit.right}, "
               f"wrong {found.credit.wrong}\n{dump(found.card)}", nl=False)


@app.command()
def diff(card: CardId, other: Annotated[str, typer.Argument(help="another card's id, or a YAML file")],
         config: ConfigFile = None) -> None:
    """What differs between two cards. Exit 1 when anything does."""
    import difflib

    from agent.card import load_cards
    from agent.learned_card import dump
    from agent.library import Library
    from config.errors import UnknownThing

    with opened(config) as (store, _):
        texts = {c.id: dump(c) for c in load_cards()}
        texts |= {r.card.id: dump(r.card) for r in Library(database=store.database).cards()}
    pair = []
    for name in (card, other):
        if name not in texts and not Path(name).is_file():
            raise _missing(UnknownThing(f"no card and no file {name}"))
        pair.append(texts[name] if name in texts else Path(name).read_text(encoding="utf-8"))
    lines = list(difflib.unified_diff(pair[0].splitlines(), pair[1].splitlines(), card, other, lineterm=""))
    typer.echo("\n".join(lines) or "no difference")
    raise typer.Exit(1 if lines else 0)


@app.command()
def retire(card: CardId, why: Annotated[str, typer.Option(help="for the record")] = "retired by hand",
           config: ConfigFile = None) -> None:
    """Use it no more, keep it for the record."""
    from agent.library import Library
    from config.errors import UnknownThing

    with opened(config) as (store, _):
        try:
            Library(database=store.database).retire_card(card, why)
        except UnknownThing as error:
            raise _missing(error) from error
    typer.echo(f"{card} is retired")


@app.command()
def delete(card: CardId, config: ConfigFile = None) -> None:
    """Forget it and its outcomes: the next investigation is as if it had never been."""
    from agent.library import Library
    from config.errors import UnknownThing

    with opened(config) as (store, _):
        try:
            Library(database=store.database).delete_card(card)
        except UnknownThing as error:
            raise _missing(error) from error
    typer.echo(f"{card} is deleted")


@app.command("export")
def export_cards(
    folder: Annotated[Path, typer.Argument(help="a folder the team keeps in Git; cards go below cards/")],
    cases: Annotated[bool, typer.Option("--cases", help="verified cases with their snapshots too")] = False,
    config: ConfigFile = None,
) -> None:
    """Write active cards as files, one each, so that a review can be a pull request."""
    from agent.learned_card import dump
    from agent.library import Library
    from config.errors import BadInput
    from evals.shelf import Shelf

    with opened(config) as (store, _):
        library = Library(database=store.database)
        found = library.cards(state="active")
        target = folder / "cards"
        target.mkdir(parents=True, exist_ok=True)
        for row in found:
            (target / f"{row.card.id}.yaml").write_text(dump(row.card), encoding="utf-8")
        written = 0
        shelf = Shelf(store.settings.data_dir / "cases")
        for case in library.cases(state="verified") if cases else ():
            try:
                shelf.export(case, folder / "cases")
                written += 1
            except BadInput as error:
                typer.echo(str(error), err=True)
    typer.echo(f"wrote {len(found)} cards" + (f" and {written} cases" if cases else "") + f" to {folder}")


@app.command("import")
def import_cards(
    folder: Annotated[Path, typer.Argument(help="a folder with cards/*.yaml, or with *.yaml")],
    pending: Annotated[bool, typer.Option("--pending", help="keep them aside until somebody looks")] = False,
    config: ConfigFile = None,
) -> None:
    """Read cards from files. A bad one is named and left out; exit 1 when there was one."""
    from agent.learned_card import load_learned
    from agent.library import Library

    source = folder / "cards" if (folder / "cards").is_dir() else folder
    cards, complaints = load_learned(source)
    with opened(config) as (store, _):
        library = Library(database=store.database)
        for card in cards:
            library.put_card(card, state="pending" if pending else "active", why="imported" if pending else "")
    for complaint in complaints:
        typer.echo(f"left out: {complaint}", err=True)
    typer.echo(f"read {len(cards)} cards")
    raise typer.Exit(1 if complaints else 0)


def _missing(error: Exception) -> typer.Exit:
    typer.echo(f"culprit: {error}", err=True)
    return typer.Exit(2)
