"""`among`: what a cell says must be among the accepted values of a column of another template. The contract has none of
it.

    {validate: among, template: 65a1b2c3d4e5f60718293a4b, column: code}

The values are no part of the template: whoever checks must know them (`sheet/check.py`), and who does not, judges all
else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from douane.model.template import Validation
from douane.sheet.fields import TEXT, Field
from douane.sheet.validations.contract import Member, Reference

_TEMPLATE = Field("template", TEXT, default="", says="The id of the other template.")
_COLUMN = Field("column", TEXT, default="", says="The key of its column.")


def _reference(validation: Validation) -> Reference:
    return Reference(validation.setting("template", ""), validation.setting("column", ""))


def _says(validation: Validation) -> str:
    return f"among the accepted values of {validation.setting('column')} in template {validation.setting('template')}"


def _fault(document: Mapping[Any, Any]) -> tuple[str, str] | None:
    for name, what in (("template", "the id of a template"), ("column", "the key of a column of that template")):
        if not isinstance(document.get(name), str) or not document[name]:
            return name, f"{name} must be {what}"
    return None


MEMBER = Member(reference=_reference, says=_says, fault=_fault, fields=(_TEMPLATE, _COLUMN))
