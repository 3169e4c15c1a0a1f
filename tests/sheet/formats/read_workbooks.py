"""Reads workbooks in a process of its own, under limits, for the sweeps: a reader of a stranger's file may end it.

    python -m tests.sheet.formats.read_workbooks MEMORY_BYTES FILE...

One line of JSON a file, in order: {"file", "seconds", "refused": [code, sentence]} or {"file", "seconds", "format",
"sheets": [{"name", "refused"} or {"name", "rows": [[line, cells, kinds], ...], "columns": positions in the sheet}]}.
Cells beyond the caps are read but not printed.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

from douane.errors import DouaneError
from douane.sheet.formats import HEAD_BYTES, Options, ods, open_file, xls, xlsb, xlsx

ROWS_MAX, COLUMNS_MAX = 2000, 300
MEMBERS = (xlsx, ods, xls, xlsb)


class FileSource:
    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self.size = path.stat().st_size

    def read(self, offset: int, length: int) -> bytes:
        self._file.seek(offset)
        return self._file.read(length)


def read(path: Path) -> dict[str, Any]:
    source = FileSource(path)
    try:
        head = source.read(0, HEAD_BYTES)
        member = next((m for m in MEMBERS if m.recognise(head, source)), None)
        if member is None:
            reader = open_file(source)
            return {"format": reader.detected.format, "sheets": []}
        order = _names(member, source)
        sheets = [_sheet(source, n) | {"number": order.index(n)} for n in member.sheet_names(source, Options())]
        return {"format": member.__name__.rsplit(".", 1)[1], "sheets": sheets}
    except DouaneError as error:
        return {"refused": [error.code, str(error)]}


def _names(member: Any, source: FileSource) -> list[str]:
    """All sheets in the workbook's own order; `sheet_names` puts the hidden ones last."""
    if member is xlsx:
        return [s.name for s in xlsx._Package(source, Options().limits).sheets]
    if member in (xls, xlsb):
        return list(member.all_sheets(source))
    return list(member.sheet_names(source, Options()))


def _sheet(source: FileSource, name: str) -> dict[str, Any]:
    rows: list[Any] = []
    try:
        reader = open_file(source, Options(sheet=name))
        width = min(reader.detected.width, COLUMNS_MAX)
        for piece in reader.pieces():
            frame = piece.parse().frame.head(ROWS_MAX - len(rows))
            cells = frame.select(f"c{i}" for i in range(width)).rows()
            kinds = frame.select(f"k{i}" for i in range(width)).rows()
            rows += zip(frame["_line"].to_list(), cells, kinds, strict=True)
    except DouaneError as error:
        return {"name": name, "refused": [error.code, str(error)]}
    hidden = getattr(reader, "hidden_columns", ())
    columns = [c for c in range(16_384) if not any(first <= c < end for first, end in hidden)][:width]
    return {"name": name, "rows": rows, "columns": columns}


if __name__ == "__main__":
    limit = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    for name in sys.argv[2:]:
        begin = time.monotonic()
        result = read(Path(name))
        print(json.dumps({"file": name, "seconds": time.monotonic() - begin, **result}), flush=True)
