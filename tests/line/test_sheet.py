from __future__ import annotations

import pytest
from msgspec import Struct

from douane import line
from douane.line import COMMON, Failure, FileName, Progress, Sandbox, sheet
from douane.line.staged import Checked, Packed, Part
from douane.model.learned import Evidence, Learned
from douane.model.reading import Detected, Options, Position
from douane.model.sheet_import import Finding, Judging, Summary, TemplateDocument
from tests.line.hostile import HERE, NAMES, THERE, faults, unbounded

DETECTED = Detected("csv", 2, 0, "utf-8", ",", '"', ("one", "two"), "one", "gzip", ("A note.",))
LEARNED = Learned("A", "a", "Date", 9, ("YYYY-MM-DD",), ("x",), True, True, {"type": Evidence(9, 0)})
SUMMARY = Summary(3, 1, 2, 0, 0, 3, (Finding("a", "number", 2, (1, 2), "x is no number", "It is a letter."),), ())
PART = Part(1, 0, 3, HERE / "part-0000001")
VERDICT = Checked(1, 3, 1, 2, HERE / "mask-1", HERE / "hash-1", {"valid": HERE / "sparse-valid-1.arrow"})
TEMPLATE = TemplateDocument("people", ({"key": "a", "name": "A", "columnType": "String"},))
TABLE = {"parts": (PART,), "template": TEMPLATE, "headings": ("A", "B"), "chosen": (1,), "cells": (HERE / "cells",)}
OPTIONS = Options(sheet="one", encoding="utf-8", delimiter=";")

SPECS: tuple[line.Spec, ...] = (
    sheet.Learn(options=OPTIONS, source=HERE / "file"),
    sheet.Explain(options=OPTIONS, source_fd=3),
    sheet.SheetNames(options=OPTIONS, source=HERE / "file"),
    sheet.Rows(options=OPTIONS, source=HERE / "file", format="csv"),
    sheet.Read(options=OPTIONS, source=HERE / "file", start=Position(1, 2, 3), row=4),
    sheet.Check(**TABLE, data_start=1, added_number=9, stamp="s", held=(VERDICT,)),
    sheet.Recheck(**TABLE, added_number=9, previous=(VERDICT,), changed=HERE / "changed"),
    sheet.Replace(
        **TABLE,
        picked=(HERE / "picked-1",),
        keys=("a",),
        find="x",
        replace="y",
        case_sensitive=True,
        whole=False,
        sample=3,
    ),
    sheet.Inspect(
        options=OPTIONS,
        source_fd=3,
        template={"name": "people", "columns": []},
        mapping={"a": "A"},
        called=("t.yaml", "m.yaml"),
        stage=True,
        report=True,
    ),
    sheet.Encode(
        **TABLE,
        masks=(HERE / "mask-1",),
        made=Judging("s", 1, ((None, "short"),)),
        faults=True,
        count=7,
        view="valid",
        format="csv",
        feeding=sheet.Feeding("o", ("a",), "{}", ("a",)),
    ),
    sheet.Annotate(
        **TABLE,
        masks=(HERE / "mask-1",),
        total=3,
        operation="0123456789abcdef01234567",
        revision=1,
        whole=True,
        file_name="people.csv",
        format="xlsx",
    ),
    sheet.Compare(
        options=OPTIONS,
        source=HERE / "file",
        operation="0123456789abcdef01234567",
        revision=1,
        data_start=1,
        **TABLE,
    ),
)
EVENTS: tuple[line.Event, ...] = (
    Progress(step="reading", done=1, total=2, unit="bytes", rows=3),
    Sandbox(missing=("network",)),
    Failure(code="over_limit", message="Too much.", setting="cell_bytes"),
    sheet.Explained(detected=DETECTED, rows=3, blank=0, records=(("A", "B"),)),
    sheet.Opened(detected=DETECTED, records=(("A", "B"),)),
    sheet.Staged(part=PART, blank=0, next=Position(1, 2, 3), bytes_done=9),
    sheet.Through(rows=3),
    sheet.Begun(stamp="s", words=1),
    sheet.Judged(verdict=VERDICT),
    sheet.Added(part=PART),
    sheet.PackedRows(packed=Packed("valid", 0, 1, 2, 2, HERE / "packed-valid-0.arrow")),
    sheet.Settled(stamp="s", words=1, rules=((None, "surplus"), ("a", "number")), summary=SUMMARY),
    sheet.Mapped(detected=DETECTED, headings=("A",), mapping={"a": "A", "b": None}, unmapped=("C",)),
    sheet.Inspected(summary=SUMMARY),
    sheet.Replaced(
        at=0,
        rows=2,
        cells=HERE / "cells-0",
        found=HERE / "found-0",
        judged=True,
        seen={3: (True, False)},
        sample=(sheet.Met(1, "a", None, "y"),),
    ),
    sheet.Names(names=("one",)),
    sheet.Taught(columns=(LEARNED,), whole=True, unnamed=(3,)),
    sheet.Taught(described=({"key": "a", "notes": ["x"]},)),
    sheet.Identified(operation="0123456789abcdef01234567", revision=1),
    sheet.Compared(
        path=HERE / "changes",
        rows=3,
        cells=1,
        records=1,
        missing=1,
        untold=1,
        spoilt=1,
        columns={"a": 1},
        sample=(sheet.Differing(1, 2, "a", "x", "y"),),
    ),
)


def kinds_of(message: Struct) -> tuple[type[Struct], ...]:
    """What the door decodes beside the message's own kind."""
    if isinstance(message, line.Spec):
        return sheet.SPECS
    return next((*COMMON, *spec.events) for spec in sheet.SPECS if type(message) in (*COMMON, *spec.events))


@pytest.mark.parametrize("message", [*SPECS, *EVENTS], ids=lambda message: type(message).__name__)
def test_a_message_arrives_as_it_was_sent_and_every_fault_in_it_is_refused(message: Struct) -> None:
    here, there = line.decoder(kinds_of(message), HERE), line.decoder(kinds_of(message), THERE)
    sent = line.encode(message, HERE)
    assert here(sent) == message
    # Files stand in the reader's folder, wherever they stood in the writer's.
    assert line.encode(there(sent), THERE) == sent
    tried = 0
    for what, wrong in faults(message):
        with pytest.raises(line.Refused):
            print(what, here(wrong))
        tried += 1
    assert tried > 2


def test_every_verb_and_event_is_among_them() -> None:
    assert {type(spec) for spec in SPECS} == set(sheet.SPECS)
    assert {type(event) for event in EVENTS} == {*COMMON, *(event for spec in sheet.SPECS for event in spec.events)}


def test_every_text_and_number_has_a_bound() -> None:
    for message in (*SPECS, *EVENTS):
        assert list(unbounded(type(message))) == []


def test_what_is_no_message_is_refused() -> None:
    read = line.decoder((*COMMON, *sheet.Read.events), HERE)
    for said in (b"", b"{", b"[]", b"null", b"{}", b'{"event":7}', b'{"event":"mask"}', b"[" * 100_000, b"\xff"):
        with pytest.raises(line.Refused):
            read(said)
    # Another verb's event is none of this one's.
    with pytest.raises(line.Refused):
        read(line.encode(sheet.Inspected(summary=SUMMARY), None))


def test_only_files_of_the_folder_are_named() -> None:
    for path in (THERE / "file", HERE / "deeper" / "file", HERE / ".hidden", HERE):
        with pytest.raises(ValueError, match=r"folder|plain name"):
            line.encode(sheet.SheetNames(options=OPTIONS, source=path), HERE)
    for name in NAMES:
        with pytest.raises(ValueError, match="plain name"):
            FileName(name)
    assert FileName("9-a~parts~part-0000001-1-a.b") == "9-a~parts~part-0000001-1-a.b"
