"""The kernel clears cells and decides nothing: with it and without it every mask and every key is the same."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from douane.model.template import Column, Template, Validation
from douane.sheet import check, clearing, native
from douane.sheet import pattern as patterns
from douane.sheet.columns import judge
from douane.sheet.mapping import Layout
from douane.sheet.native.automaton import STATES_MAX, TooLarge, automaton
from douane.sheet.native.program import compiled
from tests.sheet.kernel import built, reading_with

PATTERNS = (
    r"^\+[1-9]\d{0,2}( \d{3,4}){2,3}$",
    r"^https?:\/\/[a-z0-9-]+(\.[a-z0-9-]+)+(\/[^\s]*)?$",
    "b",
    "^a|b$",
    "^$",
    "$^",
    "a$|^",
    "",
    r"(^| )ab?(c|$)",
    "/^aB\\u00e9$/i",
    "/ſ/i",
    r"[^a-z]{2,}",
    r"/^[\u{10000}-\u{1F600}]+$/u",
    r"^[^\u0100-\u2fff]*$",
    r"(a|ab)(c|bcd)(d*)",
    r"^(a+)+$",
    r"^.{0,3}$",
    r"/^.$/s",
    r"^\S+@\S+$",
    r"\s",
    r"^(?:a(?:b(?:c)?)?)?$",
    r"a{3}",
    r"x{0}y",
    "[]",
)
signs = st.text(st.sampled_from("abcABC0123456789+-.,/: @é日ſK\u00a0\u2028\ufeff\U0001f600\n\t\x85\u0100"), max_size=12)


def found_by(pattern: str, texts: Sequence[str]) -> list[bool]:
    table = automaton(patterns.parse(pattern))
    said = []
    for text in texts:
        state = 1
        for byte in text.encode():
            state = int(table.next[state, byte])
        said.append(bool(table.accepts[state]))
    return said


@pytest.mark.parametrize("pattern", PATTERNS)
@settings(max_examples=12, deadline=None)
@given(texts=st.lists(signs, min_size=1, max_size=20))
@example(texts=["", "a", "b", "ab", "abc", "+49 123 4567", "https://a.b/c", "aBé", "ABÉ", "S", "s", "aaa", "xy", "a\n"])
@example(
    texts=["\U0001f600", "\U0000ffff", "\u2fff", "\u3000", "\u0100", "K", "k", "\u212a", "a@b", "a b", "..", "\u2028"]
)
def test_a_table_finds_what_the_engine_finds(pattern: str, texts: list[str]) -> None:
    exact = patterns.rust(patterns.parse(pattern))
    assert found_by(pattern, texts) == pl.Series(texts).str.contains(exact).to_list()


@pytest.mark.parametrize(
    "pattern",
    [r"\bword", r"(?=a)b", r"(a)\1", r"/\p{L}/u", "/^a$/m", "^.{300}$", "(a|b)*a(a|b){12}", "((a{50}){50}){50}"],
)
def test_what_has_no_table_of_good_size_is_left_to_the_engine(pattern: str) -> None:
    with pytest.raises(TooLarge):
        automaton(patterns.parse(pattern))
    column = Column("x", "x", "Regex", pattern=pattern)
    sure = judge(column).sure
    assert sure is None or compiled(built(), sure, 0) is None


def test_a_table_has_no_more_states_than_a_byte_can_name() -> None:
    assert len(automaton(patterns.parse("^[ab]{0,200}$")).accepts) <= STATES_MAX + 1 <= 256


COLUMNS = (
    Column("plain", "plain", "String"),
    Column("needed", "needed", "String", required=True),
    Column("short", "short", "String", validations=(Validation("length", max=5),)),
    Column("long", "long", "String", validations=(Validation("length", min=2, max=8),)),
    Column("one", "one", "String", required=True, unique=True, validations=(Validation("length", min=1),)),
    Column("mail", "mail", "Email"),
    Column("age", "age", "Number", validations=(Validation("range", min=-1, max=120),)),
    Column("amount", "amount", "Double", unique=True, validations=(Validation("range", min=0.1),)),
    Column("day", "day", "Date", date_formats=("YYYY-MM-DD", "D/M/YY")),
    Column("days", "days", "Date", date_formats=("DD/MM/YYYY", "MM/DD/YYYY")),
    Column(
        "pick", "pick", "Select", required=True, options=("a", "bé", " padded", "日本", "a longer choice, indeed", "")
    ),
    Column("many", "many", "Select", multi=True, delimiter=";", options=("a", "b", "日本", " c")),
    Column("code", "code", "Regex", pattern="[ab]+ *$"),
    Column("mark", "mark", "Regex", pattern=r"^[A-C]\d{2,3}$", unique=True),
    Column("any", "any", "Any"),
)
TEMPLATE = Template("t", COLUMNS)
TEXTS = (
    [
        "",
        " ",
        "a",
        "ab",
        " a",
        "a ",
        "abc;b",
        "a;b",
        ";a;",
        "bé",
        "日本",
        "日本語テキスト",
        "a longer choice, indeed",
        " padded",
    ]
    + [
        "x@y.zz",
        "x@y",
        "X+1@Y.ZZ ",
        "a..b@c.de",
        "5.51E+12",
        "12E+",
        "E+",
        "1",
        "-1",
        "-1.5",
        "120",
        "120.0000001",
        "0x10",
    ]
    + [
        "1,5",
        "1.000",
        "1 000",
        ".5",
        "5.",
        "+5",
        "-0",
        "00012",
        "1e3",
        "0.1",
        "0.10",
        "0.09999999999999999",
        "nan",
        "inf",
    ]
    + ["123456789012345", "1234567890123456", "0.1234567890123456", "-", ".", "12.", "١٢", "1_0", "9" * 40]
    + [
        "2024-02-29",
        "2023-02-29",
        "0099-01-01",
        "1/2/24",
        "31/12/99",
        "01/02/2024",
        "13/12/2024",
        "12/13/2024",
        "2024-1-1",
    ]
    + [
        "A12",
        "A123 ",
        "C99",
        "A1",
        "\u00a0",
        "\ufeff",
        "\x85",
        "\u2028x",
        "x\u3000",
        "\u1680",
        "\u2003a",
        "\U0001f600",
        "é",
    ]
)
cells = st.none() | st.sampled_from(TEXTS)


def checker() -> check.Checker:
    width = len(COLUMNS)
    layout = Layout(fields=tuple(one.key for one in COLUMNS), columns=tuple(range(width)), width=width, headings=width)
    return check.Checker(TEMPLATE, layout, seed=5)


def judged(kernel: native.Kernel | None, frame: pl.DataFrame) -> check.Judgement:
    with reading_with(kernel):
        return checker().judge(frame)


@settings(max_examples=50, deadline=None)
@given(rows=st.lists(st.lists(cells, min_size=len(COLUMNS), max_size=len(COLUMNS)), min_size=1, max_size=12))
@example(rows=[["5.51E+12"] * len(COLUMNS), ["1.000"] * len(COLUMNS), ["1,5"] * len(COLUMNS)])
@example(rows=[["1.000"] * len(COLUMNS), ["7"] * len(COLUMNS)])
def test_masks_and_keys_are_the_same(rows: list[list[str | None]]) -> None:
    schema = {f"c{at}": pl.String for at in range(len(COLUMNS))}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clearing, "PROGRAM_ROWS", 0)
        mine, plain = judged(built(), frame), judged(None, frame)
    assert np.array_equal(mine.mask, plain.mask)
    assert np.array_equal(mine.hashes, plain.hashes)
    # What is told of notes of the table is what a look at the rows that are wrong would tell.
    whole = checker()
    for note in whole.table_notes:
        if note.bit not in mine.reasons:
            continue
        assert note.among is not None
        wrong = frame.filter((plain.mask & note.among).any(axis=1))
        assert mine.reasons[note.bit] == (len(wrong) > 0 and whole.has_reason(wrong, note))
    assert plain.reasons == {}


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1 << 32), rows=st.integers(1, 60))
def test_cells_of_all_kinds_are_judged_alike(seed: int, rows: int) -> None:
    """As workbooks give them: columns of text alone, of one kind, of many, and some without a word of it."""
    chance = random.Random(seed)
    due = Column("due", "due", "Date", date_formats=("D.M.YY",), validations=(Validation("length", max=8),))
    columns = (*COLUMNS, due, Column("born", "born", "Date", required=True, date_formats=("YYYY-MM-DD",)))
    width = len(columns)
    kinds: list[list[int | None]] = [[0], [0, 1], [0, 2], [2], [0, 0, 0, 6], [0, 1, 2, 3, 4, 5, 6, None]]
    layout = Layout(fields=tuple(one.key for one in columns), columns=tuple(range(width)), width=width, headings=width)
    held: dict[str, pl.Series] = {}
    for at in range(width):
        texts = chance.choices((*TEXTS, None), k=chance.choice((3, 60)))
        held[f"c{at}"] = pl.Series(chance.choices(texts, k=rows), dtype=pl.String)
        if chance.random() < 0.9:
            held[f"k{at}"] = pl.Series(chance.choices(chance.choice(kinds), k=rows), dtype=pl.UInt8)
    frame = pl.DataFrame(held)
    whole = check.Checker(Template("t", columns), layout, seed=5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clearing, "PROGRAM_ROWS", 0)
        with reading_with(built()):
            mine = whole.judge(frame)
        with reading_with(None):
            plain = check.Checker(Template("t", columns), layout, seed=5).judge(frame)
    assert np.array_equal(mine.mask, plain.mask)
    assert np.array_equal(mine.hashes, plain.hashes)
    for found in (mine, plain):
        for note in whole.table_notes:
            if note.bit in found.reasons:
                among = pl.lit(True) if note.among is None else pl.Series((plain.mask & note.among).any(axis=1))
                givers = frame.filter(among)
                assert found.reasons[note.bit] == (len(givers) > 0 and whole.has_reason(givers, note))


def test_a_reason_seen_on_the_way_is_told() -> None:
    for cells, gives in ((["1,5", "1.000"], True), (["1.000", "1.5", "abc"], False)):
        frame = pl.DataFrame({f"c{at}": pl.Series(cells, dtype=pl.String) for at in range(len(COLUMNS))})
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(clearing, "PROGRAM_ROWS", 0)
            found = judged(built(), frame).reasons
        assert len(found) == 2
        assert all(told is gives for told in found.values())


def test_columns_of_several_chunks_are_judged_whole() -> None:
    schema = {f"c{at}": pl.String for at in range(len(COLUMNS))}
    row = [["x@y.zz and a longer text", None, "", "1"][at % 4] for at in range(len(COLUMNS))]
    one = pl.DataFrame([row, row[::-1]], schema=schema, orient="row")
    frame = pl.concat([one, one.slice(1), one], rechunk=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clearing, "PROGRAM_ROWS", 0)
        mine, plain = judged(built(), frame), judged(None, frame)
    assert np.array_equal(mine.mask, plain.mask)
    assert np.array_equal(mine.hashes, plain.hashes)


@pytest.mark.parametrize(
    ("texts", "in_all", "tries"), [(8192, 65536, 4), (3, 65536, 99), (8192, 5, 99), (8192, 65536, 0)]
)
def test_what_was_judged_before_is_judged_alike(texts: int, in_all: int, tries: int) -> None:
    """By one checker, batch after batch: texts it knows, new ones, more than it keeps; with and without a comma that
    makes other cells doubtful."""
    chance = random.Random(texts)
    known = ["", None, " ", "n/a", "1.000", "-5", "x" * 200, "abcdefg", "a;b", "120.5", "1e3", "é", "0x10"]
    fresh = [f"{number}?" for number in range(200)]
    columns = (*COLUMNS, *(Column(f"more{at}", f"more{at}", "Number", required=True) for at in range(20)))
    template, width = Template("t", columns), len(columns)
    layout = Layout(fields=tuple(one.key for one in columns), columns=tuple(range(width)), width=width, headings=width)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clearing, "PROGRAM_ROWS", 0)
        patch.setattr(clearing, "KNOWN_TEXTS", texts)
        patch.setattr(clearing, "KNOWN_IN_ALL", in_all)
        patch.setattr(clearing, "TRIES", tries)
        mine, plain = check.Checker(template, layout, seed=5), check.Checker(template, layout, seed=5)
        assert mine.words > 1
        for batch in range(5):
            some = [*known, *fresh[batch * 40 :][:40], *(["1,5"] if batch % 2 else [])]
            frame = pl.DataFrame(
                {f"c{at}": pl.Series(chance.choices(some, k=60), dtype=pl.String) for at in range(width)}
            )
            with reading_with(built()):
                found = mine.judge(frame)
            assert np.array_equal(found.mask, plain.judge(frame).mask), batch


def test_the_kernel_clears_what_is_plainly_right() -> None:
    """It would be no use if it were never sure."""
    right = {
        "plain": "x", "needed": "x", "short": "x", "long": "xyz", "one": "x", "mail": "x@y.zz", "age": "12",
        "amount": "12.50", "day": "2024-02-29", "pick": "日本", "many": "a;日本", "code": "ab", "mark": "A12",
    }  # fmt: skip
    for column in COLUMNS:
        if column.key not in right:
            continue
        sure = judge(column).sure
        assert sure is not None, column.key
        ready = compiled(built(), sure, native.EXPONENT | native.COMMA)
        assert ready is not None, column.key
        found = built().judge(
            pl.Series([right[column.key], "\u00a0", "1,2E+3"]), ready.program, decides=False, keyed=True
        )
        assert found is not None
        assert 0 not in found.unsure, column.key
        assert found.not_plain is not None
        assert 0 not in found.not_plain


def test_only_a_cell_with_visible_ends_is_surely_wrong() -> None:
    texts = pl.Series(["x@y.zz", "x@y", " x@y", "x@y\u00a0", "", None, "x y", "\ufeffx", "no address at all, surely"])
    sure = judge(Column("mail", "mail", "Email", required=True)).sure
    assert sure is not None
    ready = compiled(built(), sure, 0)
    assert ready is not None
    found = built().judge(texts, ready.program, decides=True, keyed=False)
    assert found is not None
    assert (found.wrong.tolist(), found.unsure.tolist()) == ([1, 6, 8], [2, 3, 5, 7])


def test_what_validations_add_is_never_decided() -> None:
    column = Column("pick", "pick", "Select", options=("a",), validations=(Validation("length", max=3),))
    sure = judge(column).sure
    assert sure is None or not sure.decides or not any(test.rule.startswith("length") for test in judge(column).tests)


def test_only_string_views_are_for_the_kernel() -> None:
    sure = judge(COLUMNS[0]).sure
    assert sure is not None
    ready = compiled(built(), sure, 0)
    assert ready is not None
    assert built().judge(pl.Series([1, 2]), ready.program, decides=False, keyed=False) is None
