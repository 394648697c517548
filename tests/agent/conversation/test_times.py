"""Times in words, in the person's zone."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from agent.intents.times import read_times, zone_of

SEOUL = ZoneInfo("Asia/Seoul")
NOW = round(datetime(2026, 11, 21, 10, 56, tzinfo=SEOUL).timestamp() * 1000)


def window(text: str, zone: str = "Asia/Seoul") -> tuple[str, str] | None:
    """The window as day and clock of Seoul."""
    times, _ = read_times(text, now_ms=NOW, zone=zone)
    found = times.window(NOW)
    if found is None:
        return None
    shown = [datetime.fromtimestamp(ms / 1000, SEOUL).strftime("%d %H:%M") for ms in found]
    return shown[0], shown[1]


@pytest.mark.parametrize(("text", "expected"), [
    ("since 02:10", ("21 02:10", "21 10:56")),
    ("what changed before 02:10?", ("21 01:10", "21 02:10")),
    ("새벽 2시 10분 이후", ("21 02:10", "21 10:56")),
    ("오후 세 시 전에 뭐", ("20 14:00", "20 15:00")),
    ("어제 오후 3시", ("20 14:50", "20 15:10")),
    ("5분 전에 뭐 바뀌었어", ("21 10:41", "21 10:56")),
    ("이십오분 전", ("21 10:21", "21 10:41")),
    ("10 minutes ago", ("21 10:36", "21 10:56")),
    ("어제 밤부터", ("20 18:00", "21 06:00")),
    ("방금 배포한거", ("21 10:46", "21 10:56")),
    ("last hour", ("21 09:56", "21 10:56")),
    ("최근 30분", ("21 10:26", "21 10:56")),
    ("between 01:00 and 02:00", ("21 01:00", "21 02:00")),
    ("1시에서 2시 사이", ("21 01:00", "21 02:00")),
    ("around 2am", ("21 01:50", "21 02:10")),
    ("2026-11-21 01:40 이후", ("21 01:40", "21 10:56")),
    ("2026-11-20T18:00:00Z 이후", ("21 03:00", "21 10:56")),
    ("열두시 반", ("21 00:20", "21 00:40")),
    ("자정 이후", ("21 00:00", "21 10:56")),
])
def test_words_of_time(text: str, expected: tuple[str, str]) -> None:
    """Relative, clock, Korean numerals, named stretches: each as the person means it."""
    assert window(text) == expected


def test_the_zone_is_the_persons() -> None:
    """The same clock in another zone is another moment."""
    assert window("since 01:30", "UTC") == ("21 10:30", "21 10:56")


@pytest.mark.parametrize(("text", "problem"), [
    ("내일 3시", "future"), ("tomorrow", "future"), ("in 5 minutes", "future"), ("25:99", "invalid"),
    ("13pm", "invalid"), ("2026-13-40", "invalid"), ("2030-01-01", "future"), ("99999 days ago", "invalid"),
])
def test_what_cannot_be_is_told_and_not_used(text: str, problem: str) -> None:
    """Future and impossible times give no window."""
    times, _ = read_times(text, now_ms=NOW, zone="Asia/Seoul")
    assert problem in {p for _, p in times.problems}
    assert times.window(NOW) is None


@pytest.mark.parametrize("text", ["", "뭐가 문제야", "v1.2.3", "10.0.0.1", "job 4711", "3개로 늘려", "1시간 넘게"])
def test_numbers_that_are_no_times(text: str) -> None:
    """Versions, addresses and counts name no moment."""
    assert window(text) is None


def test_the_last_deploy_is_an_anchor() -> None:
    """Before and after the deploy are left for the world to say when that was."""
    assert read_times("before the last deploy", now_ms=NOW, zone="UTC")[0].anchor == "deploy_before"
    assert read_times("배포 이후에 뭐", now_ms=NOW, zone="UTC")[0].anchor == "deploy_after"
    assert read_times("배포 이력", now_ms=NOW, zone="UTC")[0].anchor == ""


def test_an_unknown_zone_is_utc() -> None:
    """A zone nobody knows, or a path in its place, is UTC."""
    assert zone_of("Mars/Olympus").utcoffset(None) == zone_of("../../etc/passwd").utcoffset(None) is not None
