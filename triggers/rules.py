"""Which signals are investigated, only recorded, or ignored: the first rule whose labels all match decides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import re2

from agent.incident import Signal
from config.errors import ConfigError
from config.settings import Rule

Disposition = Literal["investigate", "record", "ignore"]


class Rules:
    """Compiled once. Patterns are RE2 and match whole values; an absent label is the empty string."""

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        options = re2.Options()
        options.log_errors = False
        self._rules = []
        for number, rule in enumerate(rules):
            try:
                patterns = {name: re2.compile(pattern, options) for name, pattern in rule.match.items()}
            except re2.error as error:
                raise ConfigError(f"rules.{number}.match: not an RE2 pattern: {error}") from error
            self._rules.append((patterns, rule.do))

    def decide(self, signal: Signal) -> Disposition:
        """`investigate` unless a rule says otherwise."""
        for patterns, verdict in self._rules:
            if all(p.fullmatch(signal.labels.get(name, "")) for name, p in patterns.items()):
                return verdict
        return "investigate"
