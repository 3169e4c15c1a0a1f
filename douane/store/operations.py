"""Operations: where each import stands, who holds its work, and how far it is.

The fence: `claim` raises `attempt`; every later write of that job goes through `fenced`, which fails with `Superseded`
once another attempt has claimed the work or a person has ended it. So a frozen worker that wakes can harm nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, RowMapping, bindparam, func, insert, select, update

from douane.errors import NotFound, Superseded, WrongStage
from douane.model.operation import ENDED, MOVES, Document, Operation, Progress, Trace
from douane.store import outbox
from douane.store.database import database_now
from douane.store.schema import operation
from douane.store.times import utc

TRIES_MAX = 3

D = TypeVar("D", bound=msgspec.Struct)

# Made once: they are asked with every request or change, and making one costs as much as asking it.
_ONE = select(operation).where(operation.c.id == bindparam("id"))
_ONE_OF_PROJECT = _ONE.where(operation.c.project_id == bindparam("project_id"))
_REVISION_NUMBERS = select(operation.c.revision_last, operation.c.revision_reviewed).where(
    operation.c.id == bindparam("id")
)
_NEXT_REVISION = (
    update(operation)
    .where(operation.c.id == bindparam("of"))
    .values(revision_last=operation.c.revision_last + 1)
    .returning(operation.c.revision_last)
)
_OWNER = select(operation.c.attempt, operation.c.work).where(operation.c.id == bindparam("id"))
_STAGE = select(operation.c.stage).where(operation.c.id == bindparam("id"))
_SMALL = select(
    operation.c.stage,
    operation.c.work,
    operation.c.work_asked,
    operation.c.attempt,
    operation.c.version,
    operation.c.read_done,
    operation.c.rows_read,
    operation.c.revision_last,
    operation.c.revision_reviewed,
    operation.c.updated_at,
).where(operation.c.id == bindparam("id"))

_NONE = "There is no such import."
_SUPERSEDED = "Another attempt has taken over, or the import was ended."


def create(connection: Connection, new: Operation) -> Operation:
    now = database_now(connection)
    connection.execute(
        insert(operation).values(
            id=new.id,
            project_id=new.project_id,
            family=new.family,
            template_id=new.template_id,
            person_id=new.person_id,
            stage=new.stage,
            work=new.work,
            progress={},
            read_done=new.read_done,
            seed=new.seed,
            source_object=new.source_object,
            source_size=new.source_size,
            file_name=new.file_name,
            media_type=new.media_type,
            detail=new.detail,
            token_id=new.token_id,
            link_id=new.link_id,
            created_at=now,
            updated_at=now,
        )
    )
    return get(connection, new.id)


def get(connection: Connection, operation_id: str, project_id: str | None = None, *, lock: bool = False) -> Operation:
    """NotFound for an unknown id and for another project's thing. `lock`: no other transaction changes it before this
    one ends."""
    query, parameters = (
        (_ONE, {"id": operation_id})
        if project_id is None
        else (_ONE_OF_PROJECT, {"id": operation_id, "project_id": project_id})
    )
    row = connection.execute(query.with_for_update() if lock else query, parameters).mappings().first()
    if row is None:
        raise NotFound(_NONE)
    return _operation(row)


def trace(connection: Connection, operation_id: str) -> Trace:
    """An operation in short: a whole one holds a document of its headings, schema and first records, which is not to be
    decoded again and again for who waits. Two changes of `detail` within one tick of the database's clock can look the
    same. NotFound for an unknown id."""
    row = connection.execute(_SMALL, {"id": operation_id}).first()
    if row is None:
        raise NotFound(_NONE)
    return tuple(row)


def of_template(connection: Connection, project_id: str, template_id: str) -> list[Operation]:
    """Newest first: by the clock, for an id may be the client's own (contract 2.4, `importId`)."""
    query = (
        select(operation)
        .where(operation.c.template_id == template_id, operation.c.project_id == project_id)
        .order_by(operation.c.created_at.desc(), operation.c.id.desc())
    )
    return [_operation(row) for row in connection.execute(query).mappings()]


def newest(connection: Connection, project_id: str, family: str) -> Operation | None:
    """The one of a family that was made last."""
    query = (
        select(operation)
        .where(operation.c.project_id == project_id, operation.c.family == family)
        .order_by(operation.c.created_at.desc(), operation.c.id.desc())
        .limit(1)
    )
    row = connection.execute(query).mappings().first()
    return None if row is None else _operation(row)


def of_stage(connection: Connection, project_id: str, family: str, stage: str) -> list[Operation]:
    """All of a family that stand at a stage, locked."""
    query = (
        select(operation)
        .where(operation.c.project_id == project_id, operation.c.family == family, operation.c.stage == stage)
        .with_for_update()
    )
    return [_operation(row) for row in connection.execute(query).mappings()]


def latest(connection: Connection, project_id: str, family: str, count: int) -> list[Operation]:
    """Those of a family that changed last, newest change first."""
    query = (
        select(operation)
        .where(operation.c.project_id == project_id, operation.c.family == family)
        .order_by(operation.c.updated_at.desc(), operation.c.id.desc())
        .limit(count)
    )
    return [_operation(row) for row in connection.execute(query).mappings()]


def of_link(connection: Connection, link_id: str) -> list[Operation]:
    """The imports that use an import link: what was ended before its end gives its use back. Newest first."""
    query = (
        select(operation)
        .where(operation.c.link_id == link_id, operation.c.stage.not_in(("terminated", "failed")))
        .order_by(operation.c.created_at.desc(), operation.c.id.desc())
    )
    return [_operation(row) for row in connection.execute(query).mappings()]


def ask_work(connection: Connection, operation_id: str, work: str) -> int:
    """Notes that `work` is asked for; answers the number of the asking, which makes the job's key."""
    return int(
        connection.execute(
            update(operation)
            .where(operation.c.id == operation_id)
            .values(work=work, work_asked=operation.c.work_asked + 1, work_error=None, tries=0, progress={})
            .returning(operation.c.work_asked)
        ).scalar_one()
    )


def claim(connection: Connection, operation_id: str, work: str) -> Operation | None:
    """Takes the work for a new attempt. None when there is nothing to do any more (done meanwhile, or ended)."""
    held = get(connection, operation_id, lock=True)
    if held.work != work or held.stage in ("terminated", "failed"):
        return None
    connection.execute(
        update(operation)
        .where(operation.c.id == operation_id)
        .values(attempt=operation.c.attempt + 1, tries=operation.c.tries + 1)
    )
    return get(connection, operation_id)


def tries(connection: Connection, operation_id: str) -> int:
    """How often the present work was claimed."""
    return int(connection.execute(select(operation.c.tries).where(operation.c.id == operation_id)).scalar_one())


def hold(connection: Connection, held: Operation) -> None:
    """Locks the operation if `held`'s attempt still owns its work; else Superseded. Without reading its document: all
    who write wait meanwhile, and there may be thousands of headings in it."""
    row = connection.execute(_OWNER.with_for_update(), {"id": held.id}).first()
    if row is None:
        raise NotFound(_NONE)
    if row.attempt != held.attempt or row.work != held.work:
        raise Superseded(_SUPERSEDED)


def fenced(connection: Connection, held: Operation) -> Operation:
    """The same, and the operation."""
    now = get(connection, held.id, lock=True)
    if now.attempt != held.attempt or now.work != held.work:
        raise Superseded(_SUPERSEDED)
    return now


def owns(connection: Connection, held: Operation) -> bool:
    """Whether the attempt still owns its work (asked every 250 ms while a child runs)."""
    row = connection.execute(_OWNER, {"id": held.id}).first()
    return row is not None and row.attempt == held.attempt and row.work == held.work


def count_read(connection: Connection, operation_id: str, rows_read: int, blank: int) -> None:
    """So many records are read by now, and `blank` more of them are blank. It came forward: only attempts that do not
    are counted against the file."""
    more = {"rows_read": rows_read, "blank": operation.c.blank + blank, "tries": 1}
    _change(connection, operation_id, more)


def set_progress(connection: Connection, held: Operation, progress: Progress) -> None:
    connection.execute(
        update(operation)
        .where(operation.c.id == held.id, operation.c.attempt == held.attempt)
        .values(
            progress={
                "step": progress.step,
                "done": progress.done,
                "total": progress.total,
                "unit": progress.unit,
                "rows": progress.rows,
            }
        )
    )


def change(connection: Connection, operation_id: str, **values: Any) -> None:
    """Sets fields; `stage` must be a move the table allows, and none that ends the import: that is `finish`."""
    if values.get("stage") in ENDED:
        raise ValueError("an import ends by way of `finish`, which tells whoever waits for it")
    _change(connection, operation_id, values)


def finish(connection: Connection, operation_id: str, stage: str, **values: Any) -> None:
    """The one way an import ends (`stage` is one of ENDED): nobody holds its work any more, and the outbox gets a line
    in the same transaction, so that whoever delivers or tells learns of every end, and of none that was rolled back."""
    if stage not in ENDED:
        raise ValueError(f"{stage} is no end")
    _change(connection, operation_id, {"work": "", **values, "stage": stage})
    outbox.add(connection, get(connection, operation_id))


def _change(connection: Connection, operation_id: str, values: Mapping[str, Any]) -> None:
    if "stage" in values:
        stage = connection.execute(_STAGE.with_for_update(), {"id": operation_id}).scalar()
        if stage is None:
            raise NotFound(_NONE)
        if values["stage"] != stage and values["stage"] not in MOVES[stage]:
            raise WrongStage(f"An import that is {stage} cannot become {values['stage']}.", stage=stage)
    connection.execute(
        update(operation).where(operation.c.id == operation_id).values(updated_at=database_now(connection), **values)
    )


def release(connection: Connection, operation_id: str, **values: Any) -> None:
    """The work is done (or given up): nobody holds it any more. Later writes of the attempt find `work` changed."""
    change(connection, operation_id, work="", **values)


@contextmanager
def changing(connection: Connection, operation_id: str, kind: type[D]) -> Iterator[D]:
    """The operation's own document as its family has it (`kind`), locked, to be changed in place: it is written when
    the block ends, and not where it raises."""
    detail = msgspec.convert(get(connection, operation_id, lock=True).detail, kind)
    yield detail
    _change(connection, operation_id, {"detail": msgspec.to_builtins(detail)})


def next_revision(connection: Connection, operation_id: str) -> int:
    """A revision takes its number in the transaction that also tests the stage."""
    return int(connection.execute(_NEXT_REVISION, {"of": operation_id}).scalar_one())


def revision_numbers(connection: Connection, operation_id: str) -> tuple[int, int]:
    """(last begun, last reviewed)."""
    last, reviewed = connection.execute(_REVISION_NUMBERS, {"id": operation_id}).one()
    return int(last), int(reviewed)


def unswept(connection: Connection, stages: Sequence[str], before: datetime, limit: int) -> list[Operation]:
    """For the sweeper: operations that came to one of `stages` before a moment and were not swept since."""
    query = (
        select(operation)
        .where(operation.c.stage.in_(stages), operation.c.swept.is_(False), operation.c.updated_at < before)
        .order_by(operation.c.updated_at)
        .limit(limit)
    )
    return [_operation(row) for row in connection.execute(query).mappings()]


def with_objects(connection: Connection, before: datetime, limit: int) -> list[Operation]:
    """For the sweeper: operations unchanged since before a moment whose objects are still there."""
    query = (
        select(operation)
        .where(operation.c.kept.is_(True), operation.c.work == "", operation.c.updated_at < before)
        .order_by(operation.c.updated_at)
        .limit(limit)
    )
    return [_operation(row) for row in connection.execute(query).mappings()]


def mark_swept(connection: Connection, operation_id: str) -> None:
    connection.execute(update(operation).where(operation.c.id == operation_id).values(swept=True))


def forget_objects(connection: Connection, operation_id: str) -> None:
    """Its source, parts and masks are gone; the document stays. `version` grows, so that what was remembered of it is
    not asked any more, in whatever process."""
    values = {"version": operation.c.version + 1, "swept": True, "kept": False, "source_object": None}
    connection.execute(update(operation).where(operation.c.id == operation_id).values(values))


def forget_content(connection: Connection, operation_id: str, detail: Mapping[str, Any]) -> None:
    """Nothing of its file and rows is left; counts are. `version` grows, so that what was remembered of it is not asked
    any more. One that was ended is swept again: a worker may just have been storing a part."""
    connection.execute(
        update(operation)
        .where(operation.c.id == operation_id)
        .values(
            version=operation.c.version + 1,
            kept=False,
            swept=operation.c.stage == "completed",
            source_object=None,
            file_name=None,
            work_error=None,
            detail=dict(detail),
            updated_at=database_now(connection),
        )
    )


def known(connection: Connection, operation_ids: Sequence[str]) -> set[str]:
    """Which of these ids are operations."""
    return set(connection.execute(select(operation.c.id).where(operation.c.id.in_(operation_ids))).scalars())


def count_by_stage(connection: Connection) -> dict[str, int]:
    query = select(operation.c.stage, func.count()).group_by(operation.c.stage)
    return {stage: int(count) for stage, count in connection.execute(query)}


def count_failures(connection: Connection) -> dict[str, int]:
    """Code -> operations whose last work failed with it."""
    code = operation.c.work_error["code"].as_string()
    query = select(code, func.count()).where(code.is_not(None)).group_by(code)
    return {failed: int(count) for failed, count in connection.execute(query)}


def _operation(row: RowMapping) -> Operation:
    progress = row["progress"] or {}
    error = row["work_error"]
    return Operation(
        id=row["id"],
        project_id=row["project_id"],
        family=row["family"],
        stage=row["stage"],
        template_id=row["template_id"],
        person_id=row["person_id"],
        version=row["version"],
        attempt=row["attempt"],
        work=row["work"],
        work_error=(error["code"], error["message"]) if error else None,
        progress=Progress(**progress),
        read_done=row["read_done"],
        rows_read=row["rows_read"],
        blank=row["blank"],
        total=row["total"],
        valid=row["valid"],
        invalid=row["invalid"],
        seed=row["seed"],
        source_object=row["source_object"],
        source_size=row["source_size"],
        file_name=row["file_name"],
        media_type=row["media_type"],
        token_id=row["token_id"],
        link_id=row["link_id"],
        revision_last=row["revision_last"],
        revision_reviewed=row["revision_reviewed"],
        created_at=utc(row["created_at"]),
        updated_at=utc(row["updated_at"]),
        detail=Document(row["detail"] or {}),
        kept=row["kept"],
    )
