"""The words of what people chose before: headings and values of a template (docs/wire-spreadsheet.md)."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from douane.store.learned import Remembered
from douane.web.spreadsheet.wire.live import ByDocument, moment


class LearnedHeading(Struct, rename={"id_": "_id"}):
    """`column`: the key that the heading feeds; `by`: null where a program chose it by key or token."""

    id_: str
    heading: str
    column: str
    times: int
    at: str
    by: ByDocument | None


class LearnedValue(Struct, rename={"id_": "_id"}):
    """`value`: a text of the column; `instead`: what stands for it."""

    id_: str
    column: str
    value: str
    instead: str
    times: int
    at: str
    by: ByDocument | None


class LearnedChoices(Struct):
    headings: list[LearnedHeading]
    values: list[LearnedValue]


class ForgottenChoices(Struct):
    forgotten: int


def listed(found: Sequence[tuple[Remembered, str]]) -> LearnedChoices:
    shown = LearnedChoices([], [])
    for one, name in found:
        by = ByDocument(one.person_id, name) if one.person_id is not None and name else None
        at = moment(one.updated_at)
        if one.kind == "heading":
            shown.headings.append(LearnedHeading(one.id, one.text, one.chosen, one.times, at, by))
        else:
            shown.values.append(LearnedValue(one.id, one.within, one.text, one.chosen, one.times, at, by))
    return shown
