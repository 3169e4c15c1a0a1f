"""The open house: the settings and the three things every flow needs, opened once per process."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine

from douane.settings import Settings
from douane.store.objects import Objects


@dataclass(frozen=True, slots=True)
class House:
    """`engine` is a synchronous SQLAlchemy engine with the schema in place; `objects` the object store."""

    settings: Settings
    engine: Engine
    objects: Objects
