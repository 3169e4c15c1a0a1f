"""Chat imports on a real installation, with the worker's handlers called in this process."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from douane.flow.chat import imports, work
from douane.flow.chat.imports import NewChat
from douane.flow.house import House
from douane.flow.imports import StoredSource
from douane.model.operation import Operation
from douane.store import people, projects
from douane.store.database import write
from douane.store.ids import new_id

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
def person_id(house: House) -> str:
    with write(house.engine) as connection:
        return people.add(
            connection, email="own@example.com", username="own", first_name="O", last_name="N", password_hash="x"
        ).id


@pytest.fixture
def project_id(house: House, person_id: str) -> str:
    with write(house.engine) as connection:
        return projects.add(connection, name="Project", owner_id=person_id).id


@pytest.fixture
def begin(house: House, project_id: str, person_id: str) -> Callable[..., Operation]:
    """Makes an operation of the bytes (or of files to zip) for an importer."""

    def begin(given: bytes | Mapping[str, str | bytes] | None = None, importer: str = "csv", **more: Any) -> Operation:
        data = given if isinstance(given, bytes) else zipped(FILES if given is None else given)
        name = f"{new_id()}/source"
        house.objects.put_bytes(name, data)
        source = StoredSource(name, len(data), "", "export.zip", "application/zip")
        return imports.begin(house, NewChat(project_id, person_id, importer, source, "application/zip", "1_x_export"))

    return begin


@pytest.fixture
def reviewed(house: House, begin: Callable[..., Operation]) -> Callable[..., Operation]:
    """The same, read and checked."""

    def reviewed(*given: Any, **more: Any) -> Operation:
        operation = begin(*given, **more)
        imports.ask_read(house, operation)
        while work.read(house, operation.id):
            pass
        return imports.get(house, operation.id, operation.project_id)

    return reviewed
