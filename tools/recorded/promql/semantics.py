"""What differs between Prometheus versions, as named switches."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Semantics:
    """The server whose answers are wanted: its version and the flags that change answers.

    version: (major, minor). Durations are milliseconds.
    """

    version: tuple[int, int] = (2, 42)
    lookback_ms: int = 300_000
    default_subquery_step_ms: int = 60_000

    @property
    def left_open(self) -> bool:
        """Ranges and the lookback exclude their left edge from 3.0 on; before, `[5m]` held both edges."""
        return self.version >= (3, 0)

    @property
    def clamps_after_threshold(self) -> bool:
        """A counter's zero point limits the extrapolation after the 1.1-interval rule since 2.51, before it earlier."""
        return self.version >= (2, 51)

    @property
    def dot_matches_newline(self) -> bool:
        """In regular expressions `.` matches a line break from 3.0 on."""
        return self.version >= (3, 0)

    @property
    def utf8_names(self) -> bool:
        """Any non-empty label name is valid from 3.0 on."""
        return self.version >= (3, 0)

    @property
    def numbers_are_durations(self) -> bool:
        """`x[300]` and `1h30m` as a number are accepted from 3.0 on."""
        return self.version >= (3, 0)

    @property
    def first_over_time_is_stable(self) -> bool:
        """first_over_time left the experimental functions in 3.14."""
        return self.version >= (3, 14)

    @property
    def smoothing_name(self) -> str:
        """The name of Holt's double exponential smoothing."""
        return "double_exponential_smoothing" if self.version >= (3, 0) else "holt_winters"

    @property
    def atan2_keeps_name(self) -> bool:
        """`atan2` left the metric name in place before 3.0."""
        return self.version < (3, 0)

    @property
    def ignores_small_bucket_deltas(self) -> bool:
        """histogram_quantile ignores relative differences below 1e-12 between buckets."""
        return self.version >= (2, 50)

    @property
    def compensated_sums(self) -> bool:
        """`sum` carries the rounding error along (Kahan, Neumaier) from 2.53 on; `avg`, which followed one or two
        releases later, is held to the same switch."""
        return self.version >= (2, 53)

    @property
    def lone_infinity_has_no_deviation(self) -> bool:
        """`stddev` and `stdvar` of a single NaN or Inf were 0 before 2.54, NaN since."""
        return self.version < (2, 54)

    @property
    def relabels_whole_series(self) -> bool:
        """label_replace and label_join refuse equal label sets even at different steps, from 2.53 to 3.8."""
        return (2, 53) <= self.version < (3, 9)

    @property
    def annotates(self) -> bool:
        """Warnings and infos about the query come beside the answer from 2.48 on."""
        return self.version >= (2, 48)

    @property
    def negates_whole_series(self) -> bool:
        """Unary minus refuses series that become alike even at different steps, before 3.9."""
        return self.version < (3, 9)

    @property
    def range_functions_refuse_whole_series(self) -> bool:
        """rate() and its kin refuse series that become alike even at different steps, before 3.13."""
        return self.version < (3, 13)

    @property
    def filters_before_matching(self) -> bool:
        """A comparison overlooks several partners for one series where it filters all but one away, before 3.9."""
        return self.version < (3, 9)

    @property
    def fraction_reads_classic_buckets(self) -> bool:
        """histogram_fraction answers from `le` buckets; before, float series were ignored."""
        return self.version >= (3, 0)
