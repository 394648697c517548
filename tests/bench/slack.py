"""How soon an alert is told in Slack: `culprit serve --with-worker` as users run it, beside a fake Slack.

    python -m tests.bench.slack [--case DIR] [--times 10]

First message: from the webhook being sent to the card in the channel. Final: to the card that holds the conclusion.
Each alert is of its own fingerprint and place, so that each opens an incident; the investigation is the real one, on
a recorded case. Exit 1 where the 95th percentile is above 3 s (first) or 20 s (final).
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

import httpx

from evals.case import bundled_demo, load_case, payload_of
from tests.live.culprit_process import Culprit, culprit
from triggers.slack.fake import FakeSlack, Posted

FIRST_SECONDS, FINAL_SECONDS = 3.0, 20.0
ENOUGH = 60.0


async def measure(case: Path, times: int) -> list[tuple[float, float]]:
    """(first, final) in seconds for each alert, one after the other."""
    payload = payload_of(case)
    assert payload is not None, f"{case} has no recorded alert"
    async with FakeSlack() as slack:
        settings = {"world": {"case": str(case), "inventory": str(case / "inventory.yaml")},
                    "publish": {"console": False}, "slack": {
                        "bot_token": "xoxb-bench", "app_token": "xapp-bench", "channel": "C1",
                        "api_url": slack.api_url}}
        with tempfile.TemporaryDirectory() as folder:
            manager = culprit(Path(folder), settings)
            running = await asyncio.to_thread(manager.__enter__)
            try:
                await slack.connected(30)
                return [await _one(slack, running, dict(payload), n) for n in range(times)]
            finally:
                await asyncio.to_thread(manager.__exit__, None, None, None)


async def _one(slack: FakeSlack, running: Culprit, payload: dict[str, object], number: int) -> tuple[float, float]:
    alerts = [{**a, "fingerprint": f"{number:016x}", "labels": {
        "alertname": f"Bench{number}", "severity": "critical", "cluster": f"c{number}"}}
        for a in payload["alerts"][:1]]  # type: ignore[index]
    body = {**payload, "alerts": alerts, "groupKey": f"bench-{number}"}
    before, began = len(slack.workspace.roots()), time.monotonic()
    async with httpx.AsyncClient(timeout=30) as client:
        (await client.post(f"{running.url}/webhooks/alertmanager", json=body)).raise_for_status()
    async with asyncio.timeout(ENOUGH):
        while len(slack.workspace.roots()) <= before:  # noqa: ASYNC110  (another process's doing)
            await asyncio.sleep(0.01)
        first = time.monotonic() - began
        card: Posted = slack.workspace.roots()[-1]
        while "feedback_right" not in str(card.blocks):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        final = time.monotonic() - began
        while not any(r.files for r in slack.workspace.replies(card.ts)):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return first, final


def percentile(values: list[float], share: float) -> float:
    """The smallest value that this share of all is not above."""
    return sorted(values)[max(0, -(-int(share * 100) * len(values) // 100) - 1)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--case", type=Path, default=bundled_demo())
    parser.add_argument("--times", type=int, default=10)
    given = parser.parse_args()
    found = asyncio.run(measure(given.case.resolve(), given.times))
    firsts, finals = [f for f, _ in found], [f for _, f in found]
    sys.stdout.write(f"case {load_case(given.case).id}, {len(found)} alerts\n")
    for name, values, limit in (("first message", firsts, FIRST_SECONDS), ("final report", finals, FINAL_SECONDS)):
        told = f"median {percentile(values, 0.5):6.2f} s   p95 {percentile(values, 0.95):6.2f} s"
        sys.stdout.write(f"{name:<14} {told}   worst {max(values):6.2f} s   limit {limit:g} s\n")
    return int(percentile(firsts, 0.95) > FIRST_SECONDS or percentile(finals, 0.95) > FINAL_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
