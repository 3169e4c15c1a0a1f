"""A reader made of tasks, one per archive entry or list, whose records become numbered batches.

A task adds one record at a time to a `Sheets` and stops before each next one, so that a batch can end there and an
entry's row of the ledger comes with its last record. Where a killed read goes on, the entry at hand is read again from
its start and what was given already is dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from douane.chat.importers import Batch, Counts, Options, Overview, Position, Source
from douane.chat.importers.ledger import Sheets
from douane.chat.tally import Tally

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Task:
    """`run` adds the records to the sheets and yields before each of them. `packed`: its bytes for progress. A task
    that `feeds` others is run again, for its effects alone, where reading goes on after it."""

    step: str
    label: str
    packed: int
    run: Callable[[Sheets], Iterator[None]]
    feeds: bool = False


class TaskReader:
    """A `Reader` over tasks that are the same every time; `tasks` makes them anew, because they keep state."""

    def __init__(
        self, overview: Overview, packed_bytes: int, tasks: Callable[[], Iterable[Task]], options: Options
    ) -> None:
        self.overview = overview
        self.bytes_total = packed_bytes
        self._tasks = tasks
        self._batch_records = options.batch_records

    def batches(self, start: Position = Position()) -> Iterator[Batch]:
        first, skip = int(start.state.get("task", 0)), int(start.state.get("records", 0))
        sheets = Sheets(self._batch_records)
        number, done, at = start.batch, 0, -1
        step = label = ""
        for at, task in enumerate(self._tasks()):
            if at < first:
                for _ in task.run(sheets) if task.feeds else ():
                    sheets.clear()
                sheets.clear()
                done += task.packed
                continue
            step, label, sheets.read = task.step, task.label, 0
            # `records` are complete whenever the task stops.
            for records, _ in enumerate(task.run(sheets)):
                if at == first and records <= skip:
                    if skip:
                        sheets.clear()
                elif sheets.full:
                    position = Position(number + 1, {"task": at, "records": records})
                    yield Batch(number, sheets.frames(), position, step, label, done + sheets.read)
                    sheets.clear()
                    number += 1
            done += task.packed
        if sheets.count:
            end = Position(number + 1, {"task": at + 1, "records": 0})
            yield Batch(number, sheets.frames(), end, step, label, done)

    def counts(self) -> Counts:
        tally = Tally()
        for batch in self.batches():
            tally.add(batch.tables)
        return tally.counts()


def blocks_of(source: Source, sheets: Sheets) -> Iterator[bytes]:
    """The bytes of a file that is no archive."""
    at = 0
    while at < source.size and (block := source.read(at, _BLOCK)):
        at += len(block)
        sheets.read = at
        yield block
