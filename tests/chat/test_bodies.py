from __future__ import annotations

import polars as pl
import pytest

from douane.chat.bodies import is_page
from douane.chat.tables import frame, without_token, without_tokens

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


TOKENS = [
    ("https://files.slack.com/a.png?t=xoxe-1-abc-DEF", "https://files.slack.com/a.png"),
    ("https://files.slack.com/a.png?t=xoxe-1-abc&x=1", "https://files.slack.com/a.png?x=1"),
    ("<https://files.slack.com/a?x=1&amp;t=xoxe-1-abc|a>", "<https://files.slack.com/a?x=1|a>"),
    ('{"url":"https:\\/\\/files.slack.com\\/a?t=xoxe-1-abc","n":1}', '{"url":"https:\\/\\/files.slack.com\\/a","n":1}'),
    ("a key xoxe.xoxp-1-Mi0y here", "a key  here"),
    ("our bot's xoxb-123456 leaked", "our bot's xoxb-123456 leaked"),
    ("plain", "plain"),
]


def test_keys_of_an_export_are_in_nothing_that_leaves() -> None:
    assert [without_token(given) for given, _ in TOKENS] == [expected for _, expected in TOKENS]
    rows = frame("files", {"url": [given for given, _ in TOKENS], "name": ["x"] * len(TOKENS)})
    assert without_tokens(rows)["url"].to_list() == [expected for _, expected in TOKENS]
    assert without_tokens(rows.drop("url")).equals(rows.drop("url"))
    assert without_tokens(pl.DataFrame(schema=rows.schema)).height == 0
