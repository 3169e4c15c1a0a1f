"""The words of a template learned from a file (2.5); what is learned beside the type is ours."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET, Struct, UnsetType

from douane.model.learned import Learned

TOO_LARGE = "File size exceeds the maximum limit of 10 MB"
EMPTY = "File is empty or invalid"
BYTES_MAX = 10 << 20


class EvidenceDocument(Struct):
    """How many records spoke for a field, and against it."""

    records: int
    against: int


class LearnedDocument(Struct):
    """`type` goes by the first ten records, as the contract says; all else by the whole file, and only where the
    records agree. It can be sent as a column as it is."""

    name: str
    key: str
    type: str
    isRequired: bool
    isUnique: bool
    evidence: dict[str, EvidenceDocument]
    dateFormats: list[str] | UnsetType = UNSET
    selectValues: list[str] | UnsetType = UNSET
    notes: dict[str, str] | UnsetType = UNSET


def documents(found: Sequence[Learned]) -> list[LearnedDocument]:
    return [
        LearnedDocument(
            one.name,
            one.key,
            one.type,
            one.required,
            one.unique,
            {name: EvidenceDocument(seen.spoke_for, seen.spoke_against) for name, seen in one.evidence.items()},
            list(one.date_formats) or UNSET,
            list(one.options) or UNSET,
            {"surplus": "warning"} if one.surplus else UNSET,
        )
        for one in found
    ]
