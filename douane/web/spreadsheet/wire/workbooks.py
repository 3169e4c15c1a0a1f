"""Documents of workbooks that people mend (ours, docs/wire-spreadsheet.md)."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from douane.flow.changing import Put
from douane.flow.workbooks import Difference
from douane.web.spreadsheet.wire.bodies import Body
from douane.web.spreadsheet.wire.live import ConflictCell, moment


class DifferingCell(Struct):
    """`line`: the row of the workbook."""

    index: int
    line: int
    column: str
    before: str
    after: str


class DifferenceDocument(Struct):
    """`difference` is "" where nothing differs. `madeOf`: the revision that the workbook was made of; `revision`: the
    import's last one."""

    difference: str
    madeOf: int
    revision: int
    rows: int
    cells: int
    records: int
    columns: dict[str, int]
    missing: int
    missingUntold: int
    spoilt: int
    sample: list[DifferingCell]
    conflicts: list[ConflictCell]


class AppliedDocument(Struct):
    revision: int
    cells: int
    records: int
    deleted: int
    kept: int


def difference(found: Difference) -> DifferenceDocument:
    return DifferenceDocument(
        difference=found.id,
        madeOf=found.revision,
        revision=found.last,
        rows=found.rows,
        cells=found.cells,
        records=found.records,
        columns=found.columns,
        missing=found.missing,
        missingUntold=found.untold,
        spoilt=found.spoilt,
        sample=[DifferingCell(one.row, one.line, one.column, one.before, one.after) for one in found.sample],
        conflicts=[
            ConflictCell(cell.row, cell.key, cell.text, cell.revision, moment(cell.at), cell.by)
            for cell in found.overtaken
        ],
    )


def applied(put: Put) -> AppliedDocument:
    return AppliedDocument(put.revision, put.cells, put.records, put.deleted, put.kept)


def workbook_choices(value: Any) -> tuple[Literal["delete", "keep"] | None, Literal["refuse", "keep", "overwrite"]]:
    """(what becomes of rows that are missing; of cells that somebody else changed since)."""
    body = Body(value if isinstance(value, dict) else {})
    missing = body.choice("missing", ("delete", "keep"))
    conflicts = body.choice("conflicts", ("refuse", "keep", "overwrite"))
    body.done()
    return missing, conflicts or "refuse"  # type: ignore[return-value]
