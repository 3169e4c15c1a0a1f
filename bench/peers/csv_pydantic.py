"""Python's csv and a pydantic model per record, NDJSON out; uniqueness by a set.

python -m bench.peers.csv_pydantic FILE OUT.ndjson
"""

from __future__ import annotations

import csv
import json
import re
import sys
from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from bench.countries import COUNTRIES
from bench.people import PHONE_PATTERN, TAGS, URL_PATTERN

COUNTRY_SET, TAG_SET = frozenset(COUNTRIES), frozenset(TAGS)
EMAIL_PATTERN = (
    r"(?i)^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
)
DATE = re.compile(r"(?:(\d{4})-(\d{2})-(\d{2})|(\d{2})/(\d{2})/(\d{4}))", re.ASCII)


def real_date(text: str) -> str:
    found = DATE.fullmatch(text)
    if not found:
        raise ValueError("no date")
    year, month, day, day_first, month_second, year_third = found.groups()
    date(int(year or year_third), int(month or month_second), int(day or day_first))
    return text


def member(text: str) -> str:
    if text not in COUNTRY_SET:
        raise ValueError("not from the list")
    return text


def members(text: str) -> str:
    if not TAG_SET.issuperset(filter(None, text.split(";"))):
        raise ValueError("not from the list")
    return text


class Person(BaseModel):
    model_config = ConfigDict(str_strip_whitespace=True)

    name: Annotated[str, Field(min_length=1, max_length=60)]
    id: Annotated[str, Field(min_length=1)]
    email: Annotated[str, StringConstraints(pattern=EMAIL_PATTERN)] | None
    age: Annotated[float, Field(ge=0, le=120, allow_inf_nan=False)] | None
    amount: Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)] | None
    signup: Annotated[str, AfterValidator(real_date)] | None
    country: Annotated[str, AfterValidator(member)]
    phone: Annotated[str, StringConstraints(pattern=PHONE_PATTERN)] | None
    url: Annotated[str, StringConstraints(pattern=URL_PATTERN.replace(r"\/", "/"))] | None
    tags: Annotated[str, AfterValidator(members)] | None


def main() -> None:
    rows = invalid = 0
    seen: set[str] = set()
    columns: dict[str, int] = dict.fromkeys(Person.model_fields, 0)
    judge = Person.__pydantic_validator__.validate_python
    optional = [key for key in Person.model_fields if key not in ("name", "id", "country")]
    with open(sys.argv[1], newline="", encoding="utf-8") as source, open(sys.argv[2], "w", encoding="utf-8") as out:
        for record in csv.DictReader(source):
            rows += 1
            checked: dict[str, Any] = dict(record)
            for key in optional:
                checked[key] = checked[key] or None
            errors: dict[str, str] = {}
            try:
                judge(checked)
            except ValidationError as failure:
                errors = {str(error["loc"][0]): error["msg"] for error in failure.errors(include_url=False)}
            if (value := record["id"]) in seen:
                errors["id"] = "already taken"
            elif value:
                seen.add(value)
            for key in errors:
                columns[key] += 1
            invalid += bool(errors)
            out.write(json.dumps({"index": rows, "isValid": not errors, "errors": errors, "record": record}) + "\n")
    print(json.dumps({"rows": rows, "invalid": invalid, "columns": columns}))


if __name__ == "__main__":
    main()
