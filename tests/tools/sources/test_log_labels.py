"""The labels that name container, service and colour are found from the streams themselves."""

from __future__ import annotations

import pytest

from tools.recorded.logs.engine import LogEngine
from tools.recorded.logs.recorded_logs import RecordedLogs
from tools.recorded.logs.store import stream_of
from tools.sources.log_labels import LogLabelRoles, discover_labels


async def roles(streams: list[dict[str, str]], **known: tuple[str, ...]) -> LogLabelRoles:
    engine = LogEngine([stream_of(labels, [(10, "x")]) for labels in streams])
    logs = RecordedLogs(load=lambda: engine, start_ns=0, now_ns=100)
    return await discover_labels(logs, start_ns=0, end_ns=50, **known)


async def test_known_names_decide_whatever_the_spelling() -> None:
    """A label called anything is the container's when its values are the containers Docker shows."""
    streams = [
        {"unit": "shop-web-1", "grp": "web", "lane": "blue", "job": "shipper"},
        {"unit": "shop-web-2", "grp": "web", "lane": "green", "job": "shipper"},
        {"unit": "shop-db-1", "grp": "db", "lane": "none", "job": "shipper"},
    ]
    found = await roles(streams, containers=("shop-web-1", "shop-web-2", "shop-db-1"), services=("web", "db"))
    assert (found.container, found.service, found.colour) == ("unit", "grp", "lane")
    assert found.why["container"] == "100% of its values are known names of a container"
    assert found.why["colour"] == "67% of its values are known names of a colour"


@pytest.mark.parametrize("name", ["container", "container_name", "pod"])
async def test_without_known_names_the_usual_ones_are_taken_and_said_to_be(name: str) -> None:
    """A guess by name is marked as one."""
    found = await roles([{name: "a-1", "app": "a"}, {name: "b-1", "app": "b"}])
    assert (found.container, found.service, found.colour) == (name, "app", "")
    assert found.why["container"] == "by its usual name alone"
    assert found.why["colour"] == "no label's values name a colour"


async def test_a_label_called_colour_without_colours_is_not_one() -> None:
    """The name alone does not make a colour when the values are something else."""
    found = await roles([{"container": "a", "track": "audio"}])
    assert found.colour == ""


async def test_an_empty_store_has_no_roles() -> None:
    """Nothing found is said, not guessed."""
    found = await roles([])
    assert (found.container, found.service, found.colour) == ("", "", "")
