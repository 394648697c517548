"""The switched file: written by the build server, read by the recorder."""

from __future__ import annotations

import pytest

from evals.lab.upstream import read_upstream, render_nginx, render_upstream

COLOUR_OF = {"api-blue": "blue", "api-green": "green"}


def test_one_server_is_one_colour() -> None:
    """The colour is read from the server line, whose text is the detail."""
    text = render_upstream("blue", ["api-blue"])
    assert read_upstream(text, COLOUR_OF) == ("blue", "server api-blue:8000 max_fails=0;")
    assert 'default "blue";' in text


def test_two_colours_are_both() -> None:
    """A file that names servers of two colours is in both-colours mode."""
    assert read_upstream(render_upstream("both", ["api-blue", "api-green"]), COLOUR_OF)[0] == "both"


@pytest.mark.parametrize("text", ["", "upstream chat_api { }", "upstream x { server elsewhere:8000; }"])
def test_what_names_no_known_server_is_unknown(text: str) -> None:
    """An empty file or a stranger is unknown; unknown never agrees with anything."""
    assert read_upstream(text, COLOUR_OF)[0] == "unknown"


def test_a_commented_server_is_not_declared() -> None:
    """A line that nginx ignores declares nothing."""
    assert (
        read_upstream("upstream c {\n    # server api-green:8000;\n    server api-blue:8000;\n}", COLOUR_OF)[0]
        == "blue"
    )


def test_the_request_limit_is_off_unless_set() -> None:
    """nginx limits requests only where a scenario says so."""
    assert "limit_req" not in render_nginx(docs="docs")
    assert "rate=5r/s" in render_nginx(docs="docs", limit_per_s=5)
