"""An unpacked export as one file, for the child, which is given a file and no folder.

Packed into a zip without compression, in a file that has no name and is gone with the process. Links and what is no
regular file stay out; nothing is read but copied.
"""

from __future__ import annotations

import os
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from douane.errors import BadFile, OverLimit
from douane.model.source import Limits

COPY_BYTES = 1 << 20
_TIME = (1980, 1, 1, 0, 0, 0)


@contextmanager
def packed(folder: Path, limits: Limits) -> Iterator[BinaryIO]:
    """BadFile where the folder holds no file; OverLimit (`archive_entries`, `unpacked_bytes`) where it is too much."""
    with tempfile.TemporaryFile(prefix="douane-") as out:
        count = size = 0
        with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
            for path, name in _files(folder):
                count += 1
                if count > limits.archive_entries:
                    raise OverLimit(
                        f"The folder holds more than {limits.archive_entries:,} files.", setting="archive_entries"
                    )
                size += _copy(path, name, archive, limits.unpacked_bytes - size)
        if not count:
            raise BadFile("The folder holds no files.", code="file_empty")
        out.flush()
        out.seek(0)
        yield cast(BinaryIO, out)


def _files(folder: Path) -> Iterator[tuple[Path, str]]:
    """Regular files below a folder in the order of their names, those of the top first, as Slack packs its lists."""
    for parent, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            path = Path(parent) / name
            if stat.S_ISREG(path.lstat().st_mode):
                yield path, path.relative_to(folder).as_posix()


def _copy(path: Path, name: str, archive: zipfile.ZipFile, room: int) -> int:
    size = 0
    entry = zipfile.ZipInfo(name.encode("utf-8", "replace").decode(), _TIME)
    with path.open("rb") as file, archive.open(entry, "w", force_zip64=True) as into:
        while block := file.read(COPY_BYTES):
            size += len(block)
            if size > room:
                raise OverLimit("The folder holds more than fits into an archive.", setting="unpacked_bytes")
            into.write(block)
    return size
