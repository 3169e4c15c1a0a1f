"""Binary workbooks (.xls, .xlsb) through calamine, and a clear refusal for what only pretends to be one.

calamine holds the whole sheet in memory and may end the process on a crafted file: it runs in the sandboxed child
alone. Error cells and what is hidden, which it does not tell, come from `binary_marks.py`; number formats count only as
far as they make a date. Modern workbooks are `xlsx.py`'s, OpenDocument is `ods.py`'s.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

import python_calamine as calamine

from douane.archive import open_archive
from douane.errors import BadFile, DouaneError, OverLimit
from douane.sheet.formats import (
    KIND_BOOLEAN,
    KIND_DATE,
    KIND_DATETIME,
    KIND_ERROR,
    KIND_NUMBER,
    KIND_TEXT,
    KIND_TIME,
    Detected,
    First,
    Limits,
    Options,
    Piece,
    Position,
    Reader,
    Source,
)
from douane.sheet.formats.binary_marks import xls_encrypted, xls_marks, xlsb_marks
from douane.sheet.formats.sheet_frame import (
    RECORDS_SAMPLED,
    Row,
    RowsPiece,
    chosen_sheet,
    hidden_notes,
    merged_ranges,
    row_runs,
    sample_of,
    shown_cells,
    values_of,
)

_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BEFORE_EXCEL_5 = (b"\x09\x00\x04\x00", b"\x09\x02\x06\x00", b"\x09\x04\x06\x00")
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
_PRETENDERS = (
    (re.compile(rb"urn:schemas-microsoft-com:office:spreadsheet"), "an XML spreadsheet of Excel 2003"),
    (re.compile(rb"^(?:<!--.*?-->|\s)*<(?:!doctype\s+html|html|table|meta|head|style)\b", re.I | re.S), "a web page"),
    (re.compile(rb"^mime-version:.*?multipart/related", re.I | re.S), "a web archive"),
)


def recognise(head: bytes, source: Source) -> bool:
    """An OLE compound file, a zip file with a binary workbook, or what other programs save under .xls without being a
    workbook: `open` then says so."""
    if head.startswith((_COMPOUND, *_BEFORE_EXCEL_5)) or _pretender(head):
        return True
    if not head.startswith(b"PK\x03\x04"):
        return False
    try:
        return "xl/workbook.bin" in {n.lower() for n in open_archive(source, Limits()).names}
    except DouaneError:
        return b"xl/workbook.bin" in head


def sheet_names(source: Source, options: Options = Options()) -> tuple[str, ...]:
    """The worksheets a person may choose from, as `xlsx.sheet_names`."""
    return _offered(_load(source, options.limits))


def open(source: Source, options: Options = Options()) -> Reader:
    """The reader of one sheet. BadFile: `file_type`, `file_broken`, `file_encrypted`, `sheet_unknown`, `file_empty`."""
    return _Reader(source, options)


def _pretender(head: bytes) -> str | None:
    plain = head.removeprefix(b"\xef\xbb\xbf")
    if plain.startswith((b"\xff\xfe", b"\xfe\xff")):
        plain = plain.decode("utf-16", errors="replace").encode()
    plain = plain.lstrip()[:4096]
    if not plain.startswith(b"<") and not plain[:13].lower().startswith(b"mime-version:"):
        return None
    return next((name for pattern, name in _PRETENDERS if pattern.search(plain)), None)


def _load(source: Source, limits: Limits) -> Any:
    """calamine's workbook. It reads all of the file at once."""
    head = source.read(0, 64 << 10)
    if pretender := _pretender(head):
        raise BadFile(f"The file is {pretender} under a workbook's name. Save it as .xlsx or .csv.", code="file_type")
    if head.startswith(_BEFORE_EXCEL_5):
        raise BadFile("The workbook is from before Excel 5. Save it as .xlsx.", code="file_type")
    if source.size > limits.entry_bytes:
        raise OverLimit(f"The workbook is longer than {limits.entry_bytes:,} bytes.", setting="entry_bytes")
    if head.startswith(b"PK"):
        _verify(source, limits)
    data = source.read(0, source.size)
    if data.startswith(_COMPOUND) and _ENCRYPTED_PACKAGE in data:
        raise BadFile("The workbook is encrypted. Save it without a password.", code="file_encrypted")
    try:
        return calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
    except BaseException as error:
        # Without a file name calamine says only that it does not know the format.
        if isinstance(error, calamine.PasswordError) or xls_encrypted(data):
            raise BadFile("The workbook is encrypted. Save it without a password.", code="file_encrypted") from error
        if data.startswith(_COMPOUND) and not _holds_workbook(data):
            raise BadFile("The file is no workbook.", code="file_type") from error
        raise _unreadable(error) from error


def _holds_workbook(data: bytes) -> bool:
    return any(name.encode("utf-16-le") in data for name in ("Workbook", "WORKBOOK", "Book", "BOOK"))


def _unreadable(error: BaseException) -> BadFile:
    """What calamine answers instead of a sheet. A panic of its Rust code arrives as a BaseException of its own."""
    if isinstance(error, DouaneError | KeyboardInterrupt | SystemExit | GeneratorExit | MemoryError):
        raise error
    return BadFile(f"The workbook is damaged or uses what is not supported ({str(error)[:200]}).")


def _verify(source: Source, limits: Limits) -> None:
    """Unpacks every binary part once within the limits: the library believes what the headers say."""
    archive = open_archive(source, limits)
    for entry in archive:
        if not entry.is_folder:
            for _ in archive.open(entry):
                pass


def _usable(workbook: Any) -> list[Any]:
    return [m for m in workbook.sheets_metadata if m.typ == calamine.SheetTypeEnum.WorkSheet]


def _offered(workbook: Any) -> tuple[str, ...]:
    visible, very_hidden = calamine.SheetVisibleEnum.Visible, calamine.SheetVisibleEnum.VeryHidden
    some = [m for m in _usable(workbook) if m.visible != very_hidden and not m.name.startswith("imp_")]
    return tuple(m.name for m in sorted(some, key=lambda m: m.visible != visible))


def _text_and_kind(value: Any) -> tuple[str, int]:
    """A cell as calamine gives it. Numbers get their final form later, all at once."""
    if isinstance(value, str):
        return value, KIND_TEXT
    if isinstance(value, bool):
        return ("TRUE" if value else "FALSE"), KIND_BOOLEAN
    if isinstance(value, float | int):
        return repr(value), KIND_NUMBER
    if isinstance(value, datetime):
        return _to_ms(value).isoformat(timespec="auto").removesuffix("000"), KIND_DATETIME
    if isinstance(value, date):
        return value.isoformat(), KIND_DATE
    if isinstance(value, time):
        moment = _to_ms(datetime.combine(date(2000, 1, 1), value))
        return moment.time().isoformat(timespec="auto").removesuffix("000"), KIND_TIME
    if isinstance(value, timedelta):
        seconds = round(value.total_seconds())
        sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
        return f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}", KIND_TIME
    return ("" if value is None else str(value)), KIND_TEXT


def _to_ms(moment: datetime) -> datetime:
    """Doubles hold a moment to about a microsecond; milliseconds are what was meant."""
    rounded = moment + timedelta(microseconds=500)
    return rounded.replace(microsecond=rounded.microsecond // 1000 * 1000)


def _with_errors(cells: list[tuple[int, str, int]], errors: dict[int, str]) -> list[tuple[int, str, int]]:
    others = [cell for cell in cells if cell[0] not in errors]
    return sorted([*others, *((column, text, KIND_ERROR) for column, text in errors.items())])


class _Reader:
    def __init__(self, source: Source, options: Options) -> None:
        self._limits, self._piece_bytes, self._size = options.limits, options.piece_bytes, source.size
        workbook = _load(source, options.limits)
        offered = _offered(workbook)
        name = chosen_sheet(tuple(m.name for m in _usable(workbook)), offered, options.sheet)
        number = [m.name for m in workbook.sheets_metadata].index(name)
        binary = source.read(0, 2) == b"PK"
        try:
            self._sheet = workbook.get_sheet_by_index(number)
        except BaseException as error:
            raise _unreadable(error) from error
        if binary:
            self._marks = xlsb_marks(source, options.limits, number)
        else:
            self._marks = xls_marks(source.read(0, source.size), number)
        self.hidden_columns = merged_ranges(self._marks.hidden_columns)
        sample = sample_of(map(values_of, row_runs(self._rows(), 1 << 24, RECORDS_SAMPLED)), name)
        self.first: First | None = sample.first
        self.detected = Detected(
            format="xlsb" if binary else "xls",
            width=sample.width,
            header_row=None,
            sheets=offered,
            sheet=name,
            notes=hidden_notes(self.hidden_columns, options.limits.columns, sample.hidden),
        )

    def _rows(self) -> Iterator[Row]:
        # calamine's rows begin in the first row, but in the first column that has a value.
        first = self._sheet.start[1] if self._sheet.start else 0
        errors, hidden = self._marks.errors, self._marks.hidden_rows
        number = -1
        for number, row in enumerate(self._sheet.iter_rows()):
            cells = [(c, *_text_and_kind(v)) for c, v in enumerate(row, first) if v != ""]
            if number in errors:
                cells = _with_errors(cells, errors[number])
            yield Row(number + 1, number in hidden, shown_cells(cells, self.hidden_columns))
        for late in sorted(n for n in errors if n > number):
            yield Row(late + 1, late in hidden, shown_cells(_with_errors([], errors[late]), self.hidden_columns))

    def pieces(self, start: Position = Position()) -> Iterator[Piece]:
        total = max(1, self._sheet.total_height + 1)
        line = 0
        for number, rows in enumerate(row_runs(self._rows(), self._piece_bytes)):
            done = rows[-1].line
            if number >= start.piece:
                after = Position(number + 1, 0, done + 1)
                bytes_done = min(self._size, self._size * done // total)
                yield RowsPiece(number, rows, line, self.detected.width, self._limits, after, bytes_done)
            line = done
