"""One line an event, whoever logs it, with what it is about."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Literal

import pytest
import structlog
from structlog.contextvars import bound_contextvars

from douane.cli import log
from douane.jobs.queue import quiet
from douane.jobs.troubles import Troubles
from douane.settings import Settings


@pytest.fixture
def root() -> Iterator[None]:
    """Loggers as they were before, afterwards."""
    logger = logging.getLogger()
    handlers, level = logger.handlers, logger.level
    yield
    logger.handlers, logger.level = handlers, level
    structlog.reset_defaults()


@pytest.mark.parametrize("form", ["text", "json"])
def test_nothing_takes_a_second_line(
    root: None, capsys: pytest.CaptureFixture[str], form: Literal["text", "json"]
) -> None:
    log.set_up(Settings(log_format=form))
    others = logging.getLogger("of.others")
    with bound_contextvars(operation="abc", request="def"):
        others.warning("database is locked\n[SQL: %s]\n(more at an address)", "SELECT 1")
        try:
            raise ValueError("a cell")
        except ValueError:
            others.exception("It failed.")
            structlog.get_logger("ours").exception("Ours failed.")
        others.info("Looked around.", stack_info=True)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 4
    assert all("abc" in line and "def" in line for line in lines)
    assert "[SQL: SELECT 1] (more" in lines[0]
    assert "ValueError: a cell" in lines[1]
    assert "ValueError: a cell" in lines[2]
    if form == "json":
        assert [json.loads(line)["level"] for line in lines] == ["warning", "error", "error", "info"]


def test_a_database_that_is_away_is_said_once_a_minute_by_dbos(
    root: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("douane.jobs.queue._once._said", {})
    monkeypatch.setattr("douane.jobs.queue.troubles", Troubles())
    log.set_up(Settings())
    quiet()
    dbos = logging.getLogger("dbos")
    for attempt in range(3):
        for what in ("Database connection failed", "Exception listing queues"):
            dbos.warning(f"{what}: (psycopg.OperationalError) refused\n(Background). Retrying ({attempt})")
    # The last line of a trace of SQLAlchemy's is its advice, not what was wrong.
    dbos.warning("Polls: Traceback (most recent call last):\n  File x\n(psycopg.OperationalError) gone\n(Background)\n")
    dbos.warning("Something else")
    dbos.warning("Polling: Traceback (most recent call last):\n  File x\nKeyError: 'a'\n")
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert "Polling: KeyError: 'a'" in lines[2]
    assert "OperationalError" in lines[0]
    assert "Background" not in lines[0]
    assert "Something else" in lines[1]
