"""Random text, cut and read by a kernel that was built to watch itself, and compared with `csv`.

JSON, rows of sheets and records of binary workbooks too, compared with what is read without it.

    python -m tests.sheet.formats.mutate_native LIBRARY COUNT SEED

Run in a process of its own, for the sanitizers end it where they find something. Prints how many texts were read.
"""

from __future__ import annotations

import csv
import io
import random
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from douane.sheet import native
from douane.sheet import pattern as patterns
from douane.sheet.columns.contract import Sure
from douane.sheet.native.known import Known, mark
from douane.sheet.native.program import Ready, compiled
from tests.sheet import mutate_lines
from tests.sheet.formats import mutate_json, mutate_records, mutate_sheet, test_binary_cells, test_binary_fuzz

TOKENS = (
    *(
        b'"',
        b'"',
        b'"',
        b'""',
        b",",
        b",",
        b";",
        b"\n",
        b"\n",
        b"\r\n",
        b"\r",
        b"a",
        b"bc",
        b" ",
        b"\0",
        b"\t",
        b"\xff",
    ),
    *(
        "ü".encode(),
        "日本".encode(),
        b'"x"y',
        b'5" pipe',
        b'"p,q\nr"',
        b'"a\nb"c,',
        b",,,",
        b"thirteen bytes",
        b"x" * 63,
    ),
    *(
        b'"a long cell with ""quotes"" within"',
        b'"a long cell with ""quotes"" within" behind',
        b"\xe2\x82",
        b"\xf0\x9f",
    ),
)
WIDTH = 4


def mutated(chance: random.Random, seed: bytes, tokens: Sequence[bytes] = TOKENS) -> bytes:
    text = bytearray(seed)
    for _ in range(chance.randint(1, 6)):
        at, many = chance.randint(0, len(text)), chance.randint(0, 8)
        match chance.randint(0, 2):
            case 0:
                text[at:at] = chance.choice(tokens)
            case 1:
                del text[at : at + many]
            case _:
                text[at : at + many] = bytes(chance.choices(b'",\n\r\xc3;a', k=many))
    return bytes(text)


def compare(kernel: native.Kernel, text: bytes, quoted: bool, columns: int) -> pl.DataFrame:
    dialect = native.Dialect(ord(","), ord('"'), quoted, WIDTH, 3, 1 << 20, 1 << 20, columns)
    cut = kernel.cut(text, dialect, 1 << 30)
    assert cut.size <= len(text), text
    found = kernel.read(text, dialect, cut.records + 1)
    if found is None:  # texts go on behind more quoted stretches than there are records
        return pl.DataFrame()
    lines = io.TextIOWrapper(io.BytesIO(text), "latin-1", newline="")
    rows = csv.reader(lines, quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE)
    line = count = 0
    cells = [column.to_list() for column in found.frame]
    for number, row in enumerate(rows):
        count += 1
        assert found.lines[number] == line, (text, number)
        line = rows.line_num
        row = row or [""]
        if not found.marks[number] & native.ODD:
            assert len(row) <= WIDTH, (text, row)
            kept = [column[number] for column in cells]
            wanted = [cell.encode("latin-1").decode() for cell in row]
            assert kept == wanted + [None] * (WIDTH - len(row)), (text, kept, wanted)
        if all(not cell.strip() for cell in row):
            assert found.marks[number] & native.MAYBE_BLANK, (text, row)
    assert count == len(found.marks), text
    return found.frame


def written(kernel: native.Kernel, frame: pl.DataFrame, rows: int, part: Path) -> None:
    # Records are few: over and over, so that there is something to pack.
    frame = pl.concat([frame] * 40).with_row_index("_line").with_columns(pl.lit(3, pl.UInt8).alias("_flags"))
    assert kernel.write_part(frame, part, rows)
    assert pl.read_ipc(part).equals(frame), frame


OPTIONS = ("a", "bc", "ü", "日本", "thirteen bytes", "x" * 63, 'a long cell with "quotes" within', '5" pipe')
PATTERN = r"^[a-c]*$|x{20}|[^ -\u007f]$"


def programs(kernel: native.Kernel) -> list[tuple[Ready, Callable[[str], bool]]]:
    """Each with what it says of a text."""
    pattern, options = Sure(pattern=patterns.parse(PATTERN)), Sure(options=OPTIONS, signs_min=2)
    known = frozenset(OPTIONS) - {"a", "ü"}
    found = ((pattern, lambda text: bool(re.search(PATTERN, text))), (options, lambda text: text in known))
    ready = [(compiled(kernel, sure, native.COMMA), says) for sure, says in found]
    return [(program, says) for program, says in ready if program is not None]


def judged(kernel: native.Kernel, ready: list[tuple[Ready, Callable[[str], bool]]], frame: pl.DataFrame) -> None:
    assert len(ready) == 2
    for program, says in ready:
        for column in frame:
            found = kernel.judge(column, program.program, decides=True, keyed=True)
            assert found is not None
            cells = column.to_list()
            wrong = {row for row, text in enumerate(cells) if text is None or (text and not says(text))}
            assert {*found.unsure.tolist(), *found.wrong.tolist()} == wrong, (cells, found)


def remembered(kernel: native.Kernel, frame: pl.DataFrame, chance: random.Random) -> None:
    """What is known of some of the texts is told of them, and of no others."""
    words = chance.choice((1, 2))
    known, told = Known(kernel, words), {}
    texts = [text for column in frame for text in column]
    for _ in range(chance.randint(0, 3)):
        some = chance.sample(texts, chance.randint(0, len(texts)))
        bits = [[chance.getrandbits(64) for _ in range(words)] for _ in some]
        known.add(some, np.array(bits, np.uint64).reshape(-1, words))
        told |= {
            text: sum(word << (64 * at) for at, word in enumerate(one)) for text, one in zip(some, bits, strict=True)
        }
    for column in frame:
        rows = np.array([row for row in range(len(column)) if chance.random() < 0.8], np.uint32)
        mask = np.zeros((len(column), words), np.uint64)
        missing = known.recall(column, rows, mask).tolist()
        assert missing == [row for row in rows.tolist() if column[row] not in told]
        mark(kernel, rows[:1], mask, 64 * words - 1)
        for row in range(len(column)):
            bits = told.get(column[row], 0) if row in rows else 0
            bits |= (row in rows[:1]) << (64 * words - 1)
            assert int.from_bytes(mask[row].tobytes(), "little") == bits, (row, column[row])


def main() -> None:
    kernel = native._loaded(Path(sys.argv[1]))
    assert kernel is not None
    ready = programs(kernel)
    chance = random.Random(int(sys.argv[3]))
    pool = [b"".join(chance.choices(TOKENS, k=chance.randint(1, 60))) for _ in range(200)]
    part = Path(sys.argv[1]).with_name("part")
    objects = [mutate_json.seed(chance) for _ in range(200)]
    rows = [mutate_sheet.seed(chance) for _ in range(200)]
    binary = [mutate_records.seed(chance) for _ in range(200)]
    workbooks = [data for data in test_binary_fuzz.seeds(".xls") if len(data) < 40_000]
    for _ in range(int(sys.argv[2])):
        at = chance.randrange(len(pool))
        mutate_json.compare(kernel, mutated(chance, objects[at], mutate_json.TOKENS), chance)
        mutate_sheet.compare(kernel, mutated(chance, rows[at], mutate_sheet.TOKENS))
        mutate_records.compare(kernel, mutated(chance, binary[at]), chance)
        sheet = mutate_records.sheet_12(chance)
        mutate_records.compare_cells(kernel, sheet, chance)
        mutate_records.compare_cells(kernel, mutated(chance, sheet, mutate_records.TOKENS_12), chance)
        shared = mutate_records.shared_texts(chance)
        shared = mutated(chance, shared, mutate_records.TOKENS) if chance.random() < 0.5 else shared
        assert mutate_records.told(shared, kernel) == mutate_records.told(shared, None), shared
        text = mutated(chance, pool[at])
        mutate_lines.compare(kernel, text)
        if chance.random() < 0.05:
            test_binary_cells.compare(kernel, chance, chance.randint(1, 30), chance.randint(1, 5))
        if chance.random() < 0.05:
            test_binary_fuzz.same_answers(test_binary_fuzz.old_workbook(chance.choice(workbooks), chance), kernel)
        if len(text) < 3000:
            pool[at] = text
        if text:
            frame = compare(kernel, text, chance.random() < 0.9, chance.choice((2, 100)))
            judged(kernel, ready, frame)
            if chance.random() < 0.3:
                remembered(kernel, frame, chance)
            if frame.width and chance.random() < 0.2:
                written(kernel, frame, chance.choice((7, 4096)), part)
    print(sys.argv[2])


if __name__ == "__main__":
    main()
