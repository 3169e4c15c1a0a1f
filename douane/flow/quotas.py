"""What a project may hold, so that one cannot fill the disk of all: asked in the transaction that makes an import."""

from __future__ import annotations

from sqlalchemy import Connection

from douane.errors import OverLimit
from douane.settings import Settings
from douane.store import projects, usage


def refuse_over(connection: Connection, settings: Settings, project_id: str, new_bytes: int) -> None:
    """OverLimit where the project would hold more than it may with another upload of so many bytes. Two uploads at once
    ask one after the other. Records are known when a file was read: a project that is full of them gets no new file."""
    asked = (settings.project_uploads_max, settings.project_bytes_max, settings.project_rows_max)
    if not any(asked):
        return
    projects.lock(connection, project_id)
    held = usage.of_project(connection, project_id)
    if settings.project_uploads_max and held.uploads >= settings.project_uploads_max:
        raise OverLimit(
            f"This project keeps {held.uploads} uploads, and may keep {settings.project_uploads_max}.",
            setting="project_uploads_max",
        )
    if settings.project_bytes_max and held.bytes + new_bytes > settings.project_bytes_max:
        raise OverLimit(
            f"This project keeps {held.bytes} bytes of uploaded files, and may keep {settings.project_bytes_max}; "
            f"this one has {new_bytes}.",
            setting="project_bytes_max",
        )
    if settings.project_rows_max and held.rows >= settings.project_rows_max:
        raise OverLimit(
            f"This project keeps {held.rows} records, and may keep {settings.project_rows_max}.",
            setting="project_rows_max",
        )
