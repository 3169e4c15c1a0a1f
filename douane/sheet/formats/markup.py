"""What begins a file of markup, in whatever form of Unicode it is."""

from __future__ import annotations

import codecs

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WITHOUT_MARK = ((b"<\0\0\0", "utf-32-le"), (b"\0\0\0<", "utf-32-be"), (b"<\0", "utf-16-le"), (b"\0<", "utf-16-be"))


def opening(head: bytes) -> tuple[str, str]:
    """(the first signs of a file that may be markup, its encoding as far as its first bytes say it, else ""). Bytes
    that are no text in it are left out: what is looked for is ASCII."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return head[len(mark) : 16384].decode(name, "ignore").lstrip(), name
    bare = head.lstrip(b" \t\r\n\0")
    if not bare.startswith(b"<") and not head.startswith(b"\0"):
        return head[:16384].decode("latin-1").lstrip(), ""
    for begin, name in _WITHOUT_MARK:
        if head.startswith(begin):
            return head[:16384].decode(name, "ignore").lstrip(), name
    return head[:16384].decode("latin-1").lstrip(), ""
