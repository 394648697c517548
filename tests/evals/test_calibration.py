"""Calibration: what an error of confidence is, and that the refit never sees what it is judged on."""

from __future__ import annotations

import pytest

from evals.calibration import Said, bins_of, expected_calibration_error, left_out


def said(confidence: float, right: int, wrong: int, recording: str = "r") -> list[Said]:
    """`right` and `wrong` causes said with one confidence."""
    return [Said(confidence, 1.0, recording)] * right + [Said(confidence, 0.0, recording)] * wrong


def test_a_confidence_that_keeps_its_word_has_no_error() -> None:
    """Right in eight of ten at 0.8 and in one of two at 0.5: error 0."""
    assert expected_calibration_error([*said(0.8, 8, 2), *said(0.5, 1, 1)]) == pytest.approx(0.0)


def test_the_error_is_the_weighted_distance() -> None:
    """Nine causes at 0.95 all right, one at 0.15 right: (9 x 0.05 + 0.85) / 10."""
    assert expected_calibration_error([*said(0.95, 9, 0), *said(0.15, 1, 0)]) == pytest.approx(0.13)


def test_certainty_has_a_bin() -> None:
    """A confidence of 1.0 falls into the last bin, 0.0 into the first."""
    assert [(b.low, b.n) for b in bins_of([*said(1.0, 1, 0), *said(0.0, 0, 1)])] == [(0.0, 1), (0.9, 1)]


def test_nothing_said_has_no_error() -> None:
    """Without a published cause there is nothing to be calibrated: None, not 0."""
    assert expected_calibration_error([]) is None


def test_a_recording_is_refitted_on_the_others() -> None:
    """The overconfident recording is moved by what the other shows (right), and the other by what it shows (wrong)."""
    moved = left_out([*said(0.7, 10, 0, "good"), *said(0.7, 0, 10, "bad")])
    assert all(s.confidence > 0.95 for s in moved if s.recording == "bad")
    assert all(s.confidence < 0.05 for s in moved if s.recording == "good")
