"""Template and mapping files: YAML or JSON, read as people mean them.

YAML 1.1, which the library speaks, takes `No` for false, `2024-01-31` for a date and a key given twice for its last
value. In a list of select values each of these would be a silent change, so here words stay words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Hashable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from douane.errors import BadTemplate

_TAG = "tag:yaml.org,2002:"


if TYPE_CHECKING:
    from yaml import SafeLoader as _Base
else:
    # In C where the library has it: a tenth of the time.
    _Base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):
    """YAML 1.2's idea of plain values: true, false, null and decimal numbers; all else is text."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                raise yaml.constructor.ConstructorError(None, None, "a key must be a word", key_node.start_mark)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key!r} is given twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {}
for _name, _pattern, _first in (
    ("null", r"(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)$", list("-+0123456789")),
    ("float", r"[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$", list("-+0123456789")),
):
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(_pattern), _first)


def read_document(path: Path) -> Any:
    """The parsed document. BadTemplate names the file, the line and the reason."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadTemplate("This file is not UTF-8 text.", place=path.name) from error
    try:
        if text.lstrip()[:1] in ("{", "["):
            return json.loads(text, object_pairs_hook=_object, parse_constant=_number)
        return yaml.load(text, Loader=_Loader)
    except json.JSONDecodeError as error:
        # Flow style of YAML begins alike: `{email: E-mail}` is no JSON but a document all the same.
        try:
            return yaml.load(text, Loader=_Loader)
        except yaml.YAMLError:
            place = f"{path.name}, line {error.lineno}, column {error.colno}"
            raise BadTemplate(f"{error.msg}.", place=place) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = path.name if mark is None else f"{path.name}, line {mark.line + 1}, column {mark.column + 1}"
        raise BadTemplate(f"{error.problem or error.context or 'This is not YAML'}.", place=place) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BadTemplate(" ".join(str(error).split()), place=path.name) from error


def _number(name: str) -> float:
    raise ValueError(f"{name} is no number of a template.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"{key!r} is given twice.")
        found[key] = value
    return found
