"""The child's verbs for spreadsheets, called as the child calls them, without its walls."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
from msgspec.structs import replace

from douane import errors, line
from douane.child import __main__ as program
from douane.child.wire import Wire
from douane.line import COMMON, Event, OfFile, Progress, Spec
from douane.line.sheet import (
    Begun,
    Check,
    Encode,
    Explain,
    Explained,
    Inspect,
    Inspected,
    Judged,
    Mapped,
    Names,
    Opened,
    Read,
    Recheck,
    Rows,
    Settled,
    SheetNames,
    Staged,
    Through,
)
from douane.line.staged import Checked, Part
from douane.model.reading import Options
from douane.model.sheet_import import TemplateDocument
from douane.staging.parts import read_part
from douane.staging.revisions import frame_of, write_cells

ROWS = "".join(f"{'' if at == 3 else f'N{at}'},{at % 7}\n" for at in range(40))
TABLE = f"Name,Age\n{ROWS}"
TEMPLATE = TemplateDocument(
    "people",
    (
        {"key": "name", "name": "Name", "type": "String", "isRequired": True, "isUnique": True},
        {"key": "age", "name": "Age", "type": "Number"},
    ),
)
SMALL = Options(piece_bytes=60)


class Seat:
    """A child's two folders."""

    def __init__(self, root: Path) -> None:
        self.inputs, self.folder = root / "in", root / "out"
        self.inputs.mkdir()
        self.folder.mkdir()

    def put(self, name: str, data: bytes) -> Path:
        path = self.inputs / name
        path.write_bytes(data)
        return path

    def hand_over(self, path: Path) -> Path:
        """A file that the child made, as an input of the next one."""
        return path.rename(self.inputs / path.name)

    def held(self, verdict: Checked) -> Checked:
        hashes = None if verdict.hashes is None else self.hand_over(verdict.hashes)
        return replace(verdict, mask=self.hand_over(verdict.mask), hashes=hashes, sparse={})

    def run(self, spec: Spec) -> list[Event]:
        """The events of a verb, as the parent decodes them; progress left out."""
        sent = line.encode(spec, self.inputs)
        verbs = program._family(json.loads(sent)["do"])
        asked = line.decoder(verbs.SPECS, self.inputs)(sent)
        out = io.BytesIO()
        verbs.VERBS[json.loads(sent)["do"]](asked, self.folder, Wire(out, io.BytesIO(), 0, self.folder))
        heard = map(line.decoder((*COMMON, *spec.events), self.folder), out.getvalue().splitlines())
        return [event for event in heard if not isinstance(event, Progress)]

    def stream(self, spec: Spec) -> bytes:
        out = io.BytesIO()
        sent = line.encode(spec, self.inputs)
        verbs = program._family(json.loads(sent)["do"])
        asked: Any = line.decoder(verbs.SPECS, self.inputs)(sent)
        verbs.STREAMING[json.loads(sent)["do"]](asked, self.folder, out)
        return out.getvalue()

    def staged(self, data: str = TABLE) -> tuple[Part, ...]:
        events = self.run(Read(options=SMALL, source=self.put("file", data.encode())))
        return tuple(
            replace(event.part, path=self.hand_over(event.part.path)) for event in events if isinstance(event, Staged)
        )


@pytest.fixture
def seat(tmp_path: Path) -> Seat:
    return Seat(tmp_path)


def table(parts: tuple[Part, ...], **more: Any) -> dict[str, Any]:
    return {"parts": parts, "template": TEMPLATE, "headings": ("Name", "Age"), "chosen": (0, 1), "seed": 1, **more}


def test_explain_tells_what_a_file_is(seat: Seat) -> None:
    (told,) = seat.run(Explain(options=Options(), source=seat.put("file", b"a;b\n1;2\n\n3;4\n")))
    assert isinstance(told, Explained)
    assert (told.detected.format, told.detected.delimiter, told.rows, told.blank) == ("csv", ";", 2, 1)
    assert told.records == (("a", "b"), ("1", "2"), ("3", "4"))
    with pytest.raises(errors.BadFile):
        seat.run(Explain(options=Options(), source=seat.put("bad", b"PK\x03\x04 broken")))


def test_rows_and_sheets(seat: Seat) -> None:
    file = seat.put("file", b'a,b\n"1,2",\n')
    assert seat.stream(Rows(options=Options(), source=file, format="ndjson")) == b'["a", "b"]\n["1,2", ""]\n'
    assert seat.stream(Rows(options=Options(), source=file, format="csv")) == b'a,b\r\n"1,2",\r\n'
    assert seat.run(SheetNames(options=Options(), source=file)) == [Names(names=())]


def test_reading_goes_on_after_any_part(seat: Seat) -> None:
    file = seat.put("file", TABLE.encode())
    whole = seat.run(Read(options=SMALL, source=file))
    parts = [event for event in whole if isinstance(event, Staged)]
    assert len(parts) > 3
    (opened,) = [event for event in whole if isinstance(event, Opened)]
    assert opened.records[0] == ("Name", "Age")
    assert whole[-1] == Through(rows=41)
    assert [event.part.first_row for event in parts] == [
        sum(event.part.rows for event in parts[:at]) for at in range(len(parts))
    ]
    for at, after in enumerate(parts[:-1]):
        start = after.part.first_row + after.part.rows
        rest = seat.run(Read(options=SMALL, source=file, start=after.next, row=start))
        assert [event for event in rest if isinstance(event, Staged)] == parts[at + 1 :]
        assert not [event for event in rest if isinstance(event, Opened)]


def test_a_check_takes_what_an_earlier_attempt_judged(seat: Seat) -> None:
    parts = seat.staged(TABLE + "N1,8\n")
    spec = Check(**table(parts), data_start=1, added_number=1_000)
    begun, *found, settled = seat.run(spec)
    assert isinstance(begun, Begun)
    assert isinstance(settled, Settled)
    assert (settled.summary.rows, settled.summary.invalid) == (41, 2)
    assert {(one.column, one.rule, one.lines) for one in settled.summary.problems} == {
        ("name", "required", (5,)),
        ("name", "unique", (42,)),
    }
    judged = [event.verdict for event in found if isinstance(event, Judged)]
    first = judged[: len(parts)]
    held = tuple(seat.held(verdict) for verdict in first[:2])
    again = seat.run(replace(spec, stamp=begun.stamp, held=held))
    assert [event.verdict.number for event in again if isinstance(event, Judged)][: len(parts) - 2] == [
        part.number for part in parts[2:]
    ]
    assert again[-1] == settled
    # Verdicts of other rules are nothing.
    other = seat.run(replace(spec, stamp="other", held=held))
    assert len([event for event in other if isinstance(event, Judged)]) == len(judged)


def test_a_recheck_judges_what_was_changed_and_what_it_touches(seat: Seat) -> None:
    parts = seat.staged()
    _, *found, settled = seat.run(Check(**table(parts), data_start=1, added_number=1_000))
    verdicts = {event.verdict.number: event.verdict for event in found if isinstance(event, Judged)}
    previous = tuple(seat.held(verdicts[part.number]) for part in parts)
    cells = seat.inputs / "cells"
    # The empty name is mended, another becomes a copy, and its age is no number.
    write_cells(frame_of([(4, "name", "New"), (20, "name", "N1"), (20, "age", "old")]), cells)
    changed = seat.inputs / "changed"
    pl.DataFrame({"row": [4, 20]}, schema={"row": pl.Int64}).write_ipc(changed)
    spec = Recheck(**table(parts, cells=(cells,)), previous=previous, changed=changed, added_number=1_001)
    events = seat.run(spec)
    again = events[-1]
    assert isinstance(settled, Settled)
    assert isinstance(again, Settled)
    assert settled.summary.invalid == 1
    assert {(one.column, one.rule) for one in again.summary.problems} == {("name", "unique"), ("age", "number")}
    assert again.summary.invalid == 1
    touched = {event.verdict.number for event in events if isinstance(event, Judged)}
    assert touched
    assert len(touched) < len(parts)


def test_a_note_is_for_every_row_wherever_its_reason_stands(seat: Seat) -> None:
    cells = [f"N{at},{'1.000' if at % 9 == 4 else '12;50'.replace(';', '.')}\n" for at in range(40)]
    cells[37] = 'N37,"12,50"\n'
    parts = seat.staged("Name,Age\n" + "".join(cells))
    spec = Check(**table(parts), data_start=1, added_number=1_000)
    begun, *found, settled = seat.run(spec)
    assert isinstance(begun, Begun)
    assert noted(settled) == {("age", "mixed_decimal", 4, (6, 15, 24, 33))}
    judged = [event.verdict for event in found if isinstance(event, Judged)]
    assert len(judged) > len(parts), "parts were settled after they were judged"
    held = tuple(seat.held(verdict) for verdict in judged[:3])
    assert seat.run(replace(spec, stamp=begun.stamp, held=held))[-1] == settled

    def again(revised: list[tuple[int, str, str | None]], rows: list[int], previous: tuple[Checked, ...]) -> Any:
        write_cells(frame_of(revised), seat.inputs / "cells")
        pl.DataFrame({"row": rows}, schema={"row": pl.Int64}).write_ipc(seat.inputs / "changed")
        asked = table(parts, cells=(seat.inputs / "cells",))
        changed = seat.inputs / "changed"
        *events, end = seat.run(Recheck(**asked, previous=previous, changed=changed, added_number=1_001))
        now = {event.verdict.number: seat.held(event.verdict) for event in events if isinstance(event, Judged)}
        return end, tuple(now.get(verdict.number, verdict) for verdict in previous)

    _, *found, _ = seat.run(spec)
    verdicts: dict[int, Checked] = {}
    for verdict in (event.verdict for event in found if isinstance(event, Judged)):
        # One that only was settled has no hashes of its own.
        before = verdicts.get(verdict.number, verdict)
        verdicts[verdict.number] = replace(verdict, hashes=verdict.hashes or before.hashes)
    previous = tuple(seat.held(verdicts[part.number]) for part in parts)
    # Another thousand is typed in, then the only decimal comma is mended, then one is typed elsewhere.
    end, previous = again([(1, "age", "2.000")], [1], previous)
    assert noted(end) == {("age", "mixed_decimal", 5, (2, 6, 15, 24, 33))}
    end, previous = again([(1, "age", "2.000"), (38, "age", "12.5")], [38], previous)
    assert noted(end) == set()
    end, previous = again([(1, "age", "2.000"), (38, "age", "12.5"), (20, "age", "0,5")], [20], previous)
    assert noted(end) == {("age", "mixed_decimal", 5, (2, 6, 15, 24, 33))}


def noted(settled: Event) -> set[tuple[str | None, str, int, tuple[int, ...]]]:
    assert isinstance(settled, Settled)
    return {(one.column, one.rule, one.count, one.lines) for one in settled.summary.warnings}


def test_a_view_leaves_from_any_row_on(seat: Seat) -> None:
    parts = seat.staged()
    _, *found, _ = seat.run(Check(**table(parts), data_start=1, added_number=1_000))
    verdicts = {event.verdict.number: event.verdict for event in found if isinstance(event, Judged)}
    masks = tuple(seat.hand_over(verdicts[part.number].mask) for part in parts)
    spec = Encode(**table(parts), masks=masks, view="valid", format="ndjson")
    lines = seat.stream(spec).splitlines(keepends=True)
    assert len(lines) == 39
    for offset, count in ((0, 5), (7, 20), (38, 9), (39, 1)):
        assert seat.stream(replace(spec, offset=offset, count=count)) == b"".join(lines[offset : offset + count])
    (wrong,) = seat.stream(replace(spec, view="invalid", faults=True)).splitlines()
    assert json.loads(wrong)["_line"] == 5
    assert [one["rule"] for one in json.loads(wrong)["_errors"]] == ["required"]
    with pytest.raises(errors.BadRequest, match="no format"):
        seat.stream(replace(spec, format="docx"))


def test_inspect_reads_checks_and_reports_at_once(seat: Seat) -> None:
    file = seat.put("file", TABLE.encode())
    mapped, inspected = seat.run(
        Inspect(options=SMALL, source=file, template=TEMPLATE, mapping={"age": None}, stage=True, report=True)
    )
    assert isinstance(mapped, Mapped)
    assert isinstance(inspected, Inspected)
    assert (mapped.mapping, mapped.unmapped) == ({"name": "Name", "age": None}, ("Age",))
    assert (inspected.summary.valid, inspected.summary.invalid, inspected.summary.found) == (39, 1, 40)
    assert (seat.folder / "valid.csv").read_bytes().count(b"\r\n") == 40
    assert (seat.folder / "invalid.csv").read_text().splitlines()[1].startswith("5,")
    assert json.loads((seat.folder / "problems.ndjson").read_text())["rule"] == "required"
    manifest = json.loads((seat.folder / "manifest.json").read_text())
    kept = pl.concat([read_part(seat.folder / part["records"]) for part in manifest["parts"]])
    assert (len(kept), manifest["dataStart"], manifest["summary"]["invalid"]) == (41, 1, 1)


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ({"other": "Name"}, "The template has no column 'other'"),
        ({"name": "Nobody"}, "feeds name from 'Nobody'"),
        ({"name": "Name", "age": "Name"}, "feeds both name and age from 'Name'"),
        ({"name": None, "age": None}, "None of the file's headings"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused(seat: Seat, mapping: dict[str, str | None], said: str) -> None:
    file = seat.put("file", TABLE.encode())
    with pytest.raises(errors.DouaneError, match=said):
        seat.run(Inspect(options=SMALL, source=file, template=TEMPLATE, mapping=mapping))


def test_the_program_knows_every_verb_and_turns_failures_into_words() -> None:
    from douane.line import chat as chat_line
    from douane.line import chat_export
    from douane.line import sheet as sheet_line

    for spec in (*sheet_line.SPECS, *chat_line.SPECS, *chat_export.INSPECT, *chat_export.CONVERT):
        verb = msgspec.inspect.type_info(spec).tag  # type: ignore[attr-defined]
        verbs = program._family(verb)
        assert spec in verbs.SPECS, spec
        assert (verb in verbs.VERBS) != (verb in verbs.STREAMING), verb
        assert issubclass(spec, OfFile) or not spec.events or verb in verbs.VERBS
    assert program._failure(errors.OverLimit("Too much", setting="cell_bytes")).setting == "cell_bytes"
    assert program._failure(MemoryError()).setting == "child_memory_bytes"
    assert program._failure(OSError(28, "No space left on device")).code == "storage_full"
    assert program._failure(OSError(24, "Too many open files")).setting == "child_open_files"
    assert program._failure(KeyError("a mistake of ours")).code == "internal"
    assert len(program._failure(errors.BadFile("x" * 10_000)).message) == program.MESSAGE_CHARS
