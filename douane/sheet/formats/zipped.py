"""A zip file around one spreadsheet file: it is that file. Which of them, where there are several, we do not guess."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from douane.archive import Archive, Entry, open_archive
from douane.errors import BadFile, OverLimit
from douane.sheet.formats import Limits, Options, Reader, Source, names_among, open_as
from douane.sheet.formats.stream import WORKBOOK_BYTES, WORKBOOK_MAGIC, Forward, Held
from douane.sheet.noticed import note

INSIDE = {
    name: f"douane.sheet.formats.{name}"
    for name in ("xlsx", "ods", "xls", "xlsb", "html", "xml_spreadsheet", "strangers", "gzip", "json", "csv")
}
_ENDINGS = (
    *(".csv", ".tsv", ".tab", ".txt", ".psv", ".ssv", ".json", ".jsonl", ".ndjson", ".gz"),
    *(".xlsx", ".xlsm", ".xls", ".xlsb", ".ods", ".fods", ".xml", ".htm", ".html"),
)
_HELPERS = ("__macosx/", ".ds_store", "thumbs.db", "desktop.ini")


def recognise(head: bytes, source: Source) -> bool:
    """Any zip file that no reader of workbooks took for its own."""
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def sheet_names(source: Source, options: Options = Options()) -> tuple[str, ...]:
    inside, _, _ = _inside(source, options.limits)
    return names_among(inside, options, INSIDE)


def open(source: Source, options: Options) -> Reader:
    """The reader of the file inside. BadFile `file_type` where it holds none or several; what `open_archive` raises."""
    inside, name, others = _inside(source, options.limits)
    reader = open_as(inside, options, INSIDE)
    notes = [note("out_of_zip", file=name)]
    if others:
        notes.append(note("others_in_zip", count=others))
    reader.detected = replace(reader.detected, compression="zip", notes=(*reader.detected.notes, *notes))
    return reader


def _inside(source: Source, limits: Limits) -> tuple[Source, str, int]:
    """(the file inside, its name, how many others there are)"""
    archive = open_archive(source, limits)
    entries = [entry for entry in archive if entry.is_file and not entry.outside and not _is_helper(entry.name)]
    names = [entry.name.lower() for entry in entries]
    if any(name.endswith(".iwa") or name in ("index.zip", "index.apxl", "index.xml") for name in names):
        raise BadFile(
            "File type is not supported: this is an Apple Numbers document. Export it as Excel or CSV.",
            code="file_type",
        )
    if any(name.startswith(("word/", "ppt/", "meta-inf/")) or name == "[content_types].xml" for name in names):
        raise BadFile(
            "File type is not supported: this is a document or a program, no spreadsheet. Save it as .xlsx or .csv.",
            code="file_type",
        )
    tables = [entry for entry, name in zip(entries, names, strict=True) if name.endswith(_ENDINGS)]
    chosen = entries if len(entries) == 1 else tables
    if len(chosen) != 1:
        listed = ", ".join(f"“{entry.name}”" for entry in chosen[:5])
        held = f"{len(chosen):,} files ({listed}{' …' * (len(chosen) > 5)})" if chosen else "no spreadsheet file"
        raise BadFile(
            f"The zip archive holds {held}. Unpack it and send one spreadsheet file, or a zip of one.",
            code="file_type",
        )
    return _entry_source(archive, chosen[0], limits), chosen[0].name, len(entries) - 1


def _is_helper(name: str) -> bool:
    low = name.replace("\\", "/").lower()
    last = low.rsplit("/", 1)[-1]
    return low.startswith(_HELPERS[0]) or last in _HELPERS or last.startswith("._")


def _entry_source(archive: Archive, entry: Entry, limits: Limits) -> Source:
    used = 0

    def chunks() -> Iterator[bytes]:
        nonlocal used
        stream = archive.open(entry)
        for block in stream:
            used = entry.offset + stream.packed_done
            yield block

    forward = Forward(chunks, lambda: used)
    if not forward.read(0, 4).startswith(WORKBOOK_MAGIC):
        return forward
    most = min(WORKBOOK_BYTES, limits.entry_bytes)
    if entry.unpacked_bytes > most:
        raise OverLimit(
            f"The workbook in the zip file has more than {most:,} bytes. Unpack it first.", setting="entry_bytes"
        )
    return Held(archive.read(entry, most))
