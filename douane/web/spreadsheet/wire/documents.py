"""Documents that go out, and how each is made of what the house knows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from douane import __version__
from douane.errors import BadTemplate
from douane.flow.forms import record_format
from douane.flow.records import Record
from douane.model.identity import Member, Person, Project
from douane.model.operation import Operation
from douane.model.sheet_import import sheet_detail
from douane.model.template import Column, StoredColumn, StoredTemplate
from douane.sheet import columns, template_file
from douane.sheet.formatting import DEFAULT_CHUNK, written
from douane.sheet.noticed import Told
from douane.web.spreadsheet.wire.errors import WireError
from douane.web.spreadsheet.wire.samples import sample_key
from douane.web.spreadsheet.wire.stages import STATUS


class ErrorBody(Struct):
    message: str | list[str]
    statusCode: int
    error: str | UnsetType = UNSET


class CommonErrorBody(Struct):
    """Of `/v1/common/valid` only (2.8)."""

    message: str
    errorCode: int


IDS = {"id_": "_id", "v_": "__v", "template_id": "_templateId", "file_id": "_uploadedFileId", "user_id": "_userId"}
IDS |= {"project_id": "_projectId"}


class Failure(Struct):
    """Why a file was refused, or the last work on it failed."""

    code: str
    message: str


class NoteDocument(Struct):
    """A sentence of `notes` for who speaks another language: `key` and what stands in its places, numbers as numbers,
    `lines` the first ones. Without them where a package of others says it."""

    note: str
    key: str | UnsetType = UNSET
    values: dict[str, str | int | list[int]] | UnsetType = UNSET


class Noticed(Struct):
    """What was noticed about a file, and the headings that feed no column."""

    notes: list[NoteDocument]
    ignored_headings: list[str]


class UploadDocument(Struct, kw_only=True, rename=IDS):
    """The fields after `id` are ours."""

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
    fileName: str | UnsetType = UNSET
    failure: Failure | UnsetType = UNSET
    notes: list[str] | UnsetType = UNSET
    noticed: list[NoteDocument] | UnsetType = UNSET
    ignoredHeadings: list[str] | UnsetType = UNSET
    confirmPolicy: str | UnsetType = UNSET


class TerminatedDocument(Struct, rename=IDS):
    id_: str
    status: str
    id: str


class ColumnDocument(Struct, kw_only=True, rename=IDS):
    """As stored and shown; runtime columns have no `_id`. Encoded from its document, described by this. `says`, what it
    asks for in words, and what stands behind it in the mapping are ours. A type may have further fields."""

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
    says: str | UnsetType = UNSET
    certainty: float | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    sure: bool | UnsetType = UNSET
    alike: list[str] | UnsetType = UNSET


class TemplateDocument(Struct, kw_only=True, rename=IDS):
    id_: str
    name: str
    project_id: str
    destination: str | UnsetType = UNSET
    sampleFileUrl: str | UnsetType | None = UNSET
    totalUploads: int
    totalInvalidRecords: int
    totalRecords: int
    imageColumns: list[str]
    mode: str
    integration: str | UnsetType = UNSET
    expectedDateFormat: str | UnsetType = UNSET
    notes: dict[str, str] | UnsetType = UNSET
    decimal: str | UnsetType = UNSET
    group: str | UnsetType = UNSET
    createdAt: str
    updatedAt: str
    v_: int = 0
    id: str | UnsetType = UNSET
    confirmPolicy: str | UnsetType = UNSET  # ours


class TemplateEntry(Struct, rename=IDS):
    """One line of a project's templates."""

    id_: str
    name: str
    imageColumns: list[str]
    totalColumns: int
    sampleFileUrl: str | UnsetType | None = UNSET


class ImportEntry(Struct, rename=IDS):
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


class ProjectEntry(Struct, rename=IDS):
    name: str
    id_: str
    isOwner: bool
    role: str


class ProjectDocument(Struct, kw_only=True, rename=IDS):
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


class EnvironmentMember(Struct, rename=IDS):
    id_: str
    role: str
    user_id: str
    joinedOn: str
    isOwner: bool


class EnvironmentDocument(Struct, rename=IDS):
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


class Claims(Struct, kw_only=True, rename=IDS):
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
    """Without a billing service every feature may be used (2.8), but only what answers here is promised. Ours: whether
    records with problems may leave (`confirmPolicy`, where not all may), and where they go (`destination`)."""

    ROWS: bool = True
    IMPORTED_ROWS: bool = True
    REMOVE_BRANDING: bool = True
    IMAGE_IMPORT: bool
    ADVANCED_VALIDATORS: bool = True
    TEAM_MEMBERS: bool
    AUTOMATIC_IMPORTS: bool
    FREEZE_COLUMNS: bool = True
    MANUAL_ENTRY: bool = True
    DOWNLOAD_SAMPLE_FILE: bool
    MAX_RECORDS: bool = True
    REQUIRED_VALUES: bool = True
    DEFAULT_VALUES: bool = True
    FIND_AND_REPLACE: bool = True
    RUNTIME_SCHEMA: bool = True
    DATA_SEEDING: bool
    APPEARANCE_CUSTOMIZATION: bool = True
    TEXT_CUSTOMIZATION: bool = True
    branding: bool = False
    mode: str
    title: str
    uploadId: str | UnsetType = UNSET
    confirmPolicy: str | UnsetType = UNSET
    destination: str | UnsetType = UNSET


# A flag -> the address that what it promises is asked at, as the router spells it.
_PROMISES = {
    "IMAGE_IMPORT": "/v1/upload/{upload_id}/asset/{name}",
    "TEAM_MEMBERS": "/v1/team/members",
    "AUTOMATIC_IMPORTS": "/v1/import-jobs/{template_id}",
    "DOWNLOAD_SAMPLE_FILE": "/v1/template/{template_id}/sample",
    "DATA_SEEDING": "/v1/template/{template_id}/sample",
}


def import_config(stored: StoredTemplate | None, addresses: Collection[str]) -> ImportConfig:
    """`stored`: the template that is asked about, if any is; `addresses`: those that answer."""
    flags: dict[str, Any] = {flag: address in addresses for flag, address in _PROMISES.items()}
    if stored is None:
        return ImportConfig(**flags, mode="manual", title="")
    said = stored.document
    return ImportConfig(
        **flags,
        mode=said.get("mode", "manual"),
        title=stored.name,
        confirmPolicy=said.get("confirmPolicy", UNSET),
        destination=said.get("destination") or UNSET,
    )


class RecordDocument(Struct, kw_only=True, gc=False, rename=IDS):
    """4.7. `errors` has one message per column: the last one of the contract's order. Ours: `explanations`, per column
    what that message does not say and a person wants to know; `line`, the physical line in the file, and `rules`, per
    column the rule that the message or the warning is of, only when asked for."""

    id_: str
    index: int
    isValid: bool
    errors: dict[str, str]
    warnings: dict[str, str] | UnsetType = UNSET
    explanations: dict[str, str] | UnsetType = UNSET
    record: dict[str, Any]
    updated: dict[str, bool]
    line: int | UnsetType = UNSET
    rules: dict[str, str] | UnsetType = UNSET


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
    errorCode: str | UnsetType = UNSET


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
    operation: Operation,
    columns: Sequence[Mapping[str, Any]],
    headings: Sequence[str],
    *,
    listed: bool = False,
    noticed: Noticed | None = None,
) -> UploadDocument:
    """`columns` and `headings` as `flow.imports` gives them. `listed`: without the virtual `id` (2.1)."""
    why = operation.work_error
    detail = sheet_detail(operation)
    kept, formats = detail.wire, detail.formats
    return UploadDocument(
        id_=operation.id,
        template_id=operation.template_id or "",
        file_id=kept.get("fileId", UNSET) if operation.source_object else UNSET,
        originalFileName=kept.get("originalFileName", UNSET) if operation.source_object else UNSET,
        originalFileType=(operation.media_type or UNSET) if operation.source_object else UNSET,
        headings=list(headings),
        headerRow=detail.header_row or 0,
        customSchema=msgspec.json.encode(upload_columns(operation, columns)).decode(),
        customRecordFormat=UNSET if formats is None else formats.record or written(record_format(operation)),
        customChunkFormat=UNSET if formats is None else formats.chunk or written(DEFAULT_CHUNK),
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
        fileName=(operation.file_name or UNSET) if operation.source_object or why else UNSET,
        failure=UNSET if why is None else Failure(*why),
        notes=UNSET if noticed is None else [one.note for one in noticed.notes],
        noticed=UNSET if noticed is None else noticed.notes,
        ignoredHeadings=UNSET if noticed is None else noticed.ignored_headings,
        confirmPolicy=UNSET if detail.confirm == "all" else detail.confirm,
    )


def noticed(notes: Iterable[tuple[str, Told | None]], ignored_headings: list[str]) -> Noticed:
    return Noticed(
        [NoteDocument(text) if one is None else NoteDocument(text, one.key, one.values) for text, one in notes],
        ignored_headings,
    )


def not_mapped(
    operation: Operation, message: str, headings: list[str], missing: list[Column], noticed: Noticed
) -> WireError:
    """A file that `auto=true` did not map: the upload stays, and the answer says what to map by hand, and what was
    noticed about the file, for the headings may be others than were found."""
    beside = {
        "uploadId": operation.id,
        "headings": headings,
        "missing": [{"key": column.key, "name": column.name} for column in missing],
        "ignoredHeadings": noticed.ignored_headings,
        "notes": [one.note for one in noticed.notes],
        "noticed": msgspec.to_builtins(noticed.notes),
    }
    return WireError(400, message, beside=beside)


def original_name(operation: Operation) -> str:
    return str(sheet_detail(operation).wire.get("originalFileName") or operation.file_name or "file")


def upload_columns(operation: Operation, columns: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The columns of an upload: those of a template carry their ids; of a runtime schema, an empty heading where none
    fitted (2.4, 2.9)."""
    kept = sheet_detail(operation).wire
    ids = kept.get("columnIds")
    if ids is None:
        return [{**one, "columnHeading": one.get("columnHeading") or ""} for one in columns]
    return [{"_id": ids[one["key"]], **one} if one["key"] in ids else dict(one) for one in columns]


def frozen_first(columns: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Stable: frozen columns come first, the rest keeps its order (2.4, 2.5)."""
    return sorted(columns, key=lambda one: not one.get("isFrozen"))


def stored_column(stored: StoredColumn, *, whole: bool = False) -> dict[str, Any]:
    """`whole`: the single document of a write, with its template and times; else a line of a list."""
    document = {"key": stored.key, **stored.document, "sequence": stored.sequence}
    shown = {"_id": stored.id, **document, "says": _says(document)}
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


def _says(document: Mapping[str, Any]) -> str:
    """What the column asks for, in words; nothing where its type's package is not installed any more."""
    try:
        return columns.says(template_file.column_from_document(document))
    except BadTemplate:
        return ""


def template(stored: StoredTemplate) -> TemplateDocument:
    return TemplateDocument(
        id_=stored.id,
        name=stored.name,
        project_id=stored.project_id,
        destination=stored.document.get("destination") or UNSET,
        sampleFileUrl=sample_key(stored.id),
        totalUploads=stored.total_uploads,
        totalInvalidRecords=stored.total_invalid,
        totalRecords=stored.total_records,
        imageColumns=list(stored.image_columns),
        mode=stored.document.get("mode", "manual"),
        integration=stored.document.get("integration", UNSET),
        expectedDateFormat=stored.document.get("expectedDateFormat", UNSET),
        notes=stored.document.get("notes", UNSET),
        decimal=stored.document.get("decimal", UNSET),
        group=stored.document.get("group", UNSET),
        createdAt=iso(stored.created_at),
        updatedAt=iso(stored.updated_at),
        id=stored.id,
        confirmPolicy=stored.document.get("confirmPolicy", UNSET),
    )


def template_entry(stored: StoredTemplate, columns: int) -> TemplateEntry:
    return TemplateEntry(
        id_=stored.id,
        name=stored.name,
        imageColumns=list(stored.image_columns),
        totalColumns=columns,
        sampleFileUrl=sample_key(stored.id),
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


def record(one: Record, *, with_line: bool = False, with_rules: bool = False) -> RecordDocument:
    """A problem of the whole record has no column of its own on this wire: it stands at the record's first field."""
    if not one.problems:
        line = one.line if with_line else UNSET
        return RecordDocument(
            id_=one.id, index=one.index, isValid=one.valid, errors={}, record=one.record, updated=one.updated, line=line
        )
    messages: dict[str, str] = {}
    warnings: dict[str, str] = {}
    explanations: dict[str, str] = {}
    rules: dict[str, str] = {}
    first = next(iter(one.record), "")
    for problem in one.problems:
        shown = warnings if problem.warning else messages
        if problem.column is None:
            if first not in shown:
                shown[first] = problem.message
                rules.setdefault(first, problem.rule)
        else:
            shown[problem.column] = problem.message
            if not problem.warning or problem.column not in messages:
                rules[problem.column] = problem.rule
            if problem.explanation:
                explanations[problem.column] = problem.explanation
            elif not problem.warning:
                explanations.pop(problem.column, None)
    return RecordDocument(
        id_=one.id,
        index=one.index,
        isValid=one.valid,
        errors=messages,
        warnings=warnings or UNSET,
        explanations=explanations or UNSET,
        record=one.record,
        updated=one.updated,
        line=one.line if with_line else UNSET,
        rules=rules if with_rules and rules else UNSET,
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
        errorCode=UNSET if operation.work_error is None else operation.work_error[0],
    )


def pages(total: int, limit: int) -> int:
    return -(-total // limit)


def health(parts: Mapping[str, bool]) -> Health:
    """The form of the peer's health library."""
    shown = {name: {"status": "up" if good else "down"} for name, good in parts.items()}
    shown["apiVersion"] = {"status": "up", "version": __version__}
    up = {name: state for name, state in shown.items() if state["status"] == "up"}
    down = {name: state for name, state in shown.items() if state["status"] != "up"}
    return Health(status="error" if down else "ok", info=up, error=down, details=shown)
