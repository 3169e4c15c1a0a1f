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
    second field of the body, None for the bare form (2.1)."""

    def __init__(
        self, status: int, message: str | list[str], error: str | None = "", *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(str(message))
        self.status = status
        self.message = message
        self.error = _PHRASES.get(status) if error == "" else error
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        shown: dict[str, Any] = {"message": self.message}
        if self.error is not None:
            shown["error"] = self.error
        return {**shown, "statusCode": self.status}


_PHRASES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
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
NOT_IN_REVIEW = "The data of this import cannot be changed now."
REVIEW_FAILED = (
    "Something went wrong while validating data. Data is not imported yet, but team is informed about issue. "
    "Please try again after sometime."
)
_WORKBOOK = re.compile(r"\.(xls|xlsx|xlsm|xlsb|ods)\Z", re.IGNORECASE)


def file_error(operation: Operation, code: str, sentence: str) -> WireError:
    return bad_file(operation.file_name or "", code, sentence)


def bad_file(file_name: str, code: str, sentence: str) -> WireError:
    """What `/v1` says about a file that could not be read (2.4); limits keep their own sentence, which names them."""
    workbook = _WORKBOOK.search(file_name) is not None
    if code == "file_empty":
        return WireError(400, FILE_EMPTY)
    if code == "file_type" and not workbook:
        return WireError(422, FILE_TYPE)
    if code in ("file_type", "file_broken", "file_encrypted", "sheet_unknown", "encoding_unknown"):
        return WireError(400, WORKBOOK_BROKEN if workbook else TEXT_BROKEN)
    return work_error(code, sentence)


def work_error(code: str, sentence: str) -> WireError:
    """What the worker's failure means for the one who waited for it."""
    if code == "storage_full":
        return WireError(507, sentence)
    if code == "unavailable":
        return WireError(503, sentence, headers={"Retry-After": "5"})
    if code == "error":
        return WireError(500, REVIEW_FAILED, "Internal Server Error")
    return WireError(400, sentence)


def from_error(error: errors.DouaneError) -> WireError:
    """The answer to an error of the core that no endpoint had its own words for."""
    if isinstance(error, errors.WrongStage):
        return WireError(400, GUARD.get(error.stage, error.message))
    if isinstance(error, errors.NotFound):
        return WireError(404, error.message)
    if isinstance(error, errors.Conflict):
        return WireError(409, error.message)
    if isinstance(error, errors.NotAllowed):
        return unauthorized(error.message)
    if isinstance(error, errors.OverLimit):
        return WireError(413, error.message)
    if isinstance(error, errors.StorageFull):
        return WireError(507, error.message)
    if isinstance(error, errors.Unavailable):
        return WireError(503, error.message, headers={"Retry-After": "5"})
    if isinstance(error, errors.BadFile | errors.BadTemplate | errors.BadRequest | errors.Cancelled):
        return WireError(400, error.message)
    return INTERNAL


INTERNAL = WireError(500, "Internal server error", None)


def guard(operation: Operation, *allowed: str) -> None:
    """The status guard (2.3). `Mapping`, `Reviewing` and `Terminated` pass where they are not allowed: programs rely on
    reading rows while `Reviewing`."""
    if operation.stage not in allowed and operation.stage in GUARD:
        raise WireError(400, GUARD[operation.stage])
