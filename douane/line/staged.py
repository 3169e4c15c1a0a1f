"""What is staged, as both sides of the line know it: a part, the verdict over it, rows packed in list order."""

from pathlib import Path
from typing import Literal

from msgspec import Struct, field

from douane.model.bounds import Count, Row

ViewName = Literal["valid", "invalid"]


class Part(Struct, frozen=True, forbid_unknown_fields=True):
    """A staged part where it can be read: `first_row` is the row of its first record, -1 where people added them."""

    number: Count
    first_row: Row
    rows: Count
    path: Path


class Checked(Struct, frozen=True, forbid_unknown_fields=True):
    """The verdict over one part. `sparse` = files with the rows of a view that is sparse in this part. `reasons`: by
    the bit of a note of the table whether this part's records give its reason, where that is known."""

    number: Count
    rows: Count
    valid: Count
    invalid: Count
    mask: Path
    hashes: Path | None = None
    sparse: dict[ViewName, Path] = field(default_factory=dict)
    reasons: dict[Count, bool] = field(default_factory=dict)


class Packed(Struct, frozen=True, forbid_unknown_fields=True):
    """Rows of a sparse view in list order, in a frame with their row in `_row`."""

    view: ViewName
    number: Count
    first_row: Row
    last_row: Row
    rows: Count
    path: Path
