"""The open house: the settings and the three things every flow needs, opened once per process."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine

from douane.jobs.queue import Jobs
from douane.settings import Settings
from douane.store.database import migrate, open_database
from douane.store.objects import Objects


@dataclass(frozen=True, slots=True)
class House:
    """`engine` is a synchronous SQLAlchemy engine with the schema in place; `objects` the object store; `jobs` asks for
    durable work."""

    settings: Settings
    engine: Engine
    objects: Objects
    jobs: Jobs


def open_house(settings: Settings) -> House:
    """Opens everything and brings the schema to today's."""
    engine = open_database(settings)
    migrate(engine)
    return House(settings, engine, Objects(settings), Jobs(settings, engine))
