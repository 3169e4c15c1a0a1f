"""Template and mapping files: words stay words, and a fault is answered with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from douane.cli.documents import read_document
from douane.errors import BadTemplate


@pytest.fixture
def document(tmp_path: Path):
    def read(text: str | bytes, name: str = "t.yaml") -> object:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_document(path)

    return read


def test_words_stay_words(document) -> None:
    text = "[Yes, no, NO, off, 2024-01-31, 0123, 1_000, 12:30, 0x10, =]"
    assert document(text) == ["Yes", "no", "NO", "off", "2024-01-31", "0123", "1_000", "12:30", "0x10", "="]


def test_plain_values(document) -> None:
    assert document("[true, False, ~, null, 12, -5, 1.5, 1e3]") == [True, False, None, None, 12, -5, 1.5, 1000.0]


def test_json_and_yaml_flow_style(document) -> None:
    assert document('{"email": "E-mail", "age": null}') == {"email": "E-mail", "age": None}
    assert document("{email: E-mail}") == {"email": "E-mail"}


def test_a_byte_order_mark_is_no_part_of_the_first_key(document) -> None:
    assert document("\ufeffname: People\n") == {"name": "People"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: 1\nb: 2\na: 3\n", "t.yaml, line 3, column 1: 'a' is given twice."),
        ('{"a": 1, "a": 2}', "t.yaml: 'a' is given twice."),
        ("a: [1, 2\n", "t.yaml, line 2, column 1: "),
        ("a: *b", "t.yaml, line 1, column 4: found undefined alias"),
        ("a: !!python/object:os.system x", "could not determine a constructor"),
        ("? {a: 1}\n: b", "line 1, column 3: a key must be a word"),
        (b"name: \xff\n", "t.yaml: This file is not UTF-8 text."),
        (b"name: \x00\n", "t.yaml: "),
    ],
)
def test_a_fault_is_answered_with_its_place(document, text: str | bytes, sentence: str) -> None:
    with pytest.raises(BadTemplate) as caught:
        document(text)
    assert sentence in caught.value.message


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_document(tmp_path / "none.yaml")
