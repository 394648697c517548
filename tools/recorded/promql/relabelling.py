"""label_replace and label_join."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from config.errors import QueryError
from tools.recorded.promql.frame import Frame
from tools.recorded.promql.grammar import is_label_name
from tools.recorded.promql.regexes import compile_full
from tools.recorded.promql.semantics import Semantics
from tools.recorded.promql.vocabulary import Vocabulary

_REFERENCE = re.compile(r"\$(?:(\$)|\{([\w]+)\}|([\w]+))")


def label_replace(frame: Frame, texts: Sequence[str], semantics: Semantics, vocabulary: Vocabulary) -> Frame:
    """texts: target label, replacement, source label, expression. Series whose source does not match are left alone."""
    target, replacement, source, expression = texts
    pattern = compile_full(expression, semantics.dot_matches_newline)
    if not is_label_name(target, semantics):
        raise QueryError(f"invalid destination label name in label_replace(): {target}")
    expand = _expander(replacement, pattern)
    codes = frame.labels.column(source)
    new = frame.labels.column(target).copy()
    for code in np.unique(codes).tolist():
        match = pattern.fullmatch(vocabulary.text(code))
        if match is not None:
            new[codes == code] = vocabulary.code(expand(match))
    return _settled(replace(frame, labels=frame.labels.with_column(target, new)), semantics)


def label_join(frame: Frame, texts: Sequence[str], semantics: Semantics, vocabulary: Vocabulary) -> Frame:
    """texts: target label, separator, then the source labels."""
    target, separator, *sources = texts
    for name in (target, *sources):
        if not is_label_name(name, semantics):
            place = "destination" if name == target else "source"
            raise QueryError(f"invalid {place} label name in label_join(): {name}")
    columns = [frame.labels.column(name).tolist() for name in sources]
    rows = zip(*columns, strict=True) if columns else ((),) * frame.labels.size
    joined = [vocabulary.code(separator.join(vocabulary.text(code) for code in row)) for row in rows]
    return _settled(replace(frame, labels=frame.labels.with_column(target, np.array(joined, np.int64))), semantics)


def _settled(frame: Frame, semantics: Semantics) -> Frame:
    return frame.distinct() if semantics.relabels_whole_series else frame.merged()


def _expander(template: str, pattern: Any) -> Callable[[Any], str]:
    """Go's template rules: $1, ${1}, $name, $$. A name takes all letters, digits, _ that follow; unknown is empty."""
    names = dict(pattern.groupindex)

    def value(match: Any, name: str) -> str:
        number = int(name) if name.isdecimal() else names.get(name, -1)
        return (match.group(number) or "") if 0 <= number <= pattern.groups else ""

    def expand(match: Any) -> str:
        return _REFERENCE.sub(lambda ref: "$" if ref[1] else value(match, ref[2] or ref[3]), template)

    return expand
