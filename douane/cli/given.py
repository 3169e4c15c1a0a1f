"""The settings as a command line gives them, and the list of them."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from douane.cli.output import print_json
from douane.errors import BadRequest
from douane.settings import Settings, describe


def settings(**given: Any) -> Settings:
    """What was given (None = not given) over the environment. BadRequest names the setting that is not right."""
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise BadRequest(f"The setting {name} is not right: {first['msg']}." if name else f"{first['msg']}.") from error


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
