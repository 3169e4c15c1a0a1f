"""The guarded way into a stranger's zip file: its directory checked, its entries read as streams within limits.

Nothing is ever unpacked to disk and no entry's name is used as a path: a name is a label. What two zip readers could
read differently is refused (overlapping entries, two end records, headers that disagree, duplicate names), because the
next program down the line may be the other reader; the cases are those of the shared corpus `archives/` and the
reliability tables AR-01 to AR-18. Serves workbooks and chat exports alike; knows nothing of either.
"""

from __future__ import annotations

import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from isal import igzip_lib, isal_zlib

from douane.errors import BadFile, OverLimit

_END, _END64, _LOCATOR = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_CENTRAL, _LOCAL, _DESCRIPTOR = b"PK\x01\x02", b"PK\x03\x04", b"PK\x07\x08"
_STORED, _DEFLATED = 0, 8
_METHODS = {1: "Shrink", 6: "Implode", 9: "Deflate64", 12: "BZip2", 14: "LZMA", 93: "Zstandard", 95: "XZ", 98: "PPMd"}
_FLAG_ENCRYPTED, _FLAG_DESCRIPTOR, _FLAG_UTF8 = 1, 8, 0x800
_MAX16, _MAX32 = 0xFFFF, 0xFFFFFFFF
_DIRECTORY_BYTES = 256 << 20  # a million entries with names of ordinary length need about 100 MiB
_BLOCK = 1 << 20


class Source(Protocol):
    """Random access to the uploaded bytes. `read` answers fewer bytes only at the end."""

    @property
    def size(self) -> int: ...

    def read(self, offset: int, length: int) -> bytes: ...


class ArchiveLimits(Protocol):
    """The settings of the same names; `sheet.formats.Limits` is one."""

    @property
    def archive_entries(self) -> int: ...
    @property
    def entry_bytes(self) -> int: ...
    @property
    def unpacked_bytes(self) -> int: ...
    @property
    def unpacked_ratio(self) -> int: ...
    @property
    def unpacked_free_bytes(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as the central directory states it. `mode` is the Unix file mode, 0 where none was recorded.
    `packed_bytes` and `unpacked_bytes` are claims until the entry has been read to its end."""

    number: int
    name: str
    offset: int
    packed_bytes: int
    unpacked_bytes: int
    crc: int
    method: int
    flags: int
    mode: int

    @property
    def is_folder(self) -> bool:
        return self.name.endswith(("/", "\\")) or stat.S_ISDIR(self.mode)

    @property
    def is_file(self) -> bool:
        """False for folders, links, devices and pipes: what is not a file is never read."""
        return not self.is_folder and stat.S_IFMT(self.mode) in (0, stat.S_IFREG)

    @property
    def encrypted(self) -> bool:
        return bool(self.flags & _FLAG_ENCRYPTED)


class Archive:
    """An opened zip file: entries in the directory's order, each of which can be read as a stream any number of times.

    Makes an `Entry` when asked for it: a million of them cost about 150 MB less that way.
    """

    def __init__(self, source: Source, limits: ArchiveLimits, directory: _Directory) -> None:
        self._source = source
        self._limits = limits
        self._directory = directory
        self._numbers: dict[str, int] | None = None
        self._packed = 0
        self._unpacked = 0

    def __len__(self) -> int:
        return len(self._directory.names)

    @property
    def names(self) -> list[str]:
        return self._directory.names

    def entry(self, number: int) -> Entry:
        d = self._directory
        packed, unpacked, crc, method, flags, mode = (int(v) for v in d.facts[number, 1:7])
        return Entry(number, d.names[number], int(d.facts[number, 0]), packed, unpacked, crc, method, flags, mode)

    def __iter__(self) -> Iterator[Entry]:
        return (self.entry(i) for i in range(len(self)))

    def find(self, name: str) -> Entry | None:
        """The entry of exactly this name."""
        if self._numbers is None:
            self._numbers = {n: i for i, n in enumerate(self.names)}
        number = self._numbers.get(name)
        return None if number is None else self.entry(number)

    def open(self, entry: Entry) -> EntryStream:
        """The entry's bytes, unpacked block by block. BadFile when it is damaged, encrypted, no regular file or packed
        in an unknown way; OverLimit (`entry_bytes`, `unpacked_bytes`, `unpacked_ratio`) as soon as a limit is passed,
        not after."""
        if entry.encrypted:
            raise BadFile(f"“{_shown(entry.name)}” is encrypted. Save it without a password.", code="file_encrypted")
        if not entry.is_file:
            raise BadFile(f"“{_shown(entry.name)}” is no regular file.")
        if entry.method not in (_STORED, _DEFLATED):
            method = _METHODS.get(entry.method, f"method {entry.method}")
            raise BadFile(f"“{_shown(entry.name)}” is packed with {method}, which is not supported.")
        if entry.unpacked_bytes > self._limits.entry_bytes:
            raise _too_long(entry, self._limits.entry_bytes)
        return EntryStream(self, entry)

    def read(self, entry: Entry, bytes_max: int) -> bytes:
        """The whole entry. OverLimit (`entry_bytes`) when it is longer than `bytes_max`."""
        if entry.unpacked_bytes > bytes_max:
            raise _too_long(entry, bytes_max)
        return b"".join(self.open(entry))

    def _count(self, packed: int, unpacked: int) -> None:
        limits = self._limits
        self._packed += packed
        self._unpacked += unpacked
        if self._unpacked > limits.unpacked_bytes:
            raise OverLimit(
                f"The archive unpacks to more than {limits.unpacked_bytes:,} bytes.", setting="unpacked_bytes"
            )
        if self._unpacked > max(limits.unpacked_free_bytes, limits.unpacked_ratio * self._packed):
            raise OverLimit(
                f"The archive unpacks to more than {limits.unpacked_ratio} times its size.", setting="unpacked_ratio"
            )


class EntryStream:
    """Iterates over one entry's unpacked bytes in blocks of at most 1 MiB. `packed_done` says how many packed bytes
    were taken so far, for progress. Size and checksum are compared at the end: a stream that ends without BadFile was
    whole."""

    def __init__(self, archive: Archive, entry: Entry) -> None:
        self.entry = entry
        self.packed_done = 0
        self._archive = archive

    def __iter__(self) -> Iterator[bytes]:
        entry, archive = self.entry, self._archive
        self.packed_done = 0
        start = _data_start(archive._source, archive._directory, entry)
        crc = unpacked = 0
        for block in self._inflated(start) if entry.method == _DEFLATED else self._stored(start):
            unpacked += len(block)
            if unpacked > entry.unpacked_bytes:
                break
            crc = isal_zlib.crc32(block, crc)
            yield block
        if unpacked != entry.unpacked_bytes or crc != entry.crc:
            raise BadFile(f"The file is damaged: “{_shown(entry.name)}” does not match its size or checksum.")

    def _packed_blocks(self, start: int) -> Iterator[bytes]:
        end = start + self.entry.packed_bytes
        while start < end:
            block = self._archive._source.read(start, min(_BLOCK, end - start))
            if not block:
                raise BadFile("The file is damaged: it ends too early.")
            start += len(block)
            self.packed_done += len(block)
            yield block

    def _stored(self, start: int) -> Iterator[bytes]:
        for block in self._packed_blocks(start):
            self._archive._count(len(block), len(block))
            yield block

    def _inflated(self, start: int) -> Iterator[bytes]:
        inflater = isal_zlib.decompressobj(-15)
        damaged = BadFile(f"The file is damaged: “{_shown(self.entry.name)}” cannot be unpacked.")
        try:
            for packed in self._packed_blocks(start):
                self._archive._count(len(packed), 0)
                while packed or not inflater.eof:
                    block = inflater.decompress(packed, _BLOCK)
                    packed = inflater.unconsumed_tail
                    if block:
                        self._archive._count(0, len(block))
                        yield block
                    if inflater.eof or (not packed and len(block) < _BLOCK):
                        break
                if inflater.eof:
                    break
        except igzip_lib.IsalError as error:  # type: ignore[misc]  # its stub calls it an instance
            raise damaged from error
        if not inflater.eof or inflater.unused_data or self.packed_done != self.entry.packed_bytes:
            raise damaged


def open_archive(source: Source, limits: ArchiveLimits) -> Archive:
    """Reads and checks the directory; no entry is touched. BadFile `file_broken` when it is cut, ambiguous or
    contradicts itself, OverLimit `archive_entries` when it lists too many entries."""
    return Archive(source, limits, _read_directory(source, limits))


@dataclass(frozen=True, slots=True)
class _Directory:
    """`facts`: int64 (entries, 8): offset, packed, unpacked, crc, method, flags, mode, end of the room it may take.
    `raw_names`: the names' own bytes, which the local headers must repeat."""

    names: list[str]
    raw_names: list[bytes]
    facts: npt.NDArray[np.int64]


def _read_directory(source: Source, limits: ArchiveLimits) -> _Directory:
    count, offset, size = _end_record(source)
    if count > limits.archive_entries:
        raise OverLimit(
            f"The archive lists {count:,} entries, more than {limits.archive_entries:,}.", setting="archive_entries"
        )
    if size > _DIRECTORY_BYTES:
        raise OverLimit("The archive's directory is too long.", setting="archive_entries")
    names: list[str] = []
    raw_names: list[bytes] = []
    facts = np.zeros((count, 8), dtype=np.int64)
    window, at, end = b"", 0, offset + size
    for number in range(count):
        if len(window) - at < 46 + 3 * _MAX16 and offset < end:
            more = source.read(offset, min(_BLOCK, end - offset))
            offset += len(more)
            window, at = window[at:] + more, 0
        if window[at : at + 4] != _CENTRAL or len(window) - at < 46:
            raise _broken("its directory is cut off")
        made, _, flags, method, _, _, crc, packed, unpacked, n, e, c, disk, _, outer, local = struct.unpack_from(
            "<HHHHHHIIIHHHHHII", window, at + 4
        )
        raw = window[at + 46 : at + 46 + n]
        extra = window[at + 46 + n : at + 46 + n + e]
        at += 46 + n + e + c
        if at > len(window):
            raise _broken("its directory is cut off")
        unpacked, packed, local, disk = _wide_values(extra, unpacked, packed, local, disk)
        if disk:
            raise _broken("it is one part of several")
        if max(unpacked, packed, local) > source.size << 20:
            raise _broken("a size is impossible")
        if unpacked and raw.endswith((b"/", b"\\")):
            raise _broken("a folder has content")
        names.append(_name(raw, flags))
        raw_names.append(raw)
        mode = outer >> 16 if made >> 8 in (3, 19) else 0
        facts[number, :7] = local, packed, unpacked, crc, method, flags, mode
    if at != len(window) or offset != end:
        raise _broken("its directory lists another number of entries than it says")
    if len(set(names)) != count:
        raise _broken("two entries have the same name")
    _check_room(facts, raw_names, end - size)
    return _Directory(names, raw_names, facts)


def _check_room(facts: npt.NDArray[np.int64], raw_names: list[bytes], directory: int) -> None:
    """No entry reaches into the next one or into the directory: shared bytes are how small files become huge ones."""
    if not len(facts):
        return
    if facts[:, 0].min() < 0 or facts[:, 1].min() < 0 or facts[:, 2].min() < 0:
        raise _broken("a size is impossible")
    order = np.argsort(facts[:, 0], kind="stable")
    starts = facts[order, 0]
    if starts[0]:
        raise _broken("something stands before its first entry")
    room = np.append(starts[1:], directory)
    heads = np.fromiter((30 + len(raw_names[i]) for i in order), dtype=np.int64, count=len(order))
    if (facts[order, 1] > directory).any() or (starts + heads + facts[order, 1] > room).any():
        raise _broken("its entries overlap")
    facts[order, 7] = room


def _end_record(source: Source) -> tuple[int, int, int]:
    """(entries, offset, size) of the directory. One end record, at the very end, with the directory right before it."""
    tail_at = max(0, source.size - 22 - _MAX16)
    tail = source.read(tail_at, source.size - tail_at)
    places = []
    at = tail.find(_END)
    while at >= 0:
        if at + 22 <= len(tail) and at + 22 + struct.unpack_from("<H", tail, at + 20)[0] == len(tail):
            places.append(at)
        at = tail.find(_END, at + 1)
    if not places:
        raise _broken("its directory is missing; the file may be cut off")
    if len(places) > 1:
        raise _broken("it can be read in two ways")
    at = places[0]
    disk, first, here, count, size, offset = struct.unpack_from("<HHHHII", tail, at + 4)
    begin = tail_at + at
    wide = source.read(begin - 20, 20) if begin >= 20 else b""
    if wide[:4] == _LOCATOR:
        _, where, _ = struct.unpack_from("<IQI", wide, 4)
        record = source.read(where, 56) if where + 56 <= begin - 20 else b""
        if record[:4] != _END64 or where + 12 + struct.unpack_from("<Q", record, 4)[0] != begin - 20:
            raise _broken("its end records disagree")
        disk64, first64, here64, count64, size64, offset64 = struct.unpack_from("<IIQQQQ", record, 16)
        pairs = ((here, here64, _MAX16), (count, count64, _MAX16), (size, size64, _MAX32), (offset, offset64, _MAX32))
        if any(short not in (limit, long) for short, long, limit in pairs):
            raise _broken("its end records disagree")
        disk, first, here, count, size, offset, begin = disk64, first64, here64, count64, size64, offset64, where
    elif _MAX16 in (here, count) or _MAX32 in (size, offset):
        raise _broken("its end record is incomplete")
    if disk or first or here != count:
        raise _broken("it is one part of several")
    if offset + size != begin:
        raise _broken("its directory is not where it should be")
    if count * 46 > size:
        raise _broken("its directory lists another number of entries than it says")
    return count, offset, size


def _wide_values(extra: bytes, unpacked: int, packed: int, local: int, disk: int) -> tuple[int, int, int, int]:
    """The 64-bit values of the extra fields where the 32-bit ones say “see there”."""
    fields: dict[int, bytes] = {}
    at = 0
    while at < len(extra):
        if at + 4 > len(extra):
            raise _broken("an extra field is cut off")
        kind, length = struct.unpack_from("<HH", extra, at)
        if at + 4 + length > len(extra) or (kind in (1, 0x7075) and kind in fields):
            raise _broken("an extra field is cut off or given twice")
        fields[kind] = extra[at + 4 : at + 4 + length]
        at += 4 + length
    wide, at, values = fields.get(1, b""), 0, []
    for value, marker, width in ((unpacked, _MAX32, 8), (packed, _MAX32, 8), (local, _MAX32, 8), (disk, _MAX16, 4)):
        if value == marker and 1 in fields:
            if at + width > len(wide):
                raise _broken("an extra field is cut off")
            value = int.from_bytes(wide[at : at + width], "little")
            at += width
        values.append(value)
    if at and at != len(wide):
        raise _broken("an extra field is too long")
    return values[0], values[1], values[2], values[3]


def _data_start(source: Source, directory: _Directory, entry: Entry) -> int:
    """Where the entry's packed bytes begin. BadFile where its local header says something else than the directory."""
    differ = _broken(f"the two headers of “{_shown(entry.name)}” differ")
    raw, room = directory.raw_names[entry.number], int(directory.facts[entry.number, 7])
    head = source.read(entry.offset, 30 + len(raw))
    if len(head) < 30 + len(raw) or head[:4] != _LOCAL:
        raise _broken(f"“{_shown(entry.name)}” is not where the directory says")
    _, flags, method, _, _, crc, packed, unpacked, n, e = struct.unpack_from("<HHHHHIIIHH", head, 4)
    if n != len(raw) or head[30:] != raw or method != entry.method or (flags ^ entry.flags) & 0x2009:
        raise differ
    start: int = entry.offset + 30 + n + e
    if start + entry.packed_bytes > room:
        raise _broken("its entries overlap")
    extra = source.read(entry.offset + 30 + n, e) if e else b""
    try:
        unpacked, packed, _, _ = _wide_values(extra, unpacked, packed, 0, 0)
    except BadFile:
        if _MAX32 in (unpacked, packed):
            raise
    said = (crc, packed, unpacked)
    after = source.read(start + entry.packed_bytes, min(28, room - start - entry.packed_bytes))
    if after.startswith(_LOCAL):
        raise _broken("it holds an entry that its directory does not list")
    if said != (entry.crc, entry.packed_bytes, entry.unpacked_bytes):
        if not flags & _FLAG_DESCRIPTOR or any(
            v not in (0, _MAX32, real)
            for v, real in zip(said, (entry.crc, entry.packed_bytes, entry.unpacked_bytes), strict=True)
        ):
            raise differ
        _check_descriptor(after, entry)
    return start


def _check_descriptor(found: bytes, entry: Entry) -> None:
    """A streamed entry repeats its facts after its data, with or without a signature, in 32 or 64 bits."""
    for form in ("<III", "<IQQ"):
        try:
            said = struct.pack(form, entry.crc, entry.packed_bytes, entry.unpacked_bytes)
        except struct.error:
            continue
        if found.startswith((_DESCRIPTOR + said, said)):
            return
    raise _broken(f"“{_shown(entry.name)}” does not match its descriptor")


def _name(raw: bytes, flags: int) -> str:
    """A label. Not every writer sets the UTF-8 flag, and some set it wrongly; code page 437 reads anything."""
    try:
        return raw.decode("utf-8" if flags & _FLAG_UTF8 or not raw.isascii() else "ascii")
    except UnicodeDecodeError:
        return raw.decode("cp437")


def _shown(name: str) -> str:
    """A name fit for a sentence: printable and short."""
    return "".join(c if c.isprintable() else "�" for c in name[:100])


def _too_long(entry: Entry, bytes_max: int) -> OverLimit:
    message = f"“{_shown(entry.name)}” unpacks to more than {bytes_max:,} bytes."
    return OverLimit(message, setting="entry_bytes")


def _broken(reason: str) -> BadFile:
    return BadFile(f"The archive is damaged or ambiguous: {reason}.")
