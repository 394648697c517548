"""A fixed-depth tree that groups log lines into templates as they come (Drain: He, Zhu, Zheng, Lyu, ICWS 2017).

Differences from the paper, both so that one odd line among a million stays visible:

* A line is led by its number of words and its first unmasked word only.
* Where lines of a group differ in a word, that word becomes a wildcard only once it has taken more than VALUES values;
  until then each value is a variant with its own count. Drain would fold `connection refused` into
  `connection established` at once.

Memory is bounded by the number of groups and of variants a group, not by the number of lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tools.analysis.log_masks import ANY

VALUES = 12  # values a word may take before it is a wildcard
SIMILAR = 0.5  # share of equal words for a line to join a group
MAX_CHILDREN = 100  # first words of lines of one length that get a leaf of their own
MAX_GROUPS = 4_000
MAX_LEAF = 100  # groups of one leaf
MAX_VARIANTS = 300  # of one group
MAX_ALL_VARIANTS = 50_000
_THINNED = 8  # variants a group keeps when there are too many in all
_EXAMPLE = 400
_SHAPES = 50_000

Words = tuple[str, ...]


@dataclass
class Variant:
    """What was seen of one template: lines by window, the first line as it was, first and last time."""

    counts: list[int]
    example: str
    first_ns: int | None
    last_ns: int | None

    def absorb(self, other: Variant) -> None:
        """Add what another variant saw."""
        self.counts = [mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True)]
        self.first_ns = min((ns for ns in (self.first_ns, other.first_ns) if ns is not None), default=None)
        self.last_ns = max((ns for ns in (self.last_ns, other.last_ns) if ns is not None), default=None)


@dataclass
class Group:
    """Lines of one length that are alike: the values of each word (None: a wildcard) and the variants."""

    values: list[dict[str, None] | None]
    variants: dict[Words, Variant] = field(default_factory=dict)
    words: set[str] = field(default_factory=set)  # every value anywhere: tells at once that a line shares none

    def likeness(self, words: Words) -> float:
        """Share of the words that are no wildcard here and have a value seen before."""
        if self.words.isdisjoint(words) and any(values is not None for values in self.values):
            return 0.0
        fixed = same = 0
        for word, values in zip(words, self.values, strict=True):
            if values is not None:
                fixed += 1
                same += word in values
        return same / fixed if fixed else 1.0

    def key(self, words: Words) -> Words:
        """The variant a line belongs to."""
        return tuple(ANY if values is None else word for word, values in zip(words, self.values, strict=True))

    def learn(self, words: Words) -> bool:
        """Note the words; answers whether one of them became a wildcard."""
        widened = False
        for at, word in enumerate(words):
            values = self.values[at]
            if values is not None and word not in values:
                values[word] = None
                self.words.add(word)
                if len(values) > VALUES:
                    self._widen(at)
                    widened = True
        return self.thin(MAX_VARIANTS) or widened

    def thin(self, most: int) -> bool:
        """Widen the most varied words until there are at most that many variants; answers whether it had to."""
        widened = False
        while len(self.variants) > most:
            self._widen(max(range(len(self.values)), key=lambda at: (len(self.values[at] or ()), -at)))
            widened = True
        return widened

    def _widen(self, at: int) -> None:
        self.values[at] = None
        self.words = {word for known in self.values for word in known or ()}
        variants, self.variants = self.variants, {}
        for words, variant in variants.items():
            key = (*words[:at], ANY, *words[at + 1 :])
            if key in self.variants:
                self.variants[key].absorb(variant)
            else:
                self.variants[key] = variant


class TemplateTree:
    """Takes lines of `windows` windows, one after the other, into one set of groups, so that windows compare."""

    def __init__(self, windows: int = 1) -> None:
        self._windows = windows
        self._leaves: dict[tuple[int, str], list[Group]] = {}
        self._leads: dict[int, dict[str, None]] = {}
        self._shapes: dict[Words, Variant] = {}
        self._variants = 0
        self.groups: list[Group] = []

    def add(self, words: Words, line: str, ns: int | None = None, window: int = 0) -> None:
        """Count one line, given as its masked words and as it was."""
        variant = self._shapes.get(words)
        if variant is None:
            variant = self._place(words, line)
        variant.counts[window] += 1
        if ns is not None:
            variant.first_ns = ns if variant.first_ns is None or ns < variant.first_ns else variant.first_ns
            variant.last_ns = ns if variant.last_ns is None or ns > variant.last_ns else variant.last_ns

    def _place(self, words: Words, line: str) -> Variant:
        """The variant of words not seen in this form before."""
        group = self._group(words)
        if group.learn(words):
            self._shapes.clear()  # variants were joined: the ones remembered may be gone
        key = group.key(words)
        variant = group.variants.get(key)
        if variant is None:
            variant = Variant([0] * self._windows, line[:_EXAMPLE], None, None)
            group.variants[key] = variant
            self._variants += 1
            if self._variants > MAX_ALL_VARIANTS:
                self._thin()
                return self._place(words, line)
        if len(self._shapes) >= _SHAPES:
            self._shapes.clear()
        self._shapes[words] = variant
        return variant

    def _thin(self) -> None:
        for group in self.groups:
            group.thin(_THINNED)
        self._variants = sum(len(group.variants) for group in self.groups)
        self._shapes.clear()

    def _group(self, words: Words) -> Group:
        """The group most like a line, or a new one. When there may be no more groups, the most like in reach."""
        leaf = self._leaves.setdefault(self._leaf(words), [])
        best = max(leaf, key=lambda group: group.likeness(words), default=None)
        full = len(self.groups) >= MAX_GROUPS
        if best is not None and (full or len(leaf) >= MAX_LEAF or best.likeness(words) >= SIMILAR):
            return best
        if full:
            return self._last_resort(words)
        return self._new_group(leaf, [{word: None} for word in words])

    def _last_resort(self, words: Words) -> Group:
        """One group of nothing but wildcards for each number of words."""
        leaf = self._leaves.setdefault((len(words), ""), [])
        return leaf[0] if leaf else self._new_group(leaf, [None] * len(words))

    def _new_group(self, leaf: list[Group], values: Sequence[dict[str, None] | None]) -> Group:
        group = Group(list(values), words={word for known in values for word in known or ()})
        leaf.append(group)
        self.groups.append(group)
        return group

    def _leaf(self, words: Words) -> tuple[int, str]:
        """Number of words and first unmasked word; past MAX_CHILDREN of these, further ones share a leaf."""
        length = len(words)
        word = next((word for word in words if "<" not in word), ANY)
        leads = self._leads.setdefault(length, {})
        if word not in leads:
            if len(leads) >= MAX_CHILDREN:
                return length, ANY
            leads[word] = None
        return length, word
