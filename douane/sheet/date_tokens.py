"""Date formats as text: how they are kept, and their tokens. What they accept is `columns/date_format.py`'s."""

from __future__ import annotations

import re
from functools import lru_cache

from douane.sheet.month_names import ALSO, LONG, SHORT
from douane.values import dataclass

_TOKEN = re.compile(r"\[([^\]]+)\]|Y{1,4}|M{1,4}|D{1,2}|H{1,2}|hh?|mm?|ss?|A|a|Z{1,2}|S{1,9}|Q|X|.", re.DOTALL)
NUMERIC = {"YYYY", "YY", "MM", "M", "DD", "D", "HH", "H", "hh", "h", "mm", "m", "ss", "s", "SSS"}


def normal(text: str) -> str:
    """A format as it is kept: upper-cased, but for what is written small at a time of day."""
    kept: list[str] = []
    at = 0
    for found in _TIME.finditer(text):
        kept.append(text[at : found.start()].upper())
        kept.append(_time(found))
        at = found.end()
    kept.append(text[at:].upper())
    return "".join(kept)


# Hours, then minutes in small letters; or minutes and seconds alone. What follows them belongs to them.
_TAIL = r"(?:(?P<before_second>[^\w\s]?)(?P<second>ss?)(?:(?P<point>[.,])(?P<fraction>[sS]{1,9}))?)?"
_TIME = re.compile(
    rf"(?P<hour>[hH]{{1,2}})(?P<between>\[[^\]]*\]|[^\w]?|[hH])(?P<minute>mm?)(?!m){_TAIL}(?P<half>\s?[aA](?![a-zA-Z]))?"
)


def _time(found: re.Match[str]) -> str:
    half = found["half"] or ""
    hour = found["hour"].lower() if half and found["hour"].islower() else found["hour"].upper()
    between = found["between"] or ""
    kept = hour + (f"[{between}]" if between.isalpha() else between) + found["minute"]
    if found["second"]:
        kept += found["before_second"] + found["second"]
        kept += (found["point"] + found["fraction"].upper()) if found["fraction"] else ""
    return kept + half


@dataclass(frozen=True, slots=True)
class Format:
    """`tokens`: (token, the text of a literal or None)."""

    text: str
    tokens: tuple[tuple[str, str | None], ...]
    months: tuple[tuple[str, int], ...]  # names that stand for months, beside the English ones

    @property
    def names(self) -> list[str]:
        return [token for token, literal in self.tokens if literal is None]

    @property
    def timed(self) -> bool:
        """In the small letters that are ours."""
        return any(name in ("mm", "m", "ss", "s", "hh", "h") for name in self.names)

    def has(self, letter: str) -> bool:
        return any(name[0] == letter for name in self.names)

    @property
    def skeleton(self) -> tuple[str, ...]:
        """What stands between the numbers: two formats of one skeleton can accept one text."""
        said = ((token, token if literal is None else literal) for token, literal in self.tokens)
        return tuple("#" if token in NUMERIC else text for token, text in said)

    @property
    def order(self) -> tuple[str, ...]:
        return tuple(name[0] for name in self.names if name[0] in "YMD")


@lru_cache(maxsize=1000)
def parsed(text: str, languages: tuple[str, ...] = ()) -> Format:
    tokens = tuple((found[0], found[1]) for found in _TOKEN.finditer(text))
    months = [
        (name, month)
        for language in languages
        for names in (LONG.get(language, ()), SHORT.get(language, ()))
        for month, name in enumerate(names, 1)
    ]
    months += [(name, month) for (language, month), names in ALSO.items() if language in languages for name in names]
    return Format(text, tokens, tuple(dict.fromkeys(months)))
