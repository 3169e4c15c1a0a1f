"""Workbooks that people mend, as the child makes and reads them without its walls, of what `douane check --stage` left.

    python -m bench.mend_workbook make STAGED FILE       all rows, annotated
    python -m bench.mend_workbook compare STAGED FILE    what the file changes

One line of JSON: {"rows"} and, of `compare`, {"cells", "missing"}.
"""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from douane import lean

lean.begin()  # as a child begins, and as `bench/read_workbook.py` does

import msgspec  # noqa: E402
import numpy as np  # noqa: E402

from douane.child import sheet_workbook  # noqa: E402
from douane.child.wire import Wire  # noqa: E402
from douane.line.sheet import Annotate, Compare  # noqa: E402
from douane.line.staged import Part  # noqa: E402
from douane.model.reading import Options  # noqa: E402
from douane.model.sheet_import import TemplateDocument  # noqa: E402
from douane.sheet import native  # noqa: E402
from douane.staging.masks import GONE, read_mask  # noqa: E402

OPERATION = "0123456789abcdef01234567"


def main() -> None:
    what, staged, file = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    native.load()  # as the child does
    kept = json.loads((staged / "manifest.json").read_bytes())
    table: dict[str, Any] = {
        "parts": tuple(
            Part(part["number"], part["firstRow"], part["rows"], staged / part["records"]) for part in kept["parts"]
        ),
        "template": TemplateDocument(kept["template"]["name"], tuple(kept["template"]["columns"])),
        "headings": tuple(kept["headings"]),
        "chosen": tuple(kept["chosen"]),
    }
    with TemporaryDirectory(dir=file.parent) as folder:
        if what == "make":
            masks = tuple(staged / part["mask"] for part in kept["parts"])
            total = sum(int(np.count_nonzero(read_mask(path).state != GONE)) for path in masks)
            spec = Annotate(
                **table, masks=masks, total=total, operation=OPERATION, revision=0, whole=True, format="xlsx"
            )
            with file.open("wb") as out:
                sheet_workbook.annotate(spec, Path(folder), out)
            print(json.dumps({"rows": total}))
            return
        out = io.BytesIO()
        back = Compare(
            **table,
            source_fd=os.open(file, os.O_RDONLY),
            options=Options(),
            operation=OPERATION,
            revision=0,
            data_start=kept["dataStart"],
        )
        sheet_workbook.compare(back, Path(folder), Wire(out, io.BytesIO(), 0, Path(folder)))
        said = msgspec.json.decode(out.getvalue().splitlines()[-1])
        print(json.dumps({name: said[name] for name in ("rows", "cells", "missing")}))


if __name__ == "__main__":
    main()
