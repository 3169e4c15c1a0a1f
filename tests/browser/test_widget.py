"""The widget in a real browser: a host page of another origin, a person with a messy file, and what both are told."""

from __future__ import annotations

import gzip
import io
import json
import re
from pathlib import Path

import httpx
import msgspec
import openpyxl
import pytest
import xlsxwriter
from playwright.sync_api import FrameLocator, Page, expect

from douane.model.reading import Fact
from douane.sheet.formats.facts import WIDER, sentence
from douane.sheet.noticed import note, told
from douane.web.spreadsheet.wire import noticed
from douane.web.spreadsheet.wire.errors import FILE_EMPTY, FILE_TYPE
from douane.web.spreadsheet.wire.stages import GUARD
from tests.browser.conftest import Served
from tests.browser.widget import PEOPLE, cell, give, heard, opened, rows_left
from tests.child.test_images import PNG


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
    shown = httpx.get(f"{served.address}/widget").headers
    assert "frame-ancestors *" in shown["content-security-policy"]
    # Isolated pages take both.
    assert {one["cross-origin-resource-policy"] for one in (answer.headers, shown)} == {"cross-origin"}
    assert shown["cross-origin-embedder-policy"] == "require-corp"


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
    expect(frame.get_by_role("dialog")).to_contain_text("8 rows with problems are left out")
    frame.get_by_role("dialog").get_by_role("button", name="Complete").click()
    # The page asked for rows itself: it is handed the good ones, and that is said.
    expect(frame.get_by_text("Bravo! 11 rows have been uploaded")).to_be_visible()
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


def test_replacing_shows_what_will_happen_and_can_be_undone(page: Page, host: str, reviewed: str) -> None:
    frame = opened(page, host, uploadId=reviewed)
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
    # What can't be mended here well is mended in a sheet program, and brought back.
    frame.get_by_role("button", name="Download").click()
    with page.expect_download() as found:
        frame.get_by_role("button", name="Take rows with problems").click()
    book = openpyxl.load_workbook(io.BytesIO(found.value.path().read_bytes()))
    mail = next(one for row in book["Data"] for one in row if one.value == "grace@example")
    mail.value = "grace@example.com"
    changed = io.BytesIO()
    book.save(changed)
    back = {"name": "mended.xlsx", "mimeType": "application/octet-stream", "buffer": changed.getvalue()}
    frame.get_by_label("Bring a mended workbook back").set_input_files(back)  # type: ignore[arg-type]
    expect(frame.get_by_role("dialog").locator("ins")).to_have_text("grace@example.com")
    frame.get_by_role("button", name="Take over 1 cell").click()
    expect(rows_left(frame)).to_contain_text("9 rows to mend")


def test_problems_are_filters_and_columns_sort(page: Page, host: str, reviewed: str) -> None:
    frame = opened(page, host, uploadId=reviewed)
    chip = frame.locator(".chip").filter(has_text="E-mail")
    chip.click()
    expect(chip).to_have_attribute("aria-pressed", "true")
    expect(frame.locator(".grid-box")).to_have_attribute("aria-rowcount", "2")
    expect(cell(frame, 0, "E-mail")).to_have_text("grace@example")
    frame.get_by_role("button", name="All 19").click()
    # With the headings, and an empty row to add one in.
    expect(frame.locator(".grid-box")).to_have_attribute("aria-rowcount", "21")
    frame.get_by_role("columnheader", name="Name").get_by_role("button").click()
    expect(frame.get_by_role("columnheader", name="Name")).to_have_attribute("aria-sort", "ascending")
    expect(cell(frame, 0, "Name")).to_have_text("Ada Lovelace")
    frame.get_by_role("searchbox").fill("Grace")
    expect(frame.locator(".grid-box")).to_have_attribute("aria-rowcount", "2")


def test_another_row_of_headings_is_taken_and_another_encoding(page: Page, host: str) -> None:
    frame = opened(page, host)
    # So few words of Japanese that nobody can tell their encoding.
    rows = "C001,山田太郎,taro@example.com,France\nC002,鈴木花子,hana@example.com,Peru\n"
    give(frame, (HEADINGS + HEADINGS + rows).encode("cp932"))
    frame.get_by_role("button", name="How the file is read").click()
    frame.get_by_label("Encoding").fill("no such encoding")
    frame.get_by_role("button", name="Read it so").click()
    expect(frame.get_by_role("alert")).to_be_visible()
    japanese = frame.locator("datalist option").filter(has_text="Japanese").first.get_attribute("value") or ""
    frame.get_by_label("Encoding").fill(japanese)
    frame.get_by_role("button", name="Read it so").click()
    expect(frame.locator(".facts")).to_contain_text("CP932")
    frame.get_by_role("button", name="change the columns").click()
    frame.get_by_role("button", name="The headings are in another row").click()
    frame.get_by_role("radio").nth(1).check()
    frame.get_by_role("button", name="Confirm and continue").click()
    expect(frame.locator(".facts")).to_contain_text("headings in line 2")
    expect(rows_left(frame)).to_contain_text("2 rows, and nothing to mend")
    expect(cell(frame, 0, "Name")).to_have_text("山田太郎")


def test_another_sheet_is_taken_and_stays_taken(page: Page, host: str, tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(tmp_path / "two.xlsx")
    for name, person in (("First", "Ada"), ("Second", "Bob")):
        for row, cells in enumerate((["id", "name", "email", "country"], ["C001", person, "a@example.com", "France"])):
            (book.get_worksheet_by_name(name) or book.add_worksheet(name)).write_row(row, 0, cells)
    book.close()
    frame = opened(page, host)
    frame.locator("input[type=file]").set_input_files(tmp_path / "two.xlsx")
    expect(cell(frame, 0, "Name")).to_have_text("Ada")
    frame.get_by_role("button", name="change the sheet").click()
    expect(frame.locator(".first-rows")).to_contain_text("Ada")
    frame.get_by_label("Second").check()
    # Its rows are seen before it is taken; who goes back has what there was.
    expect(frame.locator(".first-rows")).to_contain_text("Bob")
    frame.get_by_role("button", name="Cancel").click()
    expect(cell(frame, 0, "Name")).to_have_text("Ada")
    frame.get_by_role("button", name="change the sheet").click()
    frame.get_by_label("Second").check()
    expect(frame.locator(".first-rows")).to_contain_text("Bob")
    frame.get_by_role("button", name="Take this sheet").click()
    expect(cell(frame, 0, "Name")).to_have_text("Bob")
    expect(frame.locator(".facts")).to_contain_text("Second")
    frame.get_by_role("button", name="change the columns").click()
    frame.get_by_role("button", name="Review the data").click()
    expect(cell(frame, 0, "Name")).to_have_text("Bob")


def test_a_missing_column_is_asked_for_and_columns_are_mapped_anew_with_what_was_changed(page: Page, host: str) -> None:
    frame = opened(page, host)
    give(frame, "id,who,email,country,other\nC001,Ada,ada@example.com,France,Countess\nC002,Bob,nobody,Peru,Builder\n")
    line = frame.locator(".map").filter(has=frame.locator("strong", has_text=re.compile("^Name$")))
    expect(line).to_be_visible()
    # Nothing may match because the file is read wrongly: that is seen and changed from here as well.
    expect(frame.locator(".facts")).to_contain_text("people.csv")
    frame.get_by_role("button", name="How the file is read").click()
    expect(frame.get_by_label("Encoding")).to_have_attribute("placeholder", "utf-8")
    frame.get_by_role("button", name="Cancel").click()
    expect(line).to_be_visible()
    frame.get_by_role("button", name="Review the data").click()
    expect(frame.locator(".wrong").first).to_be_visible()
    line.get_by_role("combobox").select_option(label="who")
    expect(line.locator(".sample").first).to_have_text("Ada")
    frame.get_by_role("button", name="Review the data").click()
    expect(rows_left(frame)).to_contain_text("1 row to mend")
    page.keyboard.type("bob@example.com")
    page.keyboard.press("Enter")
    expect(rows_left(frame)).to_contain_text("2 rows, and nothing to mend")
    frame.get_by_role("button", name="change the columns").click()
    frame.get_by_label("Heading for Name").select_option(label="other")
    frame.get_by_role("button", name="Review the data").click()
    expect(cell(frame, 0, "Name")).to_have_text("Countess")
    expect(cell(frame, 1, "E-mail")).to_have_text("bob@example.com")
    started = [one for one in heard(page) if one["type"] == "UPLOAD_STARTED"]
    assert len(started) == 1  # nothing was sent again


def test_a_file_in_another_language_is_mended_by_clicking_alone(page: Page, host: str) -> None:
    rows = "C1,山田,taro@example.com,\uff13\uff16,日本\nC202,鈴木,hanako\uff20example.com,x,Japan\n"
    rows += "C203,,info@example.com,29,France\n"
    frame = opened(page, host)
    give(frame, ("\n一覧,,,,\n顧客番号,氏名,メール,年齢,国\n" + rows).encode("cp932"))
    for column, heading in (("Customer ID", "顧客番号"), ("Age", "年齢")):
        line = frame.locator(".map").filter(has=frame.locator("strong", has_text=re.compile(f"^{column}$")))
        line.locator(".offers").get_by_role("button", name=heading).click()
        expect(line.get_by_role("combobox")).to_be_focused()
    frame.get_by_role("button", name="Review the data").click()
    # As the file counts its lines, blank ones with them.
    expect(frame.locator(".facts")).to_contain_text("headings in line 3")
    side = frame.locator(".side")
    for column, way in (
        ("Customer ID", "Delete the row"),
        ("E-mail", "hanako@example.com"),
        ("Age", "Leave it empty"),
        ("Name", "Delete the row"),
    ):
        expect(side.locator(".which strong")).to_have_text(column)
        side.get_by_role("button", name=way).click()
    expect(rows_left(frame)).to_contain_text("1 row, and nothing to mend")
    frame.locator(".tools").get_by_role("button", name="Undo").click()
    expect(rows_left(frame)).to_contain_text("1 row to mend")


HEADINGS = "id,name,email,country\n"
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
    cells = [f'"{text.replace(chr(34), chr(34) * 2)}"' for text in HOSTILE]
    body = "id,name,email,country\n" + "".join(f"C{at},{text},none,{text}\n" for at, text in enumerate(cells))
    give(frame, body, "<img src=x>.csv")
    expect(rows_left(frame)).to_contain_text("6 rows to mend")
    expect(frame.locator("h1")).to_have_text("<b>Title</b>")
    expect(cell(frame, 0, "Name")).to_have_text(HOSTILE[0])
    wide = frame.locator(".frame").evaluate("(frame) => frame.scrollWidth <= frame.clientWidth")
    assert wide
    page.set_viewport_size({"width": 360, "height": 740})
    expect(frame.locator(".row-card")).to_have_count(6)
    assert frame.locator(".cards").evaluate("(cards) => cards.scrollWidth <= 360")
    assert all(not one.evaluate("() => window.hit") for one in page.frames)


def test_a_file_that_is_none_is_told_and_the_next_one_works(page: Page, host: str, tmp_path: Path) -> None:
    frame = opened(page, host)
    give(frame, b"%PDF-1.7 nothing here", "report.pdf")
    expect(frame.get_by_role("alert")).to_contain_text("not supported")
    assert any(one["type"] == "UPLOAD_ERROR" and one["value"]["errorCode"] == 422 for one in heard(page))
    give(frame, b"", "empty.csv")
    expect(frame.get_by_role("alert")).to_contain_text("empty.csv")
    # One that was taken away between being chosen and being sent.
    path = tmp_path / "moved.csv"
    path.write_text(HEADINGS)
    chosen = frame.locator("input[type=file]")
    chosen.evaluate(
        """() => {
            const wait = (event) => event.stopPropagation();
            document.addEventListener("change", wait, { once: true, capture: true });
        }"""
    )
    chosen.set_input_files(path)
    path.unlink()
    chosen.dispatch_event("change")
    expect(frame.get_by_role("alert")).to_contain_text("was changed or moved")
    give(frame, "id,name,email,country\nC001,Ada,ada@example.com,France\n")
    expect(rows_left(frame)).to_contain_text("1 row, and nothing to mend")


def test_a_closed_tab_goes_on_and_leaving_ends_the_upload(page: Page, host: str, served: Served) -> None:
    frame = opened(page, host)
    frame.locator("input[type=file]").set_input_files(PEOPLE)
    expect(rows_left(frame)).to_contain_text("10 rows to mend")
    # Another button of the page is for something else.
    frame = opened(page, host, extra={"list": 7})
    frame.locator(".drop").wait_for()
    frame = opened(page, host)
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
    # A page that can have other tokens is asked for one where the first is good no more; nobody notices.
    page.evaluate(
        """([template, ...tokens]) => {
            window.events = [];
            const onEvent = ({ type }) => events.push(type);
            window.result = douane.import({ template, token: () => tokens.shift(), onEvent });
        }""",
        [served.template_id, "0" * 32, served.access_key],
    )
    frame = page.frame_locator("#impler-iframe-element")
    # Rows copied out of a sheet program, with their headings, are a file as any other.
    frame.locator(".drop").wait_for()
    paste(frame, ".drop", "id\tname\temail\tcountry\nC001\tAda\tada@example.com\tFrance\n")
    expect(rows_left(frame)).to_contain_text("1 row, and nothing to mend")
    frame.get_by_role("button", name="Complete").click()
    frame.get_by_role("dialog").get_by_role("button", name="Complete").click()
    frame.get_by_role("button", name="Finish").click()
    assert page.evaluate("() => window.result.then((rows) => [rows.length, rows[0].name, rows.upload.status])") == [
        1,
        "Ada",
        "Completed",
    ]
    assert page.evaluate("() => events")[0:2] == ["AUTHENTICATION_ERROR", "UPLOAD_STARTED"]
    page.evaluate(
        "([template, token]) => { window.result = douane.import({ template, token }); }",
        [served.template_id, served.access_key],
    )
    frame.locator(".drop").wait_for()
    frame.get_by_role("button", name="Close").click()
    assert page.evaluate("() => window.result") is None


def test_opening_and_closing_often_leaves_one_frame(page: Page, host: str) -> None:
    frame = opened(page, host)
    page.evaluate(
        """() => {
            const inner = document.querySelector("iframe").contentWindow;
            const nonsense = [null, 7, "SHOW_WIDGET", [], { type: 7 }, { type: "SHOW_WIDGET" }];
            nonsense.push({ type: "SHOW_WIDGET", value: { schema: "{", texts: "[", config: 7, appearance: "x" } });
            nonsense.push({ type: "SHOW_WIDGET", value: { schema: [7], locale: 5, reading: "x", data: "{" } });
            for (const one of nonsense) {
                inner.postMessage(one, "*");
                if (one) window.postMessage(one, "*");
            }
        }"""
    )
    for _ in range(20):
        page.evaluate("() => { impler.close(); impler.show({ accessToken: 'x'.repeat(32) }); }")
    page.evaluate("() => impler.close()")
    assert page.locator("iframe").count() == 1
    page.click("#open")
    expect(frame.locator(".drop")).to_be_visible()


def test_the_page_around_it_may_be_as_it_likes(page: Page, host: str) -> None:
    """Its rules are for all elements of a kind, it draws itself anew, and opens the widget out of a modal dialogue."""
    frame = opened(page, host)
    expect(frame.locator(".drop")).to_be_visible()
    page.evaluate(
        """() => {
            impler.close();
            document.body.innerHTML = '<dialog><button id="again">Import</button></dialog>';
            document.querySelector("dialog").showModal();
            const rules = "iframe { max-width: 50% !important } div, dialog { transform: scale(.5) !important }";
            document.head.append(Object.assign(document.createElement("style"), { textContent: rules }));
            document.getElementById("again").onclick = () => impler.show(given);
        }"""
    )
    page.click("#again")
    frame.locator(".drop label.button").click(trial=True)
    assert page.locator("iframe").bounding_box() == {"x": 0, "y": 0, "width": 1100, "height": 800}
    frame.get_by_role("button", name="Close").click()
    expect(page.locator("#impler-container")).to_be_hidden()
    expect(page.locator("#again")).to_be_focused()


def test_a_page_that_may_not_show_it_is_told(page: Page, host: str, served: Served) -> None:
    # As a browser shows a page that may not be framed: it loads, and says nothing.
    page.route("**/widget?*", lambda route: route.fulfill(body="<p>", content_type="text/html"))
    page.clock.install()
    page.goto(host)
    with page.expect_console_message(lambda one: "does not allow" in one.text and one.type == "warning"):
        page.evaluate(
            """() => {
                console.error = console.warn;
                impler.on("message", (event) => heard.push(event), "douane-1");
                douane.import({ template: "x", token: "y" }).catch((error) => { window.said = error.message; });
            }"""
        )
        page.frame_locator("iframe").locator("body").wait_for(state="attached")
        page.clock.run_for(6000)
    page.wait_for_function("() => window.said?.includes('does not allow')")
    assert [(one["type"], one["value"]["message"]) for one in heard(page)] == [
        ("AUTHENTICATION_ERROR", page.evaluate("() => window.said"))
    ]
    expect(page.locator("#impler-container")).to_be_hidden()


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
    # Typed faster than the server answers, further below: one row, behind the last.
    cell(frame, 4, "Customer ID").click()
    for text in ("C3", "Cy", "cy@example.com"):
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    expect(cell(frame, 2, "E-mail")).to_have_text("cy@example.com")
    expect(cell(frame, 2, "Name")).to_have_text("Cy")
    expect(frame.get_by_role("button", name="All 3")).to_be_visible()


def test_the_hosts_own_words_stand_where_they_fit(page: Page, host: str, served: Served, reviewed: str) -> None:
    texts = {
        "PHASE1": {
            "SELECT_FILE_FORMAT_MSG": "Tables only",
            "SEE_MAPPING": "Look at columns",
            "INCOMPLETE_TEMPLATE_MSG": "Bare",
        },
        "PHASE1-2": {"RECOMMENDED_LIMIT": "Best below {records}", "FIX_INVALID_DATA": "Mend, then go on"},
        "PHASE3": {
            "EXPORT_DATA": "Take along",
            "MAX_RECORD_LIMIT_ERROR_TITLE": "Whoa",
            "MAX_RECORD_LIMIT_ERROR": "{records} at most",
        },
        "STEPPER_TITLES": {"REVIEW_EDIT": "By hand"},
    }
    frame = opened(page, host, texts=json.dumps(texts), extra="words", maxRecords=1, schema=[])
    # An empty schema is none (contract 2.5).
    expect(frame.locator(".expected")).to_contain_text("9 columns")
    give(frame, b"%PDF-1.7 none of ours", "scan.pdf")
    expect(frame.get_by_role("alert")).to_contain_text("Tables only")
    give(frame, HEADINGS + "C001,Ada,ada@example.com,France\n" * 3)
    expect(frame.get_by_role("alert")).to_contain_text("Whoa. 1 at most")
    frame.get_by_role("button", name="Enter data by hand").click()
    expect(frame.locator(".facts")).to_have_text("Best below 5,000")
    expect(frame.locator(".steps .now")).to_have_text("By hand")
    cell(frame, 0, "Customer ID").click()
    page.keyboard.type("C1")
    page.keyboard.press("Tab")
    expect(rows_left(frame)).to_contain_text("Mend, then go on")
    expect(frame.locator(".saving")).to_have_count(0)
    page.evaluate("() => impler.close()")
    frame = opened(page, host, texts=texts, uploadId=reviewed)
    expect(frame.get_by_role("button", name="Take along")).to_be_visible()
    expect(frame.get_by_role("button", name="Look at columns")).to_be_visible()
    page.evaluate("() => impler.close()")
    with httpx.Client(base_url=served.address, headers={"accesskey": served.access_key}) as client:
        project = client.get("/v1/project").json()[0]["_id"]
        bare = (
            client.post("/v1/template", json={"name": "Bare", "_projectId": project}).raise_for_status().json()["_id"]
        )
        frame = opened(page, host, texts=texts, templateId=bare)
        expect(frame.get_by_role("alert")).to_have_text("Bare")
        client.delete(f"/v1/template/{bare}").raise_for_status()


def test_a_phone_gets_cards(page: Page, host: str, reviewed: str) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    frame = opened(page, host, uploadId=reviewed)
    card = frame.locator(".row-card").first
    expect(card.locator(".wrong")).to_have_text("This field is required")
    card.get_by_label("Name").fill("Anonymous")
    card.get_by_label("Name").press("Enter")
    expect(rows_left(frame)).to_contain_text("9 rows to mend")
    assert frame.locator("html").evaluate("(root) => root.scrollWidth <= root.clientWidth")


def test_arabic_is_written_from_right_to_left(page: Page, host: str, reviewed: str) -> None:
    frame = opened(page, host, locale="ar", uploadId=reviewed)
    expect(frame.locator("html")).to_have_attribute("dir", "rtl")
    expect(rows_left(frame)).to_contain_text("للتصحيح")
    before = frame.locator(".grid-row > .active").evaluate("(cell) => cell.dataset.column")
    page.keyboard.press("ArrowLeft")
    after = frame.locator(".grid-row > .active").evaluate("(cell) => cell.dataset.column")
    assert int(after) == int(before) + 1


PASTED = [
    ("a\tb\nc\td\n", [["a", "b"], ["c", "d"]]),
    ('"a\tb"\tc', [["a\tb", "c"]]),
    ('"say ""hi"""\tx\r\ny\t', [['say "hi"', "x"], ["y", ""]]),
    ("one", [["one"]]),
    ("\tb", [["", "b"]]),
    ("", [[""]]),
]


def test_a_pasted_table_is_read_as_sheet_programs_write_it(page: Page, served: Served) -> None:
    page.goto(f"{served.address}/widget")
    read = page.evaluate(
        """async (texts) => {
            const { fromText } = await import("/ui/widget/grid/clipboard.js");
            return texts.map(fromText);
        }""",
        [pasted for pasted, _ in PASTED],
    )
    assert read == [rows for _, rows in PASTED]


FAILURES = {
    0: "The server does not answer",
    401: "its key has expired",
    413: "too large",
    429: "Too many requests",
    500: "Something went wrong on the server",
    502: "Something went wrong on the server",
}
# What the contract has the server say, and what a person is told.
SAID = {
    GUARD["completed"]: "in another window or by somebody else",
    "You can not import more than 5 records.": "This import takes 5 rows at most",
    "A sentence of its own.": "A sentence of its own.",
}
# By code; in English what the server has to say of it is told, unless it is no more than the contract's word.
BY_CODE = [
    ({"message": FILE_TYPE, "code": "file_type", "detail": FILE_TYPE}, "save it as Excel or CSV", "als Excel oder CSV"),
    ({"message": FILE_TYPE, "code": "file_type", "detail": "This is a song."}, "This is a song.", "als Excel oder CSV"),
    ({"message": FILE_EMPTY, "code": "file_empty", "detail": FILE_EMPTY}, "no rows in this file", "keine Zeilen"),
    ({"message": "Much (setting cell_bytes)", "code": "over_limit"}, "Much", "größer, als hier erlaubt"),
    ({"message": "A link of old.", "code": "link_over"}, "A link of old.", "gilt nicht mehr"),
]


def test_each_failure_has_its_words(page: Page, served: Served) -> None:
    page.goto(f"{served.address}/widget")
    said = page.evaluate(
        """async (failures) => {
            const script = [...document.querySelectorAll("script")].find((one) => one.src.includes("/widget/main.js"));
            const { sentence } = await import(new URL("flow.js", script.src).href);
            const { Refusal } = await import(new URL("../client.js", script.src).href);
            const { speak } = await import(new URL("text.js", script.src).href);
            const said = [];
            for (const [language, message, status, body] of failures) {
                await speak(language);
                said.push(sentence(new Refusal(message, status, body)));
            }
            return said;
        }""",
        [
            *(("en", "", status, {}) for status in FAILURES),
            *(("en", text, 400, {}) for text in SAID),
            *((language, body["message"], 400, body) for language in ("en", "de") for body, *_ in BY_CODE),
        ],
    )
    english, german = [[one[at] for one in BY_CODE] for at in (1, 2)]
    expected = [*FAILURES.values(), *SAID.values(), *english, *german]
    assert [(a, b) for a, b in zip(expected, said, strict=True) if a not in b] == []


NOTES = [
    (
        note("table_begins", line=1_204, count=3),
        "Die Tabelle beginnt in Zeile 1.204. Die 3 Datensätze darüber werden weggelassen.",
    ),
    (sentence(Fact(WIDER, 1, (7,))), "1 Datensatz hat mehr Zellen, als es Überschriften gibt. Zeile: 7"),
    (
        sentence(Fact(WIDER, 12_345, (7, 8, 9, 10, 1_111, 12))),
        "12.345 Datensätze haben mehr Zellen, als es Überschriften gibt. Zeilen: 7, 8, 9, 10, 1.111 …",
    ),
    (
        note("sheet_matches", sheet="Members", other="Cover"),
        "Gelesen wird das Blatt „Members“: seine Überschriften passen zur Vorlage, die von „Cover“ nicht.",
    ),
    ("Another note.", "Another note."),
]


def test_what_is_noticed_about_a_file_is_said_in_the_persons_language(page: Page, served: Served) -> None:
    page.goto(f"{served.address}/widget")
    said = page.evaluate(
        """async (notes) => {
            const script = [...document.querySelectorAll("script")].find((one) => one.src.includes("/widget/main.js"));
            const { noted } = await import(new URL("words.js", script.src).href);
            const { speak } = await import(new URL("text.js", script.src).href);
            await speak("de");
            return notes.map(noted);
        }""",
        msgspec.to_builtins(noticed([(text, told(text)) for text, _ in NOTES], []).notes),
    )
    # Names are set apart by signs that are not seen.
    assert [re.sub("[\u2068\u2069]", "", text) for text in said] == [german for _, german in NOTES]


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


def paste(frame: FrameLocator, where: str, text: str) -> None:
    """As the browser says it when somebody pastes."""
    frame.locator(where).evaluate(
        """(element, text) => {
            const data = new DataTransfer();
            data.setData("text/plain", text);
            const said = { clipboardData: data, bubbles: true, cancelable: true };
            element.dispatchEvent(new ClipboardEvent("paste", said));
        }""",
        text,
    )


def test_rows_that_are_not_here_yet_take_what_is_pasted(page: Page, host: str) -> None:
    frame = opened(page, host)
    give(frame, HEADINGS + "".join(f"C{at:03},Ada,nobody{at},France\n" for at in range(350)))
    expect(rows_left(frame)).to_contain_text("350 rows to mend")
    # One mended in a list of what is wrong stays in sight; the next problem is the next row all the same.
    page.keyboard.type("first@example.com")
    page.keyboard.press("Enter")
    expect(rows_left(frame)).to_contain_text("349 rows to mend")
    page.keyboard.press("F8")
    expect(frame.locator(".side .value")).to_have_text("nobody2")
    page.keyboard.press("Shift+F8")
    expect(frame.locator(".side .value")).to_have_text("nobody1")
    frame.get_by_role("button", name="All 350").click()
    expect(cell(frame, 0, "E-mail")).to_have_text("first@example.com")
    cell(frame, 0, "E-mail").click()
    paste(frame, ".grid-box", "".join(f"person{at}@example.com\n" for at in range(350)))
    expect(rows_left(frame)).to_contain_text("350 rows, and nothing to mend")
    page.keyboard.press("Control+End")
    expect(cell(frame, 349, "E-mail")).to_have_text("person349@example.com")
    page.keyboard.press("Control+z")
    expect(rows_left(frame)).to_contain_text("349 rows to mend")


def test_what_was_typed_survives_a_server_that_does_not_answer(page: Page, host: str, reviewed: str) -> None:
    frame = opened(page, host, uploadId=reviewed)
    expect(rows_left(frame)).to_contain_text("10 rows to mend")
    page.route("**/cells", lambda route: route.fulfill(status=500, body="no"))
    page.keyboard.type("Somebody")
    page.keyboard.press("Enter")
    expect(frame.get_by_role("alert")).to_contain_text("What you typed is kept")
    expect(cell(frame, 0, "Name")).to_have_text("Somebody")
    expect(frame.get_by_role("button", name="Complete")).to_have_attribute("aria-disabled", "true")
    page.unroute("**/cells")
    frame.get_by_role("button", name="Try again").click()
    expect(rows_left(frame)).to_contain_text("9 rows to mend")
    # A key that has expired: the host shows the widget again with a new one, and nothing is lost.
    refused = json.dumps({"message": "API Key not found!", "statusCode": 401})
    page.route("**/cells", lambda route: route.fulfill(status=401, body=refused))
    page.keyboard.press("F8")
    page.keyboard.type("grace@example.com")
    page.keyboard.press("Enter")
    expect(frame.get_by_role("alert")).to_contain_text("key has expired")
    page.unroute("**/cells")
    page.evaluate("() => impler.show(given)")
    expect(rows_left(frame)).to_contain_text("8 rows to mend")


def test_a_file_arrives_once_and_its_check_goes_on_where_it_failed(page: Page, host: str) -> None:
    refused = json.dumps({"message": "API Key not found!", "statusCode": 401})
    frame = opened(page, host)
    # The answer is lost on its way.
    frame.locator("input[type=file]").evaluate(
        """() => {
            const { send } = XMLHttpRequest.prototype;
            XMLHttpRequest.prototype.send = function (form) {
                XMLHttpRequest.prototype.send = send;
                this.onload = this.onerror;
                this.send(form);
            };
        }"""
    )
    page.route("**/v1/review/*", lambda route: route.fulfill(status=401, body=refused))
    frame.locator("input[type=file]").set_input_files(PEOPLE)
    expect(frame.get_by_role("alert")).to_contain_text("The server does not answer")
    with page.expect_request(lambda one: one.method == "GET" and "/v1/upload/" in one.url):
        frame.get_by_role("button", name="Try again").click()
    # It was there: nothing is sent a second time. Its check is refused, for the key has expired meanwhile.
    expect(frame.get_by_role("alert")).to_contain_text("key has expired")
    page.unroute("**/v1/review/*")
    page.evaluate("() => impler.show(given)")
    expect(rows_left(frame)).to_contain_text("10 rows to mend")
    assert [one["type"] for one in heard(page)].count("UPLOAD_STARTED") == 1


def test_of_two_people_on_one_cell_the_second_chooses(page: Page, host: str, served: Served, reviewed: str) -> None:
    frame = opened(page, host, uploadId=reviewed)
    expect(rows_left(frame)).to_contain_text("10 rows to mend")
    with httpx.Client(base_url=served.address, headers={"accesskey": served.access_key}) as other:
        row = other.get(f"/v1/review/{reviewed}/live", params={"type": "invalid", "limit": "1"}).json()["data"][0]
        cells = [{"index": row["index"], "column": "name", "value": "Theirs"}]
        assert other.post(f"/v1/review/{reviewed}/cells", json={"cells": cells}).status_code == 200
    page.keyboard.type("Mine")
    page.keyboard.press("Enter")
    expect(frame.get_by_role("alert")).to_contain_text("“Theirs”")
    frame.get_by_role("button", name="Use mine").click()
    frame.get_by_role("button", name="All 19").click()
    frame.get_by_role("searchbox").fill("Mine")
    expect(cell(frame, 0, "Name")).to_have_text("Mine")


def test_a_column_is_mended_value_by_value_and_rows_added_and_deleted(page: Page, host: str, served: Served) -> None:
    frame = opened(page, host)
    lands = ["Frnace", "Frnace", "Deutschland", "peru"]
    give(frame, HEADINGS + "".join(f"C{at:03},Ada,ada{at}@example.com,{land}\n" for at, land in enumerate(lands)))
    frame.locator(".chip").filter(has_text="Country").click()
    frame.get_by_role("button", name="Mend value by value").click()
    dialog = frame.get_by_role("dialog")
    expect(dialog.get_by_label("Frnace × 2")).to_have_value("France")
    dialog.get_by_label("Deutschland").select_option("Germany")
    dialog.get_by_role("button", name="Change 4 cells").click()
    expect(rows_left(frame)).to_contain_text("4 rows, and nothing to mend")
    expect(frame.locator(".toast")).to_contain_text("All mended")
    learned = f"{served.address}/v1/template/{served.template_id}/learned"
    found = httpx.get(learned, headers={"accesskey": served.access_key}).json()["values"]
    assert ("Deutschland", "Germany") in {(one["value"], one["instead"]) for one in found}
    frame.get_by_role("button", name="All 4").click()
    frame.get_by_role("checkbox", name="Tick line 3").check()
    frame.get_by_role("button", name="Delete 1 row").click()
    frame.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(rows_left(frame)).to_contain_text("3 rows, and nothing to mend")
    # The number of a row that is gone is not given again: the last row stays what it is.
    frame.get_by_role("button", name="Add a row").click()
    expect(frame.locator(".cell-input")).to_be_focused()
    page.keyboard.type("C900")
    page.keyboard.press("Tab")
    expect(cell(frame, 3, "Customer ID")).to_have_text("C900")
    expect(cell(frame, 1, "Customer ID")).to_have_text("C002")
    expect(rows_left(frame)).to_contain_text("1 row to mend")
    undo = frame.locator(".tools").get_by_role("button", name="Undo")
    undo.click()
    expect(rows_left(frame)).to_contain_text("3 rows, and nothing to mend")
    # Of all changes each is taken back, or put back, by itself.
    frame.get_by_role("button", name="Changes").click()
    changes = frame.get_by_role("dialog").locator(".changes > li")
    expect(changes).to_have_count(4)
    changes.filter(has_text="Deleted").get_by_role("button", name="Undo").click()
    expect(rows_left(frame)).to_contain_text("4 rows, and nothing to mend")
    expect(changes.filter(has_text="Deleted").get_by_role("button", name="Redo")).to_be_visible()


def test_images_go_before_the_file(page: Page, host: str) -> None:
    columns = [
        {"key": "name", "name": "Name", "type": "String"},
        {"key": "pic", "name": "Picture", "type": "Image"},
    ]
    frame = opened(page, host, schema=columns)
    images = frame.locator("input[type=file]")
    text = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no image"}
    images.set_input_files([{"name": "ä.png", "mimeType": "image/png", "buffer": PNG}, text])  # type: ignore[list-item]
    expect(frame.get_by_role("alert")).to_contain_text("notes.txt")
    expect(frame.locator(".thumbs li")).to_have_count(1)
    with page.expect_download() as found:
        frame.get_by_role("button", name="Generate template").click()
    book = openpyxl.load_workbook(io.BytesIO(found.value.path().read_bytes()))
    assert [one.value for one in book["imp_pic"]["A"]] == ["pic", "ä.png"]
    frame.get_by_role("button", name="Import a file").click()
    frame.locator(".drop-title").wait_for()
    give(frame, "Name,Picture\nAda,ä.png\nBob,b.png\n")
    expect(rows_left(frame)).to_contain_text("1 row to mend")
    expect(cell(frame, 0, "Picture")).to_have_text("b.png")


TYPED = [
    ("en", "1,234.5", "1234.5"),
    ("en", " 12 ", "12"),
    ("en", "1,2", None),
    ("en", "x", None),
    ("de", "1.234,5", "1234.5"),
    ("de", "12,5", "12.5"),
    ("de", "1.5", "1.5"),
    ("fr", "1 234,5", "1234.5"),
]


def test_numbers_and_days_are_typed_as_the_person_writes_them(page: Page, served: Served) -> None:
    page.goto(f"{served.address}/widget")
    numbers = page.evaluate(
        """async (typed) => {
            const { speak, plain } = await import("/ui/widget/text.js");
            const read = [];
            for (const [language, text] of typed) {
                await speak(language);
                read.push(plain(text));
            }
            return read;
        }""",
        TYPED,
    )
    assert numbers == [meant for _, _, meant in TYPED]
    days = page.evaluate(
        """async () => {
            const { read, written } = await import("/ui/widget/grid/dates.js");
            const formats = ["YYYY-MM-DD", "DD.MM.YYYY"];
            return [read("31.01.2026", formats), read("31.02.2026", formats), written("2026-01-05", "D/M/YY")];
        }"""
    )
    assert days == ["2026-01-31", "", "5/1/26"]


def test_an_import_link_opens_the_widget_as_a_page(served: Served, page: Page) -> None:
    asked = {"templateId": served.template_id}
    headers = {"accesskey": served.access_key}
    made = httpx.post(f"{served.address}/v1/link", json=asked, headers=headers).json()
    refused = json.dumps({"message": "API Key not found!", "statusCode": 401})
    # The installation names itself by its settings; here that is this very address.
    page.goto(made["url"])
    page.locator("input[type=file]").set_input_files(PEOPLE)
    expect(page.get_by_role("grid")).to_be_visible()
    assert httpx.get(f"{served.address}/v1/link", headers=headers).json()[-1]["uses"] == 1
    # Its token ends before the link does; another is taken, and nobody notices.
    page.route("**/cells", lambda route: route.fulfill(status=401, body=refused), times=1)
    page.keyboard.type("Anonymous")
    page.keyboard.press("Enter")
    expect(page.locator(".left-over")).to_contain_text("9 rows to mend")
    # Opened elsewhere, it goes on with the same import.
    page.evaluate("sessionStorage.clear()")
    page.goto(made["url"])
    expect(page.get_by_role("grid")).to_be_visible()
    httpx.delete(f"{served.address}/v1/link/{made['_id']}", headers=headers)
    page.goto(made["url"])
    expect(page.get_by_text("This import link was revoked.")).to_be_visible()
    # One that is done with says so at once.
    once = httpx.post(f"{served.address}/v1/link", json=asked, headers=headers).json()
    page.goto(once["url"])
    page.locator("input[type=file]").set_input_files(PEOPLE)
    page.get_by_role("button", name="Complete").click()
    page.get_by_role("dialog").get_by_role("button", name="Complete").click()
    page.get_by_role("button", name="Upload a new file").click()
    expect(page.get_by_text("This import link was used already")).to_be_visible()
