"""Which sheets a workbook has, asked before it is uploaded for good."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from msgspec import to_builtins

from douane.flow.house import House, file_limits
from douane.jobs.children import run_child


def sheet_names(house: House, path: Path) -> list[str]:
    """In their order; none for a file that is no workbook. BadFile for one that cannot be read."""
    names: list[str] = []

    def event(event: dict[str, Any]) -> None:
        if event["event"] == "sheets":
            names.extend(str(name) for name in event["names"])

    seat = house.seats.take()
    try:
        with path.open("rb") as file:
            run_child(
                {"do": "sheets", "options": {"limits": to_builtins(file_limits(house.settings))}},
                source=file,
                folder=seat.folder,
                on_event=event,
                limits=seat.limits,
            )
    finally:
        seat.clear()
    return names
