"""The widget in a real browser: a host page of another origin, a person with a messy file, and what both are told."""

from __future__ import annotations

import gzip
import http.server
import io
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openpyxl
import pytest
import xlsxwriter
from playwright.sync_api import FrameLocator, Page, expect

from tests.browser.conftest import Served

DATA = Path(__file__).parent.parent / "data"
PEOPLE = DATA / "people.csv"

HOST = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Host</title><h1>An application</h1>
<button id="open">Import</button>
<script src="{address}/embed.umd.min.js"></script>
<script>
  window.heard = [];
  impler.init("1");
  impler.on("message", (event) => heard.push(event));
  window.addEventListener("message", (event) => {{
    if (event.data.source === "impler-embed") heard.push(event.data);
  }});
  const given = {{ accessToken: "{key}", templateId: "{template}" }};
  document.getElementById("open").onclick = () => impler.show({{ ...given, ...window.more }});
</script></html>"""


@pytest.fixture(scope="module")
def host(served: Served) -> Iterator[str]:
    """The address of a page that embeds the widget, of another origin than the server's."""
    body = HOST.format(address=served.address, key=served.access_key, template=served.template_id).encode()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


def opened(page: Page, host: str, **more: Any) -> FrameLocator:
    page.goto(host)
    page.evaluate("(more) => { window.more = more; }", more)
    page.click("#open")
    return page.frame_locator("#impler-iframe-element")


def give(frame: FrameLocator, text: str | bytes, name: str = "people.csv") -> None:
    body = text if isinstance(text, bytes) else text.encode()
    frame.locator("input[type=file]").set_input_files({"name": name, "mimeType": "text/csv", "buffer": body})


def heard(page: Page) -> list[dict[str, Any]]:
    return list(page.evaluate("() => window.heard.map((one) => JSON.parse(JSON.stringify(one)))"))


def cell(frame: FrameLocator, row: int, column: str) -> Any:
    heads = frame.locator(".grid-head [role=columnheader]")
    heads.first.wait_for()
    at = next(place for place, name in enumerate(heads.all_inner_texts()) if name.strip().rstrip("*").strip() == column)
    return frame.locator(f'.grid-body [data-row="{row}"] [data-column="{at - 1}"]')


def rows_left(frame: FrameLocator) -> Any:
    return frame.locator(".left-over")


def test_the_sample_is_a_workbook_with_the_hosts_rows(page: Page, host: str) -> None:
    frame = opened(page, host, data=[{"name": "Ada"}])
    with page.expect_download() as found:
        frame.get_by_role("button", name="Download sample").click()
    assert found.value.suggested_filename == "People.xlsx"
    book = openpyxl.load_workbook(io.BytesIO(found.value.path().read_bytes()))
    rows = list(book["Data"].iter_rows(values_only=True))
    assert "Ada" in rows[1]


def test_the_script_is_small_and_loads_from_other_pages(served: Served) -> None:
    answer = httpx.get(f"{served.address}/embed.umd.min.js", headers={"Accept-Encoding": "gzip"})
    assert "impler" in answer.text
    assert answer.headers["access-control-allow-origin"] == "*"
    assert len(gzip.compress(answer.content)) <= 4096
    assert "frame-ancestors *" in httpx.get(f"{served.address}/widget").headers["content-security-policy"]


def test_a_messy_file_is_mended_and_handed_over(page: Page, host: str) -> None:
    frame = opened(page, host, wantsRows=True)
    frame.locator("input[type=file]").set_input_files(PEOPLE)
    expect(rows_left(frame)).to_contain_text("10 rows to mend")
    # It opens on the first problem, with the sentence beside it.
    expect(frame.locator(".side .sentence")).to_have_text("This field is required")
    page.keyboard.type("Anonymous Person")
    page.keyboard.press("Enter")
    expect(rows_left(frame)).to_contain_text("9 rows to mend")
    page.keyboard.press("F8")
    expect(frame.locator(".side .sentence")).to_contain_text("grace@example must be a valid email")
    page.keyboard.press("F2")
    page.keyboard.press("End")
    page.keyboard.type(".com")
    page.keyboard.press("Enter")
    expect(rows_left(frame)).to_contain_text("8 rows to mend")
    page.keyboard.press("Control+z")
    expect(rows_left(frame)).to_contain_text("9 rows to mend")
    page.keyboard.press("Control+y")
    expect(rows_left(frame)).to_contain_text("8 rows to mend")
    frame.get_by_role("button", name="Complete").click()
    frame.get_by_role("dialog").get_by_role("button", name="Complete").click()
    expect(frame.get_by_text("Bravo! 19 rows have been uploaded")).to_be_visible()
    frame.get_by_role("button", name="Finish").click()
    expect(page.locator("#impler-container")).to_be_hidden()
    types = [one["type"] for one in heard(page)]
    assert types[0] == "WIDGET_READY"
    order = [
        name
        for name in types
        if name in ("UPLOAD_STARTED", "UPLOAD_SUCCESS", "UPLOAD_COMPLETED", "DATA_IMPORTED", "CLOSE_WIDGET")
    ]
    assert order == ["UPLOAD_STARTED", "UPLOAD_SUCCESS", "UPLOAD_COMPLETED", "DATA_IMPORTED", "CLOSE_WIDGET"]
    assert {"status": "SUCCESS"}.items() <= next(one["payload"] for one in heard(page) if one.get("source")).items()
    rows = next(one["value"] for one in heard(page) if one["type"] == "DATA_IMPORTED")
    assert len(rows) == 11


def test_replacing_shows_what_will_happen_and_can_be_undone(page: Page, host: str) -> None:
    frame = opened(page, host)
    frame.locator("input[type=file]").set_input_files(PEOPLE)
    expect(rows_left(frame)).to_contain_text("10 rows to mend")
    frame.get_by_role("button", name="Find and replace").click()
    dialog = frame.get_by_role("dialog")
    dialog.get_by_label("Find", exact=True).fill("example")
    dialog.get_by_label("Replace with").fill("sample")
    dialog.get_by_label("In", exact=True).select_option(label="E-mail")
    expect(dialog.locator("ins").first).to_contain_text("sample")
    dialog.get_by_role("button", name="Replace in").click()
    expect(frame.locator(".toast")).to_contain_text("cells changed")
    expect(cell(frame, 1, "E-mail")).to_have_text("grace@sample")
    frame.locator(".toast").get_by_role("button", name="Undo").click()
    expect(cell(frame, 1, "E-mail")).to_have_text("grace@example")


def test_problems_are_filters_and_columns_sort(page: Page, host: str) -> None:
    frame = opened(page, host)
    frame.locator("input[type=file]").set_input_files(PEOPLE)
    chip = frame.locator(".chip").filter(has_text="E-mail")
    chip.click()
    expect(chip).to_have_attribute("aria-pressed", "true")
    expect(frame.locator(".grid-box")).to_have_attribute("aria-rowcount", "2")
    expect(cell(frame, 0, "E-mail")).to_have_text("grace@example")
    frame.get_by_role("button", name="All 19").click()
    expect(frame.locator(".grid-box")).to_have_attribute("aria-rowcount", "20")
    frame.get_by_role("columnheader", name="Name").get_by_role("button").click()
    expect(frame.get_by_role("columnheader", name="Name")).to_have_attribute("aria-sort", "ascending")
    expect(cell(frame, 0, "Name")).to_have_text("Ada Lovelace")
    frame.get_by_role("searchbox").fill("Grace")
    expect(frame.locator(".grid-box")).to_have_attribute("aria-rowcount", "2")


def test_a_missing_column_is_asked_for_with_values_of_the_file(page: Page, host: str) -> None:
    frame = opened(page, host)
    give(frame, "id,who,email,country\nC001,Ada,ada@example.com,France\nC002,Bob,bob@example.com,Peru\n")
    line = frame.locator(".map").filter(has=frame.locator("strong", has_text=re.compile("^Name$")))
    expect(line).to_be_visible()
    frame.get_by_role("button", name="Review the data").click()
    expect(frame.locator(".wrong").first).to_be_visible()
    line.get_by_role("combobox").select_option(label="who")
    expect(line.locator(".sample").first).to_have_text("Ada")
    frame.get_by_role("button", name="Review the data").click()
    expect(rows_left(frame)).to_contain_text("2 rows, and nothing to mend")


def test_another_row_of_headings_is_taken(page: Page, host: str) -> None:
    frame = opened(page, host)
    give(frame, "id,who,email,country\nid,name,email,country\nC001,Ada,ada@example.com,France\n")
    frame.get_by_role("button", name="The headings are in another row").click()
    frame.get_by_role("radio").nth(1).check()
    frame.get_by_role("button", name="Confirm and continue").click()
    expect(rows_left(frame)).to_contain_text("1 row, and nothing to mend")


def test_another_sheet_is_taken_and_stays_taken(page: Page, host: str, tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(tmp_path / "two.xlsx")
    for name, person in (("First", "Ada"), ("Second", "Bob")):
        for row, cells in enumerate((["id", "name", "email", "country"], ["C001", person, "a@example.com", "France"])):
            (book.get_worksheet_by_name(name) or book.add_worksheet(name)).write_row(row, 0, cells)
    book.close()
    frame = opened(page, host)
    frame.locator("input[type=file]").set_input_files(tmp_path / "two.xlsx")
    expect(cell(frame, 0, "Name")).to_have_text("Ada")
    frame.locator(".facts").get_by_role("button", name="change").first.click()
    frame.get_by_label("Second").check()
    frame.get_by_role("button", name="Take this sheet").click()
    expect(cell(frame, 0, "Name")).to_have_text("Bob")
    frame.locator(".facts").get_by_role("button", name="change").nth(1).click()
    frame.get_by_role("button", name="Review the data").click()
    expect(cell(frame, 0, "Name")).to_have_text("Bob")


HOSTILE = [
    '<img src=x onerror="window.hit=1">',
    "<script>window.hit=1</script>",
    "\u202egnp.exe",
    "a\u0301\u0302\u0303" * 30,
    "=cmd|'/c calc'!A1",
    "x" * 200_000,
]


def test_hostile_names_and_cells_are_text(page: Page, host: str) -> None:
    frame = opened(page, host, title="<b>Title</b>")
    body = "id,name,email,country\n" + "".join(
        f'C{at},"{text.replace(chr(34), chr(34) * 2)}",none,France\n' for at, text in enumerate(HOSTILE)
    )
    give(frame, body, "<img src=x>.csv")
    expect(rows_left(frame)).to_contain_text("6 rows to mend")
    expect(frame.locator("h1")).to_have_text("<b>Title</b>")
    expect(cell(frame, 0, "Name")).to_have_text(HOSTILE[0])
    wide = frame.locator(".frame").evaluate("(frame) => frame.scrollWidth <= frame.clientWidth")
    assert wide
    assert all(not one.evaluate("() => window.hit") for one in page.frames)


def test_a_file_that_is_none_is_told_and_the_next_one_works(page: Page, host: str) -> None:
    frame = opened(page, host)
    give(frame, b"%PDF-1.7 nothing here", "report.pdf")
    expect(frame.get_by_role("alert")).to_contain_text("not supported")
    assert any(one["type"] == "UPLOAD_ERROR" and one["value"]["errorCode"] == 422 for one in heard(page))
    give(frame, b"", "empty.csv")
    expect(frame.get_by_role("alert")).to_contain_text("empty.csv")
    give(frame, "id,name,email,country\nC001,Ada,ada@example.com,France\n")
    expect(rows_left(frame)).to_contain_text("1 row, and nothing to mend")


def test_leaving_is_asked_and_ends_the_upload(page: Page, host: str, served: Served) -> None:
    frame = opened(page, host)
    frame.locator("input[type=file]").set_input_files(PEOPLE)
    expect(rows_left(frame)).to_contain_text("10 rows to mend")
    frame.get_by_role("button", name="Close").click()
    frame.get_by_role("button", name="Stay").click()
    expect(rows_left(frame)).to_contain_text("10 rows to mend")
    frame.get_by_role("button", name="Close").click()
    frame.get_by_role("button", name="Leave").click()
    expect(page.locator("#impler-container")).to_be_hidden()
    ended = next(one["value"]["uploadId"] for one in heard(page) if one["type"] == "UPLOAD_TERMINATED")
    document = httpx.get(f"{served.address}/v1/upload/{ended}", headers={"accesskey": served.access_key}).json()
    assert document["status"] == "Terminated"


def test_a_wrong_key_is_told_in_words(page: Page, host: str) -> None:
    frame = opened(page, host, accessToken="0" * 32)
    expect(frame.get_by_role("alert")).to_contain_text("key has expired")


def test_the_promise_gives_rows_or_null(page: Page, host: str, served: Served) -> None:
    page.goto(host)
    options = {"template": served.template_id, "token": served.access_key}
    page.evaluate("(options) => { window.result = douane.import(options); }", options)
    frame = page.frame_locator("#impler-iframe-element")
    give(frame, "id,name,email,country\nC001,Ada,ada@example.com,France\n")
    frame.get_by_role("button", name="Complete").click()
    frame.get_by_role("dialog").get_by_role("button", name="Complete").click()
    frame.get_by_role("button", name="Finish").click()
    assert page.evaluate("() => window.result.then((rows) => [rows.length, rows[0].name, rows.upload.status])") == [
        1,
        "Ada",
        "Completed",
    ]
    page.evaluate("(options) => { window.result = douane.import(options); }", options)
    frame.locator(".drop").wait_for()
    frame.get_by_role("button", name="Close").click()
    assert page.evaluate("() => window.result") is None


def test_opening_and_closing_often_leaves_one_frame(page: Page, host: str) -> None:
    frame = opened(page, host)
    for _ in range(20):
        page.evaluate("() => { impler.close(); impler.show({ accessToken: 'x'.repeat(32) }); }")
    page.evaluate("() => impler.close()")
    assert page.locator("iframe").count() == 1
    page.click("#open")
    expect(frame.locator(".drop")).to_be_visible()


def test_a_closed_tab_goes_on_where_it_was(page: Page, host: str) -> None:
    frame = opened(page, host)
    frame.locator("input[type=file]").set_input_files(PEOPLE)
    expect(rows_left(frame)).to_contain_text("10 rows to mend")
    frame = opened(page, host)
    expect(rows_left(frame)).to_contain_text("10 rows to mend")


def test_rows_are_typed_in_and_pasted(page: Page, host: str) -> None:
    frame = opened(page, host)
    frame.get_by_role("button", name="Enter data by hand").click()
    expect(frame.locator(".grid-box")).to_be_visible()
    cell(frame, 0, "Customer ID").click()
    frame.locator(".grid-box").evaluate(
        """(grid) => {
          const data = new DataTransfer();
          data.setData("text/plain", "C1\\tAda\\tada@example.com\\nC2\\t\\tnone");
          grid.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
        }"""
    )
    # Both lack their country, the second its name and an e-mail address.
    expect(rows_left(frame)).to_contain_text("2 rows to mend")
    expect(cell(frame, 0, "Name")).to_have_text("Ada")


def test_a_phone_gets_cards(page: Page, host: str) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    frame = opened(page, host)
    frame.locator("input[type=file]").set_input_files(PEOPLE)
    card = frame.locator(".row-card").first
    expect(card.locator(".wrong")).to_have_text("This field is required")
    card.get_by_label("Name").fill("Anonymous")
    card.get_by_label("Name").press("Enter")
    expect(rows_left(frame)).to_contain_text("9 rows to mend")
    assert frame.locator("html").evaluate("(root) => root.scrollWidth <= root.clientWidth")


def test_arabic_is_written_from_right_to_left(page: Page, host: str) -> None:
    frame = opened(page, host, locale="ar")
    expect(frame.locator("html")).to_have_attribute("dir", "rtl")
    frame.locator("input[type=file]").set_input_files(PEOPLE)
    expect(rows_left(frame)).to_contain_text("للتصحيح")
    before = frame.locator(".grid-row > .active").evaluate("(cell) => cell.dataset.column")
    page.keyboard.press("ArrowLeft")
    after = frame.locator(".grid-row > .active").evaluate("(cell) => cell.dataset.column")
    assert int(after) == int(before) + 1


@pytest.mark.parametrize(
    ("pasted", "rows"),
    [
        ("a\tb\nc\td\n", [["a", "b"], ["c", "d"]]),
        ('"a\tb"\tc', [["a\tb", "c"]]),
        ('"say ""hi"""\tx\r\ny\t', [['say "hi"', "x"], ["y", ""]]),
        ("one", [["one"]]),
        ("\tb", [["", "b"]]),
        ("", [[""]]),
    ],
)
def test_a_pasted_table_is_read_as_sheet_programs_write_it(
    page: Page, served: Served, pasted: str, rows: list[list[str]]
) -> None:
    page.goto(f"{served.address}/widget")
    read = page.evaluate("async (text) => (await import('/ui/widget/grid/clipboard.js')).fromText(text)", pasted)
    assert read == rows


CATALOGUES = Path(__file__).parents[2] / "douane/ui/widget/texts"


@pytest.mark.parametrize("path", sorted(CATALOGUES.glob("*.json")), ids=lambda path: path.stem)
def test_every_language_has_every_text(path: Path) -> None:
    english, own = json.loads((CATALOGUES / "en.json").read_text()), json.loads(path.read_text())
    assert {(section, key) for section, texts in own.items() for key in texts} == {
        (section, key) for section, texts in english.items() for key in texts
    }

    def places(text: str | dict[str, str]) -> set[str]:
        forms = text.values() if isinstance(text, dict) else [text]
        return {place for form in forms for place in re.findall(r"\{(\w+)\}", form)}

    for section, texts in english.items():
        for key, text in texts.items():
            assert places(own[section][key]) <= places(text), (section, key)
