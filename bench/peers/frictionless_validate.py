"""frictionless `validate` with a Table Schema. It has no date in two formats and no list of options in one cell: both
are patterns here, which lets 31/02/2020 pass, and it does not trim, so a name of spaces passes too. Runs in its own
environment; needs nothing of ours but the template.

python frictionless_validate.py FILE TEMPLATE.json
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from frictionless import Checklist, Dialect, Resource, Schema, system  # type: ignore[import-not-found]

DATE_PATTERN = r"(\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])|(0[1-9]|[12]\d|3[01])/(0[1-9]|1[0-2])/\d{4})"


def field(column: dict[str, Any]) -> dict[str, Any]:
    kind, rules = "string", {}
    bounds = {one["validate"]: one for one in column.get("validations", [])}
    match column["type"]:
        case "Number" | "Double":
            kind = "number"
            rules = {"minimum": bounds["range"]["min"], "maximum": bounds["range"]["max"]}
        case "String" if "length" in bounds:
            rules = {"maxLength": bounds["length"]["max"]}
        case "Date":
            rules = {"pattern": DATE_PATTERN}
        case "Regex":
            rules = {"pattern": column["regex"].removeprefix("^").removesuffix("$")}
        case "Select" if column.get("allowMultiSelect"):
            one = "|".join(map(re.escape, column["selectValues"]))
            rules = {"pattern": f";*({one})(;+({one}))*;*"}
        case "Select":
            rules = {"enum": column["selectValues"]}
    described: dict[str, Any] = {"name": column["key"], "type": kind}
    if column["type"] == "Email":
        described["format"] = "email"
    if column.get("isRequired"):
        rules["required"] = True
    if column.get("isUnique"):
        rules["unique"] = True
    return described | {"constraints": rules}


def main() -> None:
    path, template = Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text())
    schema = Schema.from_descriptor({"fields": [field(column) for column in template["columns"]]})
    with system.use_context(trusted=True):
        resource = Resource(path=str(path), schema=schema, dialect=Dialect(), encoding="utf-8")
        report = resource.validate(Checklist(), limit_errors=1_000_000_000)
    columns: dict[str, dict[str, int]] = {}
    invalid = set()
    for number, key, kind in report.flatten(["rowNumber", "fieldName", "type"]):
        of_column = columns.setdefault(key or "", {})
        of_column[kind] = of_column.get(kind, 0) + 1
        invalid.add(number)
    print(json.dumps({"rows": report.tasks[0].stats["rows"], "invalid": len(invalid), "columns": columns}))


if __name__ == "__main__":
    main()
