"""The settings as a command line gives them."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from douane.errors import BadRequest
from douane.settings import Settings


def settings(**given: Any) -> Settings:
    """What was given (None = not given) over the environment. BadRequest names the setting that is not right."""
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise BadRequest(f"The setting {name} is not right: {first['msg']}." if name else f"{first['msg']}.") from error
