"""Checking a staged export before a run: what is wrong with each record, as bits; and what a run can make of one.

Each table of RECORDS has its rules (what is wrong, bits 0 to 31 of the one word a record has) and its outcomes (what a
run did with it, bits 32 to 63). What is stored are the bits; sentences are rendered from (code, record) when somebody
reads them. A record with a rule that is no warning is invalid: a run will fail it.

Takes frames and sets of texts, gives NumPy words. Users, channels and contacts are judged as whole tables; messages
part by part, and what only all of them know (copies, roots that are missing) by their 64-bit keys in bounded memory.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from douane.chat import tables
from douane.chat.plan import room_slug
from douane.model.problem import Rule

Words = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.bool_]
Offsets = npt.NDArray[np.int64]
Load = Callable[[], Words]

PASS_ROWS = 4_000_000  # messages whose keys are compared at once
REPEATED_KEYS = 100_000
GATHERED = 32  # parts whose counts wait to be added up

_SEED = 0x646F75616E65
_ODD, _ODD_TOO = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
_EMAIL = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
_YEAR_1_US, _YEAR_10000_US = -62_135_596_800_000_000, 253_402_300_800_000_000 - 1

OUTCOME_BIT = 32  # the first bit that says what a run did


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run made of a record: exactly one for each. `outcome`: imported, skipped, failed. `code` is stable: for a
    failure the chat contract's (section 6) where it has one. `sentence` is for a person."""

    bit: int
    code: str
    outcome: str
    sentence: str


def _rules(*given: tuple[str, str | None, str, bool]) -> tuple[tuple[Rule, ...], dict[str, str]]:
    """(code, column, sentence, warning) by place -> rules, and sentences by code."""
    rules = tuple(
        Rule(bit, column, code, precedence=len(given) - bit, warning=warning)
        for bit, (code, column, _, warning) in enumerate(given)
    )
    return rules, {code: sentence for code, _, sentence, _ in given}


# A new rule goes to the end of its table: bits are stored.
_USERS, _USER_SENTENCES = _rules(
    ("no_id", None, "The user has no id in the export.", False),
    ("no_name", None, "The user has neither an e-mail address nor a username.", False),
    ("email_form", "emails", "“{emails}” does not look like an e-mail address.", True),
    ("email_repeated", "emails", "Another user of this export has the same e-mail address.", True),
    ("email_taken", "emails", "Somebody in the workspace has this e-mail address: the two become one.", True),
    (
        "name_clash",
        "username",
        "Another user of this export is called “{username}” too: the later one gets a number.",
        True,
    ),
    ("username_taken", "username", "Somebody in the workspace is called “{username}” already.", True),
    ("protected", None, "This is one of the project's own people: nothing about them is changed.", True),
    ("repeated", "id", "The export names the user {id} more than once.", True),
    ("inferred", None, "No list of the export names this user, only messages: a placeholder stands for them.", True),
    ("admin", "role", "The export calls this user an administrator: that is not taken over by itself.", True),
)
_CHANNELS, _CHANNEL_SENTENCES = _rules(
    ("no_name", "name", "The channel has no name.", False),
    ("no_id", "id", "The channel has no id in the export.", False),
    ("name_clash", "name", "Another channel of this export is called “{name}” too: the later one gets a number.", True),
    ("name_taken", "name", "The workspace has a room “{name}”: a public channel goes into it if both are.", True),
    ("unknown_creator", "creator", "Nobody knows the user {creator} who made the channel.", True),
    ("no_members", None, "The channel has no members.", True),
    ("unknown_members", None, "Some of its members are in no list of users.", True),
    ("unlisted", None, "No list of the export names this channel: it was made from a folder of messages.", True),
    ("repeated", "id", "The export names the channel {id} more than once.", True),
)
_CONTACTS, _CONTACT_SENTENCES = _rules(
    ("empty", None, "The contact has no name, no e-mail address and no phone number.", True),
    ("email_repeated", "emails", "Another contact of this export has the same e-mail address.", True),
    ("unknown_manager", "manager", "Nobody is called “{manager}”.", True),
    ("repeated", "id", "The export names the contact {id} more than once.", True),
)
_MESSAGES, _MESSAGE_SENTENCES = _rules(
    ("no_time", "ts_us", "The message has no valid time.", False),
    ("unknown_channel", "channel", "No list of the export, nor the workspace, has the channel {channel}.", False),
    ("unknown_author", "author", "No list of the export, nor the workspace, has the user {author}.", True),
    ("no_author", "author", "The message does not say who wrote it.", True),
    ("no_root", "thread", "The message that began this thread is not in the export.", True),
    ("duplicate", None, "The export holds this message more than once.", True),
)

RULES: dict[str, tuple[Rule, ...]] = {
    "users": _USERS,
    "channels": _CHANNELS,
    "contacts": _CONTACTS,
    "messages": _MESSAGES,
}
SENTENCES: dict[str, dict[str, str]] = {
    "users": _USER_SENTENCES,
    "channels": _CHANNEL_SENTENCES,
    "contacts": _CONTACT_SENTENCES,
    "messages": _MESSAGE_SENTENCES,
}


def _outcomes(*own: tuple[str, str, str]) -> tuple[Outcome, ...]:
    """Those that every table has, then a table's own."""
    common = (
        ("created", "imported", "It is new in the workspace."),
        ("updated", "imported", "The workspace had an older state of it."),
        ("unchanged", "imported", "The workspace had it already: just so, or as a newer export has it."),
        ("matched", "imported", "It is the same as one that the workspace had; that one was left as it was."),
        ("not_selected", "skipped", "It was not selected."),
        ("duplicate", "skipped", "The export holds it more than once."),
        ("exists", "skipped", "The workspace has it already."),
        ("storing", "failed", "It could not be stored."),
    )
    return tuple(
        Outcome(OUTCOME_BIT + at, code, outcome, sentence) for at, (code, outcome, sentence) in enumerate(common + own)
    )


_DIFFERS = ("differs", "skipped", "The export holds another state of it under the same id; that one counts.")

# A new outcome goes to the end of its table, as above.
OUTCOMES: dict[str, tuple[Outcome, ...]] = {
    "users": _outcomes(
        ("placeholder", "imported", "A deactivated account stands for this author."),
        ("protected", "imported", "This is one of the project's own people: only the foreign id was noted."),
        ("not_needed", "skipped", "No imported message needs this author."),
        ("strict", "skipped", "Authors that no list names are not made in strict imports."),
        (
            "importer-user-missing-email-and-username",
            "failed",
            "The user has neither an e-mail address nor a username.",
        ),
        ("importer-user-import-id-taken", "failed", "The workspace has a user with this foreign id."),
        ("importer-user-email-taken", "failed", "Somebody in the workspace has this e-mail address."),
        ("importer-user-username-taken", "failed", "Somebody in the workspace has this username."),
        ("importer-user-invalid", "failed", "A name, address or id of the user is longer than it may be."),
        _DIFFERS,
    ),
    "channels": _outcomes(
        ("importer-channel-missing-name", "failed", "The channel has no name."),
        ("importer-channel-missing-import-id", "failed", "The channel has no id in the export."),
        ("importer-channel-missing-users", "failed", "Not everybody of this direct conversation is known."),
        ("importer-channel-invalid-creator", "failed", "Nobody is known who could own the channel."),
        ("importer-channel-general-not-found", "failed", "The workspace has no general room."),
        _DIFFERS,
    ),
    "contacts": _outcomes(
        ("empty", "skipped", "The contact has no name, no e-mail address and no phone number."),
        _DIFFERS,
    ),
    "messages": _outcomes(
        ("room_not_imported", "skipped", "Its channel was not imported."),
        ("hidden", "skipped", "The export hides its content."),
        ("empty", "skipped", "There is nothing in it."),
        ("importer-message-invalid-timestamp", "failed", "The message has no valid time."),
        ("importer-message-unknown-user", "failed", "Nobody knows who wrote the message."),
        ("importer-message-unknown-room", "failed", "Nobody knows the message's channel."),
        _DIFFERS,
    ),
}


def outcome(table: str, code: str) -> Outcome:
    """The outcome with this code; KeyError where the table has none."""
    return _BY_CODE[table][code]


def outcome_words(table: str, codes: npt.NDArray[np.uint8], before: Words | None = None) -> Words:
    """Words u64[rows, 1] that say the outcome of each record: `codes` holds places in OUTCOMES[table]. With `before`
    (a mask's words) the problems found by the check stay, an earlier outcome goes."""
    bits = np.uint64(1) << (codes.astype(np.uint64) + np.uint64(OUTCOME_BIT))
    if before is not None:
        bits = bits | (before[:, 0] & np.uint64((1 << OUTCOME_BIT) - 1))
    return bits.reshape(-1, 1)


def failed_words(table: str) -> Words:
    """The bits that make a record invalid after a run: those of failures (masks.judge_state's `invalid_words`)."""
    return _word(o.bit for o in OUTCOMES[table] if o.outcome == "failed")


def invalid_words(table: str) -> Words:
    """The bits that make a record invalid before a run."""
    return _word(rule.bit for rule in RULES[table] if not rule.warning)


def _word(bits: Iterable[int]) -> Words:
    return np.array([sum(1 << bit for bit in bits)], np.uint64)


_BY_CODE = {table: {o.code: o for o in members} for table, members in OUTCOMES.items()}


# Judging


@dataclass(frozen=True, slots=True)
class Known:
    """What the workspace has already, as texts: e-mail addresses and usernames in lower case; import ids of users and
    rooms; rooms by `plan.room_slug`. `own_emails`: those of the project's own people, who are protected."""

    emails: pl.Series
    usernames: pl.Series
    users: pl.Series
    rooms: pl.Series
    channels: pl.Series
    own_emails: pl.Series


def known(document: Mapping[str, Sequence[str]]) -> Known:
    """From lists by field name; fields that are left out are empty."""
    return Known(
        *(
            pl.Series(field.name, document.get(field.name, []), dtype=pl.String).unique()
            for field in dataclasses.fields(Known)
        )
    )


USER_COLUMNS = ("entry", "id", "ids", "username", "emails", "role", "origin")
CHANNEL_COLUMNS = ("entry", "id", "ids", "type", "kind", "name", "creator")
CONTACT_COLUMNS = ("id", "name", "emails", "phones", "manager")
MESSAGE_COLUMNS = ("key_hi", "key_lo", "id", "channel", "ts_us", "author", "alias", "kind", "thread")


def judge_users(frame: pl.DataFrame, known: Known) -> Words:
    """Words u64[rows] for all users of an export, in staging order."""
    emails = _texts_of(frame, "emails")
    username = _lower(frame["username"])
    before = _any_in(frame, "ids", known.users)
    inferred = _flags(frame["origin"] == "inferred")
    repeated = _later(frame["id"])
    return _marked(
        "users",
        len(frame),
        {
            "no_id": _blank(frame["id"]),
            "no_name": _blank(username) & ~_rows_of(emails, len(frame)) & ~inferred,
            "email_form": _rows_of(emails.filter(~pl.col("text").str.contains(_EMAIL)), len(frame)),
            "email_repeated": _rows_of(emails.filter(~pl.col("text").is_first_distinct()), len(frame)) & ~repeated,
            "email_taken": _rows_of(emails.filter(_in("text", known.emails)), len(frame)) & ~before,
            "name_clash": _later(username) & ~repeated,
            "username_taken": _is_in(username, known.usernames) & ~before,
            "protected": _rows_of(emails.filter(_in("text", known.own_emails)), len(frame)),
            "repeated": repeated,
            "inferred": inferred,
            "admin": _flags(frame["role"].is_in(["owner", "admin"])),
        },
    )


def judge_channels(frame: pl.DataFrame, members: pl.DataFrame, people: pl.Series, known: Known) -> Words:
    """Words u64[rows] for all channels. `members`: (channel, unknown: how many of them nobody knows), one row for each
    channel that has any; `people`: all ids of users that the export or the workspace knows."""
    named = frame["type"] != "d"
    slug = pl.Series("slug", [room_slug(name or "") for name in frame["name"]], dtype=pl.String)
    slug = slug.set(~named.fill_null(False) | (slug == ""), None)
    before = _any_in(frame, "ids", known.channels)
    unknown = members.filter(pl.col("unknown") > 0)["channel"]
    return _marked(
        "channels",
        len(frame),
        {
            "no_name": _blank(frame["name"]) & _flags(named),
            "no_id": _blank(frame["id"]),
            "name_clash": _later(slug),
            "name_taken": _is_in(slug, known.rooms) & ~before,
            "unknown_creator": ~_blank(frame["creator"]) & ~_is_in(frame["creator"], people),
            "no_members": ~_is_in(frame["id"], members["channel"]) & ~_flags(frame["kind"] == "unlisted"),
            "unknown_members": _is_in(frame["id"], unknown),
            "unlisted": _flags(frame["kind"] == "unlisted"),
            "repeated": _later(frame["id"]),
        },
    )


def judge_contacts(frame: pl.DataFrame, usernames: pl.Series) -> Words:
    """Words u64[rows] for all contacts. `usernames`, lower case: who may be a contact's manager."""
    rows = len(frame)
    emails, phones = _texts_of(frame, "emails"), _texts_of(frame, "phones")
    manager = _lower(frame["manager"])
    return _marked(
        "contacts",
        rows,
        {
            "empty": _blank(frame["name"]) & ~_rows_of(emails, rows) & ~_rows_of(phones, rows),
            "email_repeated": _rows_of(emails.filter(~pl.col("text").is_first_distinct()), rows),
            "unknown_manager": ~_blank(manager) & ~_is_in(manager, usernames),
            "repeated": _later(frame["id"]),
        },
    )


def judge_messages(frame: pl.DataFrame, channels: pl.Series, listed: pl.Series) -> Words:
    """Words u64[rows] for one part. `channels`: every id of a channel that the export or the workspace has; `listed`:
    the same for users, without those whom only messages name."""
    author = frame["author"]
    return _marked(
        "messages",
        len(frame),
        {
            "no_time": _flags(frame["ts_us"].is_null()),
            "unknown_channel": ~_is_in(frame["channel"], channels),
            "unknown_author": ~_blank(author) & ~_is_in(author, listed),
            "no_author": _blank(author),
        },
    )


class Tallies:
    """How many messages each (channel, author, year) has, counted part by part; names are kept once."""

    def __init__(self) -> None:
        self._channels: dict[str | None, int] = {}
        self._authors: dict[str | None, int] = {}
        self._keys = np.zeros(0, np.int64)
        self._counts = np.zeros(0, np.int64)
        self._waiting: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]] = []

    def add(self, frame: pl.DataFrame) -> None:
        time = pl.col("ts_us")
        sound = pl.when(time.is_between(_YEAR_1_US, _YEAR_10000_US)).then(time)
        counted = (
            frame.select("channel", "author", pl.from_epoch(sound, "us").dt.year().fill_null(0).alias("year"))
            .group_by("channel", "author", "year", maintain_order=True)
            .len()
        )
        channels = _numbers(counted["channel"], self._channels)
        authors = _numbers(counted["author"], self._authors)
        keys = channels << 40 | authors << 14 | counted["year"].cast(pl.Int64).to_numpy()
        self._waiting.append((keys, counted["len"].cast(pl.Int64).to_numpy()))
        if len(self._waiting) >= GATHERED:
            self._gather()

    def frame(self) -> pl.DataFrame:
        """(channel, author, year, messages); no year where there is no time."""
        self._gather()
        channels, authors = (pl.Series(list(names), dtype=pl.String) for names in (self._channels, self._authors))
        years = pl.Series((self._keys & 0x3FFF).astype(np.int32))
        return pl.DataFrame(
            {
                "channel": channels[self._keys >> 40] if len(self._keys) else channels,
                "author": authors[self._keys >> 14 & 0x3FF_FFFF] if len(self._keys) else authors,
                "year": years.set(years == 0, None),
                "messages": self._counts,
            }
        )

    def _gather(self) -> None:
        keys = np.concatenate([self._keys, *(keys for keys, _ in self._waiting)])
        counts = np.concatenate([self._counts, *(counts for _, counts in self._waiting)])
        self._waiting.clear()
        self._keys, places = np.unique(keys, return_inverse=True)
        self._counts = np.bincount(places, counts, len(self._keys)).astype(np.int64)


def _numbers(names: pl.Series, known: dict[str | None, int]) -> npt.NDArray[np.int64]:
    """The number of each name, new ones counted on."""
    own = names.unique(maintain_order=True)
    numbers = [known.setdefault(name, len(known)) for name in own.to_list()]
    return names.replace_strict(own, pl.Series(numbers, dtype=pl.Int64), return_dtype=pl.Int64).to_numpy()


def members_of(frames: Iterable[pl.DataFrame], people: pl.Series) -> pl.DataFrame:
    """`judge_channels`'s members, of the parts of `members`."""
    found = [
        frame.select("channel", unknown=~_in("user", people))
        .group_by("channel")
        .agg(pl.col("unknown").sum().cast(pl.Int64))
        for frame in frames
    ]
    empty = pl.DataFrame(schema={"channel": pl.String, "unknown": pl.Int64})
    return pl.concat([empty, *found]).group_by("channel").agg(pl.col("unknown").sum())


def gathered(
    waiting: list[pl.DataFrame], frame: pl.DataFrame, together: Callable[[Sequence[pl.DataFrame]], pl.DataFrame]
) -> list[pl.DataFrame]:
    """The frames with one more, put together from time to time so that they don't take more than they say."""
    waiting = [*waiting, frame]
    return [together(waiting)] if len(waiting) >= GATHERED else waiting


def strangers(frame: pl.DataFrame, people: pl.Series) -> pl.DataFrame:
    """Authors of one part whom nobody knows: (author, alias: the first name they were shown under, bot)."""
    unknown = frame.filter(~_in("author", people) & (pl.col("author") != ""))
    return _first_names(unknown.select("author", "alias", (pl.col("kind") == "bot").alias("bot")))


def all_strangers(found: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Those of several parts, each once."""
    return _first_names(pl.concat(found))


def _first_names(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.group_by("author", maintain_order=True).agg(pl.col("alias").drop_nulls().first(), pl.col("bot").any())


def placeholders(strangers: pl.DataFrame) -> pl.DataFrame:
    """Rows of `users` for authors that no user row names."""
    ids = strangers["author"].to_list()
    return tables.frame(
        "users",
        {
            "entry": [-1] * len(ids),
            "id": ids,
            "ids": [[id] for id in ids],
            "name": strangers["alias"].to_list(),
            "type": ["bot" if bot else "user" for bot in strangers["bot"]],
            "origin": ["inferred"] * len(ids),
        },
    )


def keys_of(frame: pl.DataFrame) -> Words:
    """u64[4, rows] of one part of messages: key_hi, key_lo, a hash of the id, a hash of the thread's root (0: it is no
    reply). For `copies` and `rootless`."""
    root = frame["thread"]
    hashed = np.where(_blank(root) | _flags(root == frame["id"]), 0, root.hash(_SEED).to_numpy())
    return np.stack(
        [
            frame["key_hi"].fill_null(0).to_numpy(),
            frame["key_lo"].fill_null(0).to_numpy().view(np.uint64),
            frame["id"].hash(_SEED).to_numpy(),
            hashed,
        ]
    )


def copies(parts: Sequence[Load], pass_rows: int = PASS_ROWS) -> Iterator[tuple[int, Offsets]]:
    """Rows with the key of an earlier one, as (part, offsets); a part may come more than once. `parts` give what
    `keys_of` said of each; they are asked for it in every pass. Memory: some 16 bytes for each of `pass_rows`."""
    for wanted in _repeated(parts, lambda part: _mixed(part[0], part[1]), pass_rows):
        found: list[tuple[int, Offsets, Words, Words]] = []
        for number, load in enumerate(parts):
            part = load()
            offsets = _members(_mixed(part[0], part[1]), wanted)
            if len(offsets):
                found.append((number, offsets, part[0][offsets], part[1][offsets]))
        numbers = np.concatenate([np.full(len(one[1]), one[0]) for one in found])
        offsets = np.concatenate([one[1] for one in found])
        high, low = np.concatenate([one[2] for one in found]), np.concatenate([one[3] for one in found])
        order = np.lexsort((low, high))  # stable: of equal ones the earliest comes first
        same = (high[order][1:] == high[order][:-1]) & (low[order][1:] == low[order][:-1])
        again = order[1:][same]
        for number in np.unique(numbers[again]):
            yield int(number), offsets[again[numbers[again] == number]]


def rootless(parts: Sequence[Load], pass_rows: int = PASS_ROWS) -> Iterator[tuple[int, Offsets]]:
    """Replies to a message that is in no part, as `copies` gives its rows."""
    for bits, bucket in _passes(parts, pass_rows):
        ids = np.concatenate([_within(load()[2], bits, bucket) for load in parts])
        ids.sort()
        for number, load in enumerate(parts):
            roots = load()[3]
            replies = np.flatnonzero(roots)
            replies = replies[_bucket(roots[replies], bits) == bucket]
            if len(ids) == 0:
                missing = replies
            else:
                at = np.minimum(np.searchsorted(ids, roots[replies]), len(ids) - 1)
                missing = replies[ids[at] != roots[replies]]
            if len(missing):
                yield number, missing


def _mixed(high: Words, low: Words) -> Words:
    mixed: Words = (high ^ (low * _ODD)) * _ODD_TOO
    return mixed


def _passes(parts: Sequence[Load], pass_rows: int) -> Iterator[tuple[int, int]]:
    """(bits, bucket) of each pass: keys are told apart by their top bits."""
    rows = sum(load().shape[1] for load in parts)
    bits = max(0, int(-(-rows // pass_rows) - 1).bit_length())
    for bucket in range(1 << bits if rows else 0):
        yield bits, bucket


def _bucket(keys: Words, bits: int) -> Words:
    return keys >> np.uint64(64 - bits) if bits else np.zeros(len(keys), np.uint64)


def _within(keys: Words, bits: int, bucket: int) -> Words:
    return keys[_bucket(keys, bits) == bucket] if bits else keys


def _repeated(parts: Sequence[Load], key: Callable[[Words], Words], pass_rows: int) -> Iterator[Words]:
    """Keys that occur more than once over all parts, sorted, some thousands at a time."""
    for bits, bucket in _passes(parts, pass_rows):
        keys = np.concatenate([_within(key(load()), bits, bucket) for load in parts])
        keys.sort()
        again = keys[1:][keys[1:] == keys[:-1]]
        again = again[np.flatnonzero(np.diff(again, prepend=~again[:1]))]
        for start in range(0, len(again), REPEATED_KEYS):
            yield again[start : start + REPEATED_KEYS]


def _members(keys: Words, wanted: Words) -> Offsets:
    """Offsets of the keys that are in `wanted` (sorted, not empty)."""
    at = np.minimum(np.searchsorted(wanted, keys), len(wanted) - 1)
    return np.flatnonzero(wanted[at] == keys)


def with_found(words: npt.NDArray[np.uint8] | Words, code: str, offsets: Offsets) -> None:
    """Sets a rule's bit at some rows of a part's words (those of messages fit into 8 bits before a run)."""
    bit = next(rule.bit for rule in RULES["messages"] if rule.name == code)
    words[offsets] |= words.dtype.type(1 << bit)


def _marked(table: str, rows: int, found: Mapping[str, Flags]) -> Words:
    bits = {rule.name: rule.bit for rule in RULES[table]}
    words = np.zeros(rows, np.uint64)
    for code, flags in found.items():
        words |= flags.astype(np.uint64) << np.uint64(bits[code])
    return words


def _texts_of(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    """(row, text) of a column of lists: lower case, without blanks, each once a row."""
    return (
        frame.select(pl.int_range(pl.len()).alias("row"), pl.col(column).alias("text"))
        .explode("text")
        .with_columns(pl.col("text").str.strip_chars().str.to_lowercase())
        .filter(pl.col("text").is_not_null() & (pl.col("text") != ""))
        .unique(maintain_order=True)
    )


def _rows_of(texts: pl.DataFrame, rows: int) -> Flags:
    flags = np.zeros(rows, np.bool_)
    flags[texts["row"].to_numpy()] = True
    return flags


def _lower(texts: pl.Series) -> pl.Series:
    return texts.str.strip_chars().str.to_lowercase()


def _blank(texts: pl.Series) -> Flags:
    return (texts.str.strip_chars() == "").fill_null(True).to_numpy()


def _flags(series: pl.Series) -> Flags:
    return series.fill_null(False).to_numpy()


def _is_in(texts: pl.Series, values: pl.Series) -> Flags:
    return _flags(texts.is_in(values.implode()))


def _in(column: str, values: pl.Series) -> pl.Expr:
    return pl.col(column).is_in(values.implode()).fill_null(False)


def _any_in(frame: pl.DataFrame, column: str, values: pl.Series) -> Flags:
    texts = frame.select(pl.int_range(pl.len()).alias("row"), pl.col(column).alias("text")).explode("text")
    return _rows_of(texts.filter(_in("text", values)), len(frame))


def _later(texts: pl.Series) -> Flags:
    """Rows whose text an earlier row has; blank ones have none."""
    return _flags(~texts.is_first_distinct()) & ~_blank(texts)
