"""What is wrong or doubtful about a whole case: its snapshot, its signals and its label, held against each other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from agent.codes import ComponentKind, Verdict
from agent.incident import SignalKind
from config.errors import BadSnapshot
from evals.case import CASE, LABEL, Case, load_case
from evals.label import Label, load_label
from tools.evidence import iso
from tools.recorded.check import Contents, Problem, Severity, check_contents
from tools.recorded.snapshot import NAME as SNAPSHOT

MINUTE_MS = 60_000
BEFORE_ONSET_MS = 5 * MINUTE_MS  # a baseline to compare with
AFTER_ONSET_MS = 4 * MINUTE_MS  # enough of the fault to see it


def check_case(folder: Path) -> list[Problem]:
    """All problems, errors first."""
    problems, contents = check_contents(folder)
    if contents is None:
        return problems
    problems += [*_case_problems(folder, contents), *_label_problems(folder, contents)]
    return sorted(problems, key=lambda p: p.severity is Severity.WARNING)


def _case_problems(folder: Path, contents: Contents) -> Iterator[Problem]:
    try:
        case = load_case(folder)
    except BadSnapshot as error:
        if contents.alerts is not None or not str(error).startswith("alerts.json"):
            yield _error(error, CASE)
        return
    if case.id != folder.resolve().name:
        yield Problem(Severity.WARNING, SNAPSHOT, f"id is {case.id}, the folder is {folder.resolve().name}")
    if case.origin.kind == "edited" and not (case.origin.source and case.origin.edits):
        yield Problem(Severity.ERROR, CASE, "origin: an edited case names what it was made from and each edit")
    yield from _signal_problems(case, contents)


def _signal_problems(case: Case, contents: Contents) -> Iterator[Problem]:
    start = contents.snapshot.start_ms
    for index, signal in enumerate(case.signals):
        if not start <= signal.received_ms <= case.now_ms:
            text = f"signals.{index}: arrived at {iso(signal.received_ms)}, outside window.start .. now"
            yield Problem(Severity.ERROR, CASE, text)
        if signal.kind is not SignalKind.QUESTION and signal.starts_ms > signal.received_ms:
            yield Problem(Severity.WARNING, CASE, f"signals.{index}: starts after it was received")
    newest = max(signal.received_ms for signal in case.signals)
    if case.now_ms - newest > MINUTE_MS:
        text = f"now is {(case.now_ms - newest) // 1000} s after the last signal arrived"
        yield Problem(Severity.WARNING, SNAPSHOT, text)


def _label_problems(folder: Path, contents: Contents) -> Iterator[Problem]:
    try:
        label = load_label(folder)
    except BadSnapshot as error:
        yield _error(error, LABEL)
        return
    window, now = contents.snapshot.manifest.window, contents.snapshot.now_ms
    moment = label.onset if label.onset is not None else now
    if not window.start <= moment <= window.end:
        yield Problem(Severity.ERROR, LABEL, f"onset {iso(moment)} lies outside the window")
        return
    what = "onset" if label.onset is not None else "now"
    if label.verdict is Verdict.DIAGNOSED and moment > now:
        yield Problem(Severity.ERROR, LABEL, "the onset lies after now: nothing had happened yet")
    if moment - window.start < BEFORE_ONSET_MS:
        text = f"only {(moment - window.start) // 1000} s before the {what}; at least {BEFORE_ONSET_MS // 1000} s"
        yield Problem(Severity.WARNING, SNAPSHOT, text)
    if label.onset is not None and window.end - moment < AFTER_ONSET_MS:
        text = f"only {(window.end - moment) // 1000} s after the onset; at least {AFTER_ONSET_MS // 1000} s"
        yield Problem(Severity.WARNING, SNAPSHOT, text)
    yield from _component_problems(label, contents)


def _component_problems(label: Label, contents: Contents) -> Iterator[Problem]:
    services = {service.name: service for service in contents.inventory.services}
    containers = contents.container_names()
    colours = {colour for service in services.values() for colour in service.colours}
    for index, cause in enumerate(label.causes):
        component = cause.component
        known = {ComponentKind.CONTAINER: containers, ComponentKind.SERVICE: set(services)}.get(component.kind)
        if known is not None and component.name not in known:
            yield Problem(Severity.ERROR, LABEL, f"causes.{index}: no {component.kind.value} {component.name}")
        if component.service and component.service not in services:
            yield Problem(Severity.ERROR, LABEL, f"causes.{index}: no service {component.service} in the inventory")
        if component.colour and component.colour not in colours:
            yield Problem(Severity.ERROR, LABEL, f"causes.{index}: no colour {component.colour} in the inventory")
    for action in (*label.actions.right, *label.actions.harmful):
        if action.target and action.target not in containers | set(services) | colours:
            text = f"actions: {action.target} is neither container nor service nor colour"
            yield Problem(Severity.WARNING, LABEL, text)


def _error(error: BadSnapshot, file: str) -> Problem:
    name, _, text = str(error).partition(": ")
    return Problem(Severity.ERROR, name, text) if text else Problem(Severity.ERROR, file, name)
