"""Which of the old encodings a text is in, by how likely each makes its bytes.

For every candidate the bytes are decoded and weighed in bits: rare letters, letters where the language has none
(a Cyrillic one within a Latin word, a capital behind a small letter) and bytes that are no text cost most. The cheapest
reading wins. Free guessers were tried first: on tables, where words are short and mixed with numbers, they took Western
European text for Central European, Cyrillic or Chinese.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache

from douane.sheet.formats.letters import LETTERS

TEXT_BYTES = 6 << 10
_ASCII = bytes(range(0x80))
# A word of another script has at least so many bytes beyond ASCII; fewer are more likely damage.
_OTHER_SCRIPT_BYTES = 4
_NO_LETTERS = bytes(byte for byte in range(256) if not chr(byte).isalpha() or byte >= 0x80)

_WEST = ("de", "fr", "es", "it", "pt_br", "pt", "nl", "sv", "da", "nb", "fi", "ca", "is")
_CENTRAL = ("pl", "cs", "sk", "hu", "sl", "hr", "ro")
_CYRILLIC = ("ru", "bg", "uk", "sr")
# Python's codec -> languages, and the bits by which it is rarer than the commonest.
CANDIDATES: dict[str, tuple[tuple[str, ...], int]] = {
    "cp1252": (_WEST, 0),
    "mac_roman": (_WEST, 9),
    "cp850": (_WEST, 11),
    "cp1250": (_CENTRAL, 5),
    "iso8859_2": (_CENTRAL, 8),
    "cp1251": (_CYRILLIC, 5),
    "koi8_r": (("ru",), 8),
    "koi8_u": (("uk",), 10),
    "cp866": (("ru",), 11),
    "cp1253": (("el",), 7),
    "cp1254": (("tr",), 6),
    "cp1255": (("he",), 8),
    "cp1256": (("ar",), 8),
    "cp1257": (("lt", "lv", "et"), 8),
    "cp874": (("th",), 9),
    "cp932": (("ja",), 6),
    "euc_jp": (("ja",), 8),
    "gb18030": (("zh_cn",), 6),
    "big5": (("zh_tw",), 8),
    "cp949": (("ko",), 8),
}
_LATIN = frozenset(_WEST + _CENTRAL + ("tr", "lt", "lv", "et"))

# Bits. What is no letter: ordinary punctuation, other signs, lines and control codes, bytes that are none.
_COMMON_SIGNS = "€“”„’–…°、。，"
_PUNCTUATION = "«»‘‚—·•£§©®™²³½¿¡¨´。，：；！？（）「」『』・ー《》【】％／～　"
_COMMON_SIGN_BITS, _SIGN_BITS, _OTHER_BITS, _CONTROL_BITS, _FAULT_BITS = 4, 7, 14, 20, 20
_UNKNOWN_LETTER_BITS = 14
# Ideographs by the first byte of their code: the standards put the common ones first.
_IDEOGRAPHS = {
    "ja": ("euc_jp", 0xB0, 0xCF),
    "zh_cn": ("gb2312", 0xB0, 0xD7),
    "zh_tw": ("big5", 0xA4, 0xC6),
    "ko": ("euc_kr", 0xB0, 0xC8),
}
_COMMON_IDEOGRAPH_BITS, _RARE_IDEOGRAPH_BITS, _STRANGE_IDEOGRAPH_BITS = 12, 16, 20
_FAMILY_BITS = 5  # a letter of another language of the same encoding
_STRANGER_BITS = 5  # a letter of the wrong surroundings: alone in a Latin language, in a Latin word in another
_CASE_BITS = 6
_HALF_BITS = 5  # a letter before a sign that is the second half of ideographs but seldom follows a letter
_LONELY_BITS = 16  # a few signs of another script in a text that has none else
_UTF8_FAULT_BITS = 12  # a byte that is no UTF-8 in a text that is taken for UTF-8


def guess_encoding(samples: list[bytes]) -> str | None:
    """Python's name of the likeliest encoding; None if UTF-8 with some damaged bytes is likelier than any."""
    lines = [line for sample in samples for line in sample.splitlines() if not line.isascii()]
    text = _excerpt(lines)
    if not text:
        return None
    damaged = text.decode("utf-8", "replace")
    signs = sum(1 for sign in damaged if sign > "\x7f")
    faults = damaged.count("\ufffd")
    best, cheapest = None, float(_UTF8_FAULT_BITS * faults + 7 * (signs - faults))
    latin = _is_mostly_ascii(samples) or len(text.translate(None, _ASCII)) < _OTHER_SCRIPT_BYTES
    for codec, (languages, rarity) in CANDIDATES.items():
        bits = rarity + _bits(text.decode(codec, "replace"), languages)
        if latin and languages[0] not in _LATIN:
            bits += _LONELY_BITS
        if bits < cheapest:
            best, cheapest = codec, bits
    return best


def _is_mostly_ascii(samples: list[bytes]) -> bool:
    """True if fewer than one in 50 letters is beyond ASCII: then hardly in another script."""
    high = sum(len(sample.translate(None, _ASCII)) for sample in samples)
    letters = sum(len(sample.translate(None, _NO_LETTERS)) for sample in samples)
    return high * 50 < letters


def _excerpt(lines: list[bytes]) -> bytes:
    """Some of the lines, from all over them."""
    step = max(1, sum(map(len, lines)) // TEXT_BYTES)
    return b"\n".join(line[:500] for line in lines[::step])[: 2 * TEXT_BYTES]


def _bits(text: str, languages: tuple[str, ...]) -> float:
    counts = Counter(sign for sign in text if sign > "\x7f")
    letters = {sign: count for sign, count in counts.items() if sign.isalpha()}
    bits = float(sum(_other_bits(sign) * count for sign, count in counts.items() if sign not in letters))
    within, alone, case = _surroundings(text)
    best = float("inf")
    for language in languages:
        table = _table(language, languages)
        cost = sum((table.get(sign) or _unknown_bits(sign, language)) * count for sign, count in letters.items())
        strangers = alone if language in _LATIN else within
        best = min(best, cost + _STRANGER_BITS * strangers)
    if languages[0] not in _IDEOGRAPHS:
        bits += _HALF_BITS * len(_HALVES.findall(text))
    return bits + best + _CASE_BITS * case


def _unknown_bits(sign: str, language: str) -> int:
    if language not in _IDEOGRAPHS:
        return _UNKNOWN_LETTER_BITS
    standard, first, last = _IDEOGRAPHS[language]
    try:
        lead = sign.encode(standard)[0]
    except UnicodeEncodeError:
        return _STRANGE_IDEOGRAPH_BITS
    return _COMMON_IDEOGRAPH_BITS if first <= lead <= last else _RARE_IDEOGRAPH_BITS


def _other_bits(sign: str) -> int:
    if sign in _COMMON_SIGNS:
        return _COMMON_SIGN_BITS
    if sign in _PUNCTUATION:
        return _SIGN_BITS
    if sign == "\ufffd":
        return _FAULT_BITS
    if sign < "\xa0" or "\u2500" <= sign <= "\u259f" or "\ue000" <= sign <= "\uf8ff":
        return _CONTROL_BITS
    return _OTHER_BITS


_HALVES = re.compile(r"[^\x00-\x7f][\\^_`{|}~@\[\]]")
_BESIDE_LATIN = re.compile(r"(?<=[A-Za-z])[^\W\d_a-zA-Z]|[^\W\d_a-zA-Z](?=[A-Za-z])")
_FOREIGN_LETTER = re.compile(r"[^\W\d_a-zA-Z]")
_LETTER_PAIR = re.compile(r"(?=([^\W\d_][^\W\d_]))")


def _surroundings(text: str) -> tuple[int, int, int]:
    """Letters beyond ASCII beside an ASCII letter; not beside one; and capitals behind a small letter."""
    within = len(_BESIDE_LATIN.findall(text))
    alone = len(_FOREIGN_LETTER.findall(text)) - within
    case = sum(
        1 for pair in _LETTER_PAIR.findall(text) if not pair.isascii() and pair[0].islower() and pair[1].isupper()
    )
    return within, alone, case


@cache
def _table(language: str, family: tuple[str, ...]) -> dict[str, int]:
    table: dict[str, int] = {}
    for other in family:
        for sign, bits in _letters(other).items():
            table[sign] = min(bits + _FAMILY_BITS, table.get(sign, bits + _FAMILY_BITS))
    return table | _letters(language)


@cache
def _letters(language: str) -> dict[str, int]:
    return {
        letter: max(int(bits), 1)
        for bits, letters in re.findall(r"(\d+)([^\d ]+)", LETTERS[language])
        for letter in letters
    }
