"""The bodies of calls that hand records over: a page of them as JSON, in the form that the import wants (contract 8.2).

Pure: the records' frame in, bytes out. Without a format a body has the contract's nine members in its order; with one
it is what the format makes of the page's variables and of its records.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import polars as pl

from douane.sheet.delivering import Delivery
from douane.sheet.formatting import LEFT_OUT, Format
from douane.sheet.output import Output

_PLAIN = ("page", "fileName", "template", "uploadId", "data", "totalRecords", "chunkSize", "extra", "totalPages")


@dataclass(frozen=True, slots=True)
class About:
    """What every page of an import says beside its records. `file_name` None: typed in. `extra`: what came with the
    upload, text that may be JSON."""

    upload_id: str
    template: str
    file_name: str | None
    extra: str | None
    total_rows: int
    total_pages: int

    def variables(self, page: int, rows: int, *, invalid: bool) -> dict[str, Any]:
        """`page` from 1; `rows`: in this call; `invalid`: whether any of them is."""
        return {
            "page": page,
            "fileName": LEFT_OUT if self.file_name is None else self.file_name,
            "template": self.template,
            "uploadId": self.upload_id,
            "totalRecords": self.total_rows,
            "chunkSize": rows,
            "extra": extra_value(self.extra),
            "totalPages": self.total_pages,
            "isInvalidRecords": invalid,
        }


def extra_value(text: str | None) -> Any:
    """JSON as it is, to the last digit; what is none is delivered as text (8.2)."""
    if text is None or not text.strip():
        return ""
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return text
    return msgspec.Raw(text.strip().encode())


class Bodies:
    """Makes the bodies of an import's pages. `keys`: the members of a record where it leaves as it is or in the default
    form, so that many can be made at once; None where each is made by `delivery`. `chunk_format`: decoded JSON, None:
    the nine members."""

    def __init__(
        self,
        output: Output,
        delivery: Delivery,
        about: About,
        *,
        keys: Sequence[str] | None = None,
        chunk_format: Any = None,
        image_root: str = "",
    ) -> None:
        self._output, self._delivery, self.about, self._image_root = output, delivery, about, image_root
        self._keys, self._constants = keys, delivery.constants
        names = (*_PLAIN, "isInvalidRecords")
        self._chunk = None if chunk_format is None else Format(chunk_format, names)

    def records(self, frame: pl.DataFrame, rows: Sequence[int]) -> list[bytes]:
        """One JSON value per row of the frame; `rows` are their indexes."""
        if self._keys is not None and self._constants is not None:
            made = self._output.objects(frame, self._keys, self._constants, image_root=self._image_root)
            if made is not None:
                return made
        records = self._output.records(frame)
        return [
            msgspec.json.encode(_whole(self._delivery.of(one, row))) for one, row in zip(records, rows, strict=True)
        ]

    def body(self, page: int, records: Sequence[bytes], *, invalid: bool) -> bytes:
        variables = self.about.variables(page, len(records), invalid=invalid)
        variables["data"] = msgspec.Raw(b"[" + b",".join(records) + b"]")
        if self._chunk is not None:
            return msgspec.json.encode(_whole(self._chunk.fill(variables)))
        return msgspec.json.encode({name: variables[name] for name in _PLAIN if variables[name] is not LEFT_OUT})

    def pages(
        self, records: Sequence[bytes | None], invalid: Sequence[bool], first: int, size: int
    ) -> Iterator[tuple[int, list[bytes], bytes]]:
        """(page, its records, its body) of consecutive pages of `size` places, of which `first` is the first. A place
        without a record is left out."""
        for at in range(0, len(records), size):
            page = first + at // size
            some = [one for one in records[at : at + size] if one is not None]
            yield page, some, self.body(page, some, invalid=any(invalid[at : at + size]))


def notice(about: About, event: str, counts: Mapping[str, int], links: Mapping[str, str], at: str) -> bytes:
    """The body of a notice of an import: what it came to, and where its records are."""
    data = {
        "uploadId": about.upload_id,
        "template": about.template,
        **({} if about.file_name is None else {"fileName": about.file_name}),
        "extra": extra_value(about.extra),
        **counts,
        "links": dict(links),
    }
    return msgspec.json.encode({"type": event, "timestamp": at, "data": data})


def _whole(filled: Any) -> Any:
    return "" if filled is LEFT_OUT else filled
