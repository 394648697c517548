"""Verification holds what is published and wrong down, whatever the model."""

import dataclasses
from pathlib import Path

import pytest

from evals.ablation import measure, policies
from tests.tools.recorded.tiny_case import write_tiny_case


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_case(tmp_path_factory.mktemp("cases") / "tiny").folder


async def test_with_verification_no_policy_publishes_what_is_wrong(folder: Path) -> None:
    """On the same case: random, accusing and soothing models are wrong without it and right or silent with it."""
    rows = {(r.policy, r.verified): r.rates for r in await measure([folder], policies())}
    for policy in ("random", "accuser", "soother"):
        assert rows[policy, True]["published_wrong"].mean == 0, policy
        assert rows[policy, True]["harmful"].mean == 0, policy
        assert rows[policy, True]["ungrounded"].mean == 0, policy
        assert rows[policy, False]["published_wrong"].mean == 1, policy


async def test_the_analyst_loses_nothing_by_verification(folder: Path) -> None:
    """Its own drafts pass: the same rates with and without."""
    only = {"analyst": policies()["analyst"]}
    with_it, without = await measure([folder], only)
    assert dataclasses.replace(with_it, verified=False) == without
