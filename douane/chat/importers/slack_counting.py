"""Slack messages counted without making tables of them: what `slack_messages.Pile` would stage, to the last row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from douane.chat.importers import slack_records as records
from douane.chat.importers.slack_details import count_files, count_reactions
from douane.chat.importers.slack_messages import TOKENS, VALUED, Pile, fitting, report_nul, said, thread
from douane.chat.importers.slack_records import Full
from douane.chat.importers.slack_times import NO_TIME, TIME, TIME_BYTES, Whole, joined_us

_TIMES_MAX = 2_000


@dataclass(slots=True)
class CountingPile(Pile):
    """The same messages, only counted: a day file of ordinary ones at once, the others as `_tables` would take them."""

    counts: ClassVar[bool] = True

    tables: Counter[str] = field(default_factory=Counter)
    years: Counter[int] = field(default_factory=Counter)
    subtypes: Counter[str] = field(default_factory=Counter)
    places: Counter[int] = field(default_factory=Counter)
    times: list[str] = field(default_factory=list)
    seen: list[str | None] = field(default_factory=list)

    def add(self, entry: int, conversation: int, position: int, data: bytes) -> int:
        found, settled = self.decoded(data, records.decode_counted)
        for at in settled:
            self._settle(found[at], entry, position + at)
        if self.edits or not self._counted(found, entry, conversation, position):
            full: list[Full] = records.decode_full(data)
            for at in settled:
                full[at] = found[at]
            self.spans.append((entry, conversation, position, len(full)))
            self.messages += full
        return len(found)

    def _counted(self, found: Sequence[records.Counted | Full], entry: int, conversation: int, position: int) -> bool:
        """Counts them if all have a time in Slack's form, and nothing else about them is odd."""
        try:
            times = "".join([m.ts for m in found])  # type: ignore[misc]  # TypeError where one is None
        except TypeError:
            return False
        size = len(found)
        if len(times) != TIME_BYTES * size or times[10::TIME_BYTES] != "." * size or NO_TIME in times:
            return False
        # One thing of all messages at a time: that is how lists are gone through fastest. Most files hold nothing but
        # ordinary messages with text, and of their texts most can be judged as one.
        subtypes = [m.subtype for m in found]
        rare = set(subtypes)
        rare.discard(None)
        if rare.isdisjoint(VALUED):
            texts = [m.text for m in found]
        else:
            texts = [said(m) for m in found]
        whole = "".join([text for text in texts if text]) if None in texts else "".join(texts)  # type: ignore[arg-type]
        if "\0" in whole or [s for s in rare if s and "\0" in s]:
            return False
        threads = [m.thread_ts for m in found if m.thread_ts]
        if threads and not all(map(TIME.fullmatch, threads)):
            return False
        linked = [text for text in texts if text and "<" in text] if "<" in whole else ()
        if "<@B" in whole:
            linked = [self.by_users(text) for text in linked]
        reactions = 0
        cut: list[tuple[int, int]] = []
        for at, given in [(at, m.reactions) for at, m in enumerate(found) if m.reactions]:
            rows, unnamed = count_reactions(given)
            reactions += rows
            if unnamed:
                cut.append((at, unnamed))
        files = sum([count_files(m.files, self.context.depth_max) for m in found if m.files])
        if not (digits := times.replace(".", "")).isascii() or not digits.isdigit():
            return False
        tables = self.tables
        tables["messages"] += size
        tables["reactions"] += reactions
        tables["files"] += files
        for at, unnamed in cut:
            self.report_cut(entry, position + at, unnamed)
        for text in linked:
            tokens = TOKENS(text)
            if len(tokens) == 1 and tokens[0] in self.memo and "`" not in text:
                tables["mentions"] += self.memo[tokens[0]] is not None
            elif tokens:
                tables["mentions"] += len(self.mentions(text))
        self.places[conversation] += size
        self.seen += subtypes
        self.times.append(times)
        if len(self.times) >= _TIMES_MAX:
            self._sum_up()
        return True

    def _sum_up(self) -> None:
        """Of the day files that were counted at once: years and subtypes."""
        self._add_years(joined_us("".join(self.times)))
        self.subtypes.update([subtype or "" for subtype in self.seen])
        self.times, self.seen = [], []

    def flush(self) -> None:
        if self.times:
            self._sum_up()
        if not self.messages:
            return
        found, entry, place, position, times = fitting(self)
        for m in found:
            m.text = said(m)
        report_nul(found, entry, position, self.report)
        depth_max, edits = self.context.depth_max, self.edits
        self.tables["messages"] += len(found)
        for i, m in enumerate(found):
            if m.reactions:
                rows, unnamed = count_reactions(m.reactions)
                self.tables["reactions"] += rows
                if unnamed:
                    self.report_cut(int(entry[i]), int(position[i]), unnamed)
        self.tables["files"] += sum(count_files(m.files, depth_max) for m in found if m.files)
        self.tables["mentions"] += sum(
            len(self.mentions(self.by_users(m.text))) for m in found if m.text and "<" in m.text
        )
        for i, m in enumerate(found):
            if m.thread_ts:
                thread(m, int(entry[i]), int(position[i]), self.report)
        self.tables["edits"] += sum(id(m) in edits for m in found) if edits else 0
        self._add_years(times)
        self.subtypes.update([(m.subtype or "").replace("\0", "") for m in found])
        self.places.update(place.tolist())
        self.messages, self.spans, self.edits, self.size_bytes = [], [], {}, 0

    def _add_years(self, times: Whole | None) -> None:
        if times is not None:
            years = times.astype("datetime64[us]").astype("datetime64[Y]").astype(np.int64) + 1970
            self.years.update(dict(zip(*(u.tolist() for u in np.unique(years, return_counts=True)), strict=True)))
