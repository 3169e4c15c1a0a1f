"""Which encoding a text file is in, and its bytes as UTF-8 without losing one.

A byte that is no text in the encoding never becomes U+FFFD: in UTF-8 files it stays where it is, in others it is
carried through the transcription as the lone surrogate U+DC00 + byte, and what a person sees is `\\xNN`.
"""

from __future__ import annotations

import codecs
import dataclasses
import re
from collections.abc import Iterator

from douane.errors import BadFile
from douane.model.reading import Note
from douane.sheet.formats import Source
from douane.sheet.formats.encoding_guess import guess_encoding
from douane.sheet.formats.stream import UNKNOWN_SIZE, Forward, uploaded_bytes
from douane.sheet.noticed import note
from douane.values import dataclass

SAMPLE_BYTES = 64 << 10
SAMPLES = 12
BLOCK_BYTES = 1 << 20

# Line ends, quotes and common delimiters are the same single bytes as in ASCII and never part of another sign, so
# these files are cut as they are and every offset is an offset into the upload.
LIKE_ASCII = frozenset(
    str.split(
        "utf-8 ascii iso8859-1 iso8859-2 iso8859-3 iso8859-4 iso8859-5 iso8859-6 iso8859-7 iso8859-8 iso8859-9 "
        "iso8859-10 iso8859-11 iso8859-13 iso8859-14 iso8859-15 iso8859-16 cp1250 cp1251 cp1252 cp1253 cp1254 "
        "cp1255 cp1256 cp1257 cp1258 cp437 cp720 cp737 cp775 cp850 cp852 cp855 cp857 cp858 cp860 cp861 cp862 "
        "cp863 cp864 cp865 cp866 cp869 cp874 koi8-r koi8-u koi8-t kz1048 mac-roman mac-latin2 mac-cyrillic "
        "mac-greek mac-turkish mac-iceland ptcp154 tis-620 hp-roman8 cp932 shift_jis shift_jis_2004 euc_jp "
        "euc_jis_2004 gb2312 gbk gb18030 big5 big5hkscs cp950 euc_kr cp949 johab"
    )
)
SEVERAL_BYTES = frozenset(str.split("cp932 shift_jis shift_jis_2004 gbk gb18030 big5 big5hkscs cp950 cp949 johab"))
OTHERS = frozenset(
    str.split(
        "utf-16 utf-16-le utf-16-be utf-32 utf-32-le utf-32-be utf-7 iso2022_jp iso2022_jp_1 iso2022_jp_2 "
        "iso2022_kr hz cp037 cp273 cp500 cp1140"
    )
)
EBCDIC = ("cp037", "cp500", "cp273")
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"\x84\x31\x95\x33", "gb18030"),
)
_THORN = b"\xfe"
_NO_TEXT = (
    b"%PDF-",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"BZh",
    b"\xfd7zXZ\0",
    b"\x28\xb5\x2f\xfd",
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!",
    b"\x1f\x8b",
    b"\x7fELF",
    b"MZ\x90",
    b"\xd0\xcf\x11\xe0",
    b"SQLite format 3\0",
    b"PAR1",
    b"ARROW1",
    b"{\\rtf",
    b"Obj\x01",
    b"\xca\xfe\xba\xbe",
    b"OggS",
    b"RIFF",
)
_MARKUP = re.compile(rb"\s*<(?:!doctype|html|\?xml|!--|head|body|table|svg)\b", re.IGNORECASE)
# A shift of UTF-7 with the letters it brings, at least one sign of UTF-16 in base 64; and any other plus sign.
_UTF7_SHIFT = re.compile(rb"\+(?:[A-Za-z0-9+/]{3,}-?|-)")
_NO_UTF7_SHIFT = re.compile(rb"\+")
_HZ_RUN = re.compile(rb"~\{(?:[!-}][!-~])+~\}")
_USUAL_SIGNS = frozenset(".,;:-_/'\"()@&%+*!?#=€|$£")
_PRINTABLE = bytes(range(0x20, 0x7F))
_EIGHT_BITS = bytes(range(0x80, 0x100))
_C1_CONTROL = re.compile(rb"\xc2[\x80-\x84\x86-\x9f]")
_CARRIED = re.compile("[\udc00-\udcff]")


def _carry(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error("douane.carry", _carry)


@dataclass(frozen=True, slots=True)
class Encoding:
    """`name`: Python's name for it. `mark`: bytes of the byte order mark. `transcribe`: the file must be transcribed
    as a whole before it can be cut."""

    name: str
    mark: int = 0
    transcribe: bool = False
    notes: tuple[Note, ...] = ()

    def may_hide(self, delimiter: str) -> bool:
        """True if the delimiter's byte can be the second half of another sign."""
        return self.name in SEVERAL_BYTES and delimiter >= "0" and delimiter not in ":;"

    def whole_signs(self, data: bytes) -> bytes:
        """The bytes of the file, or its transcription, without a sign that is cut through at their end."""
        decoder = codecs.getincrementaldecoder("utf-8" if self.transcribe else self.name)("replace")
        decoder.decode(data)
        return data[: len(data) - len(decoder.getstate()[0])]

    @property
    def is_utf8(self) -> bool:
        """Whether what is cut is UTF-8 as it stands."""
        return self.name == "utf-8" or self.transcribe

    def to_utf8(self, data: bytes) -> bytes:
        """The cut bytes as UTF-8, with bytes that are no text carried along; `data` itself where nothing changes."""
        if self.is_utf8 or data.isascii():
            return data
        return data.decode(self.name, "douane.carry").encode("utf-8", "surrogatepass")

    def readable(self, cell: bytes) -> tuple[str, bool]:
        """A cell out of `to_utf8` as text, and whether bytes of it are no text: they show as `\\xNN`."""
        try:
            return cell.decode(), False
        except UnicodeDecodeError:
            pass
        if self.name == "utf-8":
            return cell.decode("utf-8", "backslashreplace"), True
        text = cell.decode("utf-8", "surrogatepass")
        return _CARRIED.sub(lambda sign: f"\\x{ord(sign.group()) - 0xDC00:02x}", text), True

    def original(self, data: bytes) -> bytes:
        """The bytes of the file that became `data`."""
        if self.name == "utf-8":
            return data
        text = data.decode("utf-8", "surrogatepass")
        parts: list[bytes] = []
        done = 0
        for sign in _CARRIED.finditer(text):
            parts.append(text[done : sign.start()].encode(self.name))
            parts.append(bytes([ord(sign.group()) - 0xDC00]))
            done = sign.end()
        parts.append(text[done:].encode(self.name))
        return b"".join(parts)


def detect_encoding(source: Source, given: str | None) -> Encoding:
    """The encoding of the file: the `given` one, the byte order mark's, UTF-8 if samples from all over the file are,
    else a guess. BadFile `file_empty`, `file_type` (no text) or `encoding_unknown`."""
    head = source.read(0, SAMPLE_BYTES)
    if not head:
        raise BadFile("File is empty", code="file_empty")
    if given is not None:
        return _given(given, head)
    marked = _marked(head)
    if marked is not None:
        return marked
    samples = [head, *_samples(source)]
    seven_bits = _seven_bits(samples) if all(map(bytes.isascii, samples)) else None
    if seven_bits:
        return seven_bits
    mainframe = _ebcdic(head)
    if mainframe:
        return mainframe
    if _is_no_text(head):
        raise BadFile("File type is not supported.", code="file_type")
    good, bad = map(sum, zip(*map(_utf8_signs, samples), strict=True))
    if bad == 0:
        return Encoding("utf-8", notes=_control_notes(samples))
    damaged = Encoding("utf-8", notes=(note("bytes_no_utf8"),))
    if good >= 4 * bad:
        return damaged
    if head.startswith(_THORN) and _THORN + b"\x14" + _THORN in head:
        # Litigation programs set a thorn around each cell, and a sign for line ends in it: no letters of a language.
        samples = [sample.translate(None, _THORN + b"\xae") for sample in samples]
        if all(map(bytes.isascii, samples)):
            return Encoding("cp1252", notes=(note("encoding_guessed", encoding="cp1252"),))
    guess = guess_encoding(samples)
    if guess is None and good:
        return damaged
    if guess is None:
        return Encoding("utf-8", notes=(note("bytes_uncertain"),))
    name = codecs.lookup(guess.codec).name
    if guess.rival is None:
        return Encoding(name, notes=(note("encoding_guessed", encoding=name),))
    rival = codecs.lookup(guess.rival).name
    return Encoding(name, notes=(note("encoding_uncertain", encoding=name, other=rival),))


def _seven_bits(samples: list[bytes]) -> Encoding | None:
    """Encodings that write other letters with ASCII bytes, told by the codes they switch with. Only where all of the
    samples' text can be read so."""
    data = b"".join(samples)
    if _UTF7_SHIFT.search(data) and not _NO_UTF7_SHIFT.search(_UTF7_SHIFT.sub(b"", data)):
        codecs_to_try = ["utf-7"]
    elif b"\x1b$)C" in data:
        codecs_to_try = ["iso2022_kr"]
    elif b"\x1b$" in data or b"\x1b(" in data:
        codecs_to_try = ["iso2022_jp", "iso2022_jp_1", "iso2022_jp_2"]
    elif _HZ_RUN.search(data):
        codecs_to_try = ["hz"]
    else:
        return None
    for name in codecs_to_try:
        decoder = codecs.getincrementaldecoder(name)("strict")
        try:
            text = decoder.decode(samples[0])
        except UnicodeDecodeError:
            continue
        if text.isascii() or any(0x80 <= ord(sign) < 0xA0 for sign in text):
            continue
        return Encoding(name, 0, True, (note("encoding_by_codes", encoding=name),))
    return None


def _ebcdic(head: bytes) -> Encoding | None:
    """The encodings of mainframes, where digits and Latin letters are other bytes than in ASCII. They differ among
    each other in a few signs: where another one reads the file otherwise and as well, or signs that seldom are in texts
    stand there in the likeliest, it is uncertain."""
    if len(head.translate(None, _PRINTABLE)) * 2 < len(head):
        return None
    text = head.decode("cp037")
    plain = sum(1 for sign in text if sign.isascii() and (sign.isalnum() or sign in " ,;.\t\r\n\x85"))
    if plain * 10 < len(text) * 8:
        return None
    if not any(end in text for end in "\n\x85") or not any(sign.isdigit() for sign in text):
        return None
    # Where one has a letter, another has a bracket or a sign.
    readings = {name: head.decode(name) for name in EBCDIC}
    odd = {name: sum(map(_is_odd, text)) for name, text in readings.items()}
    name = min(EBCDIC, key=lambda name: odd[name])
    rivals = [other for other in EBCDIC if odd[other] == odd[name] and readings[other] != readings[name]]
    if odd[name] or rivals:
        return Encoding(name, 0, True, (note("encoding_ebcdic", encoding=name),))
    return Encoding(name, 0, True, (note("encoding_guessed", encoding=name),))


def _is_odd(sign: str) -> bool:
    return not (sign.isalnum() or sign.isspace() or sign in _USUAL_SIGNS)


def _control_notes(samples: list[bytes]) -> tuple[Note, ...]:
    """What is left of letters that another program read in a wrong encoding: control codes between the letters."""
    if not any(_C1_CONTROL.search(sample) for sample in samples):
        return ()
    return (note("damaged_before"),)


def detect_unicode(head: bytes, given: str | None = None) -> Encoding:
    """The encoding of a file in some form of Unicode, UTF-8 where nothing else shows. BadFile `encoding_unknown`."""
    if given is not None:
        encoding = _given(given, head)
        return dataclasses.replace(encoding, transcribe=encoding.name != "utf-8")
    return _marked(head) or Encoding("utf-8")


def transcribed(source: Source, encoding: Encoding) -> Forward:
    """The source as UTF-8, for encodings that can't be cut as they are; without byte order mark."""
    used = 0

    def chunks() -> Iterator[bytes]:
        nonlocal used
        used = encoding.mark
        decoder = codecs.getincrementaldecoder(encoding.name)("douane.carry")
        while True:
            block = source.read(used, BLOCK_BYTES)
            used += len(block)
            text = decoder.decode(block, not block)
            if text:
                yield text.encode("utf-8", "surrogatepass")
            if not block:
                return

    return Forward(chunks, lambda: uploaded_bytes(source, used))


def _given(given: str, head: bytes) -> Encoding:
    name = _known(given)
    if name == "utf-8-sig":
        name = "utf-8"
    if name in ("utf-16", "utf-32"):
        big = head.startswith((codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE))
        name += "-be" if big or (_zero_pattern(head) or "").endswith("be") else "-le"
    if name not in LIKE_ASCII | OTHERS:
        raise BadFile(f"Encoding {given[:50]!r} is not known.", code="encoding_unknown")
    mark = next((len(mark) for mark, of in _MARKS if of == name and head.startswith(mark)), 0)
    return Encoding(name, mark, name not in LIKE_ASCII)


def _known(given: str) -> str:
    try:
        return codecs.lookup(given).name
    except (LookupError, ValueError):
        return ""


def _marked(head: bytes) -> Encoding | None:
    """What a byte order mark says, or zero bytes standing as they do in UTF-16 and UTF-32."""
    for mark, name in _MARKS:
        if head.startswith(mark) and not (name == "utf-32-le" and head[4:8] and head[6:8] != b"\0\0"):
            return Encoding(name, len(mark), name not in LIKE_ASCII)
    wide = _zero_pattern(head)
    return Encoding(wide, 0, True) if wide else None


def _zero_pattern(head: bytes) -> str | None:
    """UTF-16 or UTF-32 without a mark, told by where the zero bytes stand."""
    part = head[: len(head) - len(head) % 4]
    if len(part) < 8:
        return None
    zeros = [part[i::4].count(0) / (len(part) // 4) for i in range(4)]
    if min(zeros[2:]) > 0.95 and zeros[0] < 0.1:
        return "utf-32-le"
    if min(zeros[:2]) > 0.95 and zeros[3] < 0.1:
        return "utf-32-be"
    even, odd = (zeros[0] + zeros[2]) / 2, (zeros[1] + zeros[3]) / 2
    for name, here, there in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if here > 0.08 and there < here / 3 and _is_plausible(part.decode(name, "replace")):
            return name
    return None


def _is_plausible(text: str) -> bool:
    """False if many signs are none that people write: a table with some NULs in it, read as UTF-16."""
    odd = sum(1 for sign in text if not (sign.isprintable() or sign in "\t\r\n"))
    return len(text) >= 8 and odd * 20 <= len(text) and any(sign in text for sign in "\n\r,;\t|")


def _is_no_text(head: bytes) -> bool:
    if head.startswith(_NO_TEXT) or head[257:262] == b"ustar" or _MARKUP.match(head[:1024]):
        return True
    controls = sum(head.count(byte) for byte in [*range(9), *range(14, 28), 127])
    if _utf8_signs(head)[1]:
        return controls > 16 and controls * 20 > len(head)
    return controls > 64 and controls * 10 > len(head)


def _samples(source: Source) -> list[bytes]:
    """Samples between head and tail, and the tail; of a stream that only reads forward, the next of it."""
    if source.size == UNKNOWN_SIZE:
        return [source.read(SAMPLE_BYTES, SAMPLES * SAMPLE_BYTES)]
    rest = source.size - SAMPLE_BYTES
    if rest <= SAMPLES * SAMPLE_BYTES:
        return [source.read(SAMPLE_BYTES, rest)] if rest > 0 else []
    step = (source.size - SAMPLE_BYTES) / SAMPLES
    return [source.read(int(step * (i + 1)), SAMPLE_BYTES) for i in range(SAMPLES)]


def _utf8_signs(sample: bytes) -> tuple[int, int]:
    """How many signs beyond ASCII the sample has as UTF-8, and how many places that are none. A sign cut through by
    the sample's edges counts for neither."""
    if sample.isascii():
        return 0, 0
    start = 0
    while start < 3 and start < len(sample) and sample[start] & 0xC0 == 0x80:
        start += 1
    # Not the last sign if it is cut through: an incremental decoder keeps it back.
    text = codecs.getincrementaldecoder("utf-8")("replace").decode(sample[start:])
    bad = text.count("\ufffd") - sample.count(b"\xef\xbf\xbd")
    seven_bits = len(sample.translate(None, _EIGHT_BITS))
    return len(text) - seven_bits - bad, bad
