"""bluegreen.views: declared, loaded and observed colour."""

from __future__ import annotations

import pytest

from config.errors import UnknownThing
from tests.tools.stage import END, ONSET, SCOPE, START, counter, every, found, handed, kinds, measured, views, world
from tools.bluegreen import QUESTION, ViewsArguments
from tools.question import Answer
from tools.sources.changes import Change
from tools.sources.fakes import FakeChanges
from tools.sources.routing import RouteView
from tools.world import World


async def asked(stage: World, service: str = "") -> Answer:
    return await QUESTION.ask(stage, SCOPE, ViewsArguments(service=service))


async def test_three_views_and_traffic_that_agree() -> None:
    """Host, container, loaded and traffic say jade: views_agree and active_colour are certain."""
    answer = await asked(world(routing={START: views("jade")}, logs=[handed(every(1, START, END))]))
    agree, active = found(answer.findings, "views_agree"), found(answer.findings, "active_colour", colour="jade")
    assert agree is not None
    assert active is not None
    assert agree.strength == active.strength == 1.0
    assert "observed jade" in agree.detail


async def test_file_and_proxy_that_disagree() -> None:
    """The file says rust, the proxy runs jade: views_disagree with both named, and no active colour."""
    answer = await asked(world(routing={START: views("rust", loaded="jade")}))
    apart = found(answer.findings, "views_disagree", service="front")
    assert apart is not None
    assert apart.strength == 1.0
    assert apart.extra["views"] == {"declared_host": "rust", "declared_container": "rust", "loaded": "jade"}
    assert kinds(answer.findings) == {"views_disagree"}


@pytest.mark.parametrize(("ago_s", "strength"), [(60, 0.5), (600, 0.9)])
async def test_traffic_on_the_old_colour_weighs_by_how_long_ago_the_switch_was(ago_s: int, strength: float) -> None:
    """Just after a switch old streams may drain; ten minutes later they may not."""
    turned = END - ago_s * 1000
    routing = {START: views("jade"), turned: views("rust", since=turned)}
    answer = await asked(world(routing=routing, logs=[handed(every(0.5, START, END), "web-a")]))
    apart = found(answer.findings, "views_disagree")
    assert apart is not None
    assert apart.extra["only_traffic"] is True
    assert apart.strength == strength


async def test_a_view_that_cannot_be_read_is_a_gap_and_agrees_with_nothing() -> None:
    """Only the host's file is known: an active colour at low strength, no agreement, the gap named."""
    told = (
        RouteView("front", "declared_host", "jade", "server web-a;", START),
        RouteView("front", "loaded", "unknown", "no status location", START),
    )
    answer = await asked(world(routing={START: told}))
    assert kinds(answer.findings) == {"active_colour"}
    assert answer.findings[0].strength < 0.7
    assert answer.notes["gaps"] == ("front loaded: no status location",)


async def test_both_declared_by_view_or_by_mode() -> None:
    """`both` in a view or in the change record is both_colours_declared, never a disagreement."""
    viewed = await asked(world(routing={START: views("both")}))
    assert found(viewed.findings, "both_colours_declared") is not None
    declared = FakeChanges([Change(START + 5_000, "mode", service="front", mode="both")])
    answer = await asked(world(routing={START: views("jade")}, changes=declared))
    both = found(answer.findings, "both_colours_declared")
    assert both is not None
    assert both.since_ms == START + 5_000
    assert "views_disagree" not in kinds(viewed.findings) | kinds(answer.findings)


async def test_a_service_that_is_not_routed_is_refused_by_name() -> None:
    """Asking for the views of a worker is a mistake of the asker, told as such."""
    with pytest.raises(UnknownThing, match="mill"):
        await asked(world(routing={START: views("jade")}), "mill")


async def test_what_trickles_from_the_waiting_colour_while_the_active_one_is_dead_is_no_traffic() -> None:
    """Declared and loaded jade, whose container sends nothing since the onset; rust answers health checks alone."""
    sent = measured(
        counter("container_network_transmit_bytes_total", lambda t: 4_000.0 if t < ONSET else 0.0, ctr="web-a"),
        counter("container_network_transmit_bytes_total", lambda t: 200.0, ctr="web-b"))
    answer = await asked(world(routing={START: views("jade")}, metrics=sent))
    assert found(answer.findings, "views_disagree") is None
