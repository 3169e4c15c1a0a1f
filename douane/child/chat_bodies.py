"""What the child does for files whose bytes stand in the export itself; `chat.py` puts the verb on its shelf."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

from douane.archive_packed import HEAD_BYTES, open_packed
from douane.archive_tar import TarArchive, looks_like_tar
from douane.chat import bodies as judged
from douane.chat.importers import Limits
from douane.child.wire import FileSource, Wire, source_of
from douane.errors import BadFile, OverLimit
from douane.line.chat import Body, ChatBodies


def bodies(spec: ChatBodies, folder: Path, wire: Wire) -> None:
    """Writes the entries with these numbers into the folder, one after the other, each under its number. One that can
    not be had, or is larger than `bytes_max`, is told with its reason; of one that is not there nothing is told."""
    source, bytes_max = source_of(spec), spec.bytes_max
    for number, name, claimed_bytes, stream in _entries(source, spec.limits, set(spec.entries), wire):
        path = folder / f"body-{number}"
        try:
            if claimed_bytes > bytes_max:
                raise _too_long(bytes_max)
            _write(path, stream(), bytes_max)
            if judged.is_page(_head(path), None, name.rpartition("/")[2]):
                raise BadFile("The export holds a web page in place of the file.")
        except BadFile as error:
            path.unlink(missing_ok=True)
            wire.send(Body(entry=number, message=error.message))
        else:
            wire.send(Body(entry=number, path=path))


def _entries(
    source: FileSource, limits: Limits, wanted: Collection[int], wire: Wire
) -> Iterator[tuple[int, str, int, Callable[[], Iterable[bytes]]]]:
    """(number, name, claimed bytes, its stream) of those that are there, to be taken in this order, one by one."""
    if not looks_like_tar(source.read(0, HEAD_BYTES)):
        archive = open_packed(source, limits)
        for number in sorted(wanted):
            if 0 <= number < len(archive):
                entry = archive.entry(number)
                yield number, entry.name, entry.unpacked_bytes, lambda entry=entry: archive.open(entry)  # type: ignore[misc]
        return
    tar = TarArchive(source, limits)
    for one in tar.entries():
        # A long way to the next one is no silence.
        wire.progress("files", tar.packed_done, source.size, "bytes", 0)
        if one.number in wanted:
            yield one.number, one.name, one.unpacked_bytes, lambda one=one: tar.open(one)  # type: ignore[misc]


def _write(path: Path, blocks: Iterable[bytes], bytes_max: int) -> None:
    size = 0
    with path.open("wb") as file:
        for block in blocks:
            size += len(block)
            if size > bytes_max:
                raise _too_long(bytes_max)
            file.write(block)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(judged.HEAD_BYTES)


def _too_long(bytes_max: int) -> OverLimit:
    return OverLimit(f"The file has more than {bytes_max} bytes.", setting="chat_file_bytes_max")


VERBS: dict[str, Callable[[Any, Path, Wire], None]] = {"chat_bodies": bodies}
