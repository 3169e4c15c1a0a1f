"""Values are what the standard library's data classes are."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Callable
from dataclasses import asdict, field, fields, replace
from typing import Any, ClassVar

import pytest

from douane import values


def made(dataclass: Callable[..., Any]) -> tuple[Any, ...]:
    @dataclass(frozen=True, slots=True)
    class Point:
        """A place."""

        x: int
        y: float = 0.5
        names: list[str] = field(default_factory=list)
        many: ClassVar[int] = 7

        @property
        def double(self) -> int:
            return 2 * self.x

    @dataclass(frozen=True, slots=True)
    class Deep(Point):
        z: int = 3

        def __post_init__(self) -> None:
            if self.z < 0:
                raise ValueError("deep")

    @dataclass(frozen=True, slots=True)
    class One:
        only: Any

        def __repr__(self) -> str:
            return "one"

    @dataclass(frozen=True, slots=True)
    class Nothing:
        pass

    @dataclass
    class Other:
        x: int

    return Point, Deep, One, Nothing, Other


@pytest.fixture(params=[dataclasses.dataclass, values.dataclass], ids=["theirs", "ours"])
def kinds(request: pytest.FixtureRequest) -> Any:
    return made(request.param)


def test_they_are_alike(kinds: tuple[Any, ...]) -> None:
    Point, Deep, One, Nothing, Other = kinds
    point, deep = Point(1, names=["a"]), Deep(1, 2.0, z=4)
    assert repr(point).endswith("Point(x=1, y=0.5, names=['a'])")
    assert repr(deep).endswith("Deep(x=1, y=2.0, names=[], z=4)")
    assert (Point.__name__, Point.__doc__, Point.many, point.double) == ("Point", "A place.", 7, 2)
    assert Point.__qualname__.endswith("made.<locals>.Point")
    assert (point, point != Point(2), point == deep) == (Point(1, 0.5, ["a"]), True, False)
    assert Point(1).names is not Point(1).names
    assert replace(deep, x=5) == Deep(5, 2.0, [], 4)
    assert asdict(deep) == {"x": 1, "y": 2.0, "names": [], "z": 4}
    assert [one.name for one in fields(Deep)] == list(Deep.__match_args__) == ["x", "y", "names", "z"]
    assert (Point.__slots__, Deep.__slots__, Nothing.__slots__) == (("x", "y", "names"), ("z",), ())
    assert not hasattr(point, "__dict__")
    assert (repr(One(1)), One(1) == One(1), hash(One("a")) == hash(One("a"))) == ("one", True, True)
    assert Nothing() == Nothing()
    assert hash(Nothing()) == hash(Nothing())
    assert copy.deepcopy(point) == copy.copy(point) == point
    match deep:
        case Deep(x, z=z):
            assert (x, z) == (1, 4)
    other = Other(1)
    other.x = 2
    assert other == Other(2)


def test_they_refuse_the_same(kinds: tuple[Any, ...]) -> None:
    Point, Deep, _, _, _ = kinds
    point = Point(1)
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'x'"):
        point.x = 2
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot delete field 'x'"):
        del point.x
    for given in ((), (1, 2, 3, 4)):
        with pytest.raises(TypeError, match=r"__init__\(\)"):
            Point(*given)
    with pytest.raises(TypeError, match="unhashable"):
        hash(point)
    with pytest.raises(ValueError, match="deep"):
        replace(Deep(1), z=-1)


@values.dataclass(frozen=True, slots=True)
class Kept:
    a: int
    b: tuple[int, ...] = ()


def test_they_can_be_kept() -> None:
    kept = Kept(1, (2,))
    assert pickle.loads(pickle.dumps(kept)) == kept
    assert {kept, Kept(1, (2,))} == {kept}


def test_who_has_no_docstring_goes_without() -> None:
    *_, nothing, other = made(values.dataclass)
    assert (nothing.__doc__, other.__doc__) == (None, "Other(x: 'int')")


def test_what_is_found_out_later_is_found_as_it_would_have_been(kinds: tuple[Any, ...]) -> None:
    point, deep, *_ = kinds

    class Plain(deep):  # type: ignore[misc]
        pass

    assert [*inspect.signature(deep).parameters] == ["x", "y", "names", "z"]
    assert inspect.signature(point).parameters["y"].default == 0.5
    assert Plain(1, z=2).z == 2
    assert [one.name for one in fields(Plain)] == ["x", "y", "names", "z"]
    assert dataclasses.is_dataclass(point)
    assert point.__dataclass_params__ is not None
