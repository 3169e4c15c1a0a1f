"""The staged tables as they are written row by row: selected, with messages named instead of places, without tokens."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from douane.chat.tables import handed_out
from douane.chat.tokens import without_in
from douane.chat.writers import Export, Selection

OF_MESSAGES = ("reactions", "files", "mentions", "edits")


def selected(messages: pl.DataFrame, selection: Selection) -> pl.DataFrame:
    """Messages in the selected channels by the selected users."""
    if selection.channels is not None:
        messages = messages.filter(pl.col("channel").is_in(list(selection.channels)))
    if selection.users is not None:
        messages = messages.filter(pl.col("author").is_in(list(selection.users)))
    return messages


def parts(export: Export, table: str, selection: Selection) -> Iterator[pl.DataFrame]:
    """The table's parts, at least an empty one; rows of messages' sub-tables name their message, not its place."""
    for number in export.parts(table) or [-1]:
        yield without_in(_part(export, table, number, selection))


def _part(export: Export, table: str, number: int, selection: Selection) -> pl.DataFrame:
    frame = handed_out(table, export.part(table, number))
    if table == "messages":
        return selected(frame, selection)
    if table in OF_MESSAGES:
        messages = export.part("messages", number).select(pl.col("id").alias("message"), "channel", "author")
        chosen = selected(messages.with_row_index("at"), selection).select("at", "message")
        frame = frame.join(chosen, on="at", how="inner", maintain_order="left")
        return frame.select("message", pl.exclude("at", "message"))
    channels, users = selection.channels, selection.users
    if table == "users" and users is not None:
        return frame.filter(pl.col("id").is_in(list(users)))
    if table == "channels" and channels is not None:
        return frame.filter(pl.col("id").is_in(list(channels)))
    if table == "members":
        if channels is not None:
            frame = frame.filter(pl.col("channel").is_in(list(channels)))
        if users is not None:
            frame = frame.filter(pl.col("user").is_in(list(users)))
    return frame
