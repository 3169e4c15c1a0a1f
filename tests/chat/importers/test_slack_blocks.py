from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from douane.chat.importers.slack_blocks import CHARS_MAX, slack_blocks_text
from douane.chat.markup import Names, render


def section(*parts: Any) -> dict[str, Any]:
    return {"type": "rich_text_section", "elements": list(parts)}


def words(text: str, *styles: str) -> dict[str, Any]:
    return {"type": "text", "text": text, "style": dict.fromkeys(styles, True)}


def bullets(*items: str, **more: Any) -> dict[str, Any]:
    elements = [section(words(item)) for item in items]
    return {"type": "rich_text_list", "style": "bullet", "indent": 0, **more, "elements": elements}


def rich(*elements: Any) -> list[Any]:
    return [{"type": "rich_text", "block_id": "x", "elements": list(elements)}]


def inline(*parts: Any) -> list[Any]:
    return rich(section(*parts))


def label(text: str, kind: str = "plain_text") -> dict[str, str]:
    return {"type": kind, "text": text}


# (what it is, blocks, the text Slack would write)
SHAPES: list[tuple[str, list[Any], str]] = [
    (
        "a section's button, choice and placeholder",
        [
            {"type": "section", "accessory": {"type": "button", "text": label("Open"), "url": "https://e.com"}},
            {
                "type": "section",
                "text": label("Pick"),
                "accessory": {"type": "static_select", "placeholder": label("One")},
            },
            {"type": "section", "accessory": {"type": "static_select", "initial_option": {"text": label("Two")}}},
            {
                "type": "section",
                "text": label("Menu"),
                "accessory": {"type": "overflow", "options": [{"text": label("x")}]},
            },
        ],
        "<https://e.com|Open>\nPick\nOne\nTwo\nMenu",
    ),
    (
        "boxes to tick",
        [
            {
                "type": "actions",
                "elements": [
                    {
                        "type": "checkboxes",
                        "options": [{"text": label("a"), "description": label("why"), "value": "1"}],
                    },
                    {"type": "radio_buttons", "options": [{"text": label("b"), "value": "2"}]},
                    {"type": "datepicker", "initial_date": "2020-01-31", "placeholder": label("when")},
                ],
            }
        ],
        "a why b 2020-01-31",
    ),
    (
        "an input",
        [{"type": "input", "label": label("Name"), "element": {"type": "x", "initial_value": "Ada"}}],
        "Name\nAda",
    ),
    (
        "a kind that is not known yet",
        [
            {
                "type": "plan",
                "title": "Plan",
                "tasks": [{"type": "task_card", "title": "First", "output": rich(section(words("done")))[0]}],
                "facts": [{"label": "Who", "value": "Ada"}],
            }
        ],
        "Plan\nFirst\ndone\nWho\nAda",
    ),
    ("entities", inline(words("a <b> & *c*")), "a &lt;b&gt; &amp; *c*"),
    (
        "styles",
        inline(words("b", "bold"), words(" "), words("bi", "bold", "italic"), words(" "), words("s", "strike")),
        "*b* *_bi_* ~s~",
    ),
    ("code with marks", inline(words("say "), words("x *y* <z>", "code", "bold")), "say *`x *y* &lt;z&gt;`*"),
    ("spaces outside marks", inline(words("a"), words(" b ", "bold"), words("c")), "a *b* c"),
    ("marks do not cross lines", inline(words("a\nb", "bold")), "*a*\n*b*"),
    ("neighbours in one style", inline(words("a", "bold"), words("b", "bold")), "*ab*"),
    ("inside a word", inline(words("un"), words("think", "bold"), words("able")), "un\u200b*think*\u200bable"),
    ("unknown style", inline(words("a", "underline", "client_highlight")), "a"),
    (
        "links",
        inline(
            {"type": "link", "url": "https://e.com/?a=1&b=2|3", "text": "A <b>", "style": {"bold": True}},
            words(" "),
            {"type": "link", "url": "https://e.com"},
        ),
        "*<https://e.com/?a=1&amp;b=2%7C3|A &lt;b&gt;>* <https://e.com>",
    ),
    ("a link that runs", inline({"type": "link", "url": "javascript:x", "text": "click"}), "click"),
    (
        "whom it speaks to",
        inline(
            {"type": "user", "user_id": "U1", "style": {"bold": True}},
            {"type": "usergroup", "usergroup_id": "S1"},
            {"type": "channel", "channel_id": "C1"},
            {"type": "broadcast", "range": "here"},
            {"type": "broadcast", "range": "everyone"},
            {"type": "user", "user_id": "U2", "style": {"code": True}},
        ),
        "*<@U1>*<!subteam^S1><#C1><!here><!everyone><@U2>",
    ),
    ("no id", inline({"type": "user", "user_id": "U1> <!here"}, words("x")), "x"),
    (
        "emoji",
        inline({"type": "emoji", "name": "clap", "skin_tone": 3}, {"type": "emoji", "unicode": "1f600-200d-d800"}),
        ":clap::skin-tone-3:\U0001f600\u200d",
    ),
    (
        "dates",
        inline(
            {
                "type": "date",
                "timestamp": 1720710212,
                "format": "{date} at|",
                "url": "https://e.com",
                "fallback": "soon",
            },
            {"type": "date", "timestamp": "never", "fallback": "never"},
        ),
        "<!date^1720710212^{date} at^https://e.com|soon>never",
    ),
    (
        "small parts",
        inline({"type": "color", "value": "#F405B3"}, words(" "), {"type": "team", "team_id": "T1"}),
        "#F405B3 T1",
    ),
    (
        "canvas, file",
        inline(
            {"type": "canvas", "file_id": "F1", "title": "Plan"},
            words(" "),
            {"type": "file", "url": "https://e.com/f", "name": "f.txt"},
        ),
        "Plan <https://e.com/f|f.txt>",
    ),
    ("unheard of", inline({"type": "hologram", "text": "wave"}), "wave"),
    (
        "lists",
        rich(
            section(words("To do:\n")),
            bullets("one", "two", style="ordered"),
            bullets("deep", indent=1),
            bullets("three", style="ordered", offset=2),
        ),
        "To do:\n1. one\n2. two\n    • deep\n3. three",
    ),
    ("an item of two lines", rich(bullets("a\nb")), "• a\n  b"),
    ("a quoted list", rich(bullets("a", "b", border=1)), "&gt; • a\n&gt; • b"),
    (
        "quote and code",
        rich(
            {"type": "rich_text_quote", "elements": [words("a\nb"), {"type": "user", "user_id": "U1"}]},
            {
                "type": "rich_text_preformatted",
                "language": "c",
                "elements": [words("if (a<b)\n  *x*;"), {"type": "link", "url": "https://e.com"}],
            },
        ),
        "&gt; a\n&gt; b<@U1>\n```\nif (a&lt;b)\n  *x*;https://e.com\n```",
    ),
    (
        "section",
        [
            {
                "type": "section",
                "text": label("*b* <@U1> &amp;", "mrkdwn"),
                "fields": [label("f & g"), label("<#C1>", "mrkdwn")],
                "accessory": {"type": "image", "image_url": "https://e.com/i", "alt_text": "pic"},
            }
        ],
        "*b* <@U1> &amp;\nf &amp; g\n<#C1>\n<https://e.com/i|pic>",
    ),
    (
        "header, divider, context",
        [
            {"type": "header", "text": label("Top")},
            {"type": "divider"},
            {
                "type": "context",
                "elements": [
                    {"type": "image", "image_url": "https://e.com", "alt_text": "i"},
                    label("by _me_", "mrkdwn"),
                ],
            },
        ],
        "*Top*\ni by _me_",
    ),
    (
        "image, video",
        [
            {"type": "image", "slack_file": {"url": "https://e.com/s"}, "alt_text": "alt"},
            {"type": "video", "title": label("V"), "video_url": "https://e.com/v", "description": label("about")},
        ],
        "<https://e.com/s|alt>\n<https://e.com/v|V>\nabout",
    ),
    (
        "table",
        [
            {
                "type": "table",
                "rows": [
                    [
                        {"type": "raw_text", "text": "a"},
                        {"type": "rich_text", "elements": [section(words("b", "bold"))]},
                    ],
                    [{"type": "raw_text", "text": "c"}, None],
                ],
            }
        ],
        "a | *b*\nc | ",
    ),
    (
        "markdown",
        [{"type": "markdown", "text": "# Top\n**b** ~~s~~ [l](https://e.com?a&b) `**c**` a < b [x](javascript:y)"}],
        "*Top*\n*b* ~s~ <https://e.com?a&amp;b|l> `**c**` a &lt; b x",
    ),
    (
        "call, file, buttons",
        [
            {"type": "call", "call_id": "R1", "call": {"v1": {"name": "Standup", "join_url": "https://e.com/j"}}},
            {"type": "file", "external_id": "x", "file": {"permalink": "https://e.com/p", "title": "Doc"}},
            {
                "type": "actions",
                "elements": [
                    {"type": "button", "text": label("Go"), "url": "https://e.com/g"},
                    {"type": "button", "text": label("Stop")},
                ],
            },
        ],
        "<https://e.com/j|Standup>\n<https://e.com/p|Doc>\n<https://e.com/g|Go> Stop",
    ),
    (
        "what is not known yet",
        [
            {"type": "alert", "text": label("careful <now>")},
            {"type": "contact_card", "name": "Bob", "fields": [{"label": "Phone"}]},
            {"type": "condition", "blocks": [{"type": "section", "text": label("inner")}]},
            {"type": "input", "label": label("Your name"), "element": {"type": "plain_text_input"}},
        ],
        "careful &lt;now&gt;\nBob\nPhone\ninner\nYour name",
    ),
]


@pytest.mark.parametrize(("blocks", "text"), [shape[1:] for shape in SHAPES], ids=[shape[0] for shape in SHAPES])
def test_shapes(blocks: list[Any], text: str) -> None:
    assert slack_blocks_text(blocks)[0] == text
    assert slack_blocks_text(json.dumps(blocks))[0] == text
    assert slack_blocks_text(json.dumps(blocks).encode())[0] == text


def test_mentions_of_blocks() -> None:
    blocks = inline(
        {"type": "user", "user_id": "U1"},
        words("<@U2> <!here>"),
        {"type": "usergroup", "usergroup_id": "S1"},
        {"type": "broadcast", "range": "channel"},
    ) + [{"type": "section", "text": label("<@U3> <@U1>", "mrkdwn")}]
    assert slack_blocks_text(blocks)[1] == [("user", "U1"), ("group", "S1"), ("channel_all", ""), ("user", "U3")]


def test_from_blocks_to_a_destination() -> None:
    blocks = rich(
        section(words("Hi "), {"type": "user", "user_id": "U1"}, words(", "), words("a<b", "code"), words(" is "))
    )
    blocks += rich({"type": "rich_text_preformatted", "elements": [words("*x* <@U1> ~y~")]})
    text, _ = slack_blocks_text(blocks)
    names = Names(users={"U1": "bob"})
    assert render(text, "slack_mrkdwn", "mattermost", names) == "Hi @bob, `a<b` is \n```\n*x* <@U1> ~y~\n```"


@pytest.mark.parametrize("broken", [b"", b"\xff", "[", "null", "{}", "7", '"x"', "[" * 100_000, "[1e999, NaN]", []])
def test_what_is_no_list_of_blocks(broken: Any) -> None:
    assert slack_blocks_text(broken) == ("", [])


def test_bounds() -> None:
    deep: list[Any] = [{"type": "section", "text": label("x")}]
    for _ in range(900):
        deep = [{"type": "box", "text": "y", "blocks": deep}]
    assert slack_blocks_text(deep)[0].split("\n")[0] == "y"
    wide: list[Any] = [label("x")]
    for _ in range(40):
        wide = [{"type": "box", "elements": wide, "blocks": wide, "fields": wide}]
    assert len(slack_blocks_text(wide)[0]) < CHARS_MAX
    assert len(slack_blocks_text(inline(*[words("z" * 100_000)] * 100))[0]) <= CHARS_MAX
    assert slack_blocks_text(rich(bullets(*["x"] * 100_000)))[0].startswith("• x\n• x\n")
    assert slack_blocks_text('[{"type":"markdown","text":"a\\ud83db"}]')[0] == "a\ufffdb"


KEYS = ["type", "text", "elements", "style", "url", "user_id", "fields", "rows", "indent", "call", "file", "title"]
TYPES = ["rich_text", "rich_text_section", "rich_text_list", "rich_text_quote", "rich_text_preformatted", "section"]
TYPES += ["context", "table", "markdown", "call", "file", "actions", "text", "link", "emoji", "date", "image", "video"]
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(TYPES) | st.text(max_size=8)
JSON = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)
        | st.builds(
            lambda kind, more: {**more, "type": kind},
            st.sampled_from(TYPES),
            st.dictionaries(st.sampled_from(KEYS), inner),
        )
    ),
    max_leaves=25,
)


@given(st.lists(JSON, max_size=4))
def test_any_json_gives_a_text(blocks: list[Any]) -> None:
    text, mentions = slack_blocks_text(blocks)
    assert isinstance(text, str)
    assert isinstance(mentions, list)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40))
def test_typed_text_is_exact(text: str) -> None:
    shown, mentions = slack_blocks_text(inline(words(text)))
    assert render(shown, "slack_mrkdwn", "plain") == (text.rstrip("\n") if text.strip() else "")
    assert mentions == []
