from __future__ import annotations

import json

import polars as pl
import pytest

from douane.chat import tables, tokens

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
    assert [tokens.without(given) for given, _ in TOKENS] == [expected for _, expected in TOKENS]
    rows = tables.frame("files", {"url": [given for given, _ in TOKENS], "name": ["x"] * len(TOKENS)})
    assert tokens.without_in(rows)["url"].to_list() == [expected for _, expected in TOKENS]
    assert tokens.without_in(rows.drop("url")).equals(rows.drop("url"))
    assert tokens.without_in(pl.DataFrame(schema=rows.schema)).height == 0
