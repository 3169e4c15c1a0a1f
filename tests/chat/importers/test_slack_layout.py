"""What each entry of a Slack export is, by its name: whole runs at once must come out as each one alone."""

import io
import random
import re
import zipfile

import pytest

from douane.archive import open_archive
from douane.chat.importers import Limits
from douane.chat.importers.slack_layout import KINDS, survey

FOLDERS = ("general", "genera1", "random", "a", "café-日本語", "D0123456789", "mpdm-a--b-1", "FC:F1:Plan")
BASES = ("2020-01-31.json", "2020-01-30.json", "1999-12-31.json", "2020-01-31 (1).json")
OTHERS = ("2020-1-31.json", "2020-01-3x.json", "canvas_in_the_conversation.json", "2020-01-31.jsn", "x", "")


class Bytes:
    def __init__(self, data: bytes) -> None:
        self.data, self.size = data, len(data)

    def read(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]


def packed(names: list[str]) -> Bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), b"")
    return Bytes(out.getvalue())


@pytest.mark.parametrize("wrap", ["", "My export/"])
@pytest.mark.parametrize("order", ["sorted", "mixed"])
def test_every_day_file_is_in_its_folder(wrap: str, order: str) -> None:
    names = [f"{wrap}{folder}/{base}" for folder in FOLDERS for base in (*BASES, *OTHERS)]
    names += [f"{wrap}users.json", f"{wrap}channels.json"]
    names += [f"{wrap}general/2{year:03}-0{month}-11.json" for year in range(900) for month in range(1, 10)]
    if order == "mixed":
        random.Random(5).shuffle(names)
    layout = survey(open_archive(packed(names), Limits()))
    assert layout.wrap == wrap
    counted = dict.fromkeys(FOLDERS, 0)
    for name, kind, place in zip(names, layout.kinds, layout.folder_of, strict=True):
        folder, _, base = name[len(wrap) :].rpartition("/")
        is_day = bool(folder and re.fullmatch(r"\d{4}-\d\d-\d\d[^/]*\.json", base))
        assert (KINDS[kind] == "messages") == is_day == (place >= 0), name
        if is_day:
            assert layout.folders[place].path == folder
            counted[folder] += 1
    assert {folder.path: folder.days for folder in layout.folders} == counted
