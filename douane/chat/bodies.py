"""Whether the bytes of a file are that file, or a web page that a server gave in its place."""

from __future__ import annotations

import re

HEAD_BYTES = 2048
_PAGE = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.I | re.S
)
_TEXT_TYPES = ("text/", "application/xhtml", "application/xml", "application/json", "application/vnd.slack-docs")
_MAY_BE_ANY = ("", "application/octet-stream", "binary/octet-stream")
_TEXT_NAMES = re.compile(
    r".*\.(?:x?html?|mht|mhtml|shtml|xml|svg|txt|md|log|eml|php|jsp?|aspx?|tsx?|vue|erb|ejs|hbs|tpl|tmpl|j2|py|rb|go|rs|java"
    r"|css|json|ya?ml|csv|canvas|quip|webarchive)",
    re.IGNORECASE,
)


def is_page(head: bytes, media_type: str | None, name: str | None) -> bool:
    """Whether bytes that begin so are a web page, where a file of that media type and name is none: exports hold pages
    to sign in where the tool that fetched the files was not let in."""
    if _PAGE.match(head) is None:
        return False
    media_type, name = (media_type or "").lower().split(";")[0].strip(), (name or "").strip()
    if media_type.startswith(_TEXT_TYPES) or _TEXT_NAMES.fullmatch(name):
        return False
    return media_type not in _MAY_BE_ANY or "." in name
