from __future__ import annotations

import pytest
from msgspec import Struct

from douane import line
from douane.line import COMMON, chat_export
from douane.line.chat import Overview, StagedFile
from douane.model.source import Limits
from tests.line.hostile import HERE, THERE, faults

NUMBERS = {"a": 1}
ISSUE = ({"severity": "failed", "code": "x", "entry": None},)
SPECS = (
    chat_export.ChatInspect(importer="csv", limits=Limits(), stage=True, share=1, of=2, source_fd=3),
    chat_export.ChatConvert(
        importer="csv", limits=Limits(), to="ndjson", users=("ann",), channels=("a",), team="t", source_fd=3
    ),
)
EVENTS = (
    chat_export.Counted(
        tables=NUMBERS,
        channels=NUMBERS,
        years=NUMBERS,
        subtypes=NUMBERS,
        entries=NUMBERS,
        reasons=NUMBERS,
        people={"a": "b"},
        issues=ISSUE,
    ),
    chat_export.StagedExport(
        sums=chat_export.Sums(tables=NUMBERS, names={"a": "b"}, strangers=("x",), issues=ISSUE),
        tables={"users": (StagedFile(3, HERE / "users~part-0000001.arrow"),)},
    ),
    chat_export.Converted(report={"kept": {}}),
)


@pytest.mark.parametrize("message", [*SPECS, *EVENTS], ids=lambda message: type(message).__name__)
def test_a_message_arrives_as_it_was_sent_and_every_fault_in_it_is_refused(message: Struct) -> None:
    kinds = tuple(type(spec) for spec in SPECS) if message in SPECS else (*COMMON, *(type(event) for event in EVENTS))
    here, there = line.decoder(kinds, HERE), line.decoder(kinds, THERE)
    sent = line.encode(message, HERE)
    assert here(sent) == message
    assert line.encode(there(sent), THERE) == sent
    for what, wrong in faults(message):
        with pytest.raises(line.Refused):
            print(what, here(wrong))


def test_every_verb_and_event_is_among_them() -> None:
    verbs = (*chat_export.INSPECT, *chat_export.CONVERT)
    assert {type(spec) for spec in SPECS} == set(verbs)
    assert {event for verb in verbs for event in verb.events} == {Overview, *(type(event) for event in EVENTS)}
