"""How a command line is read, and what is said where it cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest

from douane.cli.verbs import Argument, Exit, Group, Option

HOUSE = Group("What this is for.", version="1.2")
INNER = Group("Things within.")
HOUSE.add(INNER, "inner")
SEEN: dict[str, Any] = {}


@HOUSE.command()
def mend(
    what: Annotated[str, Argument(metavar="WHAT", help="The thing.")],
    table: Annotated[Path, Option("--table", "-t", metavar="T", help="Where it stands.")],
    count: Annotated[int, Option("--last", min=1, help="How many.")] = 5,
    form: Annotated[Literal["round", "square"], Option("--format")] = "round",
    names: Annotated[list[str] | None, Option()] = None,
    by_hand: Annotated[bool, Option()] = False,
    rest: Annotated[str | None, Argument()] = None,
) -> None:
    """Mend a thing. It takes a while."""
    SEEN.update(locals())


@INNER.command("look-at")
def look() -> None:
    """Look at things."""
    raise Exit(7)


def call(*words: str) -> int:
    SEEN.clear()
    try:
        HOUSE.call("house", words)
    except Exit as end:
        return end.status
    return 0


def test_values_come_as_what_they_are_annotated_with() -> None:
    assert call("mend", "chair", "--table=a=b", "--last", "3", "--format", "square", "--names", "x", "--names=y") == 0
    assert {
        "what": "chair", "table": Path("a=b"), "count": 3, "form": "square", "names": ["x", "y"], "by_hand": False,
        "rest": None,
    } == SEEN  # fmt: skip
    assert call("mend", "-tT", "--by-hand", "-", "--", "--last") == 0
    assert (SEEN["what"], SEEN["rest"], SEEN["table"], SEEN["by_hand"]) == ("-", "--last", Path("T"), True)
    assert SEEN["count"] == 5


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["mend"], "Missing argument 'WHAT'."),
        (["mend", "chair"], "Missing option '-t / --table'."),
        (["mend", "chair", "-t"], "Option '-t' requires an argument."),
        (["mend", "chair", "-t", "x", "a", "b", "c"], "Got unexpected extra arguments (b c)"),
        (["mend", "chair", "--tab", "x"], "No such option: --tab"),
        (["mend", "chair", "-t", "x", "--last", "two"], "Invalid value for '--last': 'two' is not a valid integer."),
        (["mend", "chair", "-t", "x", "--last=0"], "Invalid value for '--last': 0 is not in the range x>=1."),
        (["mend", "c", "-t", "x", "--format", "oval"], "'oval' is not one of 'round', 'square'."),
        (["mend", "c", "-t", "x", "--by-hand=no"], "Option '--by-hand' does not take a value."),
        (["break"], "No such command 'break'."),
        (["--loud"], "No such option '--loud'."),
        (["inner", "away"], "No such command 'away'."),
    ],
)
def test_what_cannot_be_read_is_said(words: list[str], why: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(*words) == 2
    assert SEEN == {}
    out, said = capsys.readouterr()
    assert out == ""
    assert said.startswith("Usage: house ")
    assert said.endswith(f"{why}\n")


def test_there_is_help_at_every_level(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--help") == 0
    assert call() == 2
    first, second = capsys.readouterr().out.split("Usage: house [OPTIONS] COMMAND")[1:]
    assert first == second
    assert "  mend   Mend a thing.\n" in first
    assert "  inner  Things within.\n" in first
    assert call("mend", "chair", "--help") == 0
    page = capsys.readouterr().out
    assert "Usage: house mend [OPTIONS] WHAT [REST]" in page
    assert "It takes a while." in page
    assert "-t, --table T" in page
    assert "[required]" in page
    assert "--format [round|square]" in page
    assert "[default: 5]" in page
    assert call("inner", "--help") == 0
    assert "look-at" in capsys.readouterr().out
    assert call("inner", "look-at") == 7
    assert call("--version") == 0
    assert capsys.readouterr().out == "1.2\n"
