"""A chat import from upload to the workspace; docs/chat.md is the walk. One module a part of it."""

from __future__ import annotations

from collections.abc import Callable

from douane.flow.chat import files, run, work
from douane.flow.house import House

HANDLERS: dict[str, Callable[[House, str], bool]] = {**work.HANDLERS, **files.HANDLERS, **run.HANDLERS}
