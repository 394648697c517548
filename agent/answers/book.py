"""Which function answers which intent, and which of them need a service or container to be named."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from agent.answers import happened, incident, load, safety, state, talk
from agent.answers.asking import Asking
from agent.intents.intent import Intent

BOOK: Mapping[Intent, Callable[[Asking], Awaitable[None]]] = {
    Intent.ACTIVE_COLOUR: state.active_colour,
    Intent.WHAT_RUNS: state.what_runs,
    Intent.CHANGES: happened.changes,
    Intent.SAFE_TO_STOP: safety.safe_to_stop,
    Intent.STATUS: incident.status,
    Intent.WHY: incident.why,
    Intent.SINCE: incident.since,
    Intent.GAPS: incident.gaps,
    Intent.OWNER: state.owner,
    Intent.WHERE: state.where,
    Intent.CAPACITY: load.capacity,
    Intent.ERRORS: load.errors,
    Intent.LATENCY: load.latency,
    Intent.QUEUE: load.queue,
    Intent.CONSUMERS: load.consumers,
    Intent.RESOURCES: load.resources,
    Intent.LOGS: happened.logs,
    Intent.COMPARE: state.compare,
    Intent.VERSION: state.version,
    Intent.RESTARTS: happened.restarts,
    Intent.RECOVERED: incident.recovered,
    Intent.IMPACT: incident.impact,
    Intent.SIMILAR: incident.similar,
    Intent.ADVICE: incident.advice,
    Intent.INVENTORY: state.inventory,
    Intent.HELP: talk.helping,
    Intent.GREETING: talk.greeting,
    Intent.THANKS: talk.thanks,
    Intent.FEEDBACK: talk.feedback,
    Intent.COMMAND: safety.command,
    Intent.OUT_OF_SCOPE: talk.out_of_scope,
}
NEEDS_A_NAME = frozenset((Intent.WHAT_RUNS, Intent.OWNER, Intent.SAFE_TO_STOP))
