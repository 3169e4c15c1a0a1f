"""The words of `/v1`: documents that go out, bodies that come in, and what errors look like on the wire.

Facts are from the spreadsheet-import contract, sections 2 to 5 (the numbers below are its sections). Requests are
judged with the sentences of the peer's validation library, since programs show or compare them. Nothing here reads the
database or knows a request.
"""

from __future__ import annotations

import itertools
import math
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from douane import __version__, errors
from douane.flow.imports import Choice
from douane.flow.records import Record
from douane.model.identity import Member, Person, Project
from douane.model.operation import Operation
from douane.model.template import COLUMN_TYPES, VALIDATIONS
from douane.sheet import pattern
from douane.store.templates import StoredColumn, StoredTemplate

# Errors


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
        return WireError(400, _GUARD.get(error.stage, error.message))
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

# Stages


# Another product's status for each stage. It has none for an import that failed: what is over is `Terminated`.
STATUS = {
    "uploaded": "Uploaded",
    "mapping": "Mapping",
    "mapped": "Mapped",
    "reviewing": "Reviewing",
    "processing": "Processing",
    "completed": "Completed",
    "terminated": "Terminated",
    "failed": "Terminated",
}
_LANDED = "You may landed to wrong place, "
_GUARD = {
    "uploaded": f"{_LANDED}Please finalize mapping and proceed ahead.",
    "mapped": f"{_LANDED}Please review data and proceed ahead.",
    "processing": f"{_LANDED}This uploaded file processing is started already.",
    "completed": f"{_LANDED}This uploaded file is already completed, no more steps left to perform.",
}


def guard(operation: Operation, *allowed: str) -> None:
    """The status guard (2.3). `Mapping`, `Reviewing` and `Terminated` pass where they are not allowed: programs rely on
    reading rows while `Reviewing`."""
    if operation.stage not in allowed and operation.stage in _GUARD:
        raise WireError(400, _GUARD[operation.stage])


# Documents that go out


class ErrorBody(Struct):
    message: str | list[str]
    statusCode: int
    error: str | UnsetType = UNSET


class CommonErrorBody(Struct):
    """Of `/v1/common/valid` only (2.8)."""

    message: str
    errorCode: int


_IDS = {"id_": "_id", "v_": "__v", "template_id": "_templateId", "file_id": "_uploadedFileId", "user_id": "_userId"}
_IDS |= {"project_id": "_projectId"}


class UploadDocument(Struct, kw_only=True, rename=_IDS):
    id_: str
    template_id: str
    file_id: str | UnsetType = UNSET
    originalFileName: str | UnsetType = UNSET
    originalFileType: str | UnsetType = UNSET
    headings: list[str]
    headerRow: int
    customSchema: str
    customRecordFormat: str | UnsetType = UNSET
    customChunkFormat: str | UnsetType = UNSET
    totalRecords: int
    validRecords: int
    invalidRecords: int
    status: str
    extra: str | UnsetType = UNSET
    authHeaderValue: str | UnsetType = UNSET
    processInvalidRecords: bool
    uploadedDate: str
    createdAt: str
    updatedAt: str
    v_: int = 0
    id: str | UnsetType = UNSET


class TerminatedDocument(Struct, rename=_IDS):
    id_: str
    status: str
    id: str


class ColumnDocument(Struct, kw_only=True, rename=_IDS):
    """As stored and shown; runtime columns have no `_id`. Encoded from its document, described by this."""

    id_: str | UnsetType = UNSET
    template_id: str | UnsetType = UNSET
    key: str
    name: str
    type: str
    description: str | UnsetType | None = UNSET
    alternateKeys: list[str]
    isRequired: bool
    isUnique: bool
    isFrozen: bool
    regex: str | UnsetType | None = UNSET
    regexDescription: str | UnsetType | None = UNSET
    selectValues: list[str]
    dateFormats: list[str]
    allowMultiSelect: bool
    delimiter: str
    sequence: int
    defaultValue: str | float | UnsetType | None = UNSET
    validations: list[dict[str, Any]]
    columnHeading: str | UnsetType = UNSET


class TemplateDocument(Struct, kw_only=True, rename=_IDS):
    id_: str
    name: str
    project_id: str
    sampleFileUrl: str | UnsetType | None = UNSET
    totalUploads: int
    totalInvalidRecords: int
    totalRecords: int
    imageColumns: list[str]
    mode: str
    integration: str | UnsetType = UNSET
    expectedDateFormat: str | UnsetType = UNSET
    createdAt: str
    updatedAt: str
    v_: int = 0
    id: str | UnsetType = UNSET


class TemplateEntry(Struct, rename=_IDS):
    """One line of a project's templates."""

    id_: str
    name: str
    imageColumns: list[str]
    totalColumns: int
    sampleFileUrl: str | UnsetType | None = UNSET


class ImportEntry(Struct, rename=_IDS):
    """One line of a project's imports."""

    id_: str
    name: str
    totalUploads: int
    totalRecords: int
    totalInvalidRecords: int


class ImportPage(Struct):
    page: int
    limit: int
    data: list[ImportEntry]
    totalPages: int
    totalRecords: int


class ProjectEntry(Struct, rename=_IDS):
    name: str
    id_: str
    isOwner: bool
    role: str


class ProjectDocument(Struct, kw_only=True, rename=_IDS):
    id_: str
    name: str
    user_id: str
    showBranding: bool
    autoGenerated: bool
    allowedDomains: list[str]
    authHeaderName: str | UnsetType = UNSET
    createdAt: str
    updatedAt: str
    v_: int = 0
    id: str | UnsetType = UNSET


class EnvironmentMember(Struct, rename=_IDS):
    id_: str
    role: str
    user_id: str
    joinedOn: str
    isOwner: bool


class EnvironmentDocument(Struct, rename=_IDS):
    id_: str
    project_id: str
    key: str
    apiKeys: list[EnvironmentMember]


class NewProject(Struct):
    project: ProjectDocument
    environment: EnvironmentDocument


class NewAccessToken(Struct):
    accessToken: str


class SignedIn(Struct):
    screen: str
    token: str


class Claims(Struct, kw_only=True, rename=_IDS):
    """What the signed cookie says of a person (2.2). `jti` is the session's own token, which the database knows."""

    id_: str
    project_id: str | UnsetType = UNSET
    role: str | UnsetType = UNSET
    firstName: str
    lastName: str
    email: str
    isEmailVerified: bool = True
    profilePicture: str | None = None
    accessToken: str | UnsetType = UNSET
    iat: int
    exp: int
    iss: str = "impler"


class Success(Struct):
    success: bool = True


class ImportConfig(Struct, kw_only=True, rename={"branding": "showBranding"}):
    """Without a billing service every feature is there (2.8)."""

    ROWS: bool = True
    IMPORTED_ROWS: bool = True
    REMOVE_BRANDING: bool = True
    IMAGE_IMPORT: bool = True
    ADVANCED_VALIDATORS: bool = True
    TEAM_MEMBERS: bool = True
    AUTOMATIC_IMPORTS: bool = True
    FREEZE_COLUMNS: bool = True
    MANUAL_ENTRY: bool = True
    DOWNLOAD_SAMPLE_FILE: bool = True
    MAX_RECORDS: bool = True
    REQUIRED_VALUES: bool = True
    DEFAULT_VALUES: bool = True
    FIND_AND_REPLACE: bool = True
    RUNTIME_SCHEMA: bool = True
    DATA_SEEDING: bool = True
    APPEARANCE_CUSTOMIZATION: bool = True
    TEXT_CUSTOMIZATION: bool = True
    branding: bool = False
    mode: str
    title: str


class RecordDocument(Struct, kw_only=True, rename=_IDS):
    """4.7. `errors` has one message per column: the last one of the contract's order. `line`, the physical line in the
    file, is ours and only there when asked for."""

    id_: str
    index: int
    isValid: bool
    errors: dict[str, str]
    warnings: dict[str, str] | UnsetType = UNSET
    record: dict[str, Any]
    updated: dict[str, bool]
    line: int | UnsetType = UNSET


class ReviewPage(Struct):
    data: list[RecordDocument]
    limit: int
    page: int
    totalRecords: int
    totalPages: int


class RowsPage(Struct):
    """Of `rows/valid` (plain records, or documents with `format=full`) and `rows/invalid` (documents)."""

    page: int
    data: list[dict[str, Any]]
    limit: int
    totalPages: int
    totalRecords: int


class UploadPage(Struct):
    page: int
    data: list[UploadDocument]
    limit: int
    totalPages: int
    totalRecords: int


class Confirmed(Struct):
    uploadInfo: UploadDocument
    importedData: list[dict[str, Any]] | UnsetType = UNSET


class ProgressEvent(Struct):
    """Data of the `progress` events. `step` is "" when nothing runs; `total` is 0 where it is not known."""

    stage: str
    step: str
    done: int
    total: int
    unit: str
    rows: int
    valid: int
    invalid: int
    error: str | UnsetType = UNSET


class Health(Struct):
    status: str
    info: dict[str, Any]
    error: dict[str, Any]
    details: dict[str, Any]


def iso(moment: datetime | None) -> str:
    """ISO 8601 in UTC with milliseconds and `Z`."""
    moment = moment or datetime.fromtimestamp(0, UTC)
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def upload(
    operation: Operation, columns: Sequence[Mapping[str, Any]], headings: Sequence[str], *, listed: bool = False
) -> UploadDocument:
    """`columns` and `headings` as `flow.imports` gives them. `listed`: without the virtual `id` (2.1)."""
    kept = operation.detail.get("wire") or {}
    header_row = operation.detail.get("header_row", 0)
    return UploadDocument(
        id_=operation.id,
        template_id=operation.template_id or "",
        file_id=kept.get("fileId", UNSET) if operation.source_object else UNSET,
        originalFileName=kept.get("originalFileName", UNSET) if operation.source_object else UNSET,
        originalFileType=(operation.media_type or UNSET) if operation.source_object else UNSET,
        headings=list(headings),
        headerRow=-1 if header_row is None else header_row,
        customSchema=msgspec.json.encode(upload_columns(operation, columns)).decode(),
        customRecordFormat=kept.get("customRecordFormat", UNSET),
        customChunkFormat=kept.get("customChunkFormat", UNSET),
        totalRecords=operation.total,
        validRecords=operation.valid,
        invalidRecords=operation.invalid,
        status=STATUS[operation.stage],
        extra=kept.get("extra", UNSET),
        authHeaderValue=kept.get("authHeaderValue", UNSET),
        processInvalidRecords=False,
        uploadedDate=iso(operation.created_at),
        createdAt=iso(operation.created_at),
        updatedAt=iso(operation.updated_at),
        id=UNSET if listed else operation.id,
    )


def original_name(operation: Operation) -> str:
    return str((operation.detail.get("wire") or {}).get("originalFileName") or operation.file_name or "file")


def upload_columns(operation: Operation, columns: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The columns of an upload: those of a template carry their ids; of a runtime schema, an empty heading where none
    fitted (2.4, 2.9)."""
    kept = operation.detail.get("wire") or {}
    ids = kept.get("columnIds")
    if ids is None:
        return [{**one, "columnHeading": one.get("columnHeading") or ""} for one in columns]
    return [{"_id": ids[one["key"]], **one} if one["key"] in ids else dict(one) for one in columns]


def frozen_first(columns: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Stable: frozen columns come first, the rest keeps its order (2.4, 2.5)."""
    return sorted(columns, key=lambda one: not one.get("isFrozen"))


def stored_column(stored: StoredColumn, *, whole: bool = False) -> dict[str, Any]:
    """`whole`: the single document of a write, with its template and times; else a line of a list."""
    shown = {"_id": stored.id, "key": stored.key, **stored.document, "sequence": stored.sequence}
    if not whole:
        return shown
    return {
        **shown,
        "_templateId": stored.template_id,
        "createdAt": iso(stored.created_at),
        "updatedAt": iso(stored.updated_at),
        "__v": 0,
        "id": stored.id,
    }


def template(stored: StoredTemplate) -> TemplateDocument:
    return TemplateDocument(
        id_=stored.id,
        name=stored.name,
        project_id=stored.project_id,
        totalUploads=stored.total_uploads,
        totalInvalidRecords=stored.total_invalid,
        totalRecords=stored.total_records,
        imageColumns=list(stored.document.get("imageColumns", [])),
        mode=stored.document.get("mode", "manual"),
        integration=stored.document.get("integration", UNSET),
        expectedDateFormat=stored.document.get("expectedDateFormat", UNSET),
        createdAt=iso(stored.created_at),
        updatedAt=iso(stored.updated_at),
        id=stored.id,
    )


def template_entry(stored: StoredTemplate, columns: int) -> TemplateEntry:
    return TemplateEntry(
        id_=stored.id,
        name=stored.name,
        imageColumns=list(stored.document.get("imageColumns", [])),
        totalColumns=columns,
    )


def import_entry(stored: StoredTemplate) -> ImportEntry:
    return ImportEntry(
        id_=stored.id,
        name=stored.name,
        totalUploads=stored.total_uploads,
        totalRecords=stored.total_records,
        totalInvalidRecords=stored.total_invalid,
    )


def project(stored: Project) -> ProjectDocument:
    return ProjectDocument(
        id_=stored.id,
        name=stored.name,
        user_id=stored.owner_id,
        showBranding=True,
        autoGenerated=False,
        allowedDomains=list(stored.allowed_domains),
        authHeaderName=stored.auth_header_name or UNSET,
        createdAt=iso(stored.created_at),
        updatedAt=iso(stored.updated_at),
        id=stored.id,
    )


def environment(stored: Project, members: Sequence[Member], key: str) -> EnvironmentDocument:
    return EnvironmentDocument(
        id_=stored.environment_id,
        project_id=stored.id,
        key=key,
        apiKeys=[
            EnvironmentMember(
                id_=one.id,
                role=one.role,
                user_id=one.person_id,
                joinedOn=iso(one.joined_at),
                isOwner=one.person_id == stored.owner_id,
            )
            for one in members
        ],
    )


def claims(
    person: Person, project_id: str | None, role: str | None, access_key: str, *, issued: int, expires: int
) -> Claims:
    return Claims(
        id_=person.id,
        project_id=project_id or UNSET,
        role=role or UNSET,
        firstName=person.first_name,
        lastName=person.last_name,
        email=person.email,
        accessToken=access_key or UNSET,
        iat=issued,
        exp=expires,
    )


def record(one: Record, *, with_line: bool = False) -> RecordDocument:
    """A problem of the whole record has no column of its own on this wire: it stands at the record's first field."""
    messages: dict[str, str] = {}
    warnings: dict[str, str] = {}
    first = next(iter(one.record), "")
    for problem in one.problems:
        shown = warnings if problem.warning else messages
        if problem.column is None:
            shown.setdefault(first, problem.message)
        else:
            shown[problem.column] = problem.message
    return RecordDocument(
        id_=one.id,
        index=one.index,
        isValid=one.valid,
        errors=messages,
        warnings=warnings or UNSET,
        record=one.record,
        updated=one.updated,
        line=one.line if with_line else UNSET,
    )


def progress(operation: Operation) -> ProgressEvent:
    return ProgressEvent(
        stage=STATUS[operation.stage],
        step=operation.progress.step or operation.work,
        done=operation.progress.done,
        total=operation.progress.total,
        unit=operation.progress.unit,
        rows=operation.progress.rows or operation.rows_read,
        valid=operation.valid,
        invalid=operation.invalid,
        error=UNSET if operation.work_error is None else operation.work_error[1],
    )


def pages(total: int, limit: int) -> int:
    return -(-total // limit)


# Values that come in


def number_or(text: str | None, default: int, least: int = 1) -> int:
    """Page arithmetic of the peer (2.4): nothing given → `default`; no number, or too small a one → `least`."""
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        return least
    return int(min(value, 2**31)) if math.isfinite(value) and value >= least else least


def clean(value: Any) -> Any:
    """Refuses the NUL character anywhere in a body: no database text can hold it."""
    if isinstance(value, str):
        if "\0" in value:
            raise WireError(400, "A text holds the NUL character, which cannot be kept.")
    elif isinstance(value, list):
        for item in value:
            clean(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            clean(name)
            clean(item)
    return value


@dataclass
class Body:
    """An object body being judged: each call reads one field and notes what is wrong with it, in the words of the
    peer's validation library. Unknown fields are ignored (2.1)."""

    fields: Mapping[str, Any]
    prefix: str = ""
    messages: list[str] = field(default_factory=list)

    def wrong(self, name: str, message: str) -> None:
        self.messages.append(f"{self.prefix}{name} {message}")

    def text(self, name: str, *, required: bool = False) -> str | None:
        value = self.fields.get(name)
        if value is None and not required:
            return None
        if required and (value is None or value == ""):
            self.wrong(name, "should not be empty")
        if not isinstance(value, str):
            self.wrong(name, "must be a string")
            return None
        return value

    def flag(self, name: str) -> bool | None:
        value = self.fields.get(name)
        if value is not None and not isinstance(value, bool):
            self.wrong(name, "must be a boolean value")
            return None
        return value

    def number(self, name: str, *, required: bool = False) -> int | float | None:
        value = self.fields.get(name)
        if value is None and not required:
            return None
        if not _is_number(value):
            self.wrong(name, "must be a number conforming to the specified constraints")
            return None
        return value

    def index(self, name: str, value: Any) -> int:
        """A row's index: a whole number that a file can have."""
        if not _is_number(value):
            self.wrong(name, "must be a number conforming to the specified constraints")
        elif value != int(value):
            self.wrong(name, "must be an integer number")
        elif value < 0:
            self.wrong(name, "must not be less than 0")
        elif value > INDEX_MAX:
            self.wrong(name, f"must not be greater than {INDEX_MAX}")
        else:
            return int(value)
        return 0

    def texts(self, name: str) -> list[str] | None:
        value = self.fields.get(name)
        if value is None:
            return None
        if not isinstance(value, list):
            self.wrong(name, "must be an array")
            return None
        if not all(isinstance(one, str) for one in value):
            self.messages.append(f"each value in {self.prefix}{name} must be a string")
            return None
        return value

    def mapping(self, name: str) -> dict[str, Any]:
        value = self.fields.get(name)
        if not isinstance(value, dict):
            self.wrong(name, "must be an object")
            return {}
        return value

    def choice(self, name: str, allowed: Sequence[str], *, required: bool = False) -> str | None:
        value = self.fields.get(name)
        if value is None and not required:
            return None
        if value not in allowed or not isinstance(value, str):
            self.wrong(name, f"must be one of {', '.join(allowed)}")
            return None
        return value

    def json(self, name: str) -> Any:
        """A field that holds JSON as text; None if it is absent or empty."""
        value = self.fields.get(name)
        if value is None or value == "":
            return None
        try:
            if not isinstance(value, str):
                raise TypeError
            return clean(msgspec.json.decode(value))
        except (TypeError, msgspec.DecodeError, RecursionError):
            self.wrong(name, "must be a json string")
            return None

    def done(self) -> None:
        if self.messages:
            raise WireError(400, self.messages)


# Beyond it no file has rows, and positions are 32-bit in the staged lists.
INDEX_MAX = 2**31 - 1


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_numeric(value: Any) -> bool:
    return _is_number(value) or (isinstance(value, str) and _NUMBER_TEXT.fullmatch(value) is not None)


def object_body(value: Any) -> Body:
    """Anything but an object is judged as an empty one: the messages say what is missing."""
    return Body(value if isinstance(value, dict) else {})


def array_body(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list):
        raise WireError(400, "Validation failed (parsable array expected)")
    return [item if isinstance(item, dict) else {} for item in value]


# What a column added alone is delivered with where a record has no field for it (2.6, 4.9).
NEW_COLUMN_DEFAULT = "<<null>>"
COLUMN_KEY_TAKEN = "Column with the same key already exists. Please use a unique key in column."
COLUMN_KEYS_TAKEN = 'Column with the same key already exists. Please provide a unique key from "Validations".'
# Edited cells are kept under the column's key, which the database indexes.
KEY_MAX = 500
# The order in which the peer's message names them.
_TYPE_NAMES = ("String", "Number", "Date", "Email", "Regex", "Select", "Any", "Double", "Image")
assert set(_TYPE_NAMES) == set(COLUMN_TYPES)


def column_body(value: Mapping[str, Any], *, stored: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A column as a client sends it (2.6) → its document in template-file form, whole. `stored`: the document it
    replaces, whose fields stand where the body has none."""
    body = Body(value)
    wanted = _column(body, stored or {})
    body.done()
    return wanted


def column_bodies(value: Any) -> list[dict[str, Any]]:
    """Several (PUT columns, a template's `columns`); the messages of the first wrong one are answered."""
    return [column_body(item) for item in array_body(value)]


def _column(body: Body, stored: Mapping[str, Any]) -> dict[str, Any]:
    given = body.fields
    name = body.text("name", required=True)
    key = body.text("key", required=True)
    if key is not None and len(key) > KEY_MAX:
        body.wrong("key", f"must be shorter than or equal to {KEY_MAX} characters")
    kind = body.choice("type", _TYPE_NAMES, required=True)
    formats = body.texts("dateFormats")
    fresh = {
        "name": name,
        "key": key,
        "type": kind,
        "description": body.text("description"),
        "alternateKeys": body.texts("alternateKeys"),
        "isRequired": body.flag("isRequired"),
        "isUnique": body.flag("isUnique"),
        "isFrozen": body.flag("isFrozen"),
        "regex": body.text("regex"),
        "regexDescription": body.text("regexDescription"),
        "selectValues": body.texts("selectValues"),
        "dateFormats": None if formats is None else [one.upper() for one in formats],
        "allowMultiSelect": body.flag("allowMultiSelect"),
        "delimiter": _delimiter(body),
        "sequence": _sequence(body),
        "defaultValue": _default(body),
        "validations": _validations(body),
    }
    if kind == "Regex" and not (fresh["regex"] or stored.get("regex")):
        body.wrong("regex", "should not be empty")
    kept = {name: value for name, value in stored.items() if name not in given}
    return {**kept, **{name: value for name, value in fresh.items() if value is not None}}


def _delimiter(body: Body) -> str | None:
    value = body.fields.get("delimiter")
    if value is not None and value not in (",", ";"):
        body.messages.append("Delimiter must be one of ,, ;")
        return None
    return value


def _sequence(body: Body) -> int | None:
    value = body.number("sequence")
    if value is not None and (value != int(value) or abs(value) > INDEX_MAX):
        body.wrong("sequence", "must be an integer number")
        return None
    return None if value is None else int(value)


def _default(body: Body) -> str | int | float | None:
    value = body.fields.get("defaultValue")
    if value is not None and not isinstance(value, str) and not _is_number(value):
        body.wrong("defaultValue", "must be a string")
        return None
    return value


def _validations(body: Body) -> list[dict[str, Any]] | None:
    value = body.fields.get("validations")
    if value is None:
        return None
    if not isinstance(value, list):
        body.wrong("validations", "must be an array")
        return None
    return [_validation(body, number, item) for number, item in enumerate(value)]


def _validation(body: Body, number: int, item: Any) -> dict[str, Any]:
    place = f"validations.{number}"
    if not isinstance(item, dict):
        body.messages.append(f"each value in nested property {body.prefix}validations must be either object or array")
        return {}
    kind = item.get("validate")
    if kind not in VALIDATIONS or not isinstance(kind, str):
        body.messages.append(f"{place}.type must be one of range, length, unique_with, digits")
    for bound in ("min", "max"):
        if kind == "digits" and item.get(bound) is not None and not _is_numeric(item[bound]):
            body.messages.append(f"{place}.Invalid number of digits")
            break
    if kind == "unique_with" and not isinstance(item.get("uniqueKey"), str):
        body.messages.append(f"{place}.uniqueKey must be a string")
    if item.get("errorMessage") is not None and not isinstance(item["errorMessage"], str):
        body.messages.append(f"{place}.errorMessage must be a string")
    kept = ("validate", "errorMessage", "min", "max", "uniqueKey")
    # A bound that is no number is ignored later on (4.5), and kept as it came.
    return {name: item[name] for name in kept if item.get(name) is not None}


# Runtime schemas (2.8, 5.6)


def schema_faults(value: Any) -> str | None:
    """What is wrong with a runtime schema, in the words of `/v1/common/valid`; None if nothing is."""
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        return "Invalid schema input. An array of schema object columns is expected."
    faults = list(dict.fromkeys(itertools.chain.from_iterable(_item_faults(one) for one in value)))
    return f"Schema Error : {', '.join(faults)}" if faults else None


def repeated_keys(value: Sequence[Mapping[str, Any]]) -> list[str]:
    seen: set[str] = set()
    repeated: dict[str, None] = {}
    for one in value:
        key = one.get("key")
        if isinstance(key, str):
            if key in seen:
                repeated[key] = None
            seen.add(key)
    return list(repeated)


def _item_faults(item: Mapping[str, Any]) -> list[str]:
    faults = []
    key, kind = item.get("key"), item.get("type")
    if key is None or key == "":
        faults.append("'key' should not empty")
    elif not isinstance(key, str):
        faults.append("'key' must be a string")
    elif len(key) > KEY_MAX:
        faults.append(f"'key' must be shorter than or equal to {KEY_MAX} characters")
    for name in ("isRequired", "isUnique"):
        if item.get(name) is not None and not isinstance(item[name], bool):
            faults.append(f"'{name}' must be boolean")
    if kind is not None and (not isinstance(kind, str) or kind not in COLUMN_TYPES):
        faults.append(f"entered type must be one of {', '.join(_TYPE_NAMES)}")
    if kind == "Regex" and not item.get("regex"):
        faults.append("'regex' should not empty, when type is Regex")
    elif kind == "Regex" and not _compiles(item["regex"]):
        faults.append("Invalid regex pattern")
    if kind == "Date" and item.get("dateFormats") is not None:
        if not isinstance(item["dateFormats"], list):
            faults.append("'dateFormats' must be an array, when type is Date")
        elif not item["dateFormats"]:
            faults.append("'dateFormats' must not be empty, when type is Date")
    return faults + _unusable(item)


def _compiles(text: Any) -> bool:
    try:
        pattern.parse(text)
    except (pattern.BadPattern, TypeError):
        return False
    return True


def _unusable(item: Mapping[str, Any]) -> list[str]:
    """Beyond the peer's checks: what it would choke on later."""
    texts, lists = ("name", "description", "regex", "delimiter"), ("alternateKeys", "selectValues", "dateFormats")
    faults = [
        f"'{name}' must be a string" for name in texts if item.get(name) is not None and not isinstance(item[name], str)
    ]
    for name in lists:
        value = item.get(name)
        if name == "dateFormats" and item.get("type") == "Date" and not isinstance(value, list):
            continue  # the peer has its own words for that
        if value is not None and not (isinstance(value, list) and all(isinstance(one, str) for one in value)):
            faults.append(f"'{name}' must be an array of strings")
    if item.get("validations") is not None and (
        not isinstance(item["validations"], list)
        or not all(isinstance(one, dict) and one.get("validate") in VALIDATIONS for one in item["validations"])
    ):
        faults.append("'validations' must be an array of validations")
    default = item.get("defaultValue")
    if default is not None and not isinstance(default, str) and not _is_number(default):
        faults.append("'defaultValue' must be a string or a number")
    for name in ("isFrozen", "allowMultiSelect"):
        if item.get(name) is not None and not isinstance(item[name], bool):
            faults.append(f"'{name}' must be boolean")
    return faults


def runtime_columns(value: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A sound runtime schema, normalised (5.6): of a repeated key the last one counts, at the place of the first."""
    by_key: dict[str, dict[str, Any]] = {}
    for number, item in enumerate(value):
        formats = item.get("dateFormats")
        wanted = {
            "key": item["key"],
            "name": item.get("name") or "Untitled Column",
            "type": item.get("type") or "String",
            "description": item.get("description"),
            "alternateKeys": item.get("alternateKeys"),
            "isRequired": item.get("isRequired"),
            "isUnique": item.get("isUnique"),
            "isFrozen": item.get("isFrozen"),
            "regex": item.get("regex"),
            "selectValues": item.get("selectValues"),
            "dateFormats": [one.upper() for one in formats] if formats else None,
            "allowMultiSelect": item.get("allowMultiSelect"),
            "delimiter": item.get("delimiter") or None,
            "defaultValue": item.get("defaultValue"),
            "validations": [_kept_validation(one) for one in item.get("validations") or []],
            "sequence": number,
        }
        by_key[item["key"]] = {name: found for name, found in wanted.items() if found is not None}
    return list(by_key.values())


def _kept_validation(item: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("validate", "errorMessage", "min", "max", "uniqueKey")
    return {name: item[name] for name in kept if item.get(name) is not None}


# Uploads (2.4)


@dataclass(frozen=True, slots=True)
class UploadFields:
    """The fields beside the file. `schema` is None where the template's columns count; `images` = `imageSchema`."""

    schema: list[dict[str, Any]] | None = None
    images: dict[str, list[str]] = field(default_factory=dict)
    import_id: str | None = None
    sheet: str | None = None
    rows_max: int | None = None
    kept: dict[str, Any] = field(default_factory=dict)


_NUMBER_TEXT = re.compile(r"[+-]?\d*\.?\d+")


def upload_fields(fields: Mapping[str, Any]) -> UploadFields:
    """What came with the file, judged. `kept` is what the surface wants back on its documents."""
    body = Body(fields)
    schema = body.json("schema")
    output = body.json("output")
    images = body.json("imageSchema")
    extra = body.text("extra")
    auth_header = body.text("authHeaderValue")
    sheet = body.text("selectedSheetName")
    import_id = fields.get("importId") or None
    if import_id is not None and not is_mongo_id(import_id):
        body.wrong("importId", "must be a mongodb id")
    rows_max = fields.get("maxRecords")
    rows_max = None if rows_max == "" else rows_max
    if rows_max is not None and not (isinstance(rows_max, str) and _NUMBER_TEXT.fullmatch(rows_max)):
        body.wrong("maxRecords", "must be a number string")
    body.done()
    if schema is not None and (fault := schema_faults(schema)) is not None:
        raise WireError(400, fault)
    kept = {"extra": extra, "authHeaderValue": auth_header}
    if schema and isinstance(output, dict) and (formats := split_format(output)) is not None:
        kept["customRecordFormat"], kept["customChunkFormat"] = (msgspec.json.encode(one).decode() for one in formats)
    return UploadFields(
        schema=runtime_columns(schema) if schema else None,
        images=_images(images),
        import_id=import_id.lower() if isinstance(import_id, str) else None,
        sheet=sheet or None,
        rows_max=int(min(float(rows_max), INDEX_MAX)) if rows_max else None,
        kept={name: value for name, value in kept.items() if value is not None},
    )


def is_mongo_id(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[0-9a-fA-F]{24}", value) is not None


def _images(value: Any) -> dict[str, list[str]]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(
        isinstance(names, list) and all(isinstance(name, str) for name in names) for names in value.values()
    ):
        raise WireError(400, ["imageSchema must be a json string"])
    return value


def with_images(columns: Sequence[Mapping[str, Any]], images: Mapping[str, list[str]]) -> list[dict[str, Any]]:
    """`imageSchema` replaces the list of the columns it names (5.6)."""
    return [{**one, "selectValues": images[one["key"]]} if one["key"] in images else dict(one) for one in columns]


def split_format(combined: Mapping[str, Any]) -> tuple[Any, Any] | None:
    """A combined format → (record format, chunk format), cut at the one key that stands between percent signs (8.3).
    None if there is none."""
    found: list[Any] = []

    def walk(value: Any) -> Any:
        if isinstance(value, list):
            return [walk(item) for item in value]
        if not isinstance(value, dict):
            return value
        shown: dict[str, Any] = {}
        for name, item in value.items():
            if not found and len(name) > 2 and name.startswith("%") and name.endswith("%"):
                found.append(item)
                shown[name.strip("%")] = "{{data}}"
            else:
                shown[name] = walk(item)
        return shown

    chunk = walk(combined)
    return (found[0], chunk) if found else None


def default_record_format(columns: Sequence[Mapping[str, Any]]) -> str:
    return msgspec.json.encode({one["key"]: "{{" + one["key"] + "}}" for one in columns}).decode()


DEFAULT_CHUNK_FORMAT = msgspec.json.encode(
    {
        "data": "{{data}}",
        "page": "{{page}}",
        "chunkSize": "{{chunkSize}}",
        "template": "{{template}}",
        "uploadId": "{{uploadId}}",
        "fileName": "{{fileName}}",
        "extra": "{{extra}}",
    }
).decode()


def shown_file_name(name: str) -> str:
    """The base name, six random characters, the suffix (3.5)."""
    path = PurePath(name)
    mark = "".join(secrets.choice("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789") for _ in range(6))
    return f"{path.stem}-{mark}{path.suffix}"


# Mapping, header and review


def choices(value: Any) -> list[Choice]:
    """The body of finalize (2.9)."""
    chosen = []
    for item in array_body(value):
        body = Body(item)
        key = body.text("key", required=True)
        heading = body.text("columnHeading")
        body.text("name")
        body.done()
        chosen.append(Choice(key=key or "", heading=heading or None))
    return chosen


def header_choice(value: Any) -> tuple[int | None, list[str]]:
    """(index or None, headings) of PUT header."""
    body = object_body(value)
    given = body.fields.get("index")
    index = None if given is None else body.index("index", given)
    headings = body.texts("headings")
    if body.fields.get("headings") is None:
        body.wrong("headings", "must be an array")
    body.done()
    return index, headings or []


def changed_record(value: Any) -> tuple[int, dict[str, Any], dict[str, bool]]:
    """(index, whole record, which keys changed)."""
    body = object_body(value)
    index = body.index("index", body.fields.get("index"))
    whole = body.mapping("record")
    updated = body.mapping("updated")
    body.done()
    return index, whole, {key: bool(mark) for key, mark in updated.items()}


def changed_records(value: Any) -> list[tuple[int, dict[str, Any], dict[str, bool]]]:
    return [changed_record(item) for item in array_body(value)]


def deleted_indexes(value: Any) -> list[int]:
    """The counts of valid and invalid ones that clients send are asked for and not believed: the rows know."""
    body = object_body(value)
    indexes = body.fields.get("indexes")
    if not isinstance(indexes, list):
        body.wrong("indexes", "must be an array")
        indexes = []
    found = [body.index("indexes", one) for one in indexes]
    body.messages = [m if m.endswith("an array") else f"each value in {m}" for m in body.messages]
    body.number("valid", required=True)
    body.number("invalid", required=True)
    body.messages = list(dict.fromkeys(body.messages))
    body.done()
    return found


def confirm_body(value: Any) -> int | None:
    """No body is a body too. One of a wrong type must not confirm: that cannot be taken back."""
    if value is not None and not isinstance(value, dict):
        raise WireError(400, "Validation failed (object expected)")
    body = object_body(value)
    rows_max = body.number("maxRecords")
    body.done()
    return None if not rows_max else int(min(rows_max, INDEX_MAX))


def view(kind: str | None) -> Literal["all", "valid", "invalid"]:
    """Anything unknown behaves like `invalid` (2.10)."""
    if kind is None or kind == "all":
        return "all"
    return "valid" if kind == "valid" else "invalid"


def health(parts: Mapping[str, bool]) -> Health:
    """The form of the peer's health library."""
    shown = {name: {"status": "up" if good else "down"} for name, good in parts.items()}
    shown["apiVersion"] = {"status": "up", "version": __version__}
    up = {name: state for name, state in shown.items() if state["status"] == "up"}
    down = {name: state for name, state in shown.items() if state["status"] != "up"}
    return Health(status="error" if down else "ok", info=up, error=down, details=shown)


# Projects and templates


@dataclass(frozen=True, slots=True)
class NewTemplateBody:
    name: str
    project_id: str
    document: dict[str, Any]
    columns: list[dict[str, Any]]


INTEGRATIONS = ("Javascript", "React", "Angular", "Bubble")
MODES = ("manual", "automatic")
NAME_MAX = 300


# As the peer takes it: a host with a top-level domain or an address in digits, so no `localhost` (2.5).
_HOST = r"(?:[^\s/?#@:]+\.[^\W\d_][^\s/?#.:@]*|\d{1,3}(?:\.\d{1,3}){3})"
_URL = re.compile(rf"(?:(?:https?|ftp)://)?(?:[^\s/?#@]+@)?{_HOST}(?::\d{{1,5}})?(?:[/?#]\S*)?")


def new_template(value: Any) -> NewTemplateBody:
    body = object_body(value)
    name = _name(body, required=True)
    project_id = body.fields.get("_projectId")
    if not is_mongo_id(project_id):
        body.wrong("_projectId", "must be a mongodb id")
    integration = body.choice("integration", INTEGRATIONS)
    address = body.text("callbackUrl")
    if address and _URL.fullmatch(address) is None:
        body.wrong("callbackUrl", "must be a URL address")
    body.number("chunkSize")
    given = body.fields.get("columns")
    if given is not None and not isinstance(given, list):
        body.wrong("columns", "must be an array")
    body.done()
    columns = column_bodies(given) if given else []
    return NewTemplateBody(
        name=name or "",
        project_id=str(project_id).lower(),
        document={"mode": "manual", **({"integration": integration} if integration else {})},
        columns=columns,
    )


def changed_template(value: Any) -> tuple[str | None, dict[str, Any]]:
    """(new name or None, changes of the document)."""
    body = object_body(value)
    name = _name(body)
    changes = {
        "mode": body.choice("mode", MODES),
        "expectedDateFormat": body.text("expectedDateFormat"),
    }
    body.done()
    return name, {key: found for key, found in changes.items() if found is not None}


def duplicated_template(value: Any) -> tuple[str, str, bool]:
    """(name, project id, whether with columns)."""
    body = object_body(value)
    name = _name(body, required=True)
    project_id = body.fields.get("_projectId")
    if not is_mongo_id(project_id):
        body.wrong("_projectId", "must be a mongodb id")
    with_columns = body.flag("duplicateColumns")
    for other in ("duplicateOutput", "duplicateDestination", "duplicateValidations"):
        body.flag(other)
    body.done()
    return name or "", str(project_id).lower(), bool(with_columns)


def new_project(value: Any) -> tuple[str, str | None]:
    """(name, header name for webhooks)."""
    body = object_body(value)
    name = _name(body, required=True)
    header = _short(body, "authHeaderName")
    body.done()
    return name or "", header


def changed_project(value: Any) -> dict[str, Any]:
    body = object_body(value)
    changes = {"name": _name(body), "auth_header_name": _short(body, "authHeaderName")}
    body.done()
    return {key: found for key, found in changes.items() if found is not None}


def allowed_domains(value: Any) -> list[str]:
    body = object_body(value)
    domains = body.texts("allowedDomains")
    if body.fields.get("allowedDomains") is None:
        body.wrong("allowedDomains", "must be an array")
    body.done()
    return list(dict.fromkeys(domains or []))


def login(value: Any) -> tuple[str, str]:
    """(e-mail or username, password)."""
    body = object_body(value)
    email = body.text("email", required=True)
    password = body.text("password", required=True)
    body.done()
    return email or "", password or ""


def _name(body: Body, *, required: bool = False) -> str | None:
    name = _short(body, "name", required=required)
    if name == "" and not required:
        body.wrong("name", "should not be empty")
    return name


def _short(body: Body, name: str, *, required: bool = False) -> str | None:
    value = body.text(name, required=required)
    if value is not None and len(value) > NAME_MAX:
        body.wrong(name, f"must be shorter than or equal to {NAME_MAX} characters")
    return value


# Bodies, as OpenAPI describes them


BINARY: dict[str, Any] = {"type": "string", "format": "binary"}


def _body(properties: Mapping[str, Any], *required: str) -> dict[str, Any]:
    schema = {"type": "object", "properties": dict(properties), "required": list(required)}
    return {"application/json": {name: value for name, value in schema.items() if value != []}}


def _array(body: Mapping[str, Any]) -> dict[str, Any]:
    return {"application/json": {"type": "array", "items": body["application/json"]}}


_TEXT: dict[str, Any] = {"type": "string"}
_SHORT: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": NAME_MAX}
_FLAG: dict[str, Any] = {"type": "boolean"}
_NUMBER: dict[str, Any] = {"type": "number"}
_TEXTS: dict[str, Any] = {"type": "array", "items": _TEXT}
_ID: dict[str, Any] = {"type": "string", "pattern": "^[0-9a-f]{24}$"}
_INDEX: dict[str, Any] = {"type": "integer", "minimum": 0, "maximum": INDEX_MAX}

LOGIN_BODY = _body({"email": _TEXT, "password": _TEXT}, "email", "password")
NEW_PROJECT_BODY = _body({"name": _SHORT, "authHeaderName": _TEXT}, "name")
CHANGED_PROJECT_BODY = _body({"name": _SHORT, "authHeaderName": _TEXT})
ALLOWED_DOMAINS_BODY = _body({"allowedDomains": _TEXTS}, "allowedDomains")
COLUMN_BODY = _body(
    {
        "name": {"type": "string", "minLength": 1},
        "key": {"type": "string", "minLength": 1, "maxLength": KEY_MAX},
        "type": {"enum": list(_TYPE_NAMES)},
        "description": _TEXT,
        "alternateKeys": _TEXTS,
        "isRequired": _FLAG,
        "isUnique": _FLAG,
        "isFrozen": _FLAG,
        "regex": _TEXT,
        "regexDescription": _TEXT,
        "selectValues": _TEXTS,
        "dateFormats": _TEXTS,
        "sequence": {"type": "integer"},
        "defaultValue": {"type": ["string", "number"]},
        "allowMultiSelect": _FLAG,
        "delimiter": {"enum": [",", ";"]},
        "validations": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "validate": {"enum": list(VALIDATIONS)},
                    "min": _NUMBER,
                    "max": _NUMBER,
                    "uniqueKey": _TEXT,
                    "errorMessage": _TEXT,
                },
                "required": ["validate"],
            },
        },
    },
    "name",
    "key",
    "type",
)
COLUMNS_BODY = _array(COLUMN_BODY)
TEMPLATE_BODY = _body(
    {
        "name": _SHORT,
        "_projectId": _ID,
        "integration": {"enum": list(INTEGRATIONS)},
        "callbackUrl": _TEXT,
        "chunkSize": _NUMBER,
        "columns": COLUMNS_BODY["application/json"],
    },
    "name",
    "_projectId",
)
CHANGED_TEMPLATE_BODY = _body({"name": _SHORT, "mode": {"enum": list(MODES)}, "expectedDateFormat": _TEXT})
DUPLICATE_BODY = _body({"name": _SHORT, "_projectId": _ID, "duplicateColumns": _FLAG}, "name", "_projectId")
VALID_BODY = _body({"projectId": _TEXT, "templateId": _TEXT, "schema": _TEXT}, "projectId")
_UPLOAD_FIELDS = {
    "schema": _TEXT,
    "output": _TEXT,
    "extra": _TEXT,
    "authHeaderValue": _TEXT,
    "selectedSheetName": _TEXT,
    "importId": _ID,
    "imageSchema": _TEXT,
    "maxRecords": _TEXT,
}
FILE_BODY = {"multipart/form-data": {"type": "object", "properties": {"file": BINARY}, "required": ["file"]}}
UPLOAD_BODY = {
    "multipart/form-data": {
        "type": "object",
        "properties": {"file": BINARY, **_UPLOAD_FIELDS},
    },
    **_body(_UPLOAD_FIELDS),
}
HEADER_BODY = _body({"index": _INDEX, "headings": _TEXTS}, "headings")
CHOICES_BODY = _array(_body({"key": _TEXT, "name": _TEXT, "columnHeading": _TEXT}, "key"))
RECORD_BODY = _body(
    {
        "index": _INDEX,
        "record": {"type": "object"},
        "updated": {"type": "object", "additionalProperties": _FLAG},
    },
    "index",
    "record",
    "updated",
)
RECORDS_BODY = _array(RECORD_BODY)
DELETE_RECORDS_BODY = _body(
    {"indexes": {"type": "array", "items": _INDEX}, "valid": _NUMBER, "invalid": _NUMBER},
    "indexes",
    "valid",
    "invalid",
)
CONFIRM_BODY = _body({"maxRecords": _NUMBER})


# Answers with a body of their own form, as OpenAPI describes them


def _described(kind: Any, *names: tuple[int, str]) -> dict[int, Any]:
    schema = msgspec.json.schema(kind)
    shown = schema["$defs"][kind.__name__]
    return {code: {"description": text, "content": {"application/json": {"schema": shown}}} for code, text in names}


COMMON_ERRORS = _described(
    CommonErrorBody,
    (400, "An id is malformed; or, in the usual form, the body is no JSON"),
    (404, "No such project or template, or a schema that cannot be used"),
    (422, "Keys occur twice"),
)
COMMON_ERRORS[400]["content"]["application/json"]["schema"] = {
    "anyOf": [msgspec.json.schema(kind)["$defs"][kind.__name__] for kind in (CommonErrorBody, ErrorBody)]
}
UNHEALTHY = _described(Health, (503, "Something does not answer"))
REVIEW_BEGUN = {
    code: {**answer, "headers": {"Location": {"description": "Where progress is", "schema": {"type": "string"}}}}
    for code, answer in _described(ProgressEvent, (202, "Begun; the work goes on")).items()
}
