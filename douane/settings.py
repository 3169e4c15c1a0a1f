"""Every setting: name, unit, default and one sentence, read once when a process starts.

Each is also an environment variable `DOUANE_<NAME>`, and `douane settings` lists them. Not for what a project chooses:
that is data, in the database.

No library judges them: each call of the command line reads them, and would pay for loading it more than for its work.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, NoReturn, Self

PREFIX = "DOUANE_"
KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


class BadSetting(ValueError):
    """`name`: the setting that is not right; "" where several do not agree. `reason`: why, without a full stop."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}" if name else reason)
        self.name, self.reason = name, reason


class SecretStr:
    """A text that does not show where it is printed or logged."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def get_secret_value(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "SecretStr('**********')" if self._text else "SecretStr('')"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretStr) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


class _Setting:
    """How a value of it is judged, by its kind as the class below writes it."""

    __slots__ = ("bounds", "choices", "default", "read", "sentence", "unit", "usual")

    def __init__(
        self, default: Any, unit: str, sentence: str, choices: tuple[str, ...], bounds: Mapping[str, float]
    ) -> None:
        self.default, self.unit, self.sentence, self.choices, self.bounds = default, unit, sentence, choices, bounds

    def begin(self, kind: str) -> None:
        self.read: Callable[[Any], Any] = _READ.get(kind, _text)
        self.usual = self.value(self.default)

    def value(self, given: Any) -> Any:
        """What is meant by a text or a value. ValueError says what it must be."""
        found = self.read(given)
        if self.choices and found not in self.choices:
            raise ValueError(f"it is one of {', '.join(self.choices)}")
        for bound, limit in self.bounds.items():
            holds, words = _BOUNDS[bound]
            if not holds(found, limit):
                raise ValueError(f"it is {words} {limit:g}")
        return found


_BOUNDS: dict[str, tuple[Callable[[float, float], bool], str]] = {
    "ge": (lambda value, limit: value >= limit, "at least"),
    "gt": (lambda value, limit: value > limit, "more than"),
    "le": (lambda value, limit: value <= limit, "at most"),
}
_SWITCHES = {
    **dict.fromkeys(("1", "true", "yes", "on", "t", "y"), True),
    **dict.fromkeys(("0", "false", "no", "off", "f", "n"), False),
}


def _whole(given: Any) -> int:
    if isinstance(given, bool) or (isinstance(given, float) and not given.is_integer()):
        raise ValueError("it is a whole number")
    try:
        return int(given)
    except (TypeError, ValueError):
        raise ValueError("it is a whole number") from None


def _number(given: Any) -> float:
    try:
        found = float(given)
    except (TypeError, ValueError):
        raise ValueError("it is a number") from None
    if math.isnan(found):
        raise ValueError("it is a number")
    return found


def _switch(given: Any) -> bool:
    meant = _SWITCHES.get(str(given).strip().lower())
    if meant is None:
        raise ValueError("it is true or false")
    return meant


def _text(given: Any) -> str:
    if not isinstance(given, str):
        raise ValueError("it is text")  # noqa: TRY004
    return given


def _secret(given: Any) -> SecretStr:
    # By what it can do: a test or a program may bring a secret of its own kind.
    return SecretStr(_text(given.get_secret_value() if hasattr(given, "get_secret_value") else given))


def _path(given: Any) -> Path:
    if not isinstance(given, str | os.PathLike):
        raise ValueError("it is a path")  # noqa: TRY004
    return Path(given)


_READ: dict[str, Callable[[Any], Any]] = {
    "int": _whole,
    "float": _number,
    "bool": _switch,
    "SecretStr": _secret,
    "Path": _path,
}


def _setting(default: Any, unit: str, sentence: str, choices: tuple[str, ...] = (), **bounds: float) -> Any:
    """One setting; `unit` is "" where a bare word or a switch has none. `ge`, `gt` and `le` bound a number."""
    return _Setting(default, unit, sentence, choices, bounds)


class Settings:
    """Frozen, so that it can be handed around. `database_url` and `storage_url` are filled in from `data` when empty:
    whoever reads them finds a whole address.

    What it is asked for has the names that models of pydantic have, for that is what it was."""

    model_fields: ClassVar[dict[str, _Setting]]

    def __init__(self, **given: Any) -> None:
        """What is given goes before the environment, whose names may be in capitals or not. `BadSetting` names the
        first that is not right."""
        fields = self.model_fields
        names = {f"{PREFIX}{name}".lower(): name for name in fields}
        found = {names[name.lower()]: value for name, value in os.environ.items() if name.lower() in names}
        values = {**found, **given}
        for name in values:
            if name not in fields:
                raise BadSetting(name, "there is no such setting")
        self.__dict__.update({name: _judged(name, field, values) for name, field in fields.items()})
        self._fill_addresses()
        if self.cell_bytes > self.record_bytes:
            raise BadSetting("", "cell_bytes must not be more than record_bytes")

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
    port: int = _setting(
        8400, "port", "Port the web process listens on; 0: a free one, which is printed.", ge=0, le=65_535
    )
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
    forget_wait_s: float = _setting(
        20, "seconds", "How long a request that forgets one person's rows waits for its end.", ge=0
    )
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
        10,
        "tries",
        "Failed sign-ins of one address or IPv6 /64 in the window; of one account ten times as many.",
        ge=1,
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
    child_threads: int = _setting(0, "threads", "Threads one child computes with; 0: one per core.", ge=0)
    child_what_is_left: bool = _setting(
        False,
        "",
        "Whether children take only what no other process wants of the processors: pages wait less for them. Not where "
        "others never rest.",
    )

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
    database_pool: int = _setting(
        10,
        "connections",
        "Connections one process keeps to the database (at most five to SQLite); a busy moment may take twice as many.",
        ge=1,
    )
    database_wait_s: float = _setting(
        20, "seconds", "How long to wait for a connection or a lock. Proxies in front should wait longer.", gt=0
    )
    database_query_s: float = _setting(60, "seconds", "How long PostgreSQL may work on one statement.", gt=0)
    disk_free_bytes_min: int = _setting(
        256 * MIB, "bytes", "With less room than this in the data folder the server calls itself not ready.", ge=0
    )
    disk_reserve_bytes: int = _setting(
        32 * MIB,
        "bytes",
        "Room on the disk of the objects that files leave to changes and deletions.",
        ge=0,
    )
    metrics_token: SecretStr = _setting(
        SecretStr(""), "", "What /metrics asks for, as Bearer; `off` closes it; empty: open to all who reach the port."
    )
    log_level: Literal["debug", "info", "warning", "error"] = _setting(
        "info", "", "The least that is logged.", ("debug", "info", "warning", "error")
    )
    log_format: Literal["text", "json"] = _setting("text", "", "How a line of the log looks.", ("text", "json"))

    def _fill_addresses(self) -> None:
        data = self.data.absolute()
        database_url = self.database_url or f"sqlite:///{data / 'douane.db'}"
        storage_url = self.storage_url or str(data / "objects")
        self.__dict__.update(data=data, database_url=database_url, storage_url=storage_url)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"settings do not change: {name}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Settings) and other.__dict__ == self.__dict__

    def __hash__(self) -> int:
        return hash(tuple(self.__dict__.values()))

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in self.__dict__.items())})"

    @classmethod
    def model_validate(cls, values: Mapping[str, Any]) -> Self:
        return cls(**values)

    def model_dump(self) -> dict[str, Any]:
        return dict(self.__dict__)

    def model_copy(self, *, update: Mapping[str, Any]) -> Self:
        """With other values, which nobody judges."""
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__, **update)
        return copy

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
        return {f"{PREFIX}{name.upper()}": _typed(value) for name, value in self.__dict__.items()}


Settings.model_fields = {name: one for name, one in vars(Settings).items() if isinstance(one, _Setting)}
for _name, _one in Settings.model_fields.items():
    _one.begin(Settings.__annotations__[_name])

SECRETS = frozenset(name for name in Settings.model_fields if Settings.__annotations__[name] == "SecretStr")


def describe() -> list[tuple[str, str, str, str]]:
    """(name, unit, default, sentence) of each setting, in the order of this file; defaults as they would be typed."""
    return [(name, one.unit, _typed(one.default), one.sentence) for name, one in Settings.model_fields.items()]


def _judged(name: str, field: _Setting, values: Mapping[str, Any]) -> Any:
    if name not in values:
        return field.usual
    # An empty variable of a folder means what none means.
    given = values[name] or field.default if name == "data" else values[name]
    try:
        return field.value(given)
    except ValueError as error:
        raise BadSetting(name, str(error)) from None


def _typed(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
