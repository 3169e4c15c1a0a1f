"""What an import of a spreadsheet knows beside the fields of every operation."""

from __future__ import annotations

from msgspec import Struct

from douane.model.bounds import Count, Text, Word


class Finding(Struct, frozen=True, forbid_unknown_fields=True):
    """A rule that rows of a column met: how many, the first of their lines, and the message of one. `column` None: the
    whole record."""

    column: Text | None
    rule: Word
    count: Count
    lines: tuple[Count, ...]
    message: Text


class Summary(Struct, frozen=True, forbid_unknown_fields=True):
    """What a check found: found = valid + invalid + blank + unreadable (house.md, invariant 1). `rows` = those with a
    verdict; `unreadable` counts records that left no row at all. Findings come most frequent first; warnings make no
    row invalid."""

    rows: Count
    valid: Count
    invalid: Count
    blank: Count
    unreadable: Count
    found: Count
    problems: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
