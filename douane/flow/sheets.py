"""Which sheets a workbook has, asked before it is uploaded for good."""

from __future__ import annotations

import tempfile
from dataclasses import fields
from pathlib import Path
from typing import Any

from douane.flow.house import House
from douane.jobs.children import child_limits, run_child
from douane.sheet.formats import Limits


def sheet_names(house: House, path: Path) -> list[str]:
    """In their order; none for a file that is no workbook. BadFile for one that cannot be read."""
    names: list[str] = []

    def event(event: dict[str, Any]) -> None:
        if event["event"] == "sheets":
            names.extend(str(name) for name in event["names"])

    limits = {field.name: getattr(house.settings, field.name) for field in fields(Limits)}
    house.settings.work_folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="sheets-", dir=house.settings.work_folder) as folder,
        path.open("rb") as file,
    ):
        run_child(
            {"do": "sheets", "options": {"limits": limits}},
            source=file,
            folder=Path(folder),
            on_event=event,
            limits=child_limits(house.settings),
        )
    return names
