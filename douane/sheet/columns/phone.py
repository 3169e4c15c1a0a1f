"""`Phone`: a number that a telephone network gives out, by the plans in Google's libphonenumber (the package
`phonenumbers`). Ours, not the contract's.

Blanks, brackets, points, strokes and dashes are read, and without a country's code a number is one of the column's
`country`; it leaves as E.164 writes it, `+493012345678`. Numbers that are written so, or nearly, are read by one
pattern over the whole column; the package is asked about each other text once.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

import polars as pl

from douane.errors import BadTemplate
from douane.model.template import Column
from douane.sheet.columns.contract import FILLED, TEXT, Judge
from douane.sheet.columns.member import Member
from douane.sheet.fields import TEXT as TEXT_FIELD
from douane.sheet.fields import Field
from douane.sheet.rule import FORMAT, Test

_COUNTRY = Field(
    "country",
    TEXT_FIELD,
    default="",
    says="Whose numbers those without a country's code are: two letters of ISO 3166, as `DE`.",
)

# What may stand in a number beside its digits. Letters may not: what they say would be lost.
_WRITTEN = re.compile(r"[\d+＋\s().\[\]/\-‐-―−－~⁓∼（）．·]{3,40}")
_BETWEEN = r"[\s\x{A0}\x{202F}().\[\]/\x{2010}-\x{2015}\x{2212}-]"
# Their plans share a code and a form with a neighbour's; which of the two it is the package says.
_ASKED = frozenset({"IM", "SJ", "AX", "VA"})
_KINDS = (
    *("fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost"),
    *("voip", "personal_number", "pager", "uan", "voicemail"),
)


def judge(column: Column) -> Judge:
    """BadTemplate for a country that has no numbers."""
    country = column.setting(_COUNTRY.name, "").upper()
    _refuse_unknown(country)

    def stored(text: pl.Expr, kind: pl.Expr | None = None) -> pl.Expr:
        return text.map_batches(lambda texts: _numbers(texts, country), return_dtype=pl.String)

    said = "must be a phone number" if country else "must be a phone number with its country's code, as +49 30 12345678"
    fails = FILLED & ~TEXT.map_batches(_are_numbers, return_dtype=pl.Boolean)
    return Judge(
        (Test("phone", FORMAT, fails, lambda text: f"{text} {said}"),),
        clean=lambda cell, kind: cell.str.contains(_plans()) | (cell == ""),
        plain=None,
        stored=stored,
    )


def _refuse_unknown(country: str) -> None:
    import phonenumbers

    if country and country not in phonenumbers.SUPPORTED_REGIONS:
        raise BadTemplate(f"{country} is no country that has phone numbers: two letters, as DE.", place="country")


def _numbers(texts: pl.Series, country: str) -> pl.Series:
    """As E.164 writes them; any other text as it is."""
    bare = texts.str.replace_all(_BETWEEN, "")
    code, trunk = _national(country)
    if code is not None:
        digits = bare.str.strip_prefix(trunk) if trunk else bare
        bare = bare.zip_with(bare.str.starts_with("+").fill_null(True), code + digits)
    good = bare.str.contains(_plans()).fill_null(False)
    found = bare.zip_with(good, texts)
    rest = (~good & (texts.str.len_bytes() > 2).fill_null(False)).arg_true()
    if len(rest) == 0:
        return found
    asked = texts.gather(rest)
    known = {text: _asked(text, country) or text for text in asked.unique().to_list()}
    return found.scatter(rest, [known[text] for text in asked.to_list()])


def _are_numbers(texts: pl.Series) -> pl.Series:
    """Of texts as stored."""
    good = texts.str.contains(_plans()).fill_null(False)
    rest = (~good & texts.str.starts_with("+").fill_null(False)).arg_true()
    if len(rest):
        good = good.scatter(rest, [_asked(text, "") == text for text in texts.gather(rest).to_list()])
    return good


@lru_cache(maxsize=100_000)
def _asked(text: str, country: str) -> str | None:
    """What the package makes of it; None where it is no number. An extension has no place in E.164."""
    import phonenumbers

    if _WRITTEN.fullmatch(text) is None:
        return None
    try:
        number = phonenumbers.parse(text, country or None)
    except phonenumbers.NumberParseException:
        return None
    if number.extension or not phonenumbers.is_valid_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _national(country: str) -> tuple[str | None, str]:
    """(`+` and the country's code, the prefix of numbers within it); None where a prefix is not all there is to it."""
    import phonenumbers

    plan = phonenumbers.PhoneMetadata.metadata_for_region(country) if country else None
    if plan is None or plan.national_prefix_for_parsing not in (None, plan.national_prefix):
        return None, ""
    return f"+{plan.country_code}", plan.national_prefix or ""


@cache
def _plans() -> str:
    """A pattern of all numbers that countries give out, as E.164 writes them; but for a few, which are asked for."""
    import phonenumbers

    codes = []
    for code, regions in sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items()):
        forms: dict[str, None] = {}
        for region in regions:
            if region in _ASKED:
                continue
            metadata = phonenumbers.PhoneMetadata
            plan = (
                metadata.metadata_for_nongeo_region(code) if region == "001" else metadata.metadata_for_region(region)
            )
            kinds = [getattr(plan, kind) for kind in _KINDS]
            forms |= {one.national_number_pattern: None for one in kinds if one and one.national_number_pattern}
        if forms:
            codes.append(f"{code}(?:{'|'.join(forms)})")
    return (r"\A\+(?:" + "|".join(codes) + r")\z").replace(r"\d", "[0-9]")


def _says(column: Column) -> str:
    country = column.setting(_COUNTRY.name, "").upper()
    return f"a phone number, of {country} where it has no country's code" if country else "a phone number with +"


MEMBER = Member(judge, _says, (_COUNTRY,))
