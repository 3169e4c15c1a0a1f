"""A chat import from upload to the end of its run: what each surface call does to the operation.

Every function is synchronous and short; long work is a job that is asked for in the same transaction. In a project one
operation is current: the one made last. Making another, or clearing, supersedes all before it (contract 1.8).
"""

from __future__ import annotations

import json
import secrets
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from msgspec import structs
from sqlalchemy import Connection

from douane.chat import check, tables
from douane.chat.selection import Selection
from douane.errors import BadRequest, NotFound, WrongStage
from douane.flow import quotas
from douane.flow.house import House
from douane.flow.imports import StoredSource, ask
from douane.model.chat_import import ChatDetail, Download, Run, chat_detail, kept
from douane.model.operation import OPEN, Operation
from douane.staging import masks
from douane.staging.parts import write_part
from douane.store import manifest, operations, projects
from douane.store.chat import files as chat_files
from douane.store.database import read, write
from douane.store.ids import new_id
from douane.store.manifest import MaskRow, PartRow

FAMILY = "chat"
API_NUMBER = 1_500_000_000  # parts with users that were sent by REST are numbered from here

Mode = Literal["start", "users"]
PENDING = {"pending-files": "chat_files", "pending-avatars": "chat_avatars"}


@dataclass(frozen=True, slots=True)
class NewChat:
    """`importer`: a key of the menu. `source`: the uploaded bytes, named `<operation id>/...` in the object store, or
    None where none were sent. `content_type` and `stored_name` as contract 3.1 has them. `strict`: a file of which
    something that seems to hold messages is not read is refused."""

    project_id: str
    person_id: str | None
    importer: str
    source: StoredSource | None = None
    content_type: str = ""
    stored_name: str = ""
    strict: bool = False


# Making and ending


def current(house: House, project_id: str) -> Operation | None:
    """The newest, superseded or not."""
    with read(house.engine) as connection:
        return operations.newest(connection, project_id, FAMILY)


def latest(house: House, project_id: str, count: int = 20) -> list[Operation]:
    """Newest change first."""
    with read(house.engine) as connection:
        return operations.latest(connection, project_id, FAMILY, count)


def get(house: House, operation_id: str, project_id: str) -> Operation:
    """NotFound for an unknown id, another project's, and a spreadsheet's."""
    with read(house.engine) as connection:
        found = operations.get(connection, operation_id, project_id)
    if found.family != FAMILY:
        raise NotFound("There is no such import.")
    return found


def begin(house: House, new: NewChat) -> Operation:
    """Supersedes what was and makes the operation, stage `uploaded`. Nothing is read before `ask_read`."""
    with write(house.engine) as connection:
        _supersede(connection, new.project_id)  # what is over does not count
        quotas.refuse_over(connection, house.settings, new.project_id, new.source.size if new.source else 0)
        return _create(connection, new)


def begin_download(house: House, new: NewChat, url: str) -> Operation:
    """The same for a file that the worker fetches; `source_object` is there once it has."""
    with write(house.engine) as connection:
        _supersede(connection, new.project_id)  # what is over does not count
        quotas.refuse_over(connection, house.settings, new.project_id, 0)
        made = _create(connection, new, download=Download(url))
        ask(house, connection, made, "chat_download")
        return operations.get(connection, made.id)


def begin_pending(
    house: House, project_id: str, person_id: str | None, kind: Literal["files", "avatars"]
) -> tuple[Operation, int]:
    """An operation that fetches the files or avatars that imported records still miss, and how many those are. With
    none it is completed at once."""
    with write(house.engine) as connection:
        if kind == "files":
            count = chat_files.begin(connection, project_id)
        else:
            count = chat_files.count_avatars(connection, project_id)
        importer = f"pending-{kind}"
        counts = {"counts": {"messages" if kind == "files" else "users": count, "total": count}} if count else {}
        made = _create(
            connection,
            NewChat(project_id, person_id, importer),
            stage="processing",
            **counts,
        )
        if count:
            ask(house, connection, made, PENDING[importer], "small")
        else:
            operations.finish(connection, made.id, "completed")
        return operations.get(connection, made.id), count


def _create(connection: Connection, new: NewChat, *, stage: str = "uploaded", **more: Any) -> Operation:
    _supersede(connection, new.project_id)
    source = new.source
    operation = Operation(
        # Whatever is stored for an operation is named after it, its file before it is made.
        id=source.object.split("/", 1)[0] if source else new_id(),
        project_id=new.project_id,
        family=FAMILY,
        stage=stage,
        person_id=new.person_id,
        seed=secrets.randbits(53),
        source_object=source.object if source else None,
        source_size=source.size if source else 0,
        file_name=source.file_name if source else None,
        media_type=source.media_type if source else None,
        detail=kept(
            ChatDetail(
                importer=new.importer,
                content_type=new.content_type,
                stored_name=new.stored_name,
                strict_file=new.strict,
                **more,
            )
        ),
    )
    return operations.create(connection, operation)


def clear(house: House, project_id: str) -> None:
    """Nothing is current any more: what runs ends within a second, what it committed stays."""
    with write(house.engine) as connection:
        _supersede(connection, project_id)


def _supersede(connection: Connection, project_id: str) -> None:
    """All before the newest one were superseded when it was made; the lock keeps two calls from missing each other."""
    projects.lock(connection, project_id)
    before = operations.newest(connection, project_id, FAMILY)
    if before is not None and not chat_detail(before).superseded:
        _end(connection, before.id)
    for running in operations.of_stage(connection, project_id, FAMILY, "processing"):
        # One that tries its failed records again: it stands as it did before that.
        detail = chat_detail(running)
        detail.cancelled, detail.run = False, detail.run and structs.replace(detail.run, retry=False)
        operations.finish(connection, running.id, "completed", detail=kept(detail))


def _end(connection: Connection, operation_id: str) -> None:
    now = operations.get(connection, operation_id, lock=True)
    detail = chat_detail(now)
    detail.download = None  # its address may hold a token, and is needed no more
    detail.superseded, detail.stood = True, (now.stage, now.work, now.progress.step)
    retrying = now.stage == "processing" and detail.retrying
    if (now.stage in OPEN or now.stage == "processing") and not retrying:
        detail.cancelled = now.stage == "processing"
        operations.finish(connection, now.id, "terminated", detail=kept(detail))
    else:
        operations.change(connection, now.id, detail=kept(detail))


# Reading


def ask_read(house: House, operation: Operation) -> Operation:
    """Asks for reading where a file waits for it; else nothing. Poll `get` until the stage is `reviewing` or
    `failed` (then `work_error` says why)."""
    with write(house.engine) as connection:
        now = operations.get(connection, operation.id, operation.project_id, lock=True)
        if now.stage == "uploaded" and now.work == "" and now.source_object is not None:
            ask(house, connection, now, "chat_read")
        return operations.get(connection, now.id)


def add_users(house: House, operation: Operation, users: Sequence[Mapping[str, Any]]) -> Operation:
    """Stages users that came by REST (contract 3.13), checked by the surface; all or none. WrongStage unless the
    operation is new, without a file, or in review."""
    if not users:
        return operation
    frame = _users_frame(users)
    words = check.judge_users(frame, check.known({})).reshape(-1, 1)
    mask = masks.judge_state(words, check.invalid_words("users"))
    token = secrets.token_hex(8)
    part_object, mask_object = f"{operation.id}/users/sent-{token}", f"{operation.id}/masks/users-sent-{token}"
    house.settings.work_folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=house.settings.work_folder) as folder:
        path = Path(folder) / "users"
        write_part(frame, path)
        size = path.stat().st_size
        house.objects.put_file(part_object, path)
    house.objects.put_bytes(mask_object, masks.mask_bytes(mask))
    with write(house.engine) as connection:
        now = operations.get(connection, operation.id, operation.project_id, lock=True)
        fresh = now.stage == "uploaded" and now.source_object is None
        if now.work or not (fresh or now.stage == "reviewing"):
            raise WrongStage("This import can not take more users now.", stage=now.stage)
        before = manifest.parts(connection, now.id, "users")
        number = max(API_NUMBER, before[-1].number + 1) if before else API_NUMBER
        first_row = sum(row.rows for row in before)
        row = PartRow(number, first_row, len(frame), 0, part_object, size, {}, now.attempt)
        manifest.add_part(connection, now.id, "users", row)
        version = now.version + 1
        mask_row = MaskRow(number, mask.valid, mask.invalid, mask_object, None, now.attempt)
        manifest.add_masks(connection, now.id, "users", version, [mask_row])
        detail = chat_detail(now)
        for name in ("users", "total"):
            detail.counts[name] = detail.counts.get(name, 0) + len(frame)
        detail.sent += len(frame)
        operations.change(
            connection,
            now.id,
            stage="reviewing",
            version=version,
            total=now.total + len(frame),
            valid=now.valid + mask.valid,
            invalid=now.invalid + mask.invalid,
            detail=kept(detail),
        )
        return operations.get(connection, now.id)


def _users_frame(users: Sequence[Mapping[str, Any]]) -> Any:
    """Rows of `users` from contract 3.13's records."""
    ids = [[str(id) for id in user.get("importIds") or [] if id] for user in users]
    columns: dict[str, list[Any]] = {
        "entry": [-1] * len(users),
        "position": [-1] * len(users),
        "id": [found[0] if found else None for found in ids],
        "ids": ids,
        "emails": [[str(address) for address in user.get("emails") or [] if address] for user in users],
        "type": [user.get("type") or "user" for user in users],
        "roles": [list(user.get("roles") or []) for user in users],
        "origin": ["api"] * len(users),
        "custom": [_custom(user) for user in users],
    }
    plain = {
        "username": "username",
        "name": "name",
        "deleted": "deleted",
        "utcOffset": "utc_offset",
        "avatarUrl": "avatar",
        "statusText": "status_text",
    }
    for key, column in plain.items():
        columns[column] = [user.get(key) for user in users]
    return tables.frame("users", columns)


def _custom(user: Mapping[str, Any]) -> str | None:
    # Keys that the contract doesn't list may hold anything.
    given = user.get("customFields")
    custom = dict(given) if isinstance(given, dict) else {}
    if user.get("bio"):
        custom["bio"] = user["bio"]
    return json.dumps(custom, ensure_ascii=False) if custom else None


# Running


def start(
    house: House,
    operation: Operation,
    selection: Selection,
    mode: Mode = "start",
    *,
    strict: bool = False,
    update_existing: bool = True,
    admins: bool = False,
) -> Operation:
    """Asks for the run. `mode` users: only users, nobody who exists is touched (contract 3.14). `strict`: authors that
    nobody listed get no placeholder. `admins`: the file may make administrators. WrongStage unless reviewing."""
    chosen = f"{operation.id}/selection-{secrets.token_hex(8)}"
    house.objects.put_bytes(chosen, selection.to_json())
    with write(house.engine) as connection:
        now = operations.get(connection, operation.id, operation.project_id, lock=True)
        if now.stage != "reviewing" or now.work:
            raise WrongStage("Only an import in review can be started.", stage=now.stage)
        detail = chat_detail(now)
        detail.run = Run(chosen, mode, strict=strict, update_existing=update_existing, admins=admins)
        operations.change(connection, now.id, stage="processing", detail=kept(detail))
        ask(house, connection, now, "chat_run")
        return operations.get(connection, now.id)


def stop(house: House, operation: Operation) -> Operation:
    """A run ends within a second and stays `processing` without work, `cancelled`: it can be resumed. What it
    committed stays. Anything that doesn't run is left as it is."""
    with write(house.engine) as connection:
        now = operations.get(connection, operation.id, operation.project_id, lock=True)
        if now.stage == "processing" and now.work:
            operations.release(connection, now.id, detail=kept(structs.replace(chat_detail(now), cancelled=True)))
        return operations.get(connection, now.id)


def resume(house: House, operation: Operation) -> Operation:
    """A run that was stopped, or failed, goes on where it was. WrongStage for any other."""
    with write(house.engine) as connection:
        now = operations.get(connection, operation.id, operation.project_id, lock=True)
        stopped = now.stage == "processing" and now.work == ""
        detail = chat_detail(now)
        broken = now.stage == "failed" and detail.run is not None
        if detail.superseded or not (stopped or broken):
            raise WrongStage("Only a run that was stopped or failed can be resumed.", stage=now.stage)
        detail.cancelled = False
        operations.change(connection, now.id, stage="processing", detail=kept(detail))
        ask(house, connection, now, PENDING.get(detail.importer, "chat_run"))
        return operations.get(connection, now.id)


def retry(house: House, operation: Operation) -> Operation:
    """Runs the failed records of a completed import once more, superseded or not: what mends it may have been another
    import. WrongStage for any other."""
    with write(house.engine) as connection:
        now = operations.get(connection, operation.id, operation.project_id, lock=True)
        detail = chat_detail(now)
        if now.stage != "completed" or detail.run is None:
            raise WrongStage("Only a completed import can try its failed records again.", stage=now.stage)
        if not (detail.done or {}).get("failed"):
            raise BadRequest("No record of this import failed.")
        detail.run = structs.replace(detail.run, retry=True)
        operations.change(connection, now.id, stage="processing", detail=kept(detail))
        ask(house, connection, now, "chat_run")
        return operations.get(connection, now.id)
