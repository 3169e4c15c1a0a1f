"""Workbooks that people mend: an import's table given out as one, and what a mended one changes.

What came back is compared in the sandboxed child with the table as it stood when the workbook was made, so a cell that
nobody touched there never undoes what somebody else changed since. The difference is stored, shown, and put in place as
one revision when its person says so: what was seen is what is done.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from douane.errors import BadFile, Conflict, DouaneError, NotFound
from douane.flow import changing, live, revisions
from douane.flow.changing import How
from douane.flow.forgetting import DIFFERENCES
from douane.flow.forms import chosen_of, headings_of
from douane.flow.house import House, file_limits
from douane.flow.live import Filter
from douane.flow.work import TABLE
from douane.jobs.children import Place, run_child, stream_child
from douane.line import Event
from douane.line import sheet as line
from douane.line.sheet import Compared, Differing, Identified
from douane.line.staged import Part
from douane.model.operation import Operation
from douane.model.reading import Options
from douane.model.sheet_import import sheet_detail
from douane.staging.live import LivePart
from douane.staging.masks import GONE, Mask, Words, write_mask
from douane.staging.parts import read_part, write_part
from douane.staging.revisions import RECORD
from douane.store import manifest, operations
from douane.store.database import read
from douane.store.revisions import Deed

Format = Literal["xlsx", "csv"]

_ID = re.compile(r"([0-9]{1,15})-[0-9a-f]{24}")


# Given out


def annotated(house: House, operation: Operation, wanted: Filter, format: Format) -> Iterator[bytes]:
    """The records of a filter as they stand now, each with what is wrong with it, as a file. WrongStage where there are
    no verdicts yet, BadRequest for what the form cannot hold. Nobody waits for who takes it slowly."""
    with live.standing(house, operation) as now:
        chosen, table = live.flags_of(now, wanted), now.live
        taken = _Taken(
            now.operation,
            now.revision,
            table.parts,
            state=np.where(chosen, table.state, np.uint8(GONE)),
            words=np.array(table.words),
            added=table.added_frame[np.flatnonzero(chosen[table.rows_of_file :])],
            whole=bool(np.array_equal(chosen, table.standing())),
        )
    return _encoded(house, taken, format)


@dataclass(frozen=True, slots=True)
class _Taken:
    """Of the live table, as it was after `revision`: `state` is GONE for what was not chosen; `added`: the chosen ones
    of the records that people added; `whole`: all were chosen."""

    operation: Operation
    revision: int
    parts: tuple[LivePart, ...]
    state: np.typing.NDArray[np.uint8]
    words: Words
    added: pl.DataFrame
    whole: bool


def _encoded(house: House, taken: _Taken, format: Format) -> Iterator[bytes]:
    operation, state, words = taken.operation, taken.state, taken.words
    seat = house.seats.take()
    try:
        parts: list[Part] = []
        verdicts: list[Path] = []

        def add(number: int, first_row: int, path: Path, mask: Mask) -> None:
            parts.append(Part(number, first_row, len(mask.state), path))
            verdicts.append(seat.inputs / f"verdict-{number:07}")
            write_mask(mask, verdicts[-1])

        of_file = sum(part.rows for part in taken.parts)
        for number, part in enumerate(taken.parts):
            span = slice(part.first_row, part.first_row + part.rows)
            if (state[span] != GONE).any():
                path = house.objects.link_into(part.object, seat.inputs)
                add(number, part.first_row, path, Mask(state[span], words[span]))
        if len(taken.added):
            path = seat.inputs / "added"
            write_part(taken.added, path)
            kept = np.flatnonzero(state[of_file:] != GONE) + of_file
            add(len(taken.parts), -1, path, Mask(state[kept], words[kept]))
        with read(house.engine) as connection:
            cells = revisions.lay_out(house, connection, operation.id, seat.inputs, upto=taken.revision)
        spec = line.Annotate(
            parts=tuple(parts),
            masks=tuple(verdicts),
            template=sheet_detail(operation).template,
            headings=headings_of(operation),
            chosen=chosen_of(operation),
            seed=operation.seed,
            cells=cells,
            total=int(np.count_nonzero(state != GONE)),
            operation=operation.id,
            revision=taken.revision,
            whole=taken.whole,
            file_name=operation.file_name or "",
            format=format,
        )
        yield from stream_child(spec, seat)
    finally:
        seat.clear()


# Come back


@dataclass(frozen=True, slots=True)
class Difference:
    """What a workbook would change. `revision`: the one it was made of; `last`: the import's last one. `rows`: records
    in it; `missing`: those that it had and has no more; `untold`: more of them, of which nothing says which; `spoilt`:
    cells that a program took for numbers, and that stay as they are. `columns`: cells by column. `overtaken`: the first
    cells that somebody else changed since."""

    id: str
    revision: int
    last: int
    rows: int
    cells: int
    records: int
    missing: int
    untold: int
    spoilt: int
    columns: dict[str, int]
    sample: tuple[Differing, ...]
    overtaken: tuple[revisions.Cell, ...]


def compared(house: House, operation: Operation, path: Path) -> Difference:
    """Nothing is changed. BadFile for what is no workbook of this import, or whose rows or columns cannot be told any
    more."""
    with read(house.engine) as connection:
        now = operations.get(connection, operation.id, operation.project_id)
        changing.refuse_closed(now)
        last, _ = operations.revision_numbers(connection, now.id)
    made_of = last
    answer = _compare(house, now, path, made_of)
    if isinstance(answer, Identified):
        # Seldom: somebody changed something since it was made.
        if answer.operation != now.id:
            raise BadFile(_of_another(house, now, answer.operation), code="workbook_foreign")
        if answer.revision > last:
            raise BadFile(
                f"This workbook was made after change {answer.revision:,}, and this import has {last:,}.",
                code="workbook_foreign",
            )
        made_of = answer.revision
        with read(house.engine) as connection:
            revisions.refuse_mapped_anew(connection, now, made_of)
        answer = _compare(house, now, path, made_of)
    assert not isinstance(answer, Identified)
    found, layer = answer
    cells = layer.filter(pl.col("key") != RECORD)
    overtaken: list[revisions.Cell] = []
    with read(house.engine) as connection:
        if len(layer):
            overtaken = revisions.overtaken(house, connection, now, layer, made_of, last)
    token = f"{made_of}-{secrets.token_hex(12)}"
    if len(layer):
        revisions.store_layer(house, _object(now, token), layer)
    return Difference(
        token if len(layer) else "",
        made_of,
        last,
        found.rows,
        len(cells),
        found.records,
        found.missing,
        found.untold,
        found.spoilt,
        found.columns,
        found.sample,
        tuple(overtaken),
    )


def _of_another(house: House, operation: Operation, other_id: str) -> str:
    with read(house.engine) as connection:
        try:
            other = operations.get(connection, other_id, operation.project_id)
        except NotFound:
            return "This is the workbook of another import, which is not in this project."
    if other.template_id != operation.template_id:
        return f"This is the workbook of an import of another template ({other.file_name or other.id})."
    return f"This is the workbook of another import ({other.file_name or other.id})."


def _compare(
    house: House, operation: Operation, path: Path, revision: int
) -> Identified | tuple[Compared, pl.DataFrame]:
    """With the table as it stood after `revision`; or what the workbook was made of instead."""
    found: list[Identified | tuple[Compared, pl.DataFrame]] = []

    def event(event: Event) -> None:
        if isinstance(event, Identified):
            found.append(event)
        elif isinstance(event, Compared):
            found.append((event, read_part(event.path)))

    seat = house.seats.take()
    try:
        with read(house.engine) as connection:
            parts = tuple(
                Part(row.number, row.first_row, row.rows, house.objects.link_into(row.object, seat.inputs))
                for row in manifest.parts(connection, operation.id, TABLE)
                if row.first_row >= 0
            )
            cells = revisions.lay_out(house, connection, operation.id, seat.inputs, upto=revision)
        settings = house.settings
        spec = line.Compare(
            options=Options(piece_bytes=settings.piece_bytes, limits=file_limits(settings)),
            parts=parts,
            template=sheet_detail(operation).template,
            headings=headings_of(operation),
            chosen=chosen_of(operation),
            seed=operation.seed,
            cells=cells,
            operation=operation.id,
            revision=revision,
            data_start=sheet_detail(operation).first_data_row,
        )
        with path.open("rb") as file:
            place = Place(seat.folder, (seat.inputs,), seat.limits)
            run_child(spec, place, source=file, on_event=event)
    finally:
        seat.clear()
    if not found:
        raise DouaneError("The program that read the file said too little.", code="internal")
    return found[0]


def _object(operation: Operation, token: str) -> str:
    return f"{operation.id}/{DIFFERENCES}/{token}"


# Put in place


def apply(
    house: House,
    operation: Operation,
    difference: str,
    *,
    missing: Literal["delete", "keep"] | None,
    overtaken: Literal["refuse", "keep", "overwrite"],
    person_id: str | None = None,
) -> changing.Put:
    """Puts a difference in place, as one revision. NotFound where there is none of that name; Conflict where rows are
    missing and nobody said what that means; `ChangedMeanwhile` where somebody changed the same cells since the workbook
    was made and `overtaken` is `refuse`."""
    found = _ID.fullmatch(difference)
    if found is None:
        raise NotFound("There is no such difference.")
    try:
        layer = read_part(house.objects.local_path(_object(operation, difference)))
    except NotFound:
        raise NotFound("There is no such difference. Send the workbook again.") from None
    with read(house.engine) as connection:
        revisions.refuse_mapped_anew(connection, operation, int(found[1]))
    gone = layer.filter(pl.col("key") == RECORD)
    if len(gone) and missing is None:
        raise Conflict(
            f"{len(gone):,} rows are missing in the workbook. Say whether they are to be deleted, or kept as they are.",
            code="rows_missing",
        )
    if missing != "delete":
        layer = layer.filter(pl.col("key") != RECORD)
    how = How(person_id, seen=int(found[1]))
    return changing.put(house, operation, Deed("workbook"), layer, how, overtaken)
