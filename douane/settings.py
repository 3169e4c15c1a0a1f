"""Every setting: name, unit, default and one sentence, read once when a process starts.

Each is also an environment variable `DOUANE_<NAME>`, and `douane settings` lists them. Not for what a project chooses:
that is data, in the database.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

PREFIX = "DOUANE_"
KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


def _setting(default: Any, unit: str, sentence: str, **bounds: Any) -> Any:
    """One setting; `unit` is "" where a bare word or a switch has none."""
    return Field(default=default, description=sentence, json_schema_extra={"unit": unit}, **bounds)


class Settings(BaseModel):
    """Frozen, so that it can be handed around. `database_url` and `storage_url` are filled in from `data` when empty:
    whoever reads them finds a whole address."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    def __init__(self, **given: Any) -> None:
        """What is given goes before the environment, whose names may be in capitals or not."""
        names = {f"{PREFIX}{name}".lower(): name for name in type(self).model_fields}
        found = {names[name.lower()]: value for name, value in os.environ.items() if name.lower() in names}
        super().__init__(**{**found, **given})

    # Where things are.
    data: Path = _setting(Path("data"), "folder", "Database, objects, caches and work folders of this installation.")
    database_url: str = _setting("", "address", "sqlite:///FILE or postgresql://...; empty: a file in the data folder.")
    storage_url: str = _setting("", "address", "A folder or s3://BUCKET/PREFIX; empty: a folder in the data folder.")
    s3_endpoint: str = _setting("", "address", "Address of an S3-compatible server; empty: the one of AWS_* or Amazon.")
    s3_region: str = _setting("", "", "Region of the bucket; empty: AWS_REGION.")
    s3_access_key_id: str = _setting("", "", "Key id for the bucket; empty: the usual AWS_* sources.")
    s3_secret_access_key: SecretStr = _setting(SecretStr(""), "", "Secret of that key id.")
    s3_wait_s: int = _setting(
        120, "seconds", "How long one request to the bucket may take; none brings over 8 MiB.", ge=1
    )
    cache_bytes_max: int = _setting(2 * GIB, "bytes", "Local copies of S3 objects kept in the data folder.", ge=0)

    # How it is reached.
    host: str = _setting("127.0.0.1", "address", "Address the web process listens on.")
    port: int = _setting(8400, "port", "Port the web process listens on.", ge=0, le=65535)
    public_url: str = _setting("", "address", "How browsers reach this server; empty: http://HOST:PORT.")
    trusted_proxies: str = _setting(
        "", "addresses", "Proxies whose X-Forwarded-* lines are believed: addresses or networks, by commas."
    )

    # What a request may hold and how long it may wait.
    upload_bytes_max: int = _setting(10 * GIB, "bytes", "Size of one uploaded file.", ge=1)
    body_bytes_max: int = _setting(20 * MIB, "bytes", "Size of a request body that is not an uploaded file.", ge=1)
    field_bytes_max: int = _setting(MIB, "bytes", "Size of one form field beside an uploaded file.", ge=1)
    images_max: int = _setting(10_000, "images", "Images of one zip that comes with an import.", ge=1)
    image_bytes_max: int = _setting(5 * MIB, "bytes", "Size of one of them.", ge=1)
    fields_max: int = _setting(100, "fields", "Form fields beside an uploaded file.", ge=1)
    format_bytes_max: int = _setting(64 * KIB, "bytes", "Size of a template's output format.", ge=1)
    page_rows_max: int = _setting(
        10_000, "rows", "Rows of a page that are held at once. Live views and `/api/v1` refuse longer pages.", ge=1
    )
    headings_wait_s: float = _setting(120, "seconds", "How long an upload waits for the headings to be read.", gt=0)
    review_wait_s: float = _setting(3600, "seconds", "How long a review that waits for its end does so.", gt=0)
    feed_wait_s: float = _setting(60, "seconds", "How long a feed without new rows may be waited for.", ge=0)
    feed_consumers_max: int = _setting(100, "consumers", "Consumers that one template's feed may have.", ge=1)
    stop_wait_s: float = _setting(25, "seconds", "How long a process that is told to stop lets its work end.", gt=0)

    # What one project may keep, ended imports apart; 0: as much as there is room for.
    project_uploads_max: int = _setting(0, "uploads", "Uploads a project may keep; 0: any.", ge=0)
    project_bytes_max: int = _setting(0, "bytes", "Size of all uploaded files a project may keep; 0: any.", ge=0)
    project_rows_max: int = _setting(0, "rows", "Records with which a project gets no further upload; 0: any.", ge=0)

    # The chat surface, `/api/v1`.
    chat_wait_s: float = _setting(20, "seconds", "How long getImportFileData waits for a file to be read.", ge=0)
    chat_body_bytes_max: int = _setting(50 * MIB, "bytes", "Size of a chat request's body without a file.", ge=1)
    chat_upload_bytes_max: int = _setting(
        14 * GIB, "bytes", "Size of a body that brings a chat export as base64; a third more than the file.", ge=1
    )
    chat_file_bytes_max: int = _setting(GIB, "bytes", "Size of one file of a chat message that is fetched.", ge=1)
    chat_avatar_bytes_max: int = _setting(5 * MIB, "bytes", "Size of one user's picture that is fetched.", ge=1)
    chat_members_max: int = _setting(8, "people", "A group conversation of more people becomes a private room.", ge=1)
    chat_batch_records: int = _setting(
        32_768, "records", "Records of a chat export that are read, checked and stored at once.", ge=1
    )
    chat_server_folders: str = _setting("", "folders", "Server folders whose files may be imported, by commas.")
    chat_rate_calls: int = _setting(10, "calls", "Calls of one address to one path in the window; 0: any.", ge=0)
    chat_rate_window_s: float = _setting(60, "seconds", "The window in which chat calls are counted.", gt=0)
    chat_open_progress: bool = _setting(
        False, "", "Whether the web socket tells progress of a single project's imports to who is not signed in."
    )
    chat_401_modern: bool = _setting(False, "", "Whether `error` of a 401 is the text of Rocket.Chat 7 and later.")

    # Who is let in.
    secret: SecretStr = _setting(SecretStr(""), "", "Protects keys and sessions; empty: the file `secret` in the data.")
    web_origins: str = _setting("", "origins", "Pages elsewhere that may call with cookies, separated by commas.")
    session_days: int = _setting(1, "days", "How long a sign-in lasts.", ge=1)
    chat_session_days: int = _setting(90, "days", "How long a token of the chat surface lasts.", ge=1)
    token_minutes: int = _setting(60, "minutes", "How long an import token lasts, unless it is asked for longer.", ge=1)
    token_minutes_max: int = _setting(
        1440, "minutes", "How long an import token may be asked for; those of import links last so long.", ge=1
    )
    link_days: int = _setting(14, "days", "How long an import link lasts, unless it is asked for longer.", ge=1)
    link_days_max: int = _setting(366, "days", "How long an import link may be asked for.", ge=1)
    login_tries_max: int = _setting(
        10, "tries", "Failed sign-ins of one address in the window; of one account ten times as many.", ge=1
    )
    login_window_s: int = _setting(60, "seconds", "The window in which failed sign-ins are counted.", ge=1)
    audit_days: int = _setting(400, "days", "How long it is kept who did what.", ge=1)
    argon2_memory_kib: int = _setting(19_456, "KiB", "Memory one password hash takes.", ge=64)
    argon2_passes: int = _setting(2, "passes", "Passes one password hash makes.", ge=1)

    # What a file may hold (douane.sheet.formats.Limits has the same names and defaults; a test compares).
    cell_bytes: int = _setting(MIB, "bytes", "Size of one cell.", ge=1)
    record_bytes: int = _setting(16 * MIB, "bytes", "Size of one record.", ge=1)
    columns: int = _setting(16_384, "columns", "Columns of one file.", ge=1)
    unpacked_bytes: int = _setting(64 * GIB, "bytes", "Size of an archive or compressed file once unpacked.", ge=1)
    unpacked_ratio: int = _setting(200, "to 1", "How far a file may grow when unpacked, beyond the free part.", ge=1)
    unpacked_free_bytes: int = _setting(100 * MIB, "bytes", "Unpacked size below which the ratio is not asked.", ge=0)
    archive_entries: int = _setting(1_000_000, "entries", "Entries of one archive.", ge=1)
    entry_bytes: int = _setting(GIB, "bytes", "Size of one archive entry once unpacked.", ge=1)
    json_depth: int = _setting(64, "levels", "How deep JSON may be nested.", ge=1)
    json_digits: int = _setting(1000, "digits", "Digits of one number in JSON.", ge=1)
    piece_bytes: int = _setting(
        12 * MIB,
        "bytes",
        "Text that is read, checked and stored at once; of a small file an eighth, but at least 1 MiB, so that "
        "progress is seen.",
        ge=1,
    )

    # The sandboxed child that opens a stranger's file.
    child_memory_bytes: int = _setting(2 * GIB, "bytes", "Private memory one child may take.", ge=64 * MIB)
    child_cpu_s: int = _setting(4 * 3600, "seconds", "Processor time one child may take.", ge=1)
    child_wall_s: float = _setting(8 * 3600, "seconds", "How long one child may run.", gt=0)
    child_silence_s: float = _setting(300, "seconds", "How long a child may report nothing.", gt=0)
    child_file_bytes: int = _setting(16 * GIB, "bytes", "Size of one file a child may write.", ge=1)
    child_open_files: int = _setting(
        16384, "files", "Files one child may hold open; it maps two of each stored piece.", ge=32
    )
    child_most: int = _setting(8, "processes", "Children at once in one process: results encoded, sheets listed.", ge=1)
    child_spares: int = _setting(
        2, "processes", "Children that wait ready in a worker, so that small files start at once.", ge=0
    )
    child_threads: int = _setting(0, "threads", "Threads one child computes with; 0: one per core.", ge=0)

    # Addresses that people and files give, opened by douane.outbound alone.
    outbound_allow: str = _setting(
        "",
        "hosts",
        "Private hosts that may be reached: names, addresses or networks, with a :port or without, by commas.",
    )
    outbound_connect_s: float = _setting(10, "seconds", "How long finding and connecting a host may take.", gt=0)
    outbound_idle_s: float = _setting(60, "seconds", "How long another server may send nothing.", gt=0)
    outbound_whole_s: float = _setting(6 * 3600, "seconds", "How long fetching one file may take in all.", gt=0)
    outbound_rate_min: int = _setting(
        1024, "bytes a second", "A server slower than this for long is left; from outbound_idle_s on.", ge=0
    )
    outbound_redirects_max: int = _setting(5, "redirects", "Redirects followed for one file.", ge=0)

    # Where accepted records go.
    delivery_wait_s: float = _setting(30, "seconds", "How long one call of a destination may take in all.", gt=0)
    delivery_answer_bytes: int = _setting(64 * KIB, "bytes", "How much of a destination's answer is read.", ge=1)
    delivery_pause_s: float = _setting(
        5, "seconds", "First pause after a call that failed; each further one is about three times as long.", gt=0
    )
    delivery_give_up_s: float = _setting(
        86_400, "seconds", "How long a destination that fails is tried where a template says nothing.", gt=0
    )
    delivery_folders: str = _setting(
        "", "folders", "Server folders that records may be written to, with all below them, by commas."
    )
    mail_url: SecretStr = _setting(
        SecretStr(""), "address", "smtp://USER:PASSWORD@HOST:PORT or smtps://...; empty: no mail is sent."
    )
    mail_from: str = _setting("douane@localhost", "address", "From whom mail comes.")

    # Durable work.
    slots_interactive: int = _setting(4, "jobs", "Short jobs somebody waits for, at once in one worker.", ge=1)
    slots_small: int = _setting(2, "jobs", "Jobs on ordinary files, at once in one worker.", ge=1)
    slots_large: int = _setting(1, "jobs", "Jobs on large files, at once in one worker.", ge=1)
    slots_delivery: int = _setting(8, "jobs", "Deliveries under way at once in one worker.", ge=1)
    slots_project: int = _setting(2, "jobs", "Jobs of one project in one queue at once, over all workers.", ge=1)
    large_bytes: int = _setting(64 * MIB, "bytes", "From this size on a file waits in the queue of large ones.", ge=1)
    turn_s: float = _setting(60, "seconds", "After so long a large job goes to the end of its queue.", gt=0)
    lease_s: float = _setting(15, "seconds", "A worker silent for so long is taken for dead; its work goes on.", gt=0)
    queue_poll_s: float = _setting(
        0.1, "seconds", "How often a worker looks for short new jobs; less often for others.", gt=0
    )
    tick_s: float = _setting(
        30, "seconds", "How often a worker looks for objects to sweep and imports to expire.", gt=0
    )
    tries_max: int = _setting(3, "tries", "How often a job that dies is begun before its operation fails.", ge=1)

    # How long things stay.
    retention_days: int = _setting(30, "days", "After so long without a change an operation is deleted.", ge=1)
    sweep_grace_s: int = _setting(3600, "seconds", "How long an object that nothing names any more is kept.", ge=0)

    # The database, and what is said about it all.
    database_pool: int = _setting(10, "connections", "Connections one process keeps to the database.", ge=1)
    database_wait_s: float = _setting(
        20, "seconds", "How long to wait for a connection or a lock. Proxies in front should wait longer.", gt=0
    )
    database_query_s: float = _setting(60, "seconds", "How long PostgreSQL may work on one statement.", gt=0)
    disk_free_bytes_min: int = _setting(
        256 * MIB, "bytes", "With less room than this in the data folder the server calls itself not ready.", ge=0
    )
    metrics_token: SecretStr = _setting(
        SecretStr(""), "", "What /metrics asks for, as Bearer; `off` closes it; empty: open to all who reach the port."
    )
    log_level: Literal["debug", "info", "warning", "error"] = _setting("info", "", "The least that is logged.")
    log_format: Literal["text", "json"] = _setting("text", "", "How a line of the log looks.")

    @model_validator(mode="before")
    @classmethod
    def _fill_addresses(cls, values: dict[str, Any]) -> dict[str, Any]:
        values = dict(values)
        data = Path(values.get("data") or "data").absolute()
        values["data"] = data
        values["database_url"] = values.get("database_url") or f"sqlite:///{data / 'douane.db'}"
        values["storage_url"] = values.get("storage_url") or str(data / "objects")
        return values

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.cell_bytes > self.record_bytes:
            raise ValueError("cell_bytes must not be more than record_bytes")
        return self

    @property
    def on_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite")

    @property
    def address(self) -> str:
        """How browsers reach this server, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (self.public_url or f"http://{host}:{self.port}").rstrip("/")

    @property
    def work_folder(self) -> Path:
        """Holds one folder per running child; everything in it may be deleted when no worker runs."""
        return self.data / "work"

    def environment(self) -> dict[str, str]:
        """The settings as `DOUANE_*` variables, for a process that this one starts."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return {
            f"{PREFIX}{name.upper()}": value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            for name, value in values.items()
        }


def describe() -> list[tuple[str, str, str, str]]:
    """(name, unit, default, sentence) of each setting, in the order of this file; defaults as they would be typed."""
    rows = []
    for name, field in Settings.model_fields.items():
        extra = field.json_schema_extra
        unit = str(extra.get("unit", "")) if isinstance(extra, dict) else ""
        default = field.default.get_secret_value() if isinstance(field.default, SecretStr) else str(field.default)
        rows.append((name, unit, default, field.description or ""))
    return rows
