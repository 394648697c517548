"""label.yaml: the hidden truth of a case. Only scorers, the mutator and the check may call `load_label`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import TypeAdapter, ValidationError, model_validator

from agent.codes import ActionKind, Category, Verdict
from agent.diagnosis import Component
from config.errors import BadInput
from evals.case import LABEL, read_yaml_file
from tools.evidence import iso
from tools.recorded.fields import Moment, Part, Text


class Cause(Part):
    """One cause; several are listed when several are right at once."""

    component: Component
    category: Category


class LabelAction(Part):
    """An action's kind and what it is done to."""

    kind: ActionKind
    target: Text = ""


class LabelActions(Part):
    right: tuple[LabelAction, ...] = ()
    harmful: tuple[LabelAction, ...] = ()


class Label(Part):
    """The truth. `onset` is Unix milliseconds; None for no_fault."""

    format: Literal[1]
    family: Text = ""
    verdict: Verdict
    onset: Moment | None = None
    causes: tuple[Cause, ...] = ()
    actions: LabelActions = LabelActions()
    notes: Text = ""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.verdict is Verdict.DIAGNOSED and (not self.causes or self.onset is None):
            raise ValueError("diagnosed needs causes and an onset")
        if self.verdict is Verdict.NO_FAULT and (self.causes or self.onset is not None):
            raise ValueError("no_fault has no causes and no onset")
        return self


_LABEL = TypeAdapter(Label)


def load_label(folder: Path) -> Label:
    """Raises BadSnapshot."""
    return read_yaml_file(folder, LABEL, _LABEL)


def label_data(label: Label) -> dict[str, Any]:
    """The label as the file spells it: times are text again."""
    return {**label.model_dump(mode="json"), "onset": None if label.onset is None else iso(label.onset)}


def read_label_data(data: Mapping[str, Any]) -> Label:
    """The inverse of `label_data`, from JSON that was stored or typed. Raises BadInput naming the field."""
    try:
        return Label.model_validate_json(json.dumps(dict(data), default=str))
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInput(f"label: {'.'.join(str(x) for x in first['loc'])}: {first['msg']}") from error
