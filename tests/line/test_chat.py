from __future__ import annotations

from typing import get_args

import pytest
from msgspec import Struct

from douane import line
from douane.chat import check, settle, tables
from douane.flow.chat import workspace
from douane.line import COMMON, chat
from douane.line.staged import Part
from douane.model.source import Limits
from tests.line.hostile import HERE, THERE, faults, unbounded

PART = Part(1, 0, 3, HERE / "users-1")
FILE = chat.StagedFile(3, HERE / "users-0000001")
TOLD = (chat.Told(4, 2, HERE / "gone-1-4"),)
OPTIONS = chat.ReadOptions(team="T1", members_max=9, batch_records=100, limits=Limits())
STAGED = chat.StagedMessages(1, 3, {"messages": HERE / "messages-1"}, HERE / "mask-1", HERE / "mask-2")
KEYS = chat.WorkspaceKeys(1, 3, HERE / "keys", (HERE / "gone",), 5, (chat.Confirmed(6, HERE / "confirmed"),))

SPECS: tuple[line.Spec, ...] = (
    chat.ChatRead(importer="slack", options=OPTIONS, source=HERE / "file", batch=2, state={"entry": 1}),
    chat.ChatCheck(parts={"users": (PART,)}, known=HERE / "known"),
    chat.ChatSettle(
        users=HERE / "users", rooms=HERE / "rooms", bot="b", parts=(STAGED,), workspace=(KEYS,), retry=True, age_us=-7
    ),
    chat.ChatBodies(source_fd=3, entries=(1, 2), bytes_max=100, limits=Limits()),
    chat.ChatEncode(
        table="messages",
        format="csv",
        parts=(chat.ListedPart({"messages": HERE / "m"}, (HERE / "gone",)),),
        names=HERE / "names",
        room="r",
    ),
    chat.ChatStaged(
        table="users",
        view="all",
        format="csv",
        parts=(chat.StagedPart(HERE / "u", HERE / "mask"),),
        entries=(HERE / "entries",),
    ),
)
EVENTS: tuple[line.Event, ...] = (
    chat.Overview(importer="slack", layout="workspace", counts={"users": 3}, notes=("A note.",)),
    chat.Batch(
        number=1, tables={"users": FILE}, state={"a": [1]}, step="users", label="a/b", bytes_done=1, bytes_total=2
    ),
    chat.Through(batches=3),
    chat.Mask(table="users", number=1, rows=3, valid=2, invalid=1, path=HERE / "mask-users-1"),
    chat.Made(table="pairs", number=0, rows=3, path=HERE / "pairs"),
    chat.Checked(
        counts={"users": 3},
        problems={"users": {"no_id": 1}},
        nothing=False,
        first_issue="Why.",
        unread=("a.json",),
        unread_count=1,
    ),
    chat.Settled(
        number=1,
        reasons={"created": 3},
        valid=3,
        invalid=0,
        mask=HERE / "mask-1",
        entries=HERE / "entries-1",
        rows=3,
        first_us=-1,
        last_us=1,
        tables={"messages": HERE / "messages-1"},
        documents=HERE / "documents-1",
        gone=TOLD,
        confirmed=TOLD,
    ),
    chat.Body(entry=1, path=HERE / "body-1", message="Why."),
)


def kinds_of(message: Struct) -> tuple[type[Struct], ...]:
    """What the door decodes beside the message's own kind."""
    if isinstance(message, line.Spec):
        return chat.SPECS
    return next((*COMMON, *spec.events) for spec in chat.SPECS if type(message) in spec.events)


@pytest.mark.parametrize("message", [*SPECS, *EVENTS], ids=lambda message: type(message).__name__)
def test_a_message_arrives_as_it_was_sent_and_every_fault_in_it_is_refused(message: Struct) -> None:
    here, there = line.decoder(kinds_of(message), HERE), line.decoder(kinds_of(message), THERE)
    sent = line.encode(message, HERE)
    assert here(sent) == message
    assert line.encode(there(sent), THERE) == sent
    tried = 0
    for what, wrong in faults(message):
        with pytest.raises(line.Refused):
            print(what, here(wrong))
        tried += 1
    assert tried > 2


def test_every_verb_and_event_is_among_them() -> None:
    assert {type(spec) for spec in SPECS} == set(chat.SPECS)
    assert {type(event) for event in EVENTS} == {event for spec in chat.SPECS for event in spec.events}


def test_every_text_and_number_has_a_bound() -> None:
    for message in (*SPECS, *EVENTS):
        assert list(unbounded(type(message))) == []


def test_the_tables_that_the_line_names_are_those_there_are() -> None:
    assert set(get_args(chat.Table)) == set(tables.TABLES)
    assert set(get_args(chat.Records)) == set(check.RULES) == set(tables.RECORDS)
    assert set(get_args(chat.OfMessages)) == {"messages", *settle.SUB_TABLES, "rooms", "keys"}
    assert set(get_args(chat.Listed)) == set(workspace.KINDS)
