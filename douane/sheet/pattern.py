"""ECMAScript patterns as people write them in templates: parsed here, written out again for the engines that run them.

Not for running them: `columns/regex.py` does. Two spellings leave this module: for the linear-time engine of Polars
(`rust`), and for Python's `re` (`python`) where that engine cannot follow (look-around, back-references).

Source of the facts: ECMA-262, 22.2 with Annex B.1.2. One deliberate difference: without the flag `u` JavaScript counts
a character beyond U+FFFF as two; here it is one character, as in all the rest of Douane.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache

from douane.values import dataclass

Ranges = tuple[tuple[int, int], ...]

_TOP = 0x10FFFF
_SURROGATES = (0xD800, 0xDFFF)
_LITERAL = re.compile(r"\A/(.*)/([dgimsuy]*)\Z", re.DOTALL)
# Deeper nesting than this is no pattern a person wrote; the parser recurses once per group.
_DEPTH_MAX = 100
_REPEAT_MAX = 1_000_000


class BadPattern(ValueError):
    """The text is no ECMAScript pattern."""


class CannotSay(ValueError):
    """A valid pattern that this engine has no spelling for."""


@dataclass(frozen=True, slots=True)
class Chars:
    """One character out of a set. `properties` are Unicode property names, a leading `^` means "not"."""

    ranges: Ranges
    properties: tuple[str, ...] = ()
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    """`kind` is one of `start`, `end`, `word`, `not_word`; `lines` says that start and end also match at lines."""

    kind: str
    lines: bool = False


@dataclass(frozen=True, slots=True)
class Sequence:
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Either:
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """`number` is None where nothing is captured."""

    inner: Node
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Repeat:
    inner: Node
    least: int
    most: int | None
    lazy: bool


@dataclass(frozen=True, slots=True)
class Look:
    inner: Node
    ahead: bool
    negated: bool


@dataclass(frozen=True, slots=True)
class Back:
    number: int
    any_case: bool = False


Node = Chars | Edge | Sequence | Either | Group | Repeat | Look | Back


@dataclass(frozen=True, slots=True)
class Pattern:
    """A parsed pattern. `source` and `flags` as JavaScript would print them between and after the slashes."""

    source: str
    flags: str
    root: Node

    def __str__(self) -> str:
        return f"/{self.source}/{self.flags}"


def parse(text: str) -> Pattern:
    """The pattern in `text`, given bare or as `/pattern/flags`. BadPattern where JavaScript would refuse it."""
    literal = _LITERAL.match(text)
    source, flags = (literal[1], literal[2]) if literal else (text, "")
    if len(set(flags)) != len(flags):
        raise BadPattern(f"a flag is given twice in {flags!r}")
    root = _Parser(source, flags).pattern()
    if "y" in flags:  # sticky: `test` looks at the start only
        root = Sequence((Edge("start"), Group(root)))
    return Pattern(source, flags, root)


def rust(pattern: Pattern) -> str:
    """Spelling for the `regex` crate; CannotSay for look-around, back-references and line anchors."""
    return _rust(pattern.root)


def from_rust(text: str) -> Pattern | None:
    """One of our own patterns for that crate, anchored at both ends; None where it says more than ECMAScript can."""
    if not text.startswith(r"\A") or not text.endswith(r"\z") or "(?i" in text or r"\p" in text:
        return None
    try:
        return parse("/^" + text[2:-2].replace(r"\x{", r"\u{") + "$/u")
    except BadPattern:
        return None


def ends_visible(pattern: Pattern) -> bool:
    """Whether every hit is the whole text, which then neither begins nor ends with white space."""
    match pattern.root:
        case Sequence(parts=(Edge("start", False), *inner, Edge("end", False))):
            return _visible(tuple(inner)) is True and _visible(tuple(reversed(inner))) is True
        case _:
            return False


def _visible(parts: Iterable[Node]) -> bool | None:
    """True: these parts, in this order, take a first character that is no white space. None: so they do, or none at
    all. False: neither is sure."""
    for part in parts:
        found = _part_visible(part)
        if found is not None:
            return found
    return None


def _part_visible(node: Node) -> bool | None:
    """As `_visible`, of either end of one part; sure of both or of none."""
    match node:
        case Chars(ranges=ranges, properties=properties):
            return not properties and not any(
                low <= last and first <= high for low, high in ranges for first, last in _SPACE
            )
        case Group(inner=inner):
            return _part_visible(inner)
        case Either(parts=parts):
            each = [_part_visible(part) for part in parts]
            return False if False in each else None if None in each else True
        case Repeat(inner=inner, least=least, most=most):
            found = None if most == 0 else _part_visible(inner)
            return None if found and least == 0 else found
        case Sequence(parts=parts):
            ends = {_visible(parts), _visible(reversed(parts))}
            return ends.pop() if len(ends) == 1 else False
        case _:
            return False


def python(pattern: Pattern) -> str:
    """Spelling for Python's `re` with its flag ASCII; CannotSay for Unicode properties."""
    return _python(pattern.root)


# ---------------------------------------------------------------- sets of characters


def _ranges(points: Iterable[tuple[int, int]]) -> Ranges:
    merged: list[tuple[int, int]] = []
    for low, high in sorted(points):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def _invert(ranges: Ranges) -> Ranges:
    gaps: list[tuple[int, int]] = []
    at = 0
    for low, high in ranges:
        if low > at:
            gaps.append((at, low - 1))
        at = high + 1
    if at <= _TOP:
        gaps.append((at, _TOP))
    return tuple(gaps)


def _without_surrogates(ranges: Ranges) -> Ranges:
    """No text in Douane holds one, and the linear engine knows none."""
    kept: list[tuple[int, int]] = []
    for low, high in ranges:
        if low < _SURROGATES[0]:
            kept.append((low, min(high, _SURROGATES[0] - 1)))
        if high > _SURROGATES[1]:
            kept.append((max(low, _SURROGATES[1] + 1), high))
    return tuple(kept)


_DIGIT = _ranges([(48, 57)])
_WORD = _ranges([(48, 57), (65, 90), (95, 95), (97, 122)])
_SPACE = _ranges(
    [(9, 13), (32, 32), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029), (0x202F, 0x202F)]
    + [(0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF)]
)
_LINE_ENDS = _ranges([(10, 10), (13, 13), (0x2028, 0x2029)])
_CLASSES = {"d": _DIGIT, "w": _WORD, "s": _SPACE}
_CONTROLS = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13}


def _canonical(point: int) -> int:
    """ECMA-262 22.2.2.7.3 without the flag u: upper case, but never from beyond ASCII into ASCII."""
    upper = chr(point).upper()
    if len(upper) != 1 or (point >= 128 and ord(upper) < 128):
        return point
    return ord(upper)


@cache
def _case_partners() -> dict[int, tuple[int, ...]]:
    """Character -> all characters it equals when case is ignored, for those that have any. Made once, on first use."""
    groups: dict[int, list[int]] = {}
    for point in range(0x10000):
        if not _SURROGATES[0] <= point <= _SURROGATES[1]:
            groups.setdefault(_canonical(point), []).append(point)
    return {point: tuple(group) for group in groups.values() if len(group) > 1 for point in group}


def _any_case(ranges: Ranges) -> Ranges:
    if all(high < 128 for _, high in ranges):  # no need for the big table; _canonical keeps ASCII among itself
        extra = [(p ^ 32, p ^ 32) for low, high in ranges for p in range(low, high + 1) if chr(p).isalpha()]
        return _ranges([*ranges, *extra])
    partners = _case_partners()
    more = [
        (other, other)
        for low, high in ranges
        for point in (p for p in partners if low <= p <= high)
        for other in partners[point]
    ]
    return _ranges([*ranges, *more])


# ---------------------------------------------------------------- reading


class _Parser:
    """Recursive descent over the pattern text; `at` is the next character to read."""

    def __init__(self, source: str, flags: str) -> None:
        self.source = source
        self.unicode = "u" in flags
        self.any_case = "i" in flags
        self.lines = "m" in flags
        self.dot_all = "s" in flags
        self.at = 0
        self.depth = 0
        self.groups = 0
        self.names: dict[str, int] = {}
        self.closed: set[int] = set()
        self.groups_all, self.names_all = _group_names(source)

    def pattern(self) -> Node:
        node = self.alternatives()
        if self.at < len(self.source):
            raise BadPattern("Unmatched ')'")
        return node

    def peek(self, text: str) -> bool:
        return self.source.startswith(text, self.at)

    def take(self, text: str) -> bool:
        if self.peek(text):
            self.at += len(text)
            return True
        return False

    def alternatives(self) -> Node:
        self.depth += 1
        if self.depth > _DEPTH_MAX:
            raise BadPattern("groups are nested too deep")
        parts = [self.terms()]
        while self.take("|"):
            parts.append(self.terms())
        self.depth -= 1
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def terms(self) -> Node:
        parts: list[Node] = []
        while self.at < len(self.source) and self.source[self.at] not in "|)":
            atom, may_repeat = self.atom()
            parts.append(self.repeated(atom, may_repeat))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def atom(self) -> tuple[Node, bool]:
        char = self.source[self.at]
        self.at += 1
        if char == "^":
            return Edge("start", self.lines), False
        if char == "$":
            return Edge("end", self.lines), False
        if char == ".":
            return Chars(((0, _TOP),) if self.dot_all else _invert(_LINE_ENDS)), True
        if char == "(":
            return self.group()
        if char == "[":
            return self.char_class(), True
        if char == "\\":
            return self.escape()
        if char in "*+?":
            raise BadPattern("Nothing to repeat")
        if char == "{":
            if self.unicode or self.counts() is not None:
                raise BadPattern("Nothing to repeat")
        elif char in "]}" and self.unicode:
            raise BadPattern("Lone quantifier brackets")
        return self.one(ord(char)), True

    def one(self, point: int) -> Chars:
        return self.chars(((point, point),))

    def chars(self, ranges: Ranges) -> Chars:
        return Chars(_any_case(ranges) if self.any_case else ranges)

    def counts(self) -> tuple[int, int | None] | None:
        """`{n}`, `{n,}` or `{n,m}` whose brace was just read; not read any further where it is none."""
        found = re.compile(r"([0-9]+)(?:(,)([0-9]*))?\}").match(self.source, self.at)
        if found is None:
            return None
        self.at = found.end()
        least = min(int(found[1][:12]), _REPEAT_MAX)
        most = None if found[2] and not found[3] else min(int((found[3] or found[1])[:12]), _REPEAT_MAX)
        if most is not None and most < least:
            raise BadPattern("numbers out of order in {} quantifier")
        return least, most

    def repeated(self, atom: Node, may_repeat: bool) -> Node:
        start = self.at
        if self.take("*"):
            counts: tuple[int, int | None] | None = (0, None)
        elif self.take("+"):
            counts = (1, None)
        elif self.take("?"):
            counts = (0, 1)
        elif self.take("{"):
            counts = self.counts()
            if counts is None:
                if self.unicode:
                    raise BadPattern("Incomplete quantifier")
                self.at = start
        else:
            counts = None
        if counts is None:
            return atom
        if not may_repeat:
            raise BadPattern("Nothing to repeat")
        return Repeat(atom, counts[0], counts[1], self.take("?"))

    def group(self) -> tuple[Node, bool]:
        may_repeat = True
        number: int | None = None
        make: Callable[[Node], Node] = Group
        if self.take("?:"):
            pass
        elif self.take("?="):
            make, may_repeat = (lambda inner: Look(inner, True, False)), not self.unicode
        elif self.take("?!"):
            make, may_repeat = (lambda inner: Look(inner, True, True)), not self.unicode
        elif self.take("?<="):
            make, may_repeat = (lambda inner: Look(inner, False, False)), False
        elif self.take("?<!"):
            make, may_repeat = (lambda inner: Look(inner, False, True)), False
        elif self.peek("?") and not self.peek("?<"):
            raise BadPattern("Invalid group")
        else:
            name = self.group_name() if self.take("?<") else None
            self.groups += 1
            number = self.groups
            if name is not None:
                if name in self.names:
                    raise BadPattern("Duplicate capture group name")
                self.names[name] = number
        inner = self.alternatives()
        if not self.take(")"):
            raise BadPattern("Unterminated group")
        node = make(inner)
        if number is not None:
            self.closed.add(number)
        return (replace(node, number=number) if isinstance(node, Group) else node), may_repeat

    def back(self, number: int) -> Node:
        """A group that is still open or stands further on has taken nothing yet, and nothing matches the empty text."""
        return Back(number, self.any_case) if number in self.closed else Sequence(())

    def group_name(self) -> str:
        end = self.source.find(">", self.at)
        name = self.source[self.at : end] if end >= 0 else ""
        if not name.replace("$", "_").isidentifier():
            raise BadPattern("Invalid capture group name")
        self.at = end + 1
        return name

    def escape(self) -> tuple[Node, bool]:
        if self.at >= len(self.source):
            raise BadPattern("\\ at end of pattern")
        char = self.source[self.at]
        if char in "bB":
            self.at += 1
            return Edge("word" if char == "b" else "not_word"), False
        if char in "123456789":
            digits = re.compile("[0-9]+").match(self.source, self.at)
            assert digits is not None
            if len(digits[0]) < 4 and int(digits[0]) <= self.groups_all:
                self.at = digits.end()
                return self.back(int(digits[0])), True
            if self.unicode:
                raise BadPattern("Invalid escape")
        if char == "k" and (self.unicode or self.names_all):
            self.at += 1
            if not self.take("<"):
                raise BadPattern("Invalid named reference")
            name = self.group_name()
            if name not in self.names_all:
                raise BadPattern("Invalid named capture referenced")
            return self.back(self.names_all[name]), True
        found = self.char_escape(in_class=False)
        if isinstance(found, int):
            return self.one(found), True
        return (found if found.properties else self.chars(found.ranges)), True

    def char_escape(self, *, in_class: bool) -> int | Chars:
        """What stands after a backslash: one character, or a set (`\\d`, `\\p{..}`)."""
        char = self.source[self.at]
        self.at += 1
        if char.lower() in _CLASSES:
            ranges = _CLASSES[char.lower()]
            return Chars(ranges if char.islower() else _invert(ranges))
        if char in _CONTROLS:
            return _CONTROLS[char]
        if char == "b" and in_class:
            return 8
        if char in "pP" and self.unicode:
            found = re.compile(r"\{([A-Za-z_]+(?:=[A-Za-z0-9_]+)?)\}").match(self.source, self.at)
            if found is None:
                raise BadPattern("Invalid property name")
            self.at = found.end()
            return Chars((), (("^" if char == "P" else "") + found[1],))
        if char == "c":
            letter = re.compile("[A-Za-z]" if not in_class else "[A-Za-z0-9_]").match(self.source, self.at)
            if letter is not None:
                self.at += 1
                return ord(letter[0]) % 32
            if self.unicode:
                raise BadPattern("Invalid unicode escape")
            self.at -= 1
            return ord("\\")
        if char in "xu":
            return self.hex_escape(char)
        if char in "01234567":
            return self.octal_escape(char)
        if self.unicode and char not in "^$\\.*+?()[]{}|/" and not (in_class and char == "-"):
            raise BadPattern("Invalid escape")
        return ord(char)

    def hex_escape(self, char: str) -> int:
        if self.unicode and char == "u" and self.take("{"):
            end = self.source.find("}", self.at)
            digits = self.source[self.at : end] if end >= 0 else ""
            if not re.fullmatch("[0-9a-fA-F]{1,8}", digits) or int(digits, 16) > _TOP:
                raise BadPattern("Invalid Unicode escape")
            self.at = end + 1
            return int(digits, 16)
        found = re.compile("[0-9a-fA-F]{2}" if char == "x" else "[0-9a-fA-F]{4}").match(self.source, self.at)
        if found is None:
            if self.unicode:
                raise BadPattern("Invalid escape")
            return ord(char)
        self.at = found.end()
        point = int(found[0], 16)
        if 0xD800 <= point <= 0xDBFF:  # the two halves of one character, spelled apart
            low = re.compile(r"\\u([dD][c-fC-F][0-9a-fA-F]{2})").match(self.source, self.at)
            if low is not None:
                self.at = low.end()
                return 0x10000 + ((point - 0xD800) << 10) + int(low[1], 16) - 0xDC00
        return point

    def octal_escape(self, char: str) -> int:
        digits = re.compile("[0-3]?[0-7]?[0-7]").match(self.source, self.at - 1)
        assert digits is not None
        if self.unicode and (char != "0" or re.compile("[0-9]").match(self.source, self.at)):
            raise BadPattern("Invalid decimal escape")
        self.at = self.at - 1 + len(digits[0])
        return int(digits[0], 8)

    def char_class(self) -> Chars:
        negated = self.take("^")
        ranges: list[tuple[int, int]] = []
        properties: list[str] = []
        while not self.take("]"):
            low = self.class_atom()
            if self.peek("-") and not self.peek("-]"):
                self.at += 1
                high = self.class_atom()
                if isinstance(low, int) and isinstance(high, int):
                    if high < low:
                        raise BadPattern("Range out of order in character class")
                    ranges.append((low, high))
                    continue
                if self.unicode:
                    raise BadPattern("Invalid character class")
                members: tuple[int | Chars, ...] = (low, ord("-"), high)
            else:
                members = (low,)
            for member in members:
                if isinstance(member, int):
                    ranges.append((member, member))
                else:
                    ranges.extend(member.ranges)
                    properties.extend(member.properties)
        merged = _ranges(ranges)
        if self.any_case:
            merged = _any_case(merged)
        if properties:
            return Chars(merged, tuple(properties), negated)
        return Chars(_invert(merged) if negated else merged)

    def class_atom(self) -> int | Chars:
        if self.at >= len(self.source):
            raise BadPattern("Unterminated character class")
        char = self.source[self.at]
        self.at += 1
        if char != "\\":
            return ord(char)
        if self.at >= len(self.source):
            raise BadPattern("\\ at end of pattern")
        return self.char_escape(in_class=True)


def _group_names(source: str) -> tuple[int, dict[str, int]]:
    """How many capturing groups there are, and which number a name has: a reference may stand before its group."""
    number = 0
    names: dict[str, int] = {}
    in_class = False
    for token in re.finditer(r"\\.|\[|\]|\((?:\?<([^=!>][^>]*)>|(?!\?))", source, re.DOTALL):
        if token[0] == "[":
            in_class = True
        elif token[0] == "]":
            in_class = False
        elif token[0][0] == "(" and not in_class:
            number += 1
            if token[1]:
                names.setdefault(token[1], number)
    return number, names


# ---------------------------------------------------------------- writing


def _point(point: int, wide: str) -> str:
    char = chr(point)
    return char if char.isascii() and char.isalnum() else wide.format(point)


def _rust(node: Node) -> str:
    match node:
        case Chars():
            return _rust_chars(node)
        case Edge(lines=True):
            raise CannotSay("line anchors")  # JavaScript knows four line ends, the crate one
        case Edge():
            return {"start": r"\A", "end": r"\z", "word": r"(?-u:\b)", "not_word": r"(?-u:\B)"}[node.kind]
        case Sequence():
            return "".join(_rust(part) for part in node.parts)
        case Either():
            return "(?:" + "|".join(_rust(part) for part in node.parts) + ")"
        case Group():
            return "(?:" + _rust(node.inner) + ")"
        case Repeat():
            return "(?:" + _rust(node.inner) + ")" + _count(node)
        case Look():
            raise CannotSay("look-around")
        case Back():
            raise CannotSay("back-references")


def _rust_chars(node: Chars) -> str:
    ranges = _without_surrogates(node.ranges)
    members = "".join(_range(low, high, r"\x{{{:X}}}") for low, high in ranges)
    for name in node.properties:
        members += (r"\P{" if name.startswith("^") else r"\p{") + name.removeprefix("^") + "}"
    if not members:
        return r"[\x00-\x{10FFFF}]" if node.negated else r"[^\x00-\x{10FFFF}]"
    if len(ranges) == 1 and ranges[0][0] == ranges[0][1] and not node.properties:
        return members
    return f"[{'^' if node.negated else ''}{members}]"


def _range(low: int, high: int, wide: str) -> str:
    return _point(low, wide) if low == high else f"{_point(low, wide)}-{_point(high, wide)}"


def _count(node: Repeat) -> str:
    most = "" if node.most is None else str(node.most)
    text = {(0, None): "*", (1, None): "+", (0, 1): "?"}.get((node.least, node.most), f"{{{node.least},{most}}}")
    return text + ("?" if node.lazy else "")


def _python(node: Node) -> str:
    match node:
        case Chars():
            if node.properties:
                raise CannotSay("Unicode properties")
            members = "".join(_range(low, high, r"\U{:08X}") for low, high in _without_surrogates(node.ranges))
            return f"[{members}]" if members else "(?!)"
        case Edge(lines=True):
            ends = r"[\n\r\u2028\u2029]"
            return rf"(?:\A|(?<={ends}))" if node.kind == "start" else rf"(?:\Z|(?={ends}))"
        case Edge():
            return {"start": r"\A", "end": r"\Z", "word": r"\b", "not_word": r"(?!\b)"}[node.kind]
        case Sequence():
            return "".join(_python(part) for part in node.parts)
        case Either():
            return "(?:" + "|".join(_python(part) for part in node.parts) + ")"
        case Group():
            return ("(?:" if node.number is None else "(") + _python(node.inner) + ")"
        case Repeat():
            return "(?:" + _python(node.inner) + ")" + _count(node)
        case Look():
            mark = ("=" if not node.negated else "!") if node.ahead else ("<=" if not node.negated else "<!")
            return f"(?{mark}{_python(node.inner)})"
        case Back():
            # A reference to a group that took no part matches the empty text in JavaScript, nothing in Python.
            again = rf"(?i:\{node.number})" if node.any_case else rf"(?:\{node.number})"
            return rf"(?:(?({node.number}){again}|))"


def nodes(root: Node) -> Iterator[Node]:
    """All parts of a pattern, outermost first."""
    yield root
    match root:
        case Sequence(parts=parts) | Either(parts=parts):
            for part in parts:
                yield from nodes(part)
        case Group(inner=inner) | Repeat(inner=inner) | Look(inner=inner):
            yield from nodes(inner)
        case _:
            pass
