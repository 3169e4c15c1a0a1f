"""What would make a bad cell good: proposals for a column's bad texts, each of which the column's own rules accept.

Nothing here is ever applied by itself. A proposal has a reason, a code that surfaces put into words:

    invisible    signs that cannot be seen, and white space, taken out or collapsed
    width        full-width and other compatibility forms, and digits of other scripts, written the usual way
    case         the same in upper or lower case
    other_name   another name of a list value, which the template gives (`alternateValues`)
    nearest      the nearest value of a list
    number       a number written another country's way, or an amount of money
    date         a date written another way, or as the number of days that sheet programs count
    time         a time of day, with its day or alone, written another way
    email        a usual slip of an e-mail address
    url          an address of the web with what it begins with
    iban         an account number alone, O and I among its digits read as such
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
from datetime import date, datetime, time, timedelta

import polars as pl

from douane.model.template import Column, Template, Validation
from douane.sheet import validations
from douane.sheet.check import Checker
from douane.sheet.columns.contract import SPACE
from douane.sheet.columns.moment import with_formats
from douane.sheet.mapping import Layout
from douane.sheet.matching import plain
from douane.sheet.month_names import LONG, SHORT

MOST = 4  # proposals for one text
_NEAR = 78  # of 100: from how alike on a list value is proposed
_NEAR_BY_ROOT, _ROOT = 70, 4  # the same where so many first letters agree: Francia, Francja
_LENGTH_MAX = 400  # characters of a text that is worth looking at

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufe00-\ufe0f]"
)
_BLANKS = re.compile(f"[{SPACE}\u0085]+")
# What stands before or behind an amount: what money is called, by ISO 4217 or as people of its country shorten it.
_MONEY = (
    "AED ALL AMD ARS AUD AZN BAM BDT BGN BHD BRL BYN CAD CHF CLP CNY COP CRC CZK DKK DOP DZD EGP EUR GBP GEL GHS GTQ "
    "HKD HUF IDR ILS INR IQD ISK JOD JPY KES KRW KWD KZT LBP LKR MAD MDL MKD MXN MYR NGN NOK NZD OMR PEN PHP PKR PLN "
    "QAR RON RSD RUB SAR SEK SGD THB TND TRY TWD UAH USD UYU UZS VND XAF XOF ZAR "
    "fr sfr kr zł kč ft tl rs rp rm r lei лв грн руб р ден din s/ euro euros dollar dollars"
)
_WORDS_FOR_MONEY = "|".join(re.escape(word) for word in sorted(_MONEY.split(), key=len, reverse=True))
_SIGN = rf"(?:[a-z]{{0,3}}[$€£¥₹₽₺₩₫₱฿₪₴₦₡₸₾₼]|{_WORDS_FOR_MONEY})\.?"
_AMOUNT = re.compile(
    rf"([+-]?)(?:{_SIGN}(?=[\s\d.,+-]))?\s*(?P<number>[+-]?[\d.,].*?)\s*(?:(?<![a-z]){_SIGN})?\s*(-?)", re.IGNORECASE
)
_NO_CENTS = re.compile(r"(?<=\d)[.,][-\u2014]{1,2}(?=\D*$)")  # 12,- is twelve
_NUMBER = re.compile(r"[+-]?\d[\d.,'’_]*|[+-]?[.,]\d+")
_INDIAN = re.compile(r"([+-]?\d{1,2}(?:,\d\d)+,\d{3})((?:\.\d*)?)")
_OTHER_SIGNS = str.maketrans({"٫": ".", "٬": "'", "\u2212": "-", "\u2013": "-"})
# Beside those of `month_names`, as they stand in a date; some languages know a second form.
_MORE_MONTHS = (
    "januari februari mars april maj juni juli augusti september oktober november december",
    "januar februar marts april maj juni juli august september oktober november desember",
    "ledna února března dubna května června července srpna září října listopadu prosince",
    "leden únor březen duben květen červen červenec srpen září říjen listopad prosinec",
    "styczeń luty marzec kwiecień maj czerwiec lipiec sierpień wrzesień październik listopad grudzień",
    "ocak şubat mart nisan mayıs haziran temmuz ağustos eylül ekim kasım aralık",
    "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
    "январь февраль март апрель май июнь июль август сентябрь октябрь ноябрь декабрь",
    "січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня",
    "ianuarie februarie martie aprilie mai iunie iulie august septembrie octombrie noiembrie decembrie",
    "január február március április május június július augusztus szeptember október november december",
    "i ii iii iv v vi vii viii ix x xi xii",
)
_MONTH_NUMBERS = {
    _name.casefold(): _at
    for _names in (*LONG.values(), *(_words.split() for _words in _MORE_MONTHS), *SHORT.values())
    for _at, _name in enumerate(_names, 1)
}
_BETWEEN = r"(?:\s*[.,/-]\s*|\s+(?:de\s+|of\s+)?)"
_DATE = re.compile(r"(\d{1,4})(?:[./,\-\s年]|\.\s)(\d{1,2})(?:[./,\-\s月]|\.\s)(\d{1,4})日?(?:[T\s]\d.*)?")
_DATE_WITH_MONTH = re.compile(
    rf"(?:(\d{{1,2}})(?:st|nd|rd|th|er|o|°|\.)?{_BETWEEN}?([^\W\d_]{{1,12}})\.?"
    rf"|([^\W\d_]{{3,12}})\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?){_BETWEEN}(\d{{4}}|\d{{2}})"
)
_YEAR_AND_MONTH = re.compile(r"(\d{4})[.,/-]?\s*([^\W\d_]{3,12})[.,/-]?\s*(\d{1,2})")
_WEEKDAY = re.compile(r"([^\W\d_]{1,12})(?:-feira)?\.?,?\s+(?=\d)")
_BEHIND_A_DATE = re.compile(r"(?<=\d)(?:\.|\s*[rг]\.?)$")  # rok, год
_DAY = re.compile(r"(\d{4})(\d{2})(\d{2})")
_SERIAL = re.compile(r"\d{5}")  # of days, as sheet programs count them
_SERIALS = range(20_000, 65_000)  # from 1954 to 2077
_CLOCK = re.compile(
    r"(\d{1,2})(?:\s*(?:[:.h]|uhr)\s*(\d{2})(?:[:.](\d{2}))?)?(?:\s*(?:(uhr|h|hrs?)|([ap])\.?\s?m\.?))?", re.IGNORECASE
)
_FIGURES_OF_A_CLOCK = re.compile(r"(\d{2})(\d{2})(\d{2})?")
_DAY_AND_CLOCK = re.compile(
    r"(.+?)(?:T|,?\s+(?:um|at|à|às|alle|o)?\s*)(\d{1,6}(?:(?:[:.h\s]|uhr)*\d{2})*\s*(?:uhr|h|hrs?|[ap]\.?\s?m\.?)?)",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"h+t+p(s?)\s*[:;.]?\s*[/\\]{1,3}\s*", re.IGNORECASE)
_HOST_FIRST = re.compile(r"[\w-]+(?:\.[\w-]+)+(?:[/:?#]\S*)?")
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
    str.split("true yes y 1 x on ok ja j oui o sí si s sim tak t да д evet はい 是 نعم ✓ ✔ √ wahr vrai verdadero")
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
        elif bare := _amount(text):
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
    alone = replace(column, unique=False, validations=tuple(one for one in column.validations if _of_it_alone(one)))
    checker = Checker(Template("", (alone,)), Layout((column.key,), (0,), 1, 1))
    frame = pl.DataFrame(
        {"c0": list(texts), "_line": list(range(len(texts)))}, schema={"c0": pl.String, "_line": pl.Int64}
    )
    mask = checker.judge(frame).mask & checker.invalid_words
    return [not any(words) for words in mask.tolist()]


def _of_it_alone(validation: Validation) -> bool:
    """Whether a cell's own text decides it: neither other columns nor other records or imports do."""
    member = validations.member(validation.validate)
    return member.across is None and member.together is None and member.reference is None


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
    bare = _amount(text)
    if not bare:
        return
    if found := _INDIAN.fullmatch(bare):
        yield Proposal(found[1].replace(",", "") + found[2].rstrip("."), "number")
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


def _amount(text: str) -> str:
    """A number as it is written, its sign before it, without what money it is and without blanks; "" = it is none."""
    plain = _figures(text.translate(_OTHER_SIGNS)).strip()
    plain = _NO_CENTS.sub("", plain)
    if plain.startswith("(") and plain.endswith(")"):
        plain = f"-{plain[1:-1].strip()}"
    found = _AMOUNT.fullmatch(plain)
    if found is None:
        return ""
    # SAP writes the minus behind.
    bare = found[1].replace("+", "") + found[3] + re.sub(r"\s+", "", found["number"])
    return bare if _NUMBER.fullmatch(bare) else ""


def _dates(column: Column, text: str, hints: Hints) -> Iterator[Proposal]:
    for day in _days(text, hints):
        for form in column.date_formats or ("DD/MM/YYYY",):
            yield Proposal(_written(datetime.combine(day, time()), form), "date")


def _moments(column: Column, text: str, hints: Hints) -> Iterator[Proposal]:
    clock = _clock(text)
    if column.type == "Time":
        moments = [] if clock is None else [datetime.combine(date.min, clock)]
    else:
        moments = [datetime.combine(day, time()) for day in _days(text, hints)]
        if (found := _DAY_AND_CLOCK.fullmatch(text)) and (clock := _clock(found[2])):
            moments = [datetime.combine(day, clock) for day in _days(found[1], hints)] or moments
    for moment in moments:
        for form in with_formats(column).date_formats:
            # What a form has no place for is not to be lost, and where it was nobody knows.
            if "Z" not in form and (not moment.second or "s" in form):
                yield Proposal(_written(moment, form), "time")
                break


def _clock(text: str) -> time | None:
    found = _FIGURES_OF_A_CLOCK.fullmatch(text)
    half = ""
    if found is None:
        found = _CLOCK.fullmatch(text)
        if found is None or not (found[2] or found[4] or found[5]):
            return None
        half = (found[5] or "").casefold()
    hour, minute, second = (int(digits or 0) for digits in (found[1], found[2], found[3]))
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "p" else 0)
    return time(hour, minute, second) if hour < 24 and minute < 60 and second < 60 else None


def _days(text: str, hints: Hints) -> Iterator[date]:
    if found := _DAY.fullmatch(text):
        yield from _real(int(found[1]), int(found[2]), int(found[3]))
    if _SERIAL.fullmatch(text) and int(text) in _SERIALS:
        yield date(1899, 12, 30) + timedelta(days=int(text))
    if (found := _WEEKDAY.match(text)) and _month(found[1]) is None:
        text = text[found.end() :]
    text = _BEHIND_A_DATE.sub("", text)
    if found := _DATE_WITH_MONTH.fullmatch(text):
        month = _month(found[2] or found[3])
        if month:
            yield from _real(_year(found[5]), month, int(found[1] or found[4]))
    if (found := _YEAR_AND_MONTH.fullmatch(text)) and (month := _month(found[2])):
        yield from _real(int(found[1]), month, int(found[3]))
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
    found = {number for name, number in _MONTH_NUMBERS.items() if len(plain) > 2 and name.startswith(plain)}
    return found.pop() if len(found) == 1 else None


def _year(text: str) -> int:
    year = int(text)
    return year if len(text) > 2 else year + (1900 if year >= _TWO_DIGITS_PIVOT else 2000)


def _real(year: int, month: int, day: int) -> Iterator[date]:
    try:
        yield date(year, month, day)
    except ValueError:
        return


def _written(day: datetime, form: str) -> str:
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
        "HH": f"{day.hour:02}",
        "H": str(day.hour),
        "hh": f"{(day.hour + 11) % 12 + 1:02}",
        "h": str((day.hour + 11) % 12 + 1),
        "mm": f"{day.minute:02}",
        "m": str(day.minute),
        "ss": f"{day.second:02}",
        "s": str(day.second),
        "SSS": "000",
        "A": "AM" if day.hour < 12 else "PM",
        "a": "am" if day.hour < 12 else "pm",
    }
    return re.sub(
        r"\[([^\]]*)\]|YYYY|YY|MMMM|MMM|MM|M|DD|D|HH|H|hh|h|mm|m|ss|s|SSS|A|a",
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
            plain, [_plain(option) for option in column.options], scorer=fuzz.ratio, limit=3, score_cutoff=_NEAR_BY_ROOT
        )
        near = [(option, at) for option, score, at in scored if score >= _NEAR or option[:_ROOT] == plain[:_ROOT]]
        found = [Proposal(column.options[at], "nearest") for _, at in near]
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


def _addresses(column: Column, text: str, hints: Hints) -> Iterator[Proposal]:
    bare = text.strip(" <>\"'()").rstrip(".,;")
    tight = _BLANKS.sub("", bare)
    for one in dict.fromkeys((bare, tight)):
        if found := _SCHEME.match(one):
            yield Proposal(f"http{found[1].lower()}://{one[found.end() :]}", "url")
        elif _HOST_FIRST.fullmatch(one):
            yield Proposal(f"https://{one}", "url")


def _accounts(column: Column, text: str, hints: Hints) -> Iterator[Proposal]:
    bare = re.sub(r"(?i)^\W*IBAN\W*|[\s./-]", "", text).upper()
    yield Proposal(bare, "iban")
    yield Proposal(bare[:2] + bare[2:].translate(str.maketrans("OI", "01")), "iban")


_Maker = Callable[[Column, str, Hints], Iterator[Proposal]]
_BY_TYPE: dict[str, _Maker] = {
    "Number": _numbers,
    "Double": _numbers,
    "Date": _dates,
    "Select": _choices,
    "DateTime": _moments,
    "Time": _moments,
    "Email": _emails,
    "Url": _addresses,
    "Iban": _accounts,
    "Boolean": _yes_or_no,
    "Phone": _phones,
}
