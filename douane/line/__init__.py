"""The line between the parent (`jobs/children.py`) and the sandboxed child: what is asked, and what is answered.

One struct a verb (`Spec`) and one an event (`Event`): `sheet.py` has those of spreadsheets, `chat.py` those of chat
exports, `images.py` that of images beside a file; what both families carry of staged records is in `staged.py`.
Messages travel as one JSON line each, a spec tagged by `do`, an event by `event`, and are decoded at the two doors
only. What does not decode is refused there, whole: nobody behind a door looks at a field's type, length or name again.

A file travels by its plain name: a `Path` field is written as that name, and stands in the reader's own folder when it
is read (the child's inputs for a spec, the child's folder for an event). No message can name a file elsewhere.

Here is no verb, no process and no file: only forms. In these modules, and where what they carry stands (`model`),
annotations are no texts: of a small file's check a hundredth was to compile them again, one by one.
"""

import re
from collections.abc import Callable
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

import msgspec
from msgspec import Struct

from douane.model.bounds import Count, Sentence, Word

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._~-]{0,249}")

S = TypeVar("S", bound=Struct)


class Refused(ValueError):
    """A message that is no message of ours; the text says which field, for the log."""


class FileName(str):
    """The plain name of a file in a folder that both sides know. ValueError for anything else: a path, a hidden file,
    an odd letter."""

    __slots__ = ()

    def __new__(cls, name: object) -> Self:
        if not isinstance(name, str) or not _PLAIN_NAME.fullmatch(name):
            raise ValueError("that is not the plain name of a file")
        return super().__new__(cls, name)


class Event(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="event", tag=str.lower):
    """Something the child says. With a `window`, one that hands over files is answered when they are stored."""

    hands_over: ClassVar[bool] = False


class Spec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="do"):
    """Something the child is to do. `events`: those it may answer with, beside `COMMON`."""

    events: ClassVar[tuple[type[Event], ...]] = ()


class OfFile(Spec, frozen=True, kw_only=True):
    """A verb that opens an uploaded file: by an inherited descriptor, or by its name among the inputs."""

    source_fd: Count | None = None
    source: Path | None = None


# What any verb may say


class Progress(Event, frozen=True):
    """`done` of `total` in `unit`; `total` 0 where it is not known. `rows`: records so far."""

    step: Word
    done: Count
    total: Count
    unit: Word
    rows: Count


class Sandbox(Event, frozen=True):
    """The means of confinement that this system lacks."""

    missing: tuple[Sentence, ...]


class Failure(Event, frozen=True, tag="error"):
    """The verb's end; `setting` where a limit ended it."""

    code: Word
    message: Sentence
    setting: Word | None = None


COMMON: tuple[type[Event], ...] = (Progress, Sandbox, Failure)


class Order(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The one line a child is given: the walls around it, and the spec, which is decoded behind them. `limits` are
    `sandbox.enter`'s; `window`: how many handed-over files may be under way, 0 = nothing is answered."""

    work: msgspec.Raw
    folder: str
    readable: tuple[str, ...] = ()
    limits: dict[str, float | int | bool] = {}
    window: Count = 0


# Both doors


def encode(message: Struct, folder: Path | None) -> bytes:
    """One line without its end. Files it names must stand in `folder`; ValueError where one does not."""

    def plain(value: object) -> object:
        if isinstance(value, Path):
            if value.parent != folder:
                raise ValueError(f"{value.name} does not stand in the folder of this line")
            return FileName(value.name)
        if isinstance(value, FileName):
            return str.__str__(value)
        raise NotImplementedError

    return msgspec.json.encode(message, enc_hook=plain)


def decoder(kinds: tuple[type[S], ...], folder: Path | None) -> Callable[[bytes | bytearray], S]:
    """Reads lines that hold one of `kinds`; the files they name stand in `folder`. `Refused` for every other line."""

    def file(kind: type, value: object) -> object:
        if kind is FileName:
            return FileName(value)
        if kind is Path and folder is not None:
            return folder / FileName(value)
        raise ValueError("no file belongs here")

    read = msgspec.json.Decoder(reduce(or_, kinds), dec_hook=file)

    def decode(line: bytes | bytearray) -> S:
        try:
            found: Any = read.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Refused(str(error)) from None
        return found  # type: ignore[no-any-return]

    return decode
