"""An upload as the members of the shelf are given it: its bytes, how it begins, and, of an archive, its entries.

Whoever asks first opens the archive; recognising an export and reading it then share it, so that a long tar is passed
over once for both.
"""

from __future__ import annotations

from functools import cached_property

from douane.archive_packed import Entries, is_packed, open_packed, other_packing
from douane.errors import DouaneError
from douane.model.source import Limits, Source

HEAD_BYTES = 64 << 10
# What importers read before all else, wherever it stands.
_LISTS = frozenset(
    (
        *("users.json", "org_users.json", "channels.json", "groups.json", "mpims.json", "dms.json", "rooms.json"),
        *("users.csv", "channels.csv", "contacts.csv"),
    )
)


class Upload:
    """A `Source` itself."""

    def __init__(self, source: Source, limits: Limits = Limits()) -> None:
        self.source, self.limits = source, limits
        self._entries: Entries | DouaneError | None = None

    @property
    def size(self) -> int:
        return self.source.size

    def read(self, offset: int, length: int) -> bytes:
        return self.source.read(offset, length)

    @cached_property
    def head(self) -> bytes:
        """The first bytes."""
        return self.source.read(0, HEAD_BYTES)

    @property
    def packed(self) -> bool:
        """Whether it is an archive, if perhaps a damaged one or of a packing that cannot be read."""
        return is_packed(self.head) or other_packing(self.head) is not None

    @property
    def zipped(self) -> bool:
        return self.head.startswith(b"PK")

    @property
    def entries(self) -> Entries:
        """BadFile where it is no archive, or a damaged one; OverLimit."""
        if self._entries is None:
            try:
                self._entries = open_packed(self.source, self.limits, _is_list)
            except DouaneError as error:
                self._entries = error
        if isinstance(self._entries, DouaneError):
            raise self._entries
        return self._entries


def _is_list(name: str) -> bool:
    return name.rpartition("/")[2].lower() in _LISTS
