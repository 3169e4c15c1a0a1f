"""The words of feeds: pulling a template's accepted rows, and how far who pulls them is (docs/wire-spreadsheet.md)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from douane.flow.feeds import AckedFurther, Reading
from douane.web.spreadsheet.wire.bodies import object_body
from douane.web.spreadsheet.wire.documents import iso
from douane.web.spreadsheet.wire.errors import WireError

# Beside the rows of an answer: the place after them, whose rows they are (the first of them is row `First` of those of
# the upload, from 0), how many, and how many there are after them.
CURSOR, UPLOAD, FIRST = "Douane-Cursor", "Douane-Upload", "Douane-First"
ROWS, BEHIND = "Douane-Rows", "Douane-Behind"

ACK_BODY = {
    "application/json": {
        "type": "object",
        "required": ["consumer", "cursor"],
        "properties": {"consumer": {"type": "string"}, "cursor": {"type": "string"}},
    }
}
NOTHING_YET: dict[int, Any] = {204: {"description": "No rows after the cursor, even after the wait"}}


class ConsumerDocument(Struct):
    """`behind`: rows that were not acknowledged; the oldest of them waits for `behindSeconds`."""

    consumer: str
    cursor: str
    createdAt: str
    ackedAt: str
    behind: int
    behindSeconds: float


def consumer(found: Reading) -> ConsumerDocument:
    return ConsumerDocument(
        found.name, found.cursor, iso(found.created_at), iso(found.acked_at), found.rows, round(found.seconds, 1)
    )


def consumers(found: Sequence[Reading]) -> list[ConsumerDocument]:
    return [consumer(one) for one in found]


def ack_body(value: Any) -> tuple[str, str]:
    """(consumer, cursor)."""
    body = object_body(value)
    name, cursor = body.text("consumer", required=True), body.text("cursor", required=True)
    body.done()
    return str(name), str(cursor)


def acked_further(error: AckedFurther) -> WireError:
    return WireError(409, error.message, beside={"cursor": error.cursor})


def seconds(text: str | None, most: float) -> float:
    """How long to wait, at most as long as the setting allows."""
    if not text:
        return 0.0
    try:
        asked = float(text)
    except ValueError:
        asked = -1.0
    if not asked >= 0:
        raise WireError(400, ["wait must be a number of seconds"])
    return min(asked, most)


def rows_wanted(text: str | None, usual: int) -> int:
    if text is None:
        return usual
    if re.fullmatch(r"0*[1-9][0-9]{0,11}", text) is None:
        raise WireError(400, ["limit must be a whole number of rows, 1 or more"])
    return int(text)
