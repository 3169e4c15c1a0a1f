"""The uploaded bytes as every reader sees them, and what a reader may take of them. Facts alone, of either family."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class Source(Protocol):
    """Random access to the uploaded bytes. `read` answers fewer bytes only at the end."""

    @property
    def size(self) -> int: ...

    def read(self, offset: int, length: int) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """What any file may hold; every one is a setting of the same name."""

    record_bytes: int = 16 << 20
    unpacked_bytes: int = 64 << 30
    unpacked_ratio: int = 200
    unpacked_free_bytes: int = 100 << 20
    archive_entries: int = 1_000_000
    entry_bytes: int = 1 << 30
    json_depth: int = 64
