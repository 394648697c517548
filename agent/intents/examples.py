"""The example sentences of each intent: patterns in two YAML files, written out into sentences."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml

from agent.intents.intent import Intent

MOST = 12  # sentences of one pattern
_CHOICE = re.compile(r"\(([^()]*)\)")
_STRIDE = 7919  # a prime, so that the sentences taken are spread over all choices


@dataclass(frozen=True)
class Example:
    """The sentences of one pattern, which belong together. X stands for a name, C for a colour and T for a time."""

    sentences: tuple[str, ...]
    intent: Intent
    lang: str


@lru_cache
def examples() -> tuple[Example, ...]:
    """All of them, in the order of the files: deterministic, so that the router is too."""
    out: list[Example] = []
    for lang in ("ko", "en"):
        text = (Path(__file__).parent / f"examples_{lang}.yaml").read_text(encoding="utf-8")
        patterns = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        for name, lines in patterns.items():
            for line in lines:
                out.append(Example(tuple(dict.fromkeys(written_out(line))), Intent(name), lang))
    return tuple(out)


def written_out(pattern: str, most: int = MOST) -> Iterator[str]:
    """At most `most` sentences of a pattern, spread evenly over its choices."""
    parts = _CHOICE.split(pattern)
    choices = [part.split("|") if i % 2 else [part] for i, part in enumerate(parts)]
    total = 1
    for options in choices:
        total *= len(options)
    if total <= most:
        yield from (" ".join("".join(c).split()) for c in itertools.product(*choices))
        return
    for n in range(most):
        index, words = n * _STRIDE + n * (total // most), []
        for position, options in enumerate(choices):
            index, pick = divmod(index + n * position, len(options))
            words.append(options[pick])
        yield " ".join("".join(words).split())


@lru_cache
def common_words() -> frozenset[str]:
    """Latin words of the examples: everyday words, which are never taken for a mistyped name."""
    return frozenset(w for e in examples() for s in e.sentences for w in re.findall(r"[a-z']+", s.lower()))


@lru_cache
def common_korean() -> frozenset[str]:
    """Korean words of the examples, with and without their last syllable or two: never the sound of a name."""
    words = {w for e in examples() for s in e.sentences for w in re.findall(r"[가-힣]{2,}", s)}
    return frozenset(words | {w[:-1] for w in words} | {w[:-2] for w in words})
