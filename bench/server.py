"""Subjects over HTTP: a `douane serve` of its own in a folder of its own, used as any program would use it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import shutil
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench.builds import OURS, Build
from bench.datasets import FOLDER, Dataset, WrongCounts, dataset
from bench.files import Goal, Results
from bench.measure import Watch, own_cpu_s, tree, tree_cpu_s
from bench.people import TEMPLATE

PAGE_ROWS = 100
BLOCK_BYTES = 1 << 20
VIEWS = ("all", "valid", "invalid")
WORK_WAIT_S = 1800
IDLE_S = 1.0


@dataclass(slots=True)
class Client:
    """One kept connection that speaks `/v1` with an access key."""

    port: int
    access_key: str
    template_id: str
    connection: http.client.HTTPConnection = field(init=False)
    used: float = 0.0

    def __post_init__(self) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WORK_WAIT_S)
        self._connect()

    def _connect(self) -> None:
        self.connection.close()
        self.connection.connect()
        self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _wake(self) -> None:
        """A server may drop a connection that was idle for some seconds: a new one then, before the clock starts."""
        if time.perf_counter() - self.used > IDLE_S:
            self._connect()
        self.used = time.perf_counter()

    def another(self) -> Client:
        """A connection for another thread."""
        return Client(self.port, self.access_key, self.template_id)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        status, answer = self.raw(method, path, body)
        if status >= 300:
            raise SystemExit(f"{method} {path} answered {status}: {answer[:1000].decode(errors='replace')}")
        return json.loads(answer) if answer else None

    def raw(self, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        headers = {"accesskey": self.access_key}
        payload = None
        if body is not None:
            payload = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        self._wake()
        self.connection.request(method, path, payload, headers)
        answer = self.connection.getresponse()
        content = answer.read()
        self.used = time.perf_counter()
        return answer.status, content

    def upload(
        self,
        path: Path,
        *,
        bytes_max: int | None = None,
        query: str = "",
        columns: Sequence[Any] = TEMPLATE["columns"],
    ) -> Any:
        """Sends the file, or its first bytes, as a multipart form with the columns as runtime schema."""
        size = path.stat().st_size if bytes_max is None else min(bytes_max, path.stat().st_size)
        edge = "douane-bench-edge"
        head = (
            f'--{edge}\r\nContent-Disposition: form-data; name="schema"\r\n\r\n{json.dumps(columns)}\r\n'
            f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="{path.name}"\r\n'
            "Content-Type: text/csv\r\n\r\n"
        ).encode()
        tail = f"\r\n--{edge}--\r\n".encode()
        self._wake()
        connection = self.connection
        connection.putrequest("POST", f"/v1/upload/{self.template_id}{query}")
        connection.putheader("accesskey", self.access_key)
        connection.putheader("Content-Type", f"multipart/form-data; boundary={edge}")
        connection.putheader("Content-Length", str(len(head) + size + len(tail)))
        connection.endheaders(head)
        with path.open("rb") as file:
            left = size
            while left:
                block = file.read(min(BLOCK_BYTES, left))
                connection.send(block)
                left -= len(block)
        connection.send(tail)
        answer = connection.getresponse()
        content = answer.read()
        self.used = time.perf_counter()
        if answer.status != 201:
            raise SystemExit(f"the upload was answered {answer.status}: {content[:1000].decode(errors='replace')}")
        return json.loads(content)

    def map(self, upload_id: str) -> None:
        """Takes the mapping that is proposed."""
        proposed = self.call("GET", f"/v1/mapping/{upload_id}")
        choices = [{"key": column["key"], "columnHeading": column.get("columnHeading")} for column in proposed]
        self.call("POST", f"/v1/mapping/{upload_id}/finalize", choices)

    def review(self, upload_id: str) -> None:
        """Returns when the check has ended."""
        self.call("POST", f"/v1/review/{upload_id}")

    def page(self, upload_id: str, view: str, page: int) -> Any:
        return self.call("GET", f"/v1/review/{upload_id}?page={page}&limit={PAGE_ROWS}&type={view}")


@dataclass(slots=True)
class Server:
    """A running `douane serve`; `process` is its supervisor."""

    process: subprocess.Popen[bytes]
    client: Client
    folder: Path

    def working(self, window_s: float = 0.15) -> set[int]:
        """Ids of the tree's processes, the web process left out, that computed for a third of the window."""
        before = {pid: own_cpu_s(pid) for pid in set(tree(self.process.pid)) - set(self.of_kind("web"))}
        time.sleep(window_s)
        return {pid for pid, cpu_s in before.items() if own_cpu_s(pid) - cpu_s > window_s / 3}

    def of_kind(self, word: str) -> list[int]:
        """Ids of the tree's processes with the word among their arguments: `web`, `worker`."""
        found = []
        for pid in tree(self.process.pid):
            with contextlib.suppress(OSError):
                if word.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                    found.append(pid)
        return found


def small_subject(results: Results, runs: int = 15) -> None:
    """A file of 100 rows, from the first byte sent to the first page of its invalid rows read."""
    data = dataset("people-100.csv")
    with serving() as server:
        first_s = sum(small_import(server.client, data).values())  # also loads what is loaded once
        cpu_before_s = tree_cpu_s(server.process.pid)
        took = [small_import(server.client, data) for _ in range(runs)]
        cpu_s = (tree_cpu_s(server.process.pid) - cpu_before_s) / runs
    whole = [sum(steps.values()) for steps in took]
    results.goals.append(Goal("100 rows uploaded, mapped, checked and read, median", statistics.median(whole), 1, "s"))
    steps = ", ".join(f"{step} {statistics.median(one[step] for one in took):.2f} s" for step in took[0])
    results.notes.append(
        f"100 rows end to end: median {statistics.median(whole):.2f} s ({steps}), slowest {max(whole):.2f} s, "
        f"the very first {first_s:.2f} s; {cpu_s:.2f} CPU s of the server's tree for each"
    )


def small_import(client: Client, data: Dataset) -> dict[str, float]:
    """Seconds of each step."""
    moments = [time.perf_counter()]
    upload_id = client.upload(data.path)["_id"]
    moments.append(time.perf_counter())
    client.map(upload_id)
    moments.append(time.perf_counter())
    client.review(upload_id)
    moments.append(time.perf_counter())
    page = client.page(upload_id, "invalid", 1)
    moments.append(time.perf_counter())
    _same("invalid rows", page["totalRecords"], data.truth["invalid"], data)
    took = [after - before for before, after in pairwise(moments)]
    return dict(zip(("upload", "map", "review", "page"), took, strict=True))


def pages_subject(results: Results, size: str) -> None:
    """Pages of an ordinary and of a sparse file; the first page while the check runs; a check that is cancelled."""
    with serving() as server, ThreadPoolExecutor(2) as threads:
        for name in (f"people-{size}.csv", f"people-sparse-{size}.csv"):
            data = dataset(name)
            with Watch(server.process.pid, interval_s=0.1) as watch:
                upload_id = _import(results, server, data, threads)
                _verify_pages(server.client, upload_id, data)
                _page_latency(results, server, upload_id, data)
            heaviest = max((watch.processes[pid].pss_bytes for pid in server.of_kind("web")), default=0)
            results.notes.append(
                f"{name} over HTTP: peak PSS of the server's tree {watch.pss_peak_bytes >> 20} MiB, "
                f"of its web process {heaviest >> 20} MiB"
            )
        _cancel(results, server, dataset(f"people-{size}.csv"), threads)


def upload_subject(results: Results, size_bytes: int) -> None:
    """One large upload; only the web process's memory is asked for."""
    data = dataset("people-10m.csv" if size_bytes > 160_000_000 else "people-1m.csv")
    with serving() as server:
        server.client.call("GET", f"/v1/template/{server.client.template_id}/uploads")
        (web,) = server.of_kind("web")
        with Watch(web) as watch:
            started = time.perf_counter()
            upload_id = server.client.upload(data.path, bytes_max=size_bytes)["_id"]
            took_s = time.perf_counter() - started
        peak = watch.processes[web]
        server.client.call("DELETE", f"/v1/upload/{upload_id}")
    sent = f"upload of {size_bytes / 2**30:.2g} GiB"
    results.goals.append(Goal(f"{sent}: peak PSS of the web process", peak.pss_bytes / 2**20, 200, "MiB"))
    results.notes.append(
        f"{sent}: answered after {took_s:.1f} s ({size_bytes / took_s / 1e6:.0f} MB/s), "
        f"web process at most {peak.pss_bytes >> 20} MiB PSS, {peak.rss_bytes >> 20} MiB RSS"
    )


def _import(results: Results, server: Server, data: Dataset, threads: ThreadPoolExecutor) -> str:
    """Uploads, maps and checks; times when the first page could be read after checking began."""
    client = server.client
    started = time.perf_counter()
    upload_id = str(client.upload(data.path)["_id"])
    uploaded = time.perf_counter()
    client.map(upload_id)
    # As a person would: mapping takes a moment, and reading goes on meanwhile. The wait is for its end, so that what is
    # timed next is the check alone.
    wait_until_quiet(server)
    read = time.perf_counter()
    checking = threads.submit(client.another().review, upload_id)
    first_page_s = _first_page_s(client, upload_id, read, checking)
    checking.result()
    checked = time.perf_counter()
    results.notes.append(
        f"{data.path.name} over HTTP: uploaded in {uploaded - started:.1f} s, read {read - uploaded:.1f} s later, "
        f"checked in {checked - read:.1f} s; first page {first_page_s:.2f} s after checking began"
    )
    results.goals.append(Goal(f"{data.path.name}: first page after checking began", first_page_s, 3, "s"))
    return upload_id


def _first_page_s(client: Client, upload_id: str, began: float, checking: Future[None]) -> float:
    """Seconds until a page of valid rows (which only a check can know) had rows on it."""
    while True:
        ended = checking.done()
        status, answer = client.raw("GET", f"/v1/review/{upload_id}?page=1&limit={PAGE_ROWS}&type=valid")
        if status == 200 and json.loads(answer)["data"]:
            return time.perf_counter() - began
        if ended:
            raise SystemExit(f"the check ended and there is no page: {status} {answer[:500]!r}")
        time.sleep(0.02)


def _verify_pages(client: Client, upload_id: str, data: Dataset) -> None:
    """Totals of each view, and the first and last invalid rows one by one."""
    totals = {"all": data.rows, "valid": data.truth["valid"], "invalid": data.truth["invalid"]}
    for view, total in totals.items():
        _same(f"total of {view}", client.page(upload_id, view, 1)["totalRecords"], total, data)
    last = -(-totals["invalid"] // PAGE_ROWS)
    first_rows = [row["index"] for row in client.page(upload_id, "invalid", 1)["data"]]
    _same("first invalid rows", first_rows, data.truth["invalid_first"][:PAGE_ROWS], data)
    last_rows = [row["index"] for row in client.page(upload_id, "invalid", last)["data"]]
    _same("last invalid rows", last_rows, data.truth["invalid_last"][-len(last_rows) :], data)
    _same("rows on the last page", len(last_rows), totals["invalid"] - (last - 1) * PAGE_ROWS, data)


def _page_latency(results: Results, server: Server, upload_id: str, data: Dataset) -> None:
    """Milliseconds from sending the request to the last byte of the page, one connection, nothing else going on."""
    client = server.client
    totals = {"all": data.rows, "valid": data.truth["valid"], "invalid": data.truth["invalid"]}
    chance = random.Random(1)
    medians, p99s = [], []
    for view in VIEWS:
        last = max(1, totals[view] // PAGE_ROWS)
        places = {"first": [1] * 200, "middle": [(last + 1) // 2] * 200, "last": [last] * 200}
        places["random"] = [chance.randint(1, last) for _ in range(500)]
        cells = []
        cpu_before_s = sum(map(own_cpu_s, server.of_kind("web")))
        for place, pages in places.items():
            took_ms = []
            for page in pages:
                path = f"/v1/review/{upload_id}?page={page}&limit={PAGE_ROWS}&type={view}"
                started = time.perf_counter()
                status, _ = client.raw("GET", path)
                took_ms.append((time.perf_counter() - started) * 1000)
                if status != 200:
                    raise SystemExit(f"GET {path} answered {status}")
            took_ms.sort()
            middle, high = statistics.median(took_ms), took_ms[int(len(took_ms) * 0.99)]
            medians.append(middle)
            p99s.append(high)
            cells.append(f"{place} {middle:.1f} / {high:.1f}")
        cpu_ms = (sum(map(own_cpu_s, server.of_kind("web"))) - cpu_before_s) * 1000 / sum(map(len, places.values()))
        results.notes.append(
            f"{data.path.name}, pages of 100, {view}, median / p99 ms: {', '.join(cells)}; {cpu_ms:.1f} CPU ms a page"
        )
        print("  " + results.notes[-1], flush=True)
    results.goals.append(Goal(f"{data.path.name}: page of 100, worst median", max(medians), 15, "ms"))
    results.goals.append(Goal(f"{data.path.name}: page of 100, worst p99", max(p99s), 60, "ms"))


def _cancel(results: Results, server: Server, data: Dataset, threads: ThreadPoolExecutor) -> None:
    """A check of the whole file is ended once it is under way: how long its processes live on."""
    client = server.client
    upload_id = client.upload(data.path)["_id"]
    client.map(upload_id)
    wait_until_quiet(server)
    checking = threads.submit(client.another().raw, "POST", f"/v1/review/{upload_id}")
    # A process that is made ready for the next work is busy too, for a moment; the one that checks stays so.
    time.sleep(2.0)
    working = server.working() - set(server.of_kind("worker"))
    if checking.done() or not working:
        results.notes.append(f"{data.path.name}: the check ended before it could be cancelled")
        return
    started = time.perf_counter()
    client.call("DELETE", f"/v1/upload/{upload_id}")
    answered = time.perf_counter()
    while working & set(tree(server.process.pid)) and time.perf_counter() - started < 60:
        time.sleep(0.01)
    stopped_s = time.perf_counter() - started
    status, _ = checking.result()
    results.goals.append(Goal(f"{data.path.name}: a cancelled check stops", stopped_s, 1, "s"))
    results.notes.append(
        f"{data.path.name}: cancelling was answered in {answered - started:.2f} s, the check's processes were gone "
        f"after {stopped_s:.2f} s, and who waited for the check was answered {status}"
    )


def wait_until_quiet(server: Server) -> None:
    """Until nothing works for the server for a while."""
    deadline = time.perf_counter() + WORK_WAIT_S
    quiet = 0
    while quiet < 3:
        quiet = 0 if server.working() else quiet + 1
        if time.perf_counter() > deadline:
            raise SystemExit("the worker does not come to rest")


def _same(what: str, found: Any, true: Any, data: Dataset) -> None:
    if found != true:
        raise WrongCounts(f"{what} of {data.path.name} over HTTP: {found!r} instead of {true!r}")


@contextmanager
def serving(build: Build = OURS, **more: str) -> Iterator[Server]:
    """Makes an installation, starts it on a free port, and takes both away again. `more` of the environment."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=FOLDER, prefix=f"serve-{os.getpid()}-"))
    house = folder / "house"
    try:
        made = subprocess.run(
            [*build.command, "init", "--data", str(house), "--json"],
            cwd=build.tree, env=build.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if made.returncode:
            raise SystemExit(f"douane init ended with status {made.returncode}: {made.stderr[-2000:]}")
        installation = json.loads(made.stdout)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [*build.command, "serve", "--data", str(house), "--host", "127.0.0.1", "--port", str(port)],
                cwd=build.tree, env={**build.environment, **more}, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        try:
            _wait_until_answering(process, port, folder / "log")
            yield Server(process, Client(port, installation["accessKey"], installation["templateId"]), folder)
        finally:
            _end(process)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait_until_answering(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.perf_counter() + 60
    while time.perf_counter() < deadline:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/v1/upload/none")
            connection.getresponse().read()
            return
        time.sleep(0.05)
    raise SystemExit(f"douane serve does not answer:\n{log.read_text(errors='replace')[-3000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    killer = threading.Timer(40, process.kill)
    killer.start()
    process.wait()
    killer.cancel()
