"""Fixtures every live test may ask for. A session's fixture must be registered once, hence here."""

from __future__ import annotations

from tests.live.lab import running_lab

__all__ = ["running_lab"]
