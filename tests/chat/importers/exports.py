"""Exports made in memory, and a whole reading of one: what its batches hold, put together again."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from douane.chat.importers import Batch, Counts, Options, Position, Reader, open_export
from douane.chat.importers.upload import Upload
from douane.chat.tally import Tally


@dataclass(frozen=True)
class MemorySource:
    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    def read(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]


def uploaded(data: bytes) -> Upload:
    return Upload(MemorySource(data))


def zipped(files: Mapping[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return out.getvalue()


def opened(key: str, data: bytes, options: Options = Options()) -> Reader:
    return open_export(key, MemorySource(data), options)


def joined(batches: list[Batch]) -> dict[str, pl.DataFrame]:
    """Each table whole; `at` of sub-tables is of use within one batch only."""
    names = dict.fromkeys(name for batch in batches for name in batch.tables)
    return {name: pl.concat([b.tables[name] for b in batches if name in b.tables]) for name in names}


def read(key: str, data: bytes, options: Options = Options()) -> dict[str, pl.DataFrame]:
    return joined(list(opened(key, data, options).batches()))


def ledger(tables: Mapping[str, pl.DataFrame]) -> tuple[int, int, int, int]:
    """(found, staged, skipped, failed), having seen that they agree in each entry."""
    entries = tables["entries"]
    assert (entries["found"] == entries["staged"] + entries["skipped"] + entries["failed"]).all()
    found, staged, skipped, failed = (entries[name].sum() for name in ("found", "staged", "skipped", "failed"))
    return found, staged, skipped, failed


def issues(tables: Mapping[str, pl.DataFrame]) -> list[tuple[str, str, int | None]]:
    """(severity, code, position) of all."""
    return tables["issues"].select("severity", "code", "position").rows() if "issues" in tables else []


def resumed_everywhere(reader: Reader) -> list[Batch]:
    """All batches, having seen that reading goes on after any of them with the same ones."""
    batches = list(reader.batches())
    for at, batch in enumerate(batches):
        assert batch.number == at
        assert batch.next.batch == at + 1
        rest = list(reader.batches(Position(batch.next.batch, dict(batch.next.state))))
        assert [b.number for b in rest] == [b.number for b in batches[at + 1 :]]
        for again, before in zip(rest, batches[at + 1 :], strict=True):
            assert (again.next, again.step, again.bytes_done) == (before.next, before.step, before.bytes_done)
            assert again.tables.keys() == before.tables.keys()
            assert all(again.tables[name].equals(before.tables[name]) for name in before.tables)
    return batches


def counted(batches: list[Batch]) -> Counts:
    """What `Reader.counts` must come to, from the tables."""
    tally = Tally()
    for batch in batches:
        tally.add(batch.tables)
    return tally.counts()
