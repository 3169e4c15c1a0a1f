"""For everyone: axe finds nothing on any screen in either scheme; no mouse is needed, nor a fine one."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import openpyxl
import xlsxwriter
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Served
from tests.browser.screens import Screens
from tests.browser.widget import PEOPLE, give, opened, rows_left
from tests.child.test_images import PNG


def test_axe_finds_nothing_on_the_way_to_the_rows(page: Page, host: str) -> None:
    screens = Screens(page)
    frame = opened(page, host)
    frame.locator(".drop").wait_for()
    screens.look("drop")
    page.evaluate("() => impler.close()")
    frame = opened(page, host, schema=[{"key": "pic", "name": "Picture", "type": "Image"}])
    frame.locator("input[type=file]").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": PNG})
    frame.locator(".thumbs li").wait_for()
    screens.look("images")
    page.evaluate("() => impler.close()")
    frame = opened(page, host)
    give(frame, "id,who,email,land\nC001,Ada,ada@example.com,France\n")
    frame.get_by_role("button", name="Review the data").click()
    frame.locator(".wrong").first.wait_for()
    screens.look("mapping")
    frame.get_by_role("button", name="How the file is read").click()
    frame.get_by_label("Encoding").wait_for()
    screens.look("reading")
    frame.get_by_role("button", name="Cancel").click()
    frame.get_by_role("button", name="Close").click()
    frame.get_by_role("dialog").wait_for()
    screens.look("leaving")
    frame.get_by_role("button", name="Stay").click()
    frame.get_by_role("button", name="The headings are in another row").click()
    frame.locator(".preview td").first.wait_for()
    screens.look("heading")
    page.evaluate("() => impler.close()")
    frame = opened(page, host, accessToken="0" * 32)
    frame.get_by_role("alert").wait_for()
    screens.look("refused")
    assert screens.complaints == {}


def test_axe_finds_nothing_around_the_rows(page: Page, host: str, tmp_path: Path) -> None:
    screens = Screens(page)
    book = xlsxwriter.Workbook(tmp_path / "people.xlsx")
    for sheet in (book.add_worksheet("People"), book.add_worksheet("Others")):
        for at, cells in enumerate(csv.reader(PEOPLE.read_text().splitlines())):
            sheet.write_row(at, 0, cells)
    book.close()
    frame = opened(page, host)
    frame.locator("input[type=file]").set_input_files(tmp_path / "people.xlsx")
    frame.locator(".side .sentence").wait_for()
    screens.look("review")
    page.keyboard.press("F2")
    screens.look("editing")
    page.keyboard.type("Somebody")
    page.keyboard.press("Enter")
    frame.get_by_role("button", name="Changes").click()
    frame.locator(".changes li").first.wait_for()
    screens.look("changes")
    page.keyboard.press("Escape")
    frame.get_by_role("button", name="change the sheet").click()
    frame.locator(".first-rows td").first.wait_for()
    screens.look("sheets")
    frame.get_by_role("button", name="Cancel").click()
    frame.get_by_role("button", name=re.compile(r"\d more")).click()
    frame.locator(".chip").filter(has_text="Country").click()
    frame.get_by_role("button", name="Mend value by value").click()
    frame.locator(".values li").wait_for()
    screens.look("values")
    page.keyboard.press("Escape")
    frame.get_by_role("button", name="Find and replace").click()
    frame.get_by_label("Find", exact=True).fill("a")
    frame.locator(".hits li").first.wait_for()
    screens.look("replace")
    page.keyboard.press("Escape")
    frame.get_by_role("button", name="Download").click()
    screens.look("download")
    with page.expect_download() as found:
        frame.get_by_role("button", name="Take rows with problems").click()
    found.value.save_as(tmp_path / "mended.xlsx")
    taken = openpyxl.load_workbook(tmp_path / "mended.xlsx")
    sheet = taken["Data"]
    sheet.delete_rows(sheet.max_row)
    next(one for row in sheet for one in row if one.value == "grace@example").value = "grace@example.com"
    taken.save(tmp_path / "mended.xlsx")
    frame.get_by_label("Bring a mended workbook back").set_input_files(tmp_path / "mended.xlsx")
    frame.get_by_role("dialog").locator("ins").wait_for()
    screens.look("workbook")
    page.keyboard.press("Escape")
    frame.get_by_role("button", name="Download").click()
    frame.get_by_label("Bring a mended workbook back").set_input_files(PEOPLE)
    frame.get_by_role("alert").wait_for()
    screens.look("workbook of another")
    page.keyboard.press("Escape")
    frame.get_by_role("button", name="Complete").click()
    screens.look("confirm")
    frame.get_by_role("dialog").get_by_role("button", name="Complete").click()
    frame.locator(".done").wait_for()
    screens.look("done")
    assert screens.complaints == {}


def test_axe_finds_nothing_on_a_phone_and_in_arabic(page: Page, host: str, reviewed: str) -> None:
    screens = Screens(page)
    page.set_viewport_size({"width": 360, "height": 740})
    frame = opened(page, host, locale="ar", uploadId=reviewed)
    frame.locator(".row-card .wrong").first.wait_for()
    screens.look("cards")
    # The first problem is in sight, the rest of what is said of the file one touch away.
    expect(frame.locator(".row-card .wrong").first).to_be_in_viewport()
    expect(frame.locator(".facts")).not_to_contain_text("UTF-8")
    frame.locator(".facts .link").last.click()
    expect(frame.locator(".facts")).to_contain_text("UTF-8")
    page.set_viewport_size({"width": 1100, "height": 800})
    frame.locator(".side .sentence").wait_for()
    screens.look("arabic")
    # Twice as large leaves half the room: nothing hangs over, and the way on is in sight.
    page.set_viewport_size({"width": 550, "height": 400})
    frame.locator(".row-card .wrong").first.wait_for()
    assert frame.locator("html").evaluate("(root) => root.scrollWidth <= root.clientWidth")
    expect(frame.locator(".bottom .primary")).to_be_in_viewport(ratio=1)
    screens.look("twice as large")
    assert screens.complaints == {}


def test_the_whole_way_by_keyboard_alone(page: Page, host: str) -> None:
    """From the host's button to the rows and back to the button, without a click."""
    page.on("filechooser", lambda chooser: chooser.set_files(PEOPLE))
    page.goto(host)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    frame = page.frame_locator("#impler-iframe-element")
    frame.locator(".drop").wait_for()
    expect(frame.locator("h1")).to_be_focused()
    for _ in range(2):  # past the way out, to the file
        page.keyboard.press("Tab")
    expect(frame.locator("input[type=file]")).to_be_focused()
    page.keyboard.press("Enter")
    expect(frame.locator(".side .sentence")).to_have_text("This field is required")
    page.keyboard.type("Anonymous")
    page.keyboard.press("Enter")
    expect(rows_left(frame)).to_contain_text("9 rows to mend")
    # A heading is sorted by: up from the first row, and along.
    page.keyboard.press("Control+ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(frame.get_by_role("columnheader", name="Name").get_by_role("button")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    expect(frame.get_by_role("columnheader", name="Customer ID")).to_have_attribute("aria-sort", "ascending")
    page.keyboard.press("ArrowDown")
    expect(frame.locator(".grid-body .active")).to_be_focused()
    expect(frame.locator(".grid-body .active")).to_have_text("C002")
    page.keyboard.press("F8")
    expect(frame.locator(".side .sentence")).not_to_be_empty()
    frame.get_by_role("button", name="Complete").focus()
    page.keyboard.press("Enter")
    expect(frame.get_by_role("dialog").get_by_role("button", name="Back to the rows")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(frame.get_by_text("Bravo! 19 rows have been uploaded")).to_be_visible()
    frame.get_by_role("button", name="Finish").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#impler-container")).to_be_hidden()
    expect(page.locator("#open")).to_be_focused()


def test_the_whole_way_by_touch_on_a_phone(browser: Browser, served: Served, host: str) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.goto(host)
    page.evaluate("() => { window.more = {}; }")
    page.tap("#open")
    frame = page.frame_locator("#impler-iframe-element")
    give(frame, "id,name,email,country,joined\nC001,,ada@example.com,Frnace,2020-13-01\n")
    card = frame.locator(".row-card").first
    card.get_by_label("Name").fill("Ada")
    card.get_by_label("Name").press("Enter")
    card.get_by_role("button", name="France").tap()
    # The calendar lies over the end of the field alone.
    joined = card.get_by_label("Joined on", exact=True)
    joined.tap()
    expect(joined).to_be_focused()
    card.get_by_role("button", name="Leave it empty").tap()
    expect(rows_left(frame)).to_contain_text("1 row, and nothing to mend")
    frame.get_by_role("button", name="Complete").tap()
    frame.get_by_role("dialog").get_by_role("button", name="Complete").tap()
    expect(frame.get_by_text("Bravo! 1 row has been uploaded")).to_be_visible()
    context.close()
