"""The open house: the settings and the three things every flow needs, opened once per process."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from douane.jobs.children import Seats, child_limits
from douane.jobs.queue import Jobs
from douane.model.reading import Limits
from douane.settings import Settings
from douane.store.database import migrate, open_database, private
from douane.store.objects import Objects


@dataclass(frozen=True, slots=True)
class House:
    """`engine` is a synchronous SQLAlchemy engine with the schema in place; `objects` the object store; `jobs` asks for
    durable work; `seats` is where children work."""

    settings: Settings
    engine: Engine
    objects: Objects
    jobs: Jobs
    seats: Seats


def open_house(settings: Settings) -> House:
    """Opens everything and brings the schema to today's."""
    engine = open_database(settings)
    migrate(engine)
    return house_of(settings, engine, Objects(settings))


def open_as_it_is(settings: Settings) -> House:
    """Opens everything and changes nothing, for who looks what is wrong: the schema may be of another Douane."""
    return house_of(settings, open_database(settings), Objects(settings))


def house_of(settings: Settings, engine: Engine, objects: Objects) -> House:
    """The same, of what is open already."""
    # A worker's own slots must never wait for a place.
    most = max(settings.child_most, settings.slots_interactive + settings.slots_small + settings.slots_large)
    seats = Seats(settings.work_folder, child_limits(settings), most)
    return House(settings, engine, objects, Jobs(settings, engine), seats)


def file_limits(settings: Settings) -> Limits:
    """What a file may hold."""
    return Limits(**{name: getattr(settings, name) for name in Limits.__struct_fields__})


def note_address(settings: Settings) -> None:
    """Of a web process that answers now: where, for commands in the same data folder (`as_served`). A full disk or one
    that may only be read keeps no server from serving."""
    with suppress(OSError), open(_address_file(settings), "w", encoding="utf-8", opener=private) as file:
        file.write(settings.address)


def as_served(settings: Settings) -> Settings:
    """The settings with the address at which a server of this data folder answered last, where none is set as
    `public_url`: `--port` and `--host` of `douane serve` are known to that process alone."""
    if settings.public_url:
        return settings
    try:
        address = _address_file(settings).read_text(encoding="utf-8")
    except OSError:
        return settings
    return settings.model_copy(update={"public_url": address}) if address else settings


def _address_file(settings: Settings) -> Path:
    return settings.data / "address"
