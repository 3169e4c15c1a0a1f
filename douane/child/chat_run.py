"""What the child does for a run of a chat import; the verbs are listed in `chat.py`, which puts them on its shelf."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from douane import encodings
from douane.chat import check, settle
from douane.chat.settle import OPEN, PLACE, Ages, Maps, Settled, WorkspacePart
from douane.chat.tables import TABLES, fitted, handed_out
from douane.chat.tokens import without_in
from douane.child.wire import Wire
from douane.line import chat as line
from douane.line.chat import ChatEncode, ChatSettle, StagedMessages, WorkspaceKeys
from douane.staging import masks
from douane.staging.parts import read_part, write_part

TABLE: Final = "messages"


def settle_messages(spec: ChatSettle, folder: Path, wire: Wire) -> None:
    """Every staged part of messages, in order, against the workspace as it stood before the run."""
    maps = Maps(pl.read_ipc(spec.users), pl.read_ipc(spec.rooms), spec.bot)
    parts = spec.parts
    total = sum(part.rows for part in parts)

    def beat() -> None:
        wire.progress("messages", 0, total, "rows", 0)

    # One file each, for files that are mapped stay open.
    keys = np.memmap(folder / "keys", np.uint64, "w+", shape=(2, max(1, total)))
    target = np.memmap(folder / "targets", np.int64, "w+", shape=max(1, total))
    target[:] = -1
    codes: list[settle.Codes] = []
    places: list[slice] = []
    same: set[int] = set()
    for part in parts:
        frame = read_part(part.tables[TABLE], settle.JUDGED_COLUMNS)
        start = places[-1].stop if places else 0
        places.append(slice(start, start + len(frame)))
        first, as_before = _first_codes(frame, part, maps, spec)
        codes.append(first)
        if as_before:
            same.add(part.number)
        keys[:, places[-1]] = settle.keys_of(frame)
        beat()
    workspace = [_workspace_part(part) for part in spec.workspace]
    targets = [target[place] for place in places]
    copies = settle.compare([keys[:, place] for place in places], codes, workspace, targets, beat)
    settle.tell_copies(copies, codes, targets, lambda place: _tables(parts[place]))

    def marks_of(place: int, offsets: settle.Offsets) -> settle.Keys:
        found: settle.Keys = workspace[place].keys()[2:, offsets]
        return found

    ages = Ages(spec.age_us, lambda place, offsets: workspace[place].ages(offsets))
    for part, own, found in zip(parts, codes, targets, strict=True):
        if part.settled or part.number in same:
            continue
        tables = _tables(part)
        done = settle.settle(tables, own, found, marks_of, maps, ages)
        _hand_over(part, tables, done, workspace, folder, wire)
        beat()


def _tables(part: StagedMessages) -> dict[str, pl.DataFrame]:
    return {str(name): read_part(path) for name, path in part.tables.items()}


def _first_codes(frame: pl.DataFrame, part: StagedMessages, maps: Maps, spec: ChatSettle) -> tuple[settle.Codes, bool]:
    """OPEN for each message that this run has to decide, or decided, by its key; and whether nothing of what was
    decided before changes."""
    if spec.everything_skipped:
        return np.full(len(frame), PLACE["not_selected"], np.uint8), False
    before = _codes(part.before) if spec.retry and part.before is not None else None
    failed = None if before is None else settle.failed_codes()[before]
    if part.settled is not None:
        # Its rows come before their copies in later parts, as they did the first time.
        codes = _codes(part.settled)
        mine = settle.MAY_COME_IN[codes] if failed is None else settle.MAY_COME_IN[codes] & failed
        return np.where(mine, np.uint8(OPEN), codes), False
    codes = settle.judge(frame, maps)
    if before is None or failed is None:
        return codes, False
    codes = np.where(failed, codes, before)
    return codes, bool((codes == before).all())


def _codes(path: Path) -> settle.Codes:
    return settle.codes_of_words(masks.read_mask(path).words)


def _workspace_part(part: WorkspaceKeys) -> WorkspacePart:
    whole = np.concatenate([*(_offsets(path) for path in part.gone), np.zeros(0, np.int64)])

    def confirmed() -> list[tuple[int, settle.Offsets]]:
        return [(one.as_of_us, _offsets(one.path)) for one in part.confirmed]

    return WorkspacePart(part.number, part.rows, lambda: np.load(part.keys), whole, part.as_of_us, confirmed)


def _offsets(path: Path) -> settle.Offsets:
    return pl.read_ipc(path, columns=["at"])["at"].to_numpy().astype(np.int64)


def _hand_over(
    part: StagedMessages,
    staged: dict[str, pl.DataFrame],
    done: Settled,
    workspace: list[WorkspacePart],
    folder: Path,
    wire: Wire,
) -> None:
    number = part.number
    before = masks.read_mask(part.before).words if part.before else None
    words = check.outcome_words(TABLE, done.codes, before)
    mask = masks.judge_state(words, check.failed_words(TABLE))
    mask_path, entries = folder / f"mask-{number}", folder / f"entries-{number}"
    masks.write_mask(mask, mask_path)
    settle.ledger(staged[TABLE]["entry"], done.codes).write_ipc(entries)
    files: dict[line.OfMessages, Path] = {}

    def keep(table: str, frame: pl.DataFrame) -> None:
        path = folder / f"{table}-{number}"
        files[table] = path  # type: ignore[index]
        write_part(frame, path)

    messages = done.tables[TABLE]
    # Files of messages that did not change, too: a later export may hold their bytes, or an address that still works.
    named = [_files_of(staged, done.codes == PLACE["unchanged"])]
    if len(messages):
        if "files" in done.tables:
            done.tables["files"] = settle.with_file_ids(done.tables["files"], messages)
            named.append(settle.file_rows(done.tables["files"]))
        for table, frame in done.tables.items():
            keep(table, frame)
        keep("rooms", settle.room_counts(messages))
        files["keys"] = folder / f"keys-in-{number}.npy"
        np.save(files["keys"], done.keys)
    documents = None
    if any(rows is not None for rows in named):
        documents = folder / f"documents-{number}"
        found = pl.concat([rows for rows in named if rows is not None])
        found.unique("id", keep="last", maintain_order=True).write_ipc(documents)

    def told(what: str, offsets_of: dict[int, settle.Offsets]) -> tuple[line.Told, ...]:
        found = []
        for place, offsets in offsets_of.items():
            path = folder / f"{what}-{number}-{place}"
            pl.DataFrame({"at": offsets.astype(np.uint32)}).write_ipc(path)
            found.append(line.Told(workspace[place].number, len(offsets), path))
        return tuple(found)

    wire.send(
        line.Settled(
            number=number,
            reasons=settle.reasons(done.codes),
            valid=mask.valid,
            invalid=mask.invalid,
            mask=mask_path,
            entries=entries,
            rows=len(messages),
            first_us=_moment(messages["ts_us"].min()),
            last_us=_moment(messages["ts_us"].max()),
            tables=files,
            documents=documents,
            gone=told("gone", done.gone),
            confirmed=told("confirmed", done.confirmed),
        )
    )


def _moment(found: object) -> int | None:
    return found if isinstance(found, int) else None


def _files_of(staged: dict[str, pl.DataFrame], wanted: npt.NDArray[np.bool_]) -> pl.DataFrame | None:
    """The files that some of the staged messages name."""
    if "files" not in staged or not wanted.any():
        return None
    some = settle.cut({name: staged[name] for name in (TABLE, "files")}, wanted)
    return settle.file_rows(settle.with_file_ids(some["files"], some[TABLE])) if "files" in some else None


# Whole results

_NESTED = ("reactions", "files", "mentions", "edits")


def encode(spec: ChatEncode, folder: Path, out: BinaryIO) -> None:
    """Messages with what belongs to them; any other table as it stands."""
    frames = partial(_message_frames if spec.table == TABLE else _flat_frames, spec)
    encodings.member(spec.format).encode(Whole(frames), folder, out)


def _flat_frames(spec: ChatEncode) -> Iterator[pl.DataFrame]:
    for part in spec.parts:
        yield without_in(read_part(part.tables[spec.table]))


def _message_frames(spec: ChatEncode) -> Iterator[pl.DataFrame]:
    assert spec.names is not None
    names = pl.read_ipc(spec.names)
    yield nested({TABLE: empty_messages()}, names)
    for part in spec.parts:
        tables = {str(name): without_in(read_part(path)) for name, path in part.tables.items()}
        tables[TABLE] = handed_out(TABLE, tables[TABLE])
        wanted = np.ones(len(tables[TABLE]), np.bool_)
        for path in part.gone:
            wanted[_offsets(path)] = False
        if spec.room:
            wanted &= (tables[TABLE]["room"] == spec.room).to_numpy()
        if wanted.any():
            yield nested(tables if wanted.all() else settle.cut(tables, wanted), names)


def empty_messages() -> pl.DataFrame:
    return handed_out(TABLE, pl.DataFrame(schema={**TABLES[TABLE], "room": pl.String, "user": pl.String}))


def nested(tables: dict[str, pl.DataFrame], names: pl.DataFrame) -> pl.DataFrame:
    """Messages with their reactions, files, mentions and edits as lists, and who wrote them by name."""
    frame = tables[TABLE].drop("reactions", "files").with_row_index("at")
    for name in _NESTED:
        kinds = {column: kind for column, kind in TABLES[name].items() if column not in ("at", "original")}
        lists = pl.List(pl.Struct(kinds))
        if name in tables and len(tables[name]):
            each = fitted(name, tables[name]).select("at", pl.struct(*kinds).alias(name))
            found = each.group_by("at", maintain_order=True).agg(name)
            frame = frame.join(found, on="at", how="left", maintain_order="left")
        else:
            frame = frame.with_columns(pl.lit(None, lists).alias(name))
        frame = frame.with_columns(pl.col(name).fill_null(pl.lit([], lists)))
    frame = frame.join(names, on="user", how="left", maintain_order="left")
    return frame.drop("at", "entry", "position", "key_hi", "key_lo").rename({"room": "room_id", "user": "user_id"})


_DOCUMENTS = ("document", "custom")  # columns that hold JSON objects


class Whole:
    """The records of many frames of one schema as a table for `encodings` (its `contract.Table`)."""

    def __init__(self, frames: Callable[[], Iterator[pl.DataFrame]]) -> None:
        self._frames = frames
        kinds = next(frames(), pl.DataFrame()).schema
        self.numbers = frozenset(name for name, kind in kinds.items() if kind.is_numeric())

    def frames(self) -> Iterator[pl.DataFrame]:
        return self._frames()

    def texts(self) -> Iterator[pl.DataFrame]:
        """Lists are JSON in their cell."""
        for frame in self._frames():
            texts = [
                pl.Series(name, [json.dumps(value, ensure_ascii=False) for value in frame[name].to_list()], pl.String)
                for name, kind in frame.schema.items()
                if isinstance(kind, pl.List)
            ]
            yield frame.with_columns(texts)

    def delimited(self) -> Iterator[bytes]:
        return encodings.csv.blocks(self.texts())

    def cells(self) -> Iterator[pl.DataFrame]:
        for frame in self.texts():
            yield frame.with_columns(pl.all().cast(pl.String))

    def records(self) -> Iterator[bytes]:
        for frame in self._frames():
            documents = [name for name in _DOCUMENTS if name in frame.columns]
            if documents:
                for record in frame.iter_rows(named=True):
                    record |= {name: msgspec.Raw((record[name] or "{}").encode()) for name in documents}
                    yield msgspec.json.encode(record) + b"\n"
                continue
            for start in range(0, len(frame), 4096):
                block = io.BytesIO()
                frame[start : start + 4096].write_ndjson(block)
                yield block.getvalue()


VERBS: dict[str, Callable[[Any, Path, Wire], None]] = {"chat_settle": settle_messages}
STREAMING: dict[str, Callable[[Any, Path, BinaryIO], None]] = {"chat_encode": encode}
