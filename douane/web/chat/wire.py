"""The words of `/api/v1`: steps and states, documents, and every error in its exact form. Nothing else knows them.

Sources: the contract's sections 1 to 4 (shared reference `chat-import-contract.md`); DO lines are followed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import UNSET

from douane.errors import DouaneError, WrongStage
from douane.flow.chat.records import EntryLine, Ledger, Record
from douane.model.chat_import import chat_detail
from douane.model.identity import Person
from douane.model.operation import Operation

VERSION = "8.8"
DIRECT_ID, DIRECT_NAME = "__directMessages__", "Direct Messages"

NEW, UPLOADING, DOWNLOADING = "importer_new", "importer_uploading", "importer_downloading_file"
FILE_LOADED, PREPARING = "importer_file_loaded", "importer_preparing_started"
SELECTION, IMPORTING, FINISHING = "importer_user_selection", "importer_importing_started", "importer_finishing"
DONE, FAILED, CANCELLED = "importer_done", "importer_import_failed", "importer_import_cancelled"
_PREPARED = ("users", "channels", "messages", "contacts")
_IMPORTED = (*_PREPARED, "files")


class WireError(Exception):
    """An answer that says no."""

    def __init__(self, status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
        super().__init__(body.get("error"))
        self.status, self.body, self.headers = status, body, headers


def plain(text: str, status: int = 400) -> WireError:
    """A failure without a code (2.6)."""
    return WireError(status, {"success": False, "error": text})


def coded(code: str, reason: str, details: str) -> WireError:
    text = f"{reason} [{code}]" if reason else f"[{code}]"
    return WireError(400, {"success": False, "error": text, "errorType": code, "details": details})


def unauthorized(*, modern: bool = False) -> WireError:
    """The superset of all generations (2.3); `modern`: the 7.x text in `error`."""
    message = "You must be logged in to do this."
    error = message if modern else "unauthorized"
    return WireError(401, {"success": False, "error": error, "status": "error", "message": message})


def login_refused() -> WireError:
    return WireError(401, {"success": False, "status": "error", "error": "Unauthorized", "message": "Unauthorized"})


def forbidden() -> WireError:
    return plain("User does not have the permissions required for this action [error-unauthorized]", 403)


def bad_body(message: str) -> WireError:
    return WireError(400, {"success": False, "errorType": "invalid-params", "error": message})


def bad_query(message: str) -> WireError:
    return WireError(400, {"success": False, "errorType": "error-invalid-params", "error": message})


def too_many(seconds: int, headers: Mapping[str, str]) -> WireError:
    text = (
        "Error, too many requests. Please slow down. "
        f"You must wait {seconds} seconds before trying this endpoint again. [error-too-many-requests]"
    )
    return WireError(429, {"success": False, "error": text}, headers)


def no_operation(where: str) -> WireError:
    return coded("error-operation-not-found", "Import Operation Not Found", where)


def no_importer(key: str, where: str) -> WireError:
    return coded("error-importer-not-defined", f"The importer ({key}) has no import class defined.", where)


def invalid_operation(where: str) -> WireError:
    return coded("error-import-operation-invalid", "Invalid Import Operation", where)


def file_missing(address: str) -> WireError:
    return coded("error-import-file-missing", address, "downloadPublicImportFile")


# Status and further lines of an answer, by the code of an error or of the wider kind it is of; of all others 400.
_ANSWERS: dict[str, tuple[int, dict[str, str]]] = {
    "over_limit": (413, {}),
    "storage_full": (507, {}),
    "unavailable": (503, {"Retry-After": "5"}),
    "not_found": (404, {}),
}


def from_error(error: DouaneError) -> WireError:
    """Any failure of the house as this surface says it."""
    if isinstance(error, WrongStage):
        return plain("error-invalid-operation-status")
    status, headers = next((_ANSWERS[code] for code in error.codes if code in _ANSWERS), (400, {}))
    return WireError(status, {"success": False, "error": error.message}, headers)


def download_failed(code: str, sentence: str) -> WireError:
    """Why a file could not be fetched (2.6, 3.2)."""
    if code == "outbound_refused":
        return plain("error-ssrf-validation-failed")
    return plain(sentence)


# Operations


def step(operation: Operation) -> str:
    """The contract's step (1.3) of where an operation stands, or stood when it was superseded."""
    stage, work, at = operation.stage, operation.work, operation.progress.step
    if stage == "terminated":
        stood = chat_detail(operation).stood
        if chat_detail(operation).cancelled or not stood or stopped_reading(operation):
            return CANCELLED
        stage, work, at = stood
    match stage:
        case "uploaded" if work == "chat_download":
            return DOWNLOADING
        case "uploaded" if work == "chat_read":
            # What comes after the last message has no step of its own there.
            at = "messages" if at == "checking" else at
            return f"importer_preparing_{at}" if at in _PREPARED else PREPARING
        case "uploaded":
            return FILE_LOADED if operation.source_object else NEW
        case "reviewing":
            return SELECTION
        case "processing" if chat_detail(operation).cancelled:
            return CANCELLED
        case "processing" if at == "finishing":
            return FINISHING
        case "processing" if chat_detail(operation).importer.startswith("pending-"):
            return "importer_importing_files"
        case "processing":
            return f"importer_importing_{at}" if at in _IMPORTED else IMPORTING
        case "completed":
            return DONE
    return FAILED


def stopped_reading(operation: Operation) -> bool:
    """Whether it was superseded or cleared while its file was fetched or read: that never ends by itself any more."""
    stood = chat_detail(operation).stood or ("", "", "")
    return operation.stage == "terminated" and stood[0] == "uploaded" and bool(stood[1])


def is_valid(operation: Operation) -> bool:
    return not chat_detail(operation).superseded


def state(operation: Operation) -> str:
    """The coarse state of `import.status` (1.6)."""
    now = step(operation)
    if now == FAILED or (not is_valid(operation) and now != DONE):
        return "error"
    if now in (NEW, SELECTION, DONE, CANCELLED):
        return {NEW: "new", SELECTION: "ready", DONE: "done", CANCELLED: "canceled"}[now]
    return "importing" if now == FINISHING or now.startswith("importer_importing") else "loading"


def time(moment: datetime | None) -> str:
    assert moment is not None
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


def document(operation: Operation, importer_name: str) -> dict[str, Any]:
    """An operation as JSON (1.4)."""
    detail = chat_detail(operation)
    key = detail.importer
    found: dict[str, Any] = {
        "_id": operation.id,
        "type": "api" if key == "api" else importer_name,
        "importerKey": key,
        "ts": time(operation.created_at),
        "status": step(operation),
        "valid": is_valid(operation),
        "user": operation.person_id or "",
        "_updatedAt": time(operation.updated_at),
    }
    if detail.stored_name:
        found["file"] = detail.stored_name
    if detail.content_type:
        found["contentType"] = detail.content_type
    if detail.counts:
        found["count"] = {**detail.counts, **_done(operation)}
    if operation.work == "chat_read" and detail.label:
        found["messagesstatus"] = detail.label
    elif detail.label is not UNSET:
        found["messagesstatus"] = None
    return found | unread(operation)


def unread(operation: Operation) -> dict[str, Any]:
    """What is to be told of entries that seem to hold messages and were not read; beyond the contract."""
    found = chat_detail(operation).unread
    return {} if found is None else {"unread": {"entries": found.entries, "message": found.message}}


def _done(operation: Operation) -> dict[str, int]:
    if chat_detail(operation).run is None and chat_detail(operation).done is None:
        return {}
    counts = progress_counts(operation)
    return {"completed": counts["completed"], "error": counts["error"], "total": counts["total"]}


def progress_counts(operation: Operation) -> dict[str, int]:
    """total = the selected work, completed = imported + skipped by rule + failed, each once; error = failed (6.7).
    While a run goes on `progress` is ahead of what was summed up last; neither ever goes back."""
    detail = chat_detail(operation)
    done = detail.done or {}
    completed = sum(int(done.get(name, 0)) for name in ("imported", "skipped", "failed"))
    total = detail.run_total or detail.counts.get("total", 0)
    if operation.stage == "processing":
        completed = max(completed, operation.progress.done)
    return {"completed": completed, "total": max(total, completed), "error": int(done.get("failed", 0))}


def progress(operation: Operation, importer_name: str) -> dict[str, Any]:
    """`getImportProgress` (3.5)."""
    return {
        "key": chat_detail(operation).importer,
        "name": importer_name,
        "step": step(operation),
        "count": progress_counts(operation),
    }


def rate(operation: Operation) -> float:
    """How much of the file is read, in percent with one decimal (section 5)."""
    now = operation.progress
    return int(1000 * now.done / now.total) / 10 if now.total else 0.0


# People


def me(person: Person, roles: list[str], address: str) -> dict[str, Any]:
    """The `me` object (2.2)."""
    name = f"{person.first_name} {person.last_name}".strip() or person.username
    return {
        "_id": person.id,
        "name": name,
        "username": person.username,
        "emails": [{"address": person.email, "verified": True}],
        "status": "offline",
        "statusConnection": "offline",
        "utcOffset": 0,
        "active": not person.disabled,
        "roles": roles,
        "settings": {"profile": {}, "preferences": {}},
        "email": person.email,
        "avatarUrl": f"{address}/avatar/{person.username}",
    }


def roles_of(role: str | None) -> list[str]:
    """Our roles in their words: who may run imports is an admin there."""
    return ["admin"] if role == "Admin" else ["user"]


# The selection (section 4)


def preview_user(user: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"user_id": user["id"]}
    if user.get("username"):
        found["username"] = user["username"]
    if user.get("emails"):
        found["email"] = user["emails"][0]
    return found | {
        "is_deleted": bool(user.get("deleted")),
        "is_bot": user.get("type") == "bot",
        "do_import": True,
        "is_email_taken": False,
    }


def preview_channel(channel: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"channel_id": channel["id"]}
    if channel.get("name"):
        found["name"] = channel["name"]
    return found | {
        "is_archived": bool(channel.get("archived")),
        "do_import": True,
        "is_private": channel.get("type") == "p",
        "is_direct": False,
    }


def direct_channel() -> dict[str, Any]:
    """All direct rooms together."""
    return {
        "channel_id": DIRECT_ID,
        "name": DIRECT_NAME,
        "is_archived": False,
        "do_import": True,
        "is_private": True,
        "is_direct": True,
    }


def preview_contact(contact: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": contact["id"],
        "name": contact.get("name") or "",
        "emails": list(contact.get("emails") or ()),
        "phones": list(contact.get("phones") or ()),
        "do_import": True,
    }


def event(operation: Operation, importer_name: str) -> dict[str, Any]:
    """What a stream of progress says of an operation: the contract's progress, how much of the file is read, and what
    was counted so far."""
    return {
        "operationId": operation.id,
        **progress(operation, importer_name),
        "rate": rate(operation),
        "counts": chat_detail(operation).counts,
        "done": chat_detail(operation).done or {},
    }


# Beyond the contract


def staged(record: Record) -> dict[str, Any]:
    """A staged record with what was found wrong, and what a run made of it."""
    return {
        "_id": record.id,
        "index": record.index,
        "entry": record.entry_name or None,
        "position": record.position if record.position >= 0 else None,
        "isValid": record.valid,
        "record": record.record,
        "problems": [
            {
                "code": problem.rule,
                "field": problem.column,
                "message": problem.message,
                "value": problem.value,
                "warning": problem.warning,
            }
            for problem in record.problems
        ],
        "outcome": None
        if record.outcome is None
        else {"outcome": record.outcome.outcome, "code": record.outcome.code, "message": record.outcome.sentence},
    }


def ledger(found: Ledger) -> dict[str, Any]:
    return {
        "found": found.found,
        "staged": found.staged,
        "imported": found.imported,
        "skipped": found.skipped,
        "failed": found.failed,
        "reasons": found.reasons,
        "tables": found.tables,
    }


def entry_line(line: EntryLine) -> dict[str, Any]:
    return {
        "entry": line.entry,
        "name": line.name,
        "kind": line.kind,
        "bytes": line.size_bytes,
        "found": line.found,
        "staged": line.staged,
        "imported": line.imported,
        "skipped": line.skipped,
        "failed": line.failed,
        "reason": line.reason,
        "reasons": line.reasons,
    }


def long_document(operation: Operation, importer_name: str) -> dict[str, Any]:
    detail = chat_detail(operation)
    return document(operation, importer_name) | {
        "overview": detail.overview or {},
        "notes": list(detail.notes),
        "done": detail.done or {},
        "error": None
        if operation.work_error is None
        else {"code": operation.work_error[0], "message": operation.work_error[1]},
    }
