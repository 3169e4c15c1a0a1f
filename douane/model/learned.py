"""What a file taught about one of its columns."""

from msgspec import Struct

from douane.model.bounds import Count, Text, Word


class Evidence(Struct, frozen=True, forbid_unknown_fields=True):
    """How many of the records spoke for something, and against it."""

    spoke_for: Count
    spoke_against: Count


class Learned(Struct, frozen=True, forbid_unknown_fields=True):
    """One column. `type` is the contract's; `date_formats`, `options` and the switches are what else was seen, empty or
    False where the cells don't agree. `surplus`: of the last column, whether records have cells beyond it. `evidence`
    by the name of a field of the column's document."""

    name: Text
    key: Text
    type: Word
    records: Count
    date_formats: tuple[Word, ...] = ()
    options: tuple[Text, ...] = ()
    required: bool = False
    unique: bool = False
    evidence: dict[Word, Evidence] = {}
    surplus: bool = False
