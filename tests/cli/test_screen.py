"""What a person sees: 80 columns, everything said, nothing of a stranger's file acted upon."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from rich.console import Console

from douane.cli import screen
from douane.line import Progress

DETECTED = {
    "format": "csv",
    "encoding": "utf-8",
    "delimiter": ";",
    "quote": '"',
    "headerRow": 2,
    "sheets": [],
    "sheet": None,
    "compression": "gzip",
    "width": 3,
    "notes": [],
}


def summary(**changes: Any) -> dict[str, Any]:
    return {
        "rows": 1234,
        "valid": 1200,
        "invalid": 34,
        "blank": 1,
        "unreadable": 0,
        "found": 1235,
        "problems": [
            {
                "column": "email",
                "rule": "email",
                "count": 33,
                "lines": [7, 9, 12, 13],
                "message": "grace@example must be a valid email",
            },
            {"column": None, "rule": "surplus", "count": 1, "lines": [19], "message": "[bold]one cell too many[/bold]"},
        ],
        "warnings": [],
        "detected": DETECTED,
        "mapping": {"email": "E-mail", "age": None},
        "unmapped": ["Notes", ""],
        **changes,
    }


def shown(value: dict[str, Any], reports: list[Path] | None = None) -> str:
    out = io.StringIO()
    screen.show_check(Console(file=out, width=80), "people.csv", value, reports or [])
    return out.getvalue()


def test_says_what_was_detected_mapped_and_found() -> None:
    text = shown(summary(), [Path("report/valid.csv"), Path("report/invalid.csv")])
    assert 'CSV, gzip, utf-8, semicolon, quoted with ", headings in record 3' in text
    assert "E-mail" in text
    assert "not in the file" in text
    assert 'Carried along unchecked: Notes, ""' in text
    assert "1,234 rows: 1,200 valid, 34 invalid; 1 blank record skipped." in text
    assert "7, 9, 12 …" in text
    assert "whole row" in text
    assert "[bold]one cell too many[/bold]" in " ".join(text.split())
    assert "Reports in report: valid.csv, invalid.csv" in text


def test_fits_eighty_columns_whatever_the_file_holds() -> None:
    long = {"column": "x" * 300, "rule": "list", "count": 10**9, "lines": [10**9] * 3, "message": "y" * 5000}
    text = shown(summary(problems=[long], mapping={"k" * 100: "h" * 1000}, unmapped=["u" * 100] * 500))
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "480 more" in " ".join(text.split())


def test_control_sequences_of_a_file_do_not_reach_the_terminal() -> None:
    evil = "\x1b[2J\x1b]0;owned\x07\u202e\r\nred"
    problem = {"column": "name", "rule": "required", "count": 1, "lines": [2], "message": evil}
    text = shown(summary(problems=[problem], mapping={"name": evil}, unmapped=[evil]))
    assert not {"\x1b", "\x07", "\r", "\u202e"} & set(text)
    assert "\\x1b[2J" in text


def test_says_it_in_one_word_when_all_is_well() -> None:
    text = shown(summary(valid=1234, invalid=0, blank=0, problems=[]))
    assert "1,234 rows: all valid." in text
    assert "Problems" not in text


def test_no_rows_are_no_success_story() -> None:
    assert "No rows." in shown(summary(rows=0, valid=0, invalid=0, blank=0, problems=[]))


def test_warnings_are_apart_from_problems() -> None:
    warning = {"column": None, "rule": "short", "count": 2, "lines": [3, 4], "message": "cells are missing"}
    text = shown(summary(warnings=[warning]))
    assert text.index("Problems") < text.index("Warnings (they make no row invalid)") < text.index("cells are missing")


def test_explain_shows_facts_and_the_first_records() -> None:
    out = io.StringIO()
    detected = {**DETECTED, "rows": 4, "blank": 1, "records": [["Report"], [], ["id", "name", "age"], ["1", None, "x"]]}
    screen.show_detected(Console(file=out, width=80), "people.csv", detected)
    text = " ".join(out.getvalue().split())
    assert "Headings record 3" in text
    assert "Blank 1 record skipped" in text
    assert "id name age" in text


def test_a_bar_that_is_no_terminal_is_silent() -> None:
    out = io.StringIO()
    with screen.progress_bar(out) as bar:
        bar.update({"step": "checking", "done": 5, "total": 10, "unit": "bytes", "rows": 100})
    assert out.getvalue() == ""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_on_a_terminal_says_what_it_does(monkeypatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    out = Terminal()
    with screen.progress_bar(out) as bar:
        bar.update(Progress(step="checking", done=5, total=10, unit="bytes", rows=100))
        bar.update(Progress(step="reading", done=0, total=0, unit="bytes", rows=0))
    assert "Reading" in out.getvalue()


def test_notes_and_hidden_rows_stand_in_the_summary() -> None:
    value = summary()
    value["hidden"] = 2
    value["detected"] = {**value["detected"], "notes": ["2 hidden rows are left out. Lines 3, 5."]}
    text = shown(value)
    assert "Note: 2 hidden rows are left out. Lines 3, 5." in text
    assert "2 hidden rows left out" in " ".join(text.split())
