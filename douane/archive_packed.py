"""Any packing as one list of entries: zip, tar, tar.gz, tar.bz2, tar.xz; and the name of one that cannot be read.

Names are as they should have been written: where an archive has no `/` at all and some `\\`, it was packed by a program
of Windows that wrote its own separator, as `unzip` takes it too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
import numpy.typing as npt

from douane.archive import Archive, Entry, EntryStream, Names, open_archive
from douane.archive_tar import TarIndex, looks_like_tar
from douane.errors import BadFile
from douane.model.source import Limits, Source

HEAD_BYTES = 512
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_OTHERS = (
    (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
    (b"Rar!\x1a\x07", "RAR"),
    (b"\x28\xb5\x2f\xfd", "Zstandard"),
    (b"\x04\x22\x4d\x18", "LZ4"),
    (b"PK\x07\x08", "a zip file in several parts"),
)
_SLASH, _BACKSLASH = ord("/"), ord("\\")


class Entries(Protocol):
    """An archive whose entries are known. `Archive` is one; `TarIndex` another, which reads what is compressed as a
    whole forwards only: what was opened is read before the next entry is."""

    @property
    def forwards(self) -> bool: ...
    @property
    def names(self) -> Names: ...
    @property
    def packed_bytes(self) -> npt.NDArray[np.int64]: ...
    @property
    def unpacked_bytes(self) -> npt.NDArray[np.int64]: ...
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Entry]: ...
    def entry(self, number: int) -> Entry: ...
    def find(self, name: str) -> Entry | None: ...
    def check(self, entry: Entry) -> None: ...
    def open(self, entry: Entry) -> Stream: ...
    def read(self, entry: Entry, bytes_max: int) -> bytes: ...


class Stream(Protocol):
    """An entry's unpacked bytes in blocks, and how many packed ones were taken so far."""

    @property
    def packed_done(self) -> int: ...
    def __iter__(self) -> Iterator[bytes]: ...


def is_packed(head: bytes) -> bool:
    """Whether a file with these first bytes is an archive that `open_packed` may read."""
    return head.startswith(_ZIP) or looks_like_tar(head[:HEAD_BYTES])


def other_packing(head: bytes) -> str | None:
    """What a file is packed with that `open_packed` cannot read."""
    return next((name for magic, name in _OTHERS if head.startswith(magic)), None)


def packed_with(name: str) -> BadFile:
    return BadFile(f"The file is packed with {name}, which is not supported. Pack it as zip or tar.gz.")


def open_packed(source: Source, limits: Limits, keep: Callable[[str], bool] = lambda name: False) -> Entries:
    """BadFile where the archive is damaged or ambiguous, or no archive; OverLimit. `keep`: names of the entries of a
    compressed tar that are asked for first, wherever they stand."""
    head = source.read(0, HEAD_BYTES)
    if not head.startswith(_ZIP):
        if name := other_packing(head):
            raise packed_with(name)
        return TarIndex(source, limits, keep)
    archive = open_archive(source, limits)
    return _Slashed(archive) if (archive.names.run_of_all == _BACKSLASH).any() else archive


class _Slashed:
    """A zip whose names have slashes where they had backslashes."""

    forwards = False

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        raw = archive.names.run_of_all.copy()
        raw[raw == _BACKSLASH] = _SLASH
        self.names = Names(raw, archive.names.ends)

    @property
    def packed_bytes(self) -> npt.NDArray[np.int64]:
        return self._archive.packed_bytes

    @property
    def unpacked_bytes(self) -> npt.NDArray[np.int64]:
        return self._archive.unpacked_bytes

    def __len__(self) -> int:
        return len(self._archive)

    def __iter__(self) -> Iterator[Entry]:
        return (self.entry(number) for number in range(len(self)))

    def entry(self, number: int) -> Entry:
        return self._archive.entry(number)._replace(name=self.names[number])

    def find(self, name: str) -> Entry | None:
        if "\\" in name:
            return None
        found = self._archive.find(name) or self._archive.find(name.replace("/", "\\"))
        return found and self.entry(found.number)

    def check(self, entry: Entry) -> None:
        self._archive.check(self._archive.entry(entry.number))

    def open(self, entry: Entry) -> EntryStream:
        return self._archive.open(self._archive.entry(entry.number))

    def read(self, entry: Entry, bytes_max: int) -> bytes:
        return self._archive.read(self._archive.entry(entry.number), bytes_max)
