"""docs/operations.md against the code: what each loss costs, what watches Culprit, how it is backed up and upgraded."""

from __future__ import annotations

import dataclasses
import re

import yaml

from config.settings import Retention, Settings, Worker
from tests.house.losses import DOCUMENT, SET_BY, document
from tests.house.tree import ROOT
from tests.live import test_degraded
from tools.toolbox import QUESTIONS
from tools.world import World

TEXT = (ROOT / DOCUMENT).read_text(encoding="utf-8")
NOT_SOURCES = {"name", "inventory", "cluster", "scrape_interval_ms", "earliest_ms", "siblings"}


def section(title: str) -> str:
    """The text under a second-level heading."""
    return TEXT.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_the_table_of_losses_is_what_the_toolbox_says() -> None:
    """Written by `make docs`: it cannot drift from the questions there are."""
    assert document() == TEXT, f"{DOCUMENT} is out of date: run `make docs`"


def test_every_source_has_a_row() -> None:
    """A new seam cannot be forgotten, nor a setting that is none."""
    assert {f.name for f in dataclasses.fields(World)} - NOT_SOURCES == set(SET_BY)
    assert {need for q in QUESTIONS for need in q.needs} <= set(SET_BY)
    for name in re.findall(r"`world\.(\w+)`", " ".join(SET_BY.values())):
        assert name in type(Settings().world).model_fields


def test_what_was_measured_is_what_the_live_test_breaks() -> None:
    """The number of runs that the document speaks of, and the seams it has rows for, are those of the live test."""
    runs = 2 * len(test_degraded.FAULTS) + len(test_degraded.NEEDED) + len(test_degraded.BACKENDS_AT_ONCE)
    told = re.search(r"In none of these (\d+) runs", section("When a part is down"))
    assert told is not None
    assert int(told.group(1)) == runs
    rows = section("When a part is down").lower()
    for word in ("prometheus", "loki", "docker", "the proxy's views", "changes", "alertmanager", "everything"):
        assert f"| {word}" in rows, word


def test_a_dead_man_is_told_how() -> None:
    """The rule that always fires exists, is routed to an own receiver, and the document links both."""
    rules = yaml.safe_load((ROOT / "docs/example/rules.yml").read_text("utf-8"))
    always = [r for g in rules["groups"] for r in g["rules"] if r["expr"] == "vector(1)"]
    manager = yaml.safe_load((ROOT / "docs/example/alertmanager.yml").read_text("utf-8"))
    routed = [r for r in manager["route"]["routes"] if always[0]["alert"] in str(r["matchers"])]
    assert routed[0]["receiver"] in {r["name"] for r in manager["receivers"]}
    assert routed[0]["receiver"] != manager["route"]["receiver"]
    assert always[0]["alert"] in section("Watch Culprit itself")
    assert "example/rules.yml" in TEXT


def test_backup_and_upgrade_name_settings_that_exist() -> None:
    """Retention and draining are settings of these names; both engines' backup commands are there."""
    told = section("Backup and upgrade")
    assert "pg_dump" in told
    assert ".backup" in told
    for name in re.findall(r"`(?:retention\.)?(\w+_days)`", told):
        assert name in Retention.model_fields
    assert set(re.findall(r"`worker\.(\w+)`", told)) <= set(Worker.model_fields)
