"""The list of episodes, the rows a run keeps, and the page made of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from config.errors import BadInput
from evals.accuracy import page
from evals.case import BUNDLED
from evals.episode_run import arms_of, run_episode, run_episodes
from evals.episodes import Episode, plan, read_episodes, render
from evals.results import Row, append, last_stamp, read_rows
from evals.scorers import CaseScores, Score

EVALS = BUNDLED.parent
LIST = EVALS / "episodes.txt"


def row(episode: str, *, right: float, arm: str = "analyst", kind: str = "as recorded", dropped: str = "",
        family: str = "F01", said: float = 0.9, reason: str = "") -> Row:
    """A row as a run would keep it."""
    scores = {name: Score(right) for name in ("cause", "component", "category", "action", "onset", "verdict")}
    scores |= {"harmless": Score(1.0), "grounded": Score(1.0), "wrong_and_confident": Score(1 - right)}
    if dropped:
        scores["right_or_gap"] = Score(float(bool(reason) and reason != "wrong"), reason)
    recording = episode.split()[0].rpartition("/")[2]
    facts = {"questions": 3.0, "seconds": 0.5, "cpu_seconds": 0.2}
    told = CaseScores(recording, recording, family, scores, said, "diagnosed", "x of y", facts=facts)
    return Row(episode, kind, episode.partition("/")[0], arm, told, dropped)


def test_the_committed_list_is_the_plan_of_what_is_there() -> None:
    """Nobody forgot a recording or left one in that is gone; 400 episodes or more, each once."""
    listed = read_episodes(LIST)
    assert listed == plan(EVALS, ["cases", "development"])
    assert len(listed) >= 400


def test_a_list_survives_being_written() -> None:
    """What is rendered reads back the same, comments apart."""
    episodes = (Episode("cases/f01-a"), Episode("cases/f01-a", ("rename:7", "drop:logs")))
    text = render(episodes)
    assert text.startswith("#")
    assert [line for line in text.splitlines() if line[0] != "#"] == ["cases/f01-a", "cases/f01-a rename:7 drop:logs"]
    assert (episodes[1].kind, episodes[1].dropped) == ("rename + drop:logs", "logs")


@pytest.mark.parametrize(("text", "why"), [
    ("cases/f01-a paint:red\n", "no mutation 'paint'"), ("cases/a\ncases/a # again\n", ":2: cases/a stands twice"),
    ("cases/a drop:everything\n", "one of metrics"), ("cases/a rename:seven\n", "invalid literal"),
])
def test_a_list_with_a_mistake_is_refused(text: str, why: str, tmp_path: Path) -> None:
    """An unknown edit, a bad argument or a line that stands twice is told with its place, before anything runs."""
    path = tmp_path / "list.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=why):
        read_episodes(path)


def test_rows_survive_a_torn_line(tmp_path: Path) -> None:
    """A run killed while writing loses that line only, and the next one begins on a line of its own."""
    path = tmp_path / "rows.jsonl"
    append(path, [row("cases/a", right=1.0)], stamp="one")
    with path.open("a", encoding="utf-8") as file:
        file.write('{"stamp": "one", "epis')
    assert [r.episode for r in read_rows(path)] == ["cases/a"]
    append(path, [row("cases/b", right=0.0)], stamp="two")
    with pytest.raises(BadInput, match=r"rows\.jsonl:2: not JSON"):
        read_rows(path)


def test_rows_of_other_code_are_asked_again(tmp_path: Path) -> None:
    """A row counts only for the code it was made with; the newest row of an episode and arm counts."""
    path = tmp_path / "rows.jsonl"
    append(path, [row("cases/a", right=1.0)], stamp="old")
    append(path, [row("cases/a", right=0.0), row("cases/a", right=1.0, arm="echo")], stamp="new")
    assert last_stamp(path) == "new"
    assert read_rows(path, stamp="other") == ()
    assert {(r.arm, r.scores.scores["cause"].value) for r in read_rows(path, stamp="new")} == {
        ("analyst", 0.0), ("echo", 1.0)}


def test_an_episode_that_cannot_be_made_is_a_crash_of_its_own(tmp_path: Path) -> None:
    """An edit that does not fit its recording counts as a wrong answer with the reason, never as a missing row."""
    found = run_episode(EVALS, Episode("cases/f22-a", ("alert-storm:5",)), ("analyst",))
    assert "not started by an alert" in found[0].scores.crash
    assert found[0].scores.scores["cause"].value == 0.0


def test_a_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """The same command after an interruption asks only what is missing, and both give the rows of the whole list."""
    results = tmp_path / "rows.jsonl"
    episodes = (Episode("cases/f01-b", ("drop:metrics",)), Episode("cases/f22-b", ("drop:logs",)))
    first = run_episodes(EVALS, episodes[:1], results, code="c")
    told: list[int] = []
    both = run_episodes(EVALS, episodes, results, on_rows=lambda rows: told.append(len(rows)), code="c")
    assert [r.episode for r in first] == [episodes[0].id]
    assert {r.episode for r in both} == {e.id for e in episodes}
    assert told == [1, 1]
    assert len(results.read_text(encoding="utf-8").splitlines()) == 2


def test_baselines_answer_recordings_as_they_are() -> None:
    """Every arm has a row for a recording, and the analyst alone for an edit; no baseline crashes."""
    assert arms_of(Episode("cases/f01-a")) == ("analyst", "all questions", "echo", "latest deploy")
    assert arms_of(Episode("cases/f01-a", ("noise:2",))) == ("analyst",)
    rows = {r.arm: r for r in run_episode(EVALS, Episode("cases/f01-a"), arms_of(Episode("cases/f01-a")))}
    assert not any(r.scores.crash for r in rows.values())
    assert rows["all questions"].scores.facts["questions"] > rows["analyst"].scores.facts["questions"]
    assert rows["latest deploy"].scores.said == "deploy_regression of worker-blue"
    assert rows["echo"].scores.scores["cause"].value == 0.0


def test_a_page_says_what_the_rows_say() -> None:
    """Means, counts, what was missed and abstentions stand on the page, and held-out recordings are told apart."""
    rows = [
        row("cases/f05-b", right=1.0), row("development/f03-b", right=0.0, said=0.8),
        row("development/f03-b rename:1", right=0.0, kind="rename"),
        row("cases/f05-b rename:1", right=1.0, kind="rename"),
        row("cases/f05-b drop:logs", right=0.0, kind="drop:logs", dropped="logs", reason="abstained, the gap named"),
        row("cases/f05-b drop:metrics", right=0.0, kind="drop:metrics", dropped="metrics", reason="wrong"),
    ]
    text = page(rows)
    assert page(list(reversed(rows))) == text
    assert "| cause, top-1 (faults) | >= 0.90 | 1.000, n 2/1 | 0.000, n 2/1 | 0.500 [0.00, 1.00], n 4/2 |" in text
    assert "| drop:logs | 1.000, n 1/1 | 0.00 | 1.00 | 0.00 |" in text
    assert "| f03-b |" in text
    assert "Expected calibration error **0.375**" in text


def test_a_page_reads_back_from_its_file(tmp_path: Path) -> None:
    """What is written as lines makes the same page as what was in memory."""
    rows = [row("cases/f05-b", right=1.0), replace(row("cases/f01-a", right=0.0), arm="echo")]
    append(tmp_path / "rows.jsonl", rows, stamp="s")
    assert page(read_rows(tmp_path / "rows.jsonl")) == page(rows)
    assert json.loads((tmp_path / "rows.jsonl").read_text(encoding="utf-8").splitlines()[0])["case"] == "f05-b"
