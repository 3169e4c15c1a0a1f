"""The first page, in a real browser against a real server: what a stranger does in the first five minutes."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import FrameLocator, Page, expect

from tests.browser.conftest import Served
from tests.browser.screens import Screens
from tests.browser.widget import rows_left

DATA = Path(__file__).parent.parent / "data"
PEOPLE = DATA / "people.csv"
LINES = ["4", "7", "8", "9", "12", "14", "15", "16", "18", "19"]
HEADINGS = "id,name,email,country\n"
GOOD = "G001,Ada,good@example.com,France\n"


def send(page: Page, text: str, name: str = "people.csv") -> FrameLocator:
    page.locator("#file").set_input_files({"name": name, "mimeType": "text/csv", "buffer": text.encode()})
    return widget(page)


def widget(page: Page) -> FrameLocator:
    return page.frame_locator("#impler-iframe-element")


def complete(frame: FrameLocator) -> None:
    """To the end, whatever is wrong."""
    frame.get_by_role("button", name="Complete").click()
    frame.get_by_role("dialog").get_by_role("button", name="Complete").click()
    frame.get_by_role("button", name="Finish").click()


def problems(page: Page) -> list[list[str]]:
    page.locator("#problems tbody tr").first.wait_for()
    return [row.locator("td, th").all_inner_texts() for row in page.locator("#problems tbody tr").all()]


def counter(page: Page, name: str) -> str:
    return page.locator(".counter").filter(has=page.get_by_text(name, exact=True)).locator("dd").inner_text()


def test_a_wrong_password_is_told_and_a_right_one_opens_the_template(page: Page, served: Served) -> None:
    page.goto(served.address)
    page.get_by_label("E-mail").fill(served.email)
    page.get_by_label("Password").fill("not this one")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("Incorrect email or password provided.")
    page.get_by_label("Password").fill(served.password)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Template “People”")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_text("")
    age = page.get_by_role("row").filter(has_text="Age")
    expect(age).to_contain_text("a number; 0 to 130")
    expect(page.get_by_role("row").filter(has_text="Customer ID")).to_contain_text("required; each value once")
    screens = Screens(page)
    screens.look("first page")
    assert screens.complaints == {}


def test_a_file_goes_through_the_widget_and_what_came_of_it_is_shown(signed_in: Page, served: Served) -> None:
    page = signed_in
    page.locator("#file").set_input_files(PEOPLE)
    expect(rows_left(widget(page))).to_contain_text("10 rows to mend")
    complete(widget(page))
    found = problems(page)
    assert [row[0] for row in found] == LINES
    assert found[1][:3] == ["7", "E-mail", "grace@example"]
    assert found[1][3] == "grace@example must be a valid email. The part behind the @ has no dot."
    assert found[0] == ["4", "Name", "empty", "This field is required"]
    assert [counter(page, name) for name in ("Rows", "Valid", "Invalid")] == ["19", "9", "10"]
    expect(page.get_by_role("heading", name="people.csv").first).to_be_focused()
    expect(page.get_by_role("status")).to_have_text("10 rows to mend. 9 rows valid.")
    expect(page.get_by_role("row").filter(has_text="Full name")).to_contain_text("Name")
    expect(page.get_by_text("Carried along unchecked: Notes.")).to_be_visible()
    expect(page.get_by_text("This import is completed.")).to_be_visible()
    # A reload finds it, and its lines pull the rows.
    page.reload()
    assert problems(page) == found
    line = page.locator(".line").filter(has_text="The valid rows").locator("code").inner_text()
    pulled = subprocess.run(shlex.split(line), capture_output=True, text=True, check=True, timeout=60).stdout
    assert pulled.splitlines()[0] == "id,name,email,joined,age,balance,country,phone,interests,Notes"
    assert pulled.count("@example.com") == 9
    page.get_by_role("link", name="Import another file").click()
    expect(page.get_by_role("heading", name="Import a file")).to_be_visible()


def test_an_unfinished_import_is_gone_on_with(signed_in: Page, served: Served) -> None:
    page = signed_in
    with httpx.Client(base_url=served.address, headers={"accesskey": served.access_key}) as client:
        files = {"file": ("later.csv", (HEADINGS + "C001,Ada,nobody,France\n").encode())}
        made = client.post(f"/v1/upload/{served.template_id}", params={"auto": "true"}, files=files).json()
    page.goto(f"{served.address}/#upload={made['_id']}")
    page.get_by_role("button", name="Go on with it").click()
    expect(rows_left(widget(page))).to_contain_text("1 row to mend")
    page.evaluate("() => impler.close()")


def test_the_three_lines_that_the_first_start_prints_pull_the_rows(served: Served, tmp_path: Path) -> None:
    lines = [line for line in served.printed.splitlines() if line.startswith(("id=$(curl", "curl"))]
    assert len(lines) == 3
    (tmp_path / "people.csv").write_bytes(PEOPLE.read_bytes())
    done = subprocess.run(
        ["bash", "-ec", "\n".join(lines)], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.count('"isValid":false') == 10
    assert done.stdout.count("\nC0") == 9


def test_the_lines_for_a_page_of_ones_own_open_the_widget_there(signed_in: Page, host: str) -> None:
    page = signed_in
    code = page.get_by_role("group", name="Code for your page").inner_text()
    page.goto(host)
    page.evaluate(
        """(code) => {
            document.body.innerHTML = code;
            for (const one of document.querySelectorAll("script:not([src])"))
                one.replaceWith(Object.assign(document.createElement("script"), { textContent: one.textContent }));
        }""",
        code,
    )
    page.get_by_role("button", name="Import a file").click()
    # As it is printed it has no key yet; that it is the key is said.
    expect(widget(page).get_by_role("alert")).to_contain_text("may not be used from here, or its key has expired")


def test_a_hostile_file_that_is_dropped_stays_text(signed_in: Page) -> None:
    page = signed_in
    evil = "<img src=x onerror=\"document.body.dataset.owned='1'\"><script>document.body.dataset.owned='1'</script>"
    quoted = '"' + evil.replace('"', '""') + '"'
    page.evaluate(
        """([text, name]) => {
            const files = new DataTransfer();
            files.items.add(new File([text], name, { type: "text/csv" }));
            const zone = document.querySelector(".drop");
            zone.dispatchEvent(new DragEvent("dragenter", { dataTransfer: files, bubbles: true }));
            zone.dispatchEvent(new DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true }));
        }""",
        [f"id,name,email,country,{quoted}\nC001,{quoted},{quoted},{quoted},x\n{GOOD}", f"{evil[:20]}.csv"],
    )
    complete(widget(page))
    found = problems(page)
    assert found[0][2].startswith("<img src=x onerror=")
    assert page.locator("#view img, #view script").count() == 0
    assert page.evaluate("document.body.dataset.owned") is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("", "“people.csv” is empty."), ("id,name,email,country\n", "There are no rows in this file.")],
    ids=["no bytes", "headings only"],
)
def test_a_file_without_rows_is_told_in_a_sentence(signed_in: Page, text: str, sentence: str) -> None:
    expect(send(signed_in, text).get_by_role("alert")).to_contain_text(sentence)


def test_more_problems_are_shown_page_by_page(signed_in: Page) -> None:
    page = signed_in
    over = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    page.set_viewport_size({"width": 360, "height": 700})
    assert page.evaluate(over) <= 0
    page.set_viewport_size({"width": 1100, "height": 800})
    assert page.evaluate(over) <= 0
    complete(send(page, HEADINGS + "".join(f"C{i:03},Ada,nobody{i},France\n" for i in range(120)) + GOOD))
    assert len(problems(page)) == 50
    expect(page.get_by_text("The first 50 of 120 rows.")).to_be_visible()
    page.get_by_role("button", name="Show more").click()
    expect(page.locator("#problems tbody tr")).to_have_count(100)
    page.get_by_role("button", name="Show more").click()
    expect(page.locator("#problems tbody tr")).to_have_count(120)
    expect(page.get_by_role("button", name="Show more")).to_have_count(0)
    # Nothing hangs over the edge, on a phone neither.
    assert page.evaluate(over) <= 0
    page.set_viewport_size({"width": 360, "height": 700})
    assert page.evaluate(over) <= 0


def test_how_the_file_is_read_can_be_said(signed_in: Page) -> None:
    page = signed_in
    # Left to itself Douane takes the comma, and line 1 for the headings.
    headings = "a;id,name;b,email,country\nid!name!email!country\n"
    text = headings + "C001!Ada, Dr.!ada@example.com!France\nC002!!bob@example!Peru\n"
    page.get_by_text("How the file is read").click()
    page.get_by_label("Delimiter").fill("!")
    page.get_by_label("Headings on line").fill(" 2 ")
    complete(send(page, text))
    assert [row[:3] for row in problems(page)] == [["4", "Name", "empty"], ["4", "E-mail", "bob@example"]]
    assert [counter(page, name) for name in ("Rows", "Valid", "Invalid")] == ["2", "1", "1"]
    page.get_by_role("link", name="Import another file").click()
    page.get_by_text("How the file is read").click()
    expect(page.get_by_label("Delimiter")).to_have_value("")
    page.get_by_label("Headings on line").fill("77")
    frame = send(page, HEADINGS + "C001,Ada,ada@example.com,France\n")
    expect(frame.get_by_role("alert")).to_contain_text("begins on line 77")


def test_it_can_be_done_by_keyboard_alone(page: Page, served: Served) -> None:
    # Asked for early: the browser is told of it without waiting, and Enter must not come first.
    page.on("filechooser", lambda chooser: chooser.set_files(PEOPLE))
    page.goto(served.address)
    expect(page.get_by_label("E-mail")).to_be_focused()
    page.keyboard.type(served.email)
    page.keyboard.press("Tab")
    page.keyboard.type(served.password)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Import a file").wait_for()
    expect(page.get_by_role("heading", name="Import a file")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#file")).to_be_focused()
    page.keyboard.press("Enter")
    expect(widget(page).locator(".side .sentence")).to_have_text("This field is required")


def test_every_field_has_a_name_and_the_page_a_language(signed_in: Page) -> None:
    page = signed_in
    assert page.locator("html").get_attribute("lang") == "en"
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("input, select, button, a, [role=region]")].filter(
            e => !(e.getAttribute("aria-label") || e.textContent.trim() || (e.labels && e.labels.length))
        ).map(e => e.outerHTML)"""
    )
    assert nameless == []


def test_everything_comes_from_here(page: Page, served: Served) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    answer = page.goto(served.address)
    page.get_by_label("E-mail").wait_for()
    assert {urlsplit(url).netloc for url in asked} == {urlsplit(served.address).netloc}
    assert len(asked) >= 5
    assert answer is not None
    assert "default-src 'self'" in answer.headers["content-security-policy"]


def test_signing_out_closes_the_page(page: Page, served: Served) -> None:
    page.goto(served.address)
    page.get_by_label("E-mail").fill(served.email)
    page.get_by_label("Password").fill(served.password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto(served.address)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_lost_server_is_told_in_a_sentence(signed_in: Page) -> None:
    signed_in.context.set_offline(True)
    signed_in.evaluate("() => { location.hash = 'template=0'; }")
    expect(signed_in.get_by_role("alert")).to_have_text("The server does not answer. Is it still running?")
