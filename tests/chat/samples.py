"""Slack exports for tests, made on the spot, with the key of what is in them (`bench/chat_maker.py`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.chat_maker import Options, make


def make_export(path: Path, *, messages: int = 400, seed: int = 7, **options: Any) -> dict[str, Any]:
    """Writes a small export to `path` and answers its key (`chat_maker.key_document`). `options` are those of
    `chat_maker.Options`: layout, damage, start, end, names, folder, users, public, private, groups, direct, entries.
    `messages` are those of the whole history: with `start` or `end` fewer are in the export. About 20,000 a second."""
    options.setdefault("entries", max(40, messages // 8))
    return make(path, Options(messages=messages, seed=seed, **options))
