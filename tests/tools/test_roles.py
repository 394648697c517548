"""Roles: from routing and the inventory, at a moment; unknown stays unknown."""

from __future__ import annotations

from config.errors import SourceUnavailable
from tests.tools.stage import END, ONSET, SCOPE, START, counter, every, handed, measured, noisy, views, world
from tools.roles import read_roles
from tools.sources.changes import Change
from tools.sources.fakes import FakeChanges, FakeRouting
from tools.sources.routing import RouteView


async def test_followers_take_the_colour_of_the_one_they_follow() -> None:
    """jade is active: its worker is active, rust's waits, and the broker has no role."""
    roles = await read_roles(world(routing={START: views("jade")}), SCOPE)
    told = {c: roles.role(c, END) for c in ("web-a", "web-b", "mill-1", "mill-2", "line-1", "nobody")}
    assert told == {
        "web-a": "active",
        "web-b": "standby",
        "mill-1": "active",
        "mill-2": "standby",
        "line-1": "",
        "nobody": "",
    }


async def test_a_switch_is_dated_by_the_view_and_roles_differ_before_and_after() -> None:
    """A reading at 22 min says the colour holds since 21 min: that is when the roles turned."""
    turned = START + 21 * 60_000
    routing = {START: views("jade"), START + 22 * 60_000: views("rust", since=turned)}
    roles = await read_roles(world(routing=routing), SCOPE)
    assert roles.role("mill-1", turned - 1) == "active"
    assert roles.role("mill-1", turned) == "standby"
    assert roles.since("mill-1", END) == turned
    assert roles.since("mill-1", ONSET) is None


async def test_a_switch_without_since_is_dated_by_the_change_record() -> None:
    """When no view knows since when, the recorded switch between two readings is taken."""
    turned = START + 21 * 60_000 + 7_000
    routing = {START: views("jade"), turned + 5_000: views("rust")}
    changes = FakeChanges([Change(turned, "switch", service="front", colour="rust")])
    roles = await read_roles(world(routing=routing, changes=changes), SCOPE)
    assert roles.since("mill-2", END) == turned


async def test_a_proxy_that_knows_the_present_only_leaves_the_past_before_a_switch_unknown() -> None:
    """One reading at the end and a switch in the record: before the switch nobody's role is known."""
    turned = END - 60_000
    changes = FakeChanges([Change(turned, "switch", service="front", colour="rust")])
    roles = await read_roles(world(routing={END: views("rust")}, changes=changes), SCOPE)
    assert roles.role("mill-1", END) == "standby"
    assert roles.role("mill-1", turned - 1_000) == ""


async def test_both_declared_by_a_mode_ends_with_the_next_mode() -> None:
    """`both` holds between two mode changes and nowhere else."""
    changes = FakeChanges(
        [
            Change(START + 60_000, "mode", service="front", mode="both"),
            Change(ONSET, "mode", service="front", mode="single"),
        ]
    )
    roles = await read_roles(world(routing={START: views("jade")}, changes=changes), SCOPE)
    moments = START + 1_000, START + 61_000, ONSET + 1_000
    assert [roles.role("mill-2", t) for t in moments] == ["standby", "both", "standby"]


async def test_without_routing_the_colour_that_sends_is_observed_and_said() -> None:
    """Nine tenths of the bytes are sent by rust: rust is active, and `by` says it was observed."""
    sent = "container_network_transmit_bytes_total"
    bytes_sent = counter(sent, noisy(100), ctr="web-a"), counter(sent, noisy(9_000), ctr="web-b")
    roles = await read_roles(world(metrics=measured(*bytes_sent)), SCOPE)
    assert roles.role("mill-2", END) == "active"
    assert roles.by("mill-2", END) == "observed bytes sent"


async def test_without_routing_and_metrics_the_api_log_lines_are_observed() -> None:
    """Only jade's API logs: its colour is active, by log lines."""
    roles = await read_roles(world(logs=[handed(every(1, START, END), "web-a")]), SCOPE)
    assert roles.role("mill-1", END) == "active"
    assert roles.by("mill-1", END) == "observed log lines"


async def test_nothing_known_is_a_gap_and_no_role() -> None:
    """No routing, no metrics, no logs: every role is unknown and the gap is named."""
    stage = world(changes=FakeChanges(fails=SourceUnavailable("down")))
    roles = await read_roles(stage, SCOPE)
    assert roles.role("mill-2", END) == ""
    assert roles.gaps


async def test_an_unreadable_view_never_agrees() -> None:
    """Host file known, container's file and loaded colour unknown: the declared colour is taken, by its view's name."""
    told = (
        RouteView("front", "declared_host", "jade", "server a;", START),
        RouteView("front", "loaded", "unknown", "no status page", START),
    )
    roles = await read_roles(world(routing={START: told}), SCOPE)
    assert roles.by("mill-1", END) == "declared_host"
    assert roles.role("mill-2", END) == "standby"


async def test_a_proxy_that_is_down_leaves_roles_to_observation() -> None:
    """A failing routing source is no exception for its reader."""
    stage = world(logs=[handed(every(1, START, END))])
    stage.__dict__["routing"] = FakeRouting(fails=SourceUnavailable("proxy down"))
    roles = await read_roles(stage, SCOPE)
    assert roles.role("web-a", END) == "active"
