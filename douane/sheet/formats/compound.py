"""The compound file (OLE) around an old workbook: its streams by name, each read in place.

A file system in one file: sectors, a table that says which sector follows which, a directory. Nothing of a stream is
held in memory but where its sectors are, in runs. Facts are from [MS-CFB]. A chain that runs in a circle is refused;
one that runs out, or into sectors that the file does not have, makes a shorter stream: who reads it sees that it ends
early.
"""

from __future__ import annotations

import struct

import numpy as np
import numpy.typing as npt

from douane.errors import BadFile
from douane.sheet.formats import Source
from douane.values import dataclass

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

_LAST_SECTOR = 0xFFFFFFFA  # greater numbers are marks: end of the chain, free, of the tables themselves
_SMALL_SECTOR = 64
_ENTRY = 128
_ENTRIES_MAX = 65_536  # of the directory; a workbook has a dozen
_STREAM, _ROOT = 2, 5
_NONE = 0xFFFFFFFF

Words = npt.NDArray[np.uint32]


class Stream:
    """One stream of a compound file, as a `Source`. `size` is what is there, maybe less than what was claimed."""

    def __init__(self, source: Source, runs: list[tuple[int, int]], size: int) -> None:
        """`runs`: (where in `source`, how many bytes), in order."""
        self._source = source
        self._starts = np.array([start for start, _ in runs], np.int64)
        self._ends = np.cumsum([length for _, length in runs], dtype=np.int64)
        self.size = min(size, int(self._ends[-1])) if runs else 0

    def read(self, offset: int, length: int) -> bytes:
        length = min(length, self.size - offset)
        parts: list[bytes] = []
        run = int(np.searchsorted(self._ends, offset, side="right"))
        while length > 0:
            before_end = int(self._ends[run]) - offset
            begin = int(self._starts[run]) + int(self._ends[run] - (self._ends[run - 1] if run else 0)) - before_end
            part = self._source.read(begin, min(length, before_end))
            parts.append(part)
            if len(part) < min(length, before_end):
                break  # the file ends inside this run
            offset += len(part)
            length -= len(part)
            run += 1
        return b"".join(parts)


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    kind: int
    left: int
    right: int
    child: int
    start: int
    size: int


class CompoundFile:
    """An opened compound file. BadFile where its header or a chain of its tables makes no sense."""

    def __init__(self, source: Source) -> None:
        self._source = source
        head = source.read(0, 512)
        if len(head) < 512 or not head.startswith(MAGIC):
            raise _damaged("its head is cut off")
        shift, small_shift = struct.unpack_from("<HH", head, 30)
        if shift not in (9, 12) or 1 << small_shift != _SMALL_SECTOR:
            raise _damaged("its sectors have an impossible size")
        self._sector = 1 << shift
        directory, _, self._small_below, small_table, _, more, _ = struct.unpack_from("<7I", head, 48)
        self._after = self._table(np.frombuffer(head, "<u4", 109, 76), more)
        self._entries = self._directory(directory)
        root = self._entries[0]
        self._small = self._chained(root.start, root.size if root.size else source.size)
        self._small_after = self._words(self._chained(small_table, source.size))
        self._children, self._tree_whole = self._root_children()

    @property
    def names(self) -> frozenset[str]:
        """The streams and folders of the top, in lower case."""
        return frozenset(self._children)

    def stream(self, name: str) -> Stream | None:
        """The stream of this name at the top, whatever its case; elsewhere only where the directory's tree is broken,
        for what lies in a folder is another document."""
        entry = self._children.get(name.lower())
        if entry is None and not self._tree_whole:
            entry = next((e for e in self._entries[1:] if e.name == name.lower() and e.kind == _STREAM), None)
        if entry is None or entry.kind != _STREAM:
            return None
        if entry.size >= self._small_below:
            return self._chained(entry.start, entry.size)
        runs = self._runs(entry.start, self._small_after, -(-entry.size // _SMALL_SECTOR))
        return Stream(self._small, [(a * _SMALL_SECTOR, n * _SMALL_SECTOR) for a, n in runs], entry.size)

    def _table(self, first: Words, more: int) -> Words:
        """Which sector follows each: the table's sectors are listed in the head and, if there are many, in a chain."""
        sectors = min(-(-self._source.size // self._sector), _LAST_SECTOR)
        listed = [first[first < sectors]]
        seen = 0
        while more < sectors and seen <= sectors // (self._sector // 4) + 1:
            block = np.frombuffer(self._block(more), "<u4")
            if len(block) < 2:
                break
            listed.append(block[:-1][block[:-1] < sectors])
            more = int(block[-1])
            seen += 1
        numbers = np.concatenate(listed)
        if len(numbers) > sectors // (self._sector // 4) + 109:
            raise _damaged("its table of sectors is longer than the file")
        parts = []
        for number in numbers.tolist():
            data = self._block(number)
            parts.append(np.frombuffer(data + b"\xff" * (self._sector - len(data)), "<u4"))
        return np.concatenate([*parts, np.zeros(0, "<u4")]).astype(np.uint32)

    def _block(self, number: int) -> bytes:
        data = self._source.read((number + 1) * self._sector, self._sector)
        return data[: len(data) // 4 * 4]

    def _runs(self, start: int, after: Words, most: int) -> list[tuple[int, int]]:
        """The chain from `start` as (first sector, how many), at most `most` sectors of it."""
        # Where the sector that follows is not simply the next one.
        breaks = np.flatnonzero(after != np.arange(1, len(after) + 1, dtype=np.uint32))
        runs: list[tuple[int, int]] = []
        count = 0
        while start < min(len(after), _LAST_SECTOR) and count < most:
            at = int(np.searchsorted(breaks, start))
            last = int(breaks[at]) if at < len(breaks) else len(after) - 1
            length = min(last - start + 1, most - count)
            if runs and sum(runs[-1]) == start:
                runs[-1] = runs[-1][0], runs[-1][1] + length
            else:
                runs.append((start, length))
            count += length
            start = int(after[last])
            if count > len(after):
                raise _damaged("a chain of sectors runs in a circle")
        return runs

    def _chained(self, start: int, size: int) -> Stream:
        runs = self._runs(start, self._after, min(-(-size // self._sector), len(self._after) + 1))
        return Stream(self._source, [((a + 1) * self._sector, n * self._sector) for a, n in runs], size)

    def _words(self, stream: Stream) -> Words:
        data = stream.read(0, stream.size)
        return np.frombuffer(data, "<u4", len(data) // 4).astype(np.uint32)

    def _directory(self, start: int) -> list[_Entry]:
        stream = self._chained(start, _ENTRIES_MAX * _ENTRY)
        data = stream.read(0, stream.size)
        entries = []
        for at in range(0, len(data) - _ENTRY + 1, _ENTRY):
            length, kind, _, left, right, child = struct.unpack_from("<HBBIII", data, at + 64)
            # The upper half of the size is often garbage in files with small sectors.
            first, size, upper = struct.unpack_from("<III", data, at + 116)
            name = data[at : at + min(max(length, 2), 64) - 2].decode("utf-16-le", errors="replace").lower()
            if self._sector > 512:
                size |= upper << 32
            entries.append(_Entry(name, kind, left, right, child, first, size))
        if not entries:
            raise _damaged("its directory is missing")
        return entries

    def _root_children(self) -> tuple[dict[str, _Entry], bool]:
        """(what the root's tree holds, whether the tree could be walked)"""
        found: dict[str, _Entry] = {}
        waiting, seen = [self._entries[0].child], set[int]()
        while waiting:
            number = waiting.pop()
            if number == _NONE:
                continue
            if number in seen or not 0 < number < len(self._entries):
                return found, False
            seen.add(number)
            entry = self._entries[number]
            found.setdefault(entry.name, entry)
            waiting += [entry.left, entry.right]
        return found, bool(found)


def _damaged(why: str) -> BadFile:
    return BadFile(f"The file is damaged: {why}.")
