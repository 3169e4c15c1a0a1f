"""The small files of `tests/data/small`, read and checked in this process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import yaml

from douane.sheet import mapping, template_file
from douane.sheet.check import Checker
from douane.sheet.formats import Options, open_file
from douane.sheet.formats.facts import sentence
from douane.sheet.matching import matches
from douane.sheet.noticed import told
from tests.sheet.formats.reading import MemorySource, batches

SMALL = Path(__file__).parents[2] / "data/small"


def checked(name: str) -> dict[str, Any]:
    """What comes of a file with the template that stands beside it: `fed`, column key -> heading, of what is taken by
    itself; `valid`, `invalid`: records; `noted`: the keys of notes, and the rules of problems and warnings."""
    path = SMALL / name
    template = template_file.read_template(yaml.safe_load(path.with_suffix(".yaml").read_text()))
    columns = template.columns
    wanted = tuple(text for column in columns for text in (column.key, column.name, *column.alternate_keys))
    reader = open_file(MemorySource(path.read_bytes()), Options(wanted=wanted))
    headings = list(reader.detected.headings)
    found = [match.at if match is not None and match.sure else None for match in matches(columns, headings)]
    noted = {key.key for note in reader.detected.notes if (key := told(note))}
    rows = invalid = 0
    checker = Checker(template, mapping.layout(template, headings, tuple(found)))
    skip = -1 if reader.detected.header_row is None else reader.detected.header_row
    for batch in batches(reader):
        noted |= {key.key for fact in batch.facts if (key := told(sentence(fact)))}
        frame, skip = batch.frame.slice(skip + 1), -1
        problems = checker.problems(frame, np.array(checker.judge(frame).mask))
        rows += frame.height
        invalid += sum(any(not one.warning for one in row) for row in problems)
        noted |= {one.rule for row in problems for one in row}
    fed = {column.key: headings[at] for column, at in zip(columns, found, strict=True) if at is not None}
    return {"fed": fed, "valid": rows - invalid, "invalid": invalid, "noted": noted}
