"""What a person is told beside a problem's message: what cannot be seen in a value, and the way out where one is known.

Messages are the wire contract's and stay as they are; some of them were written for programs (`must match the pattern
/^[A-Z]{2}$/`), and none says that a cell holds a no-break space. Sentences here never change a value: they describe it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

from douane.model.problem import Problem
from douane.model.template import Column
from douane.sheet.rule import NOTE_NAMES

# What is noted here has been said by its own message.
_SAID = frozenset({"required", "unique", "unique_with", "surplus", "error_cell", *NOTE_NAMES})
_OPTIONS_SEARCHED = 5_000  # a longer list is searched for equal values only
_TEXT_SEARCHED = 200  # characters: what is longer is no slip of a value of a list
_SEARCHES_MAX = 500  # of one checker: a file of a million strange values is not worth a search for each
_SHOWN = 3
_CLOSE = 70  # per cent of the letters that two texts share

_NAMES = {
    "\u00a0": "no-break space",
    "\u202f": "narrow no-break space",
    "\u2007": "figure space",
    "\u2009": "thin space",
    "\u3000": "ideographic space",
    "\u200b": "zero-width space",
    "\u200c": "zero-width non-joiner",
    "\u200d": "zero-width joiner",
    "\u200e": "left-to-right mark",
    "\u200f": "right-to-left mark",
    "\ufeff": "byte-order mark",
    "\u00ad": "soft hyphen",
    "\u2212": "minus sign, which is no hyphen",
    "\u2013": "dash, which is no hyphen",
    "\u2010": "typographic hyphen",
    "\u2019": "typographic apostrophe",
    "\t": "tab",
    "\n": "line break",
    "\r": "line break",
}
_ODD_SPACES = frozenset("\u00a0\u1680\u202f\u205f\u3000") | {chr(point) for point in range(0x2000, 0x200B)}
_PUNCTUATION = frozenset("\u2212\u2013\u2010\u2019")
_SCRIPTS = ("CYRILLIC", "GREEK")
_GERMAN = re.compile(r"[+-]?(?:[0-9]{1,3}(?:[. \u00a0\u202f'’][0-9]{3})+|[0-9]+),[0-9]+")
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?")
_CUT = re.compile(r"[+-]?[1-9](?:[.,][0-9]{1,5})?E\+[0-9]{2,3}")

Explain = Callable[[str, str], str]


def explainer(column: Column) -> Explain:
    """(rule, the cell's trimmed text) -> sentences for a person, "" = nothing to add. Searches are few: see above."""
    left = [_SEARCHES_MAX]

    @lru_cache(maxsize=2_000)
    def explained(rule: str, text: str) -> str:
        if rule in _SAID or not text:
            return ""
        said = [_of_rule(column, rule, text, left), unseen(text)]
        return " ".join(sentence for sentence in said if sentence)

    return explained


def for_person(problem: Problem) -> str:
    """What is said where a person reads it: patterns by their description, lists by their nearest values."""
    if not problem.explanation:
        return problem.message
    if problem.rule in ("pattern", "list"):
        return f"{(problem.value or '').strip()}: {problem.explanation}"
    return f"{problem.message}. {problem.explanation}"


def unseen(text: str) -> str:
    """Names what looks like nothing, or like something else: a sentence, or ""."""
    if text.isascii() and text.isprintable():
        return ""
    found: dict[str, str] = {}
    latin = any("a" <= letter.lower() <= "z" for letter in text)
    for at, sign in enumerate(text):
        if sign.isascii() and sign.isprintable():
            continue
        name = _name(sign, latin)
        if name and name not in found:
            place = f" after “{text[max(0, at - 10) : at]}”" if at else " at the beginning"
            found[name] = f"a {name} (U+{ord(sign):04X}){place}"
    listed = list(found.values())
    if not listed:
        return ""
    more = f" and {len(listed) - _SHOWN} other signs like that" if len(listed) > _SHOWN else ""
    return f"It holds {', '.join(listed[:_SHOWN])}{more}."


def _name(sign: str, latin: bool) -> str:
    """What is worth telling of a sign; "" where it looks like what it is."""
    category = unicodedata.category(sign)
    if sign in _NAMES and (sign in _PUNCTUATION or category in ("Cf", "Cc", "Zs")):
        return _NAMES[sign]
    if category in ("Cf", "Cc", "Zl", "Zp") or sign in _ODD_SPACES:
        return (unicodedata.name(sign, "") or "control sign").lower() + " that cannot be seen"
    named = unicodedata.name(sign, "")
    script = named.split(" ")[0]
    if latin and script in _SCRIPTS and category[0] == "L":
        return f"{script.title()} letter that looks like a Latin one" if _twin(sign) else ""
    if named.startswith("FULLWIDTH "):
        return "full-width sign"
    if category == "Nd" and not sign.isascii():
        return "digit of another script"
    return ""


_TWINS = frozenset("АВЕКМНОРСТХаеорсухіјѕԁɡ" + "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧαιορυν")


def _twin(sign: str) -> bool:
    return sign in _TWINS


def _of_rule(column: Column, rule: str, text: str, left: list[int]) -> str:
    if rule in ("pattern", "pattern_unfinished"):
        if _CUT.fullmatch(text):
            return "A spreadsheet program has shortened it: the other digits are lost, and only the sender has them."
        return f"It should be: {column.pattern_description}." if column.pattern_description else ""
    if rule == "list":
        return _nearest(column, text, left)
    if rule == "number":
        return _number(column, text)
    if rule == "date_format":
        return _date(column, text)
    if rule == "email":
        return _email(text)
    return ""


def _plain(text: str) -> str:
    if text.isascii():  # most are, and there are as many as a list is long
        return " ".join(text.lower().split())
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join("".join(sign for sign in folded if unicodedata.category(sign) != "Cf").split())


def _nearest(column: Column, text: str, left: list[int]) -> str:
    options = list(dict.fromkeys(column.options))
    if column.multi:
        wrong = [part for part in text.split(column.delimiter) if part not in options]
        text = wrong[-1] if wrong else text
    if not options:
        return "The list of values is empty."
    plain = _plain(text)
    searched = len(options) <= _OPTIONS_SEARCHED
    by_plain = {_plain(option): option for option in reversed(options)} if searched else {}
    if plain in by_plain:
        return f"The value is written “{by_plain[plain]}”."
    listed = f"It is none of the {len(options):,} values." if len(options) > _SHOWN else ""
    if left[0] <= 0 or not searched or len(text) > _TEXT_SEARCHED:
        return listed
    left[0] -= 1
    # Loaded where it is needed: a check that meets no such value starts without it.
    from rapidfuzz import fuzz, process

    found = process.extract(plain, list(by_plain), scorer=fuzz.ratio, limit=_SHOWN, score_cutoff=_CLOSE)
    close = [by_plain[one] for one, _, _ in found]
    return f"{listed} Nearest: {', '.join(close)}.".strip() if close else listed


def _number(column: Column, text: str) -> str:
    if column.setting("group", "") != "," and _GROUPED.fullmatch(text):
        return "If its thousands are set apart by commas: this column takes digits without them."
    if column.setting("decimal", ".") == "." and _GERMAN.fullmatch(text):
        return "It has a decimal comma, and this column takes a decimal point."
    if column.setting("decimal", ".") == "," and re.fullmatch(r"[+-]?[0-9]+\.[0-9]+", text):
        return "It has a point, and this column takes a decimal comma."
    if any(unicodedata.category(sign) == "Sc" for sign in text) or text.endswith("%"):
        return "It holds a sign for money or per cent beside the number."
    return ""


def _date(column: Column, text: str) -> str:
    """Where the text has the very form of a format, it is no day; where it has another common one, that is said."""
    shape = re.sub(r"[0-9]+", lambda found: "9" * len(found[0]), text)
    for wanted in column.date_formats:
        if shape == re.sub(r"[YMDHhms]+", lambda found: "9" * len(found[0]), wanted):
            parts = dict(zip(re.findall(r"[YMDHhms]+", wanted), map(int, re.findall(r"[0-9]+", text)), strict=False))
            day, month = (next((parts[token] for token in parts if token[0] == letter), 0) for letter in "DM")
            if 12 < month < 32 and 0 < day < 13:
                return "Month and day seem to stand the other way round."
            return "There is no such day in the calendar."
    common = {"9999-99-99": "YYYY-MM-DD", "99.99.9999": "DD.MM.YYYY", "99/99/9999": "DD/MM/YYYY or MM/DD/YYYY"}
    if shape in common:
        return f"It is written like {common[shape]}."
    if re.fullmatch(r"[0-9]{5}", text):
        return "It is a bare number, as spreadsheet programs keep days."
    return ""


def _email(text: str) -> str:
    if "@" not in text:
        return "It has no @."
    if any(sign in text for sign in ";,") or text.count("@") > 1:
        return "It looks like more than one address."
    if " " in text:
        return "It has a space inside."
    return "The part behind the @ has no dot." if "." not in text.rpartition("@")[2] else ""
