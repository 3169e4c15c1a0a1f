"""Which sheets a workbook has, asked before it is uploaded for good."""

from __future__ import annotations

from pathlib import Path

from douane.flow.house import House, file_limits
from douane.jobs.children import run_child
from douane.line import Event
from douane.line import sheet as line
from douane.model.reading import Options


def sheet_names(house: House, path: Path) -> list[str]:
    """In their order; none for a file that is no workbook. BadFile for one that cannot be read."""
    names: list[str] = []

    def event(event: Event) -> None:
        if isinstance(event, line.Names):
            names.extend(event.names)

    seat = house.seats.take()
    try:
        with path.open("rb") as file:
            run_child(
                line.SheetNames(options=Options(limits=file_limits(house.settings))),
                source=file,
                folder=seat.folder,
                on_event=event,
                limits=seat.limits,
            )
    finally:
        seat.clear()
    return names
