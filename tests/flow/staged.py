"""An import in review without a child: its parts and masks are made here, so that what follows costs milliseconds."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from msgspec import to_builtins

from douane.flow.forms import form_of
from douane.flow.house import House
from douane.flow.imports import FAMILY
from douane.flow.work import TABLE
from douane.model.operation import Operation
from douane.model.sheet_import import Formats, Judging, SheetDetail
from douane.model.template import Template
from douane.sheet import template_file
from douane.staging.masks import INVALID, VALID, Mask, write_mask
from douane.staging.parts import write_part
from douane.store import manifest, operations
from douane.store.database import write
from douane.store.ids import new_id
from douane.store.manifest import MaskRow, PartRow

VERSION = 1


def staged(
    house: House,
    project_id: str,
    template: Template,
    rows: Sequence[Sequence[str | None]],
    *,
    template_id: str | None = None,
    headings: Sequence[str] | None = None,
    invalid: Collection[int] = (),
    part_rows: int = 5_000,
    formats: Formats | None = None,
    wire: Mapping[str, Any] | None = None,
) -> Operation:
    """`headings` feed the columns of these keys; `invalid`: places in `rows` of those that are. Row numbers are from
    0."""
    keys = [column.key for column in template.columns]
    headings = tuple(keys if headings is None else headings)
    chosen = tuple(headings.index(key) if key in headings else None for key in keys)
    detail = SheetDetail(
        template_name=template.name,
        schema=tuple(template_file.column_to_document(column) for column in template.columns),
        formats=formats,
        wire=dict(wire or {}),
        width=len(headings),
        headings=headings,
        header_row=-1,
        chosen=chosen,
        finalized=True,
    )
    operation = Operation(
        id=new_id(),
        project_id=project_id,
        family=FAMILY,
        stage="reviewing",
        template_id=template_id or new_id(),
        version=VERSION,
        read_done=True,
        rows_read=len(rows),
        total=len(rows),
        valid=len(rows) - len(invalid),
        invalid=len(invalid),
        source_object=f"{new_id()}/source",
        source_size=1,
        file_name="people.csv",
        detail=to_builtins(detail),
    )
    checker = form_of(operation).checker
    detail.check = Judging(checker.stamp, 1)
    bad = np.isin(np.arange(len(rows)), list(invalid))
    with write(house.engine) as connection:
        made = operations.create(connection, operation)
        operations.change(
            connection,
            made.id,
            detail=to_builtins(detail),
            version=VERSION,
            rows_read=operation.rows_read,
            total=operation.total,
            valid=operation.valid,
            invalid=operation.invalid,
        )
    with tempfile.TemporaryDirectory() as folder:
        for number, first in enumerate(range(0, len(rows), part_rows)):
            some, wrong = rows[first : first + part_rows], bad[first : first + part_rows]
            cells = {f"c{at}": pl.Series([row[at] for row in some], dtype=pl.String) for at in range(len(headings))}
            frame = pl.DataFrame(cells).with_columns(
                _line=pl.Series(range(first + 1, first + len(some) + 1), dtype=pl.UInt32),
                _flags=pl.Series([0] * len(some), dtype=pl.UInt8),
            )
            write_part(frame, Path(folder) / "part")
            states = np.where(wrong, INVALID, VALID).astype(np.uint8)
            write_mask(Mask(states, np.zeros((len(some), 1), np.uint64)), Path(folder) / "mask")
            names = [f"{made.id}/{kind}/{number}" for kind in ("part", "mask")]
            for name in names:
                house.objects.put_file(name, Path(folder) / name.split("/")[1])
            with write(house.engine) as connection:
                part = PartRow(number, first, len(some), 0, names[0], 1, {}, 1)
                manifest.add_part(connection, made.id, TABLE, part)
                mask = MaskRow(number, int((~wrong).sum()), int(wrong.sum()), names[1], None, 1)
                manifest.add_masks(connection, made.id, TABLE, VERSION, [mask])
    with write(house.engine) as connection:
        return operations.get(connection, made.id)
