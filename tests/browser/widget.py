"""What the tests of the widget share: a host page of another origin, and where things stand in the widget's frame."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import FrameLocator, Locator, Page

DATA = Path(__file__).parent.parent / "data"
PEOPLE = DATA / "people.csv"

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Host</title><h1>An application</h1>
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


@contextmanager
def hosting(address: str, key: str, template: str) -> Iterator[str]:
    """The address of a page that embeds the widget, of another origin than the server's."""
    body = PAGE.format(address=address, key=key, template=template).encode()

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


def cell(frame: FrameLocator, row: int, column: str) -> Locator:
    heads = frame.locator(".grid-head [role=columnheader]")
    heads.first.wait_for()
    at = next(place for place, name in enumerate(heads.all_inner_texts()) if name.strip().rstrip("*").strip() == column)
    return frame.locator(f'.grid-body [data-row="{row}"] [data-column="{at - 1}"]')


def rows_left(frame: FrameLocator) -> Locator:
    return frame.locator(".left-over")
