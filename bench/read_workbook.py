"""Our readers alone, with the kernel where it is: every piece parsed, nothing checked, nothing staged.

    python -m bench.read_workbook FILE

One line of JSON: {"rows" without the heading record, "first_s": CPU seconds from the start of the reading to the first
page's cells, as the process spends them: the machine may be busy}.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from douane import lean

lean.begin()  # as a child begins

from douane.sheet import native  # noqa: E402
from douane.sheet.formats import open_file  # noqa: E402


class FileSource:
    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self.size = path.stat().st_size

    def read(self, offset: int, length: int) -> bytes:
        self._file.seek(offset)
        return self._file.read(length)


def main() -> None:
    native.load()
    begin = time.process_time()
    rows, first = -1, 0.0
    for piece in open_file(FileSource(Path(sys.argv[1]))).pieces():
        rows += piece.parse().frame.height
        first = first or time.process_time() - begin
    print(json.dumps({"rows": rows, "first_s": round(first, 3)}))


if __name__ == "__main__":
    main()
