"""A served house and a browser, one of each for all tests here: to start them costs more than most
tests, but a browser's driver keeps a loop of asyncio running, which nobody else must meet. Chromium is the
machine's own, or the one DOUANE_TEST_CHROMIUM names.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.widget import PEOPLE, hosting
from tests.conftest import QUICK

# Long enough for a machine that is busy with other things; nothing here measures time.
WAIT_MS = 60_000
expect.set_options(timeout=WAIT_MS)


@dataclass(frozen=True)
class Served:
    """What the first start printed."""

    address: str
    email: str
    password: str
    access_key: str
    template_id: str
    printed: str


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """`douane serve` on an empty folder, as a stranger starts it."""
    folder = tmp_path_factory.mktemp("served")
    output = folder / "printed"
    quick = {f"DOUANE_{name.upper()}": str(value) for name, value in QUICK.items()}
    with output.open("wb") as printed, (folder / "log").open("wb") as log:
        running = subprocess.Popen(
            [sys.executable, "-m", "douane", "serve", "--data", str(folder / "data"), "--port", "0"],
            stdout=printed,
            stderr=log,
            env={**os.environ, **quick},
        )
    try:
        text = _printed_when_up(output, running, folder / "log")
        facts = {line.split()[0]: line.split()[-1] for line in text.splitlines() if line.startswith("  ")}
        address = facts["Page"]
        template_id = next(line.split()[1] for line in text.splitlines() if line.startswith("  Template"))
        yield Served(address, facts["E-mail"], facts["Password"], facts["Access"], template_id, text)
    finally:
        running.send_signal(signal.SIGTERM)
        try:
            running.wait(60)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


def _printed_when_up(output: Path, running: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and running.poll() is None:
        if "Douane is at" in (text := output.read_text()):
            return text
        time.sleep(0.1)
    raise AssertionError(f"douane serve did not come up:\n{log.read_text()[-3000:]}")


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    program = os.environ.get("DOUANE_TEST_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if program is None:
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail("Chromium is missing.")
        pytest.skip("Chromium is missing.")
    with sync_playwright() as playwright:
        # As root, as in a container, its own sandbox cannot be set up; the pages are ours.
        one = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        yield one
        one.close()


@pytest.fixture(scope="package")
def visits(browser: Browser) -> Iterator[BrowserContext]:
    """What is kept between visits: only the files of our pages, which a browser keeps for good. What moves would be
    drawn again sixty times a second, which nobody looks at here."""
    context = browser.new_context(viewport={"width": 1100, "height": 800}, reduced_motion="reduce")
    context.set_default_timeout(WAIT_MS)
    yield context
    context.close()


@pytest.fixture
def page(visits: BrowserContext, served: Served) -> Iterator[Page]:
    """A fresh visitor: nobody is signed in, and nothing is remembered. Whatever goes wrong in the page's own code fails
    the test."""
    one = visits.new_page()
    wrong: list[str] = []
    one.on("pageerror", lambda error: wrong.append(str(error)))
    one.on("dialog", lambda dialog: (wrong.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    # A browser logs every answer that is no success by itself; what is meant here is our code and the page's policy.
    one.on(
        "console",
        lambda message: (
            wrong.append(message.text)
            if message.type == "error" and "Failed to load resource" not in message.text
            else None
        ),
    )
    yield one
    visits.set_offline(False)
    visits.clear_cookies()
    session = visits.new_cdp_session(one)
    session.send("Storage.clearDataForOrigin", {"origin": served.address, "storageTypes": "local_storage"})
    one.close()
    assert wrong == []


@pytest.fixture(scope="package")
def host(served: Served) -> Iterator[str]:
    with hosting(served.address, served.access_key, served.template_id) as address:
        yield address


@pytest.fixture(scope="package")
def people(served: Served) -> str:
    """An import of `people.csv`, in review: reading a file costs more than all else that a test does."""
    with httpx.Client(base_url=served.address, headers={"accesskey": served.access_key}, timeout=60) as client:
        files = {"file": ("people.csv", PEOPLE.read_bytes())}
        made = client.post(f"/v1/upload/{served.template_id}", params={"auto": "true"}, files=files)
        return str(made.raise_for_status().json()["_id"])


@pytest.fixture
def reviewed(served: Served, people: str) -> str:
    """It as the file has it: whatever the tests before changed is taken back."""
    with httpx.Client(base_url=served.address, headers={"accesskey": served.access_key}, timeout=60) as client:
        made = client.get(f"/v1/review/{people}/revisions", params={"limit": 100}).json()["data"]
        for one in made:
            if not one["undone"] and one["kind"] not in ("undo", "redo"):
                client.post(f"/v1/review/{people}/revisions/{one['revision']}/undo").raise_for_status()
        return people


@pytest.fixture(scope="package")
def session_cookies(served: Served) -> dict[str, str]:
    """One sign-in for all tests that don't end it."""
    answer = httpx.post(f"{served.address}/v1/auth/login", json={"email": served.email, "password": served.password})
    return dict(answer.cookies)


@pytest.fixture
def signed_in(page: Page, served: Served, session_cookies: dict[str, str]) -> Page:
    page.context.add_cookies(
        [{"name": name, "value": value.strip('"'), "url": served.address} for name, value in session_cookies.items()]
    )
    page.goto(served.address)
    page.get_by_role("heading", name="Import a file").wait_for()
    return page
