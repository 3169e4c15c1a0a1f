"""The uploaded bytes as every reader sees them, and what a reader may take of them. Facts alone, of either family."""

from typing import Protocol

from msgspec import Struct

from douane.model.bounds import Count


class Source(Protocol):
    """Random access to the uploaded bytes. `read` answers fewer bytes only at the end."""

    @property
    def size(self) -> int: ...

    def read(self, offset: int, length: int) -> bytes: ...


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """What any file may hold; every one is a setting of the same name."""

    record_bytes: Count = 16 << 20
    unpacked_bytes: Count = 64 << 30
    unpacked_ratio: Count = 200
    unpacked_free_bytes: Count = 100 << 20
    archive_entries: Count = 1_000_000
    entry_bytes: Count = 1 << 30
    json_depth: Count = 64
