from __future__ import annotations

import json

import polars as pl
import pytest

from douane.chat import tokens

ADDRESS = "https://files.slack.com/files-pri/T1-F1/a.png"


@pytest.mark.parametrize(
    ("given", "left"),
    [
        (f"{ADDRESS}?t=xoxe-1234-5678-abc%2Fd", ADDRESS),
        (f"{ADDRESS}?t=xoxe-1234&size=2", f"{ADDRESS}?size=2"),
        (f"{ADDRESS}?size=2&t=xoxe-1234", f"{ADDRESS}?size=2"),
        (f"{ADDRESS}?size=2&amp;t=xoxb-1234 and more", f"{ADDRESS}?size=2 and more"),
        (f"{ADDRESS}?t=12", f"{ADDRESS}?t=12"),
        ("a text that says t=xox and no address", "a text that says t=xox and no address"),
        ("", ""),
    ],
)
def test_addresses_leave_without_their_token(given: str, left: str) -> None:
    assert tokens.without(given) == left
    written = json.dumps({"url": given, "more": [given]})
    assert json.loads(tokens.without(written)) == {"url": left, "more": [left]}
    frame = tokens.without_in(pl.DataFrame({"url": [given, None], "number": [1, 2]}))
    assert frame.to_dict(as_series=False) == {"url": [left, None], "number": [1, 2]}
    escaped = written.replace("&", "\\u0026")
    assert json.loads(tokens.without(escaped)) == {"url": left, "more": [left]}
