"""A scenario: how one system is set up, what happens to it and when, how it is healed, and what the right answer is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from config.errors import ConfigError
from evals.lab.names import Names

if TYPE_CHECKING:
    from evals.lab.lab import Lab


@dataclass(frozen=True)
class Tuning:
    """The system as it was set up. Rates a second, CPU in cores, `cpu_ms` of CPU time a job, periods in seconds.

    `contracts` gives the contract version each build was built with (1 where it is not listed), `build_facts` what else
    is baked into a build's images, `words` how the programs say their messages and events (`wordings.py`).
    """

    rate: float = 2.5
    context_share: float = 0.4
    docs_share: float = 0.05
    retries: int = 0
    cpu_ms: float = 30
    concurrency: int = 8
    worker_cpus: float = 0.6
    api_cpus: float = 0.6
    docs_cpus: float | None = 0.2
    batch_cpus: float | None = 0.3
    contracts: Mapping[str, int] = field(default_factory=dict)
    build_facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    log_style: str = "json"
    words: Mapping[str, str] = field(default_factory=dict)
    retry_s: float = 2.0
    max_attempts: int = 4
    timeout_s: float = 30
    provider_timeout_s: float = 12
    heartbeat_s: float = 15
    api: Mapping[str, Any] = field(default_factory=dict)
    worker: Mapping[str, Any] = field(default_factory=dict)
    provider: Mapping[str, float] = field(default_factory=dict)
    nginx_limit_per_s: int | None = None
    redis_memory_mb: int = 96
    redis_cpus: float | None = None
    exporter_timestamps: bool = False
    record_queues: bool = False
    capacity_per_second: float = 5.0


@dataclass(frozen=True)
class Step:
    """Something done `at_s` seconds after the onset (negative: before)."""

    at_s: float
    what: str
    do: Callable[[Lab], object]


@dataclass(frozen=True)
class Asked:
    """The question that starts the investigation where no rule fires, `after_s` seconds after the event."""

    after_s: float
    text: str
    lang: str


@dataclass(frozen=True)
class Scenario:
    """`inject` returns the onset in Unix milliseconds. `label` builds causes and actions from names and colours.

    `baseline_s` is recorded before the onset, `hold_s` from it to `heal`, `recovery_s` after.
    """

    id: str
    family: str
    title: Mapping[str, str]
    names: Names
    active: str
    builds: Mapping[str, str]
    inject: Callable[[Lab], int]
    label: Callable[[Scenario], dict[str, Any]]
    heal: Callable[[Lab], object]
    verdict: str = "diagnosed"
    tuning: Tuning = Tuning()
    steps: tuple[Step, ...] = ()
    asked: Asked | None = None
    baseline_s: float = 620
    hold_s: float = 330
    recovery_s: float = 100
    notes: str = ""
    prepare: Callable[[Lab], object] | None = None
    alone: bool = False

    def __post_init__(self) -> None:
        if self.active not in self.names.colours or set(self.builds) != set(self.names.colours):
            raise ConfigError(f"{self.id}: active colour and builds must use the colours {self.names.colours}")
        if self.verdict not in ("diagnosed", "no_fault", "undetermined"):
            raise ConfigError(f"{self.id}: unknown verdict {self.verdict}")
        if self.asked and self.asked.after_s > self.hold_s:
            raise ConfigError(f"{self.id}: the question comes after the fault was healed")
        for step in self.steps:
            if not -self.baseline_s <= step.at_s < self.hold_s:
                raise ConfigError(f"{self.id}: step {step.what!r} lies outside the recording")

    def timeline(self) -> tuple[Step, ...]:
        """Steps, onset and healing in the order they happen."""
        edges = (Step(0, "onset", self.inject), Step(self.hold_s, "heal", self.heal))
        return tuple(sorted((*self.steps, *edges), key=lambda step: step.at_s))

    @property
    def standby(self) -> str:
        """The colour that does not serve at first."""
        return self.names.other(self.active)

    @property
    def next_build(self) -> str:
        """The number the build server would give now."""
        return str(max(int(build) for build in self.builds.values()) + 1)

    @property
    def length_s(self) -> float:
        """Seconds recorded."""
        return self.baseline_s + self.hold_s + self.recovery_s


def variant(first: Scenario, **changes: Any) -> Scenario:
    """Another recording of the same scenario, in shorter windows: six minutes of baseline, the fault, its recovery."""
    windows: dict[str, Any] = {"baseline_s": 350, "hold_s": 205, "recovery_s": 45}
    return replace(first, **{**windows, **changes})
