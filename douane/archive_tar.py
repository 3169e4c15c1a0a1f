"""The guarded way into a stranger's tar or tar.gz: one pass over its entries, each a stream within limits.

Nothing is written to disk, no link is followed, and the rule for names is that of `archive.py`. A tar has no directory,
so what is wrong with it is found where it stands, and ends the reading there. What two tar readers could read
differently is refused: links, devices, pipes, sparse files, volumes and unknown kinds; folders with content; sizes and
names given twice or for all that follows; a second archive behind the end. The cases are those of the shared corpus
`archives/malo/tar` and the reliability tables AR-01 to AR-20. Formats read: POSIX ustar and PAX (IEEE Std 1003.1, pax),
GNU long names and sizes (GNU tar manual, "Basic Tar Format").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from isal import igzip_lib, isal_zlib

from douane.archive import UnpackedCount, label, reaches_outside, shown, too_long
from douane.errors import BadFile, OverLimit
from douane.model.source import Limits, Source

_BLOCK = 1 << 20
_RECORD = 512
_GZIP, _POSIX, _GNU = b"\x1f\x8b", b"ustar\x0000", b"ustar  \0"
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
        if self._source.read(0, 2) != _GZIP:
            for block in self._packed_blocks():
                count.add(len(block), len(block))
                yield block
            return
        inflater = None
        try:
            for packed in self._packed_blocks():
                count.add(len(packed), 0)
                while packed or inflater:
                    if inflater is None:
                        packed = packed if packed.strip(b"\0") else b""  # some writers fill up the last block
                        if not packed:
                            break
                        inflater = isal_zlib.decompressobj(31)
                    block = inflater.decompress(packed, _BLOCK)
                    if block:
                        count.add(0, len(block))
                        yield block
                    if inflater.eof:
                        packed, inflater = inflater.unused_data, None
                        continue
                    packed = inflater.unconsumed_tail
                    if not packed and len(block) < _BLOCK:
                        break
        except igzip_lib.IsalError as error:  # type: ignore[misc]  # its stub calls it an instance
            raise BadFile("The file is damaged: it cannot be unpacked.") from error
        if inflater:
            raise _broken("it ends too early")

    def _packed_blocks(self) -> Iterator[bytes]:
        while self.packed_done < self._source.size:
            block = self._source.read(self.packed_done, _BLOCK)
            if not block:
                raise _broken("it ends too early")
            self.packed_done += len(block)
            yield block


def open_tar(source: Source, limits: Limits) -> TarArchive:
    """A tar or tar.gz, told by its first bytes. BadFile `file_broken` when it is neither."""
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

    def some(self, bytes_max: int) -> bytes:
        """At least one byte; none at the end."""
        while self._at == len(self._block):
            block = next(self._blocks, None)
            if block is None:
                return b""
            self._block, self._at = block, 0
        found = self._block[self._at : self._at + bytes_max]
        self._at += len(found)
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
