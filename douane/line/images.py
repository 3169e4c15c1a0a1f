"""The line of images that are uploaded with a file (`child/images.py`): one verb and its event."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from douane.line import Event, OfFile, Spec
from douane.model.bounds import Count, Line
from douane.model.source import Limits

HEAD_BYTES = 12  # that tell what an image is


class Image(Event, frozen=True):
    """One of them, by the name of its file."""

    hands_over: ClassVar[bool] = True

    name: Line
    path: Path


class Images(OfFile, frozen=True, kw_only=True, tag="images"):
    """The images of a zip. Nothing is handed over where one of them is none, or over a limit."""

    events: ClassVar[tuple[type[Event], ...]] = (Image,)

    limits: Limits
    images_max: Count
    image_bytes_max: Count


def media_type(head: bytes) -> str | None:
    """What an image is by its first bytes; None for anything else."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return None


SPECS: tuple[type[Spec], ...] = (Images,)
