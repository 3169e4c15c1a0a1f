"""What may be wrong with an installation and does not show by itself: looked at once, when somebody asks."""

from __future__ import annotations

import difflib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from douane.errors import DouaneError
from douane.flow import health, identity
from douane.flow.house import House
from douane.jobs.children import missing_walls
from douane.settings import PREFIX, Settings
from douane.store import named
from douane.store.database import database_now, database_url, read, schema_step

_CLOCK_S = 5.0
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """`good`: nothing to do. `says`: a sentence, of what to do where it is not."""

    about: str
    good: bool
    says: str


def examine(
    house: House, around: Callable[[str], AbstractContextManager[None]] = lambda _about: nullcontext()
) -> Iterator[Finding]:
    """One after another, as each is found; the last one reads the names of all stored objects. Where the database is
    another Douane's there is nothing else to look at. `around`: entered with the name of what is looked at."""
    with around("schema"):
        schema, anothers = _schema(house)
    yield schema
    if anothers:
        return
    for about, look in _looks():
        with around(about):
            found = list(look(house))
        yield from found


def _looks() -> Iterator[tuple[str, Callable[[House], Iterable[Finding]]]]:
    alone: tuple[tuple[str, Callable[[House], Finding]], ...] = (
        ("settings", _settings),
        ("secret", _secret),
        ("rights", _rights),
        ("clock", _clock),
        ("walls", _walls),
        ("conditional writes", _conditional_writes),
    )
    for about, look in alone:
        yield about, partial(_tried, about, look)
    yield "readiness", _readiness
    yield "objects", partial(_tried, "objects", _objects)


def _tried(about: str, look: Callable[[House], Finding], house: House) -> list[Finding]:
    try:
        return [look(house)]
    except DouaneError as error:
        return [Finding(about, False, error.message)]
    except OSError as error:
        return [Finding(about, False, f"It cannot be looked at: {error.strerror or error}.")]


def _readiness(house: House) -> Iterator[Finding]:
    for name, part in health.Readiness(house).parts().items():
        yield Finding(name, part.good, part.says)


def _schema(house: House) -> tuple[Finding, bool]:
    """And whether the database is another Douane's. Of one that does not answer the others may tell why."""
    try:
        stands_at, newest = schema_step(house.engine)
    except DouaneError as error:
        return Finding("schema", False, error.message), False
    if stands_at == newest:
        return Finding("schema", True, "The database is as this Douane wants it."), False
    says = f"The database is at {stands_at or 'no step'}, not at {newest}: it is brought there when Douane is started."
    if stands_at is not None and stands_at > newest:
        says = f"The database is a later Douane's (at {stands_at}, this one knows {newest})."
    return Finding("schema", False, says), True


def _settings(house: House) -> Finding:
    settings = house.settings
    odd = []
    if not settings.address.startswith("https://") and settings.host not in ("127.0.0.1", "::1", "localhost"):
        odd.append("people reach it without https, so cookies are not Secure (setting public_url)")
    if settings.public_url and not settings.trusted_proxies:
        odd.append("no proxy is named, so all who come through one count as one address (setting trusted_proxies)")
    if settings.on_sqlite == settings.storage_url.startswith("s3://"):
        odd.append("SQLite goes with a folder and PostgreSQL with a bucket; other pairs are one machine's in part")
    if strange := unknown_variables(os.environ):
        odd.append(f"no setting is called {', '.join(strange)}")
    return Finding("settings", not odd, _sentence("; ".join(odd)) if odd else "They go together.")


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Those that look like settings and are none, each with the one that is meant, if that can be guessed."""
    found = []
    for variable in sorted(environment):
        name = variable.lower().removeprefix(PREFIX.lower())
        # Of our own tests.
        if not variable.upper().startswith(PREFIX) or name.startswith(("test_", "torture_")):
            continue
        if name not in Settings.model_fields:
            near = difflib.get_close_matches(name, Settings.model_fields, 1)
            found.append(f"{variable} (is {PREFIX}{near[0].upper()} meant?)" if near else variable)
    return found


def _sentence(text: str) -> str:
    """`capitalize` would make names in it small."""
    return f"{text[:1].upper()}{text[1:]}."


def _secret(house: House) -> Finding:
    identity.unlock(house)
    return Finding("secret", True, "It is the one this database was begun with.")


def _rights(house: House) -> Finding:
    paths = [house.settings.data / "secret"]
    if house.settings.on_sqlite:
        paths.append(Path(database_url(house.settings.database_url).database or ""))
    closed = house.settings.data.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO) == 0
    loose = [path for path in paths if path.exists() and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)]
    if closed or not loose:
        return Finding("rights", True, "Other accounts of this machine cannot read the data.")
    shown = ", ".join(str(path) for path in loose)
    return Finding(
        "rights", False, f"Other accounts of this machine may read {shown}: chmod 700 {house.settings.data}."
    )


def _clock(house: House) -> Finding:
    with read(house.engine) as connection:
        apart_s = (database_now(connection) - datetime.now(UTC)).total_seconds()
    if abs(apart_s) > _CLOCK_S:
        return Finding("clock", False, f"The database's clock and this machine's are {apart_s:+.0f} seconds apart.")
    return Finding("clock", True, "The database's clock is this machine's.")


def _walls(house: House) -> Finding:
    missing = missing_walls(house.settings)
    if missing:
        return Finding("walls", False, f"Strangers' files are opened with less than all walls: {'; '.join(missing)}.")
    return Finding("walls", True, "Strangers' files are opened behind all walls.")


def _conditional_writes(house: House) -> Finding:
    if house.objects.takes_conditions():
        return Finding("conditional writes", True, "The object store refuses to make what is there already.")
    says = "The object store overwrites where it was asked not to; use one that keeps conditions (If-None-Match)."
    return Finding("conditional writes", False, says)


def _objects(house: House) -> Finding:
    """Rows first: an object that comes while its neighbours are listed is named by none of them."""
    with read(house.engine) as connection:
        wanted = {name: where for where, name in named.objects(connection)}
    stored = set(house.objects.list())
    gone = sorted(wanted.keys() - stored)
    if gone:
        shown = ", ".join(f"{name} ({wanted[name]})" for name in gone[:_SHOWN])
        return Finding("objects", False, f"{len(gone):,} of {len(wanted):,} objects that rows name are gone: {shown}.")
    return Finding("objects", True, f"All {len(wanted):,} objects that rows name are stored.")
