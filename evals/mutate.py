"""The one mutator: a case in, another case with the same truth (or less to know it by) out.

    mutate(read_case_files(folder), [named("rename:7"), named("drop:logs")], id="f01-a-renamed")

Every mutation is pure and repeatable. The edited case says in case.yaml what was done to what (`origin`), keeps its
`recording` so that intervals stay clustered, and passes `culprit case check` again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.errors import BadInput
from evals.case import CASE, LABEL
from evals.case_files import CaseFiles, map_text, read_case_files, write_case_files
from evals.families import EDITS
from evals.load import lighter_load
from evals.noise import double_noise
from evals.rename import rename_everything, swap_colours
from evals.shift import shift_time
from evals.truncate import truncate
from evals.wording import LANGUAGES, STEPS, foreign_wording, matcher
from tools.evidence import iso, parse_iso
from tools.recorded.snapshot import FILES, INVENTORY
from tools.recorded.snapshot import NAME as SNAPSHOT

DROPPABLE = ("metrics", "logs", "containers", "routing", "changes", "peers", "queues")
REMOVED = "removed by an edit of the case"


@dataclass(frozen=True)
class Mutation:
    """`name` is what `named` reads and what `origin.edits` records."""

    name: str
    apply: Callable[[CaseFiles], CaseFiles]


def mutate(files: CaseFiles, mutations: Iterable[Mutation], *, id: str = "") -> CaseFiles:
    """Apply in order. `id` is the new case's; by default the old one with `-edited`. Raises BadInput."""
    done = []
    before = files
    for mutation in mutations:
        files = mutation.apply(files)
        done.append(mutation.name)
    old = str(before[SNAPSHOT]["id"])
    files = files.replaced(SNAPSHOT, {**files[SNAPSHOT], "id": id or f"{old}-edited"})
    return files.edited(CASE, lambda case: {**case, "origin": _origin(case.get("origin") or {}, old, done)})


def mutate_folder(source: Path, target: Path, mutations: Iterable[Mutation], *, id: str = "") -> None:
    """Read, mutate and write a new folder."""
    write_case_files(mutate(read_case_files(source), mutations, id=id), target)


def _origin(origin: dict[str, Any], old: str, done: list[str]) -> dict[str, Any]:
    edits = [*origin.get("edits", ()), *done]
    return {**origin, "kind": "edited", "from": origin.get("from") or old, "edits": edits}


def named(text: str) -> Mutation:
    """A mutation by name, with its argument after a colon (`drop:logs`, `shift:-86400`). Raises BadInput."""
    name, _, argument = text.partition(":")
    if name not in MUTATIONS:
        raise BadInput(f"no mutation {name!r}; there are {', '.join(sorted(MUTATIONS))}")
    try:
        return Mutation(text, MUTATIONS[name](argument))
    except ValueError as error:
        raise BadInput(f"mutation {text!r}: {error}") from error


def drop_modality(name: str) -> Callable[[CaseFiles], CaseFiles]:
    """Remove a modality's file and list it as missing."""
    if name not in DROPPABLE:
        raise ValueError(f"one of {', '.join(DROPPABLE)}")

    def apply(files: CaseFiles) -> CaseFiles:
        manifest = files[SNAPSHOT]
        if name not in manifest["captured"]:
            return files
        missing = [*manifest.get("missing", ()), {"what": name, "why": REMOVED}]
        captured = [m for m in manifest["captured"] if m != name]
        changed = {**manifest, "captured": captured, "missing": missing}
        return files.without(FILES[name]).replaced(SNAPSHOT, changed)  # type: ignore[index]

    return apply


def drop_lines(where: Callable[[dict[str, str], str], bool]) -> Callable[[CaseFiles], CaseFiles]:
    """Remove the log lines for which `where(labels, line)` holds. Nothing tells the reader: it must notice."""
    def kept(stream: dict[str, Any]) -> dict[str, Any]:
        return {**stream, "entries": [e for e in stream["entries"] if not where(stream["labels"], e[1])]}

    def apply(files: CaseFiles) -> CaseFiles:
        streams = [kept(stream) for stream in files["logs.jsonl"]]
        return files.replaced("logs.jsonl", [stream for stream in streams if stream["entries"]])

    return apply


def drop_work_lines(container: str = "") -> Callable[[CaseFiles], CaseFiles]:
    """Remove the lines that mean work (the inventory's patterns), of one container or of all."""
    def apply(files: CaseFiles) -> CaseFiles:
        inventory = files[INVENTORY]
        label = inventory.get("labels", {}).get("logs", {}).get("container", "container")
        works = [service["work"] for service in inventory.get("services", ()) if service.get("work")]
        tells = [matcher(work[step]) for work in works for step in STEPS if work.get(step)]
        return drop_lines(lambda labels, line: (not container or labels.get(label) == container)
                          and any(tell(line) for tell in tells))(files)

    return apply


def innocent_deploy(seconds_before: float = 90) -> Callable[[CaseFiles], CaseFiles]:
    """Record a clean deploy of a service without a part in the truth, shortly before the onset (else before `now`)."""
    def apply(files: CaseFiles) -> CaseFiles:
        label = files.content.get(LABEL) or {}
        guilty = {cause["component"].get("service") or cause["component"]["name"] for cause in label.get("causes", ())}
        services = [s["name"] for s in files[INVENTORY].get("services", ()) if s["name"] not in guilty]
        if not services:
            raise BadInput("innocent deploy: every service of the inventory has a part in the truth")
        window = files[SNAPSHOT]["window"]
        at = parse_iso(label.get("onset") or files[SNAPSHOT]["now"]) - round(seconds_before * 1000)
        at = max(at, parse_iso(window["start"]))
        change = {"at": iso(at), "kind": "deploy", "service": services[-1], "colour": "", "build": "7001", "by": "ci",
                  "text": f"deploy {services[-1]} 7001", "source": "build server", "mode": "", "attributes": {}}
        rows = sorted([*files["changes.jsonl"], change], key=lambda row: parse_iso(row["at"]))
        return files.replaced("changes.jsonl", rows)

    return apply


PHRASES = {
    "en": ("What is going on? Users say it is slow or failing.", "The condition of this alert holds."),
    "ko": ("무슨 일이 일어나고 있나요? 느리거나 실패한다는 말이 있습니다.", "이 경보의 조건이 충족되었습니다."),
}


def in_language(lang: str) -> Callable[[CaseFiles], CaseFiles]:
    """Questions and annotations in another language: stock sentences that tell nothing about the cause."""
    if lang not in PHRASES:
        raise ValueError(f"one of {', '.join(PHRASES)}")
    question, annotation = PHRASES[lang]

    def apply(files: CaseFiles) -> CaseFiles:
        files = files.edited(CASE, lambda case: {**case, "signals": [
            {**s, "text": question, "lang": lang} if s["kind"] == "question" else s for s in case["signals"]]})
        return files.edited("alerts.json", lambda alerts: _annotated(alerts, annotation))

    return apply


def _annotated(alerts: Any, text: str) -> Any:
    """Every annotation of every payload and state says the text."""
    if isinstance(alerts, list):
        return [_annotated(item, text) for item in alerts]
    if not isinstance(alerts, dict):
        return alerts
    return {key: map_text(item, lambda _: text) if key in ("annotations", "commonAnnotations")
            else _annotated(item, text) for key, item in alerts.items()}


def _wording(lang: str) -> Callable[[CaseFiles], CaseFiles]:
    if lang not in LANGUAGES:
        raise ValueError(f"one of {', '.join(LANGUAGES)}")
    return lambda files: foreign_wording(files, lang=lang)


def _truncated(argument: str) -> Callable[[CaseFiles], CaseFiles]:
    """`600,300`: keep that many seconds before and after the onset (else `now`), and always `now` itself."""
    before, _, after = argument.partition(",")
    before_ms, after_ms = round(float(before) * 1000), round(float(after or 0) * 1000)

    def apply(files: CaseFiles) -> CaseFiles:
        now = parse_iso(files[SNAPSHOT]["now"])
        onset = (files.content.get(LABEL) or {}).get("onset")
        middle = parse_iso(onset) if onset else now
        return truncate(files, middle - before_ms, max(middle + after_ms, now))

    return apply


MUTATIONS: dict[str, Callable[[str], Callable[[CaseFiles], CaseFiles]]] = {
    "rename": lambda seed: (lambda n: lambda files: rename_everything(files, seed=n))(int(seed or 0)),
    "swap-colours": lambda _: swap_colours,
    "wording": lambda lang: _wording(lang or "de"),
    "shift": lambda seconds: (lambda ms: lambda files: shift_time(files, ms))(round(float(seconds) * 1000)),
    "drop": drop_modality,
    "drop-work": drop_work_lines,
    "innocent-deploy": lambda seconds: innocent_deploy(float(seconds or 90)),
    "noise": lambda factor: (lambda f: lambda files: double_noise(files, factor=f))(float(factor or 2)),
    "load": lambda share: (lambda kept: lambda files: lighter_load(files, kept))(float(share or 0.8)),
    "truncate": _truncated,
    "language": in_language,
    **EDITS,
}
