"""The widget in a real browser: what a customer waits for, and how smooth it is. Figures are taken in the page itself;
the page that embeds it is of another origin, as an application's is."""

from __future__ import annotations

import http.server
import os
import shutil
import statistics
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Frame, Page, sync_playwright

from bench.datasets import Dataset, dataset
from bench.files import Goal, Results
from bench.people import TEMPLATE
from bench.server import Server, serving, small_import

SCROLL_S = 20
WAIT_MS = 600_000
FIRST_PAINT_S, BYTES_KB = 0.8, 220
OPENINGS = 50
# What may be more after so many than before.
LEFT = {"MB of heap": 2, "nodes": 200, "listeners": 20}
SERVERS_OWN, GRACE_S = 1.5, 0.3

PAGE = """<!doctype html><meta charset="utf-8"><title>Application</title>
<script src="{address}/embed.umd.min.js"></script>"""

# In every frame: when things are first seen, what blocked the page, and how long each frame took.
WATCH = """
window.until = (condition) => new Promise((resolve) => {
  const look = () => (condition() ? resolve(performance.now()) : requestAnimationFrame(look));
  look();
});
window.long = [];
const keep = (list) => list.getEntries().forEach((entry) => long.push(entry.duration));
new PerformanceObserver(keep).observe({ type: "longtask" });
window.shown = (row) => {
  const cell = document.querySelector(`.grid-body [data-row="${row}"] [data-column="0"]`);
  return Boolean(cell) && cell.textContent !== "…";
};
if (location.pathname === "/widget") {
  until(() => document.querySelector(".drop")).then((when) => { window.painted = when; });
  document.addEventListener("change", () => {
    const began = performance.now();
    window.opened = until(() => shown(0)).then((when) => when - began);
  }, true);
}
"""

SCROLL = """async (seconds) => {
  const box = document.querySelector(".grid-box"), frames = [];
  long.length = 0;
  const began = performance.now();
  let last = began, turn = 0;
  while (last - began < seconds * 1000) {
    const now = await new Promise(requestAnimationFrame);
    frames.push(now - last);
    last = now;
    turn++;
    // Steady, as a wheel does it, and now and then a leap of the bar to anywhere.
    if (turn % 120 === 0) box.scrollTop = ((turn * 7919) % 1000) / 1000 * (box.scrollHeight - box.clientHeight);
    else box.scrollTop += 90;
  }
  frames.shift();
  return { frames, long: [...long] };
}"""

JUMP = """async (last) => {
  const began = performance.now();
  const key = new KeyboardEvent("keydown", { key: "End", ctrlKey: true, bubbles: true });
  (document.querySelector(".grid-row > .active") ?? document.querySelector(".grid-box")).dispatchEvent(key);
  const took = (await until(() => shown(last))) - began;
  const row = document.querySelector(`.grid-body [data-row="${last}"]`), box = document.querySelector(".grid-box");
  return { took, whole: row.getBoundingClientRect().bottom <= box.getBoundingClientRect().bottom + 1,
           cells: [...row.querySelectorAll("[data-column]")].map((cell) => cell.textContent) };
}"""

EDIT = """async (text) => {
  const press = (key) => document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  const cell = document.querySelector(".grid-row > .active");
  cell.focus();
  press("F2");
  const input = cell.querySelector("input");
  input.value = text;
  const began = performance.now();
  input.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
  return (await until(() => cell.classList.contains("bad") && !cell.classList.contains("waiting"))) - began;
}"""


def widget_subject(results: Results, middle: str, large: str, runs: int) -> None:
    """`middle` and `large`: sizes of the files besides the hundred rows."""
    with serving() as server, _hosting(server) as host, sync_playwright() as playwright:
        names = ("chromium", "chromium-browser", "google-chrome")
        program = os.environ.get("DOUANE_TEST_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox"] if os.geteuid() == 0 else []
        )
        try:
            _first_paint(results, browser, server, host, runs)
            _drop_to_grid(results, browser, server, host, dataset("people-100.csv"), max(5, runs), None)
            _drop_to_grid(results, browser, server, host, dataset(f"people-{middle}.csv"), runs, 6)
            _long_table(results, browser, server, host, dataset(f"people-{large}.csv"), runs)
            _open_and_close(results, browser, server, host)
        finally:
            browser.close()


@contextmanager
def _hosting(server: Server) -> Iterator[str]:
    """The address of an application's page."""
    body = PAGE.format(address=f"http://127.0.0.1:{server.client.port}").encode()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    host = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=host.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{host.server_port}/"
    finally:
        host.shutdown()


def _opened(browser: Browser, server: Server, host: str) -> tuple[Page, Frame]:
    """The widget over an application's page, on a cold cache, waiting for a file."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.add_init_script(WATCH)
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    page.goto(host)
    client = server.client
    options = {"accessToken": client.access_key, "templateId": client.template_id, "schema": TEMPLATE["columns"]}
    page.evaluate("(options) => { window.options = options; impler.init('1'); impler.show(options); }", options)
    page.frame_locator("#impler-iframe-element").locator(".drop").wait_for()
    return page, next(frame for frame in page.frames if "/widget" in frame.url)


def _first_paint(results: Results, browser: Browser, server: Server, host: str, runs: int) -> None:
    painted, sent = [], []
    for _ in range(max(5, runs)):
        page, frame = _opened(browser, server, host)
        painted.append(frame.evaluate("() => window.painted") / 1000)
        own = """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
            .reduce((sum, one) => sum + one.transferSize, 0)"""
        sent.append((frame.evaluate(own) + page.evaluate(own)) / 1000)
        page.context.close()
    results.goals.append(
        Goal("widget: first paint, cold cache, median", statistics.median(painted), FIRST_PAINT_S, "s")
    )
    results.goals.append(Goal("widget: sent until then, answers of /v1 with it", max(sent), BYTES_KB, "kB"))


def _drop_to_grid(
    results: Results, browser: Browser, server: Server, host: str, data: Dataset, runs: int, limit_s: float | None
) -> None:
    """From the file to the first row on the screen, beside the same calls made by a plain client, in turns."""
    took, calls = [], []
    small_import(server.client, data)  # what is loaded once is loaded
    for _ in range(runs):
        calls.append(sum(small_import(server.client, data).values()))
        page, frame = _opened(browser, server, host)
        frame.locator("input[type=file]").set_input_files(data.path)
        took.append(frame.evaluate("() => window.opened") / 1000)
        page.context.close()
    limit = SERVERS_OWN * statistics.median(calls) + GRACE_S
    name = f"widget, {data.path.name}: drop to grid, median"
    results.goals.append(Goal(name, statistics.median(took), limit, "s"))
    if limit_s is not None:
        results.goals.append(Goal(f"{name}, at most", statistics.median(took), limit_s, "s"))
    results.notes.append(
        f"{name} {statistics.median(took):.2f} s; the server's own calls {statistics.median(calls):.2f} s"
    )


def _long_table(results: Results, browser: Browser, server: Server, host: str, data: Dataset, runs: int) -> None:
    page, frame = _opened(browser, server, host)
    frame.locator("input[type=file]").set_input_files(data.path)
    frame.evaluate("() => window.opened")
    frame.locator(".tabs button").first.click()
    frame.wait_for_function(f"() => document.querySelector('.grid-box').getAttribute('aria-rowcount') >= {data.rows}")
    rows = f"{data.rows:,} rows"

    scrolled = frame.evaluate(SCROLL, SCROLL_S)
    frames = sorted(scrolled["frames"])
    results.goals.append(Goal(f"widget, {rows}: scrolling, p95 of frames", frames[int(len(frames) * 0.95)], 50, "ms"))
    longest = max(scrolled["long"], default=0)
    results.goals.append(Goal(f"widget, {rows}: scrolling, longest task", longest, 100, "ms"))
    results.notes.append(
        f"widget, {rows}: {len(frames)} frames in {SCROLL_S} s, median {statistics.median(frames):.0f} ms"
    )

    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    used = session.send("Runtime.getHeapUsage")["usedSize"]
    results.goals.append(Goal(f"widget, {rows}: JS heap after scrolling", used / 2**20, 80, "MiB"))

    jumps = [_jump(frame, data) for _ in range(max(5, runs))]
    results.goals.append(Goal(f"widget, {rows}: jump to the last row, median", statistics.median(jumps), 200, "ms"))

    _focus(frame, "email")
    verdicts = []
    for at in range(max(5, runs)):
        verdicts.append(frame.evaluate(EDIT, f"nobody {at}"))
        page.keyboard.press("ArrowUp")
        page.keyboard.press("ArrowUp")
    results.goals.append(Goal(f"widget, {rows}: an edit's verdict, median", statistics.median(verdicts), 200, "ms"))
    page.context.close()


def _open_and_close(results: Results, browser: Browser, server: Server, host: str) -> None:
    """Again and again in one page: nothing may be left behind."""
    page, frame = _opened(browser, server, host)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def left() -> dict[str, float]:
        session.send("HeapProfiler.collectGarbage")
        found = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
        return {
            "MB of heap": found["JSHeapUsedSize"] / 1e6,
            "nodes": found["Nodes"],
            "listeners": found["JSEventListeners"],
        }

    def turns(count: int) -> None:
        for _ in range(count):
            page.evaluate("() => impler.close()")
            frame.locator(".frame").wait_for(state="detached")
            page.evaluate("() => impler.show(window.options)")
            frame.locator(".drop").wait_for()

    turns(5)
    before = left()
    turns(OPENINGS)
    after = left()
    for name in before:
        grown = after[name] - before[name]
        results.goals.append(Goal(f"widget, {OPENINGS} times opened and closed: {name} more", grown, LEFT[name], ""))
    page.context.close()


def _focus(frame: Frame, key: str) -> None:
    """A cell of this column, some rows above the last."""
    place = [column["key"] for column in TEMPLATE["columns"]].index(key)
    frame.locator(".grid-row > .active").press("Home")
    for _ in range(place):
        frame.locator(".grid-row > .active").press("ArrowRight")
    for _ in range(3):
        frame.locator(".grid-row > .active").press("ArrowUp")


def _jump(frame: Frame, data: Dataset) -> float:
    """Milliseconds to the last row, which must be the file's and stand whole; and back to the first."""
    found: dict[str, Any] = frame.evaluate(JUMP, data.rows - 1)
    if not found["whole"] or not all(found["cells"][:2]):
        raise SystemExit(f"the last row is not all there: {found}")
    frame.locator(".grid-row > .active").press("Control+Home")
    frame.evaluate("() => until(() => shown(0))")
    return float(found["took"])
