from __future__ import annotations

import io
import json
import os
import struct
import subprocess
import sys
import zipfile
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from douane.archive import Archive, open_archive, reaches_outside
from douane.errors import BadFile, OverLimit

SHARED = Path(os.environ.get("DOUANE_SHARED") or Path(__file__).parents[2] / "shared")


class Memory:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)

    def read(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]


@dataclass(frozen=True)
class Caps:
    archive_entries: int = 1000
    entry_bytes: int = 1 << 20
    unpacked_bytes: int = 4 << 20
    unpacked_ratio: int = 200
    unpacked_free_bytes: int = 1 << 20


def opened(data: bytes, caps: Caps = Caps()) -> Archive:
    return open_archive(Memory(data), caps)


def contents(data: bytes, caps: Caps = Caps()) -> dict[str, bytes]:
    """Read in both ways, block by block and at once, which must come to the same."""
    archive = opened(data, caps)
    try:
        found = {e.name: b"".join(archive.open(e)) for e in archive if not e.is_folder}
    except BadFile as error:
        archive = opened(data, caps)
        with pytest.raises(type(error)):
            [archive.read(e, caps.entry_bytes) for e in archive if not e.is_folder]
        raise
    archive = opened(data, caps)
    assert {e.name: archive.read(e, caps.entry_bytes) for e in archive if not e.is_folder} == found
    return found


def refusal(data: bytes, caps: Caps = Caps()) -> BadFile:
    with pytest.raises(BadFile) as caught:
        contents(data, caps)
    return caught.value


def zipped(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED, *, stream: bool = False) -> bytes:
    out = io.BytesIO()

    class Pipe(io.RawIOBase):  # cannot be sought, so sizes follow the data
        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int:
            return out.write(data)  # type: ignore[arg-type]

    with zipfile.ZipFile(Pipe() if stream else out, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return out.getvalue()


FILES = {"a.txt": b"alpha " * 100, "folder/b.bin": bytes(range(256)), "é.txt": b"", "日本.json": b"[]"}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("stream", [False, True])
def test_entries_are_read_as_they_were_written(method: int, stream: bool) -> None:
    data = zipped(FILES, method, stream=stream)
    assert contents(data) == FILES
    archive = opened(data)
    found = archive.find("a.txt")
    assert found is not None
    assert archive.read(found, 1000) == FILES["a.txt"]
    assert archive.find("A.TXT") is None
    assert len(archive) == 4


def test_progress_counts_packed_bytes() -> None:
    data = zipped({"big": os.urandom(900_000)})
    archive = opened(data)
    stream = archive.open(archive.entry(0))
    assert sum(len(block) for block in stream) == 900_000
    assert stream.packed_done == archive.entry(0).packed_bytes


def test_every_cut_and_every_flipped_byte_is_refused_or_reads_the_same() -> None:
    data = zipped({"users.json": b'[{"id":"U1"}]', "channels.json": b"[]"})
    whole = contents(data)
    for end in range(len(data)):
        assert refusal(data[:end]).code in ("file_broken", "file_encrypted")
    for at in range(len(data)):
        flipped = data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :]
        with suppress(BadFile):
            assert list(contents(flipped).values()) == list(whole.values())


def entry(
    name: bytes, data: bytes, offset: int, *, size: int | None = None, flags: int = 0, method: int = 8, attr: int = 0
) -> tuple[bytes, bytes]:
    """(local part, directory part) of one entry, whose claims may be wrong."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(data) + packer.flush() if method == 8 else data
    size, crc = len(data) if size is None else size, zlib.crc32(data)
    facts = struct.pack("<HHHHHIIIHH", 20, flags, method, 0, 33, crc, len(packed), size, len(name), 0)
    more = struct.pack("<HHHII", 0, 0, 0, attr << 16, offset)
    return b"PK\3\4" + facts + name + packed, b"PK\1\2" + struct.pack("<H", 3 << 8 | 20) + facts + more + name


def archive_of(*entries: tuple[bytes, bytes], count: int | None = None, comment: bytes = b"") -> bytes:
    local, directory = b"".join(e[0] for e in entries), b"".join(e[1] for e in entries)
    count = len(entries) if count is None else count
    end = struct.pack("<HHHHIIH", 0, 0, count, count, len(directory), len(local), len(comment))
    return local + directory + b"PK\5\6" + end + comment


def test_shared_bytes_are_refused() -> None:
    local, one = entry(b"a", b"x" * 1000, 0)
    _, other = entry(b"b", b"x" * 1000, 0)
    assert "overlap" in str(refusal(archive_of((local, one), (b"", other))))


def test_sizes_that_lie_are_found_out_and_not_followed() -> None:
    assert "size or checksum" in str(refusal(archive_of(entry(b"a", b"x" * 100_000, 0, size=10))))
    assert "size or checksum" in str(refusal(archive_of(entry(b"a", b"x" * 10, 0, size=100))))


def test_limits_stop_while_unpacking() -> None:
    data = zipped({"a": b"x" * 500_000, "b": b"y" * 500_000})
    for caps, setting in (
        (Caps(entry_bytes=499_999), "entry_bytes"),
        (Caps(unpacked_bytes=999_999), "unpacked_bytes"),
        (Caps(unpacked_free_bytes=100_000, unpacked_ratio=20), "unpacked_ratio"),
        (Caps(archive_entries=1), "archive_entries"),
    ):
        error = refusal(data, caps)
        assert isinstance(error, OverLimit)
        assert error.setting == setting
        assert setting in str(error)
    at_the_limit = Caps(entry_bytes=500_000, unpacked_bytes=1_000_000, unpacked_free_bytes=1_000_000, archive_entries=2)
    assert set(contents(data, at_the_limit)) == {"a", "b"}


def test_ambiguous_archives_are_refused() -> None:
    plain = archive_of(entry(b"a", b"1", 0))
    twice = archive_of(entry(b"a", b"1", 0), entry(b"a", b"2", len(entry(b"a", b"1", 0)[0])))
    differ = archive_of((entry(b"b", b"1", 0)[0], entry(b"a", b"1", 0)[1]))
    hidden = archive_of((entry(b"a", b"1", 0)[0] + entry(b"b", b"2", 0)[0], entry(b"a", b"1", 0)[1]))
    assert "same name" in str(refusal(twice))
    assert "headers" in str(refusal(differ))
    assert "does not list" in str(refusal(hidden))
    for other in (plain + plain, b"before" + plain, archive_of(entry(b"a", b"1", 0), comment=plain), plain + b"after"):
        assert refusal(other).code == "file_broken"
    assert "number of entries" in str(refusal(archive_of(entry(b"a", b"1", 0), count=0)))


def test_what_is_no_file_is_not_read() -> None:
    for mode in (0o120777, 0o010666, 0o060666):
        assert "regular file" in str(refusal(archive_of(entry(b"a", b"/etc/hostname", 0, attr=mode))))
    assert refusal(archive_of(entry(b"a", b"1", 0, flags=1))).code == "file_encrypted"
    assert "BZip2" in str(refusal(archive_of(entry(b"a", b"1", 0, method=12))))
    assert "folder" in str(refusal(archive_of(entry(b"a/", b"1", 0))))


def test_names_are_labels() -> None:
    names = [b"../../x", b"C:\\x", b"", b"\xff\xfe", b"a\r\nb"]
    entries, offset = [], 0
    for name in names:
        entries.append(entry(name, b"1", offset))
        offset += len(entries[-1][0])
    assert list(contents(archive_of(*entries)).values()) == [b"1"] * len(names)


def test_names_that_reach_outside_are_marked() -> None:
    outside = [
        "../x",
        "a/../../x",
        "a/..",
        "..",
        "..\\x",
        "a\\..\\x",
        "/x",
        "\\\\host\\x",
        "C:\\x",
        "c:x",
        "users.json\0.txt",
    ]
    within = ["x", "a/b", "..x", "a/..b/c", "a/b..", "...", "ab:c", "a/C:x", "", ".", "./x", "a\r\nb"]
    assert [name for name in outside if not reaches_outside(name)] == []
    assert [name for name in within if reaches_outside(name)] == []
    assert opened(zipped({"a/../b": b""})).entry(0).outside


def test_names_are_read_as_utf_8_where_they_can_be() -> None:
    flagged, unflagged, other = "é".encode(), "日本".encode(), b"\x82"
    one, two = entry(flagged, b"1", 0, flags=0x800), entry(unflagged, b"2", 0)
    assert opened(archive_of(one)).names[:] == ["é"]
    assert opened(archive_of(two)).names[-1] == "日本"
    assert opened(archive_of(entry(other, b"1", 0, flags=0x800))).names[0] == "é"
    both = archive_of(one, entry(other, b"1", len(one[0])))
    assert "same name" in str(refusal(both))


def test_names_are_a_sequence() -> None:
    names = opened(zipped({f"{i:03}.txt": b"" for i in range(100)})).names
    assert len(names) == 100
    assert list(names) == [f"{i:03}.txt" for i in range(100)]
    assert names[1:99:49] == ["001.txt", "050.txt"]
    assert names[-1] == "099.txt"
    assert "007.txt" in names
    with pytest.raises(IndexError):
        names[100]


def test_entries_may_be_listed_in_another_order_than_they_stand() -> None:
    size = len(entry(b"0", b"0", 0)[0])
    entries = [entry(str(i).encode(), str(i).encode(), i * size) for i in range(9)]
    order = [4, 0, 8, 2, 1, 3, 7, 6, 5]
    data = archive_of(*((entries[i][0], entries[j][1]) for i, j in enumerate(order)))
    assert contents(data) == {str(j): str(j).encode() for j in order}
    assert [e.offset for e in opened(data)] == [j * size for j in order]


def test_a_directory_longer_than_one_read_of_it() -> None:
    count = 30_000
    names = [f"{'x' * 40}/{i:06}" for i in range(count)]
    size = len(entry(names[0].encode(), b"", 0, method=0)[0])
    data = archive_of(*(entry(n.encode(), b"", i * size, method=0) for i, n in enumerate(names)))
    archive = opened(data, Caps(archive_entries=count))
    assert list(archive.names) == names
    for number in (0, 11_111, count - 1):
        found = archive.find(names[number])
        assert found is not None
        assert (found.number, found.offset) == (number, number * size)
        assert archive.read(found, 0) == b""
    assert archive.find("x") is None


def test_extra_fields_short_long_wide_and_broken() -> None:
    def with_extra(extra: bytes) -> bytes:
        whole = io.BytesIO()
        with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in ("a", "b"):
                info = zipfile.ZipInfo(name)
                info.extra, info.compress_type = extra, zipfile.ZIP_DEFLATED
                archive.writestr(info, b"text " * 50)
        return whole.getvalue()

    time, owner = b"UT\5\0\3\0\0\0\0", b"ux\x0b\0\1\4" + bytes(9)
    same = {"a": b"text " * 50, "b": b"text " * 50}
    for extra in (time, time + owner, b"\x99\x99\0\0" * 20, b"\x99\x99\x00\x40" + bytes(0x4000)):
        assert contents(with_extra(extra)) == same
    for extra in (time[:-1], b"ab", time + b"x", (b"up\5\0" + bytes(5)) * 2, (b"\x99\x99\0\0" * 20) + b"xx"):
        assert "extra field" in str(refusal(with_extra(extra)))
    wide = io.BytesIO()
    with zipfile.ZipFile(wide, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("a", "w", force_zip64=True) as file:
            file.write(b"text " * 50)
        archive.writestr("b", b"text " * 50)
    assert contents(wide.getvalue()) == same


def wide_end(
    *, count: int = 1, size: int | None = None, where: int = 0, short: int = 0xFFFF, record: int = 44
) -> bytes:
    """An archive of one entry that ends in a 64-bit end record, its locator and the short record; each may be wrong."""
    local, directory = entry(b"a", b"1", 0)
    size = len(directory) if size is None else size
    begin = len(local) + len(directory)
    wide = struct.pack("<IQHHIIQQQQ", 0x06064B50, record, 45, 45, 0, 0, count, count, size, len(local))
    locator = struct.pack("<IIQI", 0x07064B50, 0, begin + where, 1)
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, short, short, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return local + directory + wide + locator + end


def test_wide_end_records_agree_with_the_short_one() -> None:
    assert contents(wide_end()) == contents(wide_end(short=1)) == {"a": b"1"}
    for bad in (wide_end(short=2), wide_end(where=1), wide_end(where=-1), wide_end(record=45), wide_end(where=1 << 40)):
        assert "end records disagree" in str(refusal(bad))
    assert "not where it should be" in str(refusal(wide_end(size=1)))
    assert "another number of entries" in str(refusal(wide_end(count=2)))
    alone = wide_end()
    assert "end record is incomplete" in str(refusal(alone[: -42 - 56] + alone[-22:]))
    several = archive_of(entry(b"a", b"1", 0))
    assert "one part of several" in str(refusal(several[:-18] + b"\1\0" + several[-16:]))


def test_a_packed_stream_that_ends_early_or_late_is_refused() -> None:
    local, listed = entry(b"a", b"text " * 50, 0)
    packed = len(local) - 31
    for change in (-1, 1):
        size = struct.pack("<I", packed + change)
        data = local[:18] + size + local[22:], listed[:20] + size + listed[24:]
        assert refusal(archive_of((data[0] + b"\0" * max(0, change), data[1]))).code == "file_broken"
    descriptor = struct.pack("<4sIII", b"PK\7\x08", zlib.crc32(b"text " * 50), packed, 250)
    streamed = entry(b"a", b"text " * 50, 0, flags=8)
    bare = streamed[0][:14] + bytes(12) + streamed[0][26:]
    assert contents(archive_of((bare + descriptor, streamed[1]))) == {"a": b"text " * 50}
    assert "descriptor" in str(refusal(archive_of((bare + descriptor[:-1] + b"\1", streamed[1]))))
    assert "descriptor" in str(refusal(archive_of((bare, streamed[1]))))


@pytest.mark.corpus
@pytest.mark.skipif(not SHARED.exists() and not os.environ.get("CI"), reason="the shared corpus is not here")
def test_the_corpus_of_zip_structures() -> None:
    folder = SHARED / "corpus" / "chat" / "archives"
    caps = Caps(archive_entries=10_000, entry_bytes=1 << 30)
    read: dict[str, bool] = {}
    for path in sorted([*folder.glob("malo/zip/*/*.zip"), *folder.glob("pypi-zip/*/*.zip")]):
        try:
            contents(path.read_bytes(), caps)
            read[str(path.relative_to(folder))] = True
        except BadFile:
            read[str(path.relative_to(folder))] = False
    # Its authors accept it, and it says its size in two ways; it is refused.
    disputed = "pypi-zip/accept/short_usize_zip64.zip"
    assert len(read) > 25
    assert [n for n, ok in read.items() if "/accept/" in n and not ok] == [disputed]
    assert [n for n, ok in read.items() if "/accept/" not in n and ok] == []


@pytest.mark.corpus
@pytest.mark.skipif(not SHARED.exists() and not os.environ.get("CI"), reason="the shared corpus is not here")
def test_attacks_end_as_expected(tmp_path: Path) -> None:
    generator = SHARED / "corpus" / "generators" / "attack_gen.py"
    subprocess.run([sys.executable, str(generator), str(tmp_path), "--only", "zip"], check=True, timeout=60)
    listed = json.loads((tmp_path / "expected.json").read_text())
    attacks = {name: said["expect"] for name, said in listed.items() if name.startswith("zip/")}
    assert len(attacks) > 100
    caps = Caps(archive_entries=10_000, entry_bytes=1 << 30, unpacked_bytes=1 << 30)
    users = b'[{"id":"U1","name":"x"}]'
    for name, expect in attacks.items():
        found = None
        with suppress(BadFile):
            found = contents((tmp_path / name).read_bytes(), caps)
        if found is None:
            assert expect.startswith(("refuse", "read equal or refuse")), name
        elif expect.startswith("read equal"):
            assert found == {"users.json": users, "channels.json": b"[]"}, name
        elif expect.startswith("inner archives"):
            assert found["inner.zip"].startswith(b"PK"), name
        else:
            assert expect.startswith(("refuse, or treat the name as a label", "refuse or keep both apart")), name
            assert len(found) == 2, name
    reached = [opened((tmp_path / f"zip/name_{i:02}.zip").read_bytes()).entry(0).outside for i in range(7)]
    assert reached == [True] * 7


@pytest.mark.corpus
@pytest.mark.skipif(not SHARED.exists() and not os.environ.get("CI"), reason="the shared corpus is not here")
def test_the_corpus_of_deflate_streams() -> None:
    """Each stream as the data of an entry whose size and checksum are those of what another inflater makes of it."""
    files = sorted((SHARED / "corpus" / "chat" / "archives" / "malo" / "deflate").glob("*/*.deflate"))
    assert len(files) >= 10
    for path in files:
        packed, unpacked = path.read_bytes(), b""
        with suppress(zlib.error):
            unpacked = zlib.decompressobj(-15).decompress(packed)
        facts = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 33, zlib.crc32(unpacked), len(packed), len(unpacked), 1, 0)
        local, listed = b"PK\3\4" + facts + b"a" + packed, b"PK\1\2\x14\3" + facts + bytes(14) + b"a"
        verdict = path.parent.name
        if verdict == "accept":
            assert contents(archive_of((local, listed))) == {"a": unpacked}, path.name
        elif verdict != "iffy":
            assert refusal(archive_of((local, listed))).code == "file_broken", path.name
