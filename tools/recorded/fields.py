"""Field types shared by the files of a case: times as Unix milliseconds inside, ISO 8601 with a zone in the text."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from tools.evidence import parse_iso

FIRST_MS = 0
LAST_MS = 253_402_300_799_999  # 9999-12-31, the last moment ISO 8601 of four digits writes


def _to_ms(value: object) -> int:
    if not isinstance(value, str):
        raise ValueError("a time is a text such as 2026-11-21T02:10:00.000Z")
    if not value.endswith("Z") and "+" not in value[10:] and "-" not in value[10:]:
        raise ValueError("a time needs its zone: end it with Z")
    try:
        ms = parse_iso(value)
    except (ValueError, OverflowError):
        raise ValueError("not an ISO 8601 time such as 2026-11-21T02:10:00.000Z") from None
    if not FIRST_MS <= ms <= LAST_MS:
        raise ValueError("a time before 1970 or after 9999")
    return ms


Moment = Annotated[int, BeforeValidator(_to_ms)]
"""ISO 8601 in the file, Unix milliseconds in memory."""

Text = Annotated[str, StringConstraints(max_length=100_000)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=1_000)]
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$")]
"""Names folders, so nothing in it may move about a file system."""

Count = Annotated[int, Field(ge=0, le=2**63 - 1)]


class Part(BaseModel):
    """A piece of a case file: unknown fields, NaN and wrong types are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
