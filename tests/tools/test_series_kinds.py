"""What a metric measures, by the words of its name in any spelling."""

from __future__ import annotations

import pytest

from tools.series_kinds import kind_of


@pytest.mark.parametrize(("metric", "kind"), [
    ("http_server_duration_p99_ms", "latency"), ("cart_latency-90", "latency"), ("OrderLatencyP95(s)", "latency"),
    ("response_time_seconds", "latency"), ("istio_request_time", "latency"), ("mrt", "latency"),
    ("http_5xx_ratio", "errors"), ("cart_error", "errors"), ("packet_loss", "errors"), ("PodSuccessRate(%)", "success"),
    ("diskio", "disk"), ("disk-iops", "disk"), ("socket", "network"), ("container_network_receive_bytes", "network"),
    ("cpu-usage", "cpu"), ("ram_used", "memory"), ("throughput", "requests"), ("signal_7", "other"),
])
def test_kinds_are_told_by_general_words(metric: str, kind: str) -> None:
    """Snake, camel and kebab case, percentiles and units in the name."""
    assert kind_of(metric).kind == kind


def test_counters_and_what_says_nothing_of_load() -> None:
    """Totals are counters in either spelling; moments and descriptions say nothing, a time taken does."""
    assert kind_of("requests_total").counter
    assert kind_of("container-cpu-usage-seconds-total").counter
    assert not kind_of("total_memory").counter
    assert kind_of("process_start_time_seconds").moot
    assert not kind_of("http_response_time_seconds").moot
