"""What the child does with a zip of images: each is looked at before any is handed over, so that all come or none."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from douane.archive import Archive, Entry, open_archive
from douane.child.wire import Wire, source_of
from douane.errors import BadFile, OverLimit
from douane.line import images as line
from douane.line.images import Image

ENDINGS = (".png", ".jpg", ".jpeg", ".webp")
NAME_CHARS_MAX = 255
# What systems leave beside files, besides hidden ones and Apple's folder.
_LEFT = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini"})


def images(spec: line.Images, folder: Path, wire: Wire) -> None:
    source = source_of(spec)
    archive = open_archive(source, spec.limits)
    found = list(_named(archive, spec))
    for name, entry in found:
        if not _is_image(archive.read(entry, spec.image_bytes_max)):
            raise BadFile(f"“{name}” is no PNG, JPEG or WebP image.", code="image_unknown")
    # Unpacked again, one by one: the child's folder holds no more than what is on its way.
    again = open_archive(source, spec.limits)
    for number, (name, entry) in enumerate(found):
        path = folder / f"image-{number:07}"
        path.write_bytes(again.read(entry, spec.image_bytes_max))
        wire.send(Image(name=name, path=path))


def _named(archive: Archive, spec: line.Images) -> Iterator[tuple[str, Entry]]:
    """Each image by the name of its file; folders, and what systems leave beside files, passed over."""
    taken: set[str] = set()
    for entry in archive:
        path = PurePosixPath(entry.name.replace("\\", "/"))
        if entry.is_folder or path.name.startswith(".") or "__MACOSX" in path.parts or path.name.lower() in _LEFT:
            continue
        name = unicodedata.normalize("NFC", path.name)
        if not name.lower().endswith(ENDINGS) or len(name) > NAME_CHARS_MAX or not name.isprintable():
            raise BadFile(
                f"“{name[:100]}” is no PNG, JPEG or WebP image: the zip may hold those alone.", code="image_unknown"
            )
        if name in taken:
            raise BadFile(f"Two images are called “{name}”.", code="image_doubled")
        taken.add(name)
        if len(taken) > spec.images_max:
            raise OverLimit(f"The zip holds more than {spec.images_max:,} images.", setting="images_max")
        if entry.unpacked_bytes > spec.image_bytes_max:
            raise OverLimit(f"“{name}” is larger than {spec.image_bytes_max:,} bytes.", setting="image_bytes_max")
        yield name, entry
    if not taken:
        raise BadFile("The zip holds no image.", code="file_empty")


def _is_image(data: bytes) -> bool:
    return line.media_type(data[: line.HEAD_BYTES]) is not None


SPECS = line.SPECS
VERBS: dict[str, Callable[[Any, Path, Wire], None]] = {"images": images}
STREAMING: dict[str, Callable[[Any, Path, BinaryIO], None]] = {}
