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
_TEXT_BYTES, _HINT_BYTES = 8 << 10, 1000

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
_CSV = "Export it as .csv."
_TABLE = "Send the table that is in it."
_SQL_COMMENTS = rb"(?:--[^\n]*\n|/\*(?:(?!\*/).){0,2000}\*/;?|\s+)*+"
# Texts of programs for programs: read as records they are shreds. (What the beginning holds in any case, the pattern
# itself, what the file is, the way out): the pattern is only made where the first is there.
_TEXTS: tuple[tuple[bytes, bytes, str, str], ...] = (
    (b"!", rb"!(?:Type|Account|Option|Clear):[^\r\n,;]*[\r\n]", "bookings in Quicken's format (QIF)", _CSV),
    (b"ofx", rb"OFXHEADER:|<OFX>", "a bank statement in OFX", _CSV),
    (
        b":20:",
        rb"(?:\{[1-3]:[^\r\n]*\s+)?:20:[^\r\n]*\s+(?::\d\d[A-Z]?:)",
        "a bank statement of SWIFT's kind (MT940)",
        _CSV,
    ),
    (b"unb+", rb"UNA.{6}\s*UNB|UNB\+UNO[A-Z]:\d", "a message of EDIFACT", _CSV),
    (b"isa", rb"ISA([^\w\s])\d\d\1.{10}\1\d\d\1", "a message of X12", _CSV),
    (
        b"dn:",
        rb"(?:version: ?\d+\s+|#[^\n]*\n|\s+)*+dn::? ?\w+=[^\r\n]*\s+\w[\w;-]*::? ",
        "entries of a directory (LDIF)",
        _CSV,
    ),
    (b"from ", rb"From \S+@\S+ +\w{3} \w{3} [ \d]\d \d\d:", "a mailbox", _TABLE),
    (b"from:", rb"(?:[\w-]+:[^\r\n]*\r?\n(?:[ \t]+[^\r\n]*\r?\n)*+){3,}+\r?\n", "a mail", _TABLE),
    (b"insert", rb"%s(?i:insert\s+into\s+\S+\s*(?:\(|values))" % _SQL_COMMENTS, "a script of SQL", _CSV),
    (b"create", rb"%s(?i:create\s+table\s+[^\s(]+\s*\()" % _SQL_COMMENTS, "a script of SQL", _CSV),
    (b"-----begin", rb"-----BEGIN [A-Z0-9 ]+-----\s", "encrypted or signed", "Decrypt it first."),
    (b"age-encryption", rb"age-encryption\.org/v\d", "encrypted", "Decrypt it first."),
    (b"begin ", rb"begin [0-7]{3,4} [^\r\n]+\r?\n[\x20-\x60]{2,}\r?\n", "packed with uuencode", _UNPACK),
    (b"header record", rb"HEADER RECORD\*{7}LIB", "a SAS transport file", _CSV),
    (b"spss port file", rb".{0,400}ASCII SPSS PORT FILE", "an SPSS file", _CSV),
    (b"numpy", rb"\x93NUMPY", "an array of NumPy", _CSV),
    (b"ftyp", rb".{4}ftyp[\w ]{4}", "a picture, a sound or a film", _SAVE),
    (b"\\document", rb"\\documentclass\b", "a document of TeX", _SAVE),
    (
        b"- ",
        rb"(?:---\s+)?- [\w ]+: ?[^\n]*\n(?:  [\w ]+: ?[^\n]*\n)++- [\w ]+: ",
        "a document of YAML",
        "Save it as JSON or .csv.",
    ),
    (
        b"[",
        rb"(?:(?:var|let|const) [\w$]+ ?= ?|[A-Za-z_$][\w.$]{0,60}\(\s*)\[\s*[\[{]",
        "a script around JSON",
        "Save the JSON alone.",
    ),
)
_MAIL_FIELDS = (b"from:", b"subject:", b"date:", b"message-id:", b"mime-version:", b"received:", b"to:")
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
    if (text := _text(plain)) is not None:
        return text
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
    opened, _ = opening(head)
    if _MARKUP.match(opened):
        return _markup(opened), _SAVE
    if _WEB_ARCHIVE.match(opened):
        return "a web archive", _SAVE
    return None


def _text(head: bytes) -> tuple[str, str] | None:
    head = head[:_TEXT_BYTES]
    low = head[:_HINT_BYTES].lower()
    for within, pattern, what, way in _TEXTS:
        if within in low and re.match(pattern, head, re.DOTALL) and (what != "a mail" or _is_mail(low)):
            return what, way
    if head[12:16] == b"\xc2\xea\x81\x60" and not head[:12].strip(b"\0"):
        return "a SAS file", _CSV
    return None


def _is_mail(low: bytes) -> bool:
    lines = low.splitlines()
    return sum(1 for field in _MAIL_FIELDS if any(line.startswith(field) for line in lines)) > 2


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
