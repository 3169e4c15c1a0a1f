"""Slack's `blocks` -> the text Slack would have written for them, with its tokens and entities (formats 2.11, 2.12).

For messages whose `text` is empty: what a person or an app wrote stands in the blocks alone. Blocks are any JSON that
an uploaded file holds, so every shape is possible: what is unknown gives the text it carries, and depth, number of
parts and length are bounded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from douane.chat.markup import escape, is_unsafe, marked, mentions

DEPTH_MAX = 16
PARTS_MAX = 20_000
CHARS_MAX = 400_000


def slack_blocks_text(blocks_json: bytes | str | list[Any]) -> tuple[str, list[tuple[str, str]]]:
    """(text as slack_mrkdwn, its mentions as `markup.mentions` has them). Never raises for what the blocks hold;
    what is no JSON array gives ("", [])."""
    blocks: Any = blocks_json
    if not isinstance(blocks, list):
        try:
            if isinstance(blocks, bytes):
                blocks = blocks.decode("utf-8", "replace")
            blocks = json.loads(blocks)
        except (ValueError, RecursionError):
            return "", []
    text, _ = shown_of(blocks)
    return text, mentions(text, "slack_mrkdwn")


def shown_of(blocks: list[Any]) -> tuple[str, int]:
    """(their text, how many of them show nothing)."""
    writer = _Writer()
    return _LONE.sub("\ufffd", writer.blocks(blocks)[:CHARS_MAX]), writer.unshown


_ID = re.compile(r"[\w.-]{1,255}")
# Halves of a pair, which no text column takes (formats 1).
_LONE = re.compile("[\ud800-\udfff]")
_EMOJI = re.compile(r"[\w+'-]{1,100}")
# What an unknown part says, and what is shown of it where it says none of that.
_SAYS = ("text", "title", "label", "name", "subtitle", "description", "hint")
_ELSE = ("alt_text", "fallback", "initial_value", "initial_date", "initial_time", "value", "placeholder")
# What no client shows of a part as long as nobody touches it.
_UNSEEN = frozenset(
    (*_SAYS, *_ELSE, "style", "confirm", "workflow", "trigger", "filter", "metadata", "type", "options")
)
# Blocks of which another column has what they show, or that show nothing.
_SILENT = ("divider", "file", "share_shortcut")
_STYLES = (("code", "`"), ("strike", "~"), ("italic", "_"), ("bold", "*"))
_SIGNS = tuple(sign for _, sign in _STYLES)


class _Writer:
    """One message's blocks; counts parts, so that no shape makes much work."""

    def __init__(self) -> None:
        self._left = PARTS_MAX
        self._chars = CHARS_MAX
        self._depth = 0
        self.unshown = 0  # blocks of which nothing could be shown

    def blocks(self, blocks: Any) -> str:
        shown = []
        for block in _list(blocks):
            shown.append(self._block(block))
            silent = isinstance(block, dict) and block.get("type") in _SILENT
            self.unshown += not shown[-1] and not silent
        return _lines(shown)

    def _spent(self) -> bool:
        self._left -= 1
        return self._left < 0 or self._chars < 0 or self._depth > DEPTH_MAX

    def _written(self, text: str) -> str:
        self._chars -= len(text)
        return text

    def _nested(self, write: Callable[[Any], str], part: Any) -> str:
        self._depth += 1
        try:
            return "" if self._spent() else write(part)
        finally:
            self._depth -= 1

    def _block(self, block: Any) -> str:
        return self._nested(self._block_now, block)

    def _block_now(self, block: Any) -> str:
        if not isinstance(block, dict):
            return ""
        match block.get("type"):
            case "rich_text":
                return _lines(self._rich(element) for element in _list(block.get("elements")))
            case "section":
                parts = [self._object(block.get("text"))]
                parts += [self._object(each) for each in _list(block.get("fields"))]
                accessory = block.get("accessory")
                if isinstance(accessory, dict):
                    parts.append(
                        self._picture(accessory) if accessory.get("type") == "image" else self._button(accessory)
                    )
                return _lines(parts)
            case "header":
                return marked(self._object(block.get("text")), "*")
            case "context":
                return " ".join(filter(None, (self._context(each) for each in _list(block.get("elements")))))
            case "divider":
                return ""
            case "image":
                return self._picture(block)
            case "video":
                title = _plain(block.get("title")) or _plain(block.get("alt_text"))
                about = self._object(block.get("description"))
                return _lines([self._link(block.get("title_url") or block.get("video_url"), title), about])
            case "table":
                return _lines(self._row(row) for row in _list(block.get("rows")))
            case "markdown":
                return self._written(_from_markdown(_text(block.get("text"))))
            case "call":
                call = block.get("call")
                call = call.get("v1", call) if isinstance(call, dict) else block
                call = call if isinstance(call, dict) else {}
                return self._link(call.get("join_url") or call.get("desktop_app_join_url"), _text(call.get("name")))
            case "file":
                file = block.get("file")
                file = file if isinstance(file, dict) else block
                return self._link(file.get("permalink"), _text(file.get("title")) or _text(file.get("name")))
            case "actions":
                return " ".join(filter(None, (self._button(each) for each in _list(block.get("elements")))))
            case _:
                return self._any(block)

    def _rich(self, element: Any) -> str:
        return self._nested(self._rich_now, element)

    def _rich_now(self, element: Any) -> str:
        if not isinstance(element, dict):
            return ""
        inside = _list(element.get("elements"))
        match element.get("type"):
            case "rich_text_list":
                return self._items(element, inside)
            case "rich_text_quote":
                return _quoted(self._line(inside))
            case "rich_text_preformatted":
                code = "".join(self._verbatim(part) for part in inside).strip("\n")
                return f"```\n{code}\n```" if code else ""
            case "rich_text_section":
                return self._line(inside)
            case _:
                return self._line([element])

    def _items(self, element: dict[str, Any], items: list[Any]) -> str:
        """One line an item; a nested list is an element of its own beside it, `indent` deep. `offset` is what went
        before in a numbered list that another one interrupts."""
        indent = min(max(_whole(element.get("indent")), 0), 8)
        number = max(_whole(element.get("offset")), 0)
        ordered = element.get("style") == "ordered"
        lines = []
        for item in items:
            if self._spent():
                break
            number += 1
            sign = f"{number}." if ordered else "•"
            shown = self._rich(item).strip("\n")
            # The lines of one item stand under its first.
            lines.append("    " * indent + sign + " " + shown.replace("\n", "\n" + "    " * indent + "  "))
        text = "\n".join(lines)
        return _quoted(text) if _whole(element.get("border")) else text

    def _line(self, parts: list[Any]) -> str:
        """Inline parts; neighbours in one style share its marks."""
        runs: list[tuple[tuple[str, ...], str]] = []
        for part in parts:
            if self._spent():
                break
            if not isinstance(part, dict):
                continue
            style = part.get("style")
            signs = tuple(sign for name, sign in _STYLES if isinstance(style, dict) and style.get(name) is True)
            if part.get("type") != "text":
                # In code a token would be shown as it stands.
                signs = tuple(sign for sign in signs if sign != "`" or part.get("type") == "link")
            shown = self._written(self._verbatim(part) if "`" in signs else self._inline(part))
            if runs and runs[-1][0] == signs:
                shown = runs.pop()[1] + shown
            runs.append((signs, shown))
        text, before = "", False
        for signs, shown in runs:
            for sign in signs:
                shown = marked(shown, sign)
            # A mark inside a word is none, nor is one that meets its like: parted by a space of no width.
            if text and shown and (signs or before):
                last, first = text[-1], shown[0]
                opens, closes = signs and first in _SIGNS, before and last in _SIGNS
                if (opens and last.isalnum()) or (closes and first.isalnum()) or (opens and closes and first == last):
                    text += "\u200b"
            text += shown
            before = bool(signs)
        return text.rstrip("\n") if text.strip() else ""

    def _inline(self, part: dict[str, Any]) -> str:
        kind = part.get("type")
        if kind == "text":
            return escape(_text(part.get("text")))
        if kind == "link":
            return self._link(part.get("url"), _text(part.get("text")))
        if kind == "emoji":
            return _emoji(part)
        if kind == "date":
            return _date(part)
        if kind == "broadcast":
            range_ = part.get("range")
            return f"<!{range_}>" if range_ in ("here", "channel", "everyone") else ""
        for name, opening in (("user", "<@"), ("channel", "<#"), ("usergroup", "<!subteam^")):
            if kind == name:
                target = part.get(name + "_id")
                if isinstance(target, str) and _ID.fullmatch(target):
                    return f"{opening}{target}>"
        if kind == "team" and isinstance(part.get("team_id"), str):
            return escape(part["team_id"])
        if kind in ("canvas", "file") and part.get("url"):
            return self._link(part["url"], _plain(part.get("title")) or _plain(part.get("name")))
        if kind in ("rich_text_section", "rich_text_list", "rich_text_quote", "rich_text_preformatted"):
            return self._rich(part)
        return self._any(part)

    def _verbatim(self, part: Any) -> str:
        """A part of code: what is shown of it, exactly."""
        if self._spent() or not isinstance(part, dict):
            return ""
        if part.get("type") in ("text", "link"):
            return self._written(escape(_text(part.get("text")) or _text(part.get("url"))))
        return self._written(self._inline(part))

    def _row(self, row: Any) -> str:
        cells = [self._cell(cell) for cell in _list(row)]
        return " | ".join(cells) if any(cells) else ""

    def _cell(self, cell: Any) -> str:
        return self._nested(self._cell_now, cell).replace("\n", " ")

    def _cell_now(self, cell: Any) -> str:
        if isinstance(cell, dict) and cell.get("type") == "rich_text":
            return self._block(cell)
        return self._object(cell) if isinstance(cell, dict) else escape(_text(cell))

    def _context(self, part: Any) -> str:
        if isinstance(part, dict) and part.get("type") == "image":
            return self._written(escape(_plain(part.get("alt_text"))))
        return self._object(part)

    def _object(self, part: Any) -> str:
        """A text object: `mrkdwn` is Slack's text already, all others are plain."""
        if isinstance(part, str):
            return self._written(escape(part))
        if not isinstance(part, dict):
            return ""
        text = part.get("text")
        if isinstance(text, str):
            return self._written(text if part.get("type") == "mrkdwn" else escape(text))
        return self._any(part)

    def _picture(self, part: dict[str, Any]) -> str:
        file = part.get("slack_file")
        url = part.get("image_url") or (file.get("url") if isinstance(file, dict) else None)
        return self._link(url, _plain(part.get("title")) or _plain(part.get("alt_text")))

    def _button(self, part: Any) -> str:
        """What is shown of a part that can be pressed, ticked or filled in."""
        if not isinstance(part, dict):
            return ""
        match part.get("type"):
            case "overflow":  # a menu behind three points
                return ""
            case "checkboxes" | "radio_buttons":
                return self._nested(self._choices, part.get("options"))
        if not (label := _plain(part.get("text"))):
            chosen = [part.get("initial_option"), *_list(part.get("initial_options"))]
            label = ", ".join(filter(None, (_plain(one.get("text")) for one in chosen if isinstance(one, dict))))
        label = label or next((text for name in _ELSE if (text := _plain(part.get(name))) and name != "value"), "")
        return self._link(part.get("url"), label) if label or part.get("url") else self._any(part)

    def _choices(self, options: Any) -> str:
        return ", ".join(filter(None, (self._any(one) for one in _list(options)))).replace("\n", " ")

    def _link(self, url: Any, label: str) -> str:
        address = "".join(_text(url).split())
        label = " ".join(label.split())
        if not address or ":" not in address or is_unsafe(address):
            return self._written(escape(label or address))
        address = escape(address).replace("|", "%7C")
        return self._written(f"<{address}|{escape(label)}>" if label and label != _text(url) else f"<{address}>")

    def _any(self, part: Any) -> str:
        """All that a part of unknown kind says, outermost first."""
        return self._nested(self._any_now, part)

    def _any_now(self, part: Any) -> str:
        if isinstance(part, str):
            return self._written(escape(part))
        if isinstance(part, list):
            return _lines(self._any(each) for each in part)
        if not isinstance(part, dict):
            return ""
        said = [part[name] for name in _SAYS if part.get(name)]
        said = said or [next((part[name] for name in _ELSE if part.get(name)), None)]
        if part.get("label") and not part.get("text") and isinstance(part.get("value"), str):
            said.append(part["value"])
        own = [self._object(one) if isinstance(one, dict | str) else "" for one in said]
        held = []
        for name, value in part.items():
            for each in (_list(value) or [value]) if name not in _UNSEEN else ():
                known = isinstance(each, dict) and isinstance(each.get("type"), str)
                held.append(self._block(each) if known else "" if isinstance(each, str) else self._any(each))
        return _lines([*dict.fromkeys(own), *held])


def _emoji(part: dict[str, Any]) -> str:
    name, tone = part.get("name"), part.get("skin_tone")
    if isinstance(name, str) and _EMOJI.fullmatch(name):
        return f":{name}::skin-tone-{tone}:" if isinstance(tone, int) and 2 <= tone <= 6 else f":{name}:"
    try:
        points = [int(point, 16) for point in _text(part.get("unicode"))[:100].split("-")]
        return "".join(chr(point) for point in points if point > 0x7F and not 0xD800 <= point <= 0xDFFF)
    except (ValueError, OverflowError):
        return ""


def _date(part: dict[str, Any]) -> str:
    stamp, fallback, url = part.get("timestamp"), escape(_text(part.get("fallback"))), _text(part.get("url"))
    if not isinstance(stamp, int | str) or not re.fullmatch(r"[0-9]{1,11}", str(stamp)):
        return fallback
    form = re.sub(r"[\^|<>&]", "", _text(part.get("format"))) or "{date_num}"
    address = "" if not url or is_unsafe(url) else "^" + escape(url).replace("|", "%7C").replace("^", "%5E")
    return f"<!date^{stamp}^{form}{address}{'|' + fallback if fallback else ''}>"


_MARKDOWN = re.compile(
    r"(```.*?```|(?<!`)`[^`\n]+`)"
    r"|!?\[([^\[\]\n]{0,2000})\]\(([^()\s<>|]{1,2000})\)"
    r"|(?<![\w*])\*\*(?=[^\s*])([^*\n`]++)(?<=\S)\*\*(?![\w*])"
    r"|~~(?=[^\s~])([^~\n`]++)(?<=\S)~~"
    r"|^\#{1,6}[ ]+([^\n]*)",
    re.DOTALL | re.MULTILINE,
)


def _from_markdown(text: str) -> str:
    """A `markdown` block's text: code, links, bold, struck out and headings as Slack writes them."""

    def shown(match: re.Match[str]) -> str:
        code, label, address, bold, struck, heading = match.groups()
        if address is not None:
            scheme = re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", address)
            return f"<{address}|{label}>" if scheme and label and not is_unsafe(address) else label or address
        if bold is not None:
            return f"*{bold}*"
        if struck is not None:
            return f"~{struck}~"
        if heading is not None:
            return marked(heading, "*")
        return code

    return _MARKDOWN.sub(shown, escape(text))


def _quoted(text: str) -> str:
    return "\n".join("&gt; " + line for line in text.split("\n")) if text else ""


def _lines(parts: Any) -> str:
    return "\n".join(part for part in parts if part)


def _plain(part: Any) -> str:
    """The text of a text object or of a bare text, as it is."""
    return _text(part.get("text")) if isinstance(part, dict) else _text(part)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and abs(value) < 1_000_000 else 0


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
