"""RE2 expressions as Prometheus uses them: the whole value must match."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import re2

from config.errors import QueryError


@lru_cache(maxsize=512)
def compile_full(pattern: str, dot_matches_newline: bool) -> Any:
    """A compiled pattern to be used with `fullmatch`. Raises QueryError on what RE2 refuses."""
    options = re2.Options()
    options.log_errors = False
    options.dot_nl = dot_matches_newline
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0].decode("utf-8", "replace") if error.args and isinstance(error.args[0], bytes) else error
        raise QueryError(f"invalid regular expression {pattern!r}: {reason}") from error
