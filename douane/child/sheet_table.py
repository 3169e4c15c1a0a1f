"""A staged table as the verbs of spreadsheets see it, and the summary over its masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from douane.child.parts import write_part
from douane.line import sheet as line
from douane.line.staged import Checked, Part
from douane.model.problem import Problem
from douane.model.sheet_import import Summary, TemplateDocument
from douane.model.template import Template
from douane.sheet import mapping, report, template_file
from douane.sheet.check import Checker
from douane.sheet.validations.contract import Reference
from douane.staging import checking, masks
from douane.staging.masks import GONE
from douane.staging.parts import read_rows
from douane.staging.revisions import Cells, added_frame, overlay

PROBLEMS_AT_ONCE = 20_000  # of a table with more rules and wrong rows, records are looked at one by one


def template_of(document: TemplateDocument) -> Template:
    return template_file.read_template({"name": document.name, "columns": list(document.columns)})


class Table:
    """A staged table as a verb sees it: its template laid out over its columns, and what people changed in it."""

    def __init__(self, spec: line.OfTable | line.Compare) -> None:
        self.template = template_of(spec.template)
        self.layout = mapping.layout(self.template, spec.headings, spec.chosen)
        self.positions = {
            key: at for key in self.layout.fields if key and (at := self.layout.position(key)) is not None
        }
        self.cells = Cells.open(spec.cells)
        self.added = self.cells.added()
        self._spec = spec

    def checker(self) -> Checker:
        values = self._spec.values if isinstance(self._spec, line.OfTable) else ()
        of = {Reference(one.template, one.column): one for one in values}
        marks = {reference: one.mark for reference, one in of.items()}
        checker = Checker(self.template, self.layout, seed=self._spec.seed, marks=marks)
        return checker.knowing({reference: masks.read_hashes(one.path, 1)[0] for reference, one in of.items()})

    def judge_added(self, checker: Checker, number: int, folder: Path) -> tuple[Part, Checked]:
        frame = added_frame(self.added, self.cells, self.positions)
        path = folder / f"part-{number:07}"
        write_part(frame, path)
        return Part(number, -1, len(frame), path), checking.check_frame(checker, frame, number, 0, folder)

    def summary(self, checker: Checker, parts: Sequence[Part], checked: Sequence[Checked]) -> Summary:
        return tally(checker, parts, checked, self.cells, self.positions)


def tally(
    checker: Checker,
    parts: Sequence[Part],
    checked: Sequence[Checked],
    cells: Cells,
    positions: dict[str, int],
    blank: int = 0,
) -> Summary:
    """The summary over all masks. Only parts that hold something wrong are opened, and only for the lines shown."""
    counted = report.Tally(checker.rules, checker.invalid_words)
    behind = False
    for part, verdict in zip(parts, checked, strict=True):
        mask = masks.read_mask(verdict.mask)
        gone = mask.state == GONE
        kept = np.flatnonzero(~gone) if gone.any() else np.arange(len(gone))
        words = mask.words[kept] if len(kept) < len(gone) else mask.words

        shown = _Shown(checker, part, kept, words, cells, positions)
        # Parts stand in the order of the file; rows that people added have lines of their own.
        counted.add(words, shown.lines, shown.problems, behind=behind and part.first_row >= 0)
        behind = part.first_row >= 0
    return counted.summary(blank=blank)


@dataclass(slots=True)
class _Shown:
    """The records of a part that a summary shows: read once, and their problems found at once."""

    checker: Checker
    part: Part
    kept: npt.NDArray[np.int64]
    words: npt.NDArray[np.uint64]
    cells: Cells
    positions: dict[str, int]
    _at: npt.NDArray[np.int64] | None = None
    _frame: pl.DataFrame | None = None
    _problems: list[list[Problem]] | None = None

    def lines(self, at: npt.NDArray[np.int64]) -> npt.NDArray[np.uint32]:
        """Of the rows `at` these places among those kept."""
        self._at, self._frame, self._problems = at, read_rows(self.part.path, self.kept[at]), None
        return self._frame["_line"].to_numpy()

    def problems(self, at: int) -> list[Problem]:
        """Of one of the rows whose lines were asked last."""
        assert self._at is not None
        place = int(np.searchsorted(self._at, at))
        if len(self._at) * len(self.checker.rules) > PROBLEMS_AT_ONCE:
            return self._found(slice(place, place + 1))[0]
        if self._problems is None:
            self._problems = self._found(slice(None))
        return self._problems[place]

    def _found(self, some: slice) -> list[list[Problem]]:
        assert self._at is not None
        assert self._frame is not None
        at, frame = self._at[some], self._frame[some]
        if self.part.first_row >= 0:
            frame = overlay(frame, self.kept[at] + self.part.first_row, self.cells, self.positions)
        return self.checker.problems(frame, self.words[at])
