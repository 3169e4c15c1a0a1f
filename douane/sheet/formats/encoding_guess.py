"""Which of the old encodings a text is in, by how likely each makes its bytes.

For every candidate the bytes are decoded and weighed in bits: rare letters, letters where the language has none
(a Cyrillic one within a Latin word, a capital behind a small letter) and bytes that are no text cost most. Which
language it is, the plain letters around tell as well (`trigrams`), for they are the same in each. The cheapest reading
wins. A free guesser (chardet), which knows whole words, has a say too: alone it takes Western European tables, where
words are short and mixed with numbers, for Central European, Cyrillic or Chinese ones. Where both agree, hardly
anything was ever wrong.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache

from douane.sheet.formats.letters import LETTERS
from douane.sheet.formats.trigrams import TRIGRAMS
from douane.values import dataclass

TEXT_BYTES = 6 << 10
_WORD_BYTES = 500
# Bytes that are never the second half of a sign in any encoding here.
_BETWEEN_WORDS = re.compile(rb"[\x00-\x2f:-?]+")
_ASCII = bytes(range(0x80))
# A word of another script has at least so many bytes beyond ASCII; fewer are more likely damage.
_OTHER_SCRIPT_BYTES = 4
_NO_LETTERS = bytes(byte for byte in range(256) if not chr(byte).isalpha() or byte >= 0x80)

_WEST = ("de", "fr", "es", "it", "pt_br", "pt", "nl", "sv", "da", "nb", "fi", "ca")
_CENTRAL = ("pl", "cs", "sk", "hu", "sl", "hr", "ro")
_BALTIC = ("lt", "lv", "et")
_CYRILLIC = ("ru", "bg", "uk", "sr", "mk", "be")
# Python's codec, the languages that were written in it, and the bits by which it is rarer than the commonest.
CANDIDATES: tuple[tuple[str, tuple[str, ...], int], ...] = (
    ("cp1252", _WEST, 0),
    ("cp1252", ("is",), 4),
    ("cp1252", ("et",), 6),
    ("cp1252", ("sq",), 6),
    ("cp1252", ("ga",), 6),
    ("iso8859_15", _WEST, 6),
    ("iso8859_15", ("et",), 10),
    ("mac_roman", _WEST, 9),
    ("mac_iceland", ("is",), 14),
    ("cp850", _WEST, 11),
    ("cp850", ("is",), 15),
    ("cp850", ("sq",), 15),
    ("cp850", ("ga",), 15),
    ("cp437", _WEST, 12),
    ("cp858", _WEST, 13),
    ("cp860", ("pt", "pt_br"), 15),
    ("cp861", ("is",), 15),
    ("cp863", ("fr",), 15),
    ("cp865", ("da", "nb", "sv", "fi"), 14),
    ("iso8859_14", ("ga",), 16),
    ("cp1250", _CENTRAL, 5),
    ("iso8859_2", _CENTRAL, 8),
    ("iso8859_16", ("ro",), 16),
    ("cp852", _CENTRAL, 11),
    ("iso8859_16", ("pl",), 18),
    ("mac_latin2", _CENTRAL, 13),
    ("mac_romanian", ("ro",), 16),
    ("mac_croatian", ("hr", "sl"), 16),
    ("iso8859_3", ("mt", "eo"), 14),
    ("cp1251", _CYRILLIC, 5),
    ("koi8_r", ("ru",), 8),
    ("koi8_u", ("uk", "be"), 10),
    ("cp866", ("ru", "bg", "be"), 11),
    ("cp1125", ("uk",), 14),
    ("iso8859_5", _CYRILLIC, 11),
    ("mac_cyrillic", _CYRILLIC, 12),
    ("cp855", _CYRILLIC, 14),
    ("kz1048", ("kk",), 12),
    ("ptcp154", ("kk",), 14),
    ("cp1253", ("el",), 7),
    ("iso8859_7", ("el",), 9),
    ("cp737", ("el",), 11),
    ("cp869", ("el",), 14),
    ("mac_greek", ("el",), 14),
    ("cp1254", ("tr",), 6),
    ("cp857", ("tr",), 12),
    ("mac_turkish", ("tr",), 14),
    ("cp1255", ("he",), 8),
    ("cp862", ("he",), 12),
    ("cp1256", ("ar", "fa"), 8),
    ("iso8859_6", ("ar",), 10),
    ("cp720", ("ar",), 14),
    ("cp1257", _BALTIC, 8),
    ("iso8859_4", _BALTIC, 12),
    ("cp775", _BALTIC, 12),
    ("cp1258", ("vi",), 11),
    ("cp874", ("th",), 9),
    ("cp932", ("ja", "ja_half"), 6),
    ("euc_jp", ("ja",), 8),
    ("gb18030", ("zh_cn",), 6),
    ("big5", ("zh_tw",), 8),
    ("cp949", ("ko",), 8),
    ("johab", ("ko",), 14),
)
_LATIN = frozenset(_WEST + _CENTRAL + _BALTIC + ("is", "sq", "ga", "tr", "mt", "eo", "vi"))

# Bits. What is no letter: ordinary punctuation, other signs, lines and control codes, bytes that are none.
_COMMON_SIGNS = "€“”„’–…°、。，"
_PUNCTUATION = "«»‘‚—·•£§©®™²³½¿¡¨´。，：；！？（）「」『』・ー《》【】％／～　"
_COMMON_SIGN_BITS, _SIGN_BITS, _OTHER_BITS, _CONTROL_BITS, _FAULT_BITS = 4, 7, 14, 20, 26
_UNKNOWN_LETTER_BITS = 14
# Ideographs by the first byte of their code: the standards put the common ones first.
_IDEOGRAPHS = {
    "ja": ("euc_jp", 0xB0, 0xCF),
    "zh_cn": ("gb2312", 0xB0, 0xD7),
    "zh_tw": ("big5", 0xA4, 0xC6),
    "ko": ("euc_kr", 0xB0, 0xC8),
    "ja_half": ("euc_jp", 0xB0, 0xCF),
}
_COMMON_IDEOGRAPH_BITS, _RARE_IDEOGRAPH_BITS, _STRANGE_IDEOGRAPH_BITS = 13, 18, 22
_FAMILY_BITS = 8  # a letter of another language of the same encoding
_STRANGER_BITS = 5  # a letter of the wrong surroundings: alone in a Latin language, in a Latin word in another
_TURNED_BITS = 10  # marks that stand on their heads, where it is not Spanish
_CASE_BITS = 6
_STUCK_BITS = 6  # a sign that is no letter stuck to a word where none stands
_AMONG_DIGITS_BITS = 12  # a letter between two digits, where a group of digits has a blank
_HALF_BITS = 5  # a letter before a sign that is the second half of ideographs but seldom follows a letter
_LONELY_BITS = 16  # a few signs of another script in a text that has none else
_NAMED_BYTES = 24  # fewer bytes beyond ASCII prove nothing to the library
_FEW_IDEOGRAPHS, _FEW_BYTES = 16, 8
_NAMED_BITS = 12  # what its word is worth
_LIBRARY_BYTES = 32 << 10  # as much as it is asked to read
# A guess that is likelier by less is uncertain: where the library says the same, has nothing to say, says otherwise.
_DOUBT_BITS, _ALONE_BITS, _DISAGREEMENT_BITS = 12, 16, 24
# What the plain letters of a word say: of so many words, a trigram that is not in the table, a share of the difference.
_WORDS_BYTES = 16 << 10
_WORDS_MAX, _RARE_TRIGRAM_BITS, _PRIOR_SHARE, _PRIOR_BITS = 150, 11, 0.25, 14
_RUN = re.compile(rb"[a-z_]{3,}")
_NO_WORD = re.compile(rb"[\x00-@\[-`{-\x7f]+")
_UTF8_FAULT_BITS, _UTF8_WORD_BITS = 12, 1.5  # a byte that is no UTF-8 in a text that is taken for UTF-8


# Romanian has a comma under two letters in one of them and a cedilla in the other: the bytes are the same.
_TWINS = {"cp1250": "iso8859_16", "iso8859_2": "iso8859_16"}
# Only the capitals of Russian differ in them.
_SAME_SMALL_LETTERS = {"cp1251", "mac_cyrillic"}
_CEDILLAS = str.maketrans("ȘșȚț", "ŞşŢţ")


@dataclass(frozen=True, slots=True)
class Guess:
    """`codec`: Python's name of the likeliest encoding. `rival`: the next one that reads the text otherwise, where
    it is nearly as likely; None where the guess is sure."""

    codec: str
    rival: str | None


def guess_encoding(samples: list[bytes]) -> Guess | None:
    """The likeliest encoding; None if UTF-8 with some damaged bytes is likelier than any."""
    text = _excerpt(samples)
    if not text:
        return None
    damaged = text.decode("utf-8", "replace")
    latin = _is_mostly_ascii(samples) or len(text.translate(None, _ASCII)) < _OTHER_SCRIPT_BYTES
    named = _named(samples, text)
    weighed = _weighed(text, damaged, named, latin, _languages(samples))
    any_utf8 = sum(1 for sign in damaged if sign > "\x7f") > damaged.count("\ufffd")
    faint = not weighed[0][1]
    if faint:
        # What plain letters say against a language they do not say for UTF-8: without them another may be likelier.
        weighed = _weighed(text, damaged, named, latin, {"": 0.0})
        if not (best := weighed[0][1]) or any_utf8:
            return Guess(best, "utf-8") if best else None
    if not any_utf8:
        weighed = [one for one in weighed if one[1]]  # nobody should be told that it may be UTF-8
    cheapest, best, read = weighed[0]
    twin = _TWINS.get(best)
    if twin is not None and (other := text.decode(twin, "replace")) != read and other.translate(_CEDILLAS) == read:
        return Guess(best, twin)
    for bits, codec, other in weighed[1:]:
        if other != read:
            doubt = _DOUBT_BITS if named == read else _ALONE_BITS if named is None else _DISAGREEMENT_BITS
            if faint or _is_little(text, read, other) or {best, codec} == _SAME_SMALL_LETTERS:
                doubt = _DISAGREEMENT_BITS
            return Guess(best, (codec or "utf-8") if bits - cheapest < doubt else None)
    return Guess(best, None)


def _is_little(text: bytes, read: str, other: str) -> bool:
    """Whether too little is there to be sure of: one and the same byte again and again, a few letters, or a few
    ideographs or half-wide signs that may be others."""
    beyond = text.translate(None, _ASCII)
    if len(beyond) < _FEW_BYTES or len(set(beyond)) == 1:
        return True
    if 0 < sum(1 for sign in read if "\uff61" <= sign <= "\uff9f") < _FEW_IDEOGRAPHS:
        return True
    few = [sum(1 for sign in reading if sign > "\u3400") for reading in (read, other)]
    return min(few) > 0 and max(few) < _FEW_IDEOGRAPHS


def _weighed(
    text: bytes, damaged: str, named: str | None, latin: bool, prior: dict[str, float]
) -> list[tuple[float, str, str]]:
    """(bits, codec, the text in it), the likeliest first; the codec of UTF-8 with damaged bytes is ""."""
    signs, faults = sum(1 for sign in damaged if sign > "\x7f"), damaged.count("\ufffd")
    torn = _UTF8_WORD_BITS * len(_TORN_WORD.findall(damaged))
    weighed = [(_UTF8_FAULT_BITS * faults + torn + 7 * (signs - faults), "", damaged)]
    for codec, languages, rarity in CANDIDATES:
        read = text.decode(codec, "replace")
        bits = rarity + _bits(read, languages, prior)
        if latin and languages[0] not in _LATIN:
            bits += _LONELY_BITS
        if read == named:
            bits -= _NAMED_BITS
        weighed.append((bits, codec, read))
    weighed.sort(key=lambda reading: reading[0])
    return weighed


def _named(samples: list[bytes], text: bytes) -> str | None:
    """The text as the library would have it, which knows more encodings by whole words; None where it can't say."""
    if len(text.translate(None, _ASCII)) < _NAMED_BYTES:
        return None
    import chardet  # half a megabyte of tables, which files in UTF-8 never need

    lines: list[bytes] = []
    for line in (line for sample in samples for line in sample.splitlines(keepends=True) if not line.isascii()):
        lines.append(line[:_WORD_BYTES])
        if len(lines) * _WORD_BYTES > _LIBRARY_BYTES and sum(map(len, lines)) > _LIBRARY_BYTES:
            break
    name = chardet.detect(b"".join(lines))["encoding"]
    try:
        return text.decode(name, "replace") if name else None
    except LookupError:
        return None


def _is_mostly_ascii(samples: list[bytes]) -> bool:
    """True if fewer than one in 50 letters is beyond ASCII: then hardly in another script."""
    high = sum(len(sample.translate(None, _ASCII)) for sample in samples)
    letters = sum(len(sample.translate(None, _NO_LETTERS)) for sample in samples)
    return high * 50 < letters


def _excerpt(samples: list[bytes]) -> bytes:
    """Some of the words with bytes beyond ASCII, from all over the samples, each once: a column that says the same in
    every record proves no more than one that says it once."""
    words = {
        word[:_WORD_BYTES]: None for sample in samples for word in _BETWEEN_WORDS.split(sample) if not word.isascii()
    }
    step = max(1, sum(map(len, words)) // TEXT_BYTES)
    return b"\n".join(list(words)[::step])[: 2 * TEXT_BYTES]


def _languages(samples: list[bytes]) -> dict[str, float]:
    """What each Latin language costs by the plain letters of some words, of those with bytes beyond ASCII first; "":
    all others. Words that are English say nothing: it stands in the tables of all."""
    words: dict[bytes, None] = {}
    for sample in samples:
        some = sample[:_WORDS_BYTES].lower()
        words.update((word, None) for word in _NO_WORD.split(some) if 2 < len(word) < 40)
    own = [word for word in words if not word.isascii()]
    others = [word for word in words if word.isascii()]
    total = dict.fromkeys(TRIGRAMS, 0)
    for word in _some(own) + _some(others):
        runs = [run.decode() for run in _RUN.findall(b"_" + word + b"_")]
        trigrams = [run[at : at + 3] for run in runs for at in range(len(run) - 2)]
        cost = {
            language: sum(_trigrams(language).get(trigram, _RARE_TRIGRAM_BITS) for trigram in trigrams)
            for language in TRIGRAMS
        }
        if not (word.isascii() and cost["en"] <= min(cost.values())):
            total = {language: bits + cost[language] for language, bits in total.items()}
    del total["en"]
    least = min(total.values())
    costs = {
        language: min(_PRIOR_BITS, max(0.0, _PRIOR_SHARE * (bits - least) - 1)) for language, bits in total.items()
    }
    # Plain words speak for no other script either.
    return costs | {"": min(costs[language] for language in _WEST)}


def _some(words: list[bytes]) -> list[bytes]:
    return words[:: max(1, len(words) // _WORDS_MAX)][:_WORDS_MAX]


@cache
def _trigrams(language: str) -> dict[str, int]:
    return {
        letters[at : at + 3]: int(bits)
        for bits, letters in re.findall(r"(\d+)([a-z_]+)", TRIGRAMS[language])
        for at in range(0, len(letters), 3)
    }


def _bits(text: str, languages: tuple[str, ...], prior: dict[str, float]) -> float:
    counts = Counter(sign for sign in text if sign > "\x7f")
    letters = {sign: count for sign, count in counts.items() if sign.isalpha()}
    bits = float(sum(_other_bits(sign) * count for sign, count in counts.items() if sign not in letters))
    within, alone, case = _surroundings(text)
    best = float("inf")
    turned = counts["¿"] + counts["¡"]
    for language in languages:
        table = _table(language, languages)
        cost: float = sum((table.get(sign) or _unknown_bits(sign, language)) * count for sign, count in letters.items())
        strangers = alone if language in _LATIN else within
        cost += _STRANGER_BITS * strangers + prior.get(language, prior[""])
        best = min(best, cost if language in ("es", "ca") else cost + _TURNED_BITS * turned)
    halves = _HALVES if languages[0] not in _IDEOGRAPHS else _HALVES_OF_KANA
    bits += _HALF_BITS * len(halves.findall(text))
    bits += _STUCK_BITS * sum(counts[begin] for begin, ends in _QUOTES if not any(counts[end] for end in ends))
    bits += _AMONG_DIGITS_BITS * len(_LETTER_AMONG_DIGITS.findall(text))
    bits -= (_OTHER_BITS - _COMMON_SIGN_BITS) * len(_BLANK_AMONG_DIGITS.findall(text))
    return bits + best + _CASE_BITS * case + _STUCK_BITS * len(_STUCK.findall(text))


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


_TORN_WORD = re.compile(r"[A-Za-z]\ufffd|\ufffd[A-Za-z]")
_QUOTES = (("‚", "‘’"), ("„", "“”"), ("‹", "›"))  # that are opened are closed
_HALVES = re.compile(r"[^\x00-\x7f][\\^_`{|}~@\[\]]")
_HALVES_OF_KANA = re.compile(r"[\uff61-\uff9f][A-Za-z\\^_`{|}~@\[\]]")
# Signs within a word or before one, and such as open nothing at its beginning.
_WITHIN_WORDS = (
    r"\w\x00-\x7f’‘´`·°ºª²³®™©»”“…–—、。，；：！？（）「」『』・ー～　）］｝" r"\u0300-\u036f\u0e00-\u0e7f\u064b-\u0652"
)
_STUCK = re.compile(
    rf"(?<=[^\W\d_])[^{_WITHIN_WORDS}](?=[^\W\d_])"
    r"|(?<=[a-z])[“”„‘´`®™©»«°](?=[a-z])"
    r"|(?<![^\W\d_])[’»”¶©®™°¼½¾¹²³¸¨´¦¬±÷×¢¤¥‚…‰†‡•€](?=[^\W\d_])"
    r"|(?<=[^\W\d_])[¼½¾¸¨¦¬±¶¤¢¥÷×‰‡†](?![^\W\d_])"
)
# As many countries write a thousand: 1 234,50. Ideographs may stand there too: 2026年1月.
_BLANK_AMONG_DIGITS = re.compile(r"(?<=\d)\xa0(?=\d)")
_LETTER_AMONG_DIGITS = re.compile(r"(?<=\d)[\xaa-\u1fff](?<=[^\W\d_])(?=\d)")
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
