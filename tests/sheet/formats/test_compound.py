from __future__ import annotations

import struct

import pytest

from douane.errors import BadFile
from douane.sheet.formats.compound import CompoundFile
from tests.sheet.formats import binary
from tests.sheet.formats.reading import MemorySource


def opened(data: bytes) -> CompoundFile:
    return CompoundFile(MemorySource(data))


def stream(data: bytes, name: str = "Workbook") -> bytes:
    found = opened(data).stream(name)
    assert found is not None
    return found.read(0, found.size)


def test_streams_by_name_whatever_their_case() -> None:
    first, second = bytes(range(256)) * 40, b"b" * 5000
    data = binary.compound(first, "Workbook", {"Other": second})
    assert opened(data).names == {"workbook", "other"}
    assert stream(data) == first
    assert stream(data, "OTHER") == second
    assert opened(data).stream("Book") is None


def test_reading_anywhere() -> None:
    whole = bytes(i % 251 for i in range(20_000))
    found = opened(binary.compound(whole)).stream("workbook")
    assert found is not None
    for offset in (0, 1, 511, 512, 513, 5000, 19_999, 20_000, 30_000):
        for length in (0, 1, 512, 4000, 30_000):
            assert found.read(offset, length) == whole[offset : offset + length]


def test_a_file_of_many_sectors() -> None:
    # So many that the list of the tables does not fit into the head.
    whole = bytes(9 << 20)
    assert stream(binary.compound(whole)) == whole


def moved(data: bytes, sector: int, to: int) -> bytes:
    """The file with one of its sectors at another place, and what follows what changed to suit."""
    table = (int.from_bytes(data[76:80], "little") + 1) * 512
    after = list(struct.unpack_from("<128I", data, table))
    out = bytearray(data)
    a, b = (sector + 1) * 512, (to + 1) * 512
    out[a : a + 512], out[b : b + 512] = data[b : b + 512], data[a : a + 512]
    swap = {sector: to, to: sector}
    new = list(after)
    for number, follows in enumerate(after):
        new[swap.get(number, number)] = swap.get(follows, follows)
    out[table : table + 512] = struct.pack("<128I", *new)
    return bytes(out)


def test_sectors_out_of_order() -> None:
    whole = bytes(i // 512 for i in range(10 * 512))
    data = binary.compound(whole)
    for sector, to in ((3, 8), (5, 6), (2, 9)):
        data = moved(data, sector, to)
    assert stream(data) == whole


def test_chains_that_run_in_a_circle_are_refused() -> None:
    data = bytearray(binary.compound(bytes(30_000)))
    table = (int.from_bytes(data[76:80], "little") + 1) * 512
    for number in range(128):
        struct.pack_into("<I", data, table + 4 * number, number)
    with pytest.raises(BadFile, match="circle"):
        opened(bytes(data))
    # The stream's alone: its third sector is followed by its second.
    data = bytearray(binary.compound(bytes(30_000)))
    struct.pack_into("<I", data, table + 4 * 3, 2)
    struct.pack_into("<I", data, 512 + 128 + 120, 1 << 30)
    with pytest.raises(BadFile, match="circle"):
        opened(bytes(data)).stream("workbook")


def test_a_chain_that_runs_out_makes_a_shorter_stream() -> None:
    data = bytearray(binary.compound(b"a" * 30_000))
    table = (int.from_bytes(data[76:80], "little") + 1) * 512
    struct.pack_into("<I", data, table + 4 * 10, binary.END)
    assert stream(bytes(data)) == b"a" * 5120
    # A size that lies, and a sector that the file does not have.
    data = bytearray(binary.compound(b"a" * 30_000))
    struct.pack_into("<I", data, 512 + 128 + 120, 0x7FFFFFFF)
    assert stream(bytes(data)).rstrip(b"\0") == b"a" * 30_000
    struct.pack_into("<I", data, table + 4 * 10, 5_000_000)
    assert stream(bytes(data)) == b"a" * 5120


def test_a_file_cut_before_its_tables_is_refused() -> None:
    with pytest.raises(BadFile, match="directory is missing"):
        opened(binary.compound(b"a" * 30_000)[:20_000])


@pytest.mark.parametrize("end", [0, 8, 511, 512, 600])
def test_a_cut_head_is_refused(end: int) -> None:
    with pytest.raises(BadFile, match="damaged"):
        opened(binary.compound(b"a" * 5000)[:end])


@pytest.mark.parametrize(("at", "value"), [(30, 0), (30, 60), (32, 0), (32, 31)])
def test_impossible_sectors_are_refused(at: int, value: int) -> None:
    data = bytearray(binary.compound(b"a" * 5000))
    struct.pack_into("<H", data, at, value)
    with pytest.raises(BadFile, match="impossible size"):
        opened(bytes(data))


def test_what_lies_in_a_folder_is_another_document() -> None:
    data = bytearray(binary.compound(b"a" * 5000, "Workbook"))
    # The root's child becomes a folder that holds the stream.
    struct.pack_into("<IIII", data, 512 + 2 * 128 + 68, binary.FREE, binary.FREE, 1, 0)
    data[512 + 2 * 128 : 512 + 2 * 128 + 4] = b"M\0B\0"
    struct.pack_into("<HBB", data, 512 + 2 * 128 + 64, 6, 1, 1)
    struct.pack_into("<I", data, 512 + 76, 2)
    assert opened(bytes(data)).names == {"mb"}
    assert opened(bytes(data)).stream("workbook") is None
    # Where the tree is broken, the directory is all there is.
    struct.pack_into("<I", data, 512 + 76, 77)
    assert stream(bytes(data)) == b"a" * 5000
