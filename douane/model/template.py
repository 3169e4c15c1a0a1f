"""Templates and columns: what a file should hold.

The document form is the one of the published template file and of the spreadsheet contract's section 3.4 (`isRequired`,
`selectValues` ...); `sheet/template_file.py` reads and writes it and finds its faults. Here are only the values: which
types and validations there are is said by their shelves.
"""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from typing import Any

from douane.values import dataclass

# What a member of a shelf knows beside the common fields: (field of the document, value) in the member's order.
Settings = tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Validation:
    """One advanced validation of a column. `validate`: a name of the validations shelf. `min`/`max` are None when
    absent or not of number type (contract 4.5)."""

    validate: str
    min: float | int | None = None
    max: float | int | None = None
    unique_key: str = ""
    error_message: str = ""
    settings: Settings = ()

    def setting(self, name: str, default: Any = None) -> Any:
        return dict(self.settings).get(name, default)


@dataclass(frozen=True, slots=True)
class Column:
    """One target field. `type`: a name of the columns shelf. `notes`: of a note its level where the template names one:
    `warning`, `problem` or `off`."""

    key: str
    name: str
    type: str = "String"
    id: str | None = None
    description: str = ""
    alternate_keys: tuple[str, ...] = ()
    required: bool = False
    unique: bool = False
    frozen: bool = False
    pattern: str = ""
    pattern_description: str = ""
    options: tuple[str, ...] = ()
    date_formats: tuple[str, ...] = ("DD/MM/YYYY",)
    multi: bool = False
    delimiter: str = ","
    default: str | int | float | None = None
    validations: tuple[Validation, ...] = ()
    sequence: int = 0
    notes: tuple[tuple[str, str], ...] = ()
    settings: Settings = ()

    def setting(self, name: str, default: Any = None) -> Any:
        return dict(self.settings).get(name, default)

    @property
    def title(self) -> str:
        """What people are shown: the name, or the key of a column that was given none."""
        return self.key if self.name in ("", "Untitled Column") else self.name


@dataclass(frozen=True, slots=True)
class Template:
    """An ordered set of columns under a name; keys are unique."""

    name: str
    columns: tuple[Column, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class StoredTemplate:
    """`document` holds what only surfaces ask for (`mode`, `integration`, `expectedDateFormat` ...).
    `image_columns`: the keys of columns that hold images."""

    id: str
    project_id: str
    name: str
    created_at: datetime
    updated_at: datetime
    document: dict[str, Any] = field(default_factory=dict)
    total_uploads: int = 0
    total_records: int = 0
    total_invalid: int = 0
    image_columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredColumn:
    """`document` is the column in template-file form, without `key` and `sequence`, which stand beside it."""

    id: str
    template_id: str
    key: str
    sequence: int
    document: dict[str, Any]
    created_at: datetime
    updated_at: datetime


def heading_names(template: Template) -> tuple[str, ...]:
    """Every text that a heading of the template's file may be: keys, names and other names of its columns."""
    return tuple(
        name for column in template.columns for name in (column.key, column.name, *column.alternate_keys) if name
    )
