"""Ten columns of people whose faults are known because they were put there, never because something found them.

Every cell is a pure function of (seed, row, column), so the same seed gives the same bytes, a longer file begins with
the shorter one's rows, and memory does not grow with the file. About 3 cells in 100 of each column are dirty; a sparse
file has exactly one dirty cell in one row of 10,000. A later copy of a unique value is the invalid one: the row copied
from is always a clean one above it. `maker.py` writes them as files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from bench.countries import COUNTRIES

U64 = npt.NDArray[np.uint64]
Mask = npt.NDArray[np.bool_]

VERSION = 1  # raise it when the same seed gives other bytes or other counts: older data is then made again
CHUNK_ROWS = 250_000
DIRTY_SHARE = 0.03
SPARSE_ROWS = 10_000  # one invalid row in so many
PHONE_PATTERN = r"^\+[1-9]\d{0,2}( \d{3,4}){2,3}$"
URL_PATTERN = r"^https?:\/\/[a-z0-9-]+(\.[a-z0-9-]+)+(\/[^\s]*)?$"
TAGS = ("lead", "customer", "partner", "press", "vip", "trial", "churned", "événement", "naïve", "日本", "b2b", "2024")

# Order of the columns in the file, and of the dirt a sparse file deals out.
KEYS = ("name", "id", "email", "age", "amount", "signup", "country", "phone", "url", "tags")

TEMPLATE: dict[str, Any] = {
    "name": "People",
    "columns": [
        {"key": "name", "name": "Name", "type": "String", "isRequired": True,
         "validations": [{"validate": "length", "max": 60}]},
        {"key": "id", "name": "Id", "type": "String", "isRequired": True, "isUnique": True},
        {"key": "email", "name": "E-mail", "type": "Email"},
        {"key": "age", "name": "Age", "type": "Number", "validations": [{"validate": "range", "min": 0, "max": 120}]},
        {"key": "amount", "name": "Amount", "type": "Double",
         "validations": [{"validate": "range", "min": 0, "max": 100000}]},
        {"key": "signup", "name": "Signed up", "type": "Date", "dateFormats": ["YYYY-MM-DD", "DD/MM/YYYY"]},
        {"key": "country", "name": "Country", "type": "Select", "isRequired": True, "selectValues": list(COUNTRIES)},
        {"key": "phone", "name": "Phone", "type": "Regex", "regex": PHONE_PATTERN},
        {"key": "url", "name": "Website", "type": "Regex", "regex": URL_PATTERN},
        {"key": "tags", "name": "Tags", "type": "Select", "allowMultiSelect": True, "delimiter": ";",
         "selectValues": list(TAGS)},
    ],
}  # fmt: skip


def _words(text: str) -> list[str]:
    return text.split()


_FIRST = _words(
    "Anna Ben Chloé Dmitri Élodie Femi Günther Hana Ingrid José Kaito Léa Mehmet Nadia Oğuz Priya Quentin Raúl Søren "
    "Tomasz Ursula Víctor Wei Ximena Yara Zoë Łukasz Ægir 美咲 Алексей Ελένη राम سارة Ana-María Jean-Luc Zsófia"
)
_LAST = _words(
    "Müller Nguyễn Smith García Kowalski Østergård Yılmaz Svensson Rossi Dubois Okafor Novák O'Brien Papadopoulos "
    "Ivanova Sato Fernández Horváth MacDonald Çelik Lindqvist Kim Haddad Peña 田中 Петров Weiß Ångström D'Angelo Ó'Sé"
)
# What stands between first and last name: mostly a space, sometimes what breaks careless readers.
_BETWEEN = (" ",) * 93 + (' "Bo" ', ' "the ""Great""" ', ", ", ", Dr. ", " de la ", "\n", " van ’t ")
_NEWLINE = _BETWEEN.index("\n")
_LOCAL = _words(
    "anna ben chloe dmitri elodie femi guenther hana ingrid jose kaito lea mehmet nadia oguz priya raul wei"
)
_DOMAINS = _words(
    "example.com example.org mail.example.net post.example.co.uk firma.example.de uni.example.edu a.example.io"
)
_HOSTS = [f"http{s}://{sub}{name}" for s in ("", "s") for sub in ("", "www.", "shop.") for name in (
    "example.com", "example.org", "my-site.example.net", "boutique.example.fr", "data.example.co.jp")]  # fmt: skip
_PATHS = ("/", "/a/", "/people/", "/search?q=", "/with,comma/", "/x%20y/", "/très/", "/#")

# (rule, texts that break it), by column; an empty cell is None. Which rule catches a text is decided here.
DIRT: dict[str, tuple[tuple[str, tuple[str | None, ...]], ...]] = {
    "name": (
        ("required", (None, "", "  ", "\t ")),
        ("length_max", tuple(f"{first} {'von und zu ' * 6}{last}" for first in _FIRST[:8] for last in _LAST[:8])),
    ),
    "id": (("required", (None,)), ("unique", ()), ("unique", ())),  # the copies are made by `_ids`
    "email": (
        ("email", (
            "anna.example.com", "anna@example", "anna smith@example.com", "ben@@example.com", "lea@example..com",
            "@example.com", "wei@", "jose@exa mple.com", "hana@.com", "femi.@example.com", "n/a", "none", "raul@,com",
        )),
    ),
    "age": (
        ("number", ("abc", "forty", "12a", "1,5", "1 000", "?", "n/a", "--3", "0x", "3O")),
        ("range_max", ("121", "150", "999", "1e3", "120.5", "20010")),
        ("range_min", ("-1", "-5", "-0.5", "-100")),
    ),
    "amount": (
        ("number", ("N/A", "12.3.4", "1,234.50", "€ 12.00", "12.00-", "1.2e", "free", "$5", "1 2.00")),
        ("range_max", ("100000.01", "250000.00", "1e9", "999999.99")),
        ("range_min", ("-3.00", "-0.01", "-1e3")),
    ),
    "signup": (
        ("date_format", (
            "31/02/2020", "2024-13-01", "24-02-01", "2024-2-9", "yesterday", "02-01-2024", "2023-02-29", "1/2/2020",
            "2024/01/31", "00/01/2021", "2021-00-10", "32/01/2021", "2020-01-01T00:00:00", "01/01/20", "2020-1-01",
        )),
    ),
    "country": (
        ("required", (None, "")),
        ("list", (
            "germany", "DE", "Atlantis", "FRANCE", "Cote d'Ivoire", "United  States", "Swizerland", "Korea", "-",
        )),
    ),
    "phone": (
        ("pattern", (
            "0049 30 1234", "+49-30-1234567", "call me", "+0 123 4567", "+49 12 3456", "+49 123 45678", "+49", "123",
        )),
    ),
    "url": (
        ("pattern", (
            "www.example.com", "htp://example.com", "https://", "http://example", "https:/example.com/x",
            "ftp://example.com", "https://exa mple.com", "//example.com/a", "https://.com",
        )),
    ),
    "tags": (
        ("list", ("unknown", "lead;unknown", "lead; vip", "Lead", "vip,press", "customer;;nope", "b2b;2023", "日木")),
    ),
}  # fmt: skip


@dataclass(slots=True)
class Truth:
    """What is in the file. `columns`: key -> rule -> bad cells. An index is the contract's: the first data row is 1."""

    rows: int = 0
    physical_lines: int = 1
    bad_cells: int = 0
    invalid: int = 0
    invalid_index_sum: int = 0
    invalid_first: list[int] = field(default_factory=list)
    invalid_last: list[int] = field(default_factory=list)
    columns: dict[str, dict[str, int]] = field(
        default_factory=lambda: {key: dict.fromkeys((rule for rule, _ in DIRT[key]), 0) for key in KEYS}
    )


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows `first_row`.. as text (null = nothing between the commas). `clean`: per column, which cells are so."""

    first_row: int
    frame: pl.DataFrame
    clean: dict[str, Mask]


def chunks(rows: int, seed: int, *, sparse: bool = False, truth: Truth) -> Iterator[Chunk]:
    """The file's rows in order; `truth` is filled as they go by."""
    for start in range(0, rows, CHUNK_ROWS):
        numbers = np.arange(start, min(start + CHUNK_ROWS, rows), dtype=np.uint64)
        draw = _Draw(seed, numbers)
        cells: dict[str, pl.Series] = {}
        clean: dict[str, Mask] = {}
        invalid = np.zeros(len(numbers), dtype=np.bool_)
        for key in KEYS:
            dirty = _dirty(seed, numbers, key, sparse)
            kind = draw.below(key, "kind", len(DIRT[key]))
            good, newlines = _clean_cells(key, draw)
            cells[key] = _soil(key, draw, good, dirty, kind, seed, sparse)
            clean[key] = ~dirty
            truth.physical_lines += int(np.count_nonzero(newlines & ~dirty))
            for number, (rule, _) in enumerate(DIRT[key]):
                truth.columns[key][rule] += int(np.count_nonzero(dirty & (kind == number)))
            truth.bad_cells += int(np.count_nonzero(dirty))
            invalid |= dirty
        indexes = (numbers[invalid] + np.uint64(1)).astype(np.int64)
        truth.rows += len(numbers)
        truth.physical_lines += len(numbers)
        truth.invalid += len(indexes)
        truth.invalid_index_sum += int(indexes.sum())
        truth.invalid_first += indexes[: 100 - len(truth.invalid_first)].tolist()
        truth.invalid_last = (truth.invalid_last + indexes[-100:].tolist())[-100:]
        yield Chunk(start, pl.DataFrame(cells), clean)


def write_csv(path: Path, rows: int, seed: int, *, sparse: bool = False) -> Truth:
    """UTF-8, comma, LF, headings on the first line."""
    truth = Truth()
    with path.open("wb", buffering=1 << 20) as out:
        out.write((",".join(KEYS) + "\n").encode())
        for chunk in chunks(rows, seed, sparse=sparse, truth=truth):
            chunk.frame.write_csv(out, include_header=False)
    return truth


def truth_document(truth: Truth, *, seed: int, sparse: bool) -> dict[str, Any]:
    return {
        "rows": truth.rows, "valid": truth.rows - truth.invalid, "invalid": truth.invalid,
        "bad_cells": truth.bad_cells, "physical_lines": truth.physical_lines,
        "columns": truth.columns, "invalid_index_sum": truth.invalid_index_sum,
        "invalid_first": truth.invalid_first, "invalid_last": truth.invalid_last,
        "seed": seed, "sparse": sparse, "version": VERSION,
    }  # fmt: skip


class _Draw:
    """Random numbers of a run of rows, each stream (column, purpose) on its own; order of asking does not matter."""

    def __init__(self, seed: int, numbers: U64) -> None:
        self.seed = seed
        self.numbers = numbers

    def below(self, column: str, purpose: str, bound: int) -> npt.NDArray[np.uint32]:
        return below(mix(self.seed, self.numbers, f"{column}/{purpose}"), bound)

    def share(self, column: str, purpose: str, share: float) -> Mask:
        return mix(self.seed, self.numbers, f"{column}/{purpose}") < np.uint64(int(share * 2**64))


def mix(seed: int, numbers: U64, stream: str) -> U64:
    """splitmix64 of a counter; the stream's name is folded in with FNV-1a."""
    fold = 0xCBF29CE484222325
    for byte in f"{seed}:{stream}".encode():
        fold = (fold ^ byte) * 0x100000001B3 & (2**64 - 1)
    x = numbers * np.uint64(0x9E3779B97F4A7C15) + np.uint64(fold)
    x ^= x >> np.uint64(30)
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    return x


def below(x: U64, bound: int) -> npt.NDArray[np.uint32]:
    return ((x >> np.uint64(32)) * np.uint64(bound) >> np.uint64(32)).astype(np.uint32)


def _dirty(seed: int, numbers: U64, key: str, sparse: bool) -> Mask:
    """Which cells of the column are bad. The first row's id never is, so that every copy finds a clean row above."""
    dirty: Mask
    if sparse:
        block = numbers // np.uint64(SPARSE_ROWS)
        chosen = below(mix(seed, block, "sparse/row"), SPARSE_ROWS)
        column = below(mix(seed, block, "sparse/column"), len(KEYS))
        dirty = (numbers % np.uint64(SPARSE_ROWS) == chosen) & (column == KEYS.index(key))
    else:
        dirty = mix(seed, numbers, f"{key}/dirty") < np.uint64(int(DIRTY_SHARE * 2**64))
    if key == "id":
        dirty &= numbers > 0
    return dirty


def _clean_cells(key: str, draw: _Draw) -> tuple[pl.Series, Mask]:
    """Good cells for every row, and which of them hold a line break."""
    newlines = np.zeros(len(draw.numbers), dtype=np.bool_)

    def pick(purpose: str, texts: Sequence[str]) -> pl.Series:
        return _gather(texts, draw.below(key, purpose, len(texts)))

    def number(purpose: str, bound: int) -> pl.Series:
        return pl.Series(draw.below(key, purpose, bound)).cast(pl.String)

    def sometimes_empty(cells: pl.Series, share: float = 0.03) -> pl.Series:
        return _put_null(cells, draw.share(key, "empty", share))

    match key:
        case "name":
            between = draw.below(key, "between", len(_BETWEEN))
            newlines = between == _NEWLINE
            first = [f"{first}{initial}" for first in _FIRST for initial in ("", *(f" {c}." for c in "ABCDEFGHIJKLM"))]
            return pick("first", first) + _gather(_BETWEEN, between) + pick("last", _LAST), newlines
        case "id":
            return _ids(draw.seed, draw.numbers), newlines
        case "email":
            local = [f"{first}.{last}" for first in _LOCAL for last in ("smith", "mueller", "o'brien", "sato+x", "k_k")]
            domains = [f"@{domain}" for domain in _DOMAINS]
            return sometimes_empty(pick("local", local) + number("number", 100_000) + pick("domain", domains)), newlines
        case "age":
            return sometimes_empty(number("value", 121)), newlines
        case "amount":
            cents = [f".{cents:02}" for cents in range(100)]
            return sometimes_empty(number("value", 100_000) + pick("cents", cents)), newlines
        case "signup":
            days = np.arange("1950-01-01", "2026-01-01", dtype="datetime64[D]").astype(str).tolist()
            texts = days + ["/".join(reversed(day.split("-"))) for day in days]
            return sometimes_empty(pick("day", texts)), newlines
        case "country":
            return pick("country", COUNTRIES), newlines
        case "phone":
            codes = [
                f"+{code}" for code in (1, 7, 20, 27, 30, 33, 34, 39, 44, 46, 47, 48, 49, 55, 81, 86, 90, 351, 420)
            ]
            three, four = [f" {n}" for n in range(100, 1000)], [f" {n}" for n in range(1000, 10000)]
            return sometimes_empty(pick("code", codes) + pick("three", three) + pick("four", four)), newlines
        case "url":
            places = [host + path for host in _HOSTS for path in _PATHS]
            return sometimes_empty(pick("place", places) + number("number", 1_000_000)), newlines
        case "tags":
            pairs = [f"{a};{b}" for a in TAGS for b in TAGS if a != b]
            triples = [f"{pair};{c}" for pair in pairs for c in TAGS if c not in pair.split(";")]
            # Repeated and outer delimiters are collapsed before the check, so these cells are good ones.
            loose = [f";{a};;{b};" for a in TAGS[:4] for b in TAGS[4:8]]
            return sometimes_empty(pick("tags", [*TAGS * 12, *pairs, *triples, *loose])), newlines
    raise KeyError(key)


def _soil(
    key: str, draw: _Draw, good: pl.Series, dirty: Mask, kind: npt.NDArray[np.uint32], seed: int, sparse: bool
) -> pl.Series:
    """`good` with the dirty cells replaced by texts of their kind."""
    where = np.flatnonzero(dirty)
    if key == "id":
        copied = dirty & (kind > 0)
        number_of = draw.numbers.copy()
        number_of[copied] = _sources(seed, draw.numbers[copied], sparse)
        return _put_null(_ids(seed, number_of) if copied.any() else good, dirty & (kind == 0))
    texts: list[str | None] = []
    starts, lengths = [], []
    for _, choices in DIRT[key]:
        starts.append(len(texts))
        lengths.append(len(choices))
        texts += choices
    pick = draw.below(key, "dirt", 1 << 16)[where]
    chosen = kind[where]
    pool_index = np.array(starts)[chosen] + pick % np.array(lengths)[chosen]
    at = np.zeros(len(dirty), dtype=np.uint32)
    at[where] = pool_index
    return good.zip_with(pl.Series(~dirty), pl.Series(texts, dtype=pl.String).gather(at))


def _ids(seed: int, numbers: U64) -> pl.Series:
    """Ten digits that differ for every row below the prime: multiplication by a fixed number modulo the prime."""
    prime, factor = np.uint64(999_999_937), np.uint64(618_033_989)
    shuffled = (numbers * factor + np.uint64(seed % 1_000_003)) % prime
    return "C" + pl.Series(shuffled + np.uint64(1_000_000_000)).cast(pl.String)


def _sources(seed: int, numbers: U64, sparse: bool) -> U64:
    """For each row a row above it whose id is clean: a random one, or the next clean one above that."""
    share = mix(seed, numbers, "id/source") >> np.uint64(32)
    source = share * numbers >> np.uint64(32)
    while (soiled := _dirty(seed, source, "id", sparse)).any():
        source[soiled] -= np.uint64(1)
    return source


def _gather(texts: Sequence[str], at: npt.NDArray[np.uint32]) -> pl.Series:
    return pl.Series(texts, dtype=pl.String).gather(at)


def _put_null(cells: pl.Series, where: Mask) -> pl.Series:
    return cells.zip_with(pl.Series(~where), pl.Series([None], dtype=pl.String))
