"""What would make a bad cell good: proposals for a column's bad texts, each of which the column's own rules accept.

Nothing here is ever applied by itself. A proposal has a reason, a code that surfaces put into words:

    invisible    signs that cannot be seen, and white space, taken out or collapsed
    width        full-width and other compatibility forms, and digits of other scripts, written the usual way
    case         the same in upper or lower case
    other_name   another name of a list value, which the template gives (`alternateValues`)
    nearest      the nearest value of a list
    number       a number written another country's way
    date         a date written another way
    email        a usual slip of an e-mail address
    word         a usual word for yes or no
    phone        a phone number with + before its country's code, without what does not belong to it
    learned      what people chose for this text before

Where a text may be read in two ways ("03/04/2026") both are proposed, the likelier one first if the column itself
proves which way its texts are written.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from douane.model.template import Column, Template
from douane.sheet.check import Checker
from douane.sheet.columns.contract import SPACE
from douane.sheet.mapping import Layout
from douane.sheet.matching import plain

MOST = 4  # proposals for one text
_NEAR = 78  # of 100: from how alike on a list value is proposed
_LENGTH_MAX = 400  # characters of a text that is worth looking at

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufe00-\ufe0f]"
)
_BLANKS = re.compile(f"[{SPACE}\u0085]+")
_SIGNS = re.compile(
    r"[\s\u00a0\u202f€$£¥₹₽₺]|\b(?:EUR|USD|GBP|CHF|JPY|PLN|SEK|NOK|DKK|CZK|HUF|RON|BGN|TRY|Fr|kr|zł|Kč|Ft)\b\.?",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[+-]?\d[\d.,'’\s\u00a0\u202f_]*|[+-]?[.,]\d+")
_MONTHS = {
    "en": "january february march april may june july august september october november december",
    "de": "januar februar märz april mai juni juli august september oktober november dezember",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "pl": "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
}
_MONTH_NUMBERS = {_name: at for _names in _MONTHS.values() for at, _name in enumerate(_names.split(), 1)}
_DATE = re.compile(r"(\d{1,4})[./\-\s年](\d{1,2})[./\-\s月](\d{1,4})日?(?:[T\s]\d.*)?")
_DATE_WITH_MONTH = re.compile(
    r"(?:(\d{1,2})(?:st|nd|rd|th|\.)?\s*(?:de\s+|of\s+)?([^\W\d_]{3,12})\.?|([^\W\d_]{3,12})\.?\s+(\d{1,2})(?:st|nd|rd|th)?),?\s*(?:de\s+)?(\d{4}|\d{2})"
)
_DAY = re.compile(r"(\d{4})(\d{2})(\d{2})")
_TWO_DIGITS_PIVOT = 70  # 70 to 99 are of the last century
_DOMAINS = (
    "gmail.com",
    "googlemail.com",
    "outlook.com",
    "hotmail.com",
    "yahoo.com",
    "icloud.com",
    "gmx.de",
    "web.de",
    "t-online.de",
    "orange.fr",
    "wanadoo.fr",
    "libero.it",
)
# Proposals that leave a text what it is, or that a person made.
_SAME = frozenset({"learned", "invisible", "width"})
_YES = frozenset(
    str.split("true yes y 1 x on ok ja j oui o sí si s sim tak t да д evet はい 是 نعم ✓ ✔ wahr vrai verdadero")
)
_NO = frozenset(str.split("false no n 0 - off nein non não nie нет н hayır いいえ 否 لا ✗ ✘ falsch faux falso"))


@dataclass(frozen=True, slots=True)
class Proposal:
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Hints:
    """What a column's own texts prove about how it is written; None = nothing. `day_first`: of dates such as
    03/04/2026. `decimal`: the sign before fractions."""

    day_first: bool | None = None
    decimal: str | None = None


def hints_of(texts: Sequence[str]) -> Hints:
    """By texts that can be read in one way only: 31/12 has its day first, 1.234,5 its decimal comma."""
    first = second = 0
    decimals = {".": 0, ",": 0}
    for text in texts:
        if found := _DATE.fullmatch(text.strip()):
            one, two = int(found[1]), int(found[2])
            first += 12 < one <= 31
            second += 12 < two <= 31 and one <= 12
        elif _NUMBER.fullmatch(bare := _SIGNS.sub("", text)):
            signs = [sign for sign in bare if sign in ".,"]
            if len(set(signs)) == 2 or (len(signs) == 1 and len(bare) - bare.index(signs[0]) != 4):
                decimals[signs[-1]] += 1
    day_first = None if bool(first) == bool(second) else bool(first)
    decimal = None if bool(decimals["."]) == bool(decimals[","]) else max(decimals, key=lambda sign: decimals[sign])
    return Hints(day_first, decimal)


def proposals(
    column: Column, texts: Sequence[str], hints: Hints = Hints(), known: Mapping[str, str] | None = None
) -> list[tuple[Proposal, ...]]:
    """For each of the texts, distinct ones that the column's rules refuse, what they would accept in its place: at most
    MOST, the likeliest first, none where nobody can say. Uniqueness is not asked for. `known`: what people chose
    before, by the text as `matching.plain` has it. What is wrong only beside others gets no
    other spelling: none would make it right."""
    known = known or {}
    wanted = [[*_learned(known, text), *_candidates(column, text, hints)] for text in texts]
    flat = list(dict.fromkeys([*(one.text for found in wanted for one in found), *texts]))
    good = {text for text, is_good in zip(flat, _accepted(column, flat), strict=True) if is_good}
    wanted = [
        [one for one in found if text not in good or one.reason in _SAME]
        for text, found in zip(texts, wanted, strict=True)
    ]
    answer = []
    for text, found in zip(texts, wanted, strict=True):
        kept: dict[str, Proposal] = {}
        for one in found:
            if one.text in good and one.text != text and one.text not in kept:
                kept[one.text] = one
        answer.append(tuple(kept.values())[:MOST])
    return answer


def _accepted(column: Column, texts: Sequence[str]) -> list[bool]:
    """Whether the column's rules find nothing wrong with each text."""
    if not texts:
        return []
    alone = replace(column, unique=False, validations=tuple(one for one in column.validations if not one.unique_key))
    checker = Checker(Template("", (alone,)), Layout((column.key,), (0,), 1, 1))
    frame = pl.DataFrame(
        {"c0": list(texts), "_line": list(range(len(texts)))}, schema={"c0": pl.String, "_line": pl.Int64}
    )
    mask = checker.judge(frame).mask & checker.invalid_words
    return [not any(words) for words in mask.tolist()]


def _learned(known: Mapping[str, str], text: str) -> list[Proposal]:
    chosen = known.get(plain(text)) if known else None
    return [] if chosen is None else [Proposal(chosen, "learned")]


def _candidates(column: Column, text: str, hints: Hints) -> Iterator[Proposal]:
    """In the order of how much they change."""
    if not text.strip(SPACE) or len(text) > _LENGTH_MAX:
        return
    seen = _BLANKS.sub(" ", _INVISIBLE.sub("", text)).strip()
    usual = unicodedata.normalize("NFKC", seen)
    for changed, reason in ((seen, "invisible"), (usual, "width")):
        yield Proposal(changed, reason)
    if not usual.isascii() and (figures := _figures(usual)) != usual:
        usual = figures
        yield Proposal(usual, "width")
    own = _BY_TYPE.get(column.type)
    if own is not None:
        yield from own(column, usual, hints)
    if own is None:
        for changed in (usual.upper(), usual.lower(), usual.title(), usual.capitalize()):
            yield Proposal(changed, "case")
    yield Proposal(_BLANKS.sub("", usual), "invisible")


def _figures(text: str) -> str:
    """Digits of any script as the ten that programs know: "٣٤" is 34."""
    return "".join(str(unicodedata.decimal(sign)) if sign.isdecimal() else sign for sign in text)


# By type


def _numbers(column: Column, text: str, hints: Hints) -> Iterator[Proposal]:
    bare = _SIGNS.sub("", text).replace("\u2212", "-").replace("\u066b", ".").replace("\u066c", "")
    if bare.startswith("(") and bare.endswith(")"):
        bare = f"-{bare[1:-1]}"
    if re.fullmatch(r"[\d.,'’]+-", bare):  # SAP writes the minus behind
        bare = f"-{bare[:-1]}"
    if not _NUMBER.fullmatch(bare):
        return
    order = [".", ","]
    last = max(bare.rfind("."), bare.rfind(","))
    if hints.decimal is not None:
        order = [hints.decimal, *(sign for sign in order if sign != hints.decimal)]
    elif last >= 0:
        order = [bare[last], *(sign for sign in order if sign != bare[last])]
    for decimal in order:
        whole, _, fraction = bare.partition(decimal)
        groups = re.split(r"[.,'’_]", whole)
        if decimal in fraction or re.search(r"[.,'’_]", fraction):
            continue
        if len(groups) > 1 and not all(len(group) == 3 for group in groups[1:]):
            continue
        yield Proposal("".join(groups) + (f".{fraction}" if fraction else ""), "number")


def _dates(column: Column, text: str, hints: Hints) -> Iterator[Proposal]:
    for day in _days(text, hints):
        for form in column.date_formats or ("DD/MM/YYYY",):
            yield Proposal(_written(day, form), "date")


def _days(text: str, hints: Hints) -> Iterator[date]:
    if found := _DAY.fullmatch(text):
        yield from _real(int(found[1]), int(found[2]), int(found[3]))
    if found := _DATE_WITH_MONTH.fullmatch(text):
        month = _month(found[2] or found[3])
        if month:
            yield from _real(_year(found[5]), month, int(found[1] or found[4]))
    if found := _DATE.fullmatch(text):
        one, two, three = found[1], int(found[2]), found[3]
        if len(one) >= 3:
            yield from _real(int(one), two, int(three))
            return
        ways = [(two, int(one)), (int(one), two)]  # (month, day): the day first, as most of the world writes
        if hints.day_first is False:
            ways.reverse()
        for month, day in ways:
            yield from _real(_year(three), month, day)


def _month(word: str) -> int | None:
    """By its name or the first letters of it, in the languages here."""
    plain = word.casefold()
    if plain in _MONTH_NUMBERS:
        return _MONTH_NUMBERS[plain]
    found = {number for name, number in _MONTH_NUMBERS.items() if name.startswith(plain)}
    return found.pop() if len(found) == 1 else None


def _year(text: str) -> int:
    year = int(text)
    return year if len(text) > 2 else year + (1900 if year >= _TWO_DIGITS_PIVOT else 2000)


def _real(year: int, month: int, day: int) -> Iterator[date]:
    try:
        yield date(year, month, day)
    except ValueError:
        return


def _written(day: date, form: str) -> str:
    names = (
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    )
    written = {
        "YYYY": f"{day.year:04}",
        "YY": f"{day.year % 100:02}",
        "MMMM": names[day.month - 1],
        "MMM": names[day.month - 1][:3],
        "MM": f"{day.month:02}",
        "M": str(day.month),
        "DD": f"{day.day:02}",
        "D": str(day.day),
    }
    return re.sub(
        r"\[([^\]]*)\]|YYYY|YY|MMMM|MMM|MM|M|DD|D",
        lambda token: token[1] if token[1] is not None else written[token[0]],
        form,
    )


def _choices(column: Column, text: str, hints: Hints) -> Iterator[Proposal]:
    if column.multi:
        parts = [part.strip() for part in re.split(rf"{re.escape(column.delimiter)}|[,;|/]", text) if part.strip()]
        chosen = [_choice(column, part) for part in parts]
        if parts and all(chosen):
            yield Proposal(column.delimiter.join(dict.fromkeys(one[0].text for one in chosen)), chosen[0][0].reason)
        return
    yield from _choice(column, text)


def _choice(column: Column, text: str) -> list[Proposal]:
    plain = _plain(text)
    found = [Proposal(option, "case") for option in column.options if _plain(option) == plain]
    for other, option in column.setting("alternateValues") or ():
        if _plain(other) == plain and option in column.options:
            found.append(Proposal(option, "other_name"))
    if not found and len(plain) > 1:
        from rapidfuzz import fuzz, process

        scored = process.extract(
            plain, [_plain(option) for option in column.options], scorer=fuzz.ratio, limit=3, score_cutoff=_NEAR
        )
        found = [Proposal(column.options[at], "nearest") for _, _, at in scored]
        if not found:
            # "Germany (DE)": a value of the list that stands in the text as a whole word, or begins with it.
            words = [
                option
                for option in column.options
                if len(_plain(option)) > 3 and re.search(rf"\b{re.escape(_plain(option))}\b", plain)
            ]
            starts = [option for option in column.options if len(plain) > 3 and _plain(option).startswith(plain)]
            either = list(dict.fromkeys([*words, *starts]))
            found = [Proposal(either[0], "nearest")] if len(either) == 1 else []
    return found


def _plain(text: str) -> str:
    """Without case, accents, signs and doubled blanks."""
    parts = unicodedata.normalize("NFKD", text).casefold()
    return " ".join(re.findall(r"\w+", "".join(sign for sign in parts if not unicodedata.combining(sign))))


def _emails(column: Column, text: str, hints: Hints) -> Iterator[Proposal]:
    bare = re.sub(r"^(?:mailto:|<)|>$", "", text.strip(" .,;:'\"<>()"), flags=re.IGNORECASE)
    if found := re.search(r"<([^<>\s]+@[^<>\s]+)>", text):
        bare = found[1]
    bare = re.sub(r"\s*(?:\(at\)|\[at\]|\{at\})\s*", "@", bare, flags=re.IGNORECASE)
    bare = re.sub(r"\s*(?:\(dot\)|\[dot\])\s*", ".", bare, flags=re.IGNORECASE)
    tight = re.sub(r"@{2,}", "@", re.sub(r"\s+", "", bare).replace(",", ".").replace(";", "."))
    tight = re.sub(r"\.{2,}", ".", tight).replace(".@", "@").replace("@.", "@")
    yield Proposal(bare, "email")
    yield Proposal(tight, "email")
    name, at, domain = tight.partition("@")
    if at:
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        near = process.extractOne(domain.casefold(), _DOMAINS, scorer=OSA.distance, score_cutoff=2)
        if near is not None:
            yield Proposal(f"{name}@{near[0]}", "email")
        yield Proposal(f"{name}@{re.sub(r'[.](?:con|cmo|ocm|vom|xom)$', '.com', domain, flags=re.IGNORECASE)}", "email")
    elif re.search(r"[A-Za-z0-9]2(?:gmail|outlook|hotmail|yahoo)", tight):  # the key of @ without Shift
        yield Proposal(re.sub(r"2(gmail|outlook|hotmail|yahoo)", r"@\1", tight), "email")


def _yes_or_no(column: Column, text: str, hints: Hints) -> Iterator[Proposal]:
    plain = text.casefold().strip(" .!")
    for words, name, usual in ((_YES, "trueValues", "true"), (_NO, "falseValues", "false")):
        if plain in words:
            yield Proposal((column.setting(name) or (usual,))[0], "word")


def _phones(column: Column, text: str, hints: Hints) -> Iterator[Proposal]:
    bare = re.sub(r"(?i)^(?:tel|phone|fon|mobile?|handy)\b[:. ]*", "", text)
    bare = re.sub(r"(?i)[\s,;]*(?:ext\.?|extension|durchwahl|x|#)\s*\d{1,6}$", "", bare)
    yield Proposal(bare, "phone")
    digits = re.sub(r"\D", "", bare)
    yield Proposal("+" + digits.removeprefix("00"), "phone")


_Maker = Callable[[Column, str, Hints], Iterator[Proposal]]
_BY_TYPE: dict[str, _Maker] = {
    "Number": _numbers,
    "Double": _numbers,
    "Date": _dates,
    "Select": _choices,
    "Email": _emails,
    "Boolean": _yes_or_no,
    "Phone": _phones,
}
