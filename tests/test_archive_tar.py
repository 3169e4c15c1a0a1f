from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from douane.archive_tar import open_tar
from douane.errors import BadFile, OverLimit

SHARED = Path(os.environ.get("DOUANE_SHARED") or Path(__file__).parents[2] / "shared")
FORMATS = [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]


class Memory:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)

    def read(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]


@dataclass(frozen=True)
class Caps:
    archive_entries: int = 1000
    entry_bytes: int = 4 << 20
    unpacked_bytes: int = 8 << 20
    unpacked_ratio: int = 200
    unpacked_free_bytes: int = 4 << 20


def contents(data: bytes, caps: Caps = Caps(), first: int = 0) -> dict[str, bytes]:
    archive = open_tar(Memory(data), caps)
    return {e.name: archive.read(e, caps.entry_bytes) for e in archive.entries(first) if e.is_file}


def refusal(data: bytes, caps: Caps = Caps()) -> BadFile:
    with pytest.raises(BadFile) as caught:
        contents(data, caps)
    return caught.value


def member(name: str, kind: bytes = tarfile.REGTYPE, **more: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    for key, value in more.items():
        setattr(info, key, value)
    return info


def tarred(
    *members: tuple[tarfile.TarInfo, bytes], form: int = tarfile.PAX_FORMAT, pax: dict[str, str] | None = None
) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form, pax_headers=pax) as archive:
        for info, data in members:
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


FILES = {
    "users.json": b"[1]",
    "rooms/1/history.json": os.urandom(1_300_000),
    "é/日本.json": b"",
    "l" * 90 + "/" + "n" * 120: b"long",
    "exact": b"x" * 512,
}


def sample(form: int = tarfile.PAX_FORMAT, before: str = "") -> bytes:
    folders = [(member(before + name, tarfile.DIRTYPE), b"") for name in ("rooms", "rooms/1")]
    return tarred(*folders, *((member(before + n), d) for n, d in FILES.items()), form=form)


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("before", ["", "./", "././"])
def test_entries_are_read_as_they_were_written(form: int, pack: Callable[[bytes], bytes], before: str) -> None:
    data = pack(sample(form, before))
    assert contents(data) == FILES
    archive = open_tar(Memory(data), Caps())
    said = [(e.number, e.name, e.unpacked_bytes, e.is_file) for e in archive.entries()]
    assert said[:3] == [(0, "rooms/", 0, False), (1, "rooms/1/", 0, False), (2, "users.json", 3, True)]
    assert archive.packed_done == len(data)


def test_ustar_with_a_prefix() -> None:
    name = "p" * 120 + "/" + "n" * 80
    assert contents(tarred((member(name), b"1"), form=tarfile.USTAR_FORMAT)) == {name: b"1"}


def test_the_archives_own_folder_has_no_name() -> None:
    data = tarred((member("./", tarfile.DIRTYPE), b""), (member("./a"), b"1"))
    archive = open_tar(Memory(data), Caps())
    assert [(e.name, e.is_file) for e in archive.entries()] == [("", False), ("a", True)]


def test_reading_goes_on_at_any_entry() -> None:
    data = gzip.compress(sample())
    for first in range(9):
        archive = open_tar(Memory(data), Caps())
        found = {e.number: archive.read(e, 1 << 21) for e in archive.entries(first) if e.is_file}
        assert found == {n: d for n, d in enumerate(FILES.values(), 2) if n >= first}
    assert contents(data, first=100) == {}


def test_an_entry_may_be_left_half_read_and_never_gives_another_ones_bytes() -> None:
    archive = open_tar(Memory(sample()), Caps())
    entries = archive.entries()
    found = {}
    half = None
    for entry in entries:
        if entry.name == "rooms/1/history.json":
            half = archive.open(entry)
            assert FILES[entry.name].startswith(next(half))
        elif entry.is_file:
            found[entry.name] = archive.read(entry, 1 << 20)
            assert half is None or list(half) == []
            if entry.unpacked_bytes:
                with pytest.raises(ValueError, match="order"):
                    archive.open(entry)
    assert found == {n: d for n, d in FILES.items() if n != "rooms/1/history.json"}


def test_several_gzip_members_and_a_filled_last_block() -> None:
    data = sample()
    packed = b"".join(gzip.compress(data[at : at + 99_999]) for at in range(0, len(data), 99_999))
    assert contents(packed) == FILES
    assert contents(packed + bytes(3000)) == FILES
    for tail in (b"x", bytes(100) + b"x", gzip.compress(b"x"), b"\x1f\x8b", gzip.compress(data)):
        assert refusal(packed + tail).code == "file_broken"


def test_every_cut_and_every_flipped_byte_is_refused_or_reads_the_same() -> None:
    files = {"users.json": b'[{"id":"U1"}]', "rooms.json": b"[]"}
    plain = tarred(*((member(n), d) for n, d in files.items()))
    plain = plain[: 4 * 512 + 1024]
    packed = gzip.compress(plain)
    for end in range(len(packed)):
        assert refusal(packed[:end]).code == "file_broken"
    for end in [*range(0, len(plain), 61), len(plain) - 1, 2048, 2560]:
        assert refusal(plain[:end]).code == "file_broken"
    for at in range(len(packed)):
        flipped = packed[:at] + bytes([packed[at] ^ 0x10]) + packed[at + 1 :]
        with suppress(BadFile):
            assert contents(flipped) == files
    for at in [*range(512), *range(1024, 1536)]:  # its headers; nothing guards the data of a tar
        flipped = plain[:at] + bytes([plain[at] ^ 0x10]) + plain[at + 1 :]
        with suppress(BadFile):
            assert contents(flipped) == files


@pytest.mark.parametrize("kind", [b"1", b"2", b"3", b"4", b"6", b"7", b"A", b"K", b"M", b"S", b"V"])
def test_what_is_no_file_ends_the_reading(kind: bytes) -> None:
    info = member("users.json", kind, linkname="x")
    assert refusal(tarred((member("a"), b"1"), (info, b""))).code == "file_broken"


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "C:\\x", "\\x", "a\\..\\x", "./../x"])
@pytest.mark.parametrize("form", FORMATS)
def test_names_that_reach_outside_are_refused(name: str, form: int) -> None:
    assert "outside" in str(refusal(tarred((member(name), b"1"), form=form)))
    assert "outside" in str(refusal(tarred((member("a", pax_headers={"path": name}), b"1"))))


def test_names_given_twice_are_refused() -> None:
    for one, other in (("a", "a"), ("./a", "a"), ("a/", "a"), ("é" * 80, "é" * 80)):
        kind = tarfile.DIRTYPE if one.endswith("/") else tarfile.REGTYPE
        assert "same name" in str(refusal(tarred((member(one, kind), b""), (member(other), b"2"))))
    assert contents(tarred((member("A"), b"1"), (member("a"), b"2"))) == {"A": b"1", "a": b"2"}


def test_extended_headers_say_one_thing() -> None:
    def saying(**said: str) -> bytes:
        return tarred((member("fixed", pax_headers={k.replace("_", "."): v for k, v in said.items()}), b"12345"))

    assert contents(saying(path="./é.json", comment="x=\ny")) == {"é.json": b"12345"}
    assert contents(saying(size="5")) == {"fixed": b"12345"}
    for said in ({"size": "4"}, {"size": "0"}, {"size": "-5"}, {"size": "x"}, {"hdrcharset": "BINARY"}):
        assert refusal(saying(**said)).code == "file_broken"
    for said in ({"path": "a\0b"}, {"path": ""}, {"GNU_sparse_major": "1"}):
        assert refusal(saying(**said)).code == "file_broken"
    assert contents(tarred((member("a"), b"1"), pax={"comment": "all"})) == {"a": b"1"}
    for key in ("path", "size"):
        assert "all that follows" in str(refusal(tarred((member("a"), b"1"), pax={key: "1"})))
    # Two of them, and one at the end.
    one = tarred((member("fixed", pax_headers={"path": "a"}), b""))[:1024]
    assert "contradict" in str(refusal(one + tarred((member("é"), b"1"))))
    assert "end is not" in str(refusal(one + bytes(1024)))


def extended(data: bytes, kind: bytes = b"x") -> bytes:
    """A tar of one empty file with this extended header before it, written as it stands."""
    info = member("header", kind)
    info.size = len(data)
    head = info.tobuf(tarfile.GNU_FORMAT if kind == b"L" else tarfile.USTAR_FORMAT)
    return head + data + bytes(-len(data) % 512) + member("fixed").tobuf(tarfile.USTAR_FORMAT) + bytes(1024)


def test_extended_headers_are_a_list_of_values() -> None:
    """The forms in which programs have read another name than the one that was meant."""
    for data, name in (
        (b"14 path=a.txt\n", "a.txt"),
        (b"14 path=a\r.txt\n"[:13] + b"\n", "a\r.tx"),
        (b"15 path=x\ny.tx\n", "x\ny.tx"),
        (b"13 other=12\n\n14 path=a.txt\n", "a.txt"),
    ):
        assert list(contents(extended(data))) == [name], data
    for data in (
        b"path=a.txt\n",
        b"15 path=a.txt\n",
        b"13 path=a.txt\n",
        b"014 path=a.txt\n",
        b"14 path=a.txt ",
        b"7 =abc\n",
        b"7 path\n",
        b"12 pa\0th=b\n",
        b"9999999 path=a\n",
        b"14 path=a.txt\n" * 2,
        b"20 GNU.sparse.name=\n",
    ):
        assert refusal(extended(data)).code == "file_broken", data
    assert list(contents(extended(b"long name\0", b"L"))) == ["long name"]
    for data in (b"", b"\0", b"no end", b"a\0b\0"):
        assert "long name" in str(refusal(extended(data, b"L"))), data
    long = b"%d comment=" % (1 << 20) + b"x" * (1 << 20)
    assert "too long" in str(refusal(extended(long)))


def test_what_stands_behind_the_end_is_refused() -> None:
    data = tarred((member("a"), b"1"))
    assert "behind its end" in str(refusal(data + data))
    assert contents(data + bytes(5000)) == {"a": b"1"}
    assert refusal(data[:1024] + bytes(512) + data).code == "file_broken"
    assert refusal(b"").code == "file_broken"
    assert refusal(b"PK\5\6" + bytes(600)).code == "file_broken"
    assert contents(bytes(1024)) == {}


def test_limits_stop_while_unpacking() -> None:
    data = gzip.compress(tarred((member("a"), b"x" * 500_000), (member("b"), b"y" * 500_000)))
    unpacked = len(gzip.decompress(data))
    for caps, setting in (
        (Caps(entry_bytes=499_999), "entry_bytes"),
        (Caps(unpacked_bytes=unpacked - 1), "unpacked_bytes"),
        (Caps(unpacked_free_bytes=100_000, unpacked_ratio=20), "unpacked_ratio"),
        (Caps(archive_entries=1), "archive_entries"),
    ):
        error = refusal(data, caps)
        assert isinstance(error, OverLimit)
        assert error.setting == setting
    assert len(contents(data, Caps(archive_entries=2, entry_bytes=500_000, unpacked_bytes=unpacked))) == 2


def test_sizes_beyond_the_octal_field() -> None:
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        info = member("big")
        info.size = 9 << 30
        archive = open_tar(Memory(info.tobuf(form) + bytes(1024)), Caps())
        assert next(archive.entries()).unpacked_bytes == 9 << 30


def outcome(path: Path) -> dict[str, bytes] | None:
    with suppress(BadFile):
        return contents(path.read_bytes(), Caps(unpacked_bytes=1 << 30))
    return None


@pytest.mark.corpus
@pytest.mark.skipif(not SHARED.exists() and not os.environ.get("CI"), reason="the shared corpus is not here")
def test_the_corpus_of_tar_structures() -> None:
    folder = SHARED / "corpus" / "chat" / "archives" / "malo" / "tar"
    found = {str(p.relative_to(folder)): outcome(p) for p in sorted(folder.glob("*/*.tar"))}
    assert len(found) >= 4
    for name, files in found.items():
        assert bool(files) == name.startswith("accept/"), name


@pytest.mark.corpus
@pytest.mark.skipif(not SHARED.exists() and not os.environ.get("CI"), reason="the shared corpus is not here")
def test_attacks_end_as_expected(tmp_path: Path) -> None:
    generator = SHARED / "corpus" / "generators" / "attack_gen.py"
    subprocess.run([sys.executable, str(generator), str(tmp_path), "--only", "tar"], check=True, timeout=60)
    listed = json.loads((tmp_path / "expected.json").read_text())
    attacks = {name: said["expect"] for name, said in listed.items() if name.startswith("tar/")}
    assert len(attacks) >= 15
    for name, expect in attacks.items():
        assert (outcome(tmp_path / name) is None) == expect.startswith("refuse"), name
