"""gzip and bgzip (several members) around a text file or a workbook. What is inside decides the format."""

from __future__ import annotations

from collections.abc import Iterator

from isal import igzip_lib, isal_zlib
from msgspec.structs import replace

from douane.errors import BadFile, OverLimit
from douane.sheet.formats import Limits, Options, Reader, Source, names_among, open_as
from douane.sheet.formats.stream import WORKBOOK_BYTES, WORKBOOK_MAGIC, Forward, Held

BLOCK_BYTES = 256 << 10
CHUNK_BYTES = 1 << 20  # at most so much is inflated at a time, whatever the block promises
INSIDE = {
    name: f"douane.sheet.formats.{name}"
    for name in ("xlsx", "ods", "xls", "xlsb", "xml_spreadsheet", "html", "strangers", "json", "csv")
}


def recognise(head: bytes, source: Source) -> bool:
    return head.startswith(b"\x1f\x8b\x08")


def sheet_names(source: Source, options: Options) -> tuple[str, ...]:
    return names_among(_inside(source, options.limits), options, INSIDE)


def open(source: Source, options: Options) -> Reader:
    """The reader of what is inside. BadFile `file_broken` if the stream is damaged or ends early, at the latest when
    its end is read; OverLimit beyond `unpacked_bytes` or `unpacked_ratio`, or `entry_bytes` for a workbook."""
    reader = open_as(_inside(source, options.limits), options, INSIDE)
    reader.detected = replace(reader.detected, compression="gzip")
    return reader


def _inside(source: Source, limits: Limits) -> Source:
    forward = inflated(source, limits)
    if not forward.read(0, 4).startswith(WORKBOOK_MAGIC):
        return forward
    most = min(WORKBOOK_BYTES, limits.entry_bytes)
    data = forward.read(0, most + 1)
    if len(data) > most:
        raise OverLimit(
            f"The workbook in the gzip file has more than {most:,} bytes. Unpack it first.", setting="entry_bytes"
        )
    return Held(data)


def inflated(source: Source, limits: Limits) -> Forward:
    used = 0

    def chunks() -> Iterator[bytes]:
        nonlocal used
        used = 0
        unpacked = 0
        for chunk, used_now in _members(source):
            used = used_now
            unpacked += len(chunk)
            if unpacked > limits.unpacked_bytes:
                raise OverLimit(
                    f"Unpacked, the file has more than {limits.unpacked_bytes:,} bytes", setting="unpacked_bytes"
                )
            if unpacked > limits.unpacked_free_bytes and unpacked > limits.unpacked_ratio * used:
                raise OverLimit(
                    f"Unpacked, the file is more than {limits.unpacked_ratio} times as large", setting="unpacked_ratio"
                )
            yield chunk

    return Forward(chunks, lambda: used)


def _members(source: Source) -> Iterator[tuple[bytes, int]]:
    """Inflated chunks with the number of bytes used for them."""
    at, block = 0, b""
    while True:
        if not block:
            block = source.read(at, BLOCK_BYTES)
            at += len(block)
        if at > len(block):  # behind the first member
            block = block.lstrip(b"\0")
            if not block:
                if at >= source.size:
                    return
                continue
            if not block.startswith(b"\x1f"):
                raise BadFile("The gzip file is followed by something else.", code="file_broken")
        inflate = isal_zlib.decompressobj(wbits=31)
        try:
            while not inflate.eof:
                chunk = inflate.decompress(block, CHUNK_BYTES)
                block = inflate.unconsumed_tail
                if chunk:
                    yield chunk, at - len(block)
                if not inflate.eof and not block and not chunk:
                    block = source.read(at, BLOCK_BYTES)
                    at += len(block)
                    if not block:
                        raise BadFile("The gzip file ends early.", code="file_broken")
        except (igzip_lib.IsalError, EOFError) as error:  # type: ignore[misc]
            raise BadFile("The gzip file is damaged.", code="file_broken") from error
        block = inflate.unused_data
