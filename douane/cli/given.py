"""The settings as a command line gives them, and the list of them."""

from __future__ import annotations

import logging
import os
import re
from typing import Any

from douane.cli.output import print_json
from douane.errors import BadRequest
from douane.settings import PREFIX, SECRETS, BadSetting, Settings, describe

_PASSWORD = re.compile(r"(://[^/@:]*:)[^/@]*@")

# The verbs that serve set up a log; for the others the one sentence at the end says it all.
logging.getLogger("douane").addHandler(logging.NullHandler())


def settings(**given: Any) -> Settings:
    """What was given (None = not given) over the environment. BadRequest names the setting that is not right."""
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except BadSetting as error:
        words = f"The setting {error.name} is not right: {error.reason}." if error.name else f"{error.reason}."
        raise BadRequest(words) from error


def show_settings(as_json: bool) -> None:
    """Each setting with its default, and with what it is set to here where that is something else."""
    rows, here = describe(), settings().environment()
    given = {name: _shown(name, here[f"{PREFIX}{name.upper()}"], default) for name, _, default, _ in rows}
    if as_json:
        names = ("name", "unit", "default", "description")
        print_json(
            [
                {
                    **dict(zip(names, row, strict=True)),
                    "variable": f"{PREFIX}{row[0].upper()}",
                    "setTo": given[row[0]],
                }
                for row in rows
            ]
        )
        return
    from rich.table import Table
    from rich.text import Text

    from douane.cli.screen import table_console

    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("Setting", "Default", "Set to", "Unit", "Means"):
        table.add_column(name, overflow="fold")
    for name, unit, default, sentence in rows:
        table.add_row(*map(Text, (name, default, given[name] or "", unit, sentence)))
    console = table_console()
    console.print(table)
    console.print(Text("\nEach is also a variable: port is DOUANE_PORT.", style="dim"))


def _shown(name: str, value: str, default: str) -> str | None:
    """None where it was not given. What a secret is, is not for a screen."""
    if value == default or not {f"{PREFIX}{name}".upper()} & {one.upper() for one in os.environ}:
        return None
    return "(hidden)" if name in SECRETS else _PASSWORD.sub(r"\1***@", value)
