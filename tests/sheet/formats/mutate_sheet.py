"""Random rows of a sheet, read by a kernel that was built to watch itself, and compared with what expat says."""

from __future__ import annotations

import dataclasses
import random

from douane.errors import DouaneError
from douane.sheet import native
from douane.sheet.formats import sheet_xml
from douane.sheet.native import workbooks
from tests.sheet.kernel import reading_with

TOKENS = (
    *(b"<", b">", b"/", b"&", b'"', b"=", b" ", b"\n", b"\r", b"\0", b"\xff", b"_x000D_", b"&amp;", b"&lt;", b"&#49;"),
    *(b"<v>1</v>", b"<v/>", b"<f>A1</f>", b"<f/>", b"<c>", b"</c>", b"<c/>", b'<row r="9">', b"</row>", b"<row/>"),
    *(b"<is><t>", b"</t></is>", b"<is><t/></is>", b't="str"', b't="inlineStr"', b' s="2"', b' r="AB7"', b"<!--"),
    *(b' hidden="1"', b"<si><t>", b"</t></si>", b"a text of more than sixteen bytes", "日本".encode()),
)  # fmt: skip
ROWS = (
    b'<row r="1" spans="1:3"><c r="A1" t="s"><v>0</v></c><c r="B1" s="1"><f>1&gt;0</f><v>2.50</v></c><c r="C1"/></row>',
    b'<row r="3" hidden="1"><c r="A3" t="inlineStr"><is><t xml:space="preserve"> &amp; b </t></is></c></row><row/>',
    b'<row> <c t="str"><f>B1</f><v>a text of more than sixteen bytes, &lt;b&gt; _x000D_</v></c></row>\n',
)  # fmt: skip
TEXTS = b'<si><t>one &amp; two</t></si>\n<si><t/></si><si><t xml:space="preserve"> more than sixteen bytes</t></si>'


def seed(chance: random.Random) -> bytes:
    return TEXTS if chance.random() < 0.2 else b"".join(chance.choices(ROWS, k=chance.randint(1, 4)))


def compare(kernel: native.Kernel, block: bytes) -> None:
    """What expat refuses is not looked at: of its rules the kernel knows those that make a difference."""
    try:
        if block.startswith(b"<si"):
            with reading_with(None):
                plain = sheet_xml._texts(b"<!-- -->" + block, "")
            with reading_with(kernel):
                assert sheet_xml._texts(block, "").to_list() == plain.to_list(), block
            return
        careful = sheet_xml.careful_cells(block, 4)
    except DouaneError:
        workbooks.cells(kernel, block, "", 4)
        return
    with reading_with(kernel):
        cells = sheet_xml.cells_of(block, "", 4)
    for field in dataclasses.fields(cells):
        left, right = getattr(cells, field.name), getattr(careful, field.name)
        assert list(left) == list(right), (block, field.name, left, right)
