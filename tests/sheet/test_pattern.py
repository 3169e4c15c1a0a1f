"""ECMAScript patterns: what they mean, in each engine's spelling."""

from __future__ import annotations

import re

import polars as pl
import pytest

from douane.sheet.pattern import BadPattern, CannotSay, ends_visible, parse, python, rust
from tests.sheet.recorded import JAVASCRIPT

TEXTS: list[str] = JAVASCRIPT["texts"]


def found(text: str, spelled: str) -> bool:
    return bool(pl.Series([text]).str.contains(spelled).item())


def test_patterns_find_what_javascript_finds() -> None:
    texts = pl.Series(TEXTS)
    linear = visible = 0
    for source, digits in JAVASCRIPT["patterns"].items():
        pattern, expected = parse(source), [digit == "1" for digit in digits]
        try:
            assert texts.str.contains(rust(pattern)).to_list() == expected, source
            linear += 1
        except CannotSay:
            pass
        try:
            engine = re.compile(python(pattern), re.ASCII)
            assert [bool(engine.search(text)) for text in TEXTS] == expected, source
        except CannotSay:
            assert r"\p" in source
        if ends_visible(pattern):
            visible += 1
            hits = [text for text, hit in zip(TEXTS, expected, strict=True) if hit]
            assert [text.strip() for text in hits] == hits, source
    assert visible > 10
    assert linear > 200


@pytest.mark.parametrize("source", JAVASCRIPT["no_patterns"])
def test_what_javascript_refuses_is_refused(source: str) -> None:
    with pytest.raises(BadPattern):
        parse(source)


@pytest.mark.parametrize(
    ("source", "text", "hit"),
    [
        (r"\d", "٣", False),
        (r"\w", "é", False),
        (r"\s", "\ufeff", True),
        (r"\s", "\u0085", False),
        (r"\bcafé\b", "café", False),
        (r"^a$", "a\n", False),
        (r"^.$", "\u2028", False),
        (r"/^.$/s", "\n", True),
        (r"/STRASSE/i", "strasse", True),
        (r"/ß/i", "ẞ", False),
        (r"/É/i", "é", True),
        (r"/[a-z]/i", "\u212a", False),
        (r"a/b", "a/b", True),
        (r"/a\/b/", "a/b", True),
        (r"\ud83d\ude00", "😀", True),
        (r"/\u{1F600}/u", "😀", True),
        (r"/^\p{Lu}$/u", "É", True),
        (r"^[^]$", "\n", True),
        (r"[]", "a", False),
        (r"x{,2}", "x{,2}", True),
    ],
)
def test_meaning(source: str, text: str, hit: bool) -> None:
    assert found(text, rust(parse(source))) is hit


@pytest.mark.parametrize("source", [r"(?=a)", r"(?<!a)b", r"(a)\1", r"/^a$/m"])
def test_what_the_linear_engine_cannot_say(source: str) -> None:
    with pytest.raises(CannotSay):
        rust(parse(source))
    assert re.compile(python(parse(source)))


@pytest.mark.parametrize(
    ("source", "visible"),
    [
        (r"^\w+$", True),
        (r"^a?b*\d$", True),
        (r"^\s?b$", False),
        (r"^\d(a|b)?$", True),
        (r"^a.$", False),
        (r"^[^\s]+$", True),
        (r"^(a|\s)b$", False),
        (r"^a*$", False),
        (r"^a( b)*$", False),
        (r"^(a b)+$", True),
        (r"a$", False),
        (r"^a", False),
        (r"^a$|b", False),
        (r"/^a$/m", False),
        (r"^(?=a)b$", False),
        (r"^[^a]$", False),
    ],
)
def test_which_patterns_leave_nothing_to_trim(source: str, visible: bool) -> None:
    assert ends_visible(parse(source)) is visible


def test_a_pattern_prints_as_javascript_prints_it() -> None:
    assert str(parse("ab+")) == "/ab+/"
    assert str(parse("/ab+/gi")) == "/ab+/gi"


def test_nesting_is_limited() -> None:
    with pytest.raises(BadPattern, match="nested"):
        parse("(" * 5000 + ")" * 5000)
