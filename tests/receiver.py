"""A receiver of calls: a server in a thread that keeps what it is sent, answers as it is told, and can be ended and
begun again on the same port."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Call:
    path: str
    headers: dict[str, str]  # names in lower case
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Receiver:
    """`calls`: all that came, in order; `taken`: those that were answered with 2xx. `answer` decides (call, its number
    from 0) → status, headers, body; None: the connection is cut without an answer."""

    answer: Callable[[Call, int], int | Answer | None] = lambda call, number: 200
    calls: list[Call] = field(default_factory=list)
    taken: list[Call] = field(default_factory=list)
    port: int = 0
    _server: ThreadingHTTPServer | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _thawed: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Receiver:
        self._thawed.set()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/in"

    def start(self) -> None:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                with receiver._lock:
                    if receiver._server is not None:
                        receiver._server.open_connections.add(self.connection)  # type: ignore[attr-defined]

            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                body = self.rfile.read(length)
                receiver._thawed.wait()
                if len(body) < length:
                    # Whoever sent it was killed in the middle: that is no call.
                    self.close_connection = True
                    return
                call = Call(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
                with receiver._lock:
                    number = len(receiver.calls)
                    receiver.calls.append(call)
                answer = receiver.answer(call, number)
                if answer is None:
                    self.close_connection = True
                    return
                status, headers, text = answer if isinstance(answer, tuple) else (answer, {}, b"")
                if 200 <= status < 300:
                    with receiver._lock:
                        receiver.taken.append(call)
                self.send_response(status)
                for name, value in {"Content-Length": str(len(text)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True
            request_queue_size = 64

            def handle_error(self, *_: object) -> None:
                pass

        server = Server(("127.0.0.1", self.port), Handler)
        server.open_connections = set()  # type: ignore[attr-defined]
        self.port, self._server = server.server_address[1], server
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """As if it were killed: nobody listens, and what was open is cut."""
        self._thawed.set()
        if self._server is not None:
            server, self._server = self._server, None
            server.shutdown()
            server.server_close()
            for connection in server.open_connections:  # type: ignore[attr-defined]
                with suppress(OSError):
                    connection.shutdown(2)

    def freeze(self) -> None:
        """It takes what it is sent and says nothing."""
        self._thawed.clear()

    def thaw(self) -> None:
        self._thawed.set()

    def wait(self, count: int, seconds: float = 60) -> None:
        """Until so many calls were taken."""
        ends = time.monotonic() + seconds
        while len(self.taken) < count:
            assert time.monotonic() < ends, (len(self.taken), count)
            time.sleep(0.02)

    def in_order(self) -> list[str]:
        """The ids that were taken, each once, by the first time."""
        return list(dict.fromkeys(call.id for call in self.taken))
