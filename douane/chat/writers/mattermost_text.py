"""Names and texts as Mattermost takes them: names of few signs, unique; texts in pieces that it holds."""

from __future__ import annotations

import re
import unicodedata

from douane.chat.tables import message_key

MESSAGE_RUNES = 16_383
NAME_RUNES = 64
NO_CHANNEL = re.compile(r"[^a-z0-9_]+")
NO_TEAM = re.compile(r"[^a-z0-9]+")
NO_USERNAME = re.compile(r"[^a-z0-9._-]+")

_FENCE = re.compile(r"^[ ]{0,3}(```+|~~~+)([^\n`]*)$", re.MULTILINE)
_FENCE_ROOM = 64  # for closing a fence at the end of a piece, and opening it again in the next


def split(text: str) -> list[str]:
    """Pieces of at most MESSAGE_RUNES, cut at a line's end or a space where there is one near. Code between fences that
    is cut is closed at the cut and opened again after it."""
    pieces = []
    while len(text) > MESSAGE_RUNES:
        most = MESSAGE_RUNES - _FENCE_ROOM
        cut = max(text.rfind("\n", most // 2, most), 0)
        cut = cut or max(text.rfind(" ", most // 2, most), 0) or most
        piece, rest = text[:cut], text[cut:].lstrip("\n") if text[cut] == "\n" else text[cut:].lstrip(" ")
        if fence := _open_fence(piece):
            mark, language = fence
            piece, rest = f"{piece.rstrip()}\n{mark}", f"{mark}{language}\n{text[cut:].removeprefix(chr(10))}"
        pieces.append(piece)
        text = rest
    return [*pieces, text] if text or not pieces else pieces


def _open_fence(text: str) -> tuple[str, str] | None:
    """The fence that is open at the end of a text, with its language."""
    mark = language = ""
    for found in _FENCE.finditer(text):
        if not mark:
            mark, language = found[1], found[2].strip()[:20]
        elif found[1].startswith(mark) and not found[2].strip():
            mark = ""
    return (mark, language) if mark else None


def slug(name: str, unfit: re.Pattern[str], instead: str) -> str:
    """A name of the signs that Mattermost takes, at most 64 long; `instead` and a number where nothing is left of it.
    Those of channels and teams begin and end with a letter or a digit and are two long."""
    plain = unicodedata.normalize("NFKD", name.lower()).encode("ascii", "ignore").decode()
    slug = unfit.sub("-", plain)
    if unfit is NO_USERNAME:
        slug = slug[:NAME_RUNES] if slug == plain else slug.strip("-")[:NAME_RUNES]
    else:
        slug = slug.strip("_-")[:NAME_RUNES].rstrip("_-")
    least = 1 if unfit is NO_USERNAME else 2
    return slug if len(slug) >= least else f"{instead}-{slug or message_key(name) % 10**8}"


class Taken:
    """Names that were given; the second of a name gets a number."""

    def __init__(self, *names: str) -> None:
        self._names = set(names)
        self._next: dict[str, int] = {}

    def unique(self, name: str) -> str:
        number, found = self._next.get(name, 2), name
        while found in self._names:
            end = f"-{number}"
            found = name[: NAME_RUNES - len(end)] + end
            number += 1
        self._next[name] = number
        self._names.add(found)
        return found
