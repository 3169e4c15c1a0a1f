"""Chat exports on a real installation, with the worker's handlers called in this process: staged from rows, without any
product's files (`stage`), or read from a zip (`reviewed`)."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from douane.chat import tables
from douane.chat.selection import EVERYTHING, Selection
from douane.flow.chat import imports, run, work
from douane.flow.house import House
from douane.flow.imports import StoredSource
from douane.model.operation import Operation
from douane.staging.parts import write_part
from douane.store import manifest, operations, people, projects
from douane.store.database import read, write
from douane.store.ids import new_id
from douane.store.manifest import PartRow

Rows = Sequence[Mapping[str, Any]]
Stage = Callable[..., Operation]
T0 = 1_580_000_000_000_000


def frame(table: str, rows: Rows) -> Any:
    names = list(dict.fromkeys(name for row in rows for name in row))
    return tables.frame(table, {name: [row.get(name) for row in rows] for name in names})


def user(id: str, username: str | None = None, **more: Any) -> dict[str, Any]:
    return {"entry": 0, "id": id, "ids": [id], "username": username, "type": "user", "origin": "list", **more}


def channel(id: str, name: str | None = None, type: str = "c", **more: Any) -> dict[str, Any]:
    return {"entry": 1, "position": 0, "id": id, "ids": [id], "type": type, "name": name, "creator": "U1", **more}


def message(channel: str, at: int, text: str, author: str | None = "U1", **more: Any) -> dict[str, Any]:
    return {
        "entry": 2,
        "position": at,
        "key_hi": tables.conversation_key("test", "T1", channel),
        "key_lo": T0 + at,
        "id": f"{channel}-{at}",
        "channel": channel,
        "ts_us": T0 + at,
        "author": author,
        "kind": "text",
        "text": text,
        "format": "slack_mrkdwn",
        **more,
    }


@pytest.fixture
def person_id(house: House) -> str:
    with write(house.engine) as connection:
        return people.add(
            connection, email="ann@example.com", username="ann", first_name="Ann", last_name="A", password_hash="x"
        ).id


@pytest.fixture
def project_id(house: House, person_id: str) -> str:
    with write(house.engine) as connection:
        return projects.add(connection, name="Project", owner_id=person_id).id


@pytest.fixture
def stage(house: House, project_id: str, person_id: str, tmp_path: Any) -> Stage:
    """Stages parts as a reader would, and has them checked: stage("users"=[[rows of part 0], [rows of part 1]])."""

    def stage(into: str = project_id, **given: Sequence[Rows]) -> Operation:
        operation_id = new_id()
        house.objects.put_bytes(f"{operation_id}/source", b"x")
        source = StoredSource(f"{operation_id}/source", 1, "", "x.zip", "application/zip")
        made = imports.begin(house, imports.NewChat(into, person_id, "slack", source))
        first: dict[str, int] = {}
        with write(house.engine) as connection:
            for table, parts in given.items():
                for number, rows in enumerate(parts):
                    if not rows:
                        continue
                    path = tmp_path / "part"
                    write_part(frame(table, rows), path)
                    name = f"{made.id}/{table}/{number}"
                    house.objects.put_file(name, path)
                    row = PartRow(number, first.get(table, 0), len(rows), 0, name, 1, {}, 1)
                    manifest.add_part(connection, made.id, table, row)
                    first[table] = first.get(table, 0) + len(rows)
            operations.change(connection, made.id, read_done=True)
        imports.ask_read(house, imports.get(house, made.id, into))
        work.read(house, made.id)
        made = imports.get(house, made.id, into)
        assert (made.stage, made.work_error) == ("reviewing", None)
        return made

    return stage


Go = Callable[..., Operation]


@pytest.fixture
def go(house: House, project_id: str) -> Go:
    """Starts a staged import and runs it to its end."""

    def go(operation: Operation, selection: Selection = EVERYTHING, mode: Any = "start", **options: Any) -> Operation:
        imports.start(house, operation, selection, mode, **options)
        while run.run(house, operation.id):
            pass
        with read(house.engine) as connection:
            return operations.get(connection, operation.id)

    return go


FILES = {
    "users.csv": "ada,ada@example.com,Ada Lovelace\nbob,bob@example.com,Bob\ncy,,Cy\n",
    "channels.csv": "general,ada,public,ada;bob\nsecret,bob,private,ada;cy\n",
    "general/2020-01.csv": "ada,1577836800000,hello\nbob,1577836801000,hi ada\nzed,1577836802000,who am I\n",
    "secret/2021-05.csv": "bob,1620000000000,psst\nbob,nonsense,when\n",
    "nowhere/2021-06.csv": "cy,1622505600000,anybody?\n",
    "directmessages/dm.csv": "ada,bob,1622505601000,between us\n",
}


def zipped(files: Mapping[str, str | bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return data.getvalue()


@pytest.fixture
def begin(house: House, project_id: str, person_id: str) -> Callable[..., Operation]:
    """Makes an operation of the bytes, or of files to zip, for an importer."""

    def begin(given: bytes | Mapping[str, str | bytes] = FILES, importer: str = "csv") -> Operation:
        data = given if isinstance(given, bytes) else zipped(given)
        name = f"{new_id()}/source"
        house.objects.put_bytes(name, data)
        source = StoredSource(name, len(data), "", "export.zip", "application/zip")
        new = imports.NewChat(project_id, person_id, importer, source, "application/zip", "1_x_export.zip")
        return imports.begin(house, new)

    return begin


@pytest.fixture
def reviewed(house: House, begin: Callable[..., Operation]) -> Callable[..., Operation]:
    """The same, read and checked."""

    def reviewed(given: bytes | Mapping[str, str | bytes] = FILES, importer: str = "csv") -> Operation:
        operation = begin(given, importer)
        imports.ask_read(house, operation)
        while work.read(house, operation.id):
            pass
        return imports.get(house, operation.id, operation.project_id)

    return reviewed
