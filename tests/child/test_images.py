"""Zips of images, as the child looks at them."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from douane import errors, line
from douane.child import images
from douane.child.wire import Wire
from douane.line import COMMON
from douane.line.images import SPECS, Image, Images, media_type
from douane.model.source import Limits
from tests.child.test_sheet import Seat

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 100
JPEG, WEBP = b"\xff\xd8\xff\xe0" + b"1" * 100, b"RIFF\x10\0\0\0WEBPVP8 " + b"2" * 100


def zipped(*entries: tuple[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return file.getvalue()


def found(root: Path, data: bytes, **limits: Any) -> dict[str, bytes]:
    seat = Seat(root)
    about = {"limits": Limits(), "images_max": 3, "image_bytes_max": 200, **limits}
    spec = Images(source=seat.put("zip", data), **about)
    asked = line.decoder(SPECS, seat.inputs)(line.encode(spec, seat.inputs))
    out = io.BytesIO()
    images.images(asked, seat.folder, Wire(out, io.BytesIO(), 0, seat.folder))
    events = map(line.decoder((*COMMON, *Images.events), seat.folder), out.getvalue().splitlines())
    return {event.name: event.path.read_bytes() for event in events if isinstance(event, Image)}


def test_images_come_by_the_names_of_their_files(tmp_path: Path) -> None:
    data = zipped(
        ("folder/", b""),
        ("folder/a.png", PNG),
        ("B.JPG", JPEG),
        ("Zoe\u0308.webp", WEBP),  # as a Mac spells it
        ("__MACOSX/._a.png", b"x"),
        (".DS_Store", b"x"),
        ("pictures/Thumbs.db", b"x"),
        ("desktop.ini", b"x"),
    )
    assert found(tmp_path, data) == {"a.png": PNG, "B.JPG": JPEG, "Zoë.webp": WEBP}


@pytest.mark.parametrize(
    ("data", "code", "said"),
    [
        (zipped(("a.png", b"<svg/>")), "image_unknown", "“a.png” is no PNG, JPEG or WebP image."),
        (zipped(("a.png", b"")), "image_unknown", "“a.png” is no PNG"),
        (zipped(("a.svg", PNG)), "image_unknown", "“a.svg” is no PNG"),
        (zipped(("a.png", PNG), ("b.txt", b"x")), "image_unknown", "“b.txt” is no PNG"),
        (zipped(("x/a.png", PNG), ("y/a.png", PNG)), "image_doubled", "Two images are called “a.png”."),
        (zipped(("x" * 252 + ".png", PNG)), "image_unknown", "is no PNG"),
        (zipped(*((f"{at}.png", PNG) for at in range(4))), "over_limit", "more than 3 images. (setting images_max)"),
        (zipped(("a.png", PNG.ljust(201, b"0"))), "over_limit", "larger than 200 bytes. (setting image_bytes_max)"),
        (zipped(), "file_empty", "The zip holds no image."),
        (zipped(("folder/", b"")), "file_empty", "The zip holds no image."),
        (b"", "file_broken", ""),
        (PNG, "file_broken", ""),
        (zipped(("a.png", PNG))[:-30], "file_broken", ""),
    ],
)  # fmt: skip
def test_a_zip_of_anything_else_is_refused_whole(tmp_path: Path, data: bytes, code: str, said: str) -> None:
    with pytest.raises(errors.BadFile) as error:
        found(tmp_path, data)
    assert said in error.value.message
    assert error.value.code == code


def test_limits_hold_to_the_last_byte(tmp_path: Path) -> None:
    data = zipped(*((f"{at}.png", PNG.ljust(200, b"0")) for at in range(3)))
    assert len(found(tmp_path, data)) == 3


@pytest.mark.parametrize(
    ("head", "kind"),
    [(PNG, "image/png"), (JPEG, "image/jpeg"), (WEBP, "image/webp"), (b"GIF89a", None), (b"RIFF\0\0\0\0WAVE", None)],
)
def test_an_image_is_what_its_first_bytes_say(head: bytes, kind: str | None) -> None:
    assert media_type(head[:12]) == kind
