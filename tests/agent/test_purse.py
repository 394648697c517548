"""Limits that all workers share: over them the analyst goes on, and the report says why."""

from pathlib import Path

import pytest

from agent.assemble import assemble
from agent.codes import Verdict
from agent.diagnosis import Diagnosis
from agent.scripted_server import Turn, calls, scripted_server
from agent.usage import Purse
from config.errors import StoreUnavailable
from config.settings import Model, Price
from evals.case import load_case
from tests.tools.recorded.tiny_case import write_tiny_case
from tools.recorded.world import open_world


class Pocket:
    """A purse of so many calls; keeps what was charged."""

    def __init__(self, calls_left: int, *, broken: bool = False) -> None:
        self.calls_left, self.broken = calls_left, broken
        self.charged: list[float | None] = []

    async def take_call(self) -> bool:
        if self.broken:
            raise StoreUnavailable("locked")
        self.calls_left -= 1
        return self.calls_left >= 0

    async def charge(self, usd: float | None) -> None:
        self.charged.append(usd)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_case(tmp_path_factory.mktemp("cases") / "tiny").folder


async def run(folder: Path, purse: Purse, script: list[Turn]) -> tuple[Diagnosis, int]:
    case = load_case(folder)
    with scripted_server(script) as server:
        model = Model(base_url=server.url, main="m", prices={"m": Price(input=10.0, output=100.0)})
        investigation = assemble(open_world(folder), model=model, purse=purse)
        found = await investigation.investigate(case.incident(), run_id="r1", asked_at_ms=case.now_ms)
    assert found.verdict is Verdict.DIAGNOSED
    return found, len(server.requests)


ASKS = [calls(("drift_peers", {})), calls(("metrics_movers", {})), calls(("limits_at_caps", {}))]


async def test_a_spent_budget_ends_the_models_part(folder: Path) -> None:
    """Two calls are allowed: two are made, the analyst concludes, and the gap names the budget."""
    found, asked = await run(folder, Pocket(2), ASKS)
    assert asked == 2
    assert any("budget" in g.why for g in found.gaps)


async def test_every_call_is_charged_at_the_tables_price(folder: Path) -> None:
    """100 tokens in at 10 and 10 out at 100 dollars a million: 0.002 dollars a call."""
    purse = Pocket(3)
    found, _ = await run(folder, purse, ASKS)
    assert purse.charged == [0.002, 0.002, 0.002]
    assert found.usage.cost_usd == 0.006


async def test_a_retry_is_a_call(folder: Path) -> None:
    """What is tried again counts against the limit too."""
    _, asked = await run(folder, Pocket(3), [Turn({"error": {"message": "slow"}}, 429)])
    assert asked <= 3


async def test_a_budget_that_cannot_be_read_allows_nothing(folder: Path) -> None:
    """With the store down no money is spent blindly."""
    found, asked = await run(folder, Pocket(9, broken=True), ASKS)
    assert asked == 0
    assert any("budget could not be read" in g.why for g in found.gaps)
