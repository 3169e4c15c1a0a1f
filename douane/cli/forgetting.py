"""`forget` and `ledger`: what becomes of an upload's records, after they were accepted."""

from __future__ import annotations

import sys

from rich.table import Table

from douane.cli.house import open_existing
from douane.cli.output import print_json
from douane.cli.screen import table_console
from douane.errors import BadRequest
from douane.flow import audit, forgetting, imports, ledger
from douane.flow.forgetting import Forgotten
from douane.flow.house import House
from douane.settings import Settings
from douane.store import templates
from douane.store.database import read
from douane.store.ids import is_id


def forget(
    config: Settings,
    upload_id: str | None,
    template_id: str | None,
    column: str | None,
    value: str | None,
    as_json: bool,
) -> bool:
    """Whether all was forgotten that there is."""
    house = open_existing(config)
    if upload_id is not None:
        if template_id or column or value:
            raise BadRequest("Forget an upload, or rows by --template and --column; not both.")
        operation = imports.get(house, _id(upload_id))
        found = forgetting.upload(house, operation)
        audit.note(house, "import.forget", project_id=operation.project_id, operation=operation.id, rows=found.rows)
    elif template_id and column:
        if value is None:
            # From a terminal's history nothing is forgotten.
            value = sys.stdin.readline().rstrip("\r\n")
        project_id = _project_of(house, _id(template_id))
        found = forgetting.person(house, project_id, template_id, column, value, _say)
        audit.note(
            house,
            "rows.forget",
            project_id=project_id,
            template=template_id,
            column=column,
            rows=found.rows,
            uploads=len(found.uploads),
        )
    else:
        raise BadRequest("Name an upload, or --template and --column.")
    _show(found, as_json)
    return not found.waiting


def _say(looked: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{looked} of {total} uploads looked through", end="\r", file=sys.stderr, flush=True)


def _show(found: Forgotten, as_json: bool) -> None:
    if as_json:
        uploads = [{"upload": upload_id, "rows": rows} for upload_id, rows in found.uploads.items()]
        print_json({"rows": found.rows, "uploads": uploads, "waiting": found.waiting, "remains": found.remains})
        return
    rows, count = found.rows, len(found.uploads)
    of_them = f"{rows} row{'' if rows == 1 else 's'} of {count} upload{'' if count == 1 else 's'}"
    print(f"{of_them} {'is' if rows == 1 else 'are'} forgotten.")
    for upload_id in found.waiting:
        print(f"Not yet: {upload_id}")
    for sentence in found.remains:
        print(sentence)


def show_ledger(config: Settings, upload_id: str, as_json: bool) -> None:
    house = open_existing(config)
    found = ledger.of_upload(house, imports.get(house, _id(upload_id)))
    out = {name: getattr(found, name) for name in ("invalid", "blank", "hidden", "unreadable", "deleted", "forgotten")}
    if as_json:
        counts = {name: getattr(found, name) for name in ("found", "added", "delivered", "waiting", "failed")}
        print_json({"uploadId": upload_id, **counts, "leftOut": out, "pulled": found.pulled})
        return
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column()
    table.add_column(justify="right")
    table.add_row("found", f"{found.found:,}")
    for name in ("delivered", "waiting", "failed"):
        table.add_row(f"  {name}", f"{getattr(found, name):,}")
    for name, count in out.items():
        table.add_row(f"  left out: {name}", f"{count:,}")
    table_console().print(table)
    for name, count in found.pulled.items():
        print(f"{name} has pulled {count:,} of them.")


def _project_of(house: House, template_id: str) -> str:
    with read(house.engine) as connection:
        found = templates.get(connection, template_id)
    if found is None:
        raise BadRequest(f"There is no template {template_id}.")
    return found.project_id


def _id(text: str) -> str:
    if not is_id(text.lower()):
        raise BadRequest(f"{text} is no id: they have 24 characters, 0 to 9 and a to f.")
    return text.lower()
