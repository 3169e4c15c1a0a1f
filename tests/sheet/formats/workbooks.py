"""Workbooks made by hand for tests: the XML of a sheet and what stands around it -> the bytes of an .xlsx."""

from __future__ import annotations

import io
import zipfile

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def zipped(parts: dict[str, bytes | str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return out.getvalue()


def sheet(rows: str, before: str = "") -> str:
    """A sheet part with these `<row>` elements; `before` stands between its root and its rows."""
    return f'<?xml version="1.0"?><worksheet xmlns="{MAIN}">{before}<sheetData>{rows}</sheetData></worksheet>'


def parts(
    *sheets: str,
    names: tuple[str, ...] = (),
    states: tuple[str, ...] = (),
    shared: str | None = None,
    formats: tuple[str, ...] = (),
    properties: str = "",
) -> dict[str, bytes | str]:
    """The parts of a workbook. `shared`: the `<si>` elements; `formats`: number format codes, cell format 1 shows the
    first one and so on."""
    names = names or tuple(f"Sheet{i + 1}" for i in range(len(sheets)))
    states = states or ("visible",) * len(sheets)
    listed = "".join(
        f'<sheet name="{n}" sheetId="{i + 1}" state="{s}" r:id="rId{i + 1}"/>'
        for i, (n, s) in enumerate(zip(names, states, strict=True))
    )
    targets = [(f"rId{i + 1}", "worksheet", f"worksheets/sheet{i + 1}.xml") for i in range(len(sheets))]
    made: dict[str, bytes | str] = {
        "_rels/.rels": _relations([("rId1", "officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">{properties}'
        f"<sheets>{listed}</sheets></workbook>",
    }
    if shared is not None:
        targets.append(("rIdS", "sharedStrings", "sharedStrings.xml"))
        made["xl/sharedStrings.xml"] = f'<sst xmlns="{MAIN}">{shared}</sst>'
    if formats:
        targets.append(("rIdF", "styles", "styles.xml"))
        codes = "".join(f'<numFmt numFmtId="{200 + i}" formatCode="{c}"/>' for i, c in enumerate(formats))
        xfs = "".join(f'<xf numFmtId="{n}"/>' for n in [0, *range(200, 200 + len(formats))])
        made["xl/styles.xml"] = (
            f'<styleSheet xmlns="{MAIN}"><numFmts>{codes}</numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>'
            f"<cellXfs>{xfs}</cellXfs></styleSheet>"
        )
    made["xl/_rels/workbook.xml.rels"] = _relations(targets)
    for i, text in enumerate(sheets):
        made[f"xl/worksheets/sheet{i + 1}.xml"] = text
    return made


def _relations(targets: list[tuple[str, str, str]]) -> str:
    listed = "".join(f'<Relationship Id="{i}" Type="{OFFICE}/{k}" Target="{t}"/>' for i, k, t in targets)
    return f'<Relationships xmlns="{PACKAGE}">{listed}</Relationships>'


def book(rows: str, *, before: str = "", **around: object) -> bytes:
    """A workbook of one sheet with these `<row>` elements."""
    return zipped(parts(sheet(rows, before), **around))  # type: ignore[arg-type]
