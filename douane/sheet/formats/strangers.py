"""Files that are no table we read, told by their first bytes, so that nobody gets shreds of them as records: each is
refused with what it is and the way out."""

from __future__ import annotations

import re
from typing import NoReturn

from douane.errors import BadFile
from douane.sheet.formats import Options, Source
from douane.sheet.formats.markup import opening

_SAVE = "Save it as .xlsx or .csv."
_UNPACK = "Unpack it first."

# first bytes -> (what the file is, the way out)
_BEGINNINGS: tuple[tuple[bytes, str, str], ...] = (
    (b"{\\rtf", "a text document (RTF)", _SAVE),
    (b"%PDF-", "a PDF document", "Save the table in it as .xlsx or .csv."),
    (b"socialcalc:version:", "a SocialCalc sheet", _SAVE),
    (b"\x1f\x9d", "packed with compress (.Z)", _UNPACK),
    (b"\x1f\xa0", "packed with compress (.Z)", _UNPACK),
    (b"BZh", "packed with bzip2", _UNPACK),
    (b"\xfd7zXZ\0", "packed with xz", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "packed with Zstandard", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (b"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (b"LZIP", "packed with lzip", _UNPACK),
    (b"\x89LZO\0", "packed with lzop", _UNPACK),
    (b"\x04\x22\x4d\x18", "packed with LZ4", _UNPACK),
    (b"\xff\x06\0\0sNaPpY", "packed with Snappy", _UNPACK),
    (b"MSCF\0\0\0\0", "a cabinet archive", _UNPACK),
    (b"SQLite format 3\0", "an SQLite database", "Export the table as .csv."),
    (b"\0\x01\0\0Standard Jet DB", "an Access database", "Export the table as .xlsx or .csv."),
    (b"\0\x01\0\0Standard ACE DB", "an Access database", "Export the table as .xlsx or .csv."),
    (b"PAR1", "a Parquet file", "Export it as .csv."),
    (b"ARROW1\0\0", "an Arrow file", "Export it as .csv."),
    (b"Obj\x01", "an Avro file", "Export it as .csv."),
    (b"ORC", "an ORC file", "Export it as .csv."),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", "Export the table as .csv."),
    (b"<stata_dta>", "a Stata file", "Export it as .csv."),
    (b"$FL2@(#)", "an SPSS file", "Export it as .csv."),
    (b"$FL3@(#)", "an SPSS file", "Export it as .csv."),
    (b"FEA1", "a Feather file", "Export it as .csv."),
    (b"MATLAB 5.0 MAT-file", "a MATLAB file", "Export it as .csv."),
    (b"X\n\0\0\0", "data of R", "Export it as .csv."),
    (b"RDX2\n", "data of R", "Export it as .csv."),
    (b"RDX3\n", "data of R", "Export it as .csv."),
    (b"PGDMP", "a dump of a PostgreSQL database", "Export the table as .csv."),
    (b"%!PS-Adobe-", "a PostScript document", "Save the table in it as .xlsx or .csv."),
    (b"BEGIN:VCARD", "a file of address cards (vCard)", "Export the contacts as .csv."),
    (b"BEGIN:VCALENDAR", "a calendar (iCalendar)", "Export it as .csv."),
    (
        b"version https://git-lfs.github.com/spec/",
        "a pointer of Git LFS, not the file itself",
        "Fetch the file and send that.",
    ),
    (b"\0\0\x02\0\x06\x04\x06\0", "a Lotus 1-2-3 sheet", _SAVE),
    (b"\0\0\x1a\0\0\x10\x04\0", "a Lotus 1-2-3 sheet", _SAVE),
    (b"\0\0\x1a\0\x02\x10\x04\0", "a Lotus 1-2-3 sheet", _SAVE),
    (b"\0\0\x02\0\x20\x51", "a Quattro Pro sheet", _SAVE),
    (b"\0\0\x02\0\x01\x10", "a Quattro Pro sheet", _SAVE),
)
_SYLK = re.compile(rb"ID;?[^\r\n]*(?:\r\n|\r|\n)(?:(?:ID|[PFBCOWE]|NN|NU|NE)(?:;[^\r\n]*)?(?:\r\n|\r|\n|\Z))+")
_DIF = re.compile(rb"TABLE\s*(?:\r\n|\r|\n)\s*0\s*,\s*1\s*(?:\r\n|\r|\n)")
_MARKUP = re.compile(
    r"<(?:!doctype\b|\?xml\b|!--|html\b|head\b|body\b|table\b|svg\b|[A-Za-z]+:(?:workbook|document)[\w-]*\b|workbook\b)",
    re.IGNORECASE,
)
_WEB_ARCHIVE = re.compile(r"mime-version:.{0,2000}?multipart/related", re.IGNORECASE | re.DOTALL)
_DBASE = frozenset(b"\x02\x03\x04\x05\x30\x31\x32\x43\x63\x83\x8b\x8c\x8e\xcb\xe5\xf5\xfb")


def recognise(head: bytes, source: Source) -> bool:
    return _stranger(head) is not None


def open(source: Source, options: Options) -> NoReturn:
    """BadFile `file_type`."""
    what, way = _stranger(source.read(0, 64 << 10)) or ("of a type that is not read", _SAVE)
    raise BadFile(f"File type is not supported: this is {what}. {way}", code="file_type")


def _stranger(head: bytes) -> tuple[str, str] | None:
    for begin, what, way in _BEGINNINGS:
        if head.startswith(begin):
            return what, way
    plain = head.removeprefix(b"\xef\xbb\xbf")
    if plain.startswith(b"ID;") and _is_sylk(plain):
        return "a SYLK sheet", _SAVE
    if _DIF.match(plain):
        return "a DIF sheet", _SAVE
    if _is_lzma(head):
        return "packed with LZMA", _UNPACK
    if _is_dbase(head):
        return "a dBase table", _SAVE
    if head[2:7] in (b"-lh0-", b"-lh1-", b"-lh5-", b"-lh6-", b"-lh7-"):
        return "an LHA archive", _UNPACK
    if head[257:262] == b"ustar":
        return "a tar archive", _UNPACK
    text, _ = opening(head)
    if _MARKUP.match(text):
        return _markup(text), _SAVE
    if _WEB_ARCHIVE.match(text):
        return "a web archive", _SAVE
    return None


def _markup(text: str) -> str:
    if "gnumeric" in text[:2000].lower():
        return "a Gnumeric sheet"
    return "a file of markup (XML or HTML) without a table that can be read"


def _is_sylk(head: bytes) -> bool:
    """A CSV may begin with `ID;P...` as well: the lines below must be records of SYLK."""
    lines = head.splitlines()[1:8]
    return len(lines) > 1 and all(re.match(rb"(?:ID|[PFBCOWE]|NN|NU|NE)(?:;[A-Z]|\Z)", line.strip()) for line in lines)


def _is_lzma(head: bytes) -> bool:
    """An LZMA file of the old kind has no magic number: properties, a dictionary's size, the file's or all ones."""
    if len(head) < 13 or head[0] >= 225 or head[0] == 0 or head[1:3] != b"\0\0":
        return False
    size = int.from_bytes(head[5:13], "little")
    dictionary = int.from_bytes(head[1:5], "little")
    return (size == (1 << 64) - 1 or size < 1 << 40) and dictionary.bit_count() <= 2 and dictionary >= 1 << 12


def _is_dbase(head: bytes) -> bool:
    if len(head) < 65 or head[0] not in _DBASE or not (1 <= head[2] <= 12 and 1 <= head[3] <= 31):
        return False
    length, record = int.from_bytes(head[8:10], "little"), int.from_bytes(head[10:12], "little")
    ends = (length - 1, length - 2, length - 264)
    return length >= 65 and record > 1 and any(0 <= at < len(head) and head[at] == 0x0D for at in ends)
