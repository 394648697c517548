"""One question in words from the command line: answered by the conversation, printed with its evidence."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable

from rich.console import Console, Group, RenderableType
from rich.text import Text

from agent.conversation import Answer, Conversation
from agent.investigate import Investigation
from agent.prose import sentence

ZONE = "UTC"  # the command line is asked in UTC, as its reports are told


async def ask_once(investigation: Investigation, text: str, *, at_ms: int, lang: str) -> Answer:
    """The conversation's answer; its `wants_investigation` says that the graph should be run on the question."""
    conversation = Conversation(world=investigation.world, investigation=investigation)
    return await conversation.reply(text, at_ms=at_ms, zone=ZONE, lang=lang or None)


def print_answer(answer: Answer, *, as_json: bool) -> None:
    """JSON on standard output, or text: what is said, claims with their evidence, text to copy, gaps."""
    if as_json:
        sys.stdout.write(json.dumps(answer.as_dict(), ensure_ascii=False, indent=2) + "\n")
        return
    Console().print(Group(*_lines(answer)))


def _lines(answer: Answer) -> Iterable[RenderableType]:
    for said in answer.say:
        yield Text(said, style="bold")
    for claim in answer.claims:
        line = Text(f"  • {claim.text}")
        line.append(f"  [{', '.join(claim.evidence)}]", style="dim")
        yield line
    for choice in answer.choices:
        yield Text(f"  ? {choice}")
    for command in answer.copy:
        yield Text(f"  $ {command}", style="green")
    if answer.gaps:
        yield Text(sentence("gaps", {}, answer.lang), style="bold")
        yield from (Text(f"  · {gap.what}: {gap.why}") for gap in answer.gaps)
    if answer.evidence:
        yield Text(sentence("evidence", {}, answer.lang), style="bold")
        yield from (Text(f"  {e['id']} {e['question']} {e['as_of']} {e['status']}: {e['text'][:200]}", style="dim")
                    for e in answer.evidence)
