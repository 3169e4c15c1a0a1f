"""An S3 endpoint that fails some requests: it passes all others on to a real one."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

_PASSED_ON = ("host", "connection", "content-length", "transfer-encoding")


@contextmanager
def failing(endpoint: str, of_ten: frozenset[int], status: int = 503) -> Iterator[tuple[str, list[str]]]:
    """(address, what was refused). Of every ten requests those with these numbers are answered `status`, in the order
    they come; the last of them only after the real one did what was asked, as where an answer is lost."""
    numbers, refused = itertools.count(), list[str]()
    after = max(of_ten, default=-1)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            number = next(numbers) % 10
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _PASSED_ON}
            if number not in of_ten or number == after:
                # The signature is of the address that was asked, which the real one does not test.
                found = httpx.request(self.command, endpoint + self.path, content=body, headers=headers, timeout=30)
            if number in of_ten:
                refused.append(f"{self.command} {self.path}")
                self._answer(status, {}, b"")
                return
            self._answer(found.status_code, dict(found.headers), found.content)

        def _answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in (*_PASSED_ON, "date", "server", "content-encoding"):
                    self.send_header(name, value)
            length = headers.get("content-length", "0") if self.command == "HEAD" else str(len(content))
            self.send_header("Content-Length", length)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _any

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", refused
    finally:
        server.shutdown()
        server.server_close()
