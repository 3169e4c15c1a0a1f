"""What the child does for chat exports: the verbs of `line/chat.py`, those of a run and of whole results beside it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, get_args

import numpy as np
import numpy.typing as npt
import polars as pl

from douane.chat import check as rules
from douane.chat import importers, tables
from douane.chat.importers import Options, Position
from douane.child import chat_bodies, chat_run, chat_staged
from douane.child.wire import Wire, source_of
from douane.line import chat as line
from douane.line.chat import ChatCheck, ChatRead
from douane.line.staged import Part
from douane.staging import masks
from douane.staging.parts import read_part, write_part

UNREAD = "importer-entry-unread"  # why an entry was not read, as importers say it
UNREAD_NAMED = 5
INFERRED_NUMBER = 1_000_000_000  # the part of users whom only messages name


def read(spec: ChatRead, folder: Path, wire: Wire) -> None:
    """Stages an export batch by batch."""
    source = source_of(spec)
    given = spec.options
    options = Options(given.team, given.members_max, given.batch_records, given.limits)
    reader = importers.open_export(spec.importer, source, options)
    overview = reader.overview
    wire.send(
        line.Overview(
            importer=overview.importer,
            layout=overview.layout,
            counts=dict(overview.counts),
            notes=tuple(overview.notes),
        )
    )
    batches = 0
    for batch in reader.batches(Position(spec.batch, spec.state)):
        staged: dict[line.Table, line.StagedFile] = {}
        for table, frame in batch.tables.items():
            path = folder / f"{table}-{batch.number:07}"
            write_part(frame, path)
            staged[table] = line.StagedFile(len(frame), path)  # type: ignore[index]
        wire.send(
            line.Batch(
                number=batch.number,
                tables=staged,
                state=dict(batch.next.state),
                step=batch.step,
                label=batch.label,
                bytes_done=batch.bytes_done,
                bytes_total=reader.bytes_total,
            )
        )
        batches = batch.number + 1
    wire.send(line.Through(batches=batches))


# Checking


def check(spec: ChatCheck, folder: Path, wire: Wire) -> None:
    """Judges every record, one mask a part."""
    parts = {str(table): list(found) for table, found in spec.parts.items()}
    known = rules.known(json.loads(spec.known.read_bytes()))
    problems: dict[line.Records, Counter[str]] = {table: Counter() for table in get_args(line.Records)}

    def hand_over(table: line.Records, number: int, words: rules.Words) -> None:
        mask = masks.judge_state(words.reshape(-1, 1), rules.invalid_words(table))
        path = folder / f"mask-{table}-{number:07}"
        masks.write_mask(mask, path)
        for rule in rules.RULES[table]:
            problems[table][rule.name] += int(np.count_nonzero(words & np.uint64(1 << rule.bit)))
        counted = {"rows": len(words), "valid": mask.valid, "invalid": mask.invalid}
        wire.send(line.Mask(table=table, number=number, path=path, **counted))

    users = _whole(parts, "users", rules.USER_COLUMNS)
    for number, words in _split(parts, "users", rules.judge_users(users, known)):
        hand_over("users", number, words)
    people = _ids(users, known.users)
    listed = _ids(users.filter(pl.col("origin") != "inferred"), known.users)
    channels = _whole(parts, "channels", rules.CHANNEL_COLUMNS)
    members = rules.members_of((read_part(part.path) for part in parts.get("members", [])), people)
    for number, words in _split(parts, "channels", rules.judge_channels(channels, members, people, known)):
        hand_over("channels", number, words)
    contacts = _whole(parts, "contacts", rules.CONTACT_COLUMNS)
    usernames = pl.concat([users["username"].str.to_lowercase(), known.usernames]).unique()
    for number, words in _split(parts, "contacts", rules.judge_contacts(contacts, usernames)):
        hand_over("contacts", number, words)

    counts: dict[line.Records, int] = {
        "users": int((users["origin"] != "inferred").sum()),
        "channels": _channels_counted(channels, parts),
        "contacts": len(contacts),
        "messages": sum(part.rows for part in parts.get("messages", [])),
    }
    rooms = _ids(channels, known.channels)
    first: list[npt.NDArray[np.uint8]] = []
    tallies = rules.Tallies()
    strangers: list[pl.DataFrame] = []
    done = 0
    messages = parts.get("messages", [])
    for part in messages:
        frame = read_part(part.path, rules.MESSAGE_COLUMNS)
        first.append(rules.judge_messages(frame, rooms, listed).astype(np.uint8))
        tallies.add(frame)
        strangers = rules.gathered(strangers, rules.strangers(frame, people), rules.all_strangers)
        np.save(folder / f"keys-{part.number:07}.npy", rules.keys_of(frame))
        done += part.rows
        wire.progress("checking", done, 2 * counts["messages"], "rows", done)
    keys = [partial(np.load, folder / f"keys-{part.number:07}.npy") for part in messages]
    for code, found in (("duplicate", rules.copies(keys)), ("no_root", rules.rootless(keys))):
        for at, offsets in found:
            rules.with_found(first[at], code, offsets)
    for part, found_here in zip(messages, first, strict=True):
        hand_over("messages", part.number, found_here.astype(np.uint64))
        done += part.rows
        wire.progress("checking", done, 2 * counts["messages"], "rows", done)

    if strangers:
        extra = rules.placeholders(rules.all_strangers(strangers))
        if len(extra):
            write_part(extra, folder / "users-inferred")
            path = folder / "users-inferred"
            wire.send(line.Made(table="users", number=INFERRED_NUMBER, rows=len(extra), path=path))
            hand_over("users", INFERRED_NUMBER, rules.judge_users(extra, rules.known({})))
    if messages:
        pairs = tallies.frame()
        write_part(pairs, folder / "pairs")
        wire.send(line.Made(table="pairs", number=0, rows=len(pairs), path=folder / "pairs"))
    # A room that is only the name of a folder is nothing to import when there is nothing in it.
    listed_rooms = int((channels["kind"].fill_null("") != "unlisted").sum())
    nothing = not (counts["users"] or counts["contacts"] or counts["messages"] or listed_rooms)
    unread = _unread(parts)
    wire.send(
        line.Checked(
            counts=counts,
            problems={table: dict(+found) for table, found in problems.items()},
            nothing=nothing,
            first_issue=_first_issue(parts) if nothing else None,
            unread=tuple(unread[:UNREAD_NAMED]),
            unread_count=len(unread),
        )
    )


def _whole(parts: dict[str, list[Part]], table: str, columns: Sequence[str]) -> pl.DataFrame:
    """Some columns of all parts of a small table."""
    frames = [read_part(part.path, columns) for part in parts.get(table, [])]
    return pl.concat([tables.frame(table, {}).select(columns), *frames])


def _split(parts: dict[str, list[Part]], table: str, words: rules.Words) -> Iterator[tuple[int, rules.Words]]:
    start = 0
    for part in parts.get(table, []):
        yield part.number, words[start : start + part.rows]
        start += part.rows


def _ids(frame: pl.DataFrame, known: pl.Series) -> pl.Series:
    return pl.concat([frame["id"], frame["ids"].explode(), known]).drop_nulls().unique()


def _channels_counted(channels: pl.DataFrame, parts: dict[str, list[Part]]) -> int:
    """Direct conversations count where a list names them, not where messages alone do (chat contract 5.1)."""
    direct = channels.filter(pl.col("type") == "d")
    if len(direct) == 0:
        return len(channels)
    entries = _whole(parts, "entries", ("entry", "kind"))
    lists = entries.filter(pl.col("kind") == "channels")["entry"]
    return len(channels) - int((~direct["entry"].is_in(lists.implode())).sum())


def _unread(parts: dict[str, list[Part]]) -> list[str]:
    """Names of entries that seem to hold messages, and that the importer did not read."""
    entries = _whole(parts, "entries", ("name", "reason"))
    return [name or "" for name in entries.filter(pl.col("reason") == UNREAD)["name"].to_list()]


def _first_issue(parts: dict[str, list[Part]]) -> str | None:
    """Why nothing was found, as far as the reader could say."""
    for part in parts.get("issues", []):
        failed = read_part(part.path, ("severity", "message")).filter(pl.col("severity") != "warning")["message"]
        if len(failed.drop_nulls()):
            return str(failed.drop_nulls()[0])
    return None


SPECS = line.SPECS
VERBS: dict[str, Callable[[Any, Path, Wire], None]] = {
    "chat_read": read,
    "chat_check": check,
    **chat_bodies.VERBS,
    **chat_run.VERBS,
}
STREAMING: dict[str, Callable[[Any, Path, BinaryIO], None]] = {**chat_run.STREAMING, **chat_staged.STREAMING}
