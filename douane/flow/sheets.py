"""What a file is asked before it is uploaded for good: its sheets, and what a template for files like it would say."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from douane.errors import DouaneError
from douane.flow.house import House, file_limits
from douane.jobs.children import Place, run_child
from douane.line import Event, Spec
from douane.line import sheet as line
from douane.model.reading import Options

E = TypeVar("E", bound=Event)


def sheet_names(house: House, path: Path) -> list[str]:
    """In their order; none for a file that is no workbook. BadFile for one that cannot be read."""
    options = Options(limits=file_limits(house.settings))
    return list(_asked(house, path, line.SheetNames(options=options), line.Names).names)


def learn(house: House, path: Path) -> line.Taught:
    """One column a heading, or what a schema asks for. BadFile for a file that cannot be read, BadTemplate for a schema
    of which no template can be made."""
    options = Options(limits=file_limits(house.settings))
    return _asked(house, path, line.Learn(options=options), line.Taught)


def _asked(house: House, path: Path, spec: Spec, kind: type[E]) -> E:
    """The child's one answer."""
    found: list[E] = []

    def event(event: Event) -> None:
        if isinstance(event, kind):
            found.append(event)

    seat = house.seats.take()
    try:
        with path.open("rb") as file:
            run_child(spec, Place(seat.folder, (), seat.limits), source=file, on_event=event)
    finally:
        seat.clear()
    if not found:
        raise DouaneError("The program that read the file said too little.", code="internal")
    return found[0]
