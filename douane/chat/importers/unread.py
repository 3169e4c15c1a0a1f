"""Whether a file that no importer knows by its name holds messages all the same: by how it begins.

People pack exports again with one file a conversation, one message a line, or beside other things. What seems to hold
messages and is not read counts as a failed record, so that no conversation stays behind without a word.
"""

from __future__ import annotations

import re
import zlib

from douane.archive import shown
from douane.archive_packed import Entries, is_packed, other_packing
from douane.chat.importers.foreign import head_of
from douane.chat.importers.ledger import Ledger
from douane.chat.importers.upload import Upload
from douane.errors import DouaneError

_HEAD_BYTES = 16 << 10
_LOOKED_AT = 2_000  # entries of one archive
_TEXTS = re.compile(r".+\.(?:jsonl?|ndjson|txt|csv|tsv|html?|xml|log)", re.IGNORECASE)
_SLACK_TIME = re.compile(rb'"ts"\s*:\s*"?\d{9,11}(?:\.\d{1,6})?"?\s*[,}]')
_SLACK_WORDS = re.compile(rb'"(?:text|user|type|subtype|bot_id|username)"\s*:')
_JSON_TIME = re.compile(
    rb'"(?:ts|timestamp|timestamp_ms|date|date_unixtime|create_at|created_at|created_date|createdDateTime|sent_at|time)"'
    rb'\s*:\s*"?(?:\d{9,16}|\d{4}-\d\d-\d\d|[A-Z][a-z]+day, )'
)
_JSON_TEXT = re.compile(rb'"(?:text|message|msg|content|body|said)"\s*:\s*["\[{]')
_JSON_WHO = re.compile(
    rb'"(?:user|user_id|username|from|from_id|author|sender|sender_name|sender_id|creator|nick|name)"\s*:\s*["{\d]'
)
_TEXT_LINE = re.compile(
    rb"^[\[(]?(?:\d{4}-\d\d-\d\d|\d{1,2}[./-]\d{1,2}[./-]\d{2,4})[T, ]{1,2}\d{1,2}:\d\d(?::\d\d)?"
    rb"[^\n:]{0,40}?[\])>]?\s*(?:- )?"
    rb"<?[^\n:<>]{1,60}[:>] \S",
    re.MULTILINE,
)


def holds_slack_messages(head: bytes) -> bool:
    """Whether JSON that begins so holds messages as Slack writes them, in a list, an object or one a line."""
    if not head.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0").startswith((b"[", b"{")):
        return False
    head = _narrow(head)
    return _SLACK_TIME.search(head) is not None and _SLACK_WORDS.search(head) is not None


def holds_messages(head: bytes) -> bool:
    """Whether a text that begins so seems to hold messages of any product: who, when and what, more than once said."""
    head = _narrow(head)
    if len(_TEXT_LINE.findall(head)) > 1:
        return True
    json = head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"[", b"{"))
    return json and all(pattern.search(head) for pattern in (_JSON_TIME, _JSON_TEXT, _JSON_WHO))


_ARCHIVE = re.compile(r".+\.(?:zip|tar|tgz|tbz2?|txz|7z|rar|gz|bz2|xz|zst)", re.IGNORECASE)
_ARCHIVES_ASKED = 3  # of one upload
_NAMES_ASKED = 10_000


def is_archive(name: str, head: bytes) -> bool:
    return _ARCHIVE.fullmatch(name) is not None and (is_packed(head) or other_packing(head) is not None)


def inside(upload: Upload) -> str | None:
    """The name of an archive in an upload that is no export itself: people pack what they were given once more. Douane
    opens one archive, not what may be in it, for nobody could say how much that is."""
    if upload.head.startswith(b"\x1f\x8b") and _unpacked(upload.head).startswith(b"PK"):
        return "a zip in a gzip"
    try:
        asked = 0
        for number in range(min(len(upload.entries), _NAMES_ASKED) if upload.packed else 0):
            name = upload.entries.names[number]
            if _ARCHIVE.fullmatch(name) and "__MACOSX" not in name and asked < _ARCHIVES_ASKED:
                asked += 1
                if is_archive(name, head_of(upload.entries, number, _HEAD_BYTES)):
                    return f"“{shown(name)}”"
    except DouaneError:
        return None
    return None


def _unpacked(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(31).decompress(head, 16)
    except zlib.error:
        return b""


def _narrow(head: bytes) -> bytes:
    return head.replace(b"\0", b"") if head[:2] in (b"\xff\xfe", b"\xfe\xff") else head


CODE = "importer-entry-unread"


def fail(ledger: Ledger, name: str) -> None:
    """Accounts for an entry that seems to hold messages and is not read."""
    if _ARCHIVE.fullmatch(name):
        ledger.fail(None, CODE, f"“{shown(name)}” is packed once more inside the archive; what it holds is not read.")
        return
    ledger.fail(None, CODE, f"“{shown(name)}” seems to hold messages; it is nothing that is read of such an export.")


class Sniffing:
    """Of one archive: the beginnings of at most so many entries."""

    def __init__(self, archive: Entries) -> None:
        self._archive = archive
        self._left = _LOOKED_AT
        self._heads: dict[int, bytes] = {}

    def head(self, number: int) -> bytes:
        """Nothing once too many were looked at, or where it cannot be read."""
        if number not in self._heads:
            if self._left <= 0:
                return b""
            self._left -= 1
            self._heads = {number: head_of(self._archive, number, _HEAD_BYTES)}
        return self._heads[number]

    def holds_messages(self, number: int) -> bool:
        """Or may: an archive is not looked into."""
        name = self._archive.names[number]
        if _TEXTS.fullmatch(name):
            return holds_messages(self.head(number))
        return _ARCHIVE.fullmatch(name) is not None and is_archive(name, self.head(number))
