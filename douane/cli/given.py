"""The settings as a command line gives them, and the list of them."""

from __future__ import annotations

import logging
from typing import Any

from douane.cli.output import print_json
from douane.errors import BadRequest
from douane.settings import BadSetting, Settings, describe

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
    rows = describe()
    if as_json:
        names = ("name", "unit", "default", "description")
        print_json([{**dict(zip(names, row, strict=True)), "variable": f"DOUANE_{row[0].upper()}"} for row in rows])
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("Setting", "Default", "Unit", "Means"):
        table.add_column(name, overflow="fold")
    for name, unit, default, sentence in rows:
        table.add_row(Text(name), Text(default), Text(unit), Text(sentence))
    console = Console()
    console.print(table)
    console.print(Text("\nEach is also a variable: port is DOUANE_PORT.", style="dim"))
