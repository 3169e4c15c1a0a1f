"""Every packing is the same list of entries, within the same limits."""

from __future__ import annotations

import io
import random
import tarfile
import zipfile
from functools import cache

import pytest

from douane.archive_packed import Entries, is_packed, open_packed, other_packing
from douane.errors import BadFile, OverLimit
from douane.model.source import Limits
from tests.archives import deflated64, tarred
from tests.test_archive import Memory

LONG = random.Random(7).randbytes(3 << 20)
FILES = {
    "users.json": b"[]",
    "a/2020-01-01.json": b"[1]" * 5000,
    "a/empty.json": b"",
    "b/long.bin": LONG,
    "z.csv": b"x",
}
PACKINGS = ("", "gz", "bz2", "xz")


@cache
def files_in(packing: str) -> bytes:
    """Packed once: to pack costs more than all that is asked of it."""
    return tarred(FILES, packing)


def packed(data: bytes, limits: Limits = Limits(), keep: str = "") -> Entries:
    return open_packed(Memory(data), limits, lambda name: name == keep)


def contents(archive: Entries) -> dict[str, bytes]:
    return {entry.name: b"".join(archive.open(entry)) for entry in archive if entry.is_file}


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("keep", ["", "z.csv"])
def test_a_tar_of_any_compression_is_read_in_any_order(packing: str, keep: str) -> None:
    data = files_in(packing)
    assert is_packed(data[:512])
    archive = packed(data, keep=keep)
    assert list(archive.names) == list(FILES)
    assert contents(archive) == FILES
    for number in (4, 1, 3, 0, 3, 4):
        entry = archive.entry(number)
        assert archive.read(entry, 4 << 20) == FILES[entry.name]
    assert archive.unpacked_bytes.tolist() == [len(content) for content in FILES.values()]
    assert 0 <= archive.packed_bytes.sum() <= len(data)
    entry = archive.find("b/long.bin")
    assert entry is not None
    assert LONG.startswith(next(iter(archive.open(entry))))  # and the rest of it is left
    assert archive.read(archive.entry(1), 1 << 20) == FILES["a/2020-01-01.json"]
    assert archive.find("a/2020") is None


@pytest.mark.parametrize("packing", PACKINGS)
def test_folders_of_a_tar_are_told_and_never_read(packing: str) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=f"w:{packing}") as archive:  # type: ignore[call-overload]
        info = tarfile.TarInfo("folder")
        info.type = tarfile.DIRTYPE
        archive.addfile(info)
    (entry,) = packed(out.getvalue())
    assert (entry.is_folder, entry.is_file) == (True, False)
    with pytest.raises(BadFile, match="no regular file"):
        packed(out.getvalue()).open(entry)


@pytest.mark.parametrize("packing", PACKINGS)
def test_a_tar_that_is_cut_or_too_large_is_refused(packing: str) -> None:
    data = files_in(packing)
    with pytest.raises(BadFile, match="ends too early"):
        packed(data[: len(data) // 2])
    with pytest.raises(OverLimit) as refused:
        packed(data, Limits(archive_entries=3))
    assert refused.value.setting == "archive_entries"
    with pytest.raises(OverLimit) as refused:
        packed(data, Limits(unpacked_bytes=1 << 20))
    assert refused.value.setting == "unpacked_bytes"
    archive = packed(data, Limits(entry_bytes=1 << 20))
    with pytest.raises(OverLimit) as refused:
        archive.open(archive.entry(3))
    assert refused.value.setting == "entry_bytes"
    assert archive.read(archive.entry(4), 10) == b"x"


@pytest.mark.parametrize("packing", ["gz", "bz2", "xz"])
def test_what_unpacks_to_far_more_than_it_is_stops(packing: str) -> None:
    data = tarred({"a": bytes(8 << 20)}, packing)
    with pytest.raises(OverLimit) as refused:
        packed(data, Limits(unpacked_ratio=20, unpacked_free_bytes=1 << 20))
    assert refused.value.setting == "unpacked_ratio"


@pytest.mark.parametrize("packing", ["bz2", "xz"])
def test_a_flipped_byte_is_damage(packing: str) -> None:
    data = bytearray(files_in(packing))
    data[len(data) // 2] ^= 0x55
    with pytest.raises(BadFile):
        packed(bytes(data))


def test_deflate64_is_read() -> None:
    data = deflated64(FILES)
    archive = packed(data)
    assert contents(archive) == FILES
    assert archive.read(archive.entry(1), 1 << 20) == FILES["a/2020-01-01.json"]
    for at in (len(data) // 2, data.index(b"PK\3\4", 10) - 1):
        with pytest.raises(BadFile, match="damaged"):
            contents(packed(data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :]))


def test_deflate64_stops_at_the_limits() -> None:
    data = deflated64({"a": bytes(8 << 20)})
    for limits, setting in (
        (Limits(unpacked_ratio=20, unpacked_free_bytes=1 << 20), "unpacked_ratio"),
        (Limits(unpacked_bytes=1 << 20), "unpacked_bytes"),
        (Limits(entry_bytes=1 << 20), "entry_bytes"),
    ):
        with pytest.raises(OverLimit) as refused:
            contents(packed(data, limits))
        assert refused.value.setting == setting


def zipped(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            info = zipfile.ZipInfo("x")
            info.filename = name
            archive.writestr(info, name)
    return out.getvalue()


def test_backslashes_part_folders() -> None:
    archive = packed(zipped("users.json", "a\\2020-01-01.json", "a\\b\\c.txt"))
    assert list(archive.names) == ["users.json", "a/2020-01-01.json", "a/b/c.txt"]
    assert contents(archive) == {
        "users.json": b"users.json",
        "a/2020-01-01.json": b"a\\2020-01-01.json",
        "a/b/c.txt": b"a\\b\\c.txt",
    }
    found = archive.find("a/b/c.txt")
    assert found is not None
    assert (found.number, archive.read(found, 100)) == (2, b"a\\b\\c.txt")
    assert archive.find("a\\b\\c.txt") is None
    assert list(packed(zipped("a/b.json", "c\\d.json")).names) == ["a/b.json", "c/d.json"]


@pytest.mark.parametrize(
    ("head", "name"),
    [(b"7z\xbc\xaf\x27\x1c", "7-Zip"), (b"Rar!\x1a\x07\x01\0", "RAR"), (b"\x28\xb5\x2f\xfd", "Zstandard")],
)
def test_other_packings_are_refused_by_name(head: bytes, name: str) -> None:
    assert other_packing(head + bytes(600)) == name
    with pytest.raises(BadFile, match=name):
        packed(head + bytes(600))


def test_what_is_no_archive_is_none() -> None:
    assert not is_packed(b"username,email\n")
    with pytest.raises(BadFile):
        packed(b"username,email\n" * 100)
