"""Logs: one shape for ours and libraries', context bound, secrets and frame locals left out."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from config.logging import configure_logging
from config.settings import Log


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is logged, and the loggers as they were afterwards."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = io.StringIO()
    configure_logging(Log(), stream=stream)
    yield stream
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def _read(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_field_named_like_a_secret_is_hidden_whole(lines: io.StringIO) -> None:
    """Whatever stands under `password` never reaches the log, however plain it looks."""
    structlog.get_logger("ours").info("signed in", password="hunter2", attempt=1)
    assert "hunter2" not in lines.getvalue()
    assert _read(lines)[0]["attempt"] == 1


def test_ours_and_theirs_carry_the_context(lines: io.StringIO) -> None:
    """A library's own log line names the incident that was being worked on."""
    with structlog.contextvars.bound_contextvars(incident="inc-1"):
        structlog.get_logger("ours").info("claimed", attempt=1)
        logging.getLogger("theirs").warning("slow %s", "answer")
    ours, theirs = _read(lines)
    assert (ours["event"], ours["attempt"], ours["incident"], ours["level"]) == ("claimed", 1, "inc-1", "info")
    assert (theirs["event"], theirs["incident"], theirs["logger"]) == ("slow answer", "inc-1", "theirs")


def test_secrets_are_taken_out(lines: io.StringIO) -> None:
    """A credential in the text, in a field, or in an exception does not reach the log; nor do frame locals."""
    secret = "hunter2secretvalue"
    try:
        local = f"kept {secret}"
        raise ValueError(f"connect postgresql://culprit:{secret}@db/x failed, {len(local)}")
    except ValueError:
        structlog.get_logger("ours").exception("oops", header=f"Authorization: Bearer {secret}",
                                               nested={"password": [f"password={secret}"]})
    assert secret not in lines.getvalue()
    assert "oops" in lines.getvalue()
