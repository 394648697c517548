"""hour(), month() and their kin: UTC calendar fields of times in seconds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tools.recorded.promql.arrays import Floats, Ints

_DAY = 86_400
_BEFORE_1970 = np.uint64(9_223_372_028_715_321_600)
"""Seconds from the start of the year -292277022399 to 1970. Go counts from there in 64 bits, and so must we: a NaN or a
value out of range becomes the smallest integer there and shows up as some date or other."""
_FIRST_YEAR = -292_277_022_399


def _since_first_year(values: Floats) -> NDArray[np.uint64]:
    """Whole seconds since the first year, fractions cut off."""
    fits = np.abs(values) < 2.0**63
    whole = np.where(fits, np.where(fits, values, 0.0).astype(np.int64), np.iinfo(np.int64).min)
    return np.asarray(whole.astype(np.uint64) + _BEFORE_1970)


def _days(values: Floats) -> Ints:
    return np.asarray((_since_first_year(values) // np.uint64(_DAY)).astype(np.int64))


def _second_of_day(values: Floats) -> Ints:
    return np.asarray((_since_first_year(values) % np.uint64(_DAY)).astype(np.int64))


def _date(values: Floats) -> tuple[Ints, Ints, Ints]:
    """Year, month, day in the proleptic Gregorian calendar (H. Hinnant, chrono-compatible date algorithms).

    The first year has its place in the 400-year cycle where the year 1 has it.
    """
    days = _days(values) + 306
    era = days // 146_097
    of_era = days - era * 146_097
    year_of_era = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * of_year + 2) // 153
    day = of_year - (153 * shifted + 2) // 5 + 1
    month = np.where(shifted < 10, shifted + 3, shifted - 9)
    return year_of_era + era * 400 + (month <= 2) + _FIRST_YEAR - 1, month, day


def _leap(year: Ints) -> Ints:
    return np.asarray(((year % 4 == 0) & (year % 100 != 0)) | (year % 400 == 0), np.int64)


def _days_in_month(values: Floats) -> Ints:
    year, month, _ = _date(values)
    lengths = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    return np.asarray(lengths[month] + (month == 2) * _leap(year))


def _day_of_year(values: Floats) -> Ints:
    year, month, day = _date(values)
    before = np.array([0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334])
    return np.asarray(before[month] + day + (month > 2) * _leap(year))


FIELDS: dict[str, Callable[[Floats], Ints]] = {
    "minute": lambda values: _second_of_day(values) // 60 % 60,
    "hour": lambda values: _second_of_day(values) // 3_600,
    "day_of_week": lambda values: (_days(values) + 1) % 7,
    "day_of_month": lambda values: _date(values)[2],
    "day_of_year": _day_of_year,
    "days_in_month": _days_in_month,
    "month": lambda values: _date(values)[1],
    "year": lambda values: _date(values)[0],
}
