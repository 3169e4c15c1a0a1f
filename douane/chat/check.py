"""Checking a staged export before a run: what is wrong with each record, as bits; and what a run can make of one.

Each table of RECORDS has its rules (what is wrong, bits 0 to 31 of the one word a record has) and its outcomes (what a
run did with it, bits 32 to 63). What is stored are the bits; sentences are rendered from (code, record) when somebody
reads them. A record with a rule that is no warning is invalid: a run will fail it.

Takes frames and sets of texts, gives NumPy words. Users, channels and contacts are judged as whole tables; messages
part by part, and what only all of them know (copies, roots that are missing) by their 64-bit keys in bounded memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from douane.model.problem import Rule

Words = npt.NDArray[np.uint64]

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
    ("name_clash", "username", "Another user of this export is called “{username}” too: the two become one.", True),
    ("username_taken", "username", "Somebody in the workspace is called “{username}”: the two become one.", True),
    ("protected", None, "This is one of the project's own people: nothing about them is changed.", True),
    ("repeated", "id", "The export names the user {id} more than once.", True),
    ("inferred", None, "No list of the export names this user, only messages: a placeholder stands for them.", True),
    ("admin", "role", "The export calls this user an administrator: that is not taken over by itself.", True),
)
_CHANNELS, _CHANNEL_SENTENCES = _rules(
    ("no_name", "name", "The channel has no name.", False),
    ("no_id", "id", "The channel has no id in the export.", False),
    ("name_clash", "name", "Another channel of this export is called “{name}” too: the two become one.", True),
    ("name_taken", "name", "The workspace has a room “{name}”: the messages go into it.", True),
    ("unknown_creator", "creator", "Nobody knows the user {creator} who made the channel.", True),
    ("no_members", None, "The channel has no members.", True),
    ("unknown_members", None, "Some of its members are in no list of users.", True),
    ("unlisted", None, "No list of the export names this channel: it was made from a folder of messages.", True),
    ("repeated", "id", "The export names the channel {id} more than once.", True),
)
_CONTACTS, _CONTACT_SENTENCES = _rules(
    ("empty", None, "The contact has no name, no e-mail address and no phone number: it is left out.", True),
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
        ("unchanged", "imported", "The workspace had it already, just so."),
        ("matched", "imported", "It is the same as one that the workspace had; that one was left as it was."),
        ("not_selected", "skipped", "It was not selected."),
        ("duplicate", "skipped", "The export holds it more than once."),
        ("exists", "skipped", "The workspace has it already."),
        ("storing", "failed", "It could not be stored."),
    )
    return tuple(
        Outcome(OUTCOME_BIT + at, code, outcome, sentence) for at, (code, outcome, sentence) in enumerate(common + own)
    )


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
        ("importer-user-missing-import-id", "failed", "The user has no id in the export."),
        ("importer-user-email-taken", "failed", "Somebody else has this e-mail address."),
        ("importer-user-username-taken", "failed", "Somebody else has this username."),
        ("importer-user-invalid", "failed", "The user's data cannot be stored."),
    ),
    "channels": _outcomes(
        ("importer-channel-missing-name", "failed", "The channel has no name."),
        ("importer-channel-missing-import-id", "failed", "The channel has no id in the export."),
        ("importer-channel-missing-users", "failed", "Not everybody of this direct conversation is known."),
        ("importer-channel-invalid-creator", "failed", "Nobody is known who could own the channel."),
        ("importer-channel-general-not-found", "failed", "The workspace has no general room."),
        ("importer-channel-invalid", "failed", "The channel's data cannot be stored."),
    ),
    "contacts": _outcomes(
        ("empty", "skipped", "The contact has no name, no e-mail address and no phone number."),
        ("importer-contact-invalid", "failed", "The contact's data cannot be stored."),
    ),
    "messages": _outcomes(
        ("room_not_imported", "skipped", "Its channel was not imported."),
        ("hidden", "skipped", "The export hides its content."),
        ("empty", "skipped", "There is nothing in it."),
        ("importer-message-invalid-timestamp", "failed", "The message has no valid time."),
        ("importer-message-unknown-user", "failed", "Nobody knows who wrote the message."),
        ("importer-message-unknown-room", "failed", "Nobody knows the message's channel."),
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
