from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from douane.chat.markup import Names, emoji_name, escape, html_to_text, mentions, render

# Inputs and Zulip's own text for them; Zulip, Apache-2.0 (data/zulip/NOTICE.txt).
ZULIP = Path(__file__).parent / "data" / "zulip" / "slack_message_conversion.json"
DESTINATIONS = ("rocketchat", "mattermost", "plain", "markdown")
KINDS = ("slack_mrkdwn", "plain", "gfm", "html")
NAMES = Names(
    users={"U1": "bob", "U2": "ann", "W9": "a <b> & c"}, channels={"C1": "general"}, groups={"S1": "developers"}
)


def rendered(text: str, kind: str = "slack_mrkdwn") -> tuple[str, ...]:
    return tuple(render(text, kind, to, NAMES) for to in DESTINATIONS)


def everywhere(shown: str) -> tuple[str, ...]:
    return (shown,) * 4


# text -> as rocketchat, mattermost, plain and markdown have it
TOKENS = {
    "<@U1>": everywhere("@bob"),
    "<@U1|robert>": everywhere("@bob"),
    "<@U1> <@U2|x>": everywhere("@bob @ann"),
    "(<@U1>), <@U2>.": everywhere("(@bob), @ann."),
    "<@W9>": everywhere("@a <b> & c"),
    "<@U7|zoe>": ("@U7", "@zoe", "@zoe", "@zoe"),
    "<@U7|@zoe>": ("@U7", "@zoe", "@zoe", "@zoe"),
    "<@U7|>": everywhere("@U7"),
    "<@B7>": everywhere("@B7"),
    "<@USLACKBOT>": ("@rocket.cat", "@USLACKBOT", "@USLACKBOT", "@USLACKBOT"),
    "<#C1>": ("#general", "~general", "#general", "#general"),
    "<#C1|old-name>": ("#general", "~general", "#general", "#general"),
    "<#C7|dev-ops>": ("#dev-ops", "~dev-ops", "#dev-ops", "#dev-ops"),
    "<#G7|>": ("#G7", "~G7", "#G7", "#G7"),
    "<!here> <!here|here> <@here>": everywhere("@here @here @here"),
    "<!channel> <!channel|@channel>": ("@all @all", "@channel @channel", "@channel @channel", "@channel @channel"),
    "<!everyone>": ("@all", "@all", "@everyone", "@everyone"),
    "<!subteam^S1|@old>": everywhere("@developers"),
    "<!subteam^S7|@ops>": everywhere("@ops"),
    "<!subteam^S7>": everywhere("@S7"),
    "<!date^1392734382^{date} at {time}|February 18th>": everywhere("February 18th"),
    "<!date^1392734382^{date}>": everywhere("2014-02-18 14:39 UTC"),
    "<!date^1392734382^{date}^https://e.com/|Feb 18>": (
        "[Feb 18](https://e.com/)",
        "[Feb 18](https://e.com/)",
        "Feb 18 (https://e.com/)",
        "[Feb 18](https://e.com/)",
    ),
    "<!date^soon^{date}>": everywhere("<!date^soon^{date}>"),
    "<!unheard|of>": everywhere("of"),
    "<https://e.com/?a=1&amp;b=2>": everywhere("https://e.com/?a=1&b=2"),
    "<https://e.com/?a&amp;b|A &amp; B>": (
        "[A & B](https://e.com/?a&b)",
        "[A & B](https://e.com/?a&b)",
        "A & B (https://e.com/?a&b)",
        "[A & B](https://e.com/?a&b)",
    ),
    "<http://e.com|e.com>": (*(["[e.com](http://e.com)"] * 2), "http://e.com", "[e.com](http://e.com)"),
    "<slack://open?team=T1|open>": (
        *(["[open](slack://open?team=T1)"] * 2),
        "open (slack://open?team=T1)",
        "[open](slack://open?team=T1)",
    ),
    "<mailto:a@e.com|a@e.com>": (*(["[a@e.com](mailto:a@e.com)"] * 2), "a@e.com", "[a@e.com](mailto:a@e.com)"),
    "<mailto:a@e.com>": (*(["[a@e.com](mailto:a@e.com)"] * 2), "a@e.com", "[a@e.com](mailto:a@e.com)"),
    "<tel:+4930123|call>": (*(["[call](tel:+4930123)"] * 2), "call (+4930123)", "[call](tel:+4930123)"),
    # What is none stays, and a broken one does not swallow the next.
    "<@U1 <@U2>": everywhere("<@U1 @ann"),
    "<<@U1>>": everywhere("<@bob>"),
    "<@U1": everywhere("<@U1"),
    "<> <b> <no|link> 1 < 2 > 1": everywhere("<> <b> <no|link> 1 < 2 > 1"),
    "<@a b>": everywhere("<@a b>"),
    # Entities, once.
    "&lt;@U1&gt;": everywhere("<@U1>"),
    "&amp;lt; &amp;amp; &quot;": everywhere("&lt; &amp; &quot;"),
    "R&amp;D &lt;3": everywhere("R&D <3"),
}


@pytest.mark.parametrize("text", TOKENS)
def test_tokens(text: str) -> None:
    assert rendered(text) == TOKENS[text]


MARKS = {
    "*b* _i_ ~s~": "**b** _i_ ~~s~~",
    "(*b*), *c d*!": "(**b**), **c d**!",
    "_*both*_ *_both_* ~*both*~ *~both~*": "_**both**_ **_both_** ~~**both**~~ **~~both~~**",
    "*hello <@U1>, see <https://e.com/*x*|a *star*>*": "**hello @bob, see [a *star*](https://e.com/*x*)**",
    "*R&amp;D*": "**R&D**",
    "*it`s bold*": "**it`s bold**",
    "a*b*c 2 * 3 * 4 * x*": "a*b*c 2 * 3 * 4 * x*",
    "**w** ***w*** ~~w~~": "**w** ***w*** ~~w~~",
    "*not\nacross*": "*not\nacross*",
    "*été* *日本*": "**été** **日本**",
    "`*a* ~b~` *`c*`*": "`*a* ~b~` **`c*`**",
    "*x` `y* z`": "*x` `y* z`",
}


@pytest.mark.parametrize("text", MARKS)
def test_marks_become_markdown_and_stay_as_they_are_elsewhere(text: str) -> None:
    assert render(text, "slack_mrkdwn", "mattermost", NAMES) == MARKS[text]
    assert render(text, "slack_mrkdwn", "markdown", NAMES) == MARKS[text]
    marked = re.sub(r"<@U1>", "@bob", text).replace("&amp;", "&").replace("<https://e.com/*x*|a *star*>", "LINK")
    assert render(text, "slack_mrkdwn", "plain", NAMES).replace("a *star* (https://e.com/*x*)", "LINK") == marked
    assert render(text, "slack_mrkdwn", "rocketchat", NAMES).replace("[a *star*](https://e.com/*x*)", "LINK") == marked


def test_quotes() -> None:
    text = "one\n&gt; two\n&gt; three\nfour\n&gt;&gt;&gt; five\nsix"
    assert render(text, "slack_mrkdwn", "rocketchat") == "one\n> two\n> three\nfour\n> five\n> six"
    # There an empty line ends a quote, and nothing else.
    assert render(text, "slack_mrkdwn", "mattermost") == "one\n> two\n> three\n\nfour\n> five\n> six"
    assert render(text, "slack_mrkdwn", "plain") == "one\n> two\n> three\nfour\n>>> five\nsix"
    assert render("a &gt; b\n&lt;c", "slack_mrkdwn", "mattermost") == "a > b\n<c"
    assert render("&gt;&gt;&gt;a\n```\nb\nc```\nd", "slack_mrkdwn", "mattermost") == "> a\n```\nb\nc\n```\n> d"


def test_fences_stand_on_their_own_lines() -> None:
    for to in ("rocketchat", "mattermost", "markdown"):
        assert render("see ```a\nb``` end", "slack_mrkdwn", to) == "see \n```\na\nb\n```\n end"
        assert render("x\n```\ncode\n```\ny", "slack_mrkdwn", to) == "x\n```\ncode\n```\ny"
        # What follows the opening is no language in Slack.
        assert render("```js\nlet a```", "slack_mrkdwn", to) == "```\njs\nlet a\n```"
        assert render("```a``` ```b```", "slack_mrkdwn", to) == "```\na\n```\n \n```\nb\n```"
        assert render("```never &lt;closed", "slack_mrkdwn", to) == "```never <closed"
    # No mark reaches into one.
    assert render("*```a* b``` ~`x~`", "slack_mrkdwn", "mattermost") == "*\n```\na* b\n```\n ~`x~`"
    assert render("see ```a\nb``` end", "slack_mrkdwn", "plain") == "see ```a\nb``` end"


def test_code_is_left_as_it_was_typed() -> None:
    code = "`*b* ~s~ <@U1> <#C1|x> <!here> <https://e.com|label> :simple_smile: [x](javascript:y) &gt;&gt;&gt;`"
    assert rendered(code) == everywhere(code.replace("&gt;", ">"))
    assert mentions(code, "slack_mrkdwn") == []
    assert mentions("```\n<@U1>``` <@U2>", "slack_mrkdwn") == [("user", "U2")]
    # Slack puts these around what is typed as an address; a typed `<` would be an entity.
    assert rendered("`curl <https://e.com/?a&amp;b> <http://e.com|e.com> <mailto:a@e.com|a@e.com>`") == everywhere(
        "`curl https://e.com/?a&b e.com a@e.com`"
    )
    # Inside words they are apostrophes.
    assert mentions("it`s <@U1>, isn`t it", "slack_mrkdwn") == [("user", "U1")]


def test_emoji() -> None:
    text = ":simple_smile: :memo: :piggy: :uk: :tada: 10:20:30 `:memo:` :clap::skin-tone-2: :+1::skin-tone-6:"
    assert render(text, "slack_mrkdwn", "rocketchat") == (
        ":smile: :pencil: :pig: :gb: :tada: 10:20:30 `:memo:` :clap_tone1: :+1_tone5:"
    )
    assert render(text, "slack_mrkdwn", "mattermost") == (
        ":simple_smile: :memo: :piggy: :uk: :tada: 10:20:30 `:memo:` :clap_light_skin_tone: :+1_dark_skin_tone:"
    )
    assert render(text, "slack_mrkdwn", "plain") == text
    assert emoji_name("clap", 4, "rocketchat") == "clap_tone3"
    assert emoji_name("clap", 4, "mattermost") == "clap_medium_skin_tone"
    assert emoji_name("clap", 4, "plain") == "clap::skin-tone-4"
    assert emoji_name("simple_smile", 0, "rocketchat") == "smile"


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "java&amp;#115;cript:x",
        "java&amp;Tab;script:x",
        " javascript:x",
        "java\tscript:x",
        "\x01javascript:x",
        "java" + "&amp;Tab;" * 500 + "script:x",
    ],
)
def test_addresses_that_run_something_never_become_links(address: str) -> None:
    for to in ("rocketchat", "mattermost", "markdown"):
        shown = render(f"<{address}|click> [typed]({address}) [ref]: {address}", "slack_mrkdwn", to)
        assert "](" not in shown
        assert "]:" not in shown
        assert shown.startswith(("click ", "<"))
        assert f"[click]({address}" not in shown
        for kind in ("gfm", "plain"):
            raw = address.replace("&amp;", "&")
            assert "](" not in render(f"[typed]({raw}) [safe] (x)", kind, to)
            assert f"[typed](<{raw}" not in render(f"[typed](<{raw}>)", kind, to)
    escaped = address.replace("&amp;", "&").replace("\t", "&#9;")
    assert "](" not in html_to_text(f'<a href="{escaped}">click</a><img src="{escaped}" alt="x">')


def test_addresses_in_angles_are_no_links_either() -> None:
    assert render("&lt;javascript:x&gt; &lt;http://e.com&gt;", "slack_mrkdwn", "mattermost") == (
        "< javascript:x> <http://e.com>"
    )
    assert render("<JAVASCRIPT:x>", "gfm", "markdown") == "< JAVASCRIPT:x>"
    assert render("a[i](x) [y](z:1)", "slack_mrkdwn", "markdown") == "a[i](x) [y](z:1)"


def test_links_keep_their_shape() -> None:
    text = "<https://e.com/a_(b)|wiki> <https://e.com/a)b|[JIRA-1] x> <https://e.com/a b|n\nl> !<https://e.com|e>"
    assert render(text, "slack_mrkdwn", "mattermost") == (
        r"[wiki](https://e.com/a_(b)) [\[JIRA-1\] x](https://e.com/a%29b) [n l](https://e.com/a%20b) ! [e](https://e.com)"
    )
    assert render(text, "slack_mrkdwn", "rocketchat") == (
        "[wiki](https://e.com/a_(b)) [[JIRA-1] x](https://e.com/a%29b) [n l](https://e.com/a%20b) ! [e](https://e.com)"
    )
    # What touches a bare address would become a part of it.
    assert render("<https://e.com>を", "slack_mrkdwn", "rocketchat") == "[https://e.com](https://e.com)を"
    assert render("(<https://e.com>).", "slack_mrkdwn", "rocketchat") == "(https://e.com)."


def test_mentions_are_apart_from_words() -> None:
    assert render("a<@U1>b<@U1><@U2>さん", "slack_mrkdwn", "rocketchat", NAMES) == "a @bob b @bob @annさん"
    assert render("a<@U1>b", "slack_mrkdwn", "plain", NAMES) == "a@bobb"


MENTIONS = {
    "<@U1> <@U2|x>": [("user", "U1"), ("user", "U2")],
    "(<@U1>),<@U2>.<@U1>": [("user", "U1"), ("user", "U2")],
    "&lt;@U1&gt; @U1 <https://e.com/@U1|@U1>": [],
    "<#C1|dev-ops> <#C2>": [("channel", "C1"), ("channel", "C2")],
    "<!here> <!channel|@channel> <!everyone> <@here> <!group>": [
        ("here", ""),
        ("channel_all", ""),
        ("everyone", ""),
    ],
    "<!subteam^S1|@devs> <!date^1^x|y> <!subteam^>": [("group", "S1")],
    "*<@U1>* &gt; <@U2": [("user", "U1")],
    "<@U1|<@U2>": [("user", "U2")],
}


@pytest.mark.parametrize("text", MENTIONS)
def test_mentions(text: str) -> None:
    assert mentions(text, "slack_mrkdwn") == MENTIONS[text]


def test_mentions_as_typed() -> None:
    text = "@bob, (@ann.b) a@e.com `@code` #general #12 ~town @all @here @channel @bob http://e.com/@x"
    expected = [
        ("user", "bob"),
        ("user", "ann.b"),
        ("channel", "general"),
        ("channel", "town"),
        ("everyone", ""),
        ("here", ""),
        ("channel_all", ""),
    ]
    assert mentions(text, "plain") == expected
    assert mentions(text, "gfm") == expected
    assert mentions("<b>@bob</b> a@e.com <code>@x</code>", "html") == [("user", "bob")]


def test_plain_and_gfm() -> None:
    plain = "*a* <@U5> &amp; [x](y) ```z```"
    assert rendered(plain, "plain") == everywhere(plain)
    assert render("@U1, #C1 and ~C1; a@U1 `@U1`", "plain", "mattermost", NAMES) == (
        "@bob, ~general and ~general; a@U1 `@U1`"
    )
    assert render("*i* **b** `*c*` [l](http://e.com)", "gfm", "rocketchat") == "_i_ **b** `*c*` [l](http://e.com)"
    assert render("*i* **b** `*c*` [l](http://e.com)", "gfm", "mattermost") == "*i* **b** `*c*` [l](http://e.com)"
    assert render("[l](http://e.com) `[l](http://e.com)`", "gfm", "plain") == "l (http://e.com) `[l](http://e.com)`"


HTML = {
    "<strong>a</strong> <b>b</b> <i>c</i> <em>d</em> <s>e</s>": "*a* *b* _c_ _d_ ~e~",
    "one<br>two<BR/>three<hr>four": "one\ntwo\nthreefour",
    '<img src="http://e.com/i.png" alt="pic">': "[pic](http://e.com/i.png)",
    "<img src='http://e.com/i.png'>": "http://e.com/i.png",
    '<a href="http://e.com/?a=1&amp;b=2">link</a>': "[link](http://e.com/?a=1&b=2)",
    "<a href=http://e.com>http://e.com</a>": "http://e.com",
    "<a href='http://e.com'><img src='http://e.com/i' alt='i'></a>": "[i](http://e.com)",
    "<a>none</a> <a href=''>none</a>": "none none",
    "<pre>a\n  &lt;b&gt; <b>*c*</b></pre> <code>x <i>y</i></code>": "```\na\n  <b> *c*\n```\n`x y`",
    "a&amp;b &lt;c&gt; &eacute; &#8364; &amp;lt;": "a&b <c> é € &lt;",
    "  two\n  words\t ": "two words",
    "<p>one</p><p>two</p><ul><li>x</li><li>y</li></ul>": "one\ntwo\nx\ny",
    "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>": "a b\nc",
    "<b> spaced </b>and <b>a<br>b</b> <b><b>twice</b></b> <b></b>.": "*spaced* and *a*\n*b* *twice* .",
    "x<!-- gone <b> -->y<script>evil()</script><style>p{}</style>z<!DOCTYPE html>": "xyz",
    "1 < 2 > 1 <3 <": "1 < 2 > 1 <3 <",
    "<b>open <i>never closed": "*open _never closed_*",
    "</b></i>closed</a>": "closed",
    "<b onclick='x>y' title=\"a>b\">t</b>": "*t*",
}


@pytest.mark.parametrize("text", HTML)
def test_html(text: str) -> None:
    assert html_to_text(text) == HTML[text]


def test_html_elsewhere() -> None:
    text = "<b>a</b> <i>b</i> <s>c</s> <a href='http://e.com'>d</a> <code>e</code>"
    assert rendered(text, "html") == (
        "*a* _b_ ~c~ [d](http://e.com) `e`",
        "**a** _b_ ~~c~~ [d](http://e.com) `e`",
        "a b c d (http://e.com) e",
        "**a** _b_ ~~c~~ [d](http://e.com) `e`",
    )


def test_zulips_samples() -> None:
    """Where both say the same thing the same way; Zulip's stars for italics are our underscores."""
    samples = json.loads(ZULIP.read_text())["regular_tests"]
    same = {
        each["name"]
        for each in samples
        if render(each["input"], "slack_mrkdwn", "markdown") == each["conversion_output"]
    }
    assert same >= {
        "slack_link1",
        "slack_link2",
        "invalid_strikethrough_test",
        "invalid_italic_test",
        "invalid_bold_test",
        "no_conversion",
        "bold_and_strike_conversion",
    }
    italic = {each["name"]: each for each in samples if each["name"].startswith(("valid_bold_and", "italic_and"))}
    assert len(italic) == 3
    for sample in italic.values():
        shown = render(sample["input"], "slack_mrkdwn", "markdown")
        assert re.sub(r"_", "*", shown) == sample["conversion_output"]


def test_unknown_kinds_and_destinations() -> None:
    with pytest.raises(ValueError, match="destination"):
        render("x", "plain", "irc")
    with pytest.raises(ValueError, match="kind"):
        render("x", "rtf", "plain")


# --- in general ------------------------------------------------------------------------------------------------------

PIECES = st.sampled_from(
    [
        "<",
        ">",
        "@",
        "#",
        "!",
        "|",
        "*",
        "_",
        "~",
        "`",
        "```",
        "&",
        "&amp;",
        "&lt;",
        "&gt;",
        "\n",
        " ",
        "a",
        "U1",
        "é",
        ":",
    ]
    + ["<@U1>", "<@U2|x>", "<!here>", "<https://e.com|l>", "](", "javascript:", "^", "<!date^", "1", ")", "[", "<b>"]
)
HOSTILE = st.lists(PIECES, max_size=40).map("".join) | st.text(max_size=60)


@given(HOSTILE, st.sampled_from(KINDS), st.sampled_from(DESTINATIONS))
def test_any_text_gives_a_text(text: str, kind: str, to: str) -> None:
    assert isinstance(render(text, kind, to, NAMES), str)
    for mention, target in mentions(text, kind):
        assert (mention in ("user", "channel", "group")) == bool(target)


@given(HOSTILE)
def test_escaped_text_is_itself_and_speaks_to_nobody(text: str) -> None:
    assert render(escape(text), "slack_mrkdwn", "plain", NAMES) == text
    assert mentions(escape(text), "slack_mrkdwn") == []


@given(HOSTILE.filter(lambda text: "`" not in text and "\n" not in text and text), st.sampled_from(DESTINATIONS))
def test_code_is_untouched(text: str, to: str) -> None:
    assert f"`{text}`" in render(f"see `{escape(text)}` <@U1>", "slack_mrkdwn", to, NAMES)


@given(HOSTILE.filter(lambda text: "`" not in text and text), HOSTILE.filter(lambda text: "`" not in text))
def test_fences_are_untouched(text: str, before: str) -> None:
    for to in DESTINATIONS:
        shown = render(f"{escape(before)}```{escape(text)}```", "slack_mrkdwn", to, NAMES)
        assert text in shown
        code = shown[shown.index("```") + 3 : shown.rindex("```")]
        assert code.strip("\n") == text.strip("\n")


@given(
    st.lists(st.sampled_from(["<@U1>", "<@U2|x>", "<#C1|y>", "<!here>", "<!subteam^S1|@z>"]), min_size=1, max_size=8)
)
def test_every_token_is_found_whatever_stands_between(tokens: list[str]) -> None:
    expected = {
        "<@U1>": ("user", "U1"),
        "<@U2|x>": ("user", "U2"),
        "<#C1|y>": ("channel", "C1"),
        "<!here>": ("here", ""),
        "<!subteam^S1|@z>": ("group", "S1"),
    }
    for between in ("", " ", ",", "(", "*", "&lt;", "\n&gt; ", "x", "<b>"):
        assert mentions(between.join(tokens), "slack_mrkdwn") == list(dict.fromkeys(expected[each] for each in tokens))


@pytest.mark.parametrize(
    "unit",
    ["<", "<@U1", "<a|", "*a ", "~*", "*<*a>", "a`*`b", "```a", "](a:", "\n>>>", "<a ", "<!--", "<b>", "@a.", "&gt;"],
)
def test_long_hostile_texts_come_through(unit: str) -> None:
    """Without a bound on time the suite's own limit would end this one (`--timeout`)."""
    text = unit * (200_000 // len(unit))
    for kind in KINDS:
        for to in ("mattermost", "plain"):
            assert render(text, kind, to, NAMES) is not None
