"""`unique_with`: the columns of a group do not hold the same values together in two records (contract 4.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from douane.model.template import Validation
from douane.sheet.validations.contract import Member, Together


def _group(validation: Validation) -> str:
    """White space in a group's key does not count."""
    return "".join(validation.unique_key.split())


def _says(validation: Validation) -> str:
    return f"once together with the other columns of “{validation.unique_key}”"


def _fault(document: Mapping[Any, Any]) -> tuple[str, str] | None:
    key = document.get("uniqueKey")
    return None if isinstance(key, str) and key.strip() else ("uniqueKey", "uniqueKey must be a string")


MEMBER = Member(
    together=Together(_group, lambda keys: f"Value should be unique for combination of {','.join(keys)}"),
    says=_says,
    fault=_fault,
)
