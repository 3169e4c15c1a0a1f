"""The words of `/v1`, without a server: bodies are judged in the contract's sentences, documents have its form."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from douane import errors
from douane.errors import NotFound, OverLimit, StorageFull, Unavailable, WrongStage
from douane.flow.records import Record
from douane.model.delivery import Try
from douane.model.operation import Operation
from douane.model.problem import Problem
from douane.web.spreadsheet import wire
from douane.web.spreadsheet.wire import WireError, destinations


def refused(call: Any, *arguments: Any) -> tuple[int, Any]:
    with pytest.raises(WireError) as caught:
        call(*arguments)
    return caught.value.status, caught.value.message


def operation(**changes: Any) -> Operation:
    moment = datetime(2026, 3, 13, 10, 0, 0, 123456, tzinfo=UTC)
    base: dict[str, Any] = {"id": "66b759d087a854c817cd3e98", "project_id": "p" * 24, "family": "sheet"}
    return Operation(**{**base, "stage": "uploaded", "created_at": moment, "updated_at": moment, **changes})


def test_error_bodies_have_the_contract_s_forms() -> None:
    assert WireError(400, "No").body() == {"message": "No", "error": "Bad Request", "statusCode": 400}
    assert wire.bad_id().body() == {"message": "Bad Request", "statusCode": 400}
    assert wire.unauthorized().body() == {"message": "Unauthorized", "statusCode": 401}
    assert wire.unauthorized("API Key not found!").body() == {
        "message": "API Key not found!",
        "error": "Unauthorized",
        "statusCode": 401,
    }
    assert wire.not_existing("Template", "1").body()["message"] == "Template with id 1 does not exist"
    assert wire.INTERNAL.body() == {"message": "Internal server error", "statusCode": 500}


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotFound("x"), 404),
        (OverLimit("x", setting="upload_bytes_max"), 413),
        (StorageFull("x"), 507),
        (Unavailable("x"), 503),
        (WrongStage("x", stage="reviewing"), 400),
    ],
)
def test_errors_of_the_core_get_a_status(error: Any, status: int) -> None:
    assert wire.from_error(error).status == status


def test_the_guard_lets_its_silent_stages_pass() -> None:
    for stage in ("mapping", "reviewing", "terminated", "failed"):
        wire.guard(operation(stage=stage), "completed")
    expected = "You may landed to wrong place, Please review data and proceed ahead."
    assert refused(wire.guard, operation(stage="mapped"), "completed") == (400, expected)


@pytest.mark.parametrize(
    ("text", "default", "number"),
    [(None, 100, 100), ("2", 1, 2), ("0", 1, 1), ("-3", 1, 1), ("x", 100, 1), ("", 100, 1), ("nan", 9, 1)]
    + [("inf", 9, 1), ("1e99", 9, 2**31), ("2.9", 1, 2)],
)
def test_page_arithmetic(text: str | None, default: int, number: int) -> None:
    assert wire.number_or(text, default) == number


def test_an_upload_document_is_the_contract_s_example() -> None:
    shown = wire.upload(
        operation(
            template_id="t" * 24,
            source_object="x",
            file_name="people.csv",
            media_type="text/csv",
            detail={
                "header_row": 0,
                "wire": {
                    "fileId": "f" * 24,
                    "originalFileName": "people-x7Gk2a.csv",
                    "extra": '{"userId":1}',
                    "columnIds": {"name": "c" * 24},
                },
            },
        ),
        [{"key": "name", "name": "Name"}],
        ["Name", "Mail"],
    )
    assert msgspec.to_builtins(shown) == {
        "_id": "66b759d087a854c817cd3e98",
        "_templateId": "t" * 24,
        "_uploadedFileId": "f" * 24,
        "originalFileName": "people-x7Gk2a.csv",
        "originalFileType": "text/csv",
        "headings": ["Name", "Mail"],
        "headerRow": 0,
        "customSchema": '[{"_id":"' + "c" * 24 + '","key":"name","name":"Name"}]',
        "totalRecords": 0,
        "validRecords": 0,
        "invalidRecords": 0,
        "status": "Uploaded",
        "extra": '{"userId":1}',
        "processInvalidRecords": False,
        "uploadedDate": "2026-03-13T10:00:00.123Z",
        "createdAt": "2026-03-13T10:00:00.123Z",
        "updatedAt": "2026-03-13T10:00:00.123Z",
        "__v": 0,
        "id": "66b759d087a854c817cd3e98",
        "fileName": "people.csv",
    }


def test_a_runtime_column_that_nothing_feeds_has_an_empty_heading() -> None:
    assert wire.upload_columns(operation(), [{"key": "a"}]) == [{"key": "a", "columnHeading": ""}]
    of_template = operation(detail={"wire": {"columnIds": {"a": "1"}}})
    assert wire.upload_columns(of_template, [{"key": "a"}]) == [{"_id": "1", "key": "a"}]


def test_a_record_shows_the_last_message_of_each_column() -> None:
    problems = (
        Problem("age", "required", "This field is required"),
        Problem("age", "range_min", "too small"),
        Problem(None, "undecodable", "cannot be decoded"),
        Problem(None, "short", "cells are missing", warning=True),
    )
    shown = wire.record(Record("1" * 24, 18, 20, False, {"id": "U17", "age": msgspec.Raw(b"75.10")}, problems, {}))
    assert msgspec.json.decode(msgspec.json.encode(shown)) == {
        "_id": "1" * 24,
        "index": 18,
        "isValid": False,
        "errors": {"age": "too small", "id": "cannot be decoded"},
        "warnings": {"id": "cells are missing"},
        "record": {"id": "U17", "age": 75.1},
        "updated": {},
    }
    assert b"75.10" in msgspec.json.encode(shown)


def test_a_valid_record_has_no_warnings_field() -> None:
    shown = msgspec.to_builtins(wire.record(Record("1" * 24, 1, 2, True, {"a": "x"}, (), {"a": True})))
    assert "warnings" not in shown
    assert shown["errors"] == {}


COLUMN = {"name": "Name", "key": "name", "type": "String"}
VALIDATIONS = "range, length, unique_with, digits, required_with, required_without, compare, among"
TYPES = (
    "type must be one of String, Number, Date, Email, Regex, Select, Any, Double, Image, Boolean, DateTime, Time, "
    "Url, Iban, Phone"
)


@pytest.mark.parametrize(
    ("changes", "messages"),
    [
        ({"name": None}, ["name should not be empty", "name must be a string"]),
        ({"key": 5}, ["key must be a string"]),
        ({"key": "k" * 501}, ["key must be shorter than or equal to 500 characters"]),
        (
            {"type": "Text"},
            [TYPES],
        ),
        (
            {"type": ["String"]},
            [TYPES],
        ),
        ({"isRequired": "yes"}, ["isRequired must be a boolean value"]),
        ({"alternateKeys": "a"}, ["alternateKeys must be an array"]),
        ({"selectValues": [1]}, ["each value in selectValues must be a string"]),
        ({"type": "Regex"}, ["regex should not be empty"]),
        ({"delimiter": "|"}, ["Delimiter must be one of ,, ;"]),
        ({"delimiter": {}}, ["Delimiter must be one of ,, ;"]),
        ({"sequence": 1.5}, ["sequence must be an integer number"]),
        ({"defaultValue": True}, ["defaultValue must be a string"]),
        (
            {"validations": [{"validate": "size"}]},
            [
                f"validations.0.type must be one of {VALIDATIONS}",
            ],
        ),
        ({"validations": [{"validate": "digits", "min": "x"}]}, ["validations.0.Invalid number of digits"]),
        ({"validations": [{"validate": "unique_with"}]}, ["validations.0.uniqueKey must be a string"]),
        ({"validations": "range"}, ["validations must be an array"]),
    ],
)
def test_a_column_body_is_judged_in_the_contract_s_words(changes: dict[str, Any], messages: list[str]) -> None:
    assert refused(wire.column_body, {**COLUMN, **changes}) == (400, messages)


def test_a_column_body_keeps_what_it_does_not_name() -> None:
    stored = {**COLUMN, "isRequired": True, "selectValues": ["a"], "sequence": 4}
    changed = wire.column_body({**COLUMN, "selectValues": []}, stored=stored)
    assert changed["isRequired"] is True
    assert changed["selectValues"] == []
    assert changed["sequence"] == 4


def test_date_formats_are_saved_in_capitals() -> None:
    assert wire.column_body({**COLUMN, "dateFormats": ["dd.mm.yyyy"]})["dateFormats"] == ["DD.MM.YYYY"]


@pytest.mark.parametrize(
    ("fields", "messages"),
    [
        ({"schema": "[1"}, ["schema must be a json string"]),
        ({"schema": 5}, ["schema must be a json string"]),
        ({"output": "x", "imageSchema": "{"}, ["output must be a json string", "imageSchema must be a json string"]),
        ({"imageSchema": '{"a": 1}'}, ["imageSchema must be a json string"]),
        ({"importId": "12"}, ["importId must be a mongodb id"]),
        ({"importId": {"$ne": 1}}, ["importId must be a mongodb id"]),
        ({"maxRecords": "many"}, ["maxRecords must be a number string"]),
        ({"maxRecords": 5}, ["maxRecords must be a number string"]),
        ({"extra": {"a": 1}}, ["extra must be a string"]),
        ({"schema": '{"a": 1}'}, "Invalid schema input. An array of schema object columns is expected."),
        (
            {"schema": '[{"key": "%s"}]' % ("k" * 501)},
            "Schema Error : 'key' must be shorter than or equal to 500 characters",
        ),
        ({"schema": '[{"key": ""}]'}, "Schema Error : 'key' should not empty"),
    ],
)
def test_upload_fields_are_judged_in_the_contract_s_words(fields: dict[str, Any], messages: Any) -> None:
    assert refused(wire.upload_fields, fields) == (400, messages)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, (None, None, None, None)),
        ({"headerLine": "", "quote": "", "encoding": "", "delimiter": ""}, (None, None, None, None)),
        ({"headerLine": "3", "quote": "'", "encoding": "cp1250", "delimiter": "tab"}, (3, "'", "cp1250", "tab")),
        ({"headerLine": "none", "quote": "none"}, (0, "", None, None)),
    ],
)
def test_how_a_file_is_read_may_be_said(fields: dict[str, str], expected: tuple[Any, ...]) -> None:
    found = wire.upload_fields(fields)
    assert (found.header, found.quote, found.encoding, found.delimiter) == expected


def test_a_line_or_a_quote_that_is_none_is_refused() -> None:
    assert refused(wire.upload_fields, {"headerLine": "-1", "quote": "ab"}) == (
        400,
        ["headerLine must be a line number or none", "quote must be one character or none"],
    )


def test_upload_fields() -> None:
    fields = wire.upload_fields(
        {
            "schema": '[{"key":"a"},{"key":"b","type":"Date","dateFormats":["dd/mm/yy"]},{"key":"a","name":"Last"}]',
            "output": '{"%data%": {"x": "{{a}}"}, "page": "{{page}}"}',
            "imageSchema": '{"a": ["1.png"]}',
            "maxRecords": "250",
            "importId": "66B759D087A854C817CD3E98",
            "selectedSheetName": "",
            "extra": "text",
            "unknown": "ignored",
        }
    )
    assert fields.schema is not None
    assert [(one["key"], one["name"], one["type"]) for one in fields.schema] == [
        ("a", "Last", "String"),
        ("b", "Untitled Column", "Date"),
    ]
    assert fields.schema[1]["dateFormats"] == ["DD/MM/YY"]
    assert fields.kept == {"extra": "text"}
    assert fields.output is not None
    assert (fields.images, fields.rows_max, fields.sheet) == ({"a": ["1.png"]}, 250, None)
    assert fields.import_id == "66b759d087a854c817cd3e98"


def test_an_empty_schema_counts_as_none() -> None:
    assert wire.upload_fields({"schema": "[]"}).schema is None


@pytest.mark.parametrize(
    ("body", "messages"),
    [
        (None, "index must be a number conforming to the specified constraints"),
        ([], "index must be a number conforming to the specified constraints"),
        ({"index": True}, "index must be a number conforming to the specified constraints"),
        ({"index": 1.5}, "index must be an integer number"),
        ({"index": -1}, "index must not be less than 0"),
        ({"index": 2**31}, "index must not be greater than 2147483647"),
    ],
)
def test_a_record_s_index_is_a_row_that_can_be(body: Any, messages: str) -> None:
    if isinstance(body, dict):
        body = {**body, "record": {}, "updated": {}}
        assert refused(wire.changed_record, body) == (400, [messages])
    else:
        expected = [messages, "record must be an object", "updated must be an object"]
        assert refused(wire.changed_record, body) == (400, expected)


def test_arrays_are_wanted_where_they_are_wanted() -> None:
    for body in (None, {}, "x", 5):
        expected = (400, "Validation failed (parsable array expected)")
        assert refused(wire.choices, body) == expected
        assert refused(wire.changed_records, body) == expected
    assert refused(wire.choices, [None]) == (400, ["key should not be empty", "key must be a string"])


def test_deleted_indexes_are_judged_one_by_one() -> None:
    body = {"indexes": [1, "2"], "valid": 0, "invalid": 0}
    wanted = "each value in indexes must be a number conforming to the specified constraints"
    assert refused(wire.deleted_indexes, body) == (400, [wanted])
    assert refused(wire.deleted_indexes, {**body, "indexes": 1}) == (400, ["indexes must be an array"])


def test_a_confirmation_of_a_wrong_type_confirms_nothing() -> None:
    assert [wire.confirm_body(body) for body in (None, {}, {"maxRecords": None}, {"maxRecords": 5})] == [
        None,
        None,
        None,
        5,
    ]
    for body in ("x", [], 5, True):
        assert refused(wire.confirm_body, body) == (400, "Validation failed (object expected)")


@pytest.mark.parametrize(
    ("formats", "fault"),
    [
        ("YYYY", "'dateFormats' must be an array, when type is Date"),
        ([], "'dateFormats' must not be empty, when type is Date"),
        ([5], "'dateFormats' must be an array of strings"),
    ],
)
def test_date_formats_of_a_runtime_schema_have_one_fault(formats: Any, fault: str) -> None:
    assert wire.schema_faults([{"key": "a", "type": "Date", "dateFormats": formats}]) == f"Schema Error : {fault}"


def test_a_callback_address_has_a_top_level_domain() -> None:
    body = {"name": "x", "_projectId": "0" * 24}
    for address in (
        "https://a.example/hook?x=1#y",
        "http://user:pass@a.b.example:8443",
        "a.example",
        "https://127.0.0.1/x",
        "",
    ):
        assert wire.new_template({**body, "callbackUrl": address}).name == "x"
    for address in ("nope", "http://localhost:3000", "https://a b.example"):
        assert refused(wire.new_template, {**body, "callbackUrl": address}) == (
            400,
            ["callbackUrl must be a URL address"],
        )


def test_the_nul_character_is_refused_wherever_it_stands() -> None:
    for value in ("\0", ["a\0"], {"a": {"b": ["\0"]}}, {"\0": 1}):
        assert refused(wire.clean, value)[0] == 400
    assert wire.clean({"a": ["\\u0000", 1, None]}) == {"a": ["\\u0000", 1, None]}


def test_a_shown_file_name_keeps_its_suffix() -> None:
    first, second = wire.shown_file_name("people.csv"), wire.shown_file_name("people.csv")
    assert first.startswith("people-")
    assert first.endswith(".csv")
    assert first != second


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.BadFile("Broken."), 400),
        (errors.BadFile("None.", code="no_importer"), 400),
        (errors.OverLimit("Too many.", setting="columns"), 413),
        (errors.BadTemplate("Odd.", place="columns[0]"), 400),
        (errors.BadTemplate("Odd.", code="pattern"), 400),
        (errors.BadRequest("Odd."), 400),
        (errors.NotFound("Gone."), 404),
        (errors.Conflict("Taken.", code="person_exists"), 409),
        (errors.NotAllowed("Who?", code="bad_credentials"), 401),
        (errors.StorageFull("Full."), 507),
        (errors.Unavailable("Away."), 503),
        (errors.Cancelled("Ended."), 400),
        (errors.Unreachable("No.", again=True), 500),
        (errors.Superseded("Lost."), 500),
        (errors.DouaneError("Odd.", code="internal"), 500),
    ],
    ids=lambda value: value.code if isinstance(value, errors.DouaneError) else str(value),
)
def test_errors_of_the_core_have_one_status_each(error: errors.DouaneError, status: int) -> None:
    answer = wire.from_error(error)
    assert answer.status == status
    assert answer.message == (error.message if status != 500 else "Internal server error")
    assert answer.headers == ({"Retry-After": "5"} if status == 503 else {})


def test_a_failure_of_the_worker_blames_the_server_or_what_was_asked() -> None:
    found = {code: wire.work_error(code, "So.") for code in ("storage_full", "unavailable", "over_limit", "not_found")}
    assert {code: one.status for code, one in found.items()} == {
        "storage_full": 507,
        "unavailable": 503,
        "over_limit": 400,
        "not_found": 400,
    }
    assert found["unavailable"].headers == {"Retry-After": "5"}
    assert (wire.work_error("error", "So.").status, wire.work_error("internal", "So.").status) == (500, 400)
    assert wire.bad_file("a.csv", "file_type", "So.").status == 422
    assert wire.bad_file("a.XLSX", "file_type", "So.").status == 400
    assert wire.bad_file("a.csv", "over_limit", "So.").message == "So."


@pytest.mark.parametrize(
    ("tried", "said"),
    [
        ({"outcome": "again", "address": "http://a.example"}, "Network Error"),
        ({"outcome": "failed", "address": "http://a.example"}, "Network Error"),  # ... and it is given up
        ({"outcome": "failed", "address": "http://a.example", "status": 404, "reply": ""}, "Application Error"),
        ({"outcome": "failed", "address": "http://a.example", "reply": ""}, "Why."),  # an address that is not opened
        ({"outcome": "failed"}, "Why."),  # not tried
    ],
)
def test_the_log_says_in_the_contract_s_words_why_a_call_failed(tried: dict[str, Any], said: str) -> None:
    class Held:
        def message_id(self, page: int) -> str:
            return f"msg_{page}"

    one = Try("d", "o", 1, 2, again=False, at=datetime(2026, 3, 13, tzinfo=UTC), reason="Why.", **tried)
    entry = destinations.log_entry(one, Held(), None, None)  # type: ignore[arg-type]
    assert (entry.status, entry.failedReason, entry.response) == ("Failed", said, "")
