"""Run a list of episodes over several processes, keeping what is found as it is found."""

from __future__ import annotations

import asyncio
import multiprocessing
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import lru_cache
from pathlib import Path

from config.errors import CulpritError
from config.logging import configure_logging
from config.settings import Log
from evals.baselines import ARMS
from evals.case_files import CaseFiles, read_case_files, write_case_files
from evals.episodes import Episode
from evals.results import Row, append, read_rows, stamp
from evals.run import FAILED, judge
from evals.scorers import CaseScores, Score

ANALYST = "analyst"
CHEAP = ("echo", "latest deploy")  # arms that ask next to nothing, so that every episode can have them
COSTLY = ("all questions",)  # as slow as the analyst: on recordings as they are


def run_episodes(
    root: Path, episodes: Sequence[Episode], results: Path, *, jobs: int = 1,
    on_rows: Callable[[Sequence[Row]], None] = lambda _rows: None, code: str = "",
) -> tuple[Row, ...]:
    """Rows of every episode and arm, those of an earlier run with the same `code` (by default our own) included."""
    mark = code or stamp()
    kept = read_rows(results, stamp=mark)
    known = {row.key for row in kept}
    todo = [(e, arms) for e in episodes if (arms := tuple(a for a in arms_of(e) if (e.id, a) not in known))]
    on_rows(kept)
    if todo:
        with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn"), initializer=_quiet) as pool:
            waiting = [pool.submit(run_episode, root, episode, arms) for episode, arms in todo]
            for done in as_completed(waiting):
                rows = done.result()
                append(results, rows, stamp=mark)
                on_rows(rows)
    wanted = {(e.id, arm) for e in episodes for arm in arms_of(e)}
    return tuple(row for row in read_rows(results, stamp=mark) if row.key in wanted)


def arms_of(episode: Episode) -> tuple[str, ...]:
    """Who answers an episode: the analyst always, the baselines on recordings as they are."""
    return (ANALYST, *COSTLY, *CHEAP) if not episode.edits else (ANALYST,)


def _quiet() -> None:
    configure_logging(Log(level="error", format="console"))


def run_episode(root: Path, episode: Episode, arms: Iterable[str]) -> list[Row]:
    """One episode, answered by each arm. What cannot be made or read is a crash of that episode, never of the run."""
    with tempfile.TemporaryDirectory(prefix="episode-") as scratch:
        folder = root / episode.case
        try:
            if episode.edits:
                folder = Path(scratch) / "case"
                write_case_files(episode.edited(_recording(root / episode.case)), folder, to_diff=False)
            return [_row(episode, arm, asyncio.run(judge(folder, ARMS[arm], dropped=episode.dropped))) for arm in arms]
        except CulpritError as error:
            lost = {name: Score(0.0, "crashed") for name in FAILED}
            name = episode.case.rpartition("/")[2]
            scores = CaseScores(name, name, "", lost, crash=f"{type(error).__name__}: {error}")
            return [_row(episode, arm, scores) for arm in arms]


@lru_cache(maxsize=1)
def _recording(folder: Path) -> CaseFiles:
    """Episodes of one recording follow one another in a list."""
    return read_case_files(folder)


def _row(episode: Episode, arm: str, scores: CaseScores) -> Row:
    return Row(episode.id, episode.kind, episode.case.partition("/")[0], arm, scores, episode.dropped)
