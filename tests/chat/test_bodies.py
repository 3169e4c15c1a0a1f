from __future__ import annotations

import pytest

from douane.chat.bodies import is_page

PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head>"


@pytest.mark.parametrize(
    ("head", "media_type", "name", "expected"),
    [
        (PAGE, "audio/mpeg", "song.mp3", True),
        (b"\xef\xbb\xbf\n <!-- x --><HTML lang=en>", "image/png", "a.png", True),
        (b'<?xml version="1.0"?>\n<!doctype html>', "application/pdf", "a.pdf", True),
        (PAGE, None, "song.mp3", True),
        (PAGE, "application/octet-stream", "a.zip", True),
        (PAGE, "text/html", "page.html", False),
        (PAGE, "text/plain", "snippet", False),
        (PAGE, "application/vnd.slack-docs", "Plan", False),
        (PAGE, "application/octet-stream", "template.jinja.html", False),
        (PAGE, None, None, False),
        (b"ID3\x04\0", "audio/mpeg", "song.mp3", False),
        (b"<svg xmlns=''>", "image/svg+xml", "a.svg", False),
        (b"", "audio/mpeg", "song.mp3", False),
    ],
)
def test_a_page_in_place_of_a_file(head: bytes, media_type: str | None, name: str | None, expected: bool) -> None:
    assert is_page(head, media_type, name) is expected
