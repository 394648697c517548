"""structlog for us and for libraries alike: one handler, one redactor, logs on stderr (reports own stdout)."""

from __future__ import annotations

import logging
import sys
from typing import Any, TextIO

import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, Processor

from config.redact import redact_mapping
from config.settings import Log

_QUIET = ("httpx", "httpcore", "urllib3", "alembic", "uvicorn.access", "docker")  # their INFO is noise


def configure_logging(settings: Log | None = None, *, stream: TextIO | None = None) -> None:
    """Call once, in an entry point. Secrets are taken out of every field of every line, exceptions included."""
    settings = settings or Log()
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars, structlog.stdlib.add_logger_name, structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(), structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),  # locals hold secrets
        redacted,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False) if settings.format == "json"
        else structlog.dev.ConsoleRenderer(colors=False))
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer]))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(), wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True)


def redacted(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """The redactor on every field, by its name too: whatever stands under `password` is hidden whole."""
    ours = {key: value for key, value in event.items() if not key.startswith("_")}
    internal = {key: value for key, value in event.items() if key.startswith("_")}
    return {**redact_mapping(ours), **internal}
