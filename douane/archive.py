"""The guarded way into a stranger's zip file: its directory checked, its entries read as streams within limits.

Nothing is ever unpacked to disk. What two zip readers could read differently is refused (overlapping entries, two end
records, headers that disagree, duplicate names), because the next program down the line may be the other reader; the
cases are those of the shared corpus `archives/` and the reliability tables AR-01 to AR-18. Serves workbooks and chat
exports alike; knows nothing of either.

The rule for names, of this module and `archive_tar.py`: a name is a label, compared and shown, never used as a path.
Bytes are UTF-8 where they can be, whatever the flag says, else code page 437. Two entries of exactly the same name are
refused; names equal but for case or Unicode form are two names. A name that would leave a folder it were unpacked into
(`reaches_outside`: absolute, with a drive, with a `..` step, with a NUL, forward or back slashes) belongs to nobody:
`Entry.outside` says so, no importer takes such an entry for one of its own, and a tar that holds one is refused whole,
as its readers unpack while they read.
"""

from __future__ import annotations

import re
import stat
import struct
import threading
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, overload

import numpy as np
import numpy.typing as npt
from isal import igzip_lib, isal_zlib

from douane.errors import BadFile, OverLimit
from douane.model.source import Limits, Source
from douane.values import dataclass

_END, _END64, _LOCATOR = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_CENTRAL, _LOCAL, _DESCRIPTOR = b"PK\x01\x02", b"PK\x03\x04", b"PK\x07\x08"
_STORED, _DEFLATED, _DEFLATED64 = 0, 8, 9  # the last is what Windows packs with from 2 GB on
_METHODS = {1: "Shrink", 6: "Implode", 12: "BZip2", 14: "LZMA", 93: "Zstandard", 95: "XZ", 98: "PPMd"}
_FLAG_ENCRYPTED, _FLAG_DESCRIPTOR = 1, 8
_MAX16, _MAX32 = 0xFFFF, 0xFFFFFFFF
_DIRECTORY_BYTES = 256 << 20  # a million entries with names of ordinary length need about 100 MiB
_BLOCK = 1 << 20
_NEAR = 64  # entries whose facts are taken at once
_FEED64 = 256  # packed bytes of Deflate64 at a time: two of them can mean 64 KiB, and its library has no upper limit
_REGULAR, _FOLDER_ENDS = (0, stat.S_IFREG), ("/", "\\")
_CENTRAL_NUMBER = int.from_bytes(_CENTRAL, "little")
_LENGTHS, _LOCAL_HEAD = struct.Struct("<HHH"), struct.Struct("<HHIIIIHH")
_INT64_MAX = 2**63 - 1


class Entry(NamedTuple):
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
        return self.name.endswith(_FOLDER_ENDS) or stat.S_ISDIR(self.mode)

    @property
    def is_file(self) -> bool:
        """False for folders, links, devices and pipes: what is not a file is never read."""
        return self.mode & 0o170000 in _REGULAR and not self.name.endswith(_FOLDER_ENDS)

    @property
    def encrypted(self) -> bool:
        return bool(self.flags & _FLAG_ENCRYPTED)

    @property
    def outside(self) -> bool:
        return reaches_outside(self.name)


def reaches_outside(name: str) -> bool:
    """Whether a program that used this name as a path could end up outside the folder it unpacks into."""
    return _OUTSIDE.search(name) is not None


_OUTSIDE = re.compile(r"^[/\\]|^[A-Za-z]:|(?:^|[/\\])\.\.(?:[/\\]|$)|\0")


class Archive:
    """An opened zip file: entries in the directory's order, each of which can be read as a stream any number of times,
    from several threads if need be.

    Makes an `Entry` when asked for it, and keeps 50 bytes and the name of each.
    """

    forwards = False  # entries can be read in any order at the same cost

    def __init__(self, source: Source, limits: Limits, directory: _Directory) -> None:
        self._source = source
        self._limits = limits
        self._directory = directory
        self._count = UnpackedCount(limits)
        self._near: tuple[int, list[Any]] = (-1, [])  # the facts of entries from this number on

    def __len__(self) -> int:
        return len(self._directory.names)

    @property
    def names(self) -> Names:
        return self._directory.names

    @property
    def packed_bytes(self) -> npt.NDArray[np.int64]:
        """Of every entry, as the directory claims."""
        packed: npt.NDArray[np.int64] = self._directory.facts["packed"]
        return packed

    @property
    def unpacked_bytes(self) -> npt.NDArray[np.int64]:
        unpacked: npt.NDArray[np.int64] = self._directory.facts["unpacked"]
        return unpacked

    def entry(self, number: int) -> Entry:
        first, near = self._near
        at = number - first
        if not 0 <= at < len(near):
            # Entries are mostly asked for one after the other, and several at once take a fifth of the time.
            wanted = _NEAR if at == len(near) else 1
            near, at = self._directory.facts[number : number + wanted].tolist(), 0
            self._near = (number, near)
        offset, packed, unpacked, crc, method, flags, mode, _ = near[at]
        return Entry(
            number, label(self._directory.names.raw(number)), offset, packed, unpacked, crc, method, flags, mode
        )

    def __iter__(self) -> Iterator[Entry]:
        return (self.entry(i) for i in range(len(self)))

    def find(self, name: str) -> Entry | None:
        """The entry of exactly this name."""
        d = self._directory
        wanted = hash(name.encode("utf-8", "surrogatepass")) & _MAX32
        first, last = (int(np.searchsorted(d.hashes, np.uint32(wanted), side)) for side in ("left", "right"))
        numbers = (int(n) for n in d.hash_order[first:last])
        return next((self.entry(n) for n in numbers if d.names[n] == name), None)

    def open(self, entry: Entry) -> EntryStream:
        """The entry's bytes, unpacked block by block. BadFile when it is damaged, encrypted, no regular file or packed
        in an unknown way; OverLimit (`entry_bytes`, `unpacked_bytes`, `unpacked_ratio`) as soon as a limit is passed,
        not after."""
        self.check(entry)
        return EntryStream(self, entry)

    def read(self, entry: Entry, bytes_max: int) -> bytes:
        """The whole entry, checked as `open` does. OverLimit (`entry_bytes`) when it is longer than `bytes_max`.

        Small entries are read at once, header and all: opening a stream for each costs more than unpacking it."""
        if entry.unpacked_bytes > bytes_max:
            raise too_long(entry.name, bytes_max)
        if entry.packed_bytes > _BLOCK or entry.unpacked_bytes > _BLOCK or entry.method == _DEFLATED64:
            return b"".join(self.open(entry))
        self.check(entry)
        start, head = _data_start(self._source, self._directory, entry)
        packed = head[start - entry.offset : start - entry.offset + entry.packed_bytes]
        self._count.add(len(packed), entry.unpacked_bytes)
        data = packed if entry.method == _STORED else _inflated(entry, packed)
        if len(data) != entry.unpacked_bytes or isal_zlib.crc32(data) != entry.crc:
            raise _differs(entry)
        return data

    def check(self, entry: Entry) -> None:
        """What `open` finds wrong with an entry before it reads any of it."""
        if entry.flags & _FLAG_ENCRYPTED:
            raise BadFile(f"“{shown(entry.name)}” is encrypted. Save it without a password.", code="file_encrypted")
        if not entry.is_file:
            raise BadFile(f"“{shown(entry.name)}” is no regular file.")
        if entry.method not in (_STORED, _DEFLATED, _DEFLATED64):
            method = _METHODS.get(entry.method, f"method {entry.method}")
            raise BadFile(f"“{shown(entry.name)}” is packed with {method}, which is not supported.")
        if entry.unpacked_bytes > self._limits.entry_bytes:
            raise too_long(entry.name, self._limits.entry_bytes)


class UnpackedCount:
    """Watches the limits of a whole archive while it is unpacked; several threads may count."""

    def __init__(self, limits: Limits) -> None:
        self._unpacked_max, self._ratio_max = limits.unpacked_bytes, limits.unpacked_ratio
        self._free = limits.unpacked_free_bytes
        self._lock = threading.Lock()
        self._packed = 0
        self._unpacked = 0

    def add(self, packed: int, unpacked: int) -> None:
        """OverLimit (`unpacked_bytes`, `unpacked_ratio`) as soon as a limit is passed."""
        with self._lock:
            self._packed += packed
            self._unpacked += unpacked
            packed, unpacked = self._packed, self._unpacked
        if unpacked > self._unpacked_max:
            raise OverLimit(f"The archive unpacks to more than {self._unpacked_max:,} bytes.", setting="unpacked_bytes")
        if unpacked > self._free and unpacked > self._ratio_max * packed:
            message = f"The archive unpacks to more than {self._ratio_max} times its size."
            raise OverLimit(message, setting="unpacked_ratio")


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
        start, _ = _data_start(archive._source, archive._directory, entry)
        crc = unpacked = 0
        ways = {_STORED: self._stored, _DEFLATED: self._inflated, _DEFLATED64: self._inflated64}
        for block in ways[entry.method](start):
            unpacked += len(block)
            if unpacked > entry.unpacked_bytes:
                break
            crc = isal_zlib.crc32(block, crc)
            yield block
        if unpacked != entry.unpacked_bytes or crc != entry.crc:
            raise _differs(entry)

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
            self._archive._count.add(len(block), len(block))
            yield block

    def _inflated(self, start: int) -> Iterator[bytes]:
        inflater = isal_zlib.decompressobj(-15)
        try:
            for packed in self._packed_blocks(start):
                self._archive._count.add(len(packed), 0)
                while packed or not inflater.eof:
                    block = inflater.decompress(packed, _BLOCK)
                    packed = inflater.unconsumed_tail
                    if block:
                        self._archive._count.add(0, len(block))
                        yield block
                    if inflater.eof or (not packed and len(block) < _BLOCK):
                        break
                if inflater.eof:
                    break
        except igzip_lib.IsalError as error:  # type: ignore[misc]  # its stub calls it an instance
            raise _damaged(self.entry) from error
        if not inflater.eof or inflater.unused_data or self.packed_done != self.entry.packed_bytes:
            raise _damaged(self.entry)

    def _inflated64(self, start: int) -> Iterator[bytes]:
        # Rare, and it looks its own version up among all that is installed, which takes longer than a small file.
        import inflate64

        inflater = inflate64.Inflater()
        try:
            for packed in self._packed_blocks(start):
                self._archive._count.add(len(packed), 0)
                for at in range(0, len(packed), _FEED64):
                    if inflater.eof:
                        raise _damaged(self.entry)
                    found = inflater.inflate(packed[at : at + _FEED64])
                    self._archive._count.add(0, len(found))
                    yield from (found[i : i + _BLOCK] for i in range(0, len(found), _BLOCK))
        except ValueError as error:
            raise _damaged(self.entry) from error
        if not inflater.eof:
            raise _damaged(self.entry)


def _inflated(entry: Entry, packed: bytes) -> bytes:
    """All at once, and at most one byte more than the entry claims."""
    inflater = igzip_lib.IgzipDecompressor(igzip_lib.DECOMP_DEFLATE, 15)
    try:
        data: bytes = inflater.decompress(packed, entry.unpacked_bytes + 1)
    except igzip_lib.IsalError as error:  # type: ignore[misc]  # its stub calls it an instance
        raise _damaged(entry) from error
    if len(data) <= entry.unpacked_bytes and (not inflater.eof or inflater.unused_data):
        raise _damaged(entry)
    return data


def open_archive(source: Source, limits: Limits) -> Archive:
    """Reads and checks the directory; no entry is touched. BadFile `file_broken` when it is cut, ambiguous or
    contradicts itself, OverLimit `archive_entries` when it lists too many entries."""
    return Archive(source, limits, _read_directory(source, limits))


class Names(Sequence[str]):
    """The names as one run of bytes, decoded when asked for: a million texts would cost 100 MB more."""

    def __init__(self, raw: npt.NDArray[np.uint8], ends: npt.NDArray[np.uint32]) -> None:
        self._raw = raw.data
        self._ends = ends

    def __len__(self) -> int:
        return len(self._ends)

    @property
    def run_of_all(self) -> npt.NDArray[np.uint8]:
        """Of all names, one after another; `ends` says where each ends."""
        return np.frombuffer(self._raw, np.uint8)[: int(self._ends[-1]) if len(self._ends) else 0]

    @property
    def ends(self) -> npt.NDArray[np.uint32]:
        return self._ends

    def raw(self, number: int) -> bytes:
        begin: int = self._ends.item(number - 1) if number else 0
        return bytes(self._raw[begin : self._ends.item(number)])

    def run(self, first: int, last: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
        """The bytes of these names one after another, and where each ends in them."""
        begin: int = self._ends.item(first - 1) if first else 0
        ends = self._ends[first:last].astype(np.int64)
        return np.frombuffer(self._raw[begin : int(ends[-1])], np.uint8), ends - begin

    @overload
    def __getitem__(self, number: int) -> str: ...
    @overload
    def __getitem__(self, number: slice) -> list[str]: ...
    def __getitem__(self, number: int | slice) -> str | list[str]:
        if isinstance(number, slice):
            return [self[i] for i in range(*number.indices(len(self)))]
        if not -len(self) <= number < len(self):
            raise IndexError(number)
        return label(self.raw(number if number >= 0 else number + len(self)))


@dataclass(frozen=True, slots=True)
class _Directory:
    """`facts`: one `_FACTS` per entry; `offsets` are those of it. `begin` is where the directory begins, and so where
    the last entry's room ends. `room_end` says for each entry where the next one begins; None where that is simply the
    next entry's offset, as nearly every writer has it. `hashes` are those of the names, in order, and `hash_order` says
    whose they are."""

    names: Names
    facts: npt.NDArray[np.void]
    offsets: npt.NDArray[np.int64]
    begin: int
    room_end: npt.NDArray[np.int64] | None
    hashes: npt.NDArray[np.uint32]
    hash_order: npt.NDArray[np.uint32]

    def room(self, number: int) -> int:
        if self.room_end is not None:
            return self.room_end.item(number)
        return self.offsets.item(number + 1) if number + 1 < len(self.offsets) else self.begin


_FACTS = np.dtype(
    [
        ("offset", "i8"),
        ("packed", "i8"),
        ("unpacked", "i8"),
        ("crc", "u4"),
        ("method", "u2"),
        ("flags", "u2"),
        ("mode", "u2"),
        ("name_end", "u4"),
    ]
)
_HEAD = np.dtype(
    [
        ("magic", "<u4"),
        ("made", "<u2"),
        ("needs", "<u2"),
        ("flags", "<u2"),
        ("method", "<u2"),
        ("time", "<u4"),
        ("crc", "<u4"),
        ("packed", "<u4"),
        ("unpacked", "<u4"),
        ("name", "<u2"),
        ("extra", "<u2"),
        ("comment", "<u2"),
        ("disk", "<u2"),
        ("inner", "<u2"),
        ("outer", "<u4"),
        ("offset", "<u4"),
    ]
)


def _read_directory(source: Source, limits: Limits) -> _Directory:
    count, at, size = _end_record(source)
    if count > limits.archive_entries:
        raise OverLimit(
            f"The archive lists {count:,} entries, more than {limits.archive_entries:,}.", setting="archive_entries"
        )
    if size > _DIRECTORY_BYTES:
        raise OverLimit("The archive's directory is too long.", setting="archive_entries")
    facts, hashes = np.zeros(count, dtype=_FACTS), np.zeros(count, dtype=np.uint32)
    blob = np.zeros(size - 46 * count, dtype=np.uint8)  # room for all of them; what is not written to costs nothing
    begin, used, done = at, 0, 0
    while done < count:
        window = source.read(at, min(_BLOCK, begin + size - at))
        starts, names, taken = _heads(window, count - done)
        if not starts:
            raise _broken("its directory is cut off")
        at += taken
        rows = facts[done : done + len(starts)]
        heads = np.lib.stride_tricks.sliding_window_view(np.frombuffer(window, np.uint8), 46)[starts].view(_HEAD)[:, 0]
        if (heads["magic"] != _CENTRAL_NUMBER).any():
            raise _broken("its directory is cut off")
        for same in ("offset", "packed", "unpacked", "crc", "method", "flags"):
            rows[same] = heads[same]
        system = heads["made"] >> 8
        rows["mode"] = np.where((system == 3) | (system == 19), heads["outer"] >> 16, 0)
        _widen(source.size, window, np.asarray(starts), heads, rows)
        run = b"".join(names)
        if used + len(run) > len(blob):
            raise _broken("its directory lists another number of entries than it says")
        rows["name_end"] = used + np.cumsum(heads["name"], dtype=np.int64)
        blob[used : used + len(run)] = np.frombuffer(run, np.uint8)
        used += len(run)
        texts = names if run.isascii() else [label(raw).encode() for raw in names]
        hashes[done : done + len(starts)] = [hash(text) & _MAX32 for text in texts]
        done += len(starts)
    if at != begin + size:
        raise _broken("its directory lists another number of entries than it says")
    _check_folders(blob, facts)
    room_end = _check_room(facts, begin)
    order = np.argsort(hashes).astype(np.uint32)
    hashes = hashes[order]
    directory = _Directory(Names(blob, facts["name_end"]), facts, facts["offset"], begin, room_end, hashes, order)
    _check_names(directory)
    return directory


def _heads(window: bytes, entries_max: int) -> tuple[list[int], list[bytes], int]:
    """Where the directory's entries begin in `window`, their names, and how far the last whole one reaches."""
    starts: list[int] = []
    names: list[bytes] = []
    at, last = 0, len(window) - 46
    lengths = _LENGTHS.unpack_from
    while at <= last and len(starts) < entries_max:
        n, e, c = lengths(window, at + 28)
        after = at + 46 + n + e + c
        if after > len(window):
            break
        starts.append(at)
        names.append(window[at + 46 : at + 46 + n])
        at = after
    return starts, names, at


def _widen(
    size: int, window: bytes, starts: npt.NDArray[np.int64], heads: npt.NDArray[np.void], rows: npt.NDArray[np.void]
) -> None:
    """Puts the 64-bit values of the extra fields into `rows`, and checks that sizes are possible."""
    begins = starts + 46 + heads["name"]
    disks = heads["disk"].astype(np.int64)
    for i in _odd_extras(np.frombuffer(window, np.uint8), begins, begins + heads["extra"]):
        begin, row, end = int(begins[i]), rows[i], int(begins[i]) + int(heads["extra"][i])
        said = (int(row["unpacked"]), int(row["packed"]), int(row["offset"]), int(disks[i]))
        values = _wide_values(window[begin:end], *said)
        if max(values) > _INT64_MAX:
            raise _broken("a size is impossible")
        row["unpacked"], row["packed"], row["offset"], disks[i] = values
    if disks.any():
        raise _broken("it is one part of several")
    if max(int(rows[f].max()) for f in ("unpacked", "packed", "offset")) > size << 20:
        raise _broken("a size is impossible")


def _odd_extras(
    window: npt.NDArray[np.uint8], begins: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """The rows whose extra field needs to be looked at one by one: it holds a 64-bit value or a second name, or is
    broken, or has more parts than any writer makes. Times and owners, which most have, are passed over."""
    plain = np.ones(len(begins), dtype=bool)
    at, rows = begins.copy(), np.flatnonzero(begins < ends)
    for _ in range(8):
        whole = at[rows] + 4 <= ends[rows]
        plain[rows[~whole]] = False
        rows = rows[whole]
        if not len(rows):
            break
        here = at[rows]
        kind = window[here].astype(np.int64) | window[here + 1].astype(np.int64) << 8
        at[rows] = here + 4 + (window[here + 2].astype(np.int64) | window[here + 3].astype(np.int64) << 8)
        plain[rows[(kind == 1) | (kind == 0x7075) | (at[rows] > ends[rows])]] = False
        rows = rows[plain[rows] & (at[rows] < ends[rows])]
    plain[rows] = False
    return np.flatnonzero(~plain)


def _check_folders(blob: npt.NDArray[np.uint8], facts: npt.NDArray[np.void]) -> None:
    full = facts[(facts["unpacked"] > 0) & (_name_lengths(facts) > 0)]["name_end"]
    if np.isin(blob[full.astype(np.int64) - 1], [ord("/"), ord("\\")]).any():
        raise _broken("a folder has content")


def _name_lengths(facts: npt.NDArray[np.void]) -> npt.NDArray[np.uint32]:
    lengths: npt.NDArray[np.uint32] = np.diff(facts["name_end"], prepend=np.uint32(0))
    return lengths


def _check_names(directory: _Directory) -> None:
    """Compares the texts only where their hashes are equal, which is rare."""
    equal = directory.hashes[1:] == directory.hashes[:-1]
    if not equal.any():
        return
    alike = directory.hash_order[np.append(equal, False) | np.append(False, equal)]
    if len({directory.names[int(number)] for number in alike}) < len(alike):
        raise _broken("two entries have the same name")


def _check_room(facts: npt.NDArray[np.void], directory: int) -> npt.NDArray[np.int64] | None:
    """No entry reaches into the next one or into the directory: shared bytes are how small files become huge ones.
    Answers `_Directory.room_end`."""
    if not len(facts):
        return None
    if facts["packed"].max() > directory:
        raise _broken("its entries overlap")
    starts, order = facts["offset"], None
    if (starts[1:] <= starts[:-1]).any():
        order = np.argsort(starts, kind="stable")
        starts = starts[order]
    if starts[0]:
        raise _broken("something stands before its first entry")
    room_end = np.append(starts[1:], directory)
    if order is not None:
        room_end[order] = room_end.copy()
    ends = facts["offset"] + facts["packed"]
    ends += _name_lengths(facts)
    ends += 30
    if (ends > room_end).any():
        raise _broken("its entries overlap")
    return room_end if order is not None else None


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


def _data_start(source: Source, directory: _Directory, entry: Entry) -> tuple[int, bytes]:
    """Where the entry's packed bytes begin, and what was read from its offset on: all of it where it is short. BadFile
    where its local header says something else than the directory."""
    number, name, offset, packed_bytes, unpacked_bytes, crc, method, flags, _ = entry
    raw = name.encode() if name.isascii() else directory.names.raw(number)
    room = directory.room(number) - offset
    short = packed_bytes <= _BLOCK
    # 160 bytes are enough for every usual extra field and descriptor; the rest is read after it where they are not.
    take = 190 + len(raw) + (packed_bytes if short else 0)
    head = source.read(offset, take if take < room else room)
    if len(head) < 30 + len(raw) or not head.startswith(_LOCAL):
        raise _broken(f"“{shown(name)}” is not where the directory says")
    flags_said, method_said, _, crc_said, packed_said, unpacked_said, n, e = _LOCAL_HEAD.unpack_from(head, 6)
    if n != len(raw) or not head.startswith(raw, 30) or method_said != method or (flags_said ^ flags) & 0x2009:
        raise _two_headers(entry)
    begin = 30 + n + e
    end = begin + packed_bytes
    if end > room:
        raise _broken("its entries overlap")
    need = (end if short else begin) + min(28, room - end)
    if len(head) < need:
        head += source.read(offset + len(head), need - len(head))
    if e:
        try:
            unpacked_said, packed_said, _, _ = _wide_values(head[30 + n : begin], unpacked_said, packed_said, 0, 0)
        except BadFile:
            if _MAX32 in (unpacked_said, packed_said):
                raise
    after = b""
    if end < room:
        after = head[end:need] if short else source.read(offset + end, min(28, room - end))
        if after.startswith(_LOCAL):
            raise _broken("it holds an entry that its directory does not list")
    if crc_said != crc or packed_said != packed_bytes or unpacked_said != unpacked_bytes:
        pairs = ((crc_said, crc), (packed_said, packed_bytes), (unpacked_said, unpacked_bytes))
        if not flags_said & _FLAG_DESCRIPTOR or any(said not in (0, _MAX32, real) for said, real in pairs):
            raise _two_headers(entry)
        _check_descriptor(after, entry)
    return offset + begin, head


def _check_descriptor(found: bytes, entry: Entry) -> None:
    """A streamed entry repeats its facts after its data, with or without a signature, in 32 or 64 bits."""
    for form in ("<III", "<IQQ"):
        try:
            said = struct.pack(form, entry.crc, entry.packed_bytes, entry.unpacked_bytes)
        except struct.error:
            continue
        if found.startswith((_DESCRIPTOR + said, said)):
            return
    raise _broken(f"“{shown(entry.name)}” does not match its descriptor")


def label(raw: bytes) -> str:
    """A label. Not every writer sets the UTF-8 flag, and some set it wrongly; code page 437 reads anything."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp437")


def shown(name: str) -> str:
    """A name fit for a sentence: printable and short."""
    return "".join(c if c.isprintable() else "�" for c in name[:100])


def too_long(name: str, bytes_max: int) -> OverLimit:
    message = f"“{shown(name)}” unpacks to more than {bytes_max:,} bytes."
    return OverLimit(message, setting="entry_bytes")


def _differs(entry: Entry) -> BadFile:
    return BadFile(f"The file is damaged: “{shown(entry.name)}” does not match its size or checksum.")


def _damaged(entry: Entry) -> BadFile:
    return BadFile(f"The file is damaged: “{shown(entry.name)}” cannot be unpacked.")


def _two_headers(entry: Entry) -> BadFile:
    return _broken(f"the two headers of “{shown(entry.name)}” differ")


def _broken(reason: str) -> BadFile:
    return BadFile(f"The archive is damaged or ambiguous: {reason}.")
