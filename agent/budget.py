"""What one run may spend. At the deadline the best verified diagnosis is published with its gaps, never nothing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Budget:
    """`seconds` bounds the run, `question_seconds` one question, `model_seconds` one model call.

    `steps` counts model turns; `questions` all questions asked; `attempts` how often verification may send back.
    """

    seconds: float = 120.0
    question_seconds: float = 15.0
    model_seconds: float = 45.0
    steps: int = 12
    questions: int = 40
    attempts: int = 2
    parallel: int = 6
