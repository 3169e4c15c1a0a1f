"""The log of the processes that serve: one line an event on standard error, as text or JSON."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

from douane.settings import Settings


def quiet() -> None:
    """For verbs that print an answer and end: errors alone, on standard error."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def set_up(settings: Settings) -> None:
    """Our own events and those of libraries through the same renderer. Exceptions are shown without local variables,
    which may hold people's cells, and nothing of an event stands on a second line."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if settings.log_format == "json":
        last: structlog.typing.Processor = structlog.processors.JSONRenderer(ensure_ascii=False)
    else:
        last = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    render: list[structlog.typing.Processor] = [structlog.processors.format_exc_info, _on_one_line, last]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for noisy in ("alembic", "dbos", "uvicorn.error", "httpx", "httpcore", "sqlalchemy"):
        logging.getLogger(noisy).setLevel(max(level, logging.WARNING))


def _on_one_line(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Libraries put SQL and advice below their sentence. A trace goes by our own name, under which it is written as a
    value; a renderer writes what is called an exception over many lines."""
    event["event"] = " ".join(str(event.get("event", "")).split("\n"))
    for name in ("exception", "stack"):
        if name in event:
            event["trace"] = event.pop(name)
    return event
