"""What a chat export becomes in staging: the tables, their columns, and the keys that make importing again harmless.

Every table is staged in parts like any other (`staging/parts.py`), one file a table and batch; a batch's files share
one number. `at` in reactions, files, mentions and edits is the offset of their message within the messages part of the
same number, ascending, so that a page of messages finds what belongs to it by one search.

Ids are the product's own (`U…`, `C…`, usernames, numbers as text). A message's identity is (`key_hi`, `key_lo`):
`key_hi` = the first 64 bits of BLAKE2b over (product, team, conversation), `key_lo` = the message within it: Slack's
`ts` in microseconds, else a number of the product's, else the first 63 bits of BLAKE2b over what makes it that message
(author, time, text, n-th such). Times are microseconds since 1970 in UTC, exact. Text is raw, as the export has it;
`format` names its markup and `markup.render` makes it into another's when somebody asks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import polars as pl

TEXT, WHOLE, FLAG = pl.String(), pl.Int64(), pl.Boolean()
TEXTS = pl.List(pl.String())

Schema = dict[str, pl.DataType]

# Where in the export a record stands: the entry's number in the archive's directory (-1: no entry, e.g. sent by REST),
# and its place in that entry, from 0 (for lines: the physical line, from 1). Without a place a row was made by the
# reading itself (an author that no list names, a room that only a folder names): it is no record of the export.
_PLACE: Schema = {"entry": WHOLE, "position": WHOLE}

TABLES: dict[str, Schema] = {
    # The ledger of reading: one row per archive entry, in the order they were read. found = staged + skipped + failed,
    # counted in records (users, channels, messages, contacts, memberships that are records of their own).
    "entries": {
        "entry": WHOLE,
        "name": TEXT,
        "kind": TEXT,  # users, channels, messages, contacts, body, document (kept unparsed), ignored, folder
        "bytes": WHOLE,  # unpacked
        "found": WHOLE,
        "staged": WHOLE,
        "skipped": WHOLE,
        "failed": WHOLE,
        "reason": TEXT,  # code, where the entry as a whole was skipped, ignored or failed; else null
    },
    # Why records were skipped or failed while reading, and what a person should know. Equal ones of an entry may be
    # folded into one row with their `count`.
    "issues": {
        **_PLACE,
        "severity": TEXT,  # failed, skipped, warning
        "code": TEXT,
        "table": TEXT,
        "message": TEXT,  # a sentence for a person
        "excerpt": TEXT,  # at most 200 characters of the record
        "count": WHOLE,
    },
    "users": {
        **_PLACE,
        "id": TEXT,  # the first import id
        "ids": TEXTS,  # all import ids, `id` first
        "team": TEXT,
        "username": TEXT,
        "name": TEXT,
        "display_name": TEXT,
        "emails": TEXTS,
        "type": TEXT,  # user, bot
        "role": TEXT,  # owner, admin, member, guest, guest_single, external, bot, system: what the export says
        "roles": TEXTS,  # role ids to give (contract: only bots and the slack-users CSV give any)
        "deleted": FLAG,
        "origin": TEXT,  # list; inferred (named by messages only); api
        "utc_offset": pl.Float64(),  # hours
        "zone": TEXT,
        "title": TEXT,
        "phone": TEXT,
        "status_text": TEXT,
        "avatar": TEXT,  # address, or data: URI
        "custom": TEXT,  # JSON object
    },
    "channels": {
        **_PLACE,
        "id": TEXT,
        "ids": TEXTS,
        "team": TEXT,
        "kind": TEXT,  # public, private, group_dm, dm, self_dm, unlisted (a folder no list names), file_comments
        "type": TEXT,  # c, p, d: what it becomes (contract 5.2)
        "name": TEXT,
        "former_names": TEXTS,
        "topic": TEXT,
        "purpose": TEXT,
        "creator": TEXT,
        "created_us": WHOLE,
        "archived": FLAG,
        "general": FLAG,
        "shared": FLAG,
        "folder": TEXT,  # where its messages stand
    },
    "members": {"channel": TEXT, "user": TEXT, "role": TEXT},
    "messages": {
        **_PLACE,
        "key_hi": pl.UInt64(),
        "key_lo": WHOLE,
        "id": TEXT,  # as the contract has it: slack-<channel>-<ts with dashes>
        "channel": TEXT,
        "ts_us": WHOLE,  # null: no valid time
        "author": TEXT,  # import id; null where the export has none
        "alias": TEXT,  # the name shown instead of the author's
        "kind": TEXT,  # text, me, bot, join, leave, topic, purpose, rename, archive, unarchive, pin, huddle, call,
        # reminder, tombstone, file, notice
        "subtype": TEXT,  # raw
        "text": TEXT,  # raw; for topic, purpose, rename: the new value
        "format": TEXT,  # slack_mrkdwn, plain, html, gfm
        "thread": TEXT,  # id of the thread's root; a root carries its own
        "broadcast": FLAG,  # a reply that is also shown in the channel
        "replies": WHOLE,  # as the root states it
        "last_reply_us": WHOLE,
        "edited_us": WHOLE,
        "edited_by": TEXT,
        "pinned": FLAG,
        "hidden": FLAG,
        "emoji": TEXT,  # icon of an integration
        "attachments": TEXT,  # JSON array as it came
        "blocks": TEXT,  # JSON array as it came: what an app, or the client of whom wrote it, laid the message out with
        "typed": TEXT,  # of lines typed in a client, which say what the text does: not compared, shown as blocks
        "original": TEXT,  # JSON object of what the record says besides and no other column holds; null: nothing
        "reactions": pl.UInt32(),  # how many rows in `reactions`
        "files": pl.UInt32(),
    },
    "reactions": {"at": pl.UInt32(), "name": TEXT, "tone": pl.UInt8(), "user": TEXT, "count": pl.UInt32()},
    # `user` null: `count` more whose users the export does not name. `tone` 0 none, 2 to 6.
    "files": {
        "at": pl.UInt32(),
        "number": pl.UInt32(),  # its place among the message's files, from 1
        "id": TEXT,
        "name": TEXT,
        "title": TEXT,
        "media_type": TEXT,
        "size": WHOLE,
        "state": TEXT,  # hosted, in_archive, external, deleted, hidden, denied, document
        "url": TEXT,
        "uploader": TEXT,
        "created_us": WHOLE,
        "body_entry": WHOLE,  # the archive entry that holds its bytes, else null
        "original": TEXT,  # the whole file object, JSON
    },
    "mentions": {"at": pl.UInt32(), "kind": TEXT, "target": TEXT},
    # kind: user, channel, group, here, channel_all, everyone
    "edits": {"at": pl.UInt32(), "kind": TEXT, "at_us": WHOLE, "user": TEXT, "text": TEXT, "target": TEXT},
    # kind: edit, delete; only exports that retain them. `at` is the notice's own row, `target` the id of the message
    # that was changed, `text` what it said before.
    "emoji": {"name": TEXT, "url": TEXT, "alias_of": TEXT},
    "contacts": {
        **_PLACE,
        "id": TEXT,
        "name": TEXT,
        "emails": TEXTS,
        "phones": TEXTS,
        "manager": TEXT,
        "custom": TEXT,  # JSON object
    },
}

# Records that a person counts, selects and mends; the others belong to one of these.
RECORDS = ("users", "channels", "contacts", "messages")


def frame(table: str, columns: Mapping[str, Sequence[Any]]) -> pl.DataFrame:
    """A frame of a table: the given columns in the table's types, the others null. All given ones have one length."""
    schema = TABLES[table]
    rows = len(next(iter(columns.values()))) if columns else 0
    return pl.DataFrame(
        [
            _series(name, columns[name], kind)
            if name in columns
            else pl.Series(name, dtype=kind).extend_constant(None, rows)
            for name, kind in schema.items()
        ]
    )


def fitted(table: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows that an earlier version staged, with the columns that came since, null, in the table's order; columns that
    the table does not have stay behind them."""
    schema = TABLES[table]
    if rows.columns[: len(schema)] == list(schema):
        return rows
    missing = [pl.lit(None, kind).alias(name) for name, kind in schema.items() if name not in rows.columns]
    return rows.with_columns(missing).select(*schema, pl.exclude(*schema))


def handed_out(table: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows as they are handed out: `fitted`, and blocks are blocks, whether they say more than the text or not."""
    rows = fitted(table, rows)
    if table != "messages":
        return rows
    return rows.with_columns(pl.coalesce("blocks", "typed").alias("blocks")).drop("typed")


def _series(name: str, values: Sequence[Any], kind: pl.DataType) -> pl.Series:
    if kind == TEXTS and isinstance(values, list) and any(values):
        # Out of lists of lists Polars makes a series for each: a hundred times what this takes.
        held = ["[]" if not value else msgspec.json.encode(list(value)).decode() for value in values]
        decoded = pl.Series(name, held).str.json_decode(TEXTS)
        absent = [value is None for value in values]
        return decoded if not any(absent) else decoded.set(pl.Series(absent), None)
    return pl.Series(name, values, dtype=kind, strict=False)


def conversation_key(product: str, team: str, conversation: str) -> int:
    """`key_hi` of every message of a conversation, u64."""
    return int.from_bytes(_digest("conversation", product, team, conversation), "big")


def message_key(*parts: str) -> int:
    """`key_lo` of a message without a number of its own, from what makes it that message; 0 .. 2**63 - 1."""
    return int.from_bytes(_digest("message", *parts), "big") >> 1


def _digest(*parts: str) -> bytes:
    """8 bytes; each part's length is hashed with it, so that ("a", "bc") is not ("ab", "c")."""
    state = hashlib.blake2b(b"douane-1", digest_size=8)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        state.update(len(data).to_bytes(8, "big") + data)
    return state.digest()
