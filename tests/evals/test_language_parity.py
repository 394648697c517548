"""Korean and English say the same: one language-neutral diagnosis, two wordings."""

import re
from pathlib import Path
from typing import Any

import pytest

from agent.diagnosis import Diagnosis
from evals.case import find_cases, load_case
from evals.run import investigate_case

CASES = Path(__file__).resolve().parents[2] / "evals" / "cases"
FEW = ("f01-a", "f09-b", "f22-a")
NUMBER = re.compile(r"\d+(?:\.\d+)?")
HANGUL = re.compile(r"[가-힣]")


async def both(folder: Path) -> tuple[Diagnosis, Diagnosis]:
    case = load_case(folder)
    return await investigate_case(case, lang="en"), await investigate_case(case, lang="ko")


def neutral(found: Diagnosis) -> dict[str, Any]:
    """Everything but the wording: verdict, times, causes, claims by key and values, commands without their remarks."""
    return {
        "verdict": found.verdict, "onset": found.onset,
        "causes": [(h.status, h.component, h.category, h.confidence, h.supports, h.refutes) for h in found.hypotheses],
        "claims": [(c.key, c.values, c.evidence) for c in found.claims],
        "moments": [(m.at, m.evidence) for m in found.timeline],
        "gaps": [g.what for g in found.gaps],
        "commands": [(a.kind, a.targets, [s.command.partition("  # ")[0] for s in a.steps], a.undo)
                     for a in found.actions],
    }


def says_the_same(english: Diagnosis, korean: Diagnosis) -> None:
    assert neutral(korean) == neutral(english)
    for one, other in zip(english.claims, korean.claims, strict=True):
        assert sorted(NUMBER.findall(one.text)) == sorted(NUMBER.findall(other.text)), (one.text, other.text)
    sentences = [c.text for c in korean.claims] + [h.mechanism for h in korean.hypotheses]
    assert all(HANGUL.search(s) for s in sentences)


@pytest.mark.parametrize("name", FEW)
async def test_both_languages_agree(name: str) -> None:
    """Same verdict, numbers, commands and identifiers; every Korean sentence is Korean."""
    says_the_same(*await both(CASES / name))


@pytest.mark.live
@pytest.mark.parametrize("folder", find_cases(CASES), ids=lambda f: f.name)
async def test_both_languages_agree_on_every_case(folder: Path) -> None:
    """The same on all bundled cases."""
    says_the_same(*await both(folder))
