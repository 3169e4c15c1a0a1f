"""Old and binary workbooks with bytes that a stranger changed: an answer or a sentence, never another exception.

Two hundred in every run; `DOUANE_TORTURE_MUTATIONS` asks for as many as one likes of each reader (`make torture`),
`DOUANE_TORTURE_SEED` for others.
"""

from __future__ import annotations

import io
import os
import random
import struct
import time
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from douane.errors import DouaneError
from douane.sheet import native
from douane.sheet.formats import Limits, Options, xls, xlsb
from douane.sheet.formats.compound import MAGIC, CompoundFile
from tests.sheet.formats import binary
from tests.sheet.formats.reading import MemorySource, batches
from tests.sheet.kernel import built, reading_with

HERE = Path(__file__).parent
MUTATIONS = int(os.environ.get("DOUANE_TORTURE_MUTATIONS") or 200)
SEED = int(os.environ.get("DOUANE_TORTURE_SEED") or 1)
SECONDS_MAX = 20
EXTREMES = [
    *(struct.pack("<H", n) for n in (0, 1, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF, 8224)),
    *(struct.pack("<I", n) for n in (0, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFA, 0xFFFFFFFE, 0xFFFFFFFF, 1 << 30)),
    struct.pack("<d", float("nan")),
    struct.pack("<d", float("-inf")),
    struct.pack("<d", 1e308),
]
# Kinds of records, so that some are taken for others.
KINDS = [
    struct.pack("<H", n) for n in (0x06, 0x0A, 0x3C, 0x7D, 0xBD, 0xD6, 0xE5, 0xFC, 0xFD, 0x203, 0x204, 0x205, 0x207)
]
KINDS += [struct.pack("<H", n) for n in (0x208, 0x27E, 0x809, 0x41E, 0xE0, 0x85, 0x42, 0x22, 0x2F, 0x4BC, 2, 3, 4, 5)]


def seeds(ending: str) -> list[bytes]:
    paths = [*(HERE / "data").rglob(f"*{ending}"), *(HERE / "writers" / "files").glob(f"*{ending}")]
    return [path.read_bytes() for path in sorted(paths)]


def mutated(data: bytes, chance: random.Random) -> bytes:
    """The bytes with a few of them changed, cut, doubled or overwritten."""
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        if not out:
            break
        at = chance.randrange(len(out))
        match chance.randrange(8):
            case 0:
                out[at] ^= 1 << chance.randrange(8)
            case 1:
                out[at] = chance.randrange(256)
            case 2 | 3:
                piece = chance.choice(EXTREMES)
                out[at : at + len(piece)] = piece
            case 4:
                piece = chance.choice(KINDS)
                out[at : at + len(piece)] = piece
            case 5:
                del out[at:]
            case 6:
                length = chance.choice((1, 2, 4, 64, 512))
                del out[at : at + length]
            case 7:
                length = chance.choice((1, 2, 4, 64, 512, 4096))
                out[at:at] = out[at : at + length]
    return bytes(out)


def stream_of(data: bytes) -> bytes:
    if not data.startswith(MAGIC):
        return data
    found = CompoundFile(MemorySource(data))
    stream = found.stream("workbook") or found.stream("book")
    assert stream is not None
    return stream.read(0, stream.size)


def old_workbook(data: bytes, chance: random.Random) -> bytes:
    """Either the file around the stream is changed, or the stream itself."""
    if data.startswith(MAGIC) and chance.random() < 0.25:
        return mutated(data, chance)
    stream = mutated(stream_of(data), chance)
    return stream if chance.random() < 0.5 else binary.compound(stream)


def binary_workbook(data: bytes, chance: random.Random) -> bytes:
    """One part is changed and packed again, so that its checksum is true."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    names = [name for name in parts if name.endswith((".bin", ".rels"))]
    chosen = chance.choice(names)
    parts[chosen] = mutated(parts[chosen], chance)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return out.getvalue()


def read(data: bytes) -> str:
    """What became of the file, the same with the kernel and without."""
    return same_answers(data, built())


def same_answers(data: bytes, kernel: native.Kernel) -> str:
    answers = []
    for way in (None, kernel):
        with reading_with(way):
            answers.append(_read(data))
    (answer, frames), (other, other_frames) = answers
    assert answer == other
    assert len(frames) == len(other_frames)
    assert all(a.equals(b) for a, b in zip(frames, other_frames, strict=True))
    return answer


def _read(data: bytes) -> tuple[str, list[pl.DataFrame]]:
    """A refusal, and nothing; or how many sheets there are, and the frames of the first."""
    member = xlsb if data.startswith(b"PK") else xls
    memory = MemorySource(data)
    if not member.recognise(data[:4096], memory):
        return "not ours", []
    options = Options(limits=Limits(cell_bytes=1 << 16, record_bytes=1 << 20, entry_bytes=64 << 20))
    try:
        names = member.sheet_names(memory, options)
        found = batches(member.open(memory, options))
        assert all(batch.frame.height or batch.blank for batch in found)
        return f"{len(names)} sheets", [batch.frame for batch in found]
    except DouaneError as error:
        return str(error), []


@pytest.mark.timeout(7200)
@pytest.mark.parametrize(("ending", "change"), [(".xls", old_workbook), (".xlsb", binary_workbook)])
def test_changed_workbooks(ending: str, change: Callable[[bytes, random.Random], bytes]) -> None:
    files = [data for data in seeds(ending) if data.startswith(b"PK") == (ending == ".xlsb")]
    answers: dict[str, int] = {}
    for number in range(MUTATIONS):
        chance = random.Random(f"{SEED} {ending} {number}")
        data = change(chance.choice(files), chance)
        begin = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                answer = read(data)
            except BaseException:
                print(f"seed {SEED}, {ending}, number {number}")
                raise
        assert time.process_time() - begin < SECONDS_MAX, (SEED, ending, number)
        answers[answer] = answers.get(answer, 0) + 1
    read_well = sum(count for answer, count in answers.items() if answer.endswith("sheets"))
    assert 0 < read_well < MUTATIONS, answers
