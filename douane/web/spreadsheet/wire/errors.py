"""Answers of `/v1` other than success (2.1 to 2.4): what an error of the core, a file or a stage looks like on the
wire."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from douane import errors
from douane.model.operation import Operation
from douane.web.spreadsheet.wire.stages import GUARD


class WireError(Exception):
    """An answer other than success. `message` is a sentence, or the list of what is wrong with a body; `error` is the
    second field of the body, None for the bare form (2.1). `beside`: fields of ours, as `code`, that of the core's
    error, and `detail`, its sentence, where `message` is a fixed one."""

    def __init__(
        self,
        status: int,
        message: str | list[str],
        error: str | None = "",
        *,
        headers: Mapping[str, str] | None = None,
        beside: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(str(message))
        self.status = status
        self.message = message
        self.error = _PHRASES.get(status) if error == "" else error
        self.headers = dict(headers or {})
        self.beside = dict(beside or {})

    def body(self) -> dict[str, Any]:
        shown: dict[str, Any] = {"message": self.message}
        if self.error is not None:
            shown["error"] = self.error
        return {**shown, "statusCode": self.status, **self.beside}


_PHRASES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    406: "Not Acceptable",
    409: "Conflict",
    412: "Precondition Failed",
    413: "Payload Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Entity",
    429: "Too Many Requests",
    503: "Service Unavailable",
    507: "Insufficient Storage",
}


def bad_id() -> WireError:
    """The bare bad request of a malformed id (2.1)."""
    return WireError(400, "Bad Request", None)


def unauthorized(message: str | None = None) -> WireError:
    return WireError(401, message or "Unauthorized", None if message is None else "Unauthorized")


def forbidden() -> WireError:
    return WireError(403, "Forbidden", None)


def no_upload() -> WireError:
    """The helper behind the guarded routes (2.3)."""
    return WireError(400, "Upload information not found with specified uploadId.")


def import_id_taken() -> WireError:
    return WireError(400, ["importId is in use already"])


def no_template_of_upload() -> WireError:
    return WireError(400, "Template not found with specified templateId.")


def not_existing(kind: str, wanted: str) -> WireError:
    return WireError(404, f"{kind} with id {wanted} does not exist")


FILE_GONE = "File not found, make sure you're using the same storage provider, that you were using before."
NO_FILE = "File is required"
FILE_TYPE = "File type is not supported."
FILE_EMPTY = "File is empty"
TEXT_BROKEN = "File content is invalid. Please check the file or upload new file."
WORKBOOK_BROKEN = "Uploaded file has some issues. Please check the file or upload new file."
ENDED_MEANWHILE = "This import was ended meanwhile; it is not confirmed."
NOT_IN_REVIEW = "The data of this import cannot be changed now."
STILL_READING = "The file is still being read anew; what stood stands until that is through. Progress comes as events."
REVIEW_FAILED = (
    "Something went wrong while validating data. Data is not imported yet, but team is informed about issue. "
    "Please try again after sometime."
)
_WORKBOOK = re.compile(r"\.(xls|xlsx|xlsm|xlsb|ods)\Z", re.IGNORECASE)


# Status and further lines of an answer, by the code of an error or of the wider kind it is of.
_ANSWERS: dict[str, tuple[int, dict[str, str]]] = {
    "file_broken": (400, {}),
    "over_limit": (413, {}),
    "bad_template": (400, {}),
    "bad_request": (400, {}),
    "not_found": (404, {}),
    "conflict": (409, {}),
    "wrong_stage": (400, {}),
    "not_allowed": (401, {}),
    "unstorable": (400, {}),
    "storage_full": (507, {}),
    "unavailable": (503, {"Retry-After": "5"}),
    "cancelled": (400, {}),
}
# What `/v1` says of a file that could not be read (2.4), of a text and of a workbook. A limit keeps its own sentence,
# which names it.
_UNREADABLE = (400, TEXT_BROKEN), (400, WORKBOOK_BROKEN)
_FILE_ANSWERS: dict[str, tuple[tuple[int, str], tuple[int, str]]] = {
    "file_empty": ((400, FILE_EMPTY), (400, FILE_EMPTY)),
    "file_type": ((422, FILE_TYPE), (400, WORKBOOK_BROKEN)),
    "file_broken": _UNREADABLE,
    "file_encrypted": _UNREADABLE,
    "sheet_unknown": _UNREADABLE,
    "encoding_unknown": _UNREADABLE,
}


def file_error(operation: Operation, code: str, sentence: str) -> WireError:
    return bad_file(operation.file_name or "", code, sentence)


def bad_file(file_name: str, code: str, sentence: str) -> WireError:
    """The answer to a file that could not be read."""
    if code not in _FILE_ANSWERS:
        return work_error(code, sentence)
    status, message = _FILE_ANSWERS[code][_WORKBOOK.search(file_name) is not None]
    return WireError(status, message, beside={"code": code, "detail": sentence})


def work_error(code: str, sentence: str) -> WireError:
    """What the worker's failure means for the one who waited for it: that of the server, or else of what was asked."""
    if code == "error":
        return WireError(500, REVIEW_FAILED, "Internal Server Error")
    status, headers = _ANSWERS.get(code, (400, {}))
    beside = {"code": code}
    return WireError(
        status if status >= 500 else 400, sentence, headers=headers if status >= 500 else {}, beside=beside
    )


def from_error(error: errors.DouaneError) -> WireError:
    """The answer to an error of the core that no endpoint had its own words for."""
    known = next((code for code in error.codes if code in _ANSWERS), None)
    if known is None:
        return INTERNAL
    status, headers = _ANSWERS[known]
    if isinstance(error, errors.WrongStage):
        return WireError(status, GUARD.get(error.stage, error.message))
    return WireError(status, error.message, headers=headers, beside={"code": error.code})


INTERNAL = WireError(500, "Internal server error", None)


def guard(operation: Operation, *allowed: str) -> None:
    """The status guard (2.3). `Mapping`, `Reviewing` and `Terminated` pass where they are not allowed: programs rely on
    reading rows while `Reviewing`."""
    if operation.stage not in allowed and operation.stage in GUARD:
        raise WireError(400, GUARD[operation.stage])
