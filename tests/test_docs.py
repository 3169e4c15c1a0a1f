"""A page that lists things is compared with the code."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from douane import settings
from douane.chat import importers, writers
from douane.cli import app
from douane.cli.verbs import Group
from douane.flow import setup
from douane.settings import Settings
from douane.sheet import columns, formats, mapping
from douane.sheet.check import Checker
from douane.sheet.template_file import read_template
from douane.web.app import create_app

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


def page(name: str) -> str:
    return (DOCS / name).read_text()


def rows_after(text: str, heading: str) -> list[list[str]]:
    """The cells of the first table whose head begins with `heading`."""
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith(f"| {heading} |"):
            break
    next(lines)
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append([cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return rows


def names(text: str, heading: str) -> list[str]:
    return [row[0].strip("`") for row in rows_after(text, heading)]


def verbs(group: Group, path: str) -> list[str]:
    below = [verb for name, inner in group.groups.items() for verb in verbs(inner, f"{path} {name}")]
    return [*(f"{path} {name}" for name in group.verbs), *below]


def test_every_setting_is_listed_with_its_unit_default_and_sentence() -> None:
    listed = [tuple(cell.strip("`") for cell in row) for row in rows_after(page("operations.md"), "setting")]
    assert listed == settings.describe()


def test_every_verb_is_listed() -> None:
    assert sorted(names(page("cli.md"), "verb")) == sorted(verbs(app, "douane"))


def test_every_column_type_is_listed() -> None:
    assert sorted(names(page("cli.md"), "type")) == sorted(columns.SHELF)


def test_every_file_format_is_listed() -> None:
    assert {row[1].strip("`") for row in rows_after(page("cli.md"), "format")} == set(formats.MENU)


def test_every_importer_and_writer_of_chats_is_listed() -> None:
    text = page("cli.md")
    (listed,) = re.findall(r"`--importer KEY` \((.*?)\)\s+overrules", text, re.DOTALL)
    assert set(re.findall(r"`([^`]+)`", listed)) == {key for key, one in importers.MENU.items() if one.module}
    assert {name.strip("`") for name, _ in rows_after(text, "`--to`")} == writers.MENU.keys()


def test_every_rule_is_listed() -> None:
    validations = [{"validate": name, "min": 1, "max": 2} for name in ("range", "length", "digits")]
    unique_with = [{"validate": "unique_with", "uniqueKey": "u"}]
    beside = [
        {"validate": "required_with", "columns": ["Any"]},
        {"validate": "required_without", "columns": ["Any"]},
        {"validate": "compare", "is": "equal", "column": "Any"},
        {"validate": "among", "template": "t", "column": "c"},
    ]
    documents = [
        {"key": kind, "name": kind, "type": kind, "isRequired": True, "isUnique": True, "regex": "^a+$"}
        | {"selectValues": ["a"], "validations": validations + unique_with}
        | ({"dateFormats": ["DD/MM/YYYY", "MM/DD/YYYY"]} if kind == "Date" else {})
        | ({"normalize": ["collapse"]} if kind == "String" else {})
        for kind in columns.SHELF
    ]
    # A pattern that the fast engine refuses is the one that may not come to an end.
    documents[0]["validations"] = [*validations, *unique_with, *beside]
    documents.append({"key": "slow", "name": "slow", "type": "Regex", "regex": r"(a+)\1"})
    template = read_template({"name": "all", "columns": documents})
    headings = tuple(column.key for column in template.columns)
    checker = Checker(template, mapping.layout(template, headings, tuple(range(len(headings)))))
    assert set(names(page("cli.md"), "rule")) == {rule.name for rule in checker.rules}


def test_every_endpoint_is_listed(tmp_path: Path) -> None:
    served_app = create_app(Settings(data=tmp_path))
    served = {
        f"{method.upper()} {path}"
        for path, operations in served_app.openapi()["paths"].items()
        for method in operations
    }
    listed = names(page("wire-spreadsheet.md"), "endpoint") + names(page("wire-chat.md"), "endpoint")
    assert sorted(listed) == sorted(served)


def test_the_sample_template_is_the_one_of_the_first_start() -> None:
    document = yaml.safe_load((ROOT / "tests/data/people.yaml").read_text())
    assert read_template(document) == read_template({"name": setup.TEMPLATE, "columns": list(setup.COLUMNS)})
    assert (ROOT / "tests/data/people.csv").read_bytes() == (ROOT / "douane/ui/sample/people.csv").read_bytes()


def test_links_between_pages_lead_somewhere() -> None:
    for path in [ROOT / "README.md", *DOCS.glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)[)#]", path.read_text()):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_the_house_has_the_rooms_of_the_map() -> None:
    block = page("house.md").split("```")[1]
    drawn = {line.split()[0].rstrip("/") for line in block.strip().splitlines()}
    there = {path.name for path in (ROOT / "douane").iterdir() if not path.name.startswith("__")}
    assert drawn == there
