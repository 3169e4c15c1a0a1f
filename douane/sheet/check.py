"""Columns + rules -> one checker: the same code for the first pass, for edits and for `douane check`.

Judging a batch has two steps. *Quick* expressions over the cells as staged say of each row and column whether it is
surely right; in a nearly clean file that is nearly all of them, at a few nanoseconds a cell. *Exact* expressions then
decide over the few rows that are left, column by column, and set the bits. Where the kernel is loaded (`sheet/native`),
it does what the quick ones do for the columns that it knows how to clear.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
from copy import copy
from dataclasses import asdict, field
from functools import cached_property
from operator import itemgetter

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from douane.errors import BadTemplate
from douane.model.problem import Problem, Rule
from douane.model.template import Column, Template
from douane.sheet import columns, template_file, validations
from douane.sheet.clearing import Cleared, Clearing, decided
from douane.sheet.columns.contract import (
    SPACE,
    TEXT,
    Judge,
    Notice,
    trim,
    unchanged,
)
from douane.sheet.columns.select import collapsed
from douane.sheet.explaining import explainer
from douane.sheet.formats import (
    FLAG_BROKEN,
    FLAG_OVERLONG,
    FLAG_SHORT,
    FLAG_UNDECODABLE,
)
from douane.sheet.mapping import Layout
from douane.sheet.plans import (
    Plan,
    as_seen,
    asked,
    clean_of,
    common_tests,
    exact_frame,
    failures,
    noticed_in,
    picked,
    with_notices,
)
from douane.sheet.rule import SURPLUS, UNIQUE, UNIQUE_WITH, Test, always
from douane.sheet.validations.contract import Other, Reference
from douane.values import dataclass

CHECK_VERSION = 3  # raise it when a verdict can change for the same text: masks of another version are rebuilt

_SETS_MAX = 4096  # sets of rules that are remembered
_BYTES_SHOWN = re.compile(r"\\x[0-9a-f]{2}")

Bits = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.int64]

# Rules of the whole record: (name, flag, is it a warning, sentence).
_RECORD_RULES = (
    ("broken", FLAG_BROKEN, False, "This record could not be read as it is written"),
    ("undecodable", FLAG_UNDECODABLE, False, "This record holds bytes that are no text in the file's encoding"),
    ("overlong", FLAG_OVERLONG, False, "This record is longer than the limit and was cut off"),
    ("short", FLAG_SHORT, True, "This record has fewer cells than there are headings"),
)


@dataclass(frozen=True, slots=True)
class UniqueRule:
    """A rule that needs the whole table. `bits` are set on every row but the first holder of a key (contract 4.4)."""

    number: int
    bits: tuple[int, ...]
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TableNote:
    """A note whose reason may stand in any row: as soon as one gives it, `bit` is for every suspect row of the table.
    `columns`: of the frame, what it reads; `seen_in`: the one of them without which no row gives a reason. `among`:
    a row that gives one has one of these bits; None: any row may."""

    bit: int
    columns: tuple[str, ...]
    seen_in: str
    among: npt.NDArray[np.uint64] | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """`mask`: uint64 (rows, words), one bit per failed rule, unique bits not set yet. `hashes`: uint64
    (rows, unique rules), 0 = the row takes no part in that rule (empty, null, 0). `reasons`: by the bits of notes of
    the table whether a row gives their reason, of notes of which it was seen on the way."""

    mask: npt.NDArray[np.uint64]
    hashes: npt.NDArray[np.uint64]
    reasons: Mapping[int, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Share:
    """What the cells of some columns decide of a record's verdict: these `bits` and the hashes of these rules, by these
    columns of the frame. `numbers` of the template's columns, `across` of the rules over several."""

    bits: npt.NDArray[np.uint64]
    unique: tuple[UniqueRule, ...]
    columns: tuple[str, ...]
    keys: frozenset[str]
    numbers: frozenset[int]
    across: frozenset[int]


class Checker:
    """Judges batches in the frame form of `sheet/formats` whose data rows are meant for `template` by `layout`.

    `rules[i].bit == i`; `words` = 64-bit words per mask row; `invalid_words` has a bit set for every rule that makes a
    row invalid (warnings do not). `stamp` names everything a mask depends on but the cells (template, layout,
    CHECK_VERSION, Polars version)."""

    rules: tuple[Rule, ...]
    unique: tuple[UniqueRule, ...]
    table_notes: tuple[TableNote, ...]
    words: int
    invalid_words: npt.NDArray[np.uint64]

    def __init__(
        self, template: Template, layout: Layout, *, seed: int = 0, marks: Mapping[Reference, str] | None = None
    ) -> None:
        """`seed` (64 bits) is the operation's, so that nobody can prepare a file of equal hashes. `marks`: which values
        of other templates the verdicts go by; the values themselves come by `knowing`. BadTemplate where a column
        cannot be judged."""
        self._template, self._layout, self._marks = template, layout, marks or {}
        self._seed = seed
        self._messages: list[Callable[[str], str]] = []
        rules: list[Rule] = []
        unique: list[UniqueRule] = []

        def add(
            column: str | None, name: str, precedence: int, message: Callable[[str], str], warning: bool = False
        ) -> int:
            rules.append(Rule(len(rules), column, name, precedence, warning))
            self._messages.append(message)
            return len(rules) - 1

        self._plans: list[Plan] = []
        for number, column in enumerate(template.columns):
            judge = _judge(column, number)
            tests = (*common_tests(column), *judge.tests)
            bits = tuple(add(column.key, test.rule, test.precedence, test.message, test.warning) for test in tests)
            own = -1
            if column.unique:
                bit = add(column.key, "unique", UNIQUE, _taken(judge))
                own = len(unique)
                unique.append(UniqueRule(own, (bit,), (column.key,)))
            at = layout.columns[number]
            self._plans.append(with_notices(Plan(column, judge, bits, f"c{at}", f"k{at}", own, judge), []))
        for group_rule, members in _groups(template):
            keys = tuple(column.key for column, _ in members)
            group_bits = tuple(add(column.key, group_rule, UNIQUE_WITH, always(says(keys))) for column, says in members)
            unique.append(UniqueRule(len(unique), group_bits, keys))
        self._clearing = Clearing(self._plans)
        self._by_key = {plan.column.key: plan for plan in self._plans}
        self._across: list[tuple[tuple[str, ...], Test, int]] = []
        template_file.refuse_strangers(template)
        for column in template.columns:
            for keys, test in _across(column, self._by_key):
                bit = add(column.key, test.rule, test.precedence, test.message, test.warning)
                self._across.append((keys, test, bit))
        self._values: dict[Reference, Bits] = {}
        self._among: list[tuple[int, int, Reference]] = []
        for number, column in enumerate(template.columns):
            for said, reference in references_of(column):
                bit = add(column.key, "among", UNIQUE_WITH, always(said) if said else _missing(reference))
                self._among.append((number, bit, reference))
        self._explain = {column.key: explainer(column) for column in template.columns}
        self._surplus = -1
        level = _surplus_level(template)
        if template.columns and level != "off":
            sentence = "This record has more cells than there are headings: {}"
            last = template.columns[-1].key
            self._surplus = add(last, "surplus", SURPLUS, sentence.format, level == "warning")
        self._flags = tuple(
            (flag, add(None, name, 0, always(sentence), warning)) for name, flag, warning, sentence in _RECORD_RULES
        )
        self.rules = tuple(rules)
        # Columns in the template's order, then the record; within a column what outranks the rest comes last.
        places = {plan.column.key: place for place, plan in enumerate(self._plans)}
        shown = sorted(rules, key=lambda r: (places.get(r.column or "", len(places)), r.precedence, r.bit))
        self._shown = {rule.bit: (place, rule) for place, rule in enumerate(shown)}
        self._sets: dict[tuple[int, ...], tuple[Rule, ...]] = {}
        self.unique = tuple(unique)
        self.words = max(1, -(-len(rules) // 64))
        self.invalid_words = np.zeros(self.words, np.uint64)
        for rule in rules:
            if not rule.warning:
                self.invalid_words[rule.bit // 64] |= np.uint64(1 << rule.bit % 64)
        self._notices: dict[int, tuple[Plan, Notice]] = {}
        self.table_notes = tuple(self._notes_of_the_table())

    @property
    def judges(self) -> dict[str, Judge]:
        """By what each column is judged."""
        return {plan.column.key: plan.whole for plan in self._plans}

    @cached_property
    def stamp(self) -> str:
        # What ciphers a library has is loaded with this, and a command on a file asks for no stamp.
        from hashlib import sha256

        document: list[object] = [CHECK_VERSION, pl.__version__, asdict(self._template), asdict(self._layout)]
        if self._marks:
            document.append(sorted((*reference, mark) for reference, mark in self._marks.items()))
        return sha256(msgspec.json.encode(document, order="sorted")).hexdigest()

    def words_of_columns(self) -> dict[str, Bits]:
        """Per column with rules the bits of what makes it wrong."""
        found: dict[str, Bits] = {}
        for rule in self.rules:
            if rule.column is not None and not rule.warning:
                words = found.setdefault(rule.column, np.zeros(self.words, np.uint64))
                words[rule.bit // 64] |= np.uint64(1 << rule.bit % 64)
        return found

    def knowing(self, values: Mapping[Reference, Bits]) -> Checker:
        """The same checker, which judges what must be among these values too: their hashes (`hashes_of`), ascending,
        each once. A reference that is not in there is judged by nobody."""
        known = copy(self)
        known._values = dict(values)
        return known

    def seeded(self, seed: int) -> Checker:
        """The same checker, made with another seed."""
        other = copy(self)
        other._seed = seed
        return other

    def hashes_of(self, frame: pl.DataFrame, key: str, seed: int | None = None) -> Bits:
        """What a cell of a column is looked up by, one a row, 0 = nothing is said; under this seed, or its own."""
        plan = self._by_key[key]
        text = exact_frame(frame, plan).select(plan.judge.joined.fill_null("").alias("text")).to_series()
        hashes = text.hash(self._seed if seed is None else seed).to_numpy()
        return np.where((text == "").to_numpy(), np.uint64(0), np.maximum(hashes, np.uint64(1)))

    def share(self, keys: Set[str]) -> Share:
        """What may be another verdict when cells of the columns `keys` change and no record is `mendable`."""
        bits = np.zeros(self.words, np.uint64)
        numbers = {number for number, plan in enumerate(self._plans) if plan.column.key in keys}
        unique = tuple(rule for rule in self.unique if not keys.isdisjoint(rule.columns))
        across = {at for at, (of, _, _) in enumerate(self._across) if not keys.isdisjoint(of)}
        decided = [bit for number in numbers for bit in self._plans[number].every_bit]
        decided += [self._across[at][2] for at in across]
        decided += [bit for rule in unique for bit in rule.bits]
        decided += [bit for number, bit, _ in self._among if number in numbers]
        for bit in decided:
            bits[bit // 64] |= np.uint64(1 << bit % 64)
        read = {self._plans[number].column.key for number in numbers}
        read.update(*(rule.columns for rule in unique), *(self._across[at][0] for at in across))
        record = [f"c{at}" for at in range(self._layout.headings, self._layout.width)]
        cells = [name for key in sorted(read) for name in (self._by_key[key].cell, self._by_key[key].kind)]
        columns = tuple(dict.fromkeys(["_line", "_flags", "_extra", *record, *cells]))
        return Share(bits, unique, columns, frozenset(read), frozenset(numbers), frozenset(across))

    def judge(self, frame: pl.DataFrame, share: Share | None = None) -> Judgement:
        """All rules but uniqueness over every row of the frame, on any thread; of a `share`, what it decides. No Python
        per cell."""
        mask = np.zeros((len(frame), self.words), np.uint64)
        hashes = np.zeros((len(frame), len(self.unique)), np.uint64)
        if len(frame) == 0:
            return Judgement(mask, hashes)
        cleared = self._clearing.of(frame, None if share is None else share.numbers)
        plans = {
            number: cleared[number].plan if number in cleared else as_seen(plan, noticed_in(frame, plan, late=False))
            for number, plan in enumerate(self._plans)
            if share is None or number in share.numbers
        }
        quick = frame.select(self._quick(plans, set(frame.columns), cleared))
        for number, plan in plans.items():
            if number in cleared:
                self._clearing.judge(frame[plan.cell], cleared[number], mask)
            else:
                self._judge_column(frame, quick, number, plan, mask)
            if plan.unique >= 0:
                hashes[:, plan.unique] = self._key_hashes(frame, quick, number, plan, cleared.get(number))
        for rule in self.unique if share is None else share.unique:
            if len(rule.bits) > 1:
                hashes[:, rule.number] = self._hashed(self.unique_texts(frame, rule))
        for at, (keys, test, bit) in enumerate(self._across):
            if share is not None and at not in share.across:
                continue
            failed = self._beside(frame, keys).select(test.fails.fill_null(False)).to_series()
            if failed.any():
                mask[failed.to_numpy(), bit // 64] |= np.uint64(1 << bit % 64)
        for number, bit, reference in self._among:
            if number in plans and reference in self._values:
                hashes_here = self.hashes_of(frame, self._plans[number].column.key)
                mask[_not_among(hashes_here, self._values[reference]), bit // 64] |= np.uint64(1 << bit % 64)
        if share is None:
            self._judge_records(frame, mask)
        return Judgement(mask, hashes, self._reasons(frame, plans, cleared, mask) if share is None else {})

    def _reasons(
        self, frame: pl.DataFrame, plans: Mapping[int, Plan], cleared: Mapping[int, Cleared], mask: Bits
    ) -> dict[int, bool]:
        """Of notes of which it is known on the way: by kinds, and where the kernel was asked by texts, for what it
        looked through for them holds all that may be a reason."""
        by_text = {found.plan.column.key for found in cleared.values() if not decided(found.plan)}
        noticed = {plan.column.key: {one.rule for one in plan.noticed} for plan in plans.values()}
        known: dict[int, bool] = {}
        for note in self.table_notes:
            plan, notice = self._notices[note.bit]
            if note.among is None and (notice.late or plan.kind not in frame.columns):
                continue
            if note.among is not None and plan.column.key not in by_text:
                continue
            seen = notice.rule in noticed[plan.column.key]
            if seen and note.among is not None:
                rows = np.flatnonzero((mask & note.among).any(axis=1))
                names = [name for name in (plan.cell, plan.kind) if name in frame.columns]
                givers = pl.DataFrame([frame[name].gather(rows) for name in names])
                seen = len(rows) > 0 and self.has_reason(givers, note)
            known[note.bit] = seen
        return known

    def mendable(self, frame: pl.DataFrame) -> bool:
        """Whether any record has what an edit could settle: a flag of the file's, or cells beyond the last heading."""
        if "_flags" not in frame.columns:
            return False
        beyond = [*self._surplus_columns(frame), *(["_extra"] if "_extra" in frame.columns else [])]
        return bool(frame["_flags"].max()) or any(frame[name].null_count() < len(frame) for name in beyond)

    def mended(self, frame: pl.DataFrame, edited: Sequence[Collection[str]]) -> pl.DataFrame:
        """The frame without the flags of records that a person has put right. `edited`: per row the keys of the cells
        that were changed. A change anywhere settles a record that was broken or cut off; one that did not decode is
        settled when no cell shows bytes any more, and surplus cells when the last column was seen to."""
        if not any(edited) or "_flags" not in frame.columns:
            return frame
        last = self._plans[-1].column.key if self._plans else None
        cells = [name for name in frame.columns if name[0] == "c" and name[1:].isdigit()]
        flags, clear = frame["_flags"].to_list(), [False] * len(frame)
        for row, keys in enumerate(edited):
            if not keys:
                continue
            clear[row] = last in keys
            flags[row] &= ~(FLAG_BROKEN | FLAG_OVERLONG)
            if flags[row] & FLAG_UNDECODABLE and not any(
                _BYTES_SHOWN.search(text) for text in frame.row(row, named=True).values() if isinstance(text, str)
            ):
                flags[row] &= ~FLAG_UNDECODABLE
        frame = frame.with_columns(pl.Series("_flags", flags, dtype=frame["_flags"].dtype))
        if any(clear):
            beyond = [
                name for name in cells if int(name[1:]) >= self._layout.headings and int(name[1:]) < self._layout.width
            ]
            gone = pl.Series(clear)
            frame = frame.with_columns(
                pl.when(gone).then(None).otherwise(pl.col(name)).alias(name)
                for name in (*beyond, *(["_extra"] if "_extra" in frame.columns else []))
            )
        return frame

    def unique_texts(self, frame: pl.DataFrame, rule: UniqueRule) -> pl.Series:
        """String, one per row: what the rule compares, null where the row takes no part."""
        plans = [self._by_key[key] for key in rule.columns]
        if len(rule.bits) == 1:
            exact = exact_frame(frame, plans[0])
            key = exact.select(pl.when(plans[0].judge.key != "").then(plans[0].judge.key).alias("text"))
            return key.to_series()
        # Empty values take part: two rows whose cells of the group are all empty clash (contract 4.5).
        parts = [
            exact_frame(frame, plan).select(plan.judge.joined.fill_null("").alias("text")).to_series() for plan in plans
        ]
        return pl.select(pl.concat_str(parts, separator=", ").alias("text")).to_series()

    def columns_of(self, rule: UniqueRule) -> list[str]:
        """The frame columns that `unique_texts` reads for this rule, and one that every frame has."""
        plans = [self._by_key[key] for key in rule.columns]
        return ["_line", *(plan.cell for plan in plans)]

    def problems(self, frame: pl.DataFrame, mask: npt.NDArray[np.uint64]) -> list[list[Problem]]:
        """Per row of a page its problems, in the contract's order: the last one of a column is the one `/v1` shows."""
        found: list[list[Problem]] = [[] for _ in range(len(frame))]
        wrong = np.flatnonzero(mask.any(axis=1))
        present = frozenset(frame.columns)  # asked for once: a frame makes the list anew each time
        texts: dict[str, Callable[[int], tuple[str | None, str]]] = {}
        for at, words in zip(wrong.tolist(), mask[wrong].tolist(), strict=True):
            for rule in self._met(words):
                cell: str | None = None
                stored = ""
                if rule.bit == self._surplus:
                    cell = stored = self._surplus_text(frame[at : at + 1])
                elif rule.column is not None:
                    if rule.column not in texts:
                        texts[rule.column] = _texts(frame, self._by_key[rule.column], present)
                    cell, stored = texts[rule.column](at)
                message = self._messages[rule.bit](stored)
                explain = self._explain.get(rule.column or "")
                more = explain(rule.name, (cell or "").strip(SPACE)) if explain is not None else ""
                found[at].append(Problem(rule.column, rule.name, message, cell, rule.warning, more))
        return found

    def _met(self, words: Sequence[int]) -> tuple[Rule, ...]:
        """The rules whose bits are set in a row's words, in the order in which they are shown. Few sets of them are met
        again and again."""
        key = tuple(words)
        if (met := self._sets.get(key)) is None:
            bits = [64 * number + bit for number, word in enumerate(key) for bit in range(64) if word >> bit & 1]
            found = sorted((self._shown[bit] for bit in bits if bit in self._shown), key=itemgetter(0))
            met = tuple(rule for _, rule in found)
            if len(self._sets) < _SETS_MAX:
                self._sets[key] = met
        return met

    def has_reason(self, frame: pl.DataFrame, note: TableNote) -> bool:
        """Whether any of these records gives the reason of the note."""
        plan, notice = self._notices[note.bit]
        if note.seen_in not in frame.columns or plan.cell not in frame.columns:
            return False
        return notice.seen(frame[plan.cell], frame[plan.kind] if plan.kind in frame.columns else None)

    def may_suspect(self, frame: pl.DataFrame, note: TableNote) -> bool:
        """False: the note is about none of these records, whatever the reason."""
        plan, notice = self._notices[note.bit]
        return plan.cell in frame.columns and bool(_near(frame, plan, notice).any())

    def suspects(self, frame: pl.DataFrame, note: TableNote) -> npt.NDArray[np.bool_]:
        """Per record whether the note is about it, once there is a reason."""
        plan, notice = self._notices[note.bit]
        found = np.zeros(len(frame), np.bool_)
        if plan.cell in frame.columns:
            near = _near(frame, plan, notice)
            if near.any():
                exact = exact_frame(picked(frame, plan, near), plan).select(notice.fails.fill_null(False)).to_series()
                found[near.to_numpy()] = exact.to_numpy()
        return found

    def _notes_of_the_table(self) -> Iterator[TableNote]:
        for plan in self._plans:
            of_column = np.zeros(self.words, np.uint64)
            for bit in plan.every_bit:
                of_column[bit // 64] |= np.uint64(1 << bit % 64)
            tests = (*common_tests(plan.column), *plan.whole.tests)
            bits = {test.rule: bit for test, bit in zip(tests, plan.every_bit, strict=True)}
            for notice in plan.whole.notices:
                if notice.across:
                    bit = bits[notice.rule]
                    self._notices[bit] = plan, notice
                    by_kind = notice.across == "kind"
                    seen_in, among = (plan.kind, None) if by_kind else (plan.cell, of_column)
                    yield TableNote(bit, (plan.cell, plan.kind), seen_in, among)

    # The two steps

    def _quick(self, plans: Mapping[int, Plan], present: set[str], cleared: Mapping[int, Cleared]) -> list[pl.Expr]:
        """Per column that has rules `clean<n>` (True = no test fails); per unique column `plain<n>` (True = if it is
        clean too, the key is the cell's own text) and `hash<n>` of the cell as it stands. What is `cleared` needs the
        hash only."""
        wanted: list[pl.Expr] = []
        for number, plan in plans.items():
            if plan.cell not in present:
                continue
            cell = pl.col(plan.cell)
            kind = pl.col(plan.kind) if plan.kind in present else None
            clean = clean_of(plan, cell, kind)
            known = cleared.get(number)
            if clean is not None and (known is None or (plan.unique >= 0 and plan.judge.plain is None)):
                wanted.append(clean.fill_null(False).alias(f"clean{number}"))
            if plan.unique >= 0:
                if known is None or known.not_plain is None:
                    plain = (cell != "") if plan.judge.plain is None else plan.judge.plain(cell)
                    wanted.append(plain.fill_null(False).alias(f"plain{number}"))
                wanted.append(cell.hash(self._seed).alias(f"hash{number}"))
        return wanted

    def _judge_column(self, frame: pl.DataFrame, quick: pl.DataFrame, number: int, plan: Plan, mask: Bits) -> None:
        tests = asked(plan, frame)
        if not tests:
            return
        if plan.cell not in frame:  # no row has this cell: what fails for one fails for all
            for bit, failed in failures(frame.head(1), plan, tests):
                if failed.any():
                    mask[:, bit // 64] |= np.uint64(1 << bit % 64)
            return
        rows: Rows | None = None
        if f"clean{number}" in quick:
            clean = quick[f"clean{number}"]
            if clean.all():
                return
            if late := noticed_in(picked(frame, plan, ~clean), plan, late=True):
                plan = with_notices(plan, [*plan.noticed, *late])
                tests = asked(plan, frame)
                cell, kind = pl.col(plan.cell), pl.col(plan.kind) if plan.kind in frame else None
                # What was clean before stays so but for these: all else has been asked of every row.
                sound = ~pl.any_horizontal(*(notice.suspect(cell, kind) for notice in late))
                clean = clean & frame.select(sound.fill_null(False)).to_series()
            rows = np.flatnonzero(~clean.to_numpy())
            frame = picked(frame, plan, ~clean)
        for bit, failed in failures(frame, plan, tests):
            if failed.any():
                hit = failed.to_numpy() if rows is None else rows[failed.to_numpy()]
                mask[hit, bit // 64] |= np.uint64(1 << bit % 64)

    def _key_hashes(
        self, frame: pl.DataFrame, quick: pl.DataFrame, number: int, plan: Plan, cleared: Cleared | None
    ) -> Bits:
        if plan.cell not in frame.columns:
            return np.zeros(len(frame), np.uint64)
        hashes = quick[f"hash{number}"].to_numpy()
        hashes = np.where(hashes == 0, np.uint64(1), hashes)
        if cleared is not None and cleared.not_plain is not None:
            if len(cleared.not_plain):
                names = [plan.cell, *([] if cleared.kinds is None else [plan.kind])]
                cells = pl.DataFrame([frame[name].gather(cleared.not_plain) for name in names])
                hashes[cleared.not_plain] = self._hashed(self.unique_texts(cells, self.unique[plan.unique]))
            return hashes
        plain = quick[f"plain{number}"]
        if plan.judge.plain is None:
            plain = plain & quick[f"clean{number}"]
        if not plain.all():
            rows = np.flatnonzero(~plain.to_numpy())
            texts = self.unique_texts(picked(frame, plan, ~plain), self.unique[plan.unique])
            hashes[rows] = self._hashed(texts)
        return hashes

    def _hashed(self, texts: pl.Series) -> Bits:
        hashes = texts.hash(self._seed).to_numpy()
        return np.where(texts.is_null().to_numpy(), np.uint64(0), np.where(hashes == 0, np.uint64(1), hashes))

    def _beside(self, frame: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
        """What a rule across columns reads: `text:KEY` and `order:KEY` of each."""
        made: list[pl.Series] = []
        for key in keys:
            plan = self._by_key[key]
            judge = plan.judge
            order = judge.order if judge.order is not None else judge.value if judge.value is not None else TEXT
            exact = exact_frame(frame, plan).select(TEXT.alias(f"text:{key}"), order.alias(f"order:{key}"))
            made += exact.get_columns()
        return pl.DataFrame(made)

    # The whole record

    def _judge_records(self, frame: pl.DataFrame, mask: Bits) -> None:
        if "_flags" in frame.columns and (flags := frame["_flags"]).max():
            values = flags.to_numpy()
            for flag, bit in self._flags:
                hit = (values & flag) != 0
                if flag == FLAG_SHORT:
                    hit &= self._lacks_cells(frame)
                mask[hit, bit // 64] |= np.uint64(1 << bit % 64)
        if self._surplus >= 0 and (beyond := self._beyond(frame)) is not None:
            bit = self._surplus
            mask[beyond.to_numpy(), bit // 64] |= np.uint64(1 << bit % 64)

    def _lacks_cells(self, frame: pl.DataFrame) -> npt.NDArray[np.bool_]:
        """The flag was set against the file's own headings; a person may have chosen another heading record."""
        last = f"c{self._layout.headings - 1}"
        if self._layout.headings == 0 or last not in frame.columns:
            return np.ones(len(frame), np.bool_)
        return frame[last].is_null().to_numpy()

    def _beyond(self, frame: pl.DataFrame) -> pl.Series | None:
        """True where a cell beyond the last heading holds what would be lost; None = no row has such cells."""
        found: list[pl.Series] = []
        for name in self._surplus_columns(frame):
            if frame[name].is_not_null().any():
                found.append(frame.select((trim(pl.col(name)) != "").fill_null(False).alias("beyond")).to_series())
        if "_extra" in frame.columns and frame["_extra"].is_not_null().any():
            rows = frame["_extra"].is_not_null().arg_true()
            cells = frame["_extra"].gather(rows).str.json_decode(pl.List(pl.String))
            filled = cells.list.eval(trim(pl.element()) != "").list.any().fill_null(False)
            found.append(pl.repeat(False, len(frame), eager=True).scatter(rows, filled).alias("beyond"))
        if not found:
            return None
        return pl.select(pl.any_horizontal(found)).to_series()

    def _surplus_columns(self, frame: pl.DataFrame) -> list[str]:
        names = (f"c{at}" for at in range(self._layout.headings, self._layout.width))
        return [name for name in names if name in frame.columns]

    def _surplus_text(self, row: pl.DataFrame) -> str:
        """The cells beyond the last heading that are not blank."""
        cells = list(row.select(self._surplus_columns(row)).row(0)) if self._surplus_columns(row) else []
        extra = row["_extra"].item() if "_extra" in row.columns else None
        cells += msgspec.json.decode(extra) if extra else []
        return " ".join(text for text in cells if text and text.strip(SPACE))


def _near(frame: pl.DataFrame, plan: Plan, notice: Notice) -> pl.Series:
    kind = pl.col(plan.kind) if plan.kind in frame.columns else None
    return frame.select(notice.suspect(pl.col(plan.cell), kind).fill_null(False)).to_series()


def _surplus_level(template: Template) -> str:
    """What cells beyond the last heading are; of several columns that say it the last one's word holds."""
    said = [level for column in template.columns for name, level in column.notes if name == "surplus"]
    return said[-1] if said else "problem"


def _judge(column: Column, number: int) -> Judge:
    try:
        return columns.judge(column)
    except BadTemplate as error:
        raise BadTemplate(error.reason, place=f"columns[{number}].{error.place}") from error


def _taken(judge: Judge) -> Callable[[str], str]:
    return lambda text: f"{judge.shown(text)} already taken! Please enter unique value"


def _across(column: Column, plans: Mapping[str, Plan]) -> Iterator[tuple[tuple[str, ...], Test]]:
    """The rules of a column that look at others too: (the keys of all of them, the test)."""
    for validation in column.validations:
        across = validations.member(validation.validate).across
        if across is None:
            continue
        keys = tuple(dict.fromkeys(across.columns(validation)))
        test = across.test(validation, _other(plans[column.key]), {key: _other(plans[key]) for key in keys})
        if test is not None:
            yield (column.key, *keys), test


def _other(plan: Plan) -> Other:
    judge, key = plan.judge, plan.column.key
    ordered_as = "number" if judge.value is not None else "date" if judge.order is not None else "text"
    return Other(plan.column, pl.col(f"text:{key}"), pl.col(f"order:{key}"), ordered_as)


def _groups(template: Template) -> list[tuple[str, list[tuple[Column, Callable[[Sequence[str]], str]]]]]:
    """The rules over several columns of the whole table, in the template's order: (name of the rule, its columns, each
    with what it says of the group's keys). Two columns make a group."""
    groups: dict[tuple[str, str], list[tuple[Column, Callable[[Sequence[str]], str]]]] = {}
    for column in template.columns:
        for validation in column.validations:
            together = validations.member(validation.validate).together
            if together is not None and (key := together.group(validation)):
                group = groups.setdefault((validation.validate, key), [])
                if column not in [member for member, _ in group]:
                    group.append((column, _said(validation.error_message) or together.message))
    return [(rule, group) for (rule, _), group in groups.items() if len(group) > 1]


def _said(message: str) -> Callable[[Sequence[str]], str] | None:
    return (lambda keys: message) if message else None


def _texts(rows: pl.DataFrame, plan: Plan, present: frozenset[str]) -> Callable[[int], tuple[str | None, str]]:
    """Of a row's number the cell as it is and its stored text, "" where there is no cell. They are taken out of the
    column one by one: on most pages it has few that something is wrong with."""
    cell_at: Callable[[int], str | None] = _no_cell
    if plan.cell in present:
        cell_at = rows.get_column(plan.cell).item
    if plan.judge.form == "list":
        delimiter = plan.column.delimiter
        return lambda at: ((cell := cell_at(at)), collapsed((cell or "").strip(SPACE), delimiter))
    if plan.judge.stored is not unchanged and (plan.kind in present or not plan.judge.keeps_typed):
        stored_at = exact_frame(rows, plan, prepare=False).get_column("text").item
        return lambda at: (cell_at(at), stored_at(at) or "")
    return lambda at: ((cell := cell_at(at)), (cell or "").strip(SPACE))


def _no_cell(at: int) -> None:
    return None


def references_of(column: Column) -> Iterator[tuple[str, Reference]]:
    """What a column's cells must be among: (what its template says then, or "", where the values are)."""
    for validation in column.validations:
        reference = validations.member(validation.validate).reference
        if reference is not None:
            yield validation.error_message, reference(validation)


def _missing(reference: Reference) -> Callable[[str], str]:
    return lambda text: f"{text} is not among the accepted values of {reference.column}"


def _not_among(hashes: Bits, values: Bits) -> npt.NDArray[np.bool_]:
    missing: npt.NDArray[np.bool_] = hashes != 0
    if len(values):
        missing &= values[np.minimum(np.searchsorted(values, hashes), len(values) - 1)] != hashes
    return missing
