"""Remembered answers: a recorded world answers the same question the same, so a replay asks it once.

One file a case, one line an answer. The file's name holds a fingerprint of the questions' own code, so that answers of
other code are never taken for today's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from tools import toolbox
from tools.evidence import Evidence, Status
from tools.findings import Finding, Subject
from tools.world import Scope, World


class Answers:
    """An `Ask` for one case that remembers in `folder`. Charts are not kept: inference does not read them."""

    def __init__(self, folder: Path, case: str) -> None:
        self._path = folder / f"{case}-{code_fingerprint()}.jsonl"
        self._known: dict[str, Evidence] = {}
        self.missed = 0  # answered by the world itself since it was last set to 0
        if self._path.exists():
            for line in self._path.read_text(encoding="utf-8").splitlines():
                row = json.loads(line)
                self._known[row["key"]] = _evidence(row["answer"])

    async def __call__(self, name: str, arguments: Mapping[str, Any], world: World, scope: Scope, *,
                       timeout_s: float = 20.0) -> Evidence:
        """The remembered answer, or the world's own. One that failed is not kept for other processes."""
        key = json.dumps([name, dict(arguments), scope.asked_at_ms, scope.incident, scope.baseline], sort_keys=True)
        if key not in self._known:
            answer = await toolbox.ask(name, arguments, world, scope, timeout_s=timeout_s)
            self._known[key] = replace(answer, charts=())
            if answer.status is not Status.FAILED:
                self.missed += 1
                self._path.parent.mkdir(parents=True, exist_ok=True)
                with self._path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"key": key, "answer": _data(answer)}, ensure_ascii=False) + "\n")
        return self._known[key]


@lru_cache
def code_fingerprint() -> str:
    """Of every source file of the questions."""
    digest = hashlib.sha256()
    for path in sorted(Path(toolbox.__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _data(answer: Evidence) -> dict[str, Any]:
    """Whole numbers and strengths as they are: `Evidence.as_dict` rounds them for people."""
    findings = [{**f.__dict__, "subject": f.subject.as_dict(), "extra": dict(f.extra)} for f in answer.findings]
    fields = {k: v for k, v in answer.__dict__.items() if k not in ("charts", "findings", "status", "query")}
    return {**fields, "query": dict(answer.query), "status": answer.status.value, "findings": findings}


def _evidence(data: Mapping[str, Any]) -> Evidence:
    findings = tuple(Finding(**{**f, "subject": Subject(**f["subject"])}) for f in data["findings"])
    window = (int(data["window"][0]), int(data["window"][1]))
    return Evidence(**{**data, "window": window, "status": Status(data["status"]), "findings": findings})
