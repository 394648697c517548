"""The queue keeps its laws whatever workers, clock and operator do."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings

from tests.triggers.laws import QueueLaws

TestQueueLaws = QueueLaws.TestCase
TestQueueLaws.settings = settings(max_examples=20, stateful_step_count=25, deadline=None,
                                  phases=[Phase.reuse, Phase.generate],
                                  suppress_health_check=list(HealthCheck))
