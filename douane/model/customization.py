"""What a template's people made of the form in which its records leave."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from douane.model.bounds import Line, Word

FIELD = "customization"  # of a template's document


class Customization(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """JSON texts as people wrote them, read by `sheet.formatting`; "" = nobody did, and the default is made of the
    columns whenever it is asked for."""

    id: Word
    created_at: datetime
    updated_at: datetime
    record: Line = ""
    chunk: Line = ""
    combined: Line = ""


def kept_of(document: Mapping[str, Any]) -> Customization | None:
    """What a template's document holds; None where nobody gave it a form or a destination yet."""
    kept = document.get(FIELD)
    return None if kept is None else msgspec.convert(kept, Customization)


def with_kept(document: Mapping[str, Any], kept: Customization) -> dict[str, Any]:
    return {**document, FIELD: msgspec.to_builtins(kept)}


def with_destination(document: Mapping[str, Any], chosen: str | None, fresh: Customization) -> dict[str, Any]:
    """A template's document with another destination. What people wrote was for the one before, if there was one, and
    does not stay (contract 2.5)."""
    made = {**document, "destination": chosen}
    if chosen is not None and (FIELD not in document or document.get("destination") not in (None, chosen)):
        return with_kept(made, fresh)
    return made
