"""An accepted record as a customer's program gets it: lists split, images as addresses, defaults for columns that it
has no cell of, and the template's own form around it (contract 4.9, 8.2, 8.3).

A default stands in only where the record has no field at all for the key (a column that nothing feeds, a short row); an
empty cell is `""` and stays so. Special texts are the contract's.
"""

from __future__ import annotations

import csv
import hashlib
import io
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from douane.model.template import Column, Template
from douane.sheet import columns
from douane.sheet.columns.select import elements
from douane.sheet.formatting import LEFT_OUT, Format

_SPECIAL: dict[str, Any] = {
    "<<null>>": None,
    "<<>>": "",
    "<<true>>": True,
    "<<false>>": False,
    "<<undefined>>": LEFT_OUT,
}
_UUID = "<<uuid>>"
_EMPTY_LIST = "<<[]>>"


class Delivery:
    """Made once for an operation; gives its records out one by one."""

    def __init__(
        self,
        template: Template,
        operation_id: str,
        *,
        fields: Collection[str] = (),
        record_format: Any = None,
        lenient: bool = False,
        image_root: str = "",
        lists: Collection[str] | None = None,
    ) -> None:
        """`fields`: keys that records have besides the template's. `record_format`: decoded (`formatting.read`), None:
        records leave as they are. `lenient`: what a record has no value for is left out of the form instead of staying
        there as `{{key}}`. `image_root` goes before an image's name, with a slash. `lists`: the keys of columns of
        several choices, where they are known (`Output.lists`): to find out costs what compiling the template does."""
        if lists is None:
            lists = {column.key for column in template.columns if columns.judge(column).form == "list"}
        self._operation_id = operation_id
        self._defaults = [(column.key, column) for column in template.columns if column.default is not None]
        self._changes: list[tuple[str, Callable[[Any], Any]]] = []
        for column in template.columns:
            if column.key in lists:
                self._changes.append((column.key, _splitter(column.delimiter)))
            elif column.type == "Image" and image_root:
                self._changes.append((column.key, _addresser(image_root)))
        keys = [column.key for column in template.columns]
        self._format = None if record_format is None else Format(record_format, {*keys, *fields})
        self._absent = dict.fromkeys((*keys, *fields), LEFT_OUT) if lenient else {}

    @property
    def constants(self) -> dict[str, Any] | None:
        """Key -> what stands where a record has no field of it, the same in each; None where one has its own."""
        if any(column.default == _UUID for _, column in self._defaults):
            return None
        found = {key: self._default(column, 0) for key, column in self._defaults}
        return {key: value for key, value in found.items() if value is not LEFT_OUT}

    def of(self, record: Mapping[str, Any], row: int) -> Any:
        """The record of `row` (its index) as it leaves, for msgspec.json; `record` as `Output.records` gives it.
        `<<uuid>>` is the same each time this record leaves: who receives it twice must not take it for two."""
        whole = {**self._absent, **record} if self._absent else dict(record)
        for key, change in self._changes:
            if key in record:
                whole[key] = change(whole[key])
        for key, column in self._defaults:
            if key not in record:
                whole[key] = self._default(column, row)
        if self._format is not None:
            return self._format.fill(whole)
        return {key: value for key, value in whole.items() if value is not LEFT_OUT}

    def _default(self, column: Column, row: int) -> Any:
        default = column.default
        if not isinstance(default, str):
            return default
        if default == _UUID:
            return str(_uuid(self._operation_id, row, column.key))
        return [] if default == _EMPTY_LIST else _SPECIAL.get(default, default)


def csv_lines(names: Sequence[str], documents: Iterable[Mapping[str, Any]]) -> bytes:
    """What `Delivery.of` gave of some records as lines of CSV (RFC 4180, UTF-8): of each the members `names`. Texts and
    numbers as they are, what is nothing or left out empty, `true` and `false`; lists and objects as JSON."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerows([_cell(document.get(name)) for name in names] for document in documents)
    return out.getvalue().encode("utf-8", "surrogatepass")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _splitter(delimiter: str) -> Callable[[Any], Any]:
    return lambda text: elements(text, delimiter) if isinstance(text, str) else text


def _addresser(root: str) -> Callable[[Any], Any]:
    return lambda name: f"{root}/{name}" if name else name


def _uuid(operation_id: str, row: int, key: str) -> uuid.UUID:
    """Shaped like a random one (version 4)."""
    digest = hashlib.sha256(f"{operation_id}:{row}:{key}".encode()).digest()
    return uuid.UUID(bytes=digest[:16], version=4)
