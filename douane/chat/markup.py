"""One product's text -> another's: what a message says, in the dialect of where it is shown or sent.

Pure and total: any text gives a text, in time linear in its length. Slack's text is read by one tokenising expression
(formats 2.12): code first, then `<...>` tokens, then marks; entities are decoded last and once, so `&lt;@U1&gt;` is
never a mention. Code is shown as it was typed, save the `<...>` that Slack itself puts around addresses in code.
Addresses that would run a script or carry a document (`javascript:`, `vbscript:`, `data:`) never become links.

Not here: Slack's blocks (`slack_blocks.py`), and which text of a message counts.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from string import ascii_lowercase

Match = re.Match[str]


@dataclass(frozen=True, slots=True)
class Names:
    """What stands for an import id: after `@`, after the channel's sign, after the `@` of a group. An id that is not
    there is shown by the label of its token, else as itself."""

    users: Mapping[str, str] = field(default_factory=dict)
    channels: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)


NO_NAMES = Names()


def render(text: str, kind: str, to: str, names: Names = NO_NAMES) -> str:
    """`text`, written as `kind` (slack_mrkdwn, plain, gfm, html), for `to` (rocketchat, mattermost, plain, markdown).

    plain keeps Slack's marks as they were typed and writes links as `label (address)`; the others keep what is shown
    the same. For rocketchat an unknown user is `@ID`, because the run replaces import ids (contract 5.2, 6.4); the
    special mentions and emoji are the contract's. ValueError: no such kind or destination.
    """
    dialect = _dialect(to)
    if kind == "slack_mrkdwn":
        return _slack(text, dialect, names)
    if kind == "html":
        return _renamed(_from_html(text, dialect), dialect, names)
    if kind == "gfm":
        return _renamed(_gfm(text, dialect), dialect, names)
    if kind == "plain":
        return _renamed(_disarmed(text) if dialect.links else text, dialect, names)
    raise ValueError(f"no such kind of text: {kind}")


def mentions(text: str, kind: str) -> list[tuple[str, str]]:
    """(kind, target) of whom a text speaks to, in order, each once: user, channel and group with the id in the token
    (for the other kinds of text: the name as typed), here, channel_all and everyone with "". None from code."""
    if kind == "slack_mrkdwn":
        if "<" not in text:
            return []
        found = (_token_mention(match) for match in _TOKENS.finditer(text) if match[1] is not None)
    else:
        if "@" not in text and "#" not in text and "~" not in text:
            return []
        if kind == "html":
            text = html_to_text(text)
        found = (_typed_mention(match) for match in _TYPED.finditer(text) if match[2])
    return list(dict.fromkeys(mention for mention in found if mention))


def html_to_text(text: str) -> str:
    """HipChat's HTML messages as Rocket.Chat's Markdown (contract 5.4): `<b>` `*`, `<i>` `_`, `<s>` `~`, `<br>` and
    blocks on lines of their own, `<hr>` dropped, `<img>` `[alt](src)`, `<a>` `[text](href)`, code as code."""
    return _from_html(text, _DIALECTS["rocketchat"])


def emoji_name(name: str, tone: int, to: str) -> str:
    """A Slack emoji's name, without colons, as `to` knows it. `tone` 2 to 6 is Slack's skin tone, 0 none."""
    dialect = _dialect(to)
    return dialect.emoji.get(name, name) + (dialect.tones[tone - 2] if 2 <= tone <= 6 else "")


def escape(text: str) -> str:
    """Text as Slack writes it between tokens: `&` `<` `>` as entities, nothing else."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


# --- the dialects ----------------------------------------------------------------------------------------------------

# Every repetition either excludes what ends it or is bounded, so that no text costs more than linear time.
_FENCE = r"```.+?```"
# Alternatives begin with a plain character, and look back over it: only then does `re` skip to where one can begin.
_NO_WORD = r"(?![^\W_])"
_CODE = rf"`(?<![^\W_]`)(?<!``)[^`\n]+`(?!`){_NO_WORD}"
_TOKEN = r"<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>"
_EMOJI = r":([a-z0-9_+'-]{1,100}):(?::skin-tone-([2-6]):)?"
# What begins a link or its definition in Markdown; whether the address is a bad one, `_disarm` looks.
_LINK = r"\](?=[(:])|&lt;(?=(?i:javascript|vbscript|data):)"
# What is code outside marks is code in them, or a mark could end in it; a fence is in none.
_IN_MARKS = rf"(?:(?><[^<>\n]*>|<)|(?>{_CODE}|`(?<!``)(?!`))|[^%s\n<`])++"


def _mark(sign: str) -> str:
    """Slack's emphasis: opens after no word and before no space, closes the other way round, within one line."""
    inside = _IN_MARKS % re.escape(sign)
    sign = re.escape(sign)
    return rf"{sign}(?<![^\W_]{sign})(?<!{sign}{sign})(?=[^\s{sign}]){inside}(?<=\S){sign}(?!{sign}){_NO_WORD}"


def _pattern(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Dialect:
    name: str
    pattern: re.Pattern[str]
    # None of these in a text: there is nothing to do.
    signs: tuple[str, ...]
    bold: str = "*"
    strike: str = "~"
    channel: str = "#"
    specials: Mapping[str, str] = field(default_factory=dict)
    emoji: Mapping[str, str] = field(default_factory=dict)
    tones: tuple[str, ...] = tuple(f"::skin-tone-{tone}" for tone in range(2, 7))
    links: bool = True
    # A name that touches a word would be read with it, or not be read at all.
    mentions_apart: bool = False
    # Quotes go on over the next line until an empty one (CommonMark's lazy continuation).
    lazy_quotes: bool = False


_MARKDOWN = _pattern(_FENCE, _CODE, _TOKEN, _mark("*"), _mark("~"), _LINK, _EMOJI)
# A country's flag by its two letters.
_FLAGS = {f"flag-{one}{two}": f"flag_{one}{two}" for one in ascii_lowercase for two in ascii_lowercase}
_DIALECTS = {
    "rocketchat": _Dialect(
        "rocketchat",
        _pattern(_FENCE, _CODE, _TOKEN, _LINK, _EMOJI),
        ("<", "&", "```", "](", "]:", ">>>", ":simple_smile:", ":memo:", ":piggy:", ":uk:", ":flag-", "::skin-tone-"),
        specials={"here": "@here", "channel": "@all", "everyone": "@all"},
        emoji={"simple_smile": "smile", "memo": "pencil", "piggy": "pig", "uk": "gb", **_FLAGS},
        tones=tuple(f"_tone{tone}" for tone in range(1, 6)),
        mentions_apart=True,
    ),
    "mattermost": _Dialect(
        "mattermost",
        _MARKDOWN,
        ("<", "&", "*", "~", "```", ">", "](", "]:", "::skin-tone-"),
        bold="**",
        strike="~~",
        channel="~",
        specials={"here": "@here", "channel": "@channel", "everyone": "@all"},
        tones=tuple(f"_{tone}_skin_tone" for tone in ("light", "medium_light", "medium", "medium_dark", "dark")),
        mentions_apart=True,
        lazy_quotes=True,
    ),
    "markdown": _Dialect(
        "markdown",
        _MARKDOWN,
        ("<", "&", "*", "~", "```", ">", "](", "]:"),
        bold="**",
        strike="~~",
        specials={"here": "@here", "channel": "@channel", "everyone": "@everyone"},
        lazy_quotes=True,
    ),
    "plain": _Dialect(
        "plain",
        _pattern(_FENCE, _CODE, _TOKEN),
        ("<", "&"),
        specials={"here": "@here", "channel": "@channel", "everyone": "@everyone"},
        links=False,
    ),
}


def _dialect(to: str) -> _Dialect:
    if to not in _DIALECTS:
        raise ValueError(f"no such destination: {to}")
    return _DIALECTS[to]


# --- Slack -----------------------------------------------------------------------------------------------------------

_TOKENS = _pattern(_FENCE, _CODE, _TOKEN)
_ID = re.compile(r"[\w.-]{1,255}")
_SPECIAL = {"here": "here", "channel": "channel_all", "group": "channel_all", "everyone": "everyone", "all": "everyone"}
_QUOTED = re.compile(r"^(?:&gt;|>)", re.MULTILINE)
_QUOTED_ON = re.compile(r"^(?:&gt;|>){3} ?", re.MULTILINE)
_QUOTE_END = re.compile(r"^((?:&gt;|>)[^\n]*\n)(?=[^\n>&]|&(?!gt;))", re.MULTILINE)
_FENCES = re.compile(f"({_FENCE})", re.DOTALL)
# What Slack makes of an address somebody types in code.
_CODE_LINK = re.compile(r"<((?:https?://|ftp://|mailto:|tel:)[^<>|\s]+)(?:\|([^<>]*))?>")
# The product's own account: `rocket.cat` there (contract 5.2).
_SLACKBOT = {"rocketchat": "rocket.cat"}


def _slack(text: str, dialect: _Dialect, names: Names) -> str:
    for sign in dialect.signs:
        if sign in text:
            break
    else:
        return text
    if dialect.links and _QUOTED.search(text):
        text = _quotes(text, dialect)
    pattern = dialect.pattern

    def shown(match: Match) -> str:
        whole = match[0]
        first = whole[0]
        if first == "<":
            return _token(match, dialect, names)
        if first == "`":
            return _code(match, dialect)
        if first == "*":
            return dialect.bold + pattern.sub(shown, whole[1:-1]) + dialect.bold
        if first == "~":
            return dialect.strike + pattern.sub(shown, whole[1:-1]) + dialect.strike
        if first == ":":
            return _emoji(match, dialect)
        return _disarm(match)

    text = pattern.sub(shown, text)
    return _decoded(text) if "&" in text else text


def _decoded(text: str) -> str:
    # `&amp;` last, or `&amp;lt;` would be decoded twice.
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _quotes(text: str, dialect: _Dialect) -> str:
    """`>>>` quotes all that follows, which no destination knows: each line gets its own sign. Code is left alone."""
    pieces = _FENCES.split(text)
    on = False
    for index in range(0, len(pieces), 2):
        piece = pieces[index]
        if not on and (start := _QUOTED_ON.search(piece)):
            on = True
            rest = piece[start.end() :]
            piece = piece[: start.start()] + "&gt; " + rest.replace("\n", "\n&gt; ")
        elif on:
            piece = piece.replace("\n", "\n&gt; ")
        if on and index + 1 < len(pieces) and piece.endswith("\n&gt; "):
            piece = piece.removesuffix("&gt; ")
        pieces[index] = _QUOTE_END.sub(r"\1\n", piece) if dialect.lazy_quotes else piece
    return "".join(pieces)


def _code(match: Match, dialect: _Dialect) -> str:
    code = match[0]
    if "<" in code:
        code = _CODE_LINK.sub(_typed_address, code)
    if not dialect.links or not (code.startswith("```") and len(code) > 6):
        return code
    # Elsewhere a fence stands on lines of its own, and what follows its opening is a language.
    text, inside = match.string, code[3:-3]
    before = "" if match.start() == 0 or text[match.start() - 1] == "\n" else "\n"
    after = "" if match.end() == len(text) or text[match.end()] == "\n" else "\n"
    opening = "" if inside.startswith("\n") else "\n"
    closing = "" if inside.endswith("\n") and len(inside) > 1 else "\n"
    return f"{before}```{opening}{inside}{closing}```{after}"


def _typed_address(match: Match) -> str:
    address, label = match[1], match[2]
    if label is None:
        return address
    return label if label and address.rstrip("/").endswith(label.rstrip("/")) else match[0]


def _token(match: Match, dialect: _Dialect, names: Names) -> str:
    """A `<...>` token; still in entities, as everything is until the end. What is no token of Slack's stays."""
    sign, target, label = match[1], match[2], match[3] or ""
    if not sign:
        return _address(match, target, label, dialect)
    if sign == "@":
        if target in _SPECIAL:
            return _name(match, _special(target, dialect), dialect)
        if not _ID.fullmatch(target):
            return match[0]
        name = names.users.get(target)
        if name is not None:
            shown = escape(name)
        elif target == "USLACKBOT" and dialect.name in _SLACKBOT:
            shown = _SLACKBOT[dialect.name]
        else:
            shown = target if dialect.name == "rocketchat" else label.lstrip("@") or target
        return _name(match, "@" + shown, dialect)
    if sign == "#":
        if not _ID.fullmatch(target):
            return match[0]
        name = names.channels.get(target)
        shown = escape(name) if name is not None else label.lstrip("#") or target
        return _name(match, dialect.channel + shown, dialect)
    if target in _SPECIAL:
        return _name(match, _special(target, dialect), dialect)
    if target.startswith("subteam^") and _ID.fullmatch(target[8:]):
        name = names.groups.get(target[8:])
        shown = escape(name) if name is not None else label.lstrip("@") or target[8:]
        return _name(match, "@" + shown, dialect)
    if target.startswith("date^"):
        return _date(match, target, label, dialect)
    return label or match[0]


def _special(target: str, dialect: _Dialect) -> str:
    kind = _SPECIAL[target]
    return dialect.specials["channel" if kind == "channel_all" else kind]


def _name(match: Match, name: str, dialect: _Dialect) -> str:
    if dialect.mentions_apart:
        text, start, end = match.string, match.start(), match.end()
        if start and (text[start - 1].isalnum() and text[start - 1].isascii()):
            name = " " + name
        following = text[end : end + 2]
        if following and ((following[0].isalnum() and following[0].isascii()) or following in ("<@", "<#", "<!")):
            name += " "
    return name


def _date(match: Match, target: str, label: str, dialect: _Dialect) -> str:
    """`date^seconds^format^address`, shown as the exporter's own words for it, else as the instant in UTC."""
    parts = target.split("^")
    if not label and re.fullmatch(r"[0-9]{1,11}", parts[1]):
        instant = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(parts[1]))
        label = f"{instant:%Y-%m-%d %H:%M} UTC"
    if not label:
        return match[0]
    return _address(match, parts[3], label, dialect) if len(parts) > 3 and parts[3] else label


_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_DEAD = re.compile(r"[\x00-\x20\x7f-\x9f\\]+")
_UNSAFE = ("javascript:", "vbscript:", "data:")
_HEAD = 1_000


def is_unsafe(address: str) -> bool:
    """Whether an address would run something or carry a document, however it is veiled (entities, spaces, case)."""
    scheme = _SCHEME.match(address)
    if scheme:
        return scheme[0].lower() in _UNSAFE
    if ":" not in address and "&" not in address:
        return False
    head = _DEAD.sub("", html.unescape(_decoded(address[:_HEAD]))).lower()
    if len(head) < 11 and len(address) > _HEAD:
        return True
    return head.startswith(_UNSAFE)


def _address(match: Match, url: str, label: str, dialect: _Dialect) -> str:
    scheme = _SCHEME.match(url)
    if not scheme:
        return match[0]
    bare = url[scheme.end() :] if url.startswith(("mailto:", "tel:")) else url
    if is_unsafe(url):
        return label or url
    if not dialect.links:
        return bare if not label or label in (bare, url) or _same(url, label) else f"{label} ({bare})"
    text, start, end = match.string, match.start(), match.end()
    # Readers take what touches a bare address for a part of it.
    touched = text[end : end + 1].isalnum() or text[end : end + 1] in _GOES_ON
    if not label and bare is url and not touched:
        return url
    link = _link(label or bare, url, dialect)
    # `![` would be a picture.
    return " " + link if start and text[start - 1] == "!" else link


_GOES_ON = tuple("/_-?=#%~@$<")


def _same(url: str, label: str) -> bool:
    return url.split("//", 1)[-1].rstrip("/") == label.rstrip("/")


def _link(label: str, url: str, dialect: _Dialect) -> str:
    """`[label](address)`, whatever is in them. Entities are decoded after this, so those of brackets stay away."""
    if url.count("(") != url.count(")") or ")" in url.partition("(")[0]:
        url = url.replace("(", "%28").replace(")", "%29")
    if " " in url or "\n" in url or "\t" in url:
        url = re.sub(r"\s+", "%20", url.strip())
    label = " ".join(label.split()) or url
    if dialect.name == "rocketchat":
        # Its reader knows no escapes; only this ends a label (message-parser's grammar, LinkTitle).
        label = re.sub(r"\](?= ?[\[(])", "]\u200b", label) if "]" in label else label
    elif "[" in label or "]" in label or "\\" in label:
        label = re.sub(r"([\[\]\\])", r"\\\1", label)
    return f"[{label}]({url})"


def _emoji(match: Match, dialect: _Dialect) -> str:
    name, tone = match[4], match[5]
    if tone is None:
        return f":{dialect.emoji[name]}:" if name in dialect.emoji else match[0]
    return f":{emoji_name(name, int(tone), dialect.name)}:"


def _disarm(match: Match) -> str:
    """A link somebody typed in Markdown, to an address that must not become one, is parted by a space."""
    text, end = match.string, match.end()
    if match[0] != "]":
        return match[0] + " "
    address = _TARGET.match(text, end + 1)
    return "] " if address and is_unsafe(address[1]) else "]"


# The beginning of an address after `](` or `]:`; it ends at a bracket, so that many of them in a row cost their sum.
_TARGET = re.compile(r"\s*+(?:<|&lt;)?([^\[\]()\n>]*)")


def _token_mention(match: Match) -> tuple[str, str] | None:
    sign, target = match[1], match[2]
    if not sign:
        return None
    if sign != "#" and target in _SPECIAL:
        return _SPECIAL[target], ""
    if sign == "!":
        if target.startswith("subteam^") and _ID.fullmatch(target[8:]):
            return "group", target[8:]
        return None
    if not _ID.fullmatch(target):
        return None
    return ("user" if sign == "@" else "channel"), target


# --- text as typed ---------------------------------------------------------------------------------------------------

_MARKDOWN_CODE = r"```.*?```|(?<!`)`[^`\n]+`"
# A name after its sign; an e-mail address and a path are none.
_TYPED = re.compile(rf"({_MARKDOWN_CODE})|(?<![\w@#~/.&])([@#~])(\w(?:[\w.-]{{0,253}}\w)?)", re.DOTALL)
_GFM = re.compile(
    rf"({_MARKDOWN_CODE})"
    r"|(?<![\w*\\])\*(?=[^\s*])([^*\n`]++)(?<=[^\s\\])\*(?![\w*])"
    r"|!?\[([^\[\]\n]{0,2000})\]\(<?([^()\s<>]{1,2000})>?\)",
    re.DOTALL,
)
_TYPED_LINK = re.compile(rf"{_MARKDOWN_CODE}|\](?=[(:])|<(?=\s{{0,64}}(?i:javascript|vbscript|data):)", re.DOTALL)


def _typed_mention(match: Match) -> tuple[str, str] | None:
    sign, name = match[2], match[3]
    if sign == "@":
        special = _SPECIAL.get(name)
        return (special, "") if special else ("user", name)
    # `#1` is a number and `~5` an estimate more often than channels.
    return None if name.isdigit() else ("channel", name)


def _renamed(text: str, dialect: _Dialect, names: Names) -> str:
    """`@id`, `#id` and `~id` of known ids under their present names."""
    if not (names.users or names.channels) or not ("@" in text or "#" in text or "~" in text):
        return text

    def shown(match: Match) -> str:
        sign, name = match[2], match[3]
        if sign == "@" and name in names.users:
            return "@" + names.users[name]
        if sign is not None and sign != "@" and name in names.channels:
            return dialect.channel + names.channels[name]
        return match[0]

    return _TYPED.sub(shown, text)


def _gfm(text: str, dialect: _Dialect) -> str:
    if dialect.links:
        text = _disarmed(text)
    if dialect.name not in ("rocketchat", "plain"):
        return text

    def shown(match: Match) -> str:
        if match[2] is not None and dialect.links:
            # One star is italic in Markdown and bold in Rocket.Chat.
            return f"_{match[2]}_"
        if match[4] is not None and not dialect.links:
            return match[4] if match[3] in ("", match[4]) else f"{match[3]} ({match[4]})"
        return match[0]

    return _GFM.sub(shown, text)


def _disarmed(text: str) -> str:
    if "](" not in text and "]:" not in text and "<" not in text:
        return text

    def shown(match: Match) -> str:
        if match[0][0] == "`":
            return match[0]
        return _disarm(match)

    return _TYPED_LINK.sub(shown, text)


# --- HTML ------------------------------------------------------------------------------------------------------------

# Not the standard library's parser: it needs quadratic time for what is never closed (ten seconds for 32 KiB of
# `<a `). Here nothing reaches over a `<`, and a comment that is never closed takes all that follows, as in a browser.
_HTML = re.compile(
    r"<!--(?:.*?-->|.*)|<[!?][^<>]*>|<(/?)([A-Za-z][A-Za-z0-9]*)((?:[^<>\"']|\"[^<\"]*\"|'[^<']*')*+)>", re.DOTALL
)
_ATTRIBUTE = re.compile(r"([A-Za-z][\w-]*+)\s*+=\s*+(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))")
_DEPTH_MAX = 64
_MARKS = {"b": "bold", "strong": "bold", "i": "italic", "em": "italic", "s": "strike", "strike": "strike"}
_MARKS |= {"del": "strike", "a": "link", "code": "code", "tt": "code", "pre": "pre", "script": "drop", "style": "drop"}
_BLOCKS = frozenset(
    {"p", "div", "ul", "ol", "li", "table", "tr", "blockquote", "section", "article", "header", "footer"}
)
_BLOCKS |= {"h1", "h2", "h3", "h4", "h5", "h6"}


def _from_html(text: str, dialect: _Dialect) -> str:
    page = _Page(dialect)
    at = 0
    for match in _HTML.finditer(text):
        page.put_text(html.unescape(text[at : match.start()]))
        at = match.end()
        if match[2] and match[1]:
            page.end(match[2].lower())
        elif match[2]:
            page.start(match[2].lower(), match[3])
    page.put_text(html.unescape(text[at:]))
    return _disarmed(page.text()) if dialect.links else page.text()


class _Page:
    """Builds the text from the inside out: an element that marks its content holds it until it ends."""

    def __init__(self, dialect: _Dialect) -> None:
        self._dialect = dialect
        # (tag, address, what it holds), outermost first; the first is the page.
        self._open: list[tuple[str, str, list[str]]] = [("", "", [])]
        self._fresh = True

    def text(self) -> str:
        while len(self._open) > 1:
            self._close()
        return "".join(self._open[0][2]).strip()

    def start(self, tag: str, attributes: str) -> None:
        if tag == "br":
            self._put("\n")
        elif tag == "img":
            label, address = _attribute(attributes, "alt"), _attribute(attributes, "src")
            # Links do not nest: a picture in one gives it its words.
            self._put(label if label and self._inside("a") else self._link(label, address))
        elif tag in _BLOCKS:
            self._line()
        elif tag in ("td", "th"):
            self._put("" if self._fresh else " ")
        elif tag in _MARKS and len(self._open) < _DEPTH_MAX:
            if tag == "pre":
                self._line()
            self._open.append((tag, _attribute(attributes, "href") if tag == "a" else "", []))

    def end(self, tag: str) -> None:
        if tag in _BLOCKS:
            self._line()
        elif any(name == tag for name, _, _ in self._open):
            while self._open[-1][0] != tag:
                self._close()
            self._close()

    def put_text(self, text: str) -> None:
        if not self._inside("pre"):
            text = re.sub(r"[ \t\r\n\f]+", " ", text)
            if self._fresh:
                text = text.lstrip(" ")
        self._put(text)

    def _inside(self, *tags: str) -> bool:
        return any(name in tags for name, _, _ in self._open)

    def _put(self, text: str) -> None:
        if text:
            self._open[-1][2].append(text)
            self._fresh = text.endswith("\n")

    def _line(self) -> None:
        if not self._fresh:
            self._put("\n")

    def _close(self) -> None:
        tag, href, parts = self._open.pop()
        self._put(self._marked(_MARKS[tag], "".join(parts), href))

    def _marked(self, mark: str, inside: str, href: str) -> str:
        dialect = self._dialect
        if mark == "drop":
            return ""
        plain = not dialect.links and mark != "link"
        if plain or self._inside("pre", "code", "tt") or any(_MARKS.get(name) == mark for name, _, _ in self._open):
            return inside
        if mark == "link":
            return self._link(inside, href)
        if mark == "pre":
            return "```\n" + inside.strip("\n") + "\n```\n" if inside.strip() else ""
        sign = {"bold": dialect.bold, "italic": "_", "strike": dialect.strike, "code": "`"}[mark]
        return marked(inside, sign)

    def _link(self, label: str, url: str) -> str:
        label, url = " ".join(label.split()), url.strip()
        if not url or is_unsafe(url):
            return label
        if label == url:
            return url
        if not self._dialect.links:
            return f"{label} ({url})" if label else url
        return _link(label, url, self._dialect) if label else url


def _attribute(attributes: str, name: str) -> str:
    for match in _ATTRIBUTE.finditer(attributes):
        if match[1].lower() == name:
            return html.unescape(match[2] or match[3] or match[4] or "")
    return ""


def marked(text: str, sign: str) -> str:
    """`text` with `sign` around what each of its lines holds: marks reach neither over a line's end nor to spaces."""
    lines = []
    for line in text.split("\n"):
        core = line.strip()
        if core:
            start = line.index(core)
            line = line[:start] + sign + core + sign + line[start + len(core) :]
        lines.append(line)
    return "\n".join(lines)
