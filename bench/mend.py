"""Subject `mend`: what a person does with a large import in review, over HTTP: edit, replace, undo, look, sort, count.

The file has ten columns, and `20` stands in each of its cells, so that a replacement can hit every cell, or one in a
hundred. Counts that are answered are compared with what the maker knows. CPU seconds are the web process's; of the
first check and of replacing, in the same run, the whole tree's. A larger file is held to the smaller one's figures.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import polars as pl

from bench.datasets import FOLDER, WrongCounts
from bench.files import Figure, Goal, Results
from bench.measure import Watch, own_cpu_s, tree_cpu_s
from bench.server import Server, serving, wait_until_quiet

VERSION = 1  # of the file; one of another is made anew
RARE = 5_000  # one row in so many has the rare text
COUNTRIES = tuple(f"Country {number} of 20" for number in range(100))
EDITS = 20
FLOOR_S = 0.02
SORT_GROWTH = 1.2

COLUMNS: list[dict[str, Any]] = [
    {"key": "id", "name": "id", "type": "String", "isRequired": True, "isUnique": True},
    {"key": "name", "name": "name", "type": "String", "validations": [{"validate": "length", "min": 3, "max": 60}]},
    {"key": "email", "name": "email", "type": "Email"},
    {"key": "count", "name": "count", "type": "Number", "validations": [{"validate": "range", "min": 0, "max": 4e9}]},
    {"key": "price", "name": "price", "type": "Double"},
    {"key": "day", "name": "day", "type": "Date", "dateFormats": ["YYYY-MM-DD"]},
    {
        "key": "country",
        "name": "country",
        "type": "Select",
        "selectValues": list(dict.fromkeys([*COUNTRIES, *(one.replace("20", "30") for one in COUNTRIES)])),
    },
    {"key": "phone", "name": "phone", "type": "Regex", "regex": r"^\+[0-9 ]{6,20}$"},
    {"key": "address", "name": "address", "type": "String"},
    {"key": "note", "name": "note", "type": "String"},
]


def people(rows: int) -> pl.DataFrame:
    """One row in a hundred has a wrong day and a note that ends in `mark`; one in RARE has `Needle` in its address."""
    row = pl.int_range(rows, eager=True)
    mixed = (row * 7_919) % 1_000_003
    digits = mixed.cast(pl.String)
    marked, rare = row % 100 == 37, row % RARE == 4_321
    month, day = (mixed % 12 + 1).cast(pl.String).str.zfill(2), (mixed % 19 + 1).cast(pl.String).str.zfill(2)
    date = "2020-" + month + "-" + day
    return pl.DataFrame(
        {
            # No other 20 in it: ids that were told apart stay so when 30 takes its place.
            "id": "K20-" + row.cast(pl.String).str.zfill(8).str.replace_all("0", "x"),
            "name": "Person " + digits + " of 20",
            "email": "p20." + digits + "@example" + (mixed % 50).cast(pl.String) + ".com",
            "count": "20" + (mixed % 10_000_000).cast(pl.String),
            "price": "20" + (mixed % 1000).cast(pl.String) + ".5",
            "day": ("20/" + date).zip_with(marked, date),
            "country": "Country " + (mixed % 100).cast(pl.String) + " of 20",
            "phone": "+49 20 " + digits.str.zfill(7),
            "address": (digits + " Needle Street 20").zip_with(rare, digits + " Long Street 20"),
            "note": ("note " + digits + " from 20 mark").zip_with(marked, "note " + digits + " from 20"),
        }
    )


def mend_subject(results: Results, sizes: Sequence[int]) -> None:
    before: _Bench | None = None
    for rows in sizes:
        with serving() as server:
            bench = _Bench(results, server, rows, before is None)
            bench.run()
        if before is not None:
            times = rows / before.rows
            for name, took in bench.took.items():
                # What takes no time grows by what the machine does besides.
                grown = took / max(before.took[name], FLOOR_S)
                most = times * (SORT_GROWTH if name.startswith("sort") else 1)
                results.goals.append(Goal(f"mend: {name}, {times:g} times the rows", grown, most, "x"))
        before = bench


@dataclass(slots=True)
class _Bench:
    results: Results
    server: Server
    rows: int
    limits: bool = True  # are for a million rows
    web: int = 0
    upload: str = ""
    last: int = 0  # the revision that is undone next
    took: dict[str, float] = field(default_factory=dict)

    def run(self) -> None:
        client = self.server.client
        self.upload = str(client.upload(_file(self.rows), columns=COLUMNS)["_id"])
        client.map(self.upload)
        wait_until_quiet(self.server)  # the file is read: what is timed next is the check alone
        before, started = tree_cpu_s(self.server.process.pid), time.perf_counter()
        client.review(self.upload)
        first_s = time.perf_counter() - started
        self._figure("first check", [first_s], tree_cpu_s(self.server.process.pid) - before)
        (self.web,) = self.server.of_kind("web")
        self._timed("live table made", lambda: self._get("live", limit=100))
        bad = self.rows // 100
        self._same("invalid rows", self._get("live/counts")["invalidRecords"], bad)
        with Watch(self.web, interval_s=0.02) as quiet:
            self._looks()
            self._edits()
        with Watch(self.web, interval_s=0.02) as watch:
            hits = int(people(self.rows)["country"].str.contains("Country 7", literal=True).sum())
            self._replaced("replace 1 cell in 100", 1.5, "Country 7", "Land 7", "country", hits)
            self._same("invalid rows", self._get("live/counts")["invalidRecords"] > bad, True)
            self._undone("undo of it")
            self._same("invalid rows", self._get("live/counts")["invalidRecords"], bad)
            for name, column, cells in (("cell of a column", "note", self.rows), ("cell", "", self.rows * 10)):
                all_s = self._replaced(f"replace every {name}", None, "20", "30", column, cells)
                self._same("invalid rows", self._get("live/counts")["invalidRecords"], bad)
                self._goal(f"replace every {name}, against a first check", all_s / first_s, 1.0, "x")
                self._undone(f"undo of every {name}")
                self._same("invalid rows", self._get("live/counts")["invalidRecords"], bad)
        more = watch.processes[self.web].pss_bytes - quiet.processes[self.web].pss_bytes
        self._goal("memory of replacing, more than of looking", more / 2**20, 300, "MiB")

    def _looks(self) -> None:
        marked = self.rows // 100
        found = ["mark", "20 mark", "om 20 mark", "0 MARK", "from 20 mark"]
        self._timed(
            "first 100 hits, 1 row in 100", *[partial(self._get, "live", find=one) for one in found], limit_s=0.15
        )

        def count(text: str) -> None:
            matched = self._get("live/counts", find=text)["matchedRecords"]
            self._same(f"records with {text}", matched, marked)

        found = ["20 mArk", "m 20 mark", "rom 20 mark", " mark", "0 mark"]
        self._timed("full count of a text in all columns", *[partial(count, one) for one in found], limit_s=1.0)
        found = ["needle", "needle s", "Needle Street", "le Street 2", "needle street 20"]
        self._timed("rare hits", *[partial(self._get, "live", find=one) for one in found], limit_s=1.0)
        for column in ("name", "count", "day"):
            for order in ("up", "down"):
                make = partial(self._get, "live", sort=column, order=order)
                self._timed(f"sort by {column}, {order}, made", make, limit_s=2.0)
                pages = [partial(make, page=page) for page in (2, 77, 5, 50, 90)]
                self._timed(f"page sorted by {column}, {order}", *pages, limit_s=0.1)
        self._timed("counts by column and rule", *[partial(self._get, "live/counts")] * 5, limit_s=0.02)
        self._timed("suggestions of a column", partial(self._get, "suggestions", column="day"), limit_s=3.0)

    def _edits(self) -> None:
        def edit(at: int) -> Callable[[], Any]:
            cells = [{"index": at * (self.rows // EDITS) + 1, "column": "day", "value": f"2021-01-{at % 28 + 1:02}"}]
            return lambda: self.server.client.call("POST", self._address("cells"), {"cells": cells})

        self._timed("one edit, judged and answered", *[edit(at) for at in range(EDITS)], limit_s=0.05)

    def _replaced(self, name: str, limit_s: float | None, find: str, text: str, column: str, cells: int) -> float:
        body = {"find": find, "replace": text, "column": column, "caseSensitive": True}

        def work() -> None:
            done = self.server.client.call("PUT", self._address("replace"), body)
            self._get("live/counts")  # with the verdicts
            self._same(f"cells of {name}", done["cells"], cells)
            self.last = done["revision"]

        return self._timed(name, work, limit_s=limit_s, cpu_s=lambda: tree_cpu_s(self.server.process.pid))

    def _undone(self, name: str) -> None:
        def work() -> None:
            self.server.client.call("POST", self._address(f"revisions/{self.last}/undo"))
            self._get("live/counts")

        self._timed(name, work, limit_s=1.0)

    def _address(self, what: str, **query: Any) -> str:
        return f"/v1/review/{self.upload}/{what}" + (f"?{urlencode(query)}" if query else "")

    def _get(self, what: str, **query: Any) -> Any:
        return self.server.client.call("GET", self._address(what, **query))

    def _timed(
        self,
        name: str,
        *works: Callable[[], Any],
        limit_s: float | None = None,
        cpu_s: Callable[[], float] | None = None,
    ) -> float:
        """The median of the works' wall seconds. `cpu_s`: whose seconds are counted, if not the web process's."""
        cpu_s = cpu_s or partial(own_cpu_s, self.web)
        took, before = [], cpu_s()
        for work in works:
            started = time.perf_counter()
            work()
            took.append(time.perf_counter() - started)
        middle = self._figure(name, took, (cpu_s() - before) / len(works))
        if limit_s is not None and self.limits:
            self._goal(name, middle, limit_s, "s")
        return middle

    def _figure(self, name: str, took: Sequence[float], cpu_s: float) -> float:
        middle = self.took[name] = statistics.median(took)
        self.results.figures.append(Figure(f"mend {self.rows:,} x 10", name, self.rows, len(took), cpu_s, middle, 0))
        print(f"  {name}: {middle:.3f} s, {cpu_s:.3f} CPU s", flush=True)
        return middle

    def _goal(self, name: str, measured: float, limit: float, unit: str) -> None:
        self.results.goals.append(Goal(f"mend: {name}", measured, limit, unit))

    def _same(self, what: str, found: Any, true: Any) -> None:
        if found != true:
            raise WrongCounts(f"{what} of the mended import: {found!r} instead of {true!r}")


def _file(rows: int) -> Path:
    path = FOLDER / f"mend-{rows}-{VERSION}.csv"
    if not path.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        people(rows).write_csv(path)
    return path
