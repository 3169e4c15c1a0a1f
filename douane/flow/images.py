"""Images that are uploaded with a file (contract 5.7): sent before it under the id that its import will have, and read
by name as long as the import's records are.

Where an image stands follows from the import, the project and the name: no other project finds it, whoever guesses the
id. Each zip has a place of its own and a mark that it is whole, made last: of one whose storing was cut off no image is
found. Of two with the same name the one that came later is read.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from douane.errors import Conflict, NotFound
from douane.flow.house import House
from douane.jobs.children import Place, run_child
from douane.line import Event
from douane.line import images as line
from douane.line.images import Image
from douane.model.source import Limits
from douane.store import operations
from douane.store.database import read
from douane.store.ids import new_id

FOLDER = "images"  # below the import's id
WINDOW = 4  # images on their way at once
_WHOLE = "whole"  # below it the marks


def store(house: House, import_id: str, project_id: str, path: Path) -> list[str]:
    """Keeps the images of a zip; their names. Conflict where the id is an import's already; BadFile and OverLimit
    (`images_max`, `image_bytes_max` and those of archives) for what the zip may not hold, and then none is kept."""
    _refuse_begun(house, import_id)
    settings = house.settings
    spec = line.Images(
        limits=Limits(**{name: getattr(settings, name) for name in Limits.__struct_fields__}),
        images_max=settings.images_max,
        image_bytes_max=settings.image_bytes_max,
    )
    names: list[str] = []
    place, token = _place(import_id, project_id), new_id()

    def event(event: Event) -> None:
        if isinstance(event, Image):
            house.objects.put_file(f"{place}/{token}/{_digest(event.name)}", event.path)
            event.path.unlink()
            names.append(event.name)

    seat = house.seats.take()
    try:
        with path.open("rb") as file:
            run_child(spec, Place(seat.folder, (), seat.limits), source=file, window=WINDOW, on_event=event)
    finally:
        seat.clear()
    _refuse_begun(house, import_id)
    house.objects.put_bytes(f"{place}/{_WHOLE}/{token}", b"")
    return names


def _refuse_begun(house: House, import_id: str) -> None:
    with read(house.engine) as connection:
        if operations.known(connection, [import_id]):
            raise Conflict("This import was begun already.")


def stream(house: House, import_id: str, project_id: str, name: str) -> tuple[str, int, Iterator[bytes]]:
    """(media type, size in bytes, the bytes). NotFound where the import has no image of this name."""
    place, digest = _place(import_id, project_id), _digest(name)
    for mark in sorted(house.objects.list(f"{place}/{_WHOLE}/"), reverse=True):
        found = f"{place}/{mark.rpartition('/')[2]}/{digest}"
        with suppress(NotFound):
            head = house.objects.read(found, 0, line.HEAD_BYTES)
            break
    else:
        raise NotFound("The import has no image of this name.")
    kind = line.media_type(head)
    if kind is None:
        raise NotFound("The import has no image of this name.")
    return kind, house.objects.size(found), house.objects.stream(found)


def root(house: House, import_id: str) -> str:
    """What goes before the name of an image, with a slash, where a program is told of it (contract 8.2)."""
    return f"{house.settings.address}/v1/upload/{import_id}/asset"


def _place(import_id: str, project_id: str) -> str:
    return f"{import_id}/{FOLDER}/{hashlib.sha256(project_id.encode()).hexdigest()[:40]}"


def _digest(name: str) -> str:
    plain = unicodedata.normalize("NFC", name)
    return hashlib.sha256(plain.encode(errors="surrogatepass")).hexdigest()[:40]
