from __future__ import annotations

import uuid
from typing import Any

import pytest

from douane.model.template import Column
from douane.sheet.delivering import delivered


@pytest.mark.parametrize(
    ("default", "value"),
    [
        ("en", "en"),
        (5, 5),
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
    assert delivered({"name": "Ada"}, [column], "op", 1) == {"name": "Ada", "lang": value}
    # An empty cell is a value.
    assert delivered({"lang": ""}, [column], "op", 1) == {"lang": ""}
    assert delivered({"lang": None}, [column], "op", 1) == {"lang": None}


def test_without_a_default_or_with_none_meant_the_field_stays_away() -> None:
    assert delivered({}, [Column("a", "A"), Column("b", "B", default="<<undefined>>")], "op", 1) == {}


def test_an_identifier_is_the_same_each_time_and_another_for_each_record() -> None:
    columns = [Column("id", "Id", default="<<uuid>>"), Column("other", "Other", default="<<uuid>>")]
    one, again, two = (delivered({}, columns, "op", row) for row in (1, 1, 2))
    assert one == again
    assert len({one["id"], one["other"], two["id"], delivered({}, columns, "another", 1)["id"]}) == 4
    assert uuid.UUID(one["id"]).version == 4
