"""Log templates: what kinds of lines there are, and which are new, gone or more frequent between two windows.

Both windows are put into one tree (`template_tree.py`), so that a template means the same in both. Lines are strings,
or (ns, line) pairs where first and last times are wanted.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass

from tools.analysis.log_masks import ANY
from tools.analysis.log_words import LineReader
from tools.analysis.template_tree import Group, TemplateTree, Variant, Words

Line = str | tuple[int, str]

SHIFT_SCORE = 4.0  # standard deviations
SHIFT_RATIO = 1.5  # and at least so many times more or less often
EXPECTED_TO_MISS = 5.0  # lines that should have come, for a template to count as gone
_DIVERSE = 0.2  # share of values among lines from which a word is taken for a name, not for a kind
_FEW_VALUES = 4


@dataclass(frozen=True)
class Template:
    """One kind of line. `id` is a hash of `text`; `example` is the first such line, cut; times in Unix ns if known."""

    id: str
    text: str
    count: int
    example: str
    first_ns: int | None = None
    last_ns: int | None = None


@dataclass(frozen=True)
class TemplateChange:
    """A template in two windows: lines and lines a second. `score` is the difference in standard deviations.

    `alike` is how many templates of the same group the first window had: a new template with none is a new kind of
    line, with some it may be a new value of a known kind.
    """

    template: Template
    before: int
    after: int
    rate_before: float
    rate_after: float
    score: float
    alike: int


@dataclass(frozen=True)
class TemplateComparison:
    """`new` were not there before, `vanished` are no longer, `shifted` changed their rate; each by weight, heaviest
    first. `lines_before` and `lines_after` count all lines.
    """

    new: tuple[TemplateChange, ...]
    vanished: tuple[TemplateChange, ...]
    shifted: tuple[TemplateChange, ...]
    lines_before: int
    lines_after: int


def mine(lines: Iterable[Line], *, most: int = 1_000) -> list[Template]:
    """Templates of the lines, most frequent first, `most` at most. The same lines give the same templates."""
    tree = TemplateTree()
    _feed(tree, lines, 0)
    found = [_template(words, variant) for group in tree.groups for words, variant in _settled(group)]
    return sorted(found, key=lambda one: (-one.count, one.text))[:most]


def compare(
    before: Iterable[Line],
    after: Iterable[Line],
    *,
    seconds_before: float,
    seconds_after: float,
    settled_ns: int | None = None,
) -> TemplateComparison:
    """Templates of two windows of the given lengths, and what changed between them.

    `settled_ns`: a line last seen before it is gone, though the second window begins a little earlier.
    """
    tree = TemplateTree(windows=2)
    lines_before, lines_after = _feed(tree, before, 0), _feed(tree, after, 1)
    changes = [change for group in tree.groups for change in _changes(_settled(group), seconds_before, seconds_after)]
    ordered = sorted(changes, key=lambda one: (one.alike > 0, -abs(one.score), one.template.text))
    steady = sorted(changes, key=lambda one: (-abs(one.score), one.template.text))
    return TemplateComparison(
        new=tuple(one for one in ordered if one.before == 0),
        vanished=tuple(
            one for one in steady if _gone(one, settled_ns) and one.rate_before * seconds_after >= EXPECTED_TO_MISS
        ),
        shifted=tuple(one for one in steady if one.before and not _gone(one, settled_ns) and _is_shift(one)),
        lines_before=lines_before,
        lines_after=lines_after,
    )


def template_id(text: str) -> str:
    """Twelve hexadecimal digits that depend on the text alone."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12]


def rate_score(before: int, after: int, seconds_before: float, seconds_after: float) -> float:
    """How many standard deviations apart two Poisson rates are, by the square-root transform (Huffman 1984)."""
    share = seconds_after / seconds_before
    return 2 * (math.sqrt(after + 0.375) - math.sqrt((before + 0.375) * share)) / math.sqrt(1 + share)


def _feed(tree: TemplateTree, lines: Iterable[Line], window: int) -> int:
    words = LineReader().words
    count = 0
    for item in lines:
        ns, line = (None, item) if isinstance(item, str) else item
        tree.add(words(line), line, ns, window)
        count += 1
    return count


def _settled(group: Group) -> list[tuple[Words, Variant]]:
    """The group's variants, once words with many values for few lines are seen as names and made wildcards."""
    lines = sum(sum(variant.counts) for variant in group.variants.values())
    diverse = {
        at
        for at, values in enumerate(group.values)
        if values is not None and len(values) >= _FEW_VALUES and len(values) > _DIVERSE * lines
    }
    if not diverse:
        return list(group.variants.items())
    joined: dict[Words, Variant] = {}
    for words, variant in group.variants.items():
        key = tuple(ANY if at in diverse else word for at, word in enumerate(words))
        if key in joined:
            joined[key].absorb(variant)
        else:
            joined[key] = Variant(list(variant.counts), variant.example, variant.first_ns, variant.last_ns)
    return list(joined.items())


def _template(words: Words, variant: Variant) -> Template:
    text = " ".join(words)
    return Template(template_id(text), text, sum(variant.counts), variant.example, variant.first_ns, variant.last_ns)


def _changes(
    variants: list[tuple[Words, Variant]], seconds_before: float, seconds_after: float
) -> Iterable[TemplateChange]:
    known = sum(1 for _, variant in variants if variant.counts[0])
    for words, variant in variants:
        before, after = variant.counts
        yield TemplateChange(
            template=_template(words, variant),
            before=before,
            after=after,
            rate_before=before / seconds_before,
            rate_after=after / seconds_after,
            score=rate_score(before, after, seconds_before, seconds_after),
            alike=known - (before > 0),
        )


def _gone(change: TemplateChange, settled_ns: int | None) -> bool:
    last = change.template.last_ns
    return change.after == 0 or (settled_ns is not None and last is not None and last < settled_ns)


def _is_shift(change: TemplateChange) -> bool:
    ratio = change.rate_after / change.rate_before
    return abs(change.score) >= SHIFT_SCORE and not 1 / SHIFT_RATIO < ratio < SHIFT_RATIO
