"""Records as they leave: defaults, lists, images, a form of the template's own."""

from __future__ import annotations

import json
import uuid
from typing import Any

import msgspec
import pytest

from douane.model.template import Column, Template
from douane.sheet.delivering import Delivery


def delivered(record: dict[str, Any], *columns: Column, operation_id: str = "op", row: int = 1, **how: Any) -> Any:
    delivery = Delivery(Template("t", columns), operation_id, **how)
    return json.loads(msgspec.json.encode(delivery.of(record, row)))


@pytest.mark.parametrize(
    ("default", "value"),
    [
        ("en", "en"),
        (5, 5),
        (0, 0),
        ("<<null>>", None),
        ("<<>>", ""),
        ("<<[]>>", []),
        ("<<true>>", True),
        ("<<false>>", False),
        ("<<now>>", "<<now>>"),
    ],
)
def test_a_default_stands_in_where_there_is_no_field(default: Any, value: Any) -> None:
    column = Column("lang", "Lang", default=default)
    assert delivered({"name": "Ada"}, column) == {"name": "Ada", "lang": value}
    # An empty cell is a value (contract 4.9).
    assert delivered({"lang": ""}, column) == {"lang": ""}
    assert delivered({"lang": None}, column) == {"lang": None}


def test_without_a_default_or_with_none_meant_the_field_stays_away() -> None:
    assert delivered({}, Column("a", "A"), Column("b", "B", default="<<undefined>>")) == {}


def test_an_identifier_is_the_same_each_time_and_another_for_each_record() -> None:
    columns = [Column("id", "Id", default="<<uuid>>"), Column("other", "Other", default="<<uuid>>")]
    one, again, two = (delivered({}, *columns, row=row) for row in (1, 1, 2))
    assert one == again
    assert len({one["id"], one["other"], two["id"], delivered({}, *columns, operation_id="another")["id"]}) == 4
    assert uuid.UUID(one["id"]).version == 4


def test_a_list_made_by_default_is_no_ones_else() -> None:
    delivery = Delivery(Template("t", (Column("a", "A", default="<<[]>>"),)), "op")
    assert delivery.of({}, 1)["a"] is not delivery.of({}, 2)["a"]


def test_lists_and_images() -> None:
    columns = Column("t", "T", "Select", multi=True, delimiter=";"), Column("i", "I", "Image")
    root = "https://h/asset"
    assert delivered({"t": "a;b", "i": "x.png"}, *columns, image_root=root) == {"t": ["a", "b"], "i": f"{root}/x.png"}
    assert delivered({"t": "", "i": ""}, *columns, image_root=root) == {"t": [], "i": ""}
    assert delivered({"i": "x.png"}, *columns) == {"i": "x.png"}


def test_a_form_of_its_own() -> None:
    columns = Column("first", "F"), Column("n", "N", "Number"), Column("t", "T", "Select", multi=True)
    form = {"who": "{{first}} {{Last}}", "n": {"v": "{{n}}"}, "t": "{{t}}", "c": [1]}
    record = {"first": "Ada", "Last": "Byron", "n": msgspec.Raw(b"1.5"), "t": "a,b"}
    assert delivered(record, *columns, fields=["Last"], record_format=form) == {
        "who": "Ada Byron",
        "n": {"v": 1.5},
        "t": ["a", "b"],
        "c": [1],
    }


def test_what_a_form_says_of_a_record_without_the_field() -> None:
    """Contract 4.9: the placeholder stays as it is written; the form that nobody wrote leaves it out."""
    columns = Column("a", "A"), Column("b", "B", default=""), Column("c", "C", default="<<undefined>>")
    form = {"a": "{{a}}", "b": "{{b}}", "c": "{{c}}", "text": "{{a}}-{{c}}"}
    assert delivered({}, *columns, record_format=form) == {"a": "{{a}}", "b": "", "text": "{{a}}-"}
    assert delivered({}, *columns, record_format=form, lenient=True) == {"b": "", "text": "-"}
