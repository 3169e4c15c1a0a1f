"""Which heading looks like which column, how surely, and why: candidates, and the best assignment of them all.

A pair is compared by whole words, never by letters inside them: as it stands, without separators, without accents, in
another order, by what its words mean (`vocabulary.py`), and last as a part of it. Pairs are found through tables of
texts and words, so the cost grows with the headings and the columns and not with their product. Whatever is less than
SURE is a proposal for a person: nothing takes it by itself.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from functools import cache, cached_property, lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from douane.model.template import Column
from douane.sheet import vocabulary
from douane.values import dataclass

SURE = 0.8  # what is less certain is only proposed

Reason = Literal["key", "name", "alternate", "learned", "spelling", "accents", "order", "synonym", "part", "short"]

# What people chose before goes before all: they saw the file. Of another template it is a hint.
_LEARNED, _LEARNED_ELSEWHERE = 1.05, 0.79
# How certain a fit of each kind is.
_KEY, _NAME, _ALTERNATE, _SPELLING, _ACCENTS, _ORDER, _SYNONYM = 1.0, 0.99, 0.98, 0.95, 0.9, 0.88, 0.85
_PART, _MAYBE, _MODIFIED, _REMARKED, _SHORT = 0.8, 0.65, 0.6, 0.6, 0.6

_MULTI = re.compile(r"#MULTI#.*\Z", re.DOTALL)  # our own samples head multi-select columns `key#MULTI#;`
# NFKC has made a plain letter of the raised one by then.
_NUMBER_SIGN = re.compile(r"\b[nN](?:\s?[°º]|\.\s?[oº°]\b)|№|(?<!\S)(?:#(?!\S)|[nN]\.\s)")
_GLUED_SIGN = re.compile(r"(?<=\w)#(?!\S)")
_INITIAL = re.compile(r"[A-Za-z]\. ")
_WORDS = re.compile(r"\d+|[^\W\d_]+")
_SHORTENED = re.compile(r"[^\W\d_]\.")
_BRACKETS = re.compile(r"[(\[{<].*?[)\]}>]|,.*\Z", re.DOTALL)
_LETTERS = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe", "ı": "i", "ð": "d", "þ": "th", "ħ": "h"})
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe", "æ": "ae"})
# What Arabic keyboards write alike: forms of alef, of yeh and of teh marbuta.
_ARABIC = str.maketrans({"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ة": "ه", "ـ": None})
_ARTICLE = "ال"
# A text that this many others share tells none of them apart; headings of the same text are numbered up to here too.
_SHARED_MAX = 40
# What may follow a column's words and still mean it: a sender goes by its name, a tax by its amount.
_ITSELF = frozenset({"name", "amount"})
# The same where the name of a thing stands before it: `Nome do cliente`.
_NAMES = frozenset({"name", "nome", "nom", "nombre"})
# Who names these first speaks of them: `Cod. articolo` is no article.
_SAID_FIRST = frozenset({"code", "date"})
_OF = re.compile(r"\b(?:of|de|du|des|del|della|dello|dei|do|da|dos|das|van|von|der)\b|\bd['’]")
_EQUAL = 1e-9
_TABLE_MAX = 10_000  # columns times headings of a group whose best total is computed
_WORDS_MAX = 20  # a longer heading is compared as a whole only


@dataclass(frozen=True, slots=True)
class Match:
    """`at`: position of the heading. `certainty`: 0 to 1. `also`: positions of headings that fit just as well,
    `rivals`: numbers of columns that this heading fits just as well. Such a match is a proposal, however certain it
    would be alone."""

    at: int
    certainty: float
    reason: Reason
    also: tuple[int, ...] = ()
    rivals: tuple[int, ...] = ()

    @property
    def sure(self) -> bool:
        return self.certainty >= SURE and not self.also and not self.rivals


@dataclass(frozen=True, slots=True)
class Known:
    """What people chose before: the text of a heading, as `plain` has it, to the key of the column it feeds. `own`: in
    this template; `elsewhere`: in others."""

    own: Mapping[str, str] = field(default_factory=dict)
    elsewhere: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Forms:
    """A text in the forms it is compared by, beside `plain`. `joined`: its words
    without what separates them. `folded`: the same without accents, in up to two spellings. `stems`: its words without
    accents, small words and endings, in order of the alphabet. `meant`: its words as what they mean, each way there is:
    (words, surely). `first`: the word it begins with, as meant. `remark`: it goes on in brackets."""

    joined: str
    folded: frozenset[str]
    stems: tuple[str, ...]
    meant: tuple[tuple[tuple[str, ...], bool], ...]


def plain(text: str) -> str:
    """As compared first: NFKC, case folded, without invisible signs, white space as one blank."""
    text = unicodedata.normalize("NFKC", _MULTI.sub("", text))
    if not text.isascii():
        text = "".join(sign for sign in text if unicodedata.category(sign) != "Cf")
    return " ".join(unicodedata.normalize("NFKC", text.casefold()).split())


def matches(
    columns: Sequence[Column], headings: Sequence[str | None], known: Known | None = None
) -> tuple[Match | None, ...]:
    """Per column the heading that fits best, each heading used once; None = none fits. Of headings with one and the
    same text the first that is left is meant (contract 6). An empty heading fits nothing. What is `known` of a heading
    goes before what it looks like."""
    pairs = _candidates(columns, headings, known)
    chosen: dict[int, int] = {}
    for group in _groups(pairs):
        if _is_small(group):
            chosen |= _best(group, pairs)
            continue
        settled = _settled(group, pairs)
        chosen |= settled
        used = set(settled.values())
        for rest in _groups([(number, at) for number, at in group if number not in settled and at not in used]):
            chosen |= _best(rest, pairs) if _is_small(rest) else _greedy(rest, pairs)
    alike = _alike(pairs, chosen, headings)
    found: list[Match | None] = [None] * len(columns)
    for number, at in chosen.items():
        certainty, reason = pairs[number, at]
        found[number] = Match(at, min(certainty, 1.0), reason, *alike.get(number, ((), ())))
    return tuple(found)


def meant(names: Iterable[str], headings: Sequence[str]) -> int:
    """How many of the headings surely mean one of the names."""
    found = matches([Column(name, name) for name in dict.fromkeys(names)], headings)
    return len({match.at for match in found if match is not None and match.certainty >= SURE})


def known(headings: Iterable[str]) -> int:
    """How many of the texts are words of headings, whatever the template: `City`, `Betrag`, `numéro de téléphone`."""
    return sum(1 for text in headings if len(text) <= 60 and _phrase(_split(text)) in _meanings())


# Words


def _split(text: str) -> list[str]:
    """The words of a text as written: at separators, between letters and digits, and where `aB` changes case."""
    words: list[str] = []
    for word in _WORDS.findall(_NUMBER_SIGN.sub(" number ", text)):
        if len(word) > 1 and not (word.islower() or word.isupper() or word[1:].islower()):
            words.extend(_humps(word))
        else:
            words.append(word)
    return [word.casefold() for word in words]


def _humps(word: str) -> Iterator[str]:
    begin = 0
    for at in range(1, len(word)):
        here, before = word[at], word[at - 1]
        following = word[at + 1] if at + 1 < len(word) else ""
        if here.isupper() and (before.islower() or (before.isupper() and following.islower())):
            yield word[begin:at]
            begin = at
    yield word[begin:]


def _bare(word: str) -> str:
    """Without accents, and what Arabic writes two ways in one."""
    if word.isascii():
        return word
    folded = unicodedata.normalize("NFD", word.translate(_ARABIC))
    marks = {ord(sign): "" for sign in set(folded) if unicodedata.combining(sign)}
    return folded.translate(_LETTERS | marks)


def _stem(word: str) -> str:
    word = _bare(word)
    if word.startswith(_ARTICLE) and len(word) > 4:
        return word[2:]
    return word[:-1] if len(word) > 4 and word.endswith("s") else word


@lru_cache(maxsize=50_000)
def _forms(text: str) -> _Forms:
    visible = unicodedata.normalize("NFKC", _MULTI.sub("", text))
    if not visible.isascii():
        visible = "".join(sign for sign in visible if unicodedata.category(sign) != "Cf")
    words = _split(visible)
    if len(words) > _WORDS_MAX:
        return _Forms("", frozenset(), (), ())
    joined = "".join(words)
    if joined.isascii():
        folded = frozenset([joined])
        bare = words
    else:
        bare = [_bare(word) for word in words]
        composed = unicodedata.normalize("NFC", joined)
        folded = frozenset(["".join(bare), _bare(composed.translate(_UMLAUTS))])
    if _INITIAL.match(visible) and len(bare) > 1 and len(bare[0]) == 1:
        bare[0] += "."  # an initial is no small word: `L. name`
    telling = [word for word in bare if word not in vocabulary.STOP] or bare
    meant = list(_meant(tuple(telling)))
    if _GLUED_SIGN.search(visible):  # `PO#` is the number of a PO, or what is called a PO
        meant += _meant((*telling, "number"))
    return _Forms(joined, folded, tuple(sorted(map(_stem, telling))), tuple(meant))


# What words mean


@cache
def _meanings() -> dict[tuple[str, ...], list[tuple[tuple[str, ...], bool]]]:
    """Words of a phrase, or all of them joined -> what it means, surely or not."""
    found: dict[tuple[str, ...], list[tuple[tuple[str, ...], bool]]] = defaultdict(list)
    short, stop = _short(), vocabulary.STOP.difference(_short())
    # Without accents, and once more with umlauts written out: sign by sign, for it is all done at once.
    signs = {sign for sign in set(vocabulary.LINES) if not sign.isascii()}
    bare = str.maketrans({sign: _bare(sign.casefold()) for sign in signs})
    spelled = bare | str.maketrans({sign: _bare(sign.translate(_UMLAUTS)) for sign in signs & set("äöüåøæ")})
    both = zip(vocabulary.meanings(bare), vocabulary.meanings(spelled), strict=True)
    for (meaning, *phrases), (_, *others) in both:
        words = (meaning,) if meaning in vocabulary.WHOLE else _identified(meaning.split())
        for surely, plainly, out in zip((True, False), phrases, others, strict=True):
            meant = (words, surely)
            for phrase in plainly if plainly == out else dict.fromkeys(plainly + out):
                # As `_phrase` has them, without a call for each of some thousands.
                own = phrase.split()
                key = tuple([short.get(word, word) for word in own if word not in stop]) or tuple(own)
                for one in (key, ("".join(key),)) if len(key) > 1 else (key,):
                    if meant not in (there := found[one]):
                        there.append(meant)
    return dict(found)


def _phrase(words: Iterable[str]) -> tuple[str, ...]:
    short, bare = _short(), [_bare(word) for word in words]
    telling = [word for word in bare if word not in vocabulary.STOP or word in short] or bare
    return tuple([short.get(word, word) for word in telling])


@cache
def _short() -> dict[str, str]:
    return {_bare(word): meant for word, meant in vocabulary.SHORT.items()}


_PHRASE_MAX = 4
_WAYS_MAX = 6


def _meant(words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], bool]]:
    """The text by what its words mean, the longest phrases first; where a phrase may mean several things, each."""
    phrases = _meanings()
    words = _phrase(words)
    whole = phrases.get(("".join(words),))
    if whole is not None and len(words) > 1 and words not in phrases:
        yield from whole
        return
    parts: list[list[tuple[tuple[str, ...], bool]]] = []
    at = 0
    while at < len(words):
        for size in range(min(_PHRASE_MAX, len(words) - at), 0, -1):
            meant = phrases.get(words[at : at + size])
            if meant is not None:
                # What may mean something else is first of all itself.
                itself = tuple(each for word in words[at : at + size] for each in _alone(word))
                parts.append(meant if any(surely for _, surely in meant) else [(itself, True), *meant])
                at += size
                break
        else:
            parts.append([(_apart(words[at]) or (_stem(words[at]),), True)])
            at += 1
    ways: list[tuple[tuple[str, ...], bool]] = [((), True)]
    for part in parts:
        ways = [(said + more, surely and sure) for said, surely in ways for more, sure in part][:_WAYS_MAX]
    for said, surely in ways:
        yield _identified(said), surely


@cache
def _compounds() -> tuple[dict[str, str], dict[str, str]]:
    about, of_it = vocabulary.compounds()
    return {_bare(word): meant for word, meant in about.items()}, {_bare(word): meant for word, meant in of_it.items()}


def _apart(word: str) -> tuple[str, ...]:
    """A word that is put together of two we know, all of it: what it is about and what of it. The first of them also
    stands alone, before a hyphen. Else nothing."""
    about, of_it = _compounds()
    if word in about and word not in vocabulary.NEUTRAL:
        return (about[word],)
    for at in range(len(word) - 2, 2, -1):
        if word[at:] in of_it and word[:at] in about:
            return (about[word[:at]], of_it[word[at:]])
    return ()


def _alone(word: str) -> tuple[str, ...]:
    return next((meant for meant, surely in _meanings().get((word,), ()) if surely), (_stem(word),))


def _identified(words: Iterable[str]) -> tuple[str, ...]:
    """A number of something is its id."""
    words = tuple(words)
    return tuple("id" if word == "number" else word for word in words) if len(words) > 1 else words


# Candidates: (column, position) -> (certainty, reason)

_Pairs = dict[tuple[int, int], tuple[float, Reason]]


class _Candidates:
    def __init__(self, columns: Sequence[Column], headings: Sequence[str | None]) -> None:
        self.pairs: _Pairs = {}
        self.columns = [_texts(column) for column in columns]
        # Of equal headings only as many as could be needed take part.
        positions: dict[str, list[int]] = defaultdict(list)
        for at, heading in enumerate(headings):
            text = plain(heading) if heading else ""
            if text and text != "_" and len(positions[text]) < min(len(columns), _SHARED_MAX):
                positions[text].append(at)
        self.positions = {text: found for text, found in positions.items() if found}
        self.first = {text: headings[found[0]] or "" for text, found in self.positions.items()}

    @cached_property
    def headings(self) -> dict[str, _Forms]:
        return {text: _forms(heading) for text, heading in self.first.items()}

    def says_less(self, number: int, own: str) -> bool:
        """Whether another text of the column says what `own` leaves open, as the name of `vat: VAT rate`. What only
        means the same as `own` may be another thing then."""
        return any(_leaves_out(_forms(own), _forms(text)) for text, _, _ in self.columns[number] if text != own)

    def add(self, number: int, text: str, certainty: float, reason: Reason) -> None:
        for at in self.positions[text]:
            if self.pairs.get((number, at), (0.0, reason))[0] < certainty:
                self.pairs[number, at] = (certainty, reason)


def _leaves_out(short: _Forms, long: _Forms) -> bool:
    sayings = [(set(short.stems), set(long.stems))]
    sayings += [(set(one), set(other)) for one, sure in short.meant if sure for other, also in long.meant if also]
    return any(
        one < other and any(_says(word) and word not in _ITSELF for word in other - one)
        for one, other in sayings
        if one
    )


def _texts(column: Column) -> list[tuple[str, float, Reason]]:
    texts: list[tuple[str, float, Reason]] = [(column.key, _KEY, "key"), (column.name, _NAME, "name")]
    texts += [(key, _ALTERNATE - 1e-4 * at, "alternate") for at, key in enumerate(column.alternate_keys[:100])]
    return [(text, certainty, reason) for text, certainty, reason in texts if text.strip()]


def _candidates(columns: Sequence[Column], headings: Sequence[str | None], known: Known | None = None) -> _Pairs:
    found = _Candidates(columns, headings)
    known = known or Known()
    if _exact(found) and not (known.own or known.elsewhere):
        return found.pairs
    _same(found)
    _parts(found)
    _shortened(found)
    numbers = {column.key: number for number, column in enumerate(columns)}
    for choices, certainty in ((known.own, _LEARNED), (known.elsewhere, _LEARNED_ELSEWHERE)):
        for text in found.positions.keys() & choices.keys() if choices else ():
            number = numbers.get(choices[text])
            if number is not None:
                found.add(number, text, certainty, "learned")
    return found.pairs


def _exact(found: _Candidates) -> bool:
    """Pairs by the very text. True: no column or no heading is left for anything less, and what words mean need not be
    loaded."""
    fed: dict[str, set[int]] = defaultdict(set)
    for number, texts in enumerate(found.columns):
        for own, certainty, reason in texts:
            text = plain(own)
            if text in found.positions:
                found.add(number, text, certainty, reason)
                fed[text].add(number)
    numbers = [number for each in fed.values() for number in each]
    apart = len(numbers) == len(fed) == len(set(numbers))
    return apart and len(numbers) in (len(found.columns), len(found.positions))


def _same(found: _Candidates) -> None:
    """Pairs that are the same text in one form or another."""
    tables: list[dict[object, list[str]]] = [defaultdict(list) for _ in range(4)]
    by_joined, by_folded, by_stems, by_meaning = tables
    for text, forms in found.headings.items():
        if not forms.joined:
            continue
        by_joined[forms.joined].append(text)
        for folded in forms.folded:
            by_folded[folded].append(text)
        by_stems[forms.stems].append(text)
        for words, surely in forms.meant:
            by_meaning[tuple(sorted(words)), surely].append(text)
    for number, texts in enumerate(found.columns):
        for own, certainty, _ in texts:
            forms = _forms(own)
            if not forms.joined:
                continue
            # An earlier text of the column counts a little more, so that of two like headings one is the better.
            less = (_KEY - certainty) / 10
            for text in by_joined.get(forms.joined, ())[:_SHARED_MAX]:
                found.add(number, text, _SPELLING - less, "spelling")
            for folded in forms.folded:
                for text in by_folded.get(folded, ())[:_SHARED_MAX]:
                    found.add(number, text, _ACCENTS - less, "accents")
            for text in by_stems.get(forms.stems, ())[:_SHARED_MAX]:
                found.add(number, text, _ORDER - less, "order")
            for words, surely in forms.meant:
                for other_surely in (True, False):
                    both = surely and other_surely
                    fit = _SYNONYM if both and not found.says_less(number, own) else _MAYBE
                    for text in by_meaning.get((tuple(sorted(words)), other_surely), ())[:_SHARED_MAX]:
                        found.add(number, text, fit - less, "synonym")


def _parts(found: _Candidates) -> None:
    """Pairs of which one is a part of the other, word for word. Found through the word of each text that is rarest."""
    frequent: Counter[str] = Counter()
    surely: list[tuple[str, tuple[str, ...]]] = []
    for text, forms in found.headings.items():
        for words in dict.fromkeys(words for words, sure in forms.meant if sure and 0 < len(words) <= 12):
            surely.append((text, words))
            frequent.update(set(words))
    holding: dict[str, list[tuple[str, tuple[str, ...]]]] = defaultdict(list)
    by_rarest: dict[str, list[tuple[str, tuple[str, ...]]]] = defaultdict(list)
    for text, words in surely:
        for word in set(words):
            if frequent[word] <= _SHARED_MAX:
                holding[word].append((text, words))
        by_rarest[min(words, key=lambda word: (frequent[word], word))].append((text, words))
    for number, texts in enumerate(found.columns):
        for own, certainty, _ in texts:
            less = (_KEY - certainty) / 10
            less_said = found.says_less(number, own)
            most = _MAYBE if less_said else _PART
            for words in {words for words, sure in _forms(own).meant if sure and words}:
                rarest = min(words, key=lambda word: (frequent[word], word))
                for text, heading in holding.get(rarest, ()):
                    fit = _within(words, heading, text)
                    # `date: Order date` is told apart from another date by its name.
                    if fit and not (less_said and fit == _MODIFIED):
                        found.add(number, text, min(fit, most) - less, "part")
                for word in set(words):
                    if len(by_rarest.get(word, ())) > _SHARED_MAX:
                        continue
                    for text, heading in by_rarest.get(word, ()):
                        fit = _around(words, heading)
                        if fit:
                            found.add(number, text, min(fit, most) - less, "part")


def _within(own: tuple[str, ...], heading: tuple[str, ...], text: str) -> float:
    """How well a column's words fit in a longer heading; 0 = not at all. What stands before them says which of its kind
    (`Mailing address`), what follows makes another thing of them (`Weight unit`), unless it stands in brackets."""
    if len(own) >= len(heading) or not set(own) <= set(heading):
        return 0.0
    spare = [word for word in heading if word not in own]
    if not any(map(_says, own)):
        return _MODIFIED if spare == [heading[0]] and heading[0] in _NAMES else 0.0
    if not any(map(_says, spare)):
        return _PART
    if all(word.isdigit() for word in spare):
        return _MODIFIED if spare == ["1"] else 0.0
    if _BRACKETS.search(text) and set(_WORDS.findall(_BRACKETS.sub("", text))) and _bracketed(own, text):
        return _REMARKED
    if spare == [heading[-1]] and heading[-1] in _ITSELF:
        return _MAYBE
    if heading[: len(own)] == own and spare == [heading[-1]] and heading[-1] in _following():
        return _MODIFIED
    last = max(heading.index(word) for word in own)
    if last < len(heading) - 1 or (_OF.search(text) and spare != [heading[0]]):
        return 0.0
    if heading[0] in _SAID_FIRST:
        return 0.0
    # A threshold of a stock is none, the name of a supplier is one.
    return _MODIFIED if not _OF.search(text) or heading[0] in _NAMES | _ITSELF | {"id"} else 0.0


@cache
def _following() -> frozenset[str]:
    """Words that languages which begin with the thing set behind it, and which leave it what it is."""
    return frozenset(_stem(word) for word in vocabulary.FOLLOWING)


def _bracketed(own: tuple[str, ...], text: str) -> bool:
    """The heading without its brackets is the column."""
    return any(sorted(words) == sorted(own) for words, sure in _forms(_BRACKETS.sub("", text)).meant if sure)


def _around(own: tuple[str, ...], heading: tuple[str, ...]) -> float:
    """How well a heading fits in a column's longer text."""
    if len(heading) >= len(own) or not set(heading) <= set(own) or not any(map(_says, heading)):
        return 0.0
    spare = [word for word in own if word not in heading]
    if not any(map(_says, spare)):
        return _PART
    last = max(own.index(word) for word in heading)
    return _MODIFIED if last == len(own) - 1 else 0.0


def _says(word: str) -> bool:
    """Whether a word tells what a column holds."""
    return word not in vocabulary.NEUTRAL and word not in vocabulary.STOP


def _shortened(found: _Candidates) -> None:
    """Headings of words cut short, with a point behind one (`Pat.-Nr.`, `Cod. Fiscale`), that one column alone fits and
    nothing else does: proposals."""
    fed = {at for _, at in found.pairs}
    texts = [text for text, ats in found.positions.items() if ats[0] not in fed and _SHORTENED.search(text)]
    fits: dict[str, set[int]] = defaultdict(set)
    for text in texts[:_SHARED_MAX]:
        parts = [_bare(word) for word in _WORDS.findall(text)]
        if not 0 < len(parts) <= 4 or (len(parts[0]) < 3 and all(len(part) < 4 for part in parts[1:])):
            continue
        form = _long_form(parts)
        for number, columns in enumerate(found.columns[: _TABLE_MAX // _SHARED_MAX]):
            for own, _, _ in columns:
                whole = [word for word in map(_bare, _split(own)) if word not in vocabulary.STOP]
                if len(whole) <= len(parts) and form.fullmatch(" ".join(whole)):
                    fits[text].add(number)
    for text, numbers in fits.items():
        for number in numbers if len(numbers) == 1 else ():
            found.add(number, text, _SHORT, "short")


@lru_cache(maxsize=1000)
def _pattern(form: str) -> re.Pattern[str]:
    return re.compile(form)


def _long_form(parts: Sequence[str]) -> re.Pattern[str]:
    """What the parts are short for: words that begin with them, or have their letters in order; those behind the first
    may stand within the same word (`Geb.-Dat.`: Geburtsdatum)."""
    others = [dict.fromkeys((part, _short().get(part, part))) for part in parts[1:]]
    letters = ["(?:" + "|".join(r"\w*?".join(way) for way in ways) + ")" for ways in others]
    first = parts[0]
    head = first if len(first) < 4 or others else rf"(?:{first}|{_with_end(first)})"
    return _pattern(rf"{head}\w*" + "".join(rf" ?{each}\w*" for each in letters))


def _with_end(part: str) -> str:
    """Letters of a word in order, its first and last ones among them: `tfno`."""
    return r"\w*?".join(part) + "$"


# The assignment


def _groups(pairs: Iterable[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """Pairs that hang together by a column or a heading."""
    leader: dict[tuple[str, int], tuple[str, int]] = {}

    def led(one: tuple[str, int]) -> tuple[str, int]:
        leader.setdefault(one, one)
        while leader[one] != one:
            leader[one] = leader[leader[one]]
            one = leader[one]
        return one

    pairs = sorted(pairs)
    for number, at in pairs:
        leader[led(("column", number))] = led(("heading", at))
    groups: dict[tuple[str, int], list[tuple[int, int]]] = defaultdict(list)
    for number, at in pairs:
        groups[led(("heading", at))].append((number, at))
    return list(groups.values())


def _is_small(group: Sequence[tuple[int, int]]) -> bool:
    return len({number for number, _ in group}) * len({at for _, at in group}) <= _TABLE_MAX


def _settled(group: Sequence[tuple[int, int]], pairs: _Pairs) -> dict[int, int]:
    """The near certain pairs of which each is the other's only best."""
    of_column: dict[int, list[tuple[float, int]]] = defaultdict(list)
    of_heading: dict[int, list[tuple[float, int]]] = defaultdict(list)
    for number, at in group:
        of_column[number].append((pairs[number, at][0], at))
        of_heading[at].append((pairs[number, at][0], number))
    found = {}
    for number, fits in of_column.items():
        certainty, at = max(fits)
        rivals = of_heading[at]
        alone = sum(other == certainty for other, _ in fits) == sum(other >= certainty for other, _ in rivals) == 1
        if alone and certainty >= _ORDER - 0.01:
            found[number] = at
    return found


def _gain(certainty: float) -> float:
    """What a pair adds to the total. Steep, so that no two weak pairs outweigh a sure one."""
    return certainty**12


def _greedy(group: Sequence[tuple[int, int]], pairs: _Pairs) -> dict[int, int]:
    chosen: dict[int, int] = {}
    used: set[int] = set()
    for number, at in sorted(group, key=lambda pair: (-pairs[pair][0], pair)):
        if number not in chosen and at not in used:
            chosen[number] = at
            used.add(at)
    return chosen


def _best(group: Sequence[tuple[int, int]], pairs: _Pairs) -> dict[int, int]:
    """The assignment with the greatest total gain (Hungarian method with potentials, a column after the other)."""
    if len(group) == 1:
        return dict(group)
    numbers = sorted({number for number, _ in group})
    ats = sorted({at for _, at in group})
    row, place = {number: i for i, number in enumerate(numbers)}, {at: i for i, at in enumerate(ats)}
    # A place of its own for each column that goes without. All else equal, what comes first in the file is taken.
    cost = np.zeros((len(numbers), len(ats) + len(numbers)))
    cost[:, : len(ats)] = 1.0
    for number, at in group:
        cost[row[number], place[at]] = -_gain(pairs[number, at][0]) + 1e-9 * place[at]
    taken = _assignment(cost)
    return {
        number: ats[taken[i]]
        for i, number in enumerate(numbers)
        if taken[i] < len(ats) and (number, ats[taken[i]]) in pairs
    }


def _assignment(cost: npt.NDArray[np.float64]) -> list[int]:
    """Per row the column of the least total; there are no fewer columns than rows."""
    rows, width = cost.shape
    of_row, of_column = np.zeros(rows + 1), np.zeros(width + 1)
    holder = np.zeros(width + 1, dtype=np.int64)  # 1-based row that holds a column; column 0 is the one to place
    for number in range(1, rows + 1):
        holder[0], here = number, 0
        least, before = np.full(width + 1, np.inf), np.zeros(width + 1, dtype=np.int64)
        seen = np.zeros(width + 1, dtype=bool)
        while True:
            seen[here] = True
            step = cost[holder[here] - 1] - of_row[holder[here]] - of_column[1:]
            better = ~seen[1:] & (step < least[1:])
            least[1:][better] = step[better]
            before[1:][better] = here
            following = int(np.argmin(np.where(seen, np.inf, least)))
            delta = least[following]
            of_row[holder[seen]] += delta
            of_column[seen] -= delta
            least[~seen] -= delta
            here = following
            if holder[here] == 0:
                break
        while here:
            holder[here], here = holder[before[here]], int(before[here])
    taken = [0] * rows
    for column in range(1, width + 1):
        if holder[column]:
            taken[holder[column] - 1] = column - 1
    return taken


_Alike = tuple[tuple[int, ...], tuple[int, ...]]


def _alike(pairs: _Pairs, chosen: dict[int, int], headings: Sequence[str | None]) -> dict[int, _Alike]:
    """Per column with a tie: the headings that fit it just as well, and the columns that its heading fits just as well.
    Another heading of the same text is no tie: the first is meant."""
    feeds = {at: number for number, at in chosen.items()}
    also: dict[int, set[int]] = defaultdict(set)
    rivals: dict[int, set[int]] = defaultdict(set)
    for (number, at), (certainty, _) in pairs.items():
        mine, other = chosen.get(number), feeds.get(at)
        if mine == at or (mine is not None and plain(headings[mine] or "") == plain(headings[at] or "")):
            continue
        if mine is None:
            if other is not None and certainty >= pairs[other, at][0] - _EQUAL:
                rivals[other].add(number)
        elif other is None:
            # Of two headings that hold a column's words, `Customer ID` and `Order ID`, neither is surely its own.
            both_hold = pairs[number, mine][1] == pairs[number, at][1] == "part"
            # People chose a heading while the one that bears the column's own name was not there.
            named_too = pairs[number, mine][1] == "learned" and certainty >= _ALTERNATE - 0.01
            if certainty >= pairs[number, mine][0] - _EQUAL or both_hold or named_too:
                also[number].add(at)
        elif (other, mine) in pairs:
            swapped = certainty + pairs[other, mine][0]
            if swapped >= pairs[number, mine][0] + pairs[other, at][0] - _EQUAL:
                also[number].add(at)
                also[other].add(mine)
    return {
        number: (tuple(sorted(also.get(number, ()))), tuple(sorted(rivals.get(number, ()))))
        for number in {*also, *rivals}
    }
