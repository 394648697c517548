"""A seam's dataclass and its record in a file: same field names, but `at_ms` in memory is `at` (ISO) in a file."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

from tools.evidence import iso
from tools.recorded.fields import Part

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Thing = TypeVar("Thing", bound="DataclassInstance")


def from_record(kind: type[Thing], record: Part, **given: Any) -> Thing:
    """The seam's object; `given` sets fields that the file keeps elsewhere (the observation's time, the cluster)."""
    read = {f.name: getattr(record, f.name.removesuffix("_ms")) for f in fields(kind) if f.name not in given}
    return kind(**read, **given)


def to_record(thing: DataclassInstance, *, leave_out: tuple[str, ...] = ()) -> dict[str, Any]:
    """The JSON object of a file, the inverse of `from_record`."""
    return {
        f.name.removesuffix("_ms"): _written(f.name, getattr(thing, f.name))
        for f in fields(thing) if f.name not in leave_out
    }


def _written(name: str, value: Any) -> Any:
    if name.endswith("_ms") and value is not None:
        return iso(value)
    if isinstance(value, tuple):
        return list(value)
    return dict(value) if hasattr(value, "items") else value
