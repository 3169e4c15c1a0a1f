"""How the browser's part is made: vendored files as they were taken, types that hold, nothing from elsewhere."""

from __future__ import annotations

import codecs
import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Collection
from pathlib import Path
from typing import get_args

import pytest

from douane import errors
from douane.sheet import noticed
from douane.sheet.matching import Reason
from douane.web.spreadsheet.wire import suggestions

ROOT = Path(__file__).parents[2]
UI = ROOT / "douane" / "ui"
TYPESCRIPT = "7.0.2"


def test_vendored_files_are_as_they_were_taken() -> None:
    listed = dict(
        re.findall(r"^\| `([\w.-]+)` .*`([0-9a-f]{64})` \|$", (UI / "vendor/README.md").read_text(), re.MULTILINE)
    )
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (UI / "vendor").glob("*.js")}
    assert listed == found
    assert {path.stem for path in (UI / "vendor").glob("*.LICENSE")} == {"preact", "htm", "signals-core"}


def test_types_hold(tmp_path_factory: pytest.TempPathFactory) -> None:
    """`tsc --checkJs` over all of it; the compiler comes from npm, once a virtual environment."""
    npm = shutil.which("npm")
    if npm is None:
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail("npm is missing.")
        pytest.skip("npm is missing.")
    place = ROOT / ".venv" / f"typescript-{TYPESCRIPT}"
    compiler = place / "node_modules" / ".bin" / "tsc"
    if not compiler.exists():
        place.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [npm, "install", "--no-save", "--no-audit", "--no-fund", f"typescript@{TYPESCRIPT}"],
            cwd=place,
            check=True,
            capture_output=True,
        )
    ran = subprocess.run([compiler, "-p", UI / "tsconfig.json"], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout


def test_nothing_is_loaded_from_elsewhere() -> None:
    """Our own origin only: no address of another server in what the browser gets, and no inline script or style."""
    for path in [*UI.rglob("*.js"), *UI.rglob("*.html"), *UI.rglob("*.css")]:
        text = path.read_text()
        if path.parent.name == "vendor":
            continue
        assert not re.search(r"""(?:src|href|import|url\()\s*=?\s*["'(]https?:""", text), path
    for path in UI.rglob("*.html"):
        assert not re.search(r"<style|style=|<script(?![^>]*src=)", path.read_text()), path


def test_every_text_that_is_asked_for_is_there() -> None:
    texts = json.loads((UI / "widget/texts/en.json").read_text())
    used = set()
    for path in (UI / "widget").rglob("*.js"):
        used |= set(re.findall(r"""\bt\(\s*["']([A-Z0-9_-]+\.[A-Z0-9_]+)["']""", path.read_text()))
    assert used
    assert not {name for name in used if name.split(".")[1] not in texts.get(name.split(".")[0], {})}


# Texts by a code of the server's, and by parts of a name.
BY_CODE = ("NOTES.", "FAILURES.", "RULES.", "SUGGESTION.", "CHANGES.", "MAPPING.REASON_", "EXPECT.")
BY_VIEW = ("DOWNLOAD.", "WORKBOOK.TAKE_")


def test_no_text_stands_idle() -> None:
    code = "".join(path.read_text() for path in (UI / "widget").rglob("*.js"))
    words = set(re.findall(r"""["'`]([A-Z0-9_]+)["'`]""", code))
    begun = set(re.findall(r"\bt\(`([A-Z0-9_-]+\.[A-Z0-9_]*)\$\{", code)) | {"MAPPING.REASON_"}
    assert begun >= set(BY_CODE) - {"NOTES.", "FAILURES.", "RULES."} | set(BY_VIEW)
    # What hosts may replace (contract 9.5) has its place here, or is said to have none.
    page = (ROOT / "docs/embed.md").read_text()
    without = set(
        re.findall(r"`([A-Z0-9_]+\.[A-Z0-9_]+)`", page.split("### Texts without a place")[1].split("\n## ")[0])
    )
    idle = []
    for section, texts in json.loads((UI / "widget/texts/en.json").read_text()).items():
        for key in texts:
            name = f"{section}.{key}"
            made = any(name.startswith(start) and name.removeprefix(start) in words for start in begun)
            elsewhere = name.startswith((*BY_CODE, *BY_VIEW))
            if not made and not elsewhere and f'"{name}"' not in code:
                idle.append(name)
    assert set(idle) == without


def test_every_code_of_the_server_has_its_text() -> None:
    texts = json.loads((UI / "widget/texts/en.json").read_text())
    assert set(texts["SUGGESTION"]) == {code.upper() for code in suggestions.REASONS}
    reasons = {key.removeprefix("REASON_") for key in texts["MAPPING"] if key.startswith("REASON_")}
    assert reasons == {reason.upper() for reason in get_args(Reason)}
    listed = re.search(r"`kind` is ([^;|]*) or `(\w+)`", (ROOT / "docs/wire-spreadsheet.md").read_text())
    assert listed
    kinds = {key for key in texts["CHANGES"] if key not in {"OPEN", "TITLE", "NONE", "OLDER", "CELLS", "ROWS"}}
    assert kinds == {kind.upper() for kind in [*re.findall(r"`(\w+)`", listed[1]), listed[2]]}


# Of a chat import, or told by what stands around them: no file of a person at the widget ends with these.
NOT_OF_A_FILE = {
    *("nothing_found", "no_importer", "export_unknown", "entries_unread", "importer-csv-heading"),
    *("error-import-file-extract-error", "bad_credentials", "column_key_taken", "person_exists"),
}


@pytest.mark.parametrize("path", sorted((UI / "widget/texts").glob("*.json")), ids=lambda path: path.stem)
def test_whatever_the_server_says_of_a_file_has_its_text_in_every_language(path: Path) -> None:
    texts = json.loads(path.read_text())
    assert set(texts["NOTES"]) == {key.upper() for key in [*noticed.KEYS, "lines"]}
    kinds = (errors.BadFile, errors.OverLimit, errors.Conflict, errors.NotAllowed, errors.StorageFull)
    listed = {code for kind in kinds for code in re.findall(r"`(\w\S*)`", (kind.__doc__ or "").partition("in use:")[2])}
    codes = {*listed, *(kind.code for kind in (errors.BadFile, errors.OverLimit, errors.StorageFull))} - NOT_OF_A_FILE
    assert set(texts["FAILURES"]) == {code.upper() for code in codes}
    rules = re.findall(
        r"^\| `(\w+)` \|", (ROOT / "docs/cli.md").read_text().split("## Rules")[1].split("\n## ")[0], re.M
    )
    assert set(texts["RULES"]) == {rule.upper() for rule in rules}


def test_every_encoding_that_is_offered_is_one() -> None:
    offered = re.search(r"encoding: \[(.*?)\n  \]", (UI / "widget/steps/heading.js").read_text(), re.DOTALL)
    assert offered
    names = re.findall(r'\["([\w-]+)", "[\w-]*"\]', offered[1])
    assert len(names) > 15
    for name in names:
        codecs.lookup(name)


def reached(start: str, known: Collection[str] = ()) -> set[str]:
    """The modules that one needs, itself among them, by their paths in `ui/`."""
    needed: set[str] = set()
    waiting = [UI / start]
    while waiting:
        path = waiting.pop()
        name = path.relative_to(UI).as_posix()
        if name in needed or name in known:
            continue
        needed.add(name)
        named = re.findall(r'^(?:import|export)[^;]*?from "([^"]+)"', path.read_text(), re.MULTILINE)
        waiting += [(path.parent / name).resolve() for name in named]
    return needed


def test_all_modules_of_the_widget_are_asked_for_at_once() -> None:
    """Each import found late is another way to the server and back before anything is seen. What no first screen needs
    comes after it."""
    page = (UI / "widget/index.html").read_text()
    first = reached("widget/main.js")
    assert set(re.findall(r'(?:rel="modulepreload" href|script type="module" src)="/ui/([^"]+)"', page)) == first
    assert set(re.findall(r'rel="later" href="/ui/([^"]+)"', page)) == reached("widget/steps/later.js", first)
    lazy = re.findall(r'import\("([^"]+)"\)', "".join((UI / name).read_text() for name in first))
    assert sorted(lazy) == ["./steps/later.js", "./zip.js"]
