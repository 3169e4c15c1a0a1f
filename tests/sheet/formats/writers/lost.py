"""What the programs of this folder lose themselves: it stands in their files as it is said here, whoever reads them."""

from __future__ import annotations

import re

from douane.sheet.formats import KIND_DATETIME, KIND_NUMBER, KIND_TEXT
from tests.sheet.formats.writers.table import Value

Cell = tuple[str, int]


def shown(file: str, writer: str, value: Value) -> Cell:
    """What a file holds for a value: what the table says, but for what its writer loses."""
    if file.startswith("sheetjs") and not file.endswith(".xlsx"):
        return _sheetjs(file, value)
    if file.startswith("sheetjs") and value.name == "own day":
        return "2024-02-29T00:00:00Z", KIND_DATETIME  # a cell of type d, in the world's time
    # XlsxWriter and openpyxl write 16 digits, and Gnumeric and LibreOffice were given a file of XlsxWriter's.
    if value.name == "sum" and file.startswith(("xlsxwriter", "openpyxl", "gnumeric", "libreoffice")):
        return "0.3", KIND_NUMBER
    # LibreOffice and PyExcelerate write 15 digits where they write digits.
    fifteen = {"sum": "0.3", "third": "0.333333333333333", "fifty-three bits": "9007199254740990"}
    if file in ("libreoffice.xlsx", "pyexcelerate.xlsx") and value.name in fifteen:
        return fifteen[value.name], KIND_NUMBER
    # A text that it did not calculate itself becomes a 0; Douane sees that it can be none.
    if file == "libreoffice.xls" and value.name == "text formula":
        return "", KIND_TEXT
    # Letters that the code page does not have.
    if file == "gnumeric-biff7.xls" and value.kind == KIND_TEXT:
        return value.text.encode("cp1252", "replace").decode("cp1252"), KIND_TEXT
    # It writes the result of a formula with its bytes the wrong way round.
    if file == "writeexcel.xls" and value.name == "text formula":
        return value.text.encode("utf-16-be").decode("utf-16-le"), KIND_TEXT
    # It counts letters, where the format counts halves of pairs.
    if writer.startswith("pyxlsbwriter") and value.name == "emoji":
        return value.text[:-1], KIND_TEXT
    return value.text, value.kind


def _sheetjs(file: str, value: Value) -> Cell:
    """Its old workbooks end a text after 255 letters; those before BIFF8 know ASCII only, with 0.18.5 those before
    BIFF5 no number formats. Its doubles have 52 bits."""
    text, kind = value.text, value.kind
    old = re.search(r"biff(\d)", file)
    if value.name == "fifty-three bits":
        return "9007199254740992", kind
    if old and kind == KIND_TEXT:
        units = text.encode("utf-16-le")
        if old[1] != "8":
            text = "".join(chr(a) if not b and a < 128 else "_" for a, b in zip(units[::2], units[1::2], strict=True))
            return text[:255], kind
        return units[:510].decode("utf-16-le"), kind
    if "0.18.5-biff" in file and old and old[1] in "234" and value.format:
        number = 45351.0 if value.type in ("day", "formula") else float(value.value)
        return (repr(int(number)) if number == int(number) else repr(number)), KIND_NUMBER
    return text, kind


def hides_rows(file: str) -> bool:
    """SheetJS forgets hidden rows in .xls, PyExcelerate and pyxlsbwriter know none."""
    return not file.startswith(("pyexcelerate", "pyxlsbwriter")) and not re.match(r"sheetjs.*\.xls$", file)


def merges(file: str) -> bool:
    """There are no merged cells before BIFF8, and PyExcelerate and pyxlsbwriter were asked for none. SheetJS keeps what
    is below them, in .xlsx too, where Douane shows it."""
    return not file.startswith(("pyexcelerate", "pyxlsbwriter")) and not re.match(r"sheetjs.*biff[2-5]\.xls$", file)
