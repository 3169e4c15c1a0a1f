"""What a workbook's number format says about a cell: plain number, moment in time, duration, zero-padded code, or one
of these by the value.

The code language is that of ECMA-376 part 1, 18.8.30 and 18.8.31. Only what decides a value's kind is read: how a date
is ordered or how many decimals are shown changes nothing, for a cell is staged by its value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

NUMBER, DATE, DATETIME, TIME, ELAPSED, PADDED, BY_VALUE = range(7)
DIGIT = "\0"


@dataclass(frozen=True, slots=True, order=True)
class NumberFormat:
    """`meaning` is one of NUMBER ... BY_VALUE. Where it is PADDED, `digits` is the least number of digits shown and
    `picture` what stands around them, with DIGIT for each of these digits; "" where it is nothing but the digits. Where
    it is BY_VALUE, the first of `choices` whose condition holds is the format; a number for which none does is one."""

    meaning: int = NUMBER
    digits: int = 0
    picture: str = ""
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Choice:
    """`sign`: `<`, `<=`, `>`, `>=`, `=` or `<>`; a value is compared with `bound` by it."""

    sign: str
    bound: float
    form: NumberFormat


_ALWAYS = ("<=", float("inf"))


# The ids up to 49 are the same in every language. 27 to 36 and 50 to 58 are East Asian dates and times whose codes
# depend on the language of the program; as DATE a value below 1 still comes out as a time.
BUILT_IN: dict[int, NumberFormat] = {
    **{i: NumberFormat(DATE) for i in (14, 15, 16, 17, *range(27, 32), 36, 50, 51, 52, 53, 54, 55, 56, 57, 58)},
    **{i: NumberFormat(TIME) for i in (18, 19, 20, 21, 32, 33, 34, 35, 45, 47)},
    22: NumberFormat(DATETIME),
    46: NumberFormat(ELAPSED),
}

# What programs in other languages call it; some write `G/` before their own word.
_GENERAL = (
    r"G/[^\W\da-z_]+|generale?|standard(?:owy)?|standaard|estándar|geral|ogólny|yleinen|genel|v(?:š|ę|s)eobecn[ýy]|normál"
    r"|標準|일반|основной|常规|通用格式"
)
_CONDITION = re.compile(r"\[(<=|>=|<>|<|>|=)\s*([-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?)\]", re.IGNORECASE)
_TOKEN = re.compile(
    r'"[^"]*"?|\\.|[_*].|(?P<elapsed>\[(?:h+|m+|s+)\])|\[[^\]]*\]?'
    rf"|(?P<general>{_GENERAL})|(?P<clock>am/pm|a/p|上午/下午)|(?P<science>e[+-])|(?P<letters>y+|m+|d+|h+|s+|e+|g+|b+|a{(3,)})|(?P<digit>[0#?])"
    r"|(?P<end>;)|.",
    re.IGNORECASE | re.DOTALL,
)
# What a padded code is made of: places for digits, texts, signs that stand for themselves, marks that show nothing.
_PIECE = re.compile(
    r'(?P<digit>0)|(?P<place>#)|"(?P<text>[^"]*)"|\\(?P<sign>.)|(?P<plain>[-+ ():!^&\'~{}<>=\u00a0])|\*.|\[\$-[^\]]*\]'
    r"|\[(?:black|blue|cyan|green|magenta|red|white|yellow|color ?\d+)\]",
    re.IGNORECASE | re.DOTALL,
)


def number_format(code: str) -> NumberFormat:
    """The meaning of a format code. Its first section counts, for the others are for negative values, zero and text;
    unless sections say themselves which values they are for (`[<=99999]00000;00000-0000`)."""
    if "[" in code and _CONDITION.search(code):
        return chosen(list(_choices(_sections(code))))
    return _simple(code)


def chosen(choices: list[Choice]) -> NumberFormat:
    """The format that is one of these, by the value."""
    forms = {choice.form for choice in choices}
    if forms <= {NumberFormat()}:
        return NumberFormat()
    if len(forms) == 1 and (choices[-1].sign, choices[-1].bound) == _ALWAYS:
        return choices[0].form
    return NumberFormat(BY_VALUE, choices=tuple(choices))


def otherwise(form: NumberFormat) -> Choice:
    """The choice for all values that are left."""
    return Choice(*_ALWAYS, form)


def _sections(code: str) -> list[str]:
    ends = [token.start() for token in _TOKEN.finditer(code) if token["end"]]
    return [code[begin:end] for begin, end in zip([0, *(end + 1 for end in ends)], [*ends, len(code)], strict=True)]


def _choices(sections: list[str]) -> Iterator[Choice]:
    """The section behind conditions is for all other values; one without, between others, for negative ones."""
    for number, section in enumerate(sections[:3]):
        condition = _CONDITION.search(section)
        form = _simple(_CONDITION.sub("", section, count=1))
        if condition is not None:
            yield Choice(condition[1], float(condition[2]), form)
        elif number == len(sections[:3]) - 1:
            yield otherwise(form)
        else:
            yield Choice("<", 0.0, form)


def _simple(code: str) -> NumberFormat:
    plain = code.strip()
    if padded := _padded(plain):
        return padded
    letters: list[str] = []
    placeholders = elapsed = False
    for token in _TOKEN.finditer(plain):
        if token["end"]:
            break
        if token["general"]:
            return NumberFormat()
        if token["elapsed"]:
            elapsed = True
        elif token["clock"]:
            letters.append("clock")
        elif token["letters"]:
            letters.append(token["letters"][0].lower())
        elif token["digit"] or token["science"]:
            placeholders = placeholders or token.group() != "0" or "s" not in letters
    if elapsed:
        return NumberFormat(ELAPSED)
    if placeholders:
        return NumberFormat()
    date = any(c in "ydegba" for c in letters if c != "clock")
    time = any(c in ("h", "s", "clock") for c in letters)
    # m is the minute right after an hour or right before a second, else the month.
    for i, letter in enumerate(letters):
        near_hour = i > 0 and letters[i - 1] == "h"
        near_second = i + 1 < len(letters) and letters[i + 1] == "s"
        date = date or (letter == "m" and not near_hour and not near_second)
    if date:
        return NumberFormat(DATETIME if time else DATE)
    return NumberFormat(TIME) if time else NumberFormat()


def _padded(code: str) -> NumberFormat | None:
    """The format of a code with leading zeros (`00000`, `"SKU-"00000`, `000-00-0000`); None for any other.

    A single zero pads nothing, but where it makes zeros of the places behind it (`0#" "##" "##`). Two zeros with
    nothing but a unit behind them (`00" kg"`) measure something, and so does what has a decimal sign, a separator of
    thousands, a percent sign, an exponent or a currency."""
    picture: list[str] = []
    at = optional = 0
    while at < len(code) and code[at] != ";":
        if code[at] == "_" and at + 1 < len(code):
            at += 2  # as wide as the next sign, and empty
            picture.append(" ")
            continue
        piece = _PIECE.match(code, at)
        if piece is None:
            return None
        at = piece.end()
        if piece["digit"] or (piece["place"] and DIGIT in picture):
            picture.append(DIGIT)
        elif piece["place"]:
            optional += 1  # shown only where a number has more digits
        elif optional and DIGIT not in picture:
            return None
        else:
            picture.append(piece["text"] or piece["sign"] or piece["plain"] or "")
    whole = "".join(picture).strip(" ")
    digits = whole.count(DIGIT)
    if digits == len(whole):
        return NumberFormat(PADDED, digits) if digits > 1 else None
    if digits < 2 or (digits == 2 and whole.startswith(DIGIT * 2)):
        return None
    return NumberFormat(PADDED, digits, whole)
