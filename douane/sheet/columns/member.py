"""What stands in the menu of the columns shelf. Loads no Polars, as the menu itself does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from douane.model.template import Column
from douane.sheet.fields import Field
from douane.values import dataclass

if TYPE_CHECKING:
    from douane.sheet.columns.contract import Judge


def _nothing(column: Column) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Member:
    """A column type. `judge`: BadTemplate, with the field as its place, where the definition cannot be run. `says`: in
    a few words what a cell has to be, "" = anything. `fields`: what a column's document may say beside the common
    fields; `column.setting(name)` has the value. `hopeless(column, strict)`: why no cell could be right, with a hint,
    or None; `strict` is for a file that a person wrote, where some of what programs send is a mistake."""

    judge: Callable[[Column], Judge]
    says: Callable[[Column], str] = _nothing
    fields: tuple[Field, ...] = ()
    hopeless: Callable[[Column, bool], str | None] | None = None
