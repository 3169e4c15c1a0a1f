"""Deliveries to a receiver on this machine, beside a bare client that sends the same rows to the same receiver.

The receiver is a process of its own that reads whole bodies, counts their rows and answers 200. The bare client is what
one writes in an afternoon: Python's csv over the same file, a list of dicts per 500 rows, `json.dumps`, `http.client`
over one kept connection. It checks nothing, keeps nothing, and cannot go on after a kill.
"""

from __future__ import annotations

import csv
import http.client
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from bench.datasets import Dataset, WrongCounts, dataset
from bench.files import Goal, Results
from bench.measure import pss_bytes
from bench.people import KEYS
from bench.server import Server, serving

ROWS = 500  # of one call
_WAIT_S = 1800


def deliver_subject(results: Results, size: str, runs: int) -> None:
    """Rows a second from confirmation to the last page, and what the worker holds meanwhile."""
    data = dataset(f"people-{size}.csv")
    with receiving() as port, serving(DOUANE_OUTBOUND_ALLOW="127.0.0.0/8") as server:
        bare, ours, memory = [], [], []
        for _ in range(runs):
            bare.append(data.rows / _bare(data, port))
            took_s, held = _deliver(server, data, port)
            ours.append(data.rows / took_s)
            memory.append(held)
    ratio = sorted(mine / other for mine, other in zip(ours, bare, strict=True))[runs // 2]
    grown = max(held.grown_mib for held in memory)
    results.goals.append(
        Goal(
            f"{data.path.name} in calls of {ROWS}: rows a second against a bare client", ratio, 0.8, "x", at_least=True
        )
    )
    results.goals.append(
        Goal(f"{data.path.name} in calls of {ROWS}: growth of the worker on the way", grown, 64, "MiB")
    )
    shown = {name: ", ".join(f"{one:,.0f}" for one in rates) for name, rates in (("ours", ours), ("bare", bare))}
    results.notes.append(
        f"{data.path.name} in calls of {ROWS}, rows a second: Douane {shown['ours']}; bare client {shown['bare']}; "
        f"worker at most {max(one.peak_mib for one in memory):.0f} MiB PSS"
    )


@dataclass
class _Held:
    """What the worker held, in MiB, a sample each quarter of a second."""

    samples: list[float] = field(default_factory=list)

    @property
    def peak_mib(self) -> float:
        return max(self.samples, default=0.0)

    @property
    def grown_mib(self) -> float:
        """The most of the second half above the most of the first."""
        half = len(self.samples) // 2
        return max(0.0, max(self.samples[half:], default=0.0) - max(self.samples[:half], default=0.0))


def _deliver(server: Server, data: Dataset, port: int) -> tuple[float, _Held]:
    """Seconds from the confirmation to the end of the delivery."""
    client = server.client
    webhook = {"callbackUrl": f"http://127.0.0.1:{port}/in", "chunkSize": ROWS}
    client.call("PUT", f"/v1/template/{client.template_id}/destination", {"destination": None})
    upload_id = client.upload(data.path)["_id"]
    client.map(upload_id)
    client.review(upload_id)
    body = {"destination": "webhook", "webhook": webhook}
    client.call("PUT", f"/v1/template/{client.template_id}/destination", body)
    before = _counted(port)
    (worker,) = server.of_kind("worker")
    held, done = _Held(), threading.Event()

    def sample() -> None:
        while not done.wait(0.25):
            held.samples.append(pss_bytes(worker) / 2**20)

    watch = threading.Thread(target=sample, daemon=True)
    began = time.perf_counter()
    client.call("POST", f"/v1/review/{upload_id}/confirm", {})
    watch.start()
    while _counted(port) - before < data.rows:
        if time.perf_counter() - began > _WAIT_S:
            raise SystemExit("the delivery does not come to its end")
        time.sleep(0.02)
    took_s = time.perf_counter() - began
    while client.call("GET", f"/v1/upload/{upload_id}")["status"] != "Completed":
        time.sleep(0.05)
    done.set()
    watch.join()
    if _counted(port) - before != data.rows:
        raise WrongCounts(f"{_counted(port) - before} rows of {data.path.name} arrived instead of {data.rows}")
    return took_s, held


def _bare(data: Dataset, port: int) -> float:
    """Seconds."""
    before = _counted(port)
    command = [sys.executable, "-m", "bench.deliver", "send", str(data.path), str(port)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    if _counted(port) - before != data.rows:
        raise WrongCounts(f"the bare client sent {_counted(port) - before} rows of {data.path.name}")
    return float(done.stdout)


def _send(path: Path, port: int) -> float:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.connect()
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    began = time.perf_counter()
    page = 0

    def post(rows: list[dict[str, str]]) -> None:
        nonlocal page
        page += 1
        body = json.dumps({"page": page, "template": "People", "data": rows, "chunkSize": len(rows)})
        connection.request("POST", "/in", body.encode(), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"answered {answer.status}")

    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        next(reader)
        rows: list[dict[str, str]] = []
        for record in reader:
            rows.append(dict(zip(KEYS, record, strict=False)))
            if len(rows) == ROWS:
                post(rows)
                rows = []
        if rows:
            post(rows)
    return time.perf_counter() - began


@contextmanager
def receiving() -> Iterator[int]:
    """A receiver in a process of its own; its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    process = subprocess.Popen([sys.executable, "-m", "bench.deliver", "receive", str(port)])
    try:
        deadline = time.perf_counter() + 20
        while True:
            try:
                _counted(port)
                break
            except OSError:
                if time.perf_counter() > deadline:
                    raise SystemExit("the receiver does not answer") from None
                time.sleep(0.05)
        yield port
    finally:
        process.kill()
        process.wait()


def _counted(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/")
    return int(connection.getresponse().read())


def _receive(port: int) -> None:
    """Serves each connection in a thread; rows are counted without parsing: each has its `"name":` once."""

    rows = 0

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_POST(self) -> None:
            nonlocal rows
            body = self.rfile.read(int(self.headers["Content-Length"]))
            rows += body.count(b'"name":')
            self._answer(b"")

        def do_GET(self) -> None:
            self._answer(str(rows).encode())

        def _answer(self, body: bytes) -> None:
            self.send_response_only(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1] == "receive":
        _receive(int(sys.argv[2]))
    else:
        print(_send(Path(sys.argv[2]), int(sys.argv[3])))
