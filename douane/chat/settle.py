"""What a run makes of messages, in bulk: which are new, which the workspace had, which are copies, which fail.

Pure columns. First each staged part alone (`judge`): has the message a time, an author, a room. Then all that may come
in together, against the workspace (`compare`): equal keys, in passes over slices of the key space, so that memory does
not grow with the export; of several states of one message under one key the one edited last comes in (`tell_copies`).
Last each part again (`settle`): what the workspace had is compared by content and age, and the rows that come in are
cut out with their reactions, files, mentions and edits.

Everything follows from the staged parts, the maps and the workspace as they stood before the run: whoever computes it
again after a crash gets the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from douane.chat.check import OUTCOME_BIT, OUTCOMES

PASS_KEYS = 1_000_000  # keys compared at once
SUB_TABLES = ("reactions", "files", "mentions", "edits")
PLACE = {outcome.code: at for at, outcome in enumerate(OUTCOMES["messages"])}
OPEN = 255  # not decided yet
_COMING = ("created", "updated", "unchanged", "duplicate", "differs")
MAY_COME_IN = np.isin(np.arange(256), [*(PLACE[code] for code in _COMING), OPEN])

JUDGED_COLUMNS = ("channel", "author", "ts_us", "key_hi", "key_lo")
_YEAR_1_US, _YEAR_10000_US = -62_135_596_800_000_000, 253_402_300_800_000_000

Codes = npt.NDArray[np.uint8]
Keys = npt.NDArray[np.uint64]  # [2, rows]: high, low; [4, rows] of the workspace: content and time of the edit too
Offsets = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Maps:
    """`users`: import_id -> user. `rooms`: import_id -> room, null where it has none; `skipped`: it was left out on
    purpose. `bot` stands for messages without an author (always known, contract 6.4.2)."""

    users: pl.DataFrame
    rooms: pl.DataFrame
    bot: str


def users_map(users: Mapping[str, str]) -> pl.DataFrame:
    return pl.DataFrame(
        {"import_id": list(users), "user": list(users.values())}, schema={"import_id": pl.String, "user": pl.String}
    )


def rooms_map(rooms: Mapping[str, str | None], skipped: frozenset[str]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "import_id": [*rooms],
            "room": [*rooms.values()],
            "skipped": [import_id in skipped for import_id in rooms],
        },
        schema={"import_id": pl.String, "room": pl.String, "skipped": pl.Boolean},
    )


def resolve(frame: pl.DataFrame, maps: Maps) -> pl.DataFrame:
    """The frame with `room` and `user` (null: unknown), and `skipped`."""
    found = frame.join(maps.rooms, left_on="channel", right_on="import_id", how="left", maintain_order="left")
    found = found.join(maps.users, left_on="author", right_on="import_id", how="left", maintain_order="left")
    nobody = pl.col("author").is_null() | (pl.col("author") == "")
    return found.with_columns(pl.when(nobody).then(pl.lit(maps.bot)).otherwise(pl.col("user")).alias("user"))


def judge(frame: pl.DataFrame, maps: Maps) -> Codes:
    """Each message alone (JUDGED_COLUMNS at least): why it cannot come in, else OPEN."""
    found = resolve(frame.select("channel", "author", "ts_us"), maps)
    timed = pl.col("ts_us").is_between(_YEAR_1_US, _YEAR_10000_US, closed="left").fill_null(False)
    codes = found.select(
        pl.when(pl.col("skipped").fill_null(False))
        .then(PLACE["room_not_imported"])
        .when(~timed)
        .then(PLACE["importer-message-invalid-timestamp"])
        .when(pl.col("user").is_null())
        .then(PLACE["importer-message-unknown-user"])
        .when(pl.col("room").is_null())
        .then(PLACE["importer-message-unknown-room"])
        .otherwise(OPEN)
        .cast(pl.UInt8)
    )
    return np.array(codes.to_series().to_numpy())


def keys_of(frame: pl.DataFrame) -> Keys:
    """u64[2, rows]."""
    return np.stack([frame["key_hi"].to_numpy(), frame["key_lo"].to_numpy().view(np.uint64)])


# Against each other and the workspace


@dataclass(frozen=True, slots=True)
class WorkspacePart:
    """`keys()` reads u64[4, rows]; `gone` offsets of rows that were replaced. `as_of_us`: the age of the export that
    brought it; `confirmed()`: (age, offsets) of rows that newer exports have just so."""

    number: int
    rows: int
    keys: Callable[[], Keys]
    gone: Offsets
    as_of_us: int = 0
    confirmed: Callable[[], Sequence[tuple[int, Offsets]]] = tuple

    def ages(self, offsets: Offsets) -> npt.NDArray[np.int64]:
        """Of what age the state of these rows (ascending or not) is."""
        ages = np.full(len(offsets), self.as_of_us, np.int64)
        for age, rows in self.confirmed():
            ages[np.isin(offsets, rows) & (ages < age)] = age
        return ages


def compare(
    staged: Sequence[Keys],
    codes: Sequence[Codes],
    workspace: Sequence[WorkspacePart],
    targets: Sequence[Offsets],
    beat: Callable[[], None] = lambda: None,
) -> Offsets:
    """Sets `duplicate` in `codes` for each OPEN message that has an earlier one of its key, and in `targets`
    (-1 before) where the workspace holds it: (place in `workspace`) << 32 | offset. Answers [2, copies]: where each
    copy stands, and the first of its key: (place in `staged`) << 32 | offset."""
    copies = [np.zeros((2, 0), np.int64)]
    total = sum(keys.shape[1] for keys in staged) + sum(part.rows for part in workspace)
    passes = 1 << max(0, -(-total // PASS_KEYS) - 1).bit_length()
    for number in range(passes):
        beat()
        copies.append(_compare_slice(staged, codes, workspace, targets, number, passes))
    return np.concatenate(copies, axis=1)


def _compare_slice(
    staged: Sequence[Keys],
    codes: Sequence[Codes],
    workspace: Sequence[WorkspacePart],
    targets: Sequence[Offsets],
    number: int,
    passes: int,
) -> Offsets:
    high, low, places = [], [], []

    def gather(at: int, keys: Keys, wanted: npt.NDArray[np.bool_]) -> None:
        rows = np.flatnonzero(wanted & (_slice_of(keys, passes) == number) if passes > 1 else wanted)
        high.append(keys[0][rows])
        low.append(keys[1][rows])
        places.append(rows | np.int64(at << 32))

    for at, part in enumerate(workspace):
        live = np.ones(part.rows, np.bool_)
        live[part.gone] = False
        gather(at, part.keys(), live)
    for at, (keys, own) in enumerate(zip(staged, codes, strict=True)):
        gather(at + len(workspace), keys, own == OPEN)
    hi, lo = np.concatenate([*high, np.zeros(0, np.uint64)]), np.concatenate([*low, np.zeros(0, np.uint64)])
    place = np.concatenate([*places, np.zeros(0, np.int64)])
    high.clear()
    low.clear()
    places.clear()
    # Stable: of equal keys those of the workspace come first, then the staged ones in their order.
    order = np.lexsort((lo, hi))
    hi, lo, place = hi[order], lo[order], place[order]
    again = np.zeros(len(hi), np.bool_)
    again[1:] = (hi[1:] == hi[:-1]) & (lo[1:] == lo[:-1])
    mine = (place >> 32) >= len(workspace)
    before_mine = np.zeros(len(hi), np.bool_)
    before_mine[1:] = mine[:-1]
    is_copy = again & mine & before_mine
    copies = place[is_copy]
    # The last one before it that is no copy itself is the first of its key.
    firsts = np.maximum.accumulate(np.where(is_copy, 0, np.arange(len(hi))))
    pairs = np.stack([copies, place[firsts[is_copy]]]) - np.int64(len(workspace) << 32)
    found = np.flatnonzero(again & mine & ~before_mine)
    for at, keep in enumerate(targets):
        mark = np.int64(at + len(workspace))
        codes[at][copies[(copies >> 32) == mark] & 0xFFFFFFFF] = PLACE["duplicate"]
        here = found[(place[found] >> 32) == mark]
        if len(here):
            keep[place[here] & 0xFFFFFFFF] = place[here - 1]
    return pairs


def tell_copies(
    pairs: Offsets,
    codes: Sequence[Codes],
    targets: Sequence[Offsets],
    load: Callable[[int], Mapping[str, pl.DataFrame]],
) -> None:
    """A copy (`pairs` as `compare` answers them) that says something else than the first of its key is none: `differs`
    in `codes`; and if it was edited later, it is the one that comes in. `load(place)`: a staged part's tables."""
    if pairs.shape[1] == 0:
        return
    rows = np.unique(pairs)
    content, edited = np.zeros(len(rows), np.uint64), np.zeros(len(rows), np.int64)
    for place in np.unique(rows >> 32):
        here = np.flatnonzero(rows >> 32 == place)
        tables, offsets = load(int(place)), rows[here] & 0xFFFFFFFF
        content[here] = contents(tables, offsets)
        edited[here] = tables["messages"]["edited_us"].fill_null(0).to_numpy()[offsets]
    copies, firsts = np.searchsorted(rows, pairs)
    for first in np.unique(firsts[content[copies] != content[firsts]]):
        group = np.sort(np.append(copies[firsts == first], first))
        counts = group[np.argmax(edited[group])]  # the first of those that were edited last
        for one in group:
            place, offset = int(rows[one] >> 32), int(rows[one] & 0xFFFFFFFF)
            same = content[one] == content[counts]
            codes[place][offset] = OPEN if one == counts else PLACE["duplicate" if same else "differs"]
        if counts != first:
            was, now = int(rows[first]), int(rows[counts])
            targets[now >> 32][now & 0xFFFFFFFF] = targets[was >> 32][was & 0xFFFFFFFF]
            targets[was >> 32][was & 0xFFFFFFFF] = -1


def _slice_of(keys: Keys, passes: int) -> npt.NDArray[np.uint64]:
    mixed: npt.NDArray[np.uint64] = keys[0] ^ (keys[1] * np.uint64(0x9E3779B97F4A7C15))
    mixed *= np.uint64(0xD6E8FEB86659FD93)
    return mixed >> np.uint64(64 - (passes - 1).bit_length())


# Part by part


@dataclass(frozen=True, slots=True)
class Settled:
    """What becomes of one staged part. `tables` holds the rows that come in: `messages` (with `room` and `user`) and
    the sub-tables that have any; `keys` u64[4, rows] of those; `gone`: place in the workspace -> offsets; `confirmed`:
    the same of rows that an older export brought just so."""

    codes: Codes
    tables: dict[str, pl.DataFrame]
    keys: Keys
    gone: dict[int, Offsets]
    confirmed: dict[int, Offsets]


@dataclass(frozen=True, slots=True)
class Ages:
    """How old the export is (None: it is taken as it comes), and the rows of the workspace: `of(place, offsets)`."""

    export_us: int | None = None
    of: Callable[[int, Offsets], npt.NDArray[np.int64]] = lambda place, offsets: np.zeros(len(offsets), np.int64)


def settle(
    tables: Mapping[str, pl.DataFrame],
    codes: Codes,
    target: Offsets,
    marks_of: Callable[[int, Offsets], Keys],
    maps: Maps,
    ages: Ages = Ages(),
) -> Settled:
    """Decides what is still OPEN. `marks_of(place, offsets)`: u64[2, rows], content and time of the edit of
    workspace rows. Another content is an update, unless the workspace's was edited later, or is as old and of a newer
    export."""
    codes = codes.copy()
    frame = tables["messages"]
    rows = np.flatnonzero(codes == OPEN)
    content = np.zeros(len(frame), np.uint64)
    content[rows] = contents(tables, rows)
    edited = frame["edited_us"].fill_null(0).clip(0).to_numpy().astype(np.uint64)
    known = rows[target[rows] >= 0]
    codes[rows] = PLACE["created"]
    gone: dict[int, Offsets] = {}
    confirmed: dict[int, Offsets] = {}
    for place in np.unique(target[known] >> 32):
        here = known[(target[known] >> 32) == place]
        offsets = target[here] & 0xFFFFFFFF
        contents_there, edited_there = marks_of(int(place), offsets)
        equal = contents_there == content[here]
        equal[~equal] = contents_there[~equal] == contents(_as_once_staged(tables), here[~equal])
        same = equal | (edited_there > edited[here])
        if ages.export_us is not None:
            there = ages.of(int(place), offsets)
            same |= (edited_there == edited[here]) & (there > ages.export_us)
            newly = equal & (there < ages.export_us)
            if newly.any():
                confirmed[int(place)] = np.sort(offsets[newly])
        codes[here[same]] = PLACE["unchanged"]
        codes[here[~same]] = PLACE["updated"]
        if not same.all():
            gone[int(place)] = np.sort(offsets[~same])
    coming = (codes == PLACE["created"]) | (codes == PLACE["updated"])
    coming[np.setdiff1d(np.arange(len(frame)), rows)] = False
    taken = cut(tables, coming)
    taken["messages"] = resolve(taken["messages"], maps).drop("skipped")
    keys = np.concatenate([keys_of(frame)[:, coming], content[coming].reshape(1, -1), edited[coming].reshape(1, -1)])
    return Settled(codes, taken, keys, gone, confirmed)


def cut(tables: Mapping[str, pl.DataFrame], wanted: npt.NDArray[np.bool_]) -> dict[str, pl.DataFrame]:
    """Some of the messages, with what belongs to them counted from the first of those."""
    taken = {"messages": tables["messages"].filter(pl.Series(wanted))}
    places = np.cumsum(wanted) - 1
    for name in SUB_TABLES:
        if name not in tables or len(tables[name]) == 0:
            continue
        at = tables[name]["at"].to_numpy()
        inside = at < len(wanted)
        inside[inside] = wanted[at[inside]]
        if inside.any():
            part = tables[name].filter(pl.Series(inside))
            taken[name] = part.with_columns(pl.Series("at", places[at[inside]], dtype=pl.UInt32))
    return taken


_CONTENT = ("text", "edited_us", "kind", "subtype", "alias", "attachments", "thread")
_LATER = ("blocks", "original")
_CONTENT_FLAGS = ("pinned", "hidden", "broadcast")


def contents(tables: Mapping[str, pl.DataFrame], rows: Offsets) -> npt.NDArray[np.uint64]:
    """What tells two states of a message apart, as 64 bits: its text and marks, its reactions and files as sets. Kept
    with the workspace for years, so it follows from the values alone and from no library's own hash."""
    if len(rows) == 0:
        return np.zeros(0, np.uint64)
    frame = _with_later(tables["messages"]).select(*_CONTENT, *_CONTENT_FLAGS, *_LATER).with_row_index("at")
    frame = frame.with_columns(_respelled(frame[name]) for name in ("attachments", *_LATER))
    for name, what in (("reactions", ("name", "tone", "user", "count")), ("files", ("id",))):
        found = tables.get(name)
        if found is None or len(found) == 0:
            frame = frame.with_columns(pl.lit("").alias(name))
            continue
        each = found.select("at", _joined(what).alias(name)).sort("at", name)
        frame = frame.join(each.group_by("at").agg(pl.col(name).str.join("\x1e")), on="at", how="left")
    flags = [pl.col(name).fill_null(False) for name in _CONTENT_FLAGS]
    # What no earlier version kept adds to the rest, so that a message without it has the content it had.
    later = [
        pl.when(pl.col(name).is_null()).then(pl.lit("")).otherwise(pl.lit("\x1d") + pl.col(name)) for name in _LATER
    ]
    told = pl.concat_str([_joined((*_CONTENT, "reactions", "files"), flags), *later])
    whole = frame.sort("at")[rows].select(told.cast(pl.Binary))
    digests = [hashlib.blake2b(line, digest_size=8).digest() for line in whole.to_series().to_list()]
    return np.frombuffer(b"".join(digests), "<u8")


def _with_later(messages: pl.DataFrame) -> pl.DataFrame:
    """Columns that an earlier version did not stage, null."""
    missing = [pl.lit(None, pl.String).alias(name) for name in _LATER if name not in messages.columns]
    return messages.with_columns(missing)


def _as_once_staged(tables: Mapping[str, pl.DataFrame]) -> Mapping[str, pl.DataFrame]:
    """The same with typed lines among the blocks, where they stood if the messages beside them were odd."""
    messages = tables["messages"]
    if "typed" not in messages.columns:
        return tables
    return {**tables, "messages": messages.with_columns(pl.coalesce("blocks", "typed").alias("blocks"))}


def _respelled(documents: pl.Series) -> pl.Series:
    """JSON in one spelling: the same cards may be written with other spaces, escapes or order in the next export."""
    if documents.null_count() == len(documents):
        return documents
    known: dict[str | None, str | None] = {None: None}
    for text in documents.drop_nulls().unique().to_list():
        try:
            known[text] = json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))
        except (ValueError, RecursionError):
            known[text] = text
    return pl.Series(documents.name, [known[text] for text in documents.to_list()], dtype=pl.String)


def _joined(names: Sequence[str], more: Sequence[pl.Expr] = ()) -> pl.Expr:
    texts = [pl.col(name).cast(pl.String).fill_null("") for name in names]
    return pl.concat_str([*texts, *(expr.cast(pl.String) for expr in more)], separator="\x1f")


# What is written beside the rows


def room_counts(messages: pl.DataFrame) -> pl.DataFrame:
    """(room, rows, first_us, last_us) of a part that comes in."""
    return messages.group_by("room", maintain_order=True).agg(
        pl.len().cast(pl.Int64).alias("rows"),
        pl.col("ts_us").min().alias("first_us"),
        pl.col("ts_us").max().alias("last_us"),
    )


def ledger(entries: pl.Series, codes: Codes, table: str = "messages") -> pl.DataFrame:
    """(entry, outcome, reason, count) of one staged part."""
    codes_of = [outcome.code for outcome in OUTCOMES[table]]
    kinds = [outcome.outcome for outcome in OUTCOMES[table]]
    counted = (
        pl.DataFrame({"entry": entries, "code": codes}).group_by("entry", "code").len("count").sort("entry", "code")
    )
    places = counted["code"].to_list()
    return counted.select(
        "entry",
        pl.Series("outcome", [kinds[at] for at in places], dtype=pl.String),
        pl.Series("reason", [codes_of[at] for at in places], dtype=pl.String),
        pl.col("count").cast(pl.Int64),
    )


def reasons(codes: Codes, table: str = "messages") -> dict[str, int]:
    counts = np.bincount(codes, minlength=len(OUTCOMES[table]))
    return {outcome.code: int(counts[at]) for at, outcome in enumerate(OUTCOMES[table]) if counts[at]}


def codes_of_words(words: npt.NDArray[np.uint64], table: str = "messages") -> Codes:
    """The outcomes that a mask's words name; OPEN where none."""
    found = words[:, 0] >> np.uint64(OUTCOME_BIT)
    codes = np.full(len(found), OPEN, np.uint8)
    for at in range(len(OUTCOMES[table])):
        codes[(found >> np.uint64(at)) & np.uint64(1) == 1] = at
    return codes


def failed_codes(table: str = "messages") -> npt.NDArray[np.bool_]:
    """By code whether it is a failure."""
    return np.isin(np.arange(256), [at for at, outcome in enumerate(OUTCOMES[table]) if outcome.outcome == "failed"])


_ID_CHARS = 700


def with_file_ids(files: pl.DataFrame, messages: pl.DataFrame) -> pl.DataFrame:
    """Files of a part that comes in, each with an id: the export's, else one that follows from message and place."""
    keys = messages.select("key_hi", "key_lo")[files["at"].to_numpy()]
    made = [
        f"{high:016x}{low & 0xFFFFFFFFFFFFFFFF:016x}-{number or 0}"
        for high, low, number in zip(keys["key_hi"], keys["key_lo"], files["number"], strict=True)
    ]
    given = pl.col("id").str.replace_all("\0", "", literal=True)
    fit = (given != "") & (given.str.len_chars() <= _ID_CHARS)
    return files.with_columns(pl.when(fit).then(given).otherwise(pl.Series(made, dtype=pl.String)).alias("id"))


_FILE_STATES = {"external": "external", "deleted": "deleted", "hidden": "hidden", "denied": "hidden"}


def file_rows(files: pl.DataFrame) -> pl.DataFrame:
    """(id, state, url, name, size_bytes, media_type, body_entry): each file once, as the workspace keeps them."""
    reachable = pl.col("url").is_not_null() | pl.col("body_entry").is_not_null()
    other = pl.when(reachable).then(pl.lit("pending")).otherwise(pl.lit("hidden"))
    state = pl.col("state").replace_strict(_FILE_STATES, default=None, return_dtype=pl.String)
    whole = files.unique("id", keep="first", maintain_order=True)
    return whole.select(
        "id",
        state.fill_null(other).alias("state"),
        pl.col("url").str.replace_all("\0", "", literal=True),
        pl.coalesce("name", "title", pl.lit("")).str.replace_all("\0", "", literal=True).alias("name"),
        pl.col("size").alias("size_bytes"),
        pl.col("media_type").str.replace_all("\0", "", literal=True).str.head(100),
        "body_entry",
    )
