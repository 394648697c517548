"""In which manner a finding holds: another topic, layer or resource is another fact, which a lesson may turn on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

from tools.findings import Finding

LONGEST = 40
Manner = tuple[tuple[str, str | float | bool], ...]

# By kind, the fields that say what manner of it this is. What only measures it (counts, names, moments) is not here.
MANNERS: Mapping[str, tuple[str, ...]] = {
    "change_in_window": ("kind", "off_path"), "complaint": ("topic", "healed"), "dependency_refused": ("shared",),
    "egress_new": ("inner",), "error_template_new": ("peers_too",), "errors_logged_up": ("healed",),
    "failures_concentrated": ("peers_work",), "host_pressure": ("resource",), "image_differs": ("by_colour",),
    "level_changed": ("kind",), "not_running": ("state",), "odd_process": ("alike", "disguised"),
    "saturation": ("resource",), "segment_slower": ("waiting",), "stale_data": ("resource",),
    "status_rejected": ("passed_on", "status"), "trend": ("resource",), "user_errors_up": ("healed",),
    "user_latency_up": ("healed",), "work_stopped": ("all",),
}


def manners_of(finding: Finding) -> Iterator[Manner]:
    """Every way to state the manner of a finding, from nothing said to everything. A field not set is false."""
    given = {**finding.extra, **finding.subject.as_dict()}
    said = [(name, _plain(given.get(name))) for name in MANNERS.get(finding.kind, ())]
    for most in range(len(said) + 1):
        yield from combinations(said, most)


def _plain(value: object) -> str | float | bool:
    """Stored findings are read as they are: what no question writes there is as good as not set."""
    if isinstance(value, str):
        return value if 0 < len(value) <= LONGEST else False
    return value if isinstance(value, (bool, int, float)) and value == value else False
