#!/usr/bin/env bash
# Chromium 156 (Debian's 156.0.8078.114, driven by playwright 1.65.2): a chosen file that changes on disk before it is sent is
# refused where it is read (`file.text()`: NotReadableError) and where it is the body of `fetch` (TypeError), and is sent as it is now,
# without a word, in a `FormData` and by XMLHttpRequest. Written over while it is on its way, all of them send a mixture of old and
# new bytes of the announced length and end with 200: no version of that file ever held them. So a page that must know has to
# compare a digest, or what it read itself; neither `size` nor `lastModified` of the object changes.
# Seen: read NotReadableError, fetch TypeError, form and xhr 200 with new bytes; in the middle 200 with both, three times.
set -euo pipefail
chromium=$(command -v chromium) || { echo "Chromium is not installed"; exit 0; }
cd "$(mktemp -d)"
python3 -m venv venv && venv/bin/pip install --quiet --disable-pip-version-check playwright==1.65.2
cat > send.py <<'PY'
import http.server
import os
import pathlib
import sys
import threading

from playwright.sync_api import sync_playwright

SIZE = 20_000_000
FILE = pathlib.Path("chosen.bin")
SEND = {
    "read": "file.text().then(text => text.length)",
    "fetch": "fetch('/', {method: 'POST', body: file}).then(reply => reply.status)",
    "form": "fetch('/', {method: 'POST', body: form}).then(reply => reply.status)",
    "xhr": """new Promise((done, failed) => {
        const call = new XMLHttpRequest();
        call.open('POST', '/');
        call.onload = () => done(call.status);
        call.onerror = () => failed(new Error('error'));
        call.send(file);
    })""",
}
in_the_middle, seen = [], {}


def write_over():
    with FILE.open("r+b") as file:
        file.write(b"B" * SIZE)


class Server(http.server.BaseHTTPRequestHandler):
    def answer(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<input type=file>")

    do_GET = answer

    def do_POST(self):
        left, seen["A"], seen["B"] = int(self.headers["Content-Length"]), 0, 0
        while left > 0:
            data = self.rfile.read1(min(left, 65536))
            left -= len(data)
            for letter in "AB":
                seen[letter] += data.count(letter.encode())
            if in_the_middle:
                in_the_middle.pop()()
        self.answer()

    def log_message(self, *ignored):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
found = []
with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=sys.argv[1], args=["--no-sandbox"])
    page = browser.new_page()
    for when in ("before", "while"):
        for how, script in SEND.items():
            if (when, how) == ("while", "read"):
                continue
            FILE.write_bytes(b"A" * SIZE)
            os.utime(FILE, (1_000_000_000, 1_000_000_000))
            page.goto(f"http://127.0.0.1:{server.server_port}/")
            page.set_input_files("input", FILE)
            seen.clear()
            if when == "before":
                write_over()
            else:
                in_the_middle.append(write_over)
            end = page.evaluate(
                "() => { const file = document.querySelector('input').files[0]; const form = new FormData();"
                f"form.append('file', file); return {script}.catch(error => error.name); }}"
            )
            # The frame of a form has a few letters of its own.
            letters = "".join(letter for letter, count in seen.items() if count > 1000)
            found.append((when, how, end, letters))
            print(*found[-1])
    browser.close()
expected = [("before", "read", "NotReadableError", ""), ("before", "fetch", "TypeError", "")]
expected += [("before", how, 200, "B") for how in ("form", "xhr")] + [("while", how, 200, "AB") for how in ("fetch", "form", "xhr")]
sys.exit(found != expected)
PY
venv/bin/python send.py "$chromium"
