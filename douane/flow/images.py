"""Images that are uploaded with a file (contract 5.7): sent before it under the id that its import will have, and read
by name as long as the import's records are.

Where an image stands follows from the import, the project and the name: no other project finds it, whoever guesses the
id, and sending one again puts it in its place.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterator
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

FOLDER = "images"  # below the import's id
WINDOW = 4  # images on their way at once


def store(house: House, import_id: str, project_id: str, path: Path) -> list[str]:
    """Keeps the images of a zip; their names. Conflict where the id is an import's already; BadFile and OverLimit
    (`images_max`, `image_bytes_max` and those of archives) for what the zip may not hold, and then none is kept."""
    with read(house.engine) as connection:
        if operations.known(connection, [import_id]):
            raise Conflict("This import was begun already.")
    settings = house.settings
    spec = line.Images(
        limits=Limits(**{name: getattr(settings, name) for name in Limits.__struct_fields__}),
        images_max=settings.images_max,
        image_bytes_max=settings.image_bytes_max,
    )
    names: list[str] = []

    def event(event: Event) -> None:
        if isinstance(event, Image):
            house.objects.put_file(_object(import_id, project_id, event.name), event.path)
            event.path.unlink()
            names.append(event.name)

    seat = house.seats.take()
    try:
        with path.open("rb") as file:
            run_child(spec, Place(seat.folder, (), seat.limits), source=file, window=WINDOW, on_event=event)
    finally:
        seat.clear()
    return names


def stream(house: House, import_id: str, project_id: str, name: str) -> tuple[str, int, Iterator[bytes]]:
    """(media type, size in bytes, the bytes). NotFound where the import has no image of this name."""
    found = _object(import_id, project_id, name)
    kind = line.media_type(house.objects.read(found, 0, line.HEAD_BYTES))
    if kind is None:
        raise NotFound("The import has no image of this name.")
    return kind, house.objects.size(found), house.objects.stream(found)


def root(house: House, import_id: str) -> str:
    """What goes before the name of an image, with a slash, where a program is told of it (contract 8.2)."""
    return f"{house.settings.address}/v1/upload/{import_id}/asset"


def _object(import_id: str, project_id: str, name: str) -> str:
    plain = unicodedata.normalize("NFC", name)
    digest = hashlib.sha256(f"{project_id}\0{plain}".encode(errors="surrogatepass")).hexdigest()
    return f"{import_id}/{FOLDER}/{digest[:40]}"
