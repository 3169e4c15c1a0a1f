"""What the child does for files whose bytes stand in the export itself; `chat.py` puts the verb on its shelf."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

from douane.archive import open_archive
from douane.archive_tar import TarArchive
from douane.chat.importers import Limits
from douane.child.wire import FileSource, Wire, source_of
from douane.errors import BadFile, OverLimit
from douane.line.chat import Body, ChatBodies

_GZIP, _TAR, _TAR_AT = b"\x1f\x8b", b"ustar", 257


def bodies(spec: ChatBodies, folder: Path, wire: Wire) -> None:
    """Writes the entries with these numbers into the folder, one after the other, each under its number. One that can
    not be had, or is larger than `bytes_max`, is told with its reason; of one that is not there nothing is told."""
    source, bytes_max = source_of(spec), spec.bytes_max
    for number, claimed_bytes, stream in _entries(source, spec.limits, set(spec.entries), wire):
        path = folder / f"body-{number}"
        try:
            if claimed_bytes > bytes_max:
                raise _too_long(bytes_max)
            _write(path, stream(), bytes_max)
        except BadFile as error:
            path.unlink(missing_ok=True)
            wire.send(Body(entry=number, message=error.message))
        else:
            wire.send(Body(entry=number, path=path))


def _entries(
    source: FileSource, limits: Limits, wanted: Collection[int], wire: Wire
) -> Iterator[tuple[int, int, Callable[[], Iterable[bytes]]]]:
    """(number, claimed bytes, its stream) of those that are there, to be taken in this order, each before the next."""
    if source.read(0, 2) != _GZIP and source.read(_TAR_AT, len(_TAR)) != _TAR:
        archive = open_archive(source, limits)
        for number in sorted(wanted):
            if 0 <= number < len(archive):
                entry = archive.entry(number)
                yield number, entry.unpacked_bytes, lambda entry=entry: archive.open(entry)  # type: ignore[misc]
        return
    tar = TarArchive(source, limits)
    for one in tar.entries():
        # A long way to the next one is no silence.
        wire.progress("files", tar.packed_done, source.size, "bytes", 0)
        if one.number in wanted:
            yield one.number, one.unpacked_bytes, lambda one=one: tar.open(one)  # type: ignore[misc]


def _write(path: Path, blocks: Iterable[bytes], bytes_max: int) -> None:
    size = 0
    with path.open("wb") as file:
        for block in blocks:
            size += len(block)
            if size > bytes_max:
                raise _too_long(bytes_max)
            file.write(block)


def _too_long(bytes_max: int) -> OverLimit:
    return OverLimit(f"The file has more than {bytes_max} bytes.", setting="chat_file_bytes_max")


VERBS: dict[str, Callable[[Any, Path, Wire], None]] = {"chat_bodies": bodies}
