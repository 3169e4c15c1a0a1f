"""Whoever confirms gets the records in the answer (contract 8.6): nothing is sent from here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from douane.destinations.contract import House, Takes, Way
from douane.errors import BadRequest

TAKES: Takes = "answer"
SECRETS: tuple[str, ...] = ()


def check(given: Mapping[str, Any], house: House) -> dict[str, Any]:
    return {}


def rows(settings: Mapping[str, Any]) -> int:
    return 0


@contextmanager
def open(settings: Mapping[str, Any], house: House) -> Iterator[Way]:
    raise BadRequest("Whoever confirms gets the records; there is nothing to send.")
    yield
