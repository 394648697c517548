"""A fixture with a Prometheus server of one's own, for live tests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from evals.bench.prometheus_server import PrometheusServer, running_prometheus

__all__ = ["PrometheusServer", "prometheus_server", "running_prometheus"]


@pytest.fixture(scope="module")
def prometheus_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusServer]:
    """An empty server on a free port, stopped afterwards; skips where no binary is on the path."""
    if shutil.which("prometheus") is None:
        pytest.skip("no prometheus binary on the path")
    with running_prometheus(tmp_path_factory.mktemp("prometheus")) as server:
        yield server
