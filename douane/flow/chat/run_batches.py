"""Tables of which every record is decided by itself: batch by batch, each commit fenced and counting itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from sqlalchemy import Connection

from douane import errors
from douane.chat import check, settle
from douane.chat.plan import Said
from douane.flow.chat.run_job import Job, Record
from douane.model.chat_import import chat_detail, kept
from douane.model.operation import Operation
from douane.staging import masks
from douane.store import chat, manifest, operations
from douane.store.chat import OutcomeRow, run_state
from douane.store.database import read as reading
from douane.store.database import write
from douane.store.manifest import MaskRow, PartRow

BATCH = 1000  # records in one transaction

Codes = npt.NDArray[np.uint8]
Decide = Callable[[Connection, list[Record], Said], list[str]]
Commit = Callable[[list[Record], int, bool], None]


@dataclass(frozen=True, slots=True)
class StagedTable:
    """A staged table on its way: `step` names it to whoever watches, `decide` says what becomes of some records."""

    name: str
    step: str
    decide: Decide

    def places(self) -> dict[str, int]:
        return {outcome.code: at for at, outcome in enumerate(check.OUTCOMES[self.name])}


@dataclass(frozen=True, slots=True)
class _Batch:
    """Rows of one staged part that are decided together; `start` of its rows that wait were decided before them.
    `codes`: what became of each row of the part, so far."""

    job: Job
    table: StagedTable
    part: PartRow
    codes: Codes
    rows: npt.NDArray[np.int64]
    start: int

    def commit(self, records: list[Record], at: int, refused: bool) -> None:
        """One transaction for `records`, which are those at `rows[at:]`. `refused`: the database does not take them."""
        job, name = self.job, self.table.name
        rows = self.rows[at : at + len(records)]
        with write(job.house.engine) as connection:
            now = operations.fenced(connection, job.held)
            found = (
                ["storing"] * len(records)
                if refused
                else self.table.decide(connection, records, job.ids(name).said(records, self.part))
            )
            places = self.table.places()
            made = np.array([places[code] for code in found], np.uint8)
            fresh = self.codes.copy()
            fresh[rows] = made
            counted = Counter(_counts_of(records, found))
            was = Counter({"failed": counted.total()}) if job.retry else Counter()
            detail = chat_detail(now)
            detail.done = done = totals(detail.done or {}, name, counted, was)
            doing = run_state.Doing(name, self.part.number, self.start + at + len(rows), fresh.tobytes())
            run_state.keep_doing(connection, now.id, doing)
            operations.change(
                connection, now.id, tries=1, detail=kept(detail), progress=progress(now, self.table.step, done)
            )
        self.codes[rows] = made
        job.attempt.kept = True


def decide_table(job: Job, table: StagedTable) -> bool:
    """Staged part by part, batch by batch; what a batch came to is kept (`store/chat/run_state.py`) until its part is
    whole, so that a run that was killed between two tells the same of it. False when the turn was over."""
    for part, before in open_parts(job, table.name):
        frame = job.frame(part)
        codes, start = _resumed(job, table.name, part)
        was = settle.codes_of_words(before, table.name) if before is not None and job.retry else None
        pending = np.arange(part.rows) if was is None else np.flatnonzero(settle.failed_codes(table.name)[was])
        if was is not None and len(pending) == 0:
            continue
        if was is not None and start == 0:
            codes[:] = was
        while start < len(pending):
            if job.over():
                return False
            rows = pending[start : start + BATCH]
            records = [record | {"row": row} for record, row in zip(frame[rows].to_dicts(), rows.tolist(), strict=True)]
            split(records, 0, _Batch(job, table, part, codes, rows, start).commit)
            start += len(records)
        _close_part(_Closed(job, table.name, part, codes, before), frame["entry"] if "entry" in frame.columns else None)
    return True


def split(records: list[Record], at: int, commit: Commit) -> None:
    """Commits a batch; where the database refuses it, smaller ones, down to the one record that it refuses."""
    try:
        commit(records, at, False)
    except (errors.Conflict, errors.Unstorable):
        # Not one that is away or busy: that says nothing about a record.
        if len(records) == 1:
            commit(records, at, True)
            return
        half = len(records) // 2
        split(records[:half], at, commit)
        split(records[half:], at + half, commit)


def _counts_of(records: Sequence[Record], found: Sequence[str]) -> Iterator[str]:
    """Authors whom only messages name, and direct conversations that no list names, are no records of the export."""
    for record, code in zip(records, found, strict=True):
        made = record.get("type") == "d" and record.get("position") is None
        if record.get("origin") != "inferred" and not made:
            yield code


def totals(done: Mapping[str, int], table: str, codes: Mapping[str, int], was: Mapping[str, int]) -> dict[str, int]:
    """The totals with some records more. What was not selected is no work and counts in none of the three sums."""
    sums = Counter(done)
    for code, count in codes.items():
        if code != "not_selected":
            sums[check.outcome(table, code).outcome] += count
        if code in ("created", "updated", "unchanged", "not_selected"):
            sums[code] += count
    sums.subtract(was)
    return {name: max(0, count) for name, count in sums.items()}


def progress(now: Operation, step: str, done: Mapping[str, int]) -> dict[str, Any]:
    completed = sum(done.get(name, 0) for name in ("imported", "skipped", "failed"))
    total = max(chat_detail(now).run_total, completed)
    return {
        "step": step,
        "done": max(completed, now.progress.done if now.progress.unit == "records" else 0),
        "total": total,
        "unit": "records",
        "rows": completed,
    }


def open_parts(job: Job, table: str) -> list[tuple[PartRow, masks.Words | None]]:
    """The parts without an outcome of this run, with what was said of their rows before it."""
    with reading(job.house.engine) as connection:
        parts = manifest.parts(connection, job.held.id, table)
        settled = chat.settled(connection, job.held.id, job.version, table)
        before = manifest.masks(connection, job.held.id, table, job.version - 1)
    found: list[tuple[PartRow, masks.Words | None]] = []
    for part in parts:
        if part.number not in settled:
            mask = before.get(part.number)
            words = masks.read_mask(job.house.objects.local_path(mask.object)).words if mask else None
            found.append((part, words))
    return found


def _resumed(job: Job, table: str, part: PartRow) -> tuple[Codes, int]:
    with reading(job.house.engine) as connection:
        doing = run_state.get(connection, job.held.id).doing
    if doing is not None and (doing.table, doing.number) == (table, part.number):
        return np.frombuffer(doing.codes, np.uint8).copy(), doing.start
    return np.full(part.rows, settle.OPEN, np.uint8), 0


@dataclass(frozen=True, slots=True)
class _Closed:
    """A staged part of which every row is decided; `before`: what was said of them before this run."""

    job: Job
    table: str
    part: PartRow
    codes: Codes
    before: masks.Words | None


def _close_part(closed: _Closed, entries: pl.Series | None) -> None:
    job, table, number = closed.job, closed.table, closed.part.number
    words = check.outcome_words(table, closed.codes, closed.before)
    mask = masks.judge_state(words, check.failed_words(table))
    named = f"{table}-{number}-{job.version}-{job.attempt.token}"
    mask_object = f"{job.held.id}/masks/{named}"
    job.house.objects.put_bytes(mask_object, masks.mask_bytes(mask))
    entries_object = None
    if entries is not None:
        path = job.attempt.folder / f"entries-{table}-{number}"
        settle.ledger(entries, closed.codes, table).write_ipc(path)
        entries_object = f"{job.held.id}/outcomes/{named}"
        job.house.objects.put_file(entries_object, path)
        path.unlink()
    reasons = settle.reasons(closed.codes, table)
    with write(job.house.engine) as connection:
        now = operations.fenced(connection, job.held)
        row = MaskRow(number, mask.valid, mask.invalid, mask_object, None, job.held.attempt)
        manifest.add_masks(connection, now.id, table, job.version, [row])
        chat.add_outcome(connection, now.id, job.version, outcome_row(table, number, reasons, entries_object))
        run_state.keep_doing(connection, now.id, None)


def outcome_row(table: str, number: int, reasons: dict[str, int], entries_object: str | None) -> OutcomeRow:
    sums: Counter[str] = Counter()
    for code, count in reasons.items():
        sums[check.outcome(table, code).outcome] += count
    return OutcomeRow(table, number, sums["imported"], sums["skipped"], sums["failed"], reasons, entries_object)
