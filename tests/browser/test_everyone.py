"""For everyone: axe finds nothing on any screen in either scheme; no mouse is needed, nor a fine one."""

from __future__ import annotations

from importlib import resources
from typing import Any

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Served
from tests.browser.widget import PEOPLE, give, opened, rows_left

AXE = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text()
RUN = """async () => (await axe.run(document, { resultTypes: ["violations"] })).violations
    .map((one) => [one.id, one.nodes.slice(0, 3).map((node) => `${node.html.slice(0, 200)} ${node.failureSummary}`)])"""


class Screens:
    """Each screen looked at in both schemes; in the widget's frame, if the page has one."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: dict[str, Any] = {}
        page.emulate_media(reduced_motion="reduce")

    def look(self, name: str) -> None:
        frame = next((one for one in self.page.frames if "/widget" in one.url), self.page.main_frame)
        if not frame.evaluate("() => Boolean(window.axe)"):
            frame.evaluate(AXE)
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
            if said := frame.evaluate(RUN):
                self.complaints[f"{name}, {scheme}"] = said


def test_axe_finds_nothing_on_the_way_to_the_rows(page: Page, host: str) -> None:
    screens = Screens(page)
    frame = opened(page, host)
    frame.locator(".drop").wait_for()
    screens.look("drop")
    give(frame, "id,who,email,land\nC001,Ada,ada@example.com,France\n")
    frame.get_by_role("button", name="Review the data").click()
    frame.locator(".wrong").first.wait_for()
    screens.look("mapping")
    frame.get_by_role("button", name="The headings are in another row").click()
    frame.locator(".preview td").first.wait_for()
    screens.look("heading")
    page.evaluate("() => impler.close()")
    frame = opened(page, host, accessToken="0" * 32)
    frame.get_by_role("alert").wait_for()
    screens.look("refused")
    assert screens.complaints == {}


def test_axe_finds_nothing_around_the_rows(page: Page, host: str) -> None:
    screens = Screens(page)
    frame = opened(page, host)
    frame.locator("input[type=file]").set_input_files(PEOPLE)
    frame.locator(".side .sentence").wait_for()
    screens.look("review")
    page.keyboard.press("F2")
    screens.look("editing")
    page.keyboard.press("Escape")
    frame.get_by_role("button", name="4 more").click()
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
    page.keyboard.press("Escape")
    frame.get_by_role("button", name="Complete").click()
    screens.look("confirm")
    frame.get_by_role("dialog").get_by_role("button", name="Complete").click()
    frame.locator(".done").wait_for()
    screens.look("done")
    assert screens.complaints == {}


def test_axe_finds_nothing_on_a_phone_and_in_arabic(page: Page, host: str) -> None:
    screens = Screens(page)
    page.set_viewport_size({"width": 360, "height": 740})
    frame = opened(page, host, locale="ar")
    frame.locator("input[type=file]").set_input_files(PEOPLE)
    frame.locator(".row-card .wrong").first.wait_for()
    screens.look("cards")
    page.set_viewport_size({"width": 1100, "height": 800})
    frame.locator(".side .sentence").wait_for()
    screens.look("arabic")
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
    give(frame, "id,name,email,country,joined\nC001,,ada@example.com,Frnace,2020-01-01\n")
    card = frame.locator(".row-card").first
    card.get_by_label("Name").fill("Ada")
    card.get_by_label("Name").press("Enter")
    card.get_by_role("button", name="France").tap()
    expect(rows_left(frame)).to_contain_text("1 row, and nothing to mend")
    frame.get_by_role("button", name="Complete").tap()
    frame.get_by_role("dialog").get_by_role("button", name="Complete").tap()
    expect(frame.get_by_text("Bravo! 1 row has been uploaded")).to_be_visible()
    context.close()
