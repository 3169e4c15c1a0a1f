"""Output formats: split and put together, compiled, filled."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from douane.errors import BadTemplate
from douane.sheet import formatting
from douane.sheet.formatting import LEFT_OUT, Format

ADA = {"first": "Ada", "last": "Byron", "age": msgspec.Raw(b"36.50"), "tags": ["a", "b"], "none": None, "yes": True}


def filled(value: Any, values: dict[str, Any] = ADA, names: tuple[str, ...] = ()) -> Any:
    return json.loads(msgspec.json.encode(Format(value, {*values, *names}).fill(values)))


@pytest.mark.parametrize(
    ("form", "result"),
    [
        ("{{first}}", "Ada"),
        ("{{age}}", 36.5),
        ("{{tags}}", ["a", "b"]),
        ("{{none}}", None),
        ("{{yes}}", True),
        ("{{first}} {{last}}", "Ada Byron"),
        ("is {{age}}", "is 36.50"),
        ("[{{tags}}] {{none}}{{yes}}", "[a,b] true"),
        # Only the first occurrence of each.
        ("{{first}}, {{last}}, {{first}}", "Ada, Byron, {{first}}"),
        # Matched exactly: case and spaces count.
        ("{{First}}", "{{First}}"),
        ("{{ first }}", "{{ first }}"),
        ("{{first", "{{first"),
        ("{first}", "{first}"),
        ("{{{first}}}", "{Ada}"),
        ("{{first}}{{last}}", "AdaByron"),
        ("{{unknown}} {{first}}", "{{unknown}} Ada"),
        ({"{{first}}": "{{first}}"}, {"{{first}}": "Ada"}),
        ({"a": [{"b": "{{first}}"}, 1, None, "x"], "c": {}}, {"a": [{"b": "Ada"}, 1, None, "x"], "c": {}}),
        (5, 5),
        ("", ""),
    ],
)
def test_what_stands_where_a_name_stood(form: Any, result: Any) -> None:
    assert filled(form) == result


def test_a_value_is_never_looked_at_for_names() -> None:
    assert filled("{{a}} {{b}}", {"a": "{{b}}", "b": "{{a}}"}) == "{{b}} {{a}}"


def test_a_name_that_a_record_lacks_stays_as_it_is_written() -> None:
    assert filled({"a": "{{a}}", "b": "{{b}}", "c": "{{b}}!"}, {"a": 1}, ("b",)) == {
        "a": 1,
        "b": "{{b}}",
        "c": "{{b}}!",
    }


def test_what_is_left_out() -> None:
    assert filled({"a": "{{a}}", "b": ["{{a}}", 1], "c": "x{{a}}y"}, {"a": LEFT_OUT}) == {"b": [None, 1], "c": "xy"}


@pytest.mark.parametrize("name", ["a}", "{a", "a}}b", "a{{b", "}}", "x" * 5000, "\n", "{{a}}", "a b", "ключ"])
def test_odd_names(name: str) -> None:
    placeholder = "{{" + name + "}}"
    assert filled(placeholder, {name: 7}) == 7
    assert filled(f"<{placeholder}> {placeholder}", {name: 7}) == f"<7> {placeholder}"


def test_what_is_no_name_is_told() -> None:
    form = Format({"a": "{{frist}} {{first}} {{frist}}", "b": ["{{x}}"], "c": "{{first}}", "{{k}}": 1}, ADA)
    assert form.unknown == ("{{frist}}", "{{x}}")


@given(st.text("{}ab", max_size=30), st.sets(st.text("{}ab", min_size=1, max_size=4), max_size=4))
def test_filling_with_the_names_themselves_changes_nothing(text: str, names: set[str]) -> None:
    form = Format(text, names)
    assert form.fill({name: "{{" + name + "}}" for name in names}) == text
    assert form.fill({}) == text


@given(st.text("{}ab", max_size=30))
def test_as_replacing_one_after_the_other_where_names_are_plain(text: str) -> None:
    values = {"a": "1", "b": "2"}
    plain = values.get(text[2:-2]) if text.startswith("{{") and text.endswith("}}") else None
    expected = plain or text.replace("{{a}}", "1", 1).replace("{{b}}", "2", 1)
    assert Format(text, values).fill(values) == expected


# Splitting


@pytest.mark.parametrize(
    ("combined", "record", "chunk"),
    [
        (
            {"%data%": {"full": "{{first}}"}, "page": "{{page}}"},
            {"full": "{{first}}"},
            {"data": "{{data}}", "page": "{{page}}"},
        ),
        ({"a": {"b": [1, {"%rows%": {"x": 1}}]}}, {"x": 1}, {"a": {"b": [1, {"rows": "{{data}}"}]}}),
        ({"%data%": {"%x%": 1}, "50%": 2, "%": 3}, {"%x%": 1}, {"data": "{{data}}", "50%": 2, "%": 3}),
        ([{"%d%": {}}], {}, [{"d": "{{data}}"}]),
    ],
)
def test_a_combined_format_is_split_and_put_together_again(combined: Any, record: Any, chunk: Any) -> None:
    assert formatting.split(combined) == (record, chunk)
    assert formatting.combine(record, chunk) == combined


@pytest.mark.parametrize(
    ("combined", "says"),
    [
        ({"data": {}}, "needs a member whose key is between percent signs"),
        ("x", "needs a member"),
        (None, "needs a member"),
        ({"%%": {}, "%%%": {}}, "needs a member"),
        ({"%a%": {}, "%b%": {}}, "more than one"),
        ({"%a%": {}, "b": [{"%a%": {}}]}, "more than one"),
        ({"%data%": "{{first}}"}, "must have an object"),
        ({"%data%": [{}]}, "must have an object"),
        ({"%data%": {}, "data": 1}, "would be one member"),
        ({"data": 1, "%data%": {}}, "would be one member"),
    ],
)
def test_a_combined_format_that_cannot_be_split(combined: Any, says: str) -> None:
    with pytest.raises(BadTemplate, match=re.escape(says)):
        formatting.split(combined)


@pytest.mark.parametrize(
    "chunk", [{}, {"a": "{{data}} "}, {"a": "{{data}}", "b": ["x", {"c": "{{data}}"}]}, "{{data}}", 1]
)
def test_a_chunk_without_one_place_for_records_is_refused(chunk: Any) -> None:
    with pytest.raises(BadTemplate, match="where the records go"):
        formatting.combine({}, chunk)


# Reading


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "must be a json string"),
        ("{", "must be a json string"),
        ('{"a": NaN}', "must be a json string"),
        ('"\\ud800"', "must be a json string"),
        ("\ud800", "must be a json string"),
        ("[" * 50_000, "nested at most 64 levels"),
        ("[" * 65 + "]" * 65, "nested at most 64 levels"),
        ('{"a":' * 70 + "1" + "}" * 70, "nested at most 64 levels"),
        ('"' + "x" * 100_000 + '"', "at most 100000 bytes (setting format_bytes_max); it has 100002."),
    ],
)
def test_a_text_that_is_no_format(text: str, says: str) -> None:
    with pytest.raises(BadTemplate, match=re.escape(says)) as raised:
        formatting.read(text, "recordFormat", 100_000)
    assert raised.value.place == "recordFormat"
    assert raised.value.code == "format"


def test_what_is_just_allowed() -> None:
    assert formatting.read("[" * 64 + "]" * 64, "x", 128)
    assert formatting.read('"' + "é" * 49 + '"', "x", 100) == "é" * 49


def test_numbers_keep_their_spelling() -> None:
    text = '{"a":1.50,"b":1e400,"c":123456789012345678901234567890,"d":"{{x}}"}'
    form = Format(formatting.read(text, "x", 1000), ["x"])
    assert msgspec.json.encode(form.fill({"x": 1})).decode() == text.replace('"{{x}}"', "1")


@pytest.mark.parametrize("text", ["{{" * 120_000, "{{" * 60_000 + "}}" * 60_000, "{{a}}" * 50_000, "}}" * 120_000])
def test_a_large_text_of_braces_is_compiled_in_one_pass(text: str) -> None:
    assert len(Format(text, {"a", "b" * 1000}).fill({"a": "v"})) >= len(text) - 4


def test_values_may_be_named_so_often_and_no_oftener() -> None:
    most = formatting.PLACEHOLDERS_MAX
    assert len(formatting.read(json.dumps(["{{a}}"] * most), "x", 1 << 20)) == most
    for text in (json.dumps([["{{a}}"] * most, "{{"]), json.dumps("{{" * (most + 1)).replace("{", "\\u007b")):
        with pytest.raises(BadTemplate, match=f"at most {most} places"):
            formatting.read(text, "x", 1 << 20)


def test_the_default_formats() -> None:
    record = formatting.default_record(["id", "a b"])
    assert filled(record, {"id": 1, "a b": "x"}) == {"id": 1, "a b": "x"}
    combined = formatting.combine(record, formatting.DEFAULT_CHUNK)
    assert list(combined) == ["%data%", "page", "chunkSize", "template", "uploadId", "fileName", "extra"]
    assert formatting.split(combined) == (record, formatting.DEFAULT_CHUNK)
