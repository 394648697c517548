"""The toolbox: the explicit list of questions, and the one place where an error becomes evidence.

A question never raises into the graph. Whatever goes wrong inside one, even a programming error, is answered as
evidence of status `failed` or `not_captured` that says what was asked.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from pydantic import BaseModel, ValidationError

from config.errors import CulpritError, NotCaptured, UnknownThing
from config.redact import redact
from tools import (
    activity,
    alerts,
    bluegreen,
    capacity,
    change_list,
    changes,
    clusters,
    containers,
    drift,
    free_query,
    health,
    host,
    inventory,
    limits,
    log_onset,
    logs,
    metrics,
    movers,
    onset,
    queue_depth,
    queues,
    roster,
    scaling,
    segments,
    silence,
    templates,
    work_rates,
)
from tools.evidence import MAX_TEXT, Evidence, Status
from tools.question import Answer, Question
from tools.sources.shortfall import collecting
from tools.world import Scope, World

QUESTIONS: tuple[Question, ...] = (
    onset.QUESTION,
    log_onset.QUESTION,
    activity.QUESTION,
    bluegreen.QUESTION,
    containers.QUESTION,
    metrics.QUESTION,
    changes.QUESTION,
    drift.QUESTION,
    capacity.QUESTION,
    scaling.QUESTION,
    clusters.QUESTION,
    health.QUESTION,
    host.QUESTION,
    movers.QUESTION,
    free_query.QUESTION,
    templates.QUESTION,
    segments.QUESTION,
    logs.QUESTION,
    silence.QUESTION,
    limits.QUESTION,
    queues.QUESTION,
    queue_depth.QUESTION,
    inventory.QUESTION,
    alerts.QUESTION,
)

CLUSTER = "cluster"
MAX_TOLD = 6
_log = structlog.get_logger(__name__)


# What a conversation asks about the present state, beside them: an investigation has its own, deeper questions.
STATE_QUESTIONS: tuple[Question, ...] = (roster.QUESTION, change_list.QUESTION, work_rates.QUESTION)


def question(name: str) -> Question:
    """The question of that name. Raises UnknownThing."""
    found = next((q for q in (*QUESTIONS, *STATE_QUESTIONS) if q.name == name), None)
    if found is None:
        raise UnknownThing(f"no question {name!r}; there are {', '.join(q.name for q in QUESTIONS)}")
    return found


def available(world: World) -> tuple[Question, ...]:
    """The questions this world has the sources for."""
    return tuple(q for q in QUESTIONS if q.available(world))


async def ask(
    name: str, arguments: Mapping[str, Any], world: World, scope: Scope, *, timeout_s: float = 20.0
) -> Evidence:
    """Ask one question; never raises. `timeout_s` bounds the whole question, its sub-queries together.

    An argument `cluster` asks the world of that cluster; what a source told as missing goes into the evidence.
    """
    started = time.monotonic()
    status, reason = Status.FAILED, ""
    try:
        asked = question(name)
        world, arguments = _where(world, arguments)
        missing = [s for s in asked.needs if getattr(world, s) is None]
        if missing:
            return _unanswered(name, arguments, world, scope, f"no {' and no '.join(missing)} source is configured")
        with collecting() as told:
            answer = await asyncio.wait_for(asked.ask(world, scope, _validated(asked, arguments)), timeout_s)
        return _evidence(name, arguments, world, scope, answer, told)
    except NotCaptured as error:
        status, reason = Status.NOT_CAPTURED, str(error)
    except TimeoutError:
        reason = f"no answer within {timeout_s:g} s"
    except ValidationError as error:
        reason = "the arguments are wrong: " + _problems(error)
    except CulpritError as error:
        reason = f"{type(error).__name__}: {error}"
    except Exception as error:  # noqa: BLE001 - the question boundary: nothing raises into the graph
        reason = f"{type(error).__name__} inside the question"
        _log.exception("question_broke", question=name)
    _log.info("question_unanswered", question=name, seconds=round(time.monotonic() - started, 3), reason=redact(reason))
    return _unanswered(name, arguments, world, scope, reason, status)


def _where(world: World, arguments: Mapping[str, Any]) -> tuple[World, Mapping[str, Any]]:
    """The world that the argument `cluster` names, and the other arguments. Raises UnknownThing."""
    named = arguments.get(CLUSTER)
    if named is None or not (world.siblings or world.cluster):
        return world, arguments
    rest = {k: v for k, v in arguments.items() if k != CLUSTER}
    if named in ("", world.cluster):
        return world, rest
    if named not in world.siblings:
        raise UnknownThing(f"no cluster {named!r}; there are {', '.join((world.cluster, *world.siblings))}")
    return world.siblings[named], rest


def _validated(asked: Question, arguments: Mapping[str, Any]) -> BaseModel:
    return asked.arguments.model_validate(dict(arguments))


def _problems(error: ValidationError) -> str:
    """Field and complaint of each problem; the values given are not repeated."""
    return "; ".join(f"{'.'.join(str(p) for p in e['loc']) or 'arguments'}: {e['msg']}" for e in error.errors()[:5])


def _evidence(
    name: str, arguments: Mapping[str, Any], world: World, scope: Scope, answer: Answer, told: Sequence[str] = ()
) -> Evidence:
    query: dict[str, Any] = {"arguments": dict(arguments), "queries": list(answer.queries)[:40]}
    notes = dict(answer.notes)
    text = answer.text
    if told:
        notes["incomplete"] = [redact(t) for t in told[:MAX_TOLD]]
        text = f"{text[: MAX_TEXT - 300]} Incomplete: {'; '.join(told[:MAX_TOLD])}."
    if notes:
        query["notes"] = notes
    text = text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"
    return Evidence(
        question=name,
        query=query,
        window=answer.window or (scope.baseline[0], scope.asked_at_ms),
        as_of_ms=scope.asked_at_ms if answer.as_of_ms is None else answer.as_of_ms,
        status=answer.status,
        text=redact(text),
        findings=answer.findings,
        cluster=world.cluster,
        charts=answer.charts,
    )


def _unanswered(
    name: str, arguments: Mapping[str, Any], world: World, scope: Scope, reason: str, status: Status = Status.FAILED
) -> Evidence:
    given = redact(", ".join(f"{k}={v!r}" for k, v in arguments.items())[:300])
    said = "was not captured" if status is Status.NOT_CAPTURED else "could not be answered"
    text = f"{name}({given}) {said}: {redact(reason)}"[:MAX_TEXT]
    return Evidence(
        question=name,
        query={"arguments": dict(arguments), "queries": []},
        window=(scope.baseline[0], scope.asked_at_ms),
        as_of_ms=scope.asked_at_ms,
        status=status,
        text=text,
        cluster=world.cluster,
    )


def tool_name(question_name: str) -> str:
    """`logs.activity` -> `logs_activity`: model servers accept letters, digits, _ and - only."""
    return question_name.replace(".", "_")
