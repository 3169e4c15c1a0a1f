"""Tables of which every record is decided by itself: batch by batch, each commit fenced and counting itself."""

from __future__ import annotations

import base64
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import polars as pl
from sqlalchemy import Connection
from sqlalchemy.exc import InternalError, OperationalError, StatementError

from douane.chat import check, settle
from douane.flow.chat.run_job import Job, Record
from douane.model.operation import Operation
from douane.staging import masks
from douane.store import chat, manifest, operations
from douane.store.chat import OutcomeRow
from douane.store.database import read as reading
from douane.store.database import write
from douane.store.manifest import MaskRow, PartRow

BATCH = 1000  # records in one transaction


Codes = np.ndarray[Any, np.dtype[np.uint8]]


Decide = Callable[[Connection, list[Record]], list[str]]


def decide_table(job: Job, table: str, step: str, decide: Decide) -> bool:
    """Staged part by part, batch by batch; what a batch came to is kept in `detail["doing"]` until its part is whole,
    so that a run that was killed between two tells the same of it. False when the turn was over."""
    places = {outcome.code: at for at, outcome in enumerate(check.OUTCOMES[table])}
    for part, before in open_parts(job, table):
        frame = job.frame(part)
        codes, start = _resumed(job, table, part)
        was = settle.codes_of_words(before, table) if before is not None and job.retry else None
        pending = np.arange(part.rows) if was is None else np.flatnonzero(settle.failed_codes(table)[was])
        if was is not None and len(pending) == 0:
            continue
        if was is not None and start == 0:
            codes[:] = was
        while start < len(pending):
            if job.over():
                return False
            rows = pending[start : start + BATCH]
            records = frame[rows].to_dicts()
            commit = partial(_commit_batch, job, table, step, part, codes, rows, start, decide, places)
            split(records, 0, commit)
            start += len(records)
        _close_part(job, table, part, codes, before, frame["entry"] if "entry" in frame.columns else None)
    return True


def split(records: list[Record], at: int, commit: Callable[[list[Record], int], None]) -> None:
    """Commits a batch; where the database refuses it, smaller ones, down to the one record that it refuses."""
    try:
        commit(records, at)
    except StatementError as error:
        if isinstance(error, (OperationalError, InternalError)):
            raise  # the database is away or busy: that says nothing about a record
        if len(records) == 1:
            commit([{"_refused": True, **records[0]}], at)
            return
        half = len(records) // 2
        split(records[:half], at, commit)
        split(records[half:], at + half, commit)


def _commit_batch(
    job: Job,
    table: str,
    step: str,
    part: PartRow,
    codes: Codes,
    rows: Any,
    start: int,
    decide: Decide,
    places: Mapping[str, int],
    records: list[Record],
    at: int,
) -> None:
    """`records` are those at `rows[at:]`; before them `start + at` of the part were decided."""
    rows = rows[at : at + len(records)]
    with write(job.house.engine) as connection:
        now = operations.fenced(connection, job.held)
        refused = "_refused" in records[0]
        found = ["storing"] * len(records) if refused else decide(connection, records)
        made = np.array([places[code] for code in found], np.uint8)
        fresh = codes.copy()
        fresh[rows] = made
        counted = Counter(_counts_of(records, found))
        was = Counter({"failed": counted.total()}) if job.retry else Counter()
        done = totals(now.detail["done"], table, counted, was)
        detail = {
            **now.detail,
            "done": done,
            "doing": {"table": table, "number": part.number, "start": start + at + len(rows), "codes": _packed(fresh)},
        }
        operations.change(connection, now.id, tries=1, detail=detail, progress=progress(now, step, done))
    codes[rows] = made
    job.attempt.kept = True


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
    total = max(int(now.detail.get("run_total", 0)), completed)
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


def _packed(codes: Codes) -> str:
    return base64.b85encode(zlib.compress(codes.tobytes(), 1)).decode()


def _resumed(job: Job, table: str, part: PartRow) -> tuple[Codes, int]:
    doing = job.held.detail.get("doing")
    if doing and (doing["table"], doing["number"]) == (table, part.number):
        codes = np.frombuffer(zlib.decompress(base64.b85decode(doing["codes"])), np.uint8).copy()
        return codes, int(doing["start"])
    return np.full(part.rows, settle.OPEN, np.uint8), 0


def _close_part(
    job: Job, table: str, part: PartRow, codes: Codes, before: masks.Words | None, entries: pl.Series | None
) -> None:
    mask = masks.judge_state(check.outcome_words(table, codes, before), check.failed_words(table))
    named = f"{table}-{part.number}-{job.version}-{job.attempt.token}"
    mask_object = f"{job.held.id}/masks/{named}"
    job.house.objects.put_bytes(mask_object, masks.mask_bytes(mask))
    entries_object = None
    if entries is not None:
        path = job.attempt.folder / f"entries-{table}-{part.number}"
        settle.ledger(entries, codes, table).write_ipc(path)
        entries_object = f"{job.held.id}/outcomes/{named}"
        job.house.objects.put_file(entries_object, path)
        path.unlink()
    reasons = settle.reasons(codes, table)
    with write(job.house.engine) as connection:
        now = operations.fenced(connection, job.held)
        row = MaskRow(part.number, mask.valid, mask.invalid, mask_object, None, job.held.attempt)
        manifest.add_masks(connection, now.id, table, job.version, [row])
        chat.add_outcome(connection, now.id, job.version, outcome_row(table, part.number, reasons, entries_object))
        operations.change_detail(connection, now.id, {"doing": None})


def outcome_row(table: str, number: int, reasons: dict[str, int], entries_object: str | None) -> OutcomeRow:
    sums: Counter[str] = Counter()
    for code, count in reasons.items():
        sums[check.outcome(table, code).outcome] += count
    return OutcomeRow(table, number, sums["imported"], sums["skipped"], sums["failed"], reasons, entries_object)
