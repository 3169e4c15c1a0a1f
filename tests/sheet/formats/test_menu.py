"""Which members are asked about a file at all."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from string import ascii_letters, digits

import pytest

from douane.sheet import formats
from douane.sheet.formats import MENU, SIGNED
from tests.sheet.formats.reading import MemorySource

# What would be each one's, but for the sign that stands before it.
BEHIND = (
    b"",
    b"PK\x03\x04 xl/workbook.xml xl/worksheets/ xl/workbook.bin mimetype content.xml",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
    b"\x09\x08\x10\x00\x00\x06\x05\x00" + bytes(64),
    b"<html><body><table><tr><td>1</td></tr></table>",
    b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>',
    b"\x1f\x8b\x08\x00",
    b'[{"a": 1}]',
    b'{"a": 1}',
    b"\n[1]\n{}\n",
)


@pytest.mark.parametrize("name", sorted(SIGNED))
def test_none_of_them_takes_a_file_that_begins_as_text(name: str) -> None:
    recognise = import_module(MENU[name]).recognise
    for first in f'{ascii_letters}{digits}"'.encode():
        for behind in BEHIND:
            head = bytes([first]) + behind
            assert head.startswith(b"PK") or not recognise(head, MemorySource(head)), head


def test_text_loads_no_reader_but_its_own() -> None:
    program = (
        "import sys\n"
        "from douane.sheet import formats\n"
        "from tests.sheet.formats.reading import MemorySource\n"
        "print(formats.open_file(MemorySource(b'a,b\\n1,2\\n')).detected.format)\n"
        "print(*(name for name, path in formats.MENU.items() if path in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["csv", "strangers", "csv"]


def test_what_another_package_adds_under_a_name_of_ours_is_asked() -> None:
    asked = dict(formats._asked({"xlsx": "elsewhere", "ods": MENU["ods"]}, b"name,age"))
    assert asked == {"xlsx": "elsewhere"}
