"""The guarded way into a stranger's tar, tar.gz, tar.bz2 or tar.xz: passes over its entries, each a stream.

Nothing is written to disk, no link is followed, and the rule for names is that of `archive.py`. A tar has no directory,
so what is wrong with it is found where it stands, and ends the reading there. What two tar readers could read
differently is refused: links, devices, pipes, sparse files, volumes and unknown kinds; folders with content; sizes and
names given twice or for all that follows; a second archive behind the end. The cases are those of the shared corpus
`archives/malo/tar` and the reliability tables AR-01 to AR-20. Formats read: POSIX ustar and PAX (IEEE Std 1003.1, pax),
GNU long names and sizes (GNU tar manual, "Basic Tar Format").
"""

from __future__ import annotations

import bz2
import lzma
import re
import stat
from array import array
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

import numpy as np
from isal import igzip_lib, isal_zlib

from douane.archive import Entry, Names, UnpackedCount, label, reaches_outside, shown, too_long
from douane.errors import BadFile, OverLimit
from douane.model.source import Limits, Source

_BLOCK = 1 << 20
_RECORD = 512
_GZIP, _BZIP2, _XZ = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0"
_POSIX, _GNU = b"ustar\x0000", b"ustar  \0"
_XZ_MEMORY_BYTES = 256 << 20  # what one may ask for that was packed with the largest preset, and some more
KEPT_BYTES = 64 << 20  # of entries that an index keeps
_HEADER_BYTES = 1 << 20  # of one extended header: names and sizes need far less
_SIZE_FIELD_MAX = 8**11  # what the octal field cannot say stands in an extended header
_REFUSED = {
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"3": "a device",
    b"4": "a device",
    b"6": "a pipe",
    b"7": "a contiguous file",
    b"K": "a link with a long name",
    b"M": "a part of a file of another volume",
    b"S": "a sparse file",
    b"V": "a volume header",
}


class TarEntry(NamedTuple):
    """One entry as its header states it. `number` counts from 0, folders too. `name` has no leading `./`; that of the
    archive's own folder is empty."""

    number: int
    name: str
    unpacked_bytes: int
    is_file: bool

    @property
    def is_folder(self) -> bool:
        return not self.is_file


class TarArchive:
    """A tar that is read from its beginning to its end, as often as asked, one pass at a time. `packed_done` says how
    many bytes of the upload the pass has taken so far, for progress."""

    def __init__(self, source: Source, limits: Limits) -> None:
        self.packed_done = 0
        self._source = source
        self._limits = limits
        self._bytes = _Bytes(iter(()))
        self._entry: TarEntry | None = None
        self._left = 0

    def entries(self, first: int = 0) -> Iterator[TarEntry]:
        """The entries from number `first` on, in the archive's order; those before are passed over, and checked alike.
        BadFile where the archive is damaged or ambiguous, OverLimit (`archive_entries`, `unpacked_bytes`,
        `unpacked_ratio`) as soon as a limit is passed."""
        self._bytes, self._entry, self._left = _Bytes(self._unpacked()), None, 0
        names: set[int] = set()
        number = 0
        while (header := _next_header(self._bytes)) is not None:
            name, size, is_file = header
            if number >= self._limits.archive_entries:
                raise OverLimit(
                    f"The archive lists more than {self._limits.archive_entries:,} entries.", setting="archive_entries"
                )
            key = hash(name.rstrip("/"))  # a million texts would be much; that two are equal by chance, a wonder
            if key in names:
                raise _broken("two entries have the same name")
            names.add(key)
            self._entry, self._left = TarEntry(number, name, size, is_file), size
            if number >= first:
                yield self._entry
            for _ in self._blocks(self._entry):
                pass
            self._bytes.exactly(-size % _RECORD)
            number += 1
        self._entry = None
        for block in self._bytes.rest():
            if block.strip(b"\0"):
                raise _broken("something stands behind its end")

    @property
    def position(self) -> int:
        """How far the pass has come in the unpacked bytes: at an entry, where its content begins."""
        return self._bytes.taken

    def open(self, entry: TarEntry) -> Iterator[bytes]:
        """The entry's bytes in blocks of at most 1 MiB. Only for the entry that the pass stands at, and once. BadFile
        where it is no file or is cut off, OverLimit (`entry_bytes`) when it is too long."""
        if entry is not self._entry or self._left != entry.unpacked_bytes:
            raise ValueError("a tar is read in its own order")
        if not entry.is_file:
            raise BadFile(f"“{shown(entry.name)}” is no regular file.")
        if entry.unpacked_bytes > self._limits.entry_bytes:
            raise too_long(entry.name, self._limits.entry_bytes)
        return self._blocks(entry)

    def read(self, entry: TarEntry, bytes_max: int) -> bytes:
        """The whole entry, as `open` has it. OverLimit (`entry_bytes`) when it is longer than `bytes_max`."""
        if entry.unpacked_bytes > bytes_max:
            raise too_long(entry.name, bytes_max)
        return b"".join(self.open(entry))

    def _blocks(self, entry: TarEntry) -> Iterator[bytes]:
        while self._left and entry is self._entry:
            block = self._bytes.some(min(self._left, _BLOCK))
            if not block:
                raise _broken("it ends too early")
            self._left -= len(block)
            yield block

    def _unpacked(self) -> Iterator[bytes]:
        count = UnpackedCount(self._limits)
        self.packed_done = 0
        if not (packing := packing_of(self._source.read(0, _RECORD))):
            for block in self._packed_blocks():
                count.add(len(block), len(block))
                yield block
            return
        stream: _Unpacking | None = None
        try:
            for packed in self._packed_blocks():
                count.add(len(packed), 0)
                while packed or stream:
                    if stream is None:
                        packed = packed if packed.strip(b"\0") else b""  # some writers fill up the last block
                        if not packed:
                            break
                        stream = _UNPACKINGS[packing]()
                    block = stream.decompress(packed, _BLOCK)
                    if block:
                        count.add(0, len(block))
                        yield block
                    if stream.eof:
                        packed, stream = stream.unused_data, None
                        continue
                    packed = stream.left
                    if not packed and len(block) < _BLOCK:
                        break
        except (igzip_lib.IsalError, OSError, lzma.LZMAError, EOFError) as error:  # type: ignore[misc]  # isal's stub
            raise BadFile("The file is damaged: it cannot be unpacked.") from error
        if stream:
            raise _broken("it ends too early")

    def _packed_blocks(self) -> Iterator[bytes]:
        while self.packed_done < self._source.size:
            block = self._source.read(self.packed_done, _BLOCK)
            if not block:
                raise _broken("it ends too early")
            self.packed_done += len(block)
            yield block


class _Unpacking(Protocol):
    """A decompressor as this module uses it: of what it was given, `left` is what it has not looked at yet."""

    eof: bool
    unused_data: bytes
    left: bytes

    def decompress(self, packed: bytes, bytes_max: int) -> bytes: ...


class _Gzip:
    def __init__(self) -> None:
        self._stream = isal_zlib.decompressobj(31)
        self.eof, self.unused_data, self.left = False, b"", b""

    def decompress(self, packed: bytes, bytes_max: int) -> bytes:
        block: bytes = self._stream.decompress(packed, bytes_max)
        self.eof, self.unused_data, self.left = self._stream.eof, self._stream.unused_data, self._stream.unconsumed_tail
        return block


class _Kept:
    """Of decompressors that keep what they have not looked at themselves."""

    def __init__(self, stream: bz2.BZ2Decompressor | lzma.LZMADecompressor) -> None:
        self._stream = stream
        self.eof, self.unused_data, self.left = False, b"", b""

    def decompress(self, packed: bytes, bytes_max: int) -> bytes:
        block = self._stream.decompress(packed, bytes_max)
        self.eof, self.unused_data = self._stream.eof, self._stream.unused_data
        return block


_UNPACKINGS: dict[str, Callable[[], _Unpacking]] = {
    "tar.gz": _Gzip,
    "tar.bz2": lambda: _Kept(bz2.BZ2Decompressor()),
    "tar.xz": lambda: _Kept(lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY_BYTES)),
}


def packing_of(head: bytes) -> str:
    """`tar.gz`, `tar.bz2`, `tar.xz` by a file's first bytes; "" where they are none of a compression."""
    packings = (("tar.gz", _GZIP), ("tar.bz2", _BZIP2), ("tar.xz", _XZ))
    return next((name for name, magic in packings if head.startswith(magic)), "")


def looks_like_tar(head: bytes) -> bool:
    """Whether a file that begins with these 512 bytes may be a tar, compressed or not."""
    return bool(packing_of(head)) or head[257:265] in (_POSIX, _GNU)


class TarIndex:
    """A tar as `Archive` has a zip: its entries known, each of which can be read at any time. The whole is passed over
    once to know them; after that a plain tar is read where an entry stands, a compressed one forwards: going back to an
    earlier entry begins anew. Short entries for which `keep` answers true are kept, up to KEPT_BYTES in all, because
    every importer asks for them first and some tars have them last."""

    def __init__(self, source: Source, limits: Limits, keep: Callable[[str], bool] = lambda name: False) -> None:
        self._source, self._limits = source, limits
        self._plain = not packing_of(source.read(0, _RECORD))
        self.forwards = not self._plain
        self._tar = TarArchive(source, limits)
        self._pass: Iterator[TarEntry] | None = None
        self._at: TarEntry | None = None
        self._kept: dict[int, bytes] = {}
        self._count = UnpackedCount(limits)
        raw, ends, sizes, offsets, folders = bytearray(), array("L"), array("q"), array("q"), bytearray()
        left = KEPT_BYTES
        for entry in self._tar.entries():
            raw += entry.name.encode("utf-8", "surrogatepass")
            ends.append(len(raw))
            sizes.append(entry.unpacked_bytes)
            offsets.append(self._tar.position)
            folders.append(entry.is_folder)
            if not self._plain and entry.is_file and entry.unpacked_bytes <= left and keep(entry.name):
                self._kept[entry.number] = b"".join(self._tar._blocks(entry))
                left -= entry.unpacked_bytes
        self.names = Names(np.frombuffer(bytes(raw), np.uint8), np.array(ends, np.uint32))
        self.unpacked_bytes = np.array(sizes, np.int64)
        self._offsets, self._folders = offsets, folders
        # A share of the upload for each, so that they come to no more than all of it.
        done = np.cumsum(self.unpacked_bytes.astype(np.float64))
        whole = source.size / max(1.0, float(done[-1]) if len(done) else 1.0)
        self.packed_bytes = np.diff((done * whole).astype(np.int64), prepend=0).astype(np.int64)
        self._numbers = {hash(name.rstrip("/")): number for number, name in enumerate(self.names)}

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[Entry]:
        return (self.entry(number) for number in range(len(self)))

    def entry(self, number: int) -> Entry:
        mode = stat.S_IFDIR if self._folders[number] else 0
        packed, unpacked = int(self.packed_bytes[number]), int(self.unpacked_bytes[number])
        return Entry(number, self.names[number], self._offsets[number], packed, unpacked, 0, 0, 0, mode)

    def find(self, name: str) -> Entry | None:
        """The entry of exactly this name."""
        number = self._numbers.get(hash(name.rstrip("/")))
        return self.entry(number) if number is not None and self.names[number] == name else None

    def check(self, entry: Entry) -> None:
        """What `open` finds wrong with an entry before it reads any of it."""
        if not entry.is_file:
            raise BadFile(f"“{shown(entry.name)}” is no regular file.")
        if entry.unpacked_bytes > self._limits.entry_bytes:
            raise too_long(entry.name, self._limits.entry_bytes)

    def open(self, entry: Entry) -> TarStream:
        """The entry's bytes in blocks of at most 1 MiB; until the next entry is opened. As `Archive.open`."""
        self.check(entry)
        return TarStream(self, entry)

    def read(self, entry: Entry, bytes_max: int) -> bytes:
        """The whole entry. OverLimit (`entry_bytes`) when it is longer than `bytes_max`."""
        if entry.unpacked_bytes > bytes_max:
            raise too_long(entry.name, bytes_max)
        return b"".join(self.open(entry))

    def _blocks(self, entry: Entry) -> Iterator[bytes]:
        if self._plain:
            return self._from(entry.offset, entry.unpacked_bytes)
        if entry.number in self._kept:
            return iter((self._kept[entry.number],))
        passing = self._pass
        if passing is None or self._at is None or self._at.number >= entry.number:
            passing = self._pass = self._tar.entries()
            self._at = next(passing)
        while self._at.number < entry.number:
            self._at = next(passing)
        return self._tar.open(self._at)

    def _from(self, offset: int, size: int) -> Iterator[bytes]:
        while size:
            block = self._source.read(offset, min(size, _BLOCK))
            if not block:
                raise _broken("it ends too early")
            self._count.add(len(block), len(block))
            offset, size = offset + len(block), size - len(block)
            yield block


class TarStream:
    """Iterates over one entry's bytes, as `EntryStream` does."""

    def __init__(self, index: TarIndex, entry: Entry) -> None:
        self.entry = entry
        self.packed_done = 0
        self._index = index

    def __iter__(self) -> Iterator[bytes]:
        self.packed_done = 0
        share = self.entry.packed_bytes / max(1, self.entry.unpacked_bytes)
        taken = 0
        for block in self._index._blocks(self.entry):
            taken += len(block)
            self.packed_done = int(taken * share)
            yield block


def open_tar(source: Source, limits: Limits) -> TarArchive:
    """A tar, compressed or not, told by its first bytes. BadFile `file_broken` when it is none."""
    archive = TarArchive(source, limits)
    first = _Bytes(archive._unpacked())
    _next_header(first)
    return archive


class _Bytes:
    """Blocks of any length, taken in other lengths."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._block = b""
        self._at = 0
        self.taken = 0

    def some(self, bytes_max: int) -> bytes:
        """At least one byte; none at the end."""
        while self._at == len(self._block):
            block = next(self._blocks, None)
            if block is None:
                return b""
            self._block, self._at = block, 0
        found = self._block[self._at : self._at + bytes_max]
        self._at += len(found)
        self.taken += len(found)
        return found

    def exactly(self, length: int) -> bytes:
        found = self.some(length) if length else b""
        while len(found) < length:
            more = self.some(length - len(found))
            if not more:
                raise _broken("it ends too early")
            found += more
        return found

    def rest(self) -> Iterator[bytes]:
        while block := self.some(_BLOCK):
            yield block


def _next_header(source: _Bytes) -> tuple[str, int, bool] | None:
    """(name, bytes, is it a file) of the next entry, after the extended header that belongs to it; None at the end."""
    extended: dict[str, str] | None = None
    while True:
        head = source.exactly(_RECORD)
        if not any(head):
            if extended is not None or any(source.exactly(_RECORD)):
                raise _broken("its end is not where it should be")
            return None
        magic, kind = head[257:265], head[156:157]
        if magic not in (_POSIX, _GNU):
            raise _broken("it is no tar archive")
        if _number(head[148:156]) != sum(head) - sum(head[148:156]) + 8 * 32:
            raise _broken("a header does not match its checksum")
        size = _number(head[124:136])
        if kind not in (b"x", b"g", b"L"):
            return _facts(head, size, extended or {})
        if extended is not None or size > _HEADER_BYTES or (kind == b"L" and magic != _GNU):
            raise _broken("its extended headers are too long or contradict each other")
        data = source.exactly(size)
        source.exactly(-size % _RECORD)
        said = {"path": _long_name(data)} if kind == b"L" else _extended(data)
        if kind != b"g":
            extended = said
        elif said.keys() & {"path", "size", "linkpath", "hdrcharset"}:
            raise _broken("an extended header is for all that follows")


def _facts(head: bytes, size: int, extended: dict[str, str]) -> tuple[str, int, bool]:
    name, kind = _field(head[:100]), head[156:157]
    if head[257:265] == _POSIX and head[345]:
        name = _field(head[345:500]) + b"/" + name
    text = _plain(label(name))
    if "path" in extended:
        text = _plain(extended["path"])
    if kind not in (b"0", b"\0", b"5"):
        raise _broken(f"“{shown(text)}” is {_REFUSED.get(kind, 'of an unknown kind')}")
    if "size" in extended:
        wide = int(extended["size"]) if re.fullmatch("[0-9]{1,19}", extended["size"]) else -1
        if wide != size and wide < _SIZE_FIELD_MAX:
            raise _broken(f"“{shown(text)}” has two sizes")
        size = wide
    folder = kind == b"5" or text.endswith("/")
    if size and folder:
        raise _broken("a folder has content")
    if not text and not folder:
        raise _broken("a file has no name")
    return text, size, not folder


def _extended(data: bytes) -> dict[str, str]:
    """The records of a PAX header: `<length> <key>=<value>` and a line's end. Values other than `path` and `size` may
    be anything, and are not looked at."""
    found: dict[str, str] = {}
    at = 0
    while at < len(data):
        length = _PAX_LENGTH.match(data, at)
        end = at + int(length[1]) if length else 0
        key, equals, value = data[length.end() : end - 1].partition(b"=") if length else (b"", b"", b"")
        if not equals or not key or b"\0" in key or data[end - 1 : end] != b"\n":
            raise _broken("an extended header is no list of values")
        name = label(key)
        if name.startswith("GNU.sparse.") or (name in found and name in ("path", "size")):
            raise _broken("an extended header gives a value twice, or a sparse file")
        if name == "hdrcharset" and value != b"ISO-IR 10646 2000 UTF-8":
            raise _broken("an extended header is in another encoding")
        found[name] = label(value) if name in ("path", "size") else ""
        at = end
    if "path" in found and not found["path"]:
        raise _broken("an extended header has an empty name")
    return found


_PAX_LENGTH = re.compile(rb"([1-9][0-9]{0,6}) ")


def _long_name(data: bytes) -> str:
    name, nul, more = data.partition(b"\0")
    if not name or not nul or more.strip(b"\0"):
        raise _broken("a long name does not end")
    return label(name)


def _plain(name: str) -> str:
    """Without the `./` that some writers put before every name."""
    if reaches_outside(name):
        raise _broken(f"the name “{shown(name)}” reaches outside of it")
    plain = re.sub(r"^(?:\./+)+", "", name)
    return "" if plain == "." else plain


def _field(raw: bytes) -> bytes:
    return raw.split(b"\0", 1)[0]


def _number(raw: bytes) -> int:
    """Octal digits between blanks; or, as GNU has it, a number of that many bytes with the first bit set."""
    if raw[0] == 0x80:
        return int.from_bytes(raw[1:], "big")
    digits = raw.strip(b" \0")
    if not re.fullmatch(rb"[0-7]+", digits):
        raise _broken("a header holds no number")
    return int(digits, 8)


def _broken(reason: str) -> BadFile:
    return BadFile(f"The archive is damaged or ambiguous: {reason}.")
