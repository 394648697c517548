"""Commands from typed templates, with validated, quoted names only. Nothing here runs anything.

A name that is not a plain container or service name gets no command: the action says so instead.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Sequence

from agent.action import Action, Step
from agent.codes import ActionKind
from agent.draft import Proposal
from agent.prose import sentence, tell
from tools.findings import Finding
from tools.sources.inventory import Inventory

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}\Z")
CAPACITY_KINDS = ("capacity_enough", "capacity_short")

def render(
    proposals: Iterable[Proposal], *, findings: Sequence[Finding], inventory: Inventory, lang: str = "en"
) -> tuple[Action, ...]:
    """Typed actions with steps, risk, verify and undo. Targets no finding names are dropped (verify has said so)."""
    renderer = _Renderer(findings, inventory, lang)
    out: list[Action] = []
    for proposal in proposals:
        action = renderer.action(proposal)
        if action not in out:
            out.append(action)
    return tuple(out)


class _Renderer:
    def __init__(self, findings: Sequence[Finding], inventory: Inventory, lang: str) -> None:
        self.findings, self.inventory, self.lang = findings, inventory, lang

    def action(self, proposal: Proposal) -> Action:
        recipes: dict[ActionKind, Callable[[Proposal], Action]] = {
            ActionKind.STOP_CONTAINER: self._stop,
            ActionKind.RESTART_CONTAINER: lambda p: self._simple(p, "restart", "docker restart --time 60 {}", "medium"),
            ActionKind.START_CONTAINER: lambda p: self._simple(p, "start", "docker start {}", "low", "docker stop {}"),
            ActionKind.PAUSE_CONTAINER: self._pause,
            ActionKind.ISOLATE_CONTAINER: self._isolate,
            ActionKind.CUT_TRAFFIC: self._cut,
            ActionKind.NONE: self._nothing,
            ActionKind.COLLECT_MORE: self._collect,
        }
        if any(not _NAME.match(t) for t in proposal.targets):
            return self._manual(proposal)
        return recipes.get(proposal.kind, self._manual)(proposal)

    def _stop(self, p: Proposal) -> Action:
        name = p.targets[0] if p.targets else ""
        short = any(f.kind == "capacity_short" for f in self.findings)
        steps = self._capacity_steps(p.targets) if p.precondition == "capacity" else []
        steps.append(Step(command=f"docker stop --time 60 {_quoted(p.targets)}", why=self._say("stop", name=name)))
        risk = self._say("stop_risk_short", name=name) if short else self._say("stop_risk", level=self._say("low"))
        return Action(kind=p.kind, targets=p.targets, steps=(*steps, *self._durable(p)), risk=risk,
                      verify=self._verify_idle(name), undo=f"docker start {_quoted(p.targets)}")

    def _capacity_steps(self, leaving: Sequence[str]) -> list[Step]:
        """The precondition: what must carry the load alone, whether it can, and room first where it cannot."""
        facts = [f for f in self.findings if f.kind in CAPACITY_KINDS]
        facts = [f for f in facts if set(f.extra.get("leaving", ())) == set(leaving)]
        peers = self._staying(leaving, facts)
        fact = tell(facts[-1], self.lang) if facts else self._say("capacity_unknown")
        look = f"docker stats --no-stream {_quoted(peers)}" if peers else "docker stats --no-stream"
        steps = [Step(command=look, why=self._say("capacity", peers=", ".join(peers) or "?", fact=fact))]
        if any(f.kind == "capacity_short" for f in facts) and peers:
            limit = "docker inspect --format '{{.HostConfig.NanoCpus}}' " + _quoted(peers)
            steps.append(Step(command=limit, why=self._say("scale")))
        return steps

    def _staying(self, leaving: Sequence[str], facts: Sequence[Finding]) -> list[str]:
        """Who would carry the load: as the capacity question saw it, else peers with a working role."""
        if facts:
            return [m for m in facts[-1].extra.get("staying", ()) if _NAME.match(m)]
        service = self.inventory.service_of(leaving[0]) if leaving else None
        seen = {f.subject.container for f in self.findings if f.subject.role in ("active", "both")}
        members = service.members() if service else ()
        return [m for m in members if m not in leaving and m in seen and _NAME.match(m)]

    def _verify_idle(self, name: str) -> str:
        service = self.inventory.service_of(name)
        pattern = service.work.done if service and service.work else None
        count = "wc -l"
        if pattern is not None:
            flag, text = ("-cE", pattern.regex) if pattern.regex else ("-cF", pattern.contains)
            count = f"grep {flag} {shlex.quote(text)}"
        return f"docker logs --since 10m {_quoted([name])} 2>&1 | {count}  # {self._say('verify_idle')}"

    def _simple(self, p: Proposal, text: str, command: str, risk: str, undo: str = "") -> Action:
        quoted, name = _quoted(p.targets), ", ".join(p.targets)
        return Action(kind=p.kind, targets=p.targets, risk=self._say(risk),
                      steps=(Step(command=command.format(quoted), why=self._say(text, name=name)), *self._durable(p)),
                      verify=f"docker ps --filter name={_quoted(p.targets[:1])}  # {self._say('running')}",
                      undo=undo.format(quoted))

    def _pause(self, p: Proposal) -> Action:
        return self._simple(p, "pause", "docker pause {}", "medium", "docker unpause {}")

    def _isolate(self, p: Proposal) -> Action:
        name = p.targets[0] if p.targets else ""
        q = _quoted([name])
        saving = f"docker logs --timestamps {q} > {q}.log 2>&1; docker top {q} > {q}.top"
        networks = "$(docker inspect --format '{{range $k, $v := .NetworkSettings.Networks}}{{$k}} {{end}}' " + q + ")"
        cutting = f'for n in {networks}; do docker network disconnect "$n" {q}; done'
        return Action(
            kind=p.kind, targets=p.targets, risk=self._say("medium"),
            steps=(
                Step(command=saving, why=self._say("save_logs")),
                Step(command=cutting, why=self._say("isolate", name=name)),
                Step(command=f"docker pause {q}", why=self._say("pause", name=name)),
                *self._durable(p),
            ),
            verify=f"docker stats --no-stream {q}  # {self._say('gone')}", undo=f"docker unpause {q}",
        )

    def _cut(self, p: Proposal) -> Action:
        """At the balancer, which nobody here may write: the capacity of the others first."""
        facts = [f for f in self.findings if f.kind in CAPACITY_KINDS and f.extra.get("leaving") in p.targets]
        fact = tell(facts[-1], self.lang) if facts else self._say("capacity_unknown")
        others = ", ".join(map(str, facts[-1].extra.get("staying", ()))) if facts else "?"
        short = any(f.kind == "capacity_short" for f in facts)
        steps = (Step(command="", why=self._say("capacity", peers=others, fact=fact)),
                 Step(command="", why=self._say("manual")))
        return Action(kind=p.kind, targets=p.targets, steps=(*steps, *self._durable(p)),
                      risk=self._say("high" if short or not facts else "medium"), verify=self._say("gone"), undo="")

    def _nothing(self, p: Proposal) -> Action:
        return Action(kind=p.kind, targets=(), steps=(), risk="", verify="", undo="", needs_approval=False)

    def _collect(self, p: Proposal) -> Action:
        step = Step(command="", why=self._say("collect"))
        return Action(kind=p.kind, targets=p.targets, steps=(step, *self._durable(p)), risk="", verify="", undo="",
                      needs_approval=False)

    def _manual(self, p: Proposal) -> Action:
        plain = [t for t in p.targets if _NAME.match(t)]
        inspect = [Step(command=f"docker inspect {_quoted([t])}", why=self._say("inspect")) for t in plain]
        return Action(kind=p.kind, targets=p.targets, risk=self._say("manual"), verify=self._say("gone"), undo="",
                      steps=(*inspect, *self._durable(p)))

    def _durable(self, p: Proposal) -> tuple[Step, ...]:
        advice = p.durable_fix.get(self.lang) or p.durable_fix.get("en", "")
        return (Step(command="", why=f"{self._say('durable')}: {advice}"),) if advice else ()

    def _say(self, key: str, **values: str) -> str:
        return sentence(f"action.{key}", values, self.lang)


def _quoted(names: Iterable[str]) -> str:
    return " ".join(shlex.quote(n) for n in names)
