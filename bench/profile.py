"""Where the processor time of `douane check` goes: the child's steps, one by one in one thread, outside the walls.

    POLARS_MAX_THREADS=1 python -m bench.profile FILE TEMPLATE.yaml [--without-kernel]

One line of JSON: CPU seconds a step, over all pieces. `cut` reads the file too.
"""

from __future__ import annotations

import gc
import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import yaml

from bench.read_workbook import FileSource
from douane.child.parts import write_part
from douane.child.sheet_table import tally
from douane.line.staged import Checked, Part
from douane.sheet import formats, mapping, native, template_file
from douane.sheet.check import Checker
from douane.staging import checking
from douane.staging.revisions import Cells

P = ParamSpec("P")
R = TypeVar("R")


def main() -> None:
    path, template = Path(sys.argv[1]), template_file.read_template(yaml.safe_load(Path(sys.argv[2]).read_text()))
    if "--without-kernel" not in sys.argv:
        native.load()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)  # as the child has it
    spent: dict[str, float] = defaultdict(float)

    def timed(step: str, work: Callable[P, R], *arguments: P.args, **named: P.kwargs) -> R:
        begin = time.process_time()
        done = work(*arguments, **named)
        spent[step] += time.process_time() - begin
        return done

    with tempfile.TemporaryDirectory(dir=path.parent) as name:
        folder = Path(name)
        reader = timed("open", formats.open_file, FileSource(path))
        headings = mapping.headings(reader.detected.headings, reader.detected.width)
        chosen, _ = mapping.choose(template, headings, mapping.automatic(template, headings), {})
        checker = Checker(template, mapping.layout(template, headings, chosen), seed=5)
        parts: list[Part] = []
        checked: list[Checked] = []
        rows = 0
        pieces = iter(reader.pieces())
        while (piece := timed("cut", next, pieces, None)) is not None:
            batch = timed("parse", piece.parse)
            part = folder / f"part-{piece.number:07}"
            timed("write part", write_part, batch.frame, part)
            gone = (reader.detected.header_row or 0) + 1 if piece.number == 0 else 0
            verdict = timed("judge", checking.check_frame, checker, batch.frame, piece.number, gone, folder)
            parts.append(Part(piece.number, rows, verdict.rows, part))
            checked.append(verdict)
            rows += verdict.rows
        settled = timed("settle", lambda: list(checking.settle(checker, parts, checked, folder)))
        changed = {verdict.number: verdict for verdict in settled}
        checked = [changed.get(verdict.number, verdict) for verdict in checked]
        summary = timed("tally", tally, checker, parts, checked, Cells(), {})
    steps = {step: round(seconds, 3) for step, seconds in spent.items()}
    print(json.dumps({"rows": summary.rows, "all": round(sum(steps.values()), 3), **steps}))


if __name__ == "__main__":
    main()
