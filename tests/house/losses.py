"""What the loss of each source costs, from the toolbox: the table in docs/operations.md that `make docs` writes."""

from __future__ import annotations

from collections.abc import Mapping

from tests.house.tree import ROOT
from tools.toolbox import QUESTIONS

DOCUMENT = "docs/operations.md"
BEGIN, END = "<!-- losses: written by `make docs` from the code; a test compares -->", "<!-- /losses -->"
SET_BY: Mapping[str, str] = {
    "metrics": "`world.prometheus`",
    "logs": "`world.loki`",
    "containers": "`world.docker`",
    "routing": "`world.routes`",
    "changes": "`POST /webhooks/changes`, `world.docker`",
    "peers": "`world.docker`, `world.config_files`",
    "alerts": "`world.alertmanager`, `world.prometheus`",
    "queues": "`world.redis`",
}


def losses() -> str:
    """One row a source: the questions that cannot be asked without it, and the findings nothing else makes."""
    rows = ["| source | set by | not asked without it | findings nobody else makes |", "|---|---|---|---|"]
    for source, set_by in SET_BY.items():
        lost = [q for q in QUESTIONS if source in q.needs]
        elsewhere = {kind for q in QUESTIONS if source not in q.needs for kind in q.finds}
        alone = sorted({kind for q in lost for kind in q.finds} - elsewhere)
        asked = ", ".join(f"`{q.name}`" for q in lost) or "all are: those that use it say what they lack"
        cells = (source, set_by, asked, ", ".join(f"`{k}`" for k in alone) or "none")
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def document() -> str:
    """docs/operations.md with the table as it should be."""
    before, _, rest = (ROOT / DOCUMENT).read_text(encoding="utf-8").partition(BEGIN)
    return f"{before}{BEGIN}\n\n{losses()}\n\n{END}{rest.partition(END)[2]}"
