"""One series about which nothing is known: what alarms, what must not, and what a past says about the future."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest

from tools.analysis.forecast import fit_forecast, seasonal
from tools.analysis.period import find_period
from tools.analysis.robust import Floats
from tools.analysis.shape import nearest
from tools.analysis.single import KEPT_COLUMNS, Judged, Single
from tools.analysis.tails import Rules, upper_limit
from tools.analysis.views import LOOKBACK, farness, look_at, look_at_last

MINUTE = 60_000
START = 1_793_577_600_000
RNG = np.random.default_rng


def judge(values: Floats, interval_ms: int = MINUTE, single: Single | None = None) -> list[Judged]:
    """Every sample in turn."""
    one = single or Single(interval_ms=interval_ms)
    return [one.look(START + interval_ms * i, float(v)) for i, v in enumerate(values)]


def told(values: Floats, interval_ms: int = MINUTE) -> list[int]:
    """Where alarms began."""
    return [i for i, j in enumerate(judge(values, interval_ms)) if j.began]


def wave(n: int, cycle: int) -> Floats:
    return np.asarray(100 + 30 * np.sin(np.arange(n) * 2 * np.pi / cycle))


@pytest.mark.parametrize("interval_ms", [1_000, 60_000, 3_600_000, 86_400_000])
def test_ordinary_noise_says_nothing_at_any_interval(interval_ms: int) -> None:
    """Independent noise about a level, from a second to a day between samples."""
    assert told(RNG(1).normal(50, 3, 1_200), interval_ms) == []


@pytest.mark.parametrize("made", [
    lambda rng: 1_000 + rng.normal(size=1_500).cumsum(), lambda rng: 0.05 * np.arange(1_500) + rng.normal(size=1_500),
    lambda rng: np.full(1_500, 7.0), lambda rng: np.full(1_500, np.nan),
    lambda rng: wave(1_500, 48) + rng.normal(size=1_500),
], ids=["walk", "trend", "constant", "nothing", "season"])
def test_what_is_ordinary_for_a_series_is_no_anomaly(made: Callable[[np.random.Generator], Floats]) -> None:
    """A random walk, a trend, a constant, no number at all, a season of unknown length."""
    assert told(made(RNG(3))) == []


def test_the_first_samples_say_nothing_however_wild() -> None:
    """There is nothing to compare with."""
    assert told(RNG(1).pareto(0.5, 60)) == []


def test_a_spike_is_told_at_once_also_inside_the_usual_range() -> None:
    """In a trough of the season a value that is usual at its peak is as clear as one beyond everything."""
    values = wave(1_500, 48) + RNG(2).normal(0, 1, 1_500)
    values[1_044] += 45  # a trough, 36 samples into a cycle
    values[1_340] += 60
    assert told(values) == [1_044, 1_340]


def test_a_peak_that_does_not_come_is_told() -> None:
    """Every value is usual; that there is no peak is not."""
    values = wave(1_500, 48) + RNG(2).normal(0, 1, 1_500)
    values[1_152:1_176] = 100 + RNG(4).normal(0, 1, 24)
    found = told(values)
    assert found
    assert 1_152 <= found[0] < 1_176


def test_a_new_level_is_told_once_and_then_it_is_how_it_is() -> None:
    """One alarm for a lasting change, none for what follows."""
    values = RNG(5).normal(50, 2, 1_500)
    values[900:] += 25
    assert told(values) == [900]


def test_a_value_that_stands_still_is_told() -> None:
    """A sensor that is stuck, in a series that always moves."""
    values = RNG(6).normal(50, 2, 1_000)
    values[700:740] = values[700]
    found = told(values)
    assert found
    assert 700 < found[0] < 720


def test_earlier_anomalies_do_not_hide_later_ones() -> None:
    """Six like spikes, hundreds of samples apart: all are told."""
    values = wave(1_600, 24) + RNG(7).normal(0, 1, 1_600)
    places = [500, 700, 900, 1_101, 1_300, 1_499]
    values[places] += 30
    assert told(values) == places


def test_what_comes_again_and_again_is_learned() -> None:
    """A burst every hundred samples is told a few times at most, not forty times."""
    values = RNG(8).normal(5, 0.5, 4_000)
    values[100::97] += 20 + RNG(9).exponential(5, values[100::97].size)
    assert len(told(values)) <= 8


def test_gaps_and_late_samples_are_no_anomaly() -> None:
    """Missing rows, nan, a long pause, a clock that goes back."""
    values = wave(1_000, 48) + RNG(2).normal(0, 1, 1_000)
    one, began = Single(interval_ms=MINUTE), 0
    for i, v in enumerate(values):
        if 400 <= i < 460 or i % 17 == 0:
            continue
        began += one.look(START + i * MINUTE, float("nan") if i % 13 == 0 else float(v)).began
        began += one.look(START, 9e9).began
    assert began == 0


def test_an_alarm_ends_when_it_is_calm_again() -> None:
    """One begin, one end."""
    values = RNG(5).normal(50, 2, 900)
    values[600:603] += 40
    found = judge(values)
    assert [i for i, j in enumerate(found) if j.began] == [600]
    (ended,) = [i for i, j in enumerate(found) if j.ended]
    assert 603 <= ended < 640


def test_what_feedback_says_raises_the_limit() -> None:
    """Four times the limit quietens a spike of twice the limit."""
    values = RNG(5).normal(50, 2, 900)
    values[600] += 22
    one = Single(interval_ms=MINUTE)
    assert not any(one.look(START + i * MINUTE, float(v), factor=4.0).began for i, v in enumerate(values))
    assert told(values) == [600]


def test_a_restart_goes_on_where_it_stopped() -> None:
    """Saved as JSON and columns in the middle of a series, it tells what one that went on tells."""
    values = wave(1_200, 48) + RNG(2).normal(0, 1, 1_200)
    values[1_000] += 60
    straight, again = Single(interval_ms=MINUTE), Single(interval_ms=MINUTE)
    judge(values[:900], single=straight)
    facts, columns = straight.save()
    again.restore(json.loads(json.dumps(facts)), columns)
    for i in range(900, 1_200):
        one, two = (s.look(START + i * MINUTE, float(values[i])) for s in (straight, again))
        assert (one.began, one.ended) == (two.began, two.ended)


def test_a_broken_memory_is_refused() -> None:
    """Columns of different lengths are no past."""
    facts, columns = Single(interval_ms=MINUTE).save()
    with pytest.raises(ValueError, match="size"):
        Single(interval_ms=MINUTE).restore(facts, {**columns, KEPT_COLUMNS[1]: np.zeros(3)})


def test_the_past_kept_is_bounded() -> None:
    """However long a series goes on; a pause of years is no endless loop."""
    one = Single(interval_ms=86_400_000)
    for i in range(3 * one.capacity):
        one.look(START + i * 86_400_000, float(i % 7))
    one.look(START + 10**14, 1.0)
    assert one.size <= 2 * one.capacity


@pytest.mark.parametrize("cycle", [7, 24, 90, 288])
def test_the_period_is_found(cycle: int) -> None:
    """Of a noisy season, whatever its length; a walk and noise have none."""
    n = max(6 * cycle, 300)
    assert abs(find_period(wave(n, cycle) + RNG(1).normal(0, 5, n), interval_ms=1_000) - cycle) <= max(cycle // 50, 0)
    assert find_period(RNG(1).normal(size=n), interval_ms=1_000) == 0
    assert find_period(RNG(1).normal(size=n).cumsum(), interval_ms=1_000) == 0


def test_a_limit_is_beyond_the_past_and_grows_with_its_tail() -> None:
    """About five sigma for a normal past, more for a heavy tail; told excursions that are clear do not raise it."""
    normal, none = RNG(1).normal(size=5_000), np.zeros(5_000)
    rules = Rules(gap=2, rate=1e-5)
    assert 4 < upper_limit(normal, none, rules) < 6.5
    assert upper_limit(RNG(1).pareto(3, 5_000), none, rules) > 2 * 6.5
    spiked, marks = normal.copy(), none.copy()
    spiked[2_000], marks[2_000] = 40.0, 5.0
    assert upper_limit(spiked, marks, rules) == pytest.approx(upper_limit(normal, none, rules), rel=0.1)
    assert upper_limit(np.full(10, np.nan), none[:10], rules) == np.inf


def test_a_season_leaves_out_the_farthest_of_its_cycles() -> None:
    """One wild cycle is not expected again."""
    clean = np.tile(np.arange(10.0), 5)
    clean[33] = 1_000.0
    assert seasonal(clean, 10)[43] == 3.0
    assert np.isnan(seasonal(clean, 10)[:10]).all()


def test_a_walk_is_predicted_by_its_last_value() -> None:
    """The prediction is never much worse than that, and far better for a season."""
    walk = RNG(1).normal(size=800).cumsum()
    nothing = np.full(800, np.nan)
    _, off = fit_forecast(walk, nothing, np.ones(800, np.bool_))
    assert np.nanmean(np.abs(off)) < 1.05 * np.abs(np.diff(walk)).mean()
    course = wave(800, 40) + RNG(2).normal(0, 0.1, 800)
    _, off = fit_forecast(course, seasonal(course, 40), np.ones(800, np.bool_))
    assert np.nanmean(np.abs(off)) < 0.1 * np.abs(np.diff(course)).mean()


def test_the_quick_look_equals_the_whole() -> None:
    """The last number of each view from a tail alone, gaps included."""
    rng = RNG(1)
    residuals, adjusted = rng.normal(size=900), rng.normal(size=900)
    residuals[::17], adjusted[850:870] = np.nan, np.nan
    whole, quick = look_at(residuals, adjusted, 1.0), look_at_last(residuals[-LOOKBACK:], adjusted[-LOOKBACK:], 1.0)
    assert quick == pytest.approx({name: float(column[-1]) for name, column in whole.items()}, nan_ok=True)


def test_farness_is_the_distance_to_the_third_neighbour() -> None:
    """Two earlier wild values do not make a third one usual."""
    known = np.array([1.0, 1.1, 1.2, 1.3, 9.0, 9.1])
    found = farness(np.array([1.15, 9.05, 20.0, np.nan]), known)
    assert found == pytest.approx([0.15, 7.75, 18.7, np.nan], nan_ok=True)


def test_the_nearest_stretch_is_found_whatever_its_level() -> None:
    """A shape that was there before is near; one that was not is far."""
    values = np.concatenate([np.tile([0, 0, 5, 1, 0, 0, 0, 0], 20), [7, 7, 12, 8, 7, 7, 7, 7]]).astype(float)
    assert nearest(values, 8) == pytest.approx(0, abs=1e-6)
    values[-5] = 0
    assert nearest(values, 8) > 1
