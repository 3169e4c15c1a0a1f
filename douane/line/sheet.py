"""The line of the spreadsheet family: its verbs (`child/sheet.py`) and their events, in the order they come."""

from pathlib import Path
from typing import Any, ClassVar, Literal

from msgspec import Struct

from douane.line import Event, OfFile, Spec
from douane.line.staged import Checked, Packed, Part
from douane.model.bounds import Count, Line, Text, Word
from douane.model.learned import Learned
from douane.model.reading import Detected, Fact, Options, Position
from douane.model.sheet_import import Judging, Summary, TemplateDocument

Records = tuple[tuple[Text, ...], ...]
Rules = tuple[tuple[Text | None, Word], ...]  # the column and name of each bit of a mask


# What the child says


class Explained(Event, frozen=True):
    detected: Detected
    rows: Count
    blank: Count
    records: Records
    facts: tuple[Fact, ...] = ()


class Opened(Event, frozen=True):
    """`records`: the first ones, cut where nobody could look at them."""

    detected: Detected
    records: Records


class Staged(Event, frozen=True):
    """A part of the file; reading goes on at `next`."""

    hands_over: ClassVar[bool] = True

    part: Part
    blank: Count
    next: Position
    bytes_done: Count
    facts: tuple[Fact, ...] = ()


class Through(Event, frozen=True):
    """The file is staged to its end."""

    rows: Count


class Begun(Event, frozen=True):
    """A check: what stamp its verdicts will bear, and how many words its masks have."""

    stamp: Word
    words: Count


class Judged(Event, frozen=True):
    hands_over: ClassVar[bool] = True

    verdict: Checked


class Added(Event, frozen=True):
    """The rows that people added, as a part of their own."""

    hands_over: ClassVar[bool] = True

    part: Part


class PackedRows(Event, frozen=True):
    hands_over: ClassVar[bool] = True

    packed: Packed


class Settled(Event, frozen=True):
    """The end of a check. The rule table goes with it, so that the bits of its masks can always be read."""

    stamp: Word
    words: Count
    rules: Rules
    summary: Summary


class Proposed(Struct, frozen=True):
    """Headings that may feed a column and were not taken: they are not sure, or there are several as good."""

    column: Text
    headings: tuple[Text, ...]
    certainty: float


class Mapped(Event, frozen=True):
    """Column key -> heading that feeds it; `unmapped`: the headings that feed none."""

    detected: Detected
    headings: tuple[Text, ...]
    mapping: dict[Text, Text | None]
    unmapped: tuple[Text, ...]
    proposed: tuple[Proposed, ...] = ()


class Inspected(Event, frozen=True):
    summary: Summary


class Names(Event, frozen=True):
    names: tuple[Text, ...]


class Taught(Event, frozen=True):
    """`whole`: all records were looked at. `unnamed`: positions, from 1, of columns without a heading, which are not
    learned. `described`: of a file that is a schema, the columns that it asks for, in
    template-file form with `notes`; then there is nothing else."""

    columns: tuple[Learned, ...] = ()
    whole: bool = True
    unnamed: tuple[Count, ...] = ()
    described: tuple[dict[Text, Any], ...] | None = None


class Identified(Event, frozen=True):
    """What an annotated workbook belongs to (`sheet/annotated.py`)."""

    operation: Word
    revision: Count


class Differing(Struct, frozen=True):
    """A cell of the workbook, on its `line`, that is not what it was made of."""

    row: Count
    line: Count
    column: Text
    before: Text
    after: Text


class Compared(Event, frozen=True):
    """`path`: the cells that differ as a layer of `staging/revisions.py`, and the records that are missing in the
    workbook as deleted ones. `untold`: records that are missing, and nothing says which. `columns`: how many cells of
    each differ; `sample`: the first of them. `spoilt`: cells that a program took for numbers, and that
    stay."""

    path: Path
    rows: Count
    cells: Count
    records: Count
    missing: Count
    untold: Count
    spoilt: Count
    columns: dict[Text, Count]
    sample: tuple[Differing, ...]


class Met(Struct, frozen=True):
    """A cell that a replacement changes."""

    row: Count
    column: Text
    before: Text | None
    after: Text


class Replaced(Event, frozen=True):
    """Of the part `at` this place among those asked for: `cells`, what changes, as `staging/spread.py` has it, in so
    many `rows`; `found`: of each its number i64 and its `hits` u64, one array behind the other, and where it is
    `judged`, what becomes of its verdict: the words of its mask and the hashes of its keys, u64. `seen`: see
    `staging/live.Foreseen`."""

    hands_over: ClassVar[bool] = True

    at: Count
    rows: Count
    cells: Path
    found: Path
    judged: bool
    seen: dict[Count, tuple[bool, bool]]
    sample: tuple[Met, ...]


# What it is asked


class Learn(OfFile, frozen=True, kw_only=True, tag="learn"):
    """What a template for files like this one would say."""

    events: ClassVar[tuple[type[Event], ...]] = (Taught,)

    options: Options


class Explain(OfFile, frozen=True, kw_only=True, tag="explain"):
    """What the file is, and how many rows it has."""

    events: ClassVar[tuple[type[Event], ...]] = (Explained,)

    options: Options


class SheetNames(OfFile, frozen=True, kw_only=True, tag="sheets"):
    events: ClassVar[tuple[type[Event], ...]] = (Names,)

    options: Options


class Rows(OfFile, frozen=True, kw_only=True, tag="rows"):
    """Every record as text, on stdout."""

    options: Options
    format: Literal["csv", "ndjson"]


class Read(OfFile, frozen=True, kw_only=True, tag="read"):
    """Stages the file part by part, from `start` on; `row` is the next one's number."""

    events: ClassVar[tuple[type[Event], ...]] = (Opened, Staged, Through)

    options: Options
    start: Position = Position()
    row: Count = 0


class Values(Struct, frozen=True):
    """The accepted values of a column of another template (`model/sheet_import.py`, `Known`), in a file."""

    template: Text
    column: Text
    mark: Word
    path: Path


class OfTable(Spec, frozen=True, kw_only=True):
    """A verb over a staged table: its parts, the template it is for, and which heading feeds which column."""

    parts: tuple[Part, ...]
    template: TemplateDocument
    headings: tuple[Text, ...]
    chosen: tuple[Count | None, ...]
    seed: Count = 0
    cells: tuple[Path, ...] = ()  # the revisions that stand, the lowest first: Arrow files of row, key, text
    values: tuple[Values, ...] = ()


class Check(OfTable, frozen=True, kw_only=True, tag="check"):
    """A check of the whole table. `held`: verdicts that an earlier attempt stored already, if they carry this `stamp`.
    With `cells`, the table as it stands under these revisions."""

    events: ClassVar[tuple[type[Event], ...]] = (Begun, Judged, Added, PackedRows, Settled)

    data_start: Count
    added_number: Count
    stamp: Word | None = None
    held: tuple[Checked, ...] = ()


class Recheck(OfTable, frozen=True, kw_only=True, tag="recheck"):
    """Judges again what a review changed. `previous`: the verdicts of the last one; `changed`: rows touched since."""

    events: ClassVar[tuple[type[Event], ...]] = (Added, Judged, Settled)

    added_number: Count
    previous: tuple[Checked, ...]
    changed: Path  # an Arrow file with a column `row`


class Replace(OfTable, frozen=True, kw_only=True, tag="replace"):
    """What a replacement in the columns `keys` would change, and the verdicts then. `picked`: a mask a part, of which
    what is not gone is looked at; None = all of it. `sample`: so many cells are to be shown."""

    events: ClassVar[tuple[type[Event], ...]] = (Replaced,)

    picked: tuple[Path | None, ...]
    keys: tuple[Text, ...]
    find: Text
    replace: Text
    case_sensitive: bool
    whole: bool
    sample: Count


class Inspect(OfFile, frozen=True, kw_only=True, tag="inspect"):
    """`douane check`: reading and checking at once. `template` is the document as a person wrote it, whatever that is,
    and `mapping` what they chose, None = nothing; the child reads both, so that the parent need not know what may stand
    there. `called`: what their files are called. `stage` keeps the staged table in the folder, `report` writes
    valid.csv, invalid.csv and problems.ndjson there."""

    events: ClassVar[tuple[type[Event], ...]] = (Mapped, Inspected)

    options: Options
    template: Any
    mapping: dict[Text, Text | None] | None = None
    called: tuple[Text, Text] = ("", "")
    stage: bool = False
    report: bool = False


class Feeding(Struct, frozen=True, forbid_unknown_fields=True):
    """Rows as a feed has them: of which import, which of its number columns leave as doubles, and the form of a record
    (`sheet/formatting.py`, as JSON; None: as it is) or its fields in order (None: all)."""

    operation_id: Word
    exact: tuple[Text, ...] = ()
    record_format: Text | None = None
    only: tuple[Text, ...] | None = None


class Encode(OfTable, frozen=True, kw_only=True, tag="encode"):
    """A view, on stdout: `count` of its rows from `offset` on, None = all. `masks`: one a part. `faults`: with what is
    wrong with each row; `made` says what the masks were made with, None = today's rules. `feeding`: as a feed has
    them, and then `page`: so many in one answer after the other, each in blocks (`line/paged.py`)."""

    masks: tuple[Path, ...]
    made: Judging | None = None
    faults: bool = False
    offset: Count = 0
    count: Count | None = None
    view: Literal["all", "valid", "invalid", "accepted"]
    format: Word
    feeding: Feeding | None = None
    page: Count | None = None


class Annotate(OfTable, frozen=True, kw_only=True, tag="annotate"):
    """The table as a file that a person mends and sends back, on stdout. `masks`: one a part, made with today's rules,
    in which records that are left out are gone; `total`: how many are not. `operation`, `revision`: what it belongs to;
    `whole`: it has all records. `file_name`: the customer's own."""

    masks: tuple[Path, ...]
    total: Count
    operation: Word
    revision: Count
    whole: bool
    file_name: Line = ""
    format: Literal["xlsx", "csv"]


class Compare(OfFile, frozen=True, kw_only=True, tag="compare"):
    """What an annotated workbook changes in a table, which is named as in `OfTable`. `cells`: what stood after
    `revision`; `data_start`: the first data row. Where the workbook was made of another import or revision, it says so
    and compares nothing."""

    events: ClassVar[tuple[type[Event], ...]] = (Identified, Compared)

    options: Options
    operation: Word
    revision: Count
    data_start: Count
    parts: tuple[Part, ...]
    template: TemplateDocument
    headings: tuple[Text, ...]
    chosen: tuple[Count | None, ...]
    seed: Count = 0
    cells: tuple[Path, ...] = ()


# Those of workbooks that are mended: a module of the child is loaded for them alone.
WORKBOOKS: tuple[type[Spec], ...] = (Annotate, Compare)
SPECS: tuple[type[Spec], ...] = (
    Learn,
    Explain,
    SheetNames,
    Rows,
    Read,
    Check,
    Recheck,
    Replace,
    Inspect,
    Encode,
    *WORKBOOKS,
)
