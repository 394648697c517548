"""absent and absent_over_time: one series where nothing is."""

from __future__ import annotations

import numpy as np

from tools.recorded.promql.arrays import Mask
from tools.recorded.promql.frame import Frame
from tools.recorded.promql.labelsets import NAME, LabelSets
from tools.recorded.promql.syntax import Matcher, Node, RangeSelector, Selector
from tools.recorded.promql.vocabulary import Vocabulary


def absence(argument: Node, anything: Mask, vocabulary: Vocabulary) -> Frame:
    """1 at the steps where `anything` (steps,) is false; labels are those the selector demands by equality."""
    labels = LabelSets.of([_demanded(argument)], vocabulary)
    missing = ~anything[:, None]
    return Frame(labels, np.ones(missing.shape), missing)


def _demanded(argument: Node) -> dict[str, str]:
    """Labels fixed by exactly one `=`; one that is conditioned twice tells nothing."""
    if isinstance(argument, RangeSelector):
        argument = argument.selector
    matchers: tuple[Matcher, ...] = argument.matchers if isinstance(argument, Selector) else ()
    labels: dict[str, str] = {}
    equal: set[str] = set()
    for matcher in matchers:
        if matcher.name == NAME:
            continue
        if matcher.kind == "=" and matcher.name not in equal:
            labels[matcher.name] = matcher.value
            equal.add(matcher.name)
        else:
            labels.pop(matcher.name, None)
    return labels
