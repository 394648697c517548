"""What the router cannot place, a configured model answers: through the same graph, with the same verifier."""

from __future__ import annotations

from dataclasses import replace

from agent.analyst import NAME as ANALYST
from agent.answers.asking import Asking
from agent.incident import Incident, Severity, Signal, SignalKind
from agent.intents.intent import Intent
from agent.investigate import Investigation
from agent.memory import QUESTION, Memory, recalling
from agent.reply import Answer


async def answer_by_model(investigation: Investigation, asking: Asking, memory: Memory | None = None) -> Answer:
    """Runs the graph on the question, with what the thread has established. What the analyst concluded instead of the
    model is no answer, and said so."""
    if memory is not None and memory.turns:
        investigation = _with_thread(investigation, memory)
    signal = Signal(kind=SignalKind.QUESTION, fingerprint=f"question-{asking.at_ms}", received_ms=asking.at_ms,
                    starts_ms=asking.at_ms, title=asking.text[:200], text=asking.text, lang=asking.lang,
                    severity=Severity.INFO)
    incident = Incident(f"question-{asking.at_ms}", signal.fingerprint, (signal,), Severity.INFO, asking.at_ms)
    diagnosis = await investigation.investigate(incident, run_id=incident.id, asked_at_ms=asking.at_ms)
    asking.evidence = {e["id"]: e for e in diagnosis.evidence}
    asking.gaps += list(diagnosis.gaps)
    if diagnosis.usage.model.split(" + ")[-1] == ANALYST:
        asking.say("model_failed")
        asking.say("help")
        return asking.answer(Intent.OUT_OF_SCOPE.value)
    for claim in diagnosis.claims:
        asking.repeat(claim, claim.text)
    return asking.answer("model")


def _with_thread(investigation: Investigation, memory: Memory) -> Investigation:
    """The earlier turns as reference data, and a question that gives back what they rested on."""
    told = f"{investigation.site}\nEarlier in this thread:\n{memory.text()}".strip()
    return replace(investigation, site=told, questions=(*investigation.questions, QUESTION),
                   ask=recalling(memory, investigation.ask))
