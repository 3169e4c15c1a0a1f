"""Makes the workbooks of this folder, each by another program: `python -m tests.sheet.formats.writers.make NPM`.

Needs, beside what the tests need: xlwt, PyExcelerate and pyxlsbwriter (`pip`); xlsx, @e965/xlsx (SheetJS as its makers
number it now) and exceljs in NPM/node_modules (`npm`); Debian's libspreadsheet-writeexcel-perl, ruby-spreadsheet,
libjexcelapi-java, libapache-poi-java, gnumeric and libreoffice-calc. What is missing is passed over and said.

`made.json` says of each file which program wrote it and which values it was given; `lost.py`, which of them that
program itself loses.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.sheet.formats.writers.table import TABLE, as_json

HERE = Path(__file__).parent
FILES = HERE / "files"
JARS = "/usr/share/java"


def main(npm: Path) -> None:
    FILES.mkdir(exist_ok=True)
    made: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "table.json").write_text(as_json(), encoding="utf-8")
        lines = [f"{v.name}\t{v.type}\t{v.value}\t{v.format}".replace("\n", "\\n") for v in TABLE]
        (work / "table.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        for name, writer, make in programs(npm.resolve(), work):
            try:
                names = make(FILES / name)
            except (OSError, ImportError, subprocess.CalledProcessError) as error:
                print(f"{name}: passed over: {error}", file=sys.stderr)
                continue
            made[name] = {"writer": writer() if callable(writer) else writer, "names": names}
            print(name, made[name]["writer"], len(names), (FILES / name).stat().st_size)
    known = json.loads((HERE / "made.json").read_text()) if (HERE / "made.json").exists() else {}
    text = json.dumps(known | made, ensure_ascii=False, indent=1, sort_keys=True)
    (HERE / "made.json").write_text(text + "\n", encoding="utf-8")


Make = Callable[[Path], list[str]]


def programs(npm: Path, work: Path) -> list[tuple[str, Callable[[], str] | str, Make]]:
    """(file, the writer with its version, what makes the file and answers the names of the values in it)"""
    found: list[tuple[str, Callable[[], str] | str, Make]] = []
    for label, package in (("0.18.5", "xlsx"), ("0.20.3", "@e965/xlsx")):
        for kind, ending in (("biff8", "xls"), ("biff5", "xls"), ("biff4", "xls"), ("biff3", "xls"), ("biff2", "xls")):
            found.append((f"sheetjs-{label}-{kind}.{ending}", f"SheetJS {label}", sheetjs(npm, package, work, kind)))
        found.append((f"sheetjs-{label}.xlsb", f"SheetJS {label}", sheetjs(npm, package, work, "xlsb")))
        found.append((f"sheetjs-{label}-shared.xlsb", f"SheetJS {label}", sheetjs(npm, package, work, "xlsb", "1")))
        found.append((f"sheetjs-{label}.xlsx", f"SheetJS {label}", sheetjs(npm, package, work, "xlsx")))
    table, lines = str(work / "table.json"), str(work / "table.tsv")
    exceljs = str(npm / "node_modules" / "exceljs")
    java = ["java", "-Duser.timezone=UTC", "-Djava.awt.headless=true"]
    poi = ":".join(f"{JARS}/{jar}.jar" for jar in ("poi", "commons-collections4", "commons-codec", "commons-math3"))
    found += [
        ("exceljs.xlsx", "exceljs 4.4.0", by(["node", "exceljs.js", exceljs, table])),
        ("writeexcel.xls", "Spreadsheet::WriteExcel 2.40", by(["perl", "writeexcel.pl", table])),
        ("ruby-spreadsheet.xls", "Ruby spreadsheet 1.0.0", by(["ruby", "spreadsheet.rb", table])),
        (
            "jexcelapi.xls",
            "JExcelAPI 2.6.12",
            by([*java, "-cp", f"{JARS}/jxl.jar:{JARS}/log4j-1.2.jar", "Jexcel.java", lines]),
        ),
        ("poi.xls", "POI HSSF 4.0.1", by([*java, "-cp", poi, "Poi.java", lines])),
        ("xlwt.xls", lambda: f"xlwt {version('xlwt')}", xlwt_file),
        ("openpyxl.xlsx", lambda: f"openpyxl {version('openpyxl')}", openpyxl_file),
        ("xlsxwriter.xlsx", lambda: f"XlsxWriter {version('xlsxwriter')}", xlsxwriter_file),
        ("pyexcelerate.xlsx", lambda: f"PyExcelerate {version('pyexcelerate')}", pyexcelerate_file),
        ("pyxlsbwriter.xlsb", lambda: f"pyxlsbwriter {version('pyxlsbwriter')}", pyxlsbwriter_file),
    ]
    source = work / "source.xlsx"
    for name, kind in (("biff8", "excel_biff8"), ("biff7", "excel_biff7"), ("both", "excel_dsf")):
        found.append((f"gnumeric-{name}.xls", "Gnumeric 1.12.55", gnumeric(source, f"Gnumeric_Excel:{kind}")))
    for name, kind in (("xls", "MS Excel 97"), ("xlsx", "Calc MS Excel 2007 XML")):
        found.append((f"libreoffice.{name}", "LibreOffice 7.4.7", libreoffice(source, work, name, kind)))
    return found


def by(command: list[str], environment: dict[str, str] | None = None) -> Make:
    def make(out: Path) -> list[str]:
        said = subprocess.run(
            [*command, str(out)], cwd=HERE, check=True, stdout=subprocess.PIPE, env=os.environ | (environment or {})
        )
        names: list[str] = json.loads(said.stdout)
        return names

    return make


def sheetjs(npm: Path, package: str, work: Path, kind: str, shared: str = "") -> Make:
    program = ["node", "sheetjs.js", str(npm / "node_modules" / package), str(work / "table.json"), kind]
    return by(program, {"SHARED": shared})


def xlwt_file(out: Path) -> list[str]:
    import xlwt

    book = xlwt.Workbook()
    sheet = book.add_sheet("Table")
    names: list[str] = []
    for v in TABLE:
        r = len(names)
        if v.type in ("formula", "error"):
            continue  # it stores no results, and has errors only as those of formulas
        style = xlwt.easyxf(num_format_str=v.format) if v.format else xlwt.XFStyle()
        sheet.write(r, 0, v.name)
        value = date.fromisoformat(str(v.value)) if v.type == "day" else v.value
        if v.name == "merged":
            sheet.write_merge(r, r, 1, 2, value)
        else:
            sheet.write(r, 1, value, style)
            sheet.write(r, 2, 1000 + r)
        sheet.write(r, 3, "hidden")
        sheet.row(r).hidden = v.name == "hidden row"
        names.append(v.name)
    sheet.col(3).hidden = True
    book.save(str(out))
    return names


def openpyxl_file(out: Path) -> list[str]:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    names: list[str] = []
    for v in TABLE:
        if v.type == "formula":
            continue  # it stores no results
        r = len(names) + 1
        value = date.fromisoformat(str(v.value)) if v.type == "day" else v.value
        sheet.append([v.name, value, 1000 + r - 1, "hidden"])
        cell = sheet.cell(r, 2)
        if v.type == "text":
            cell.data_type = "s"
        if v.format:
            cell.number_format = v.format
        sheet.row_dimensions[r].hidden = v.name == "hidden row"
        if v.name == "merged":
            sheet.merge_cells(start_row=r, end_row=r, start_column=2, end_column=3)
        names.append(v.name)
    sheet.column_dimensions["D"].hidden = True
    book.save(out)
    return names


def xlsxwriter_file(out: Path) -> list[str]:
    import xlsxwriter

    names: list[str] = []
    with xlsxwriter.Workbook(str(out)) as book:
        sheet = book.add_worksheet("Table")
        for r, v in enumerate(TABLE):
            style = book.add_format({"num_format": v.format}) if v.format else book.add_format()
            sheet.write_string(r, 0, v.name)
            if v.name == "merged":
                sheet.merge_range(r, 1, r, 2, v.value, style)
            elif v.type == "text":
                sheet.write_string(r, 1, v.value)
            elif v.type == "boolean":
                sheet.write_boolean(r, 1, v.value)
            elif v.type == "day":
                sheet.write_datetime(r, 1, date.fromisoformat(str(v.value)), style)
            elif v.type == "formula":
                sheet.write_formula(r, 1, f"={v.value}", style, v.result)
            elif v.type == "error":
                sheet.write_formula(r, 1, "=NA()" if v.value == "#N/A" else "=1/0", style, v.value)
            else:
                sheet.write_number(r, 1, v.value, style)
            if v.name != "merged":
                sheet.write_number(r, 2, 1000 + r)
            sheet.write_string(r, 3, "hidden")
            if v.name == "hidden row":
                sheet.set_row(r, None, None, {"hidden": True})
            names.append(v.name)
        sheet.set_column(3, 3, None, None, {"hidden": True})
    return names


def pyexcelerate_file(out: Path) -> list[str]:
    from pyexcelerate import Format, Style, Workbook

    book = Workbook()
    # Quotes in a number format break its file.
    some = [v for v in TABLE if v.type in ("text", "number", "boolean", "day") and v.name != "price"]
    day = date.fromisoformat
    rows = [[v.name, day(str(v.value)) if v.type == "day" else v.value, 1000 + r] for r, v in enumerate(some)]
    sheet = book.new_sheet("Table", data=rows)
    for r, v in enumerate(some, 1):
        if v.format:
            sheet.set_cell_style(r, 2, Style(format=Format(v.format)))
    book.save(str(out))
    return [v.name for v in some]


def pyxlsbwriter_file(out: Path) -> list[str]:
    from pyxlsbwriter import XlsbWriter

    some = [v for v in TABLE if v.type in ("text", "number", "boolean", "day") and not v.format.strip("ymd-")]
    some = [v for v in some if v.type == "day" or not v.format]
    day = date.fromisoformat
    with XlsbWriter(str(out)) as book:
        book.add_sheet("Table")
        book.write_sheet(
            [[v.name, day(str(v.value)) if v.type == "day" else v.value, 1000 + r] for r, v in enumerate(some)]
        )
    return [v.name for v in some]


def source_of(source: Path) -> list[str]:
    """What programs that only convert are given."""
    return xlsxwriter_file(source)


def gnumeric(source: Path, kind: str) -> Make:
    def make(out: Path) -> list[str]:
        names = source_of(source)
        subprocess.run(["ssconvert", "-T", kind, str(source), str(out)], check=True, capture_output=True)
        return names

    return make


def libreoffice(source: Path, work: Path, ending: str, kind: str) -> Make:
    def make(out: Path) -> list[str]:
        names = source_of(source)
        profile = f"-env:UserInstallation=file://{work}/profile"
        convert = ["soffice", profile, "--headless", "--convert-to", f"{ending}:{kind}", "--outdir", str(work / "out")]
        subprocess.run([*convert, str(source)], check=True, capture_output=True)
        out.write_bytes((work / "out" / f"source.{ending}").read_bytes())
        return names

    return make


if __name__ == "__main__":
    main(Path(sys.argv[1]))
