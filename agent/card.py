"""Experience cards: what a cause explains, what speaks against it, and what to do. Shipped and learned ones are alike.

A card is data. Removing its file removes the skill; nothing in the code knows a card by name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from agent.codes import ActionKind, Category, ComponentKind, Verdict
from config.errors import ConfigError
from tools.findings import KINDS

KNOWLEDGE = Path(__file__).parent / "knowledge"
MAX_CARD_BYTES = 64_000
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same safe subset, ten times faster where libyaml is


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Binding(_Part):
    """What a variable of the card may stand for. The first variable is the culprit; the others relate to it.

    `same: service` keeps it in the culprit's service; `other: true` forbids the culprit itself, `other_colour: true`
    those of its colour, which got the same build and settings with it. `role: working` is any role but standby.
    Several `service_kind`s are separated by a space.
    """

    kind: ComponentKind = ComponentKind.CONTAINER
    role: Literal["", "active", "standby", "both", "working"] = ""
    service_kind: str = ""
    same: Literal["", "service", "host"] = ""
    other: bool = False
    other_colour: bool = False


class Expectation(_Part):
    """A finding that speaks for (or, under `refutes`, against) the cause.

    Contribution to the log-odds is weight x strength of the strongest matching finding. `of` names a variable, "" any
    subject. `needed`: without it the cause is never concluded. `absent`: what is taken off when a question that can
    emit this kind was answered and did not find it (default: half the weight of a needed one, a quarter otherwise).
    `at: service` also takes findings about the variable's service as a whole. `any_of` names a group of expectations of
    which one is needed. `where` compares fields of the subject or of `extra` (equal to the value or to one of several;
    `false` also where the field is not set) or `detail` (contains).
    """

    finding: str
    of: str = ""
    at: Literal["", "service"] = ""
    direction: Literal["", "up", "down"] = ""
    weight: float = Field(gt=0, le=10)
    needed: bool = False
    absent: float | None = None
    dates_onset: bool = False
    any_of: str = ""
    where: dict[str, str | float | bool | tuple[str | float, ...]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _kind_exists(self) -> Expectation:
        if self.finding not in KINDS:
            raise ValueError(f"unknown finding kind {self.finding!r}")
        return self

    @property
    def absence(self) -> float:
        """Log-odds taken off when looked for and not found."""
        return self.absent if self.absent is not None else self.weight * (0.5 if self.needed else 0.25)


class Separation(_Part):
    """The question that tells this cause from a look-alike; unanswered, neither is concluded with confidence."""

    from_: str = Field(alias="from")
    ask: str
    because: str


class ActionTemplate(_Part):
    """An action on a variable's containers. `precondition: capacity` puts the capacity check first."""

    kind: ActionKind
    target: str = ""
    precondition: Literal["", "capacity"] = ""
    durable_fix: dict[str, str] = Field(default_factory=dict)


class Validity(_Part):
    """Until when and where a learned card holds. Empty fields do not limit it.

    `topology` is a fingerprint of kinds of services and counts of instances (no names); elsewhere the card starts with
    less credit. `builds` are those that ran when it was learned: for the reader.
    """

    expires_at: Annotated[str, Field(max_length=40)] = ""
    topology: Annotated[str, Field(max_length=64)] = ""
    builds: Annotated[tuple[Annotated[str, Field(max_length=80)], ...], Field(max_length=20)] = ()


class Provenance(_Part):
    """Where a card comes from. `shipped` ones come with the product; others name the incidents that taught them."""

    shipped: bool = False
    incidents: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()
    verified_by: str = ""
    learned_at: str = ""


class Card(_Part):
    """`prior` is the log-odds before any finding, `ceiling` the most it can earn. `mechanism` and `title` are
    sentences by language (en, ko), with `{variable}` for bound names; `explains` lists finding kinds (`complaint:topic`
    for one topic alone) about other subjects that this cause accounts for. `pitfalls` are warnings to the reader, never
    commands."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{2,60}$")]
    title: dict[str, str]
    category: Category = Category.UNKNOWN
    verdict: Verdict = Verdict.DIAGNOSED
    prior: float = -3.0
    ceiling: Annotated[float, Field(gt=0, le=0.97)] = 0.97
    component: str = ""
    binds: dict[str, Binding] = Field(default_factory=dict)
    expects: tuple[Expectation, ...]
    refutes: tuple[Expectation, ...] = ()
    explains: tuple[str, ...] = ()
    separates: tuple[Separation, ...] = ()
    asks: tuple[str, ...] = ()
    mechanism: dict[str, str]
    actions: tuple[ActionTemplate, ...] = ()
    pitfalls: tuple[str, ...] = ()
    validity: Validity = Validity()
    provenance: Provenance = Provenance()

    @model_validator(mode="after")
    def _variables_exist(self) -> Card:
        used = {e.of for e in (*self.expects, *self.refutes)} | {a.target for a in self.actions} | {self.component}
        unknown = used - set(self.binds) - {""}
        if unknown:
            raise ValueError(f"variables without a binding: {', '.join(sorted(unknown))}")
        if self.verdict is Verdict.DIAGNOSED and not self.component:
            raise ValueError("a card that names a cause needs `component`: the variable that is the culprit")
        if not any(e.needed or e.any_of for e in self.expects):
            raise ValueError("a card needs at least one expectation with `needed: true`")
        bad = {e.partition(":")[0] for e in self.explains} - set(KINDS)
        if bad:
            raise ValueError(f"explains unknown finding kinds: {', '.join(sorted(bad))}")
        return self

    @property
    def culprit(self) -> str:
        """The first variable, or "" for a card about no one (a control)."""
        return next(iter(self.binds), "")

    @property
    def learned(self) -> bool:
        """Taught by incidents, so it can be retired and deleted, and must earn its credit."""
        return not self.provenance.shipped

    def looks_for(self) -> frozenset[str]:
        """All kinds of finding that matter to this card."""
        return frozenset(e.finding for e in (*self.expects, *self.refutes))


def parse_card(text: str, *, name: str) -> Card:
    """One card from YAML. Raises ConfigError naming file, field and problem."""
    if len(text.encode()) > MAX_CARD_BYTES:
        raise ConfigError(f"{name}: a card larger than {MAX_CARD_BYTES} bytes")
    try:
        data: Any = yaml.load(text, Loader=_LOADER)
        return Card.model_validate(data)
    except yaml.YAMLError as error:
        raise ConfigError(f"{name}: not YAML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(f"{name}: {'.'.join(str(x) for x in first['loc'])}: {first['msg']}") from error


def load_cards(*folders: Path) -> tuple[Card, ...]:
    """All cards of the folders (shipped knowledge by default), by id. A doubled id is a ConfigError."""
    cards: dict[str, Card] = {}
    for folder in folders or (KNOWLEDGE,):
        for path in sorted(folder.glob("*.yaml")):
            try:
                card = parse_card(path.read_text(encoding="utf-8"), name=path.name)
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigError(f"{path.name}: cannot be read: {error}") from error
            if card.id in cards:
                raise ConfigError(f"{path.name}: the card {card.id} exists twice")
            cards[card.id] = card
    return tuple(cards[key] for key in sorted(cards))
