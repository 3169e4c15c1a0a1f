"""Bodies as they come in: in pieces of any size, broken, cut off, too large, with hostile names."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from starlette.requests import Request

from douane.errors import BadRequest, OverLimit
from douane.settings import Settings
from douane.web import bodies
from douane.web.bodies import Form, NotJson, attachment, lanes, read_form, read_value, safe_file_name
from douane.web.spreadsheet import wire

SETTINGS = Settings(upload_bytes_max=1000, field_bytes_max=100, fields_max=5, body_bytes_max=50)
FORM = (
    b'--XX\r\nContent-Disposition: form-data; name="extra"\r\n\r\n{"a": 1}\r\n'
    b'--XX\r\nContent-Disposition: form-data; name="file"; filename="p.csv"\r\nContent-Type: text/csv; a=b\r\n\r\n'
    b"a,b\r\n1,\r\n--X\r\n2,--XX\r\n"
    b'--XX\r\nContent-Disposition: form-data; name="maxRecords"\r\n\r\n5\r\n--XX--\r\n'
)
FILE = b"a,b\r\n1,\r\n--X\r\n2,--XX"


class Kept:
    """Stands in for the object store."""

    def __init__(self) -> None:
        self.data = b""
        self.ended = ""

    @property
    def size(self) -> int:
        return len(self.data)

    sha256 = ""

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        self.data += bytes(data)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Kept]:
        try:
            yield self
        except BaseException:
            self.ended = "dropped"
            raise
        self.ended = "kept"


def request(body: bytes, step: int, kind: str, **headers: str) -> Request:
    pieces = [body[start : start + step] for start in range(0, len(body), step)] or [b""]

    async def receive() -> Any:
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    lines = [(b"content-type", kind.encode()), *((k.encode(), v.encode()) for k, v in headers.items())]
    return Request({"type": "http", "method": "POST", "headers": lines}, receive)


def form(body: bytes, step: int = 65536, kind: str = "multipart/form-data; boundary=XX", **headers: str) -> Any:
    kept = Kept()

    async def read() -> Form:
        async with AsyncExitStack() as stack:
            return await read_form(request(body, step, kind, **headers), SETTINGS, lambda fields: kept.open(), stack)

    try:
        return asyncio.run(read()), kept
    except (BadRequest, OverLimit) as error:
        return error, kept


@pytest.mark.parametrize("step", [1, 2, 3, 7, 64, 100_000])
def test_a_form_is_the_same_in_pieces_of_any_size(step: int) -> None:
    got, kept = form(FORM, step)
    assert got.fields == {"extra": '{"a": 1}', "maxRecords": "5"}
    assert (got.file_name, got.file_type) == ("p.csv", "text/csv")
    assert (kept.data, kept.ended) == (FILE, "kept")


@pytest.mark.parametrize("length", [0, 1, 10, 60, len(FORM) // 2, len(FORM) - 6])
def test_a_form_that_is_cut_off_is_refused_and_nothing_is_kept(length: int) -> None:
    error, kept = form(FORM[:length])
    assert isinstance(error, BadRequest)
    assert kept.ended in ("", "dropped")


def part(name: str, value: bytes, extra: str = "") -> bytes:
    return f'--XX\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n'.encode() + value + b"\r\n"


@pytest.mark.parametrize(
    ("body", "setting"),
    [
        (part("file", b"x" * 1001, '; filename="a"') + b"--XX--", "upload_bytes_max"),
        (part("extra", b"x" * 101) + b"--XX--", "field_bytes_max"),
        (part("a", b"") * 6 + b"--XX--", "fields_max"),
    ],
)
def test_one_past_a_limit_names_its_setting(body: bytes, setting: str) -> None:
    error, kept = form(body, 50)
    assert isinstance(error, OverLimit)
    assert error.setting == setting
    assert kept.ended in ("", "dropped")


def test_what_is_just_within_the_limits_passes() -> None:
    body = part("file", b"x" * 1000, '; filename="a"') + part("extra", b"y" * 100) + part("a", b"") * 3 + b"--XX--"
    got, kept = form(body, 50)
    assert len(kept.data) == 1000
    assert len(got.fields["extra"]) == 100


def test_a_declared_size_beyond_the_limit_is_refused_before_it_is_read() -> None:
    error, kept = form(b"", **{"content-length": str(10**12)})
    assert isinstance(error, OverLimit)
    assert kept.data == b""


@pytest.mark.parametrize(
    "body",
    [
        b"no boundary at all",
        part("other", b"x", '; filename="a"') + b"--XX--",
        part("file", b"x", '; filename="a"') * 2 + b"--XX--",
        part("extra", b"\xff\xfe") + b"--XX--",
        b"--XX\r\nContent-Type: text/csv\r\n\r\nx\r\n--XX--",
        b"--XX\r\n" + b"A" * 100_000 + b": b\r\n\r\nx\r\n--XX--",
    ],
)
def test_a_form_that_makes_no_sense_is_refused(body: bytes) -> None:
    error, kept = form(body)
    assert isinstance(error, BadRequest)
    assert kept.ended in ("", "dropped")


def test_a_form_without_a_boundary_is_refused() -> None:
    assert isinstance(form(FORM, kind="multipart/form-data")[0], BadRequest)


def test_a_file_without_a_byte_is_a_file_and_a_field_left_empty_is_none() -> None:
    got, _ = form(part("file", b"", '; filename="empty.csv"') + b"--XX--")
    assert got.upload is not None
    got, _ = form(part("file", b"", '; filename=""') + b"--XX--")
    assert got.upload is None


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("people.csv", "people.csv"),
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\x.csv", "x.csv"),
        ("a\r\nSet-Cookie: b.csv", "aSet-Cookie: b.csv"),
        ("\0\x07", "file"),
        ("..", ".."),
        ("", "file"),
        ("x" * 300 + ".csv", "x" * 239 + "x" * 12 + ".csv"),
        ("名前.csv", "名前.csv"),
    ],
)
def test_file_names_are_for_showing_only(name: str, shown: str) -> None:
    assert safe_file_name(name) == shown


def test_a_download_s_name_cannot_leave_its_header() -> None:
    assert attachment("a-b.csv") == {"Content-Disposition": "attachment; filename=a-b.csv"}
    line = attachment('x"; y="名.csv')["Content-Disposition"]
    assert line == "attachment; filename=\"x__ y___.csv\"; filename*=UTF-8''x%22%3B%20y%3D%22%E5%90%8D.csv"


def value(body: bytes, kind: str = "application/json", **headers: str) -> Any:
    return asyncio.run(read_value(request(body, 7, kind, **headers), SETTINGS))


def test_large_bodies_come_in_by_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """However much of them is here already: a piece of one of them at a round of the event loop, so that others get
    theirs; and a small one beside them waits for none of it."""
    monkeypatch.setattr(bodies, "_LARGE_BYTES", 30)
    monkeypatch.setattr(bodies, "_TURN_BYTES", 0)
    rounds: list[list[str]] = []

    async def read(name: str, pieces: int) -> None:
        await asyncio.sleep(0)
        async for piece in bodies._pieces(request(b"x" * pieces * 10, 10, "")):
            rounds[-1] += [name] * bool(piece)

    async def work() -> None:
        reading = [asyncio.ensure_future(read(name, pieces)) for name, pieces in (("a", 9), ("b", 9), ("small", 3))]
        while not all(one.done() for one in reading):
            rounds.append([])
            await asyncio.sleep(0)

    asyncio.run(work())
    first, *rest = [one for one in rounds if one]
    assert first == ["a"] * 3 + ["b"] * 3 + ["small"] * 3
    assert rest == [["a"], ["b"]] * 6


def test_json_and_form_bodies() -> None:
    assert value(b'{"a": [1, null]}') == {"a": [1, None]}
    assert value(b"a=1&b=x+y&c=", "application/x-www-form-urlencoded") == {"a": "1", "b": "x y", "c": ""}
    assert value(b"") == {}
    assert value(b"whatever", "text/plain") == {}
    assert value(b"null") is None


@pytest.mark.parametrize("body", [b"{", b'{"a": 1e999999}', b"\xff", b'"\\ud800"', b"[" * 40])
def test_a_body_that_is_no_json(body: bytes) -> None:
    with pytest.raises(NotJson):
        value(body)


def test_a_body_at_and_past_its_limit() -> None:
    assert value(b'"' + b"x" * 48 + b'"') == "x" * 48
    with pytest.raises(OverLimit, match="body_bytes_max"):
        value(b'"' + b"x" * 49 + b'"')
    with pytest.raises(OverLimit, match="body_bytes_max"):
        value(b"", **{"content-length": "51"})


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize(
    ("body", "kind", "refused"),
    [
        (b'{"a": ["x\\u0000"]}', "application/json", True),
        (b'{"x\\u0000": 1}', "application/json", True),
        (b"a=x%00", "application/x-www-form-urlencoded", True),
        (b"a=x\0", "application/x-www-form-urlencoded", True),
        (b'{"a": "\\\\u0000"}', "application/json", False),  # a backslash and five letters
        (b'{"a": "%00"}', "application/json", False),
        (b'{"a": "x"}', "application/json", False),
    ],
)
def test_a_nul_is_found_however_it_is_written(
    body: bytes, kind: str, refused: bool, large: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if large:
        monkeypatch.setattr(bodies, "_LARGE_BYTES", 5)

    def read() -> Any:
        return asyncio.run(read_value(request(body, 7, kind), SETTINGS, wire.clean))

    if refused:
        with pytest.raises(wire.WireError, match="NUL"):
            read()
    else:
        assert read().keys() == {"a"}


def test_a_caller_has_one_large_body_worked_on_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "_LARGE_BYTES", 5)
    events: list[str] = []

    async def call(name: str, key: str, body: bytes = b'{"a": "large"}') -> None:
        asked = request(body, 7, "application/json", accesskey=key)
        with lanes.around(asked.scope):
            await read_value(asked, SETTINGS)
            await read_value(request(b'{"a": 1}', 7, "application/json", accesskey=key), SETTINGS)
            events.append(f"{name} begins")
            await asyncio.sleep(0.02)
            events.append(f"{name} ends")

    async def calls() -> None:
        await asyncio.gather(call("one", "k"), call("two", "k"), call("other", "l"), call("small", "k", b"{}"))

    asyncio.run(calls())
    one, two = (events.index(f"{name} begins") for name in ("one", "two"))
    first = "one" if one < two else "two"
    assert events.index(f"{first} ends") < max(one, two)
    assert max(events.index("other begins"), events.index("small begins")) < events.index(f"{first} ends")
    assert len(lanes._locks) == 0


def test_nobody_has_more_columns_than_a_file_may() -> None:
    column = {"key": "a", "name": "a", "type": "String"}
    with pytest.raises(wire.WireError, match="no more than 16384"):
        wire.column_bodies([column] * 16_385)
    assert wire.schema_faults([column] * 16_385) == "Schema Error : more than 16384 columns"
    assert len(wire.column_bodies([column] * 3)) == 3
