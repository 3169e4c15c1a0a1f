"""A staged table as the verbs of spreadsheets see it, and the summary over its masks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from douane.child.parts import write_part
from douane.line import sheet as line
from douane.line.staged import Checked, Part
from douane.model.sheet_import import Summary, TemplateDocument
from douane.model.template import Template
from douane.sheet import mapping, report, template_file
from douane.sheet.check import Checker
from douane.sheet.validations.contract import Reference
from douane.staging import checking, masks
from douane.staging.masks import GONE
from douane.staging.parts import read_rows
from douane.staging.revisions import Cells, added_frame, overlay


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

        def lines(at: Any, part: Part = part, kept: Any = kept) -> Any:
            return read_rows(part.path, kept[at])["_line"].to_numpy()

        def describe(at: int, part: Part = part, kept: Any = kept, words: Any = words) -> Sequence[Any]:
            frame = read_rows(part.path, kept[at : at + 1])
            if part.first_row >= 0:
                frame = overlay(frame, kept[at : at + 1] + part.first_row, cells, positions)
            return checker.problems(frame, words[at : at + 1])[0]

        # Parts stand in the order of the file; rows that people added have lines of their own.
        counted.add(words, lines, describe, behind=behind and part.first_row >= 0)
        behind = part.first_row >= 0
    return counted.summary(blank=blank)
