"""What a thread has established, short enough to be sent with every further question: facts by id, not old prose.

Each answer's evidence gets an id that holds for the whole thread (`T2.E3`: third evidence of the second answer). What
was cited is sent as a line of its strongest findings; the rest by id only, to be asked for with `thread.evidence`.
Written when an answer has been sent, so that nobody waits for it, and by code, so that no fact is paraphrased.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict

from agent.deps import Ask
from agent.reply import Answer
from agent.wire import sanitised
from config.errors import UnknownThing
from tools.evidence import Evidence, Status, finding_row, iso
from tools.findings import Finding
from tools.question import Answer as Told
from tools.question import Question
from tools.world import Scope, World

MOST_TURNS = 20
QUESTION_CHARS, LINE_CHARS = 80, 110
RECALL = "thread.evidence"


class EvidenceId(BaseModel):
    """`id` as the summary of the thread gives it."""

    model_config = ConfigDict(extra="forbid")
    id: str


@dataclass
class Memory:
    """One thread's. `turns` are compacted answers; `evidence` maps thread-wide ids to `Evidence.as_dict`."""

    turns: list[str] = field(default_factory=list)
    evidence: dict[str, dict[str, Any]] = field(default_factory=dict)
    answers: int = 0

    def add(self, question: str, answer: Answer) -> None:
        """Keep what was answered. What is shorter than its summary is kept as it is."""
        self.answers += 1
        cited = {i for c in answer.claims for i in c.evidence}
        lines = [f"T{self.answers} asked: {sanitised(question)[:QUESTION_CHARS]}"]
        for e in answer.evidence:
            name = f"T{self.answers}.{e['id']}"
            self.evidence[name] = e
            lines.append(_line(name, e, told=e["id"] in cited))
        full = whole_turn(question, answer)
        summary = "\n".join(lines)
        self.turns.append(summary if len(summary.encode()) < len(full.encode()) else full)
        for dropped in self.turns[:-MOST_TURNS]:
            self._forget(dropped)

    def text(self) -> str:
        """The earlier turns as reference data for a model; "" for a new thread."""
        return "\n".join(self.turns)

    def table(self, name: str) -> str:
        """The evidence of that id, as a model was first sent it. Raises UnknownThing."""
        if name not in self.evidence:
            raise UnknownThing(f"no evidence {name!r} in this thread; there are {', '.join(self.evidence)}")
        return _table(name, self.evidence[name])

    def _forget(self, turn: str) -> None:
        self.turns.remove(turn)
        number = turn.split()[0]
        self.evidence = {k: v for k, v in self.evidence.items() if k.partition(".")[0] != number}


class Memories:
    """The memories of the threads talked in last. What falls out, or a restart, costs a thread its summary only."""

    def __init__(self, most: int = 200) -> None:
        self._most = most
        self._kept: dict[tuple[str, str], Memory] = {}

    def of(self, channel: str, thread: str) -> Memory:
        """The thread's own, a new one if it has none."""
        memory = self._kept.pop((channel, thread), None) or Memory()
        self._kept[channel, thread] = memory
        while len(self._kept) > self._most:
            self._kept.pop(next(iter(self._kept)))
        return memory


def whole_turn(question: str, answer: Answer) -> str:
    """What a thread without memory would carry of one turn: question, answer and the evidence it was given."""
    tables = [_table(e["id"], e) for e in answer.evidence]
    return sanitised("\n".join([question, *answer.say, *(c.text for c in answer.claims), *tables]))


def _table(name: str, e: Mapping[str, Any]) -> str:
    """What `Evidence.table` says, of evidence that was stored, under a name of the thread's."""
    rows = [finding_row(Finding.from_dict(f)) for f in e["findings"]]
    return "\n".join([f"{name} {e['question']} {e['status']}: {e['text']}", *rows])


def recalling(memory: Memory, ask: Ask) -> Ask:
    """Answers `thread.evidence` from the thread and everything else as before."""

    async def asked(
        name: str, arguments: Mapping[str, Any], world: World, scope: Scope, *, timeout_s: float = 20.0
    ) -> Evidence:
        if name != RECALL:
            return await ask(name, arguments, world, scope, timeout_s=timeout_s)
        wanted = str(arguments.get("id", ""))
        window = (scope.baseline[0], scope.asked_at_ms)
        query = {"arguments": dict(arguments), "queries": []}
        try:
            memory.table(wanted)
        except UnknownThing as error:
            return Evidence(question=name, query=query, window=window, as_of_ms=scope.asked_at_ms,
                            status=Status.FAILED, text=str(error)[:400], cluster=world.cluster)
        kept = memory.evidence[wanted]
        return Evidence(question=name, query=query, window=window, as_of_ms=scope.asked_at_ms,
                        status=Status(kept["status"]), text=f"{wanted}: {kept['text']}",
                        findings=tuple(Finding.from_dict(f) for f in kept["findings"]), cluster=kept["cluster"])

    return asked


async def _never_asked(_world: World, _scope: Scope, _arguments: EvidenceId) -> Told:
    raise UnknownThing("this thread has no memory")


QUESTION = Question(
    name=RECALL, asks="What did an earlier answer of this thread rest on? `id` as given, such as T2.E3.", needs=(),
    finds=(), cost_s=0.0, arguments=EvidenceId, ask=_never_asked,
)


def _line(name: str, e: Mapping[str, Any], *, told: bool) -> str:
    """The strongest findings of cited evidence in short; of the rest the id and the question."""
    if not told:
        return f"{name} {e['question']}"
    findings = sorted((Finding.from_dict(f) for f in e["findings"]), key=lambda f: -f.strength)
    said = "; ".join(_short(f) for f in findings) or sanitised(str(e["text"]))
    return f"{name} {e['question']}: {said[:LINE_CHARS]}"


def _short(f: Finding) -> str:
    who = f.subject.container or f.subject.service or f.subject.host or f.subject.cluster
    value = "" if f.value is None else f" {f.value:.4g}" + ("" if f.baseline is None else f" (was {f.baseline:.4g})")
    since = "" if f.since_ms is None else f" @{iso(f.since_ms)[11:19]}"
    return f"{f.kind} {who}{value}{since}"
