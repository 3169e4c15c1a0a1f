"""Every error Douane raises on purpose: a stable code and a sentence for a person.

Not for wrong data: a wrong cell is a problem (`model/problem.py`), collected and never raised. The core knows no HTTP
status; each surface translates codes in its `wire`. A class has a code of its own; where it is raised with a narrower
one, its docstring lists it, and a test keeps the lists.

    DouaneError
    ├── BadFile            the file as a whole cannot be read
    │   └── OverLimit      a named limit was passed; says which setting
    ├── BadTemplate        a template, column or mapping definition is wrong; says where
    ├── BadRequest         a call's arguments make no sense
    ├── NotFound           no such thing for this caller (also: another project's thing)
    ├── Conflict           the thing exists, or changed meanwhile
    ├── Unstorable         the database refuses a value; says nothing about the rest of the transaction
    ├── WrongStage         the operation does not stand where this call needs it
    ├── NotAllowed         who asks is unknown or may not
    ├── StorageFull        no room left to write; nothing was acknowledged
    ├── Unavailable        the database or the object store does not answer; try again
    ├── OutboundError      another server's address could not be used; says whether trying again can help
    │   ├── Refused            it may not be opened from here
    │   ├── Unreachable        it does not answer, not in time, or not soundly
    │   └── UnexpectedStatus   it answered, but not with success
    ├── Cancelled          someone ended the operation meanwhile
    └── Superseded         this attempt lost its claim to another one; stop quietly
"""

from __future__ import annotations

import errno


class DouaneError(Exception):
    """Base of all. `code` is stable and for programs, `str(error)` is a whole sentence for a person.

    Codes in use: `internal` (a fault of ours), `mail` (the mail server does not take a mail)."""

    code = "error"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code

    @property
    def message(self) -> str:
        return str(self)

    @property
    def codes(self) -> list[str]:
        """Its own code, and after it those of the wider kinds it is of: who knows only those finds them here."""
        return list(dict.fromkeys([self.code, *(kind.code for kind in type(self).__mro__ if hasattr(kind, "code"))]))


class BadFile(DouaneError):
    """Codes in use: `file_empty`, `file_type`, `file_broken`, `file_encrypted`, `sheet_unknown`, `encoding_unknown`,
    `header_unknown` (no such line), `nothing_mapped` (no heading is a column's), `rows_max` (more records than the call
    allows), `file_gone` (what was stored is not there any more), `nothing_found` (an export without a record),
    `image_unknown` (no image of a known kind), `image_doubled` (two of one name),
    `workbook_foreign` (no workbook of this import), `workbook_changed` (one whose rows or columns cannot be told any
    more), `no_importer`, `export_unknown` (no importer knows it), `entries_unread` (a strict upload with parts that
    nobody read), `importer-csv-heading` and `error-import-file-extract-error` (of the chat surface's contract)."""

    code = "file_broken"


class OverLimit(BadFile):
    """`setting` names the limit (see `douane settings`); the message says its value."""

    code = "over_limit"

    def __init__(self, message: str, *, setting: str) -> None:
        super().__init__(f"{message} (setting {setting})")
        self.setting = setting


class BadTemplate(DouaneError):
    """`place` points into the document, e.g. `columns[3].regex`.

    Codes in use: `duplicate_keys`, `column_type`, `pattern`, `format` (of records that leave), `hopeless` (no cell
    could ever be right)."""

    code = "bad_template"

    def __init__(self, message: str, *, place: str = "", code: str | None = None) -> None:
        super().__init__(f"{place}: {message}" if place else message, code=code)
        self.place = place
        self.reason = message


class BadRequest(DouaneError):
    """Codes in use: `cursor_broken`, `cursor_foreign`, `cursor_ahead` (a feed has no such place), `consumer_name`."""

    code = "bad_request"


class NotFound(DouaneError):
    code = "not_found"


class Conflict(DouaneError):
    """Codes in use: `column_key_taken`, `person_exists`, `rows_missing` (a workbook came back without some of its
    rows), `mapped_anew` (the columns are not those of the workbook any more)."""

    code = "conflict"


class Unstorable(DouaneError):
    code = "unstorable"


class WrongStage(DouaneError):
    """`stage` is where the operation stands."""

    code = "wrong_stage"

    def __init__(self, message: str, *, stage: str) -> None:
        super().__init__(message)
        self.stage = stage


class NotAllowed(DouaneError):
    """Codes in use: `bad_credentials`; `token_expired` and `link_over` (an import token or link is good no more)."""

    code = "not_allowed"


class StorageFull(DouaneError):
    code = "storage_full"


def no_room(error: BaseException) -> bool:
    """Whether it says that nothing more can be written: the disk is full, or its user's share of it, or a file may not
    grow. Polars tells it in words only."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return "No space left" in str(error) or f"os error {errno.ENOSPC}" in str(error)


class Unavailable(DouaneError):
    code = "unavailable"


class OutboundError(DouaneError):
    """`again` says whether the same call can succeed later."""

    code = "outbound_unreachable"

    def __init__(self, message: str, *, again: bool, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.again = again


class Refused(OutboundError):
    code = "outbound_refused"

    def __init__(self, message: str) -> None:
        super().__init__(message, again=False)


class Unreachable(OutboundError):
    """Codes in use: `outbound_unreachable`, `outbound_timeout`."""


class UnexpectedStatus(OutboundError):
    """`status` is what came instead of 2xx, `retry_after_s` what the server asks to wait, None if it does not."""

    code = "outbound_status"

    def __init__(self, message: str, *, status: int, retry_after_s: float | None) -> None:
        super().__init__(message, again=status in (408, 425, 429) or status >= 500)
        self.status = status
        self.retry_after_s = retry_after_s


class Cancelled(DouaneError):
    code = "cancelled"


class Superseded(DouaneError):
    """Codes in use: `stopping` (the process ends; the work goes on elsewhere)."""

    code = "superseded"
