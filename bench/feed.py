"""The feed of a template beside `rows/valid` of the same upload: what either costs the server, in the same form."""

from __future__ import annotations

import http.client
import statistics
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from bench.datasets import WrongCounts, dataset
from bench.files import Goal, Results
from bench.measure import Watch, tree, tree_cpu_s
from bench.server import Server, serving

FORMS = {"NDJSON": "application/x-ndjson", "Arrow": "application/vnd.apache.arrow.stream"}
PAGE_ROWS = 10_000
_BLOCK_BYTES = 1 << 20


def feed_subject(results: Results, size: str, runs: int) -> None:
    """All valid rows of one upload, whole from `rows/valid`, then from the feed, whole and in its usual pages."""
    data = dataset(f"people-{size}.csv")
    with serving() as server:
        web = _web_of(server.process.pid)
        upload_id = server.client.upload(data.path, query="?auto=true")["_id"]
        server.client.call("POST", f"/v1/review/{upload_id}/confirm", {})
        for name, kind in FORMS.items():
            rows = f"/v1/upload/{upload_id}/rows/valid"
            ways: dict[str, Callable[[], int]] = {
                "rows/valid": lambda kind=kind, rows=rows: _read(server, rows, kind)[0],  # type: ignore[misc]
                "feed, whole": lambda kind=kind: _feed(server, kind, 10**9),  # type: ignore[misc]
                "feed, in pages": lambda kind=kind: _feed(server, kind, PAGE_ROWS),  # type: ignore[misc]
            }
            took: dict[str, list[float]] = {way: [] for way in ways}
            for turn in range(runs + 1):
                for way, pull in ways.items():
                    before_s = tree_cpu_s(web)
                    with Watch(web, interval_s=0.1) as watch:
                        pull()
                    if turn:  # the first one loads what is loaded once
                        took[way].append(tree_cpu_s(web) - before_s)
                    peak = watch.pss_peak_bytes >> 20
            middle = {way: statistics.median(seconds) for way, seconds in took.items()}
            shown = ", ".join(f"{way} {seconds:.2f}" for way, seconds in middle.items())
            results.notes.append(
                f"{data.path.name}, valid rows as {name}, CPU s of the web process' tree: {shown}; peak {peak} MiB"
            )
            for way in ("feed, whole", "feed, in pages"):
                results.goals.append(
                    Goal(f"{name}: {way}, CPU against rows/valid", middle[way] / middle["rows/valid"], 1.2, "x")
                )
        given = _count(server)
        if given != data.truth["valid"]:
            raise WrongCounts(f"the feed gave {given} rows of {data.truth['valid']}")


def _web_of(supervisor: int) -> int:
    """The process that answers. A worker has no part in this, and looks for work all the while: on a busy machine,
    where a turn takes a minute, that is more than the turn."""
    for pid in tree(supervisor):
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if b"web" in command[1:]:
            return pid
    raise SystemExit("the server has no web process")


def _feed(server: Server, kind: str, limit: int) -> int:
    size, cursor = 0, ""
    while True:
        got, cursor = _read(
            server, f"/v1/template/{server.client.template_id}/feed?limit={limit}&cursor={cursor}", kind
        )
        if got == 0:
            return size
        size += got


def _count(server: Server) -> int:
    total, cursor = 0, ""
    while True:
        path = f"/v1/template/{server.client.template_id}/feed?limit=1000000&cursor={cursor}"
        answer = _asked(server, path, FORMS["NDJSON"])
        cursor = quote(answer.headers["Douane-Cursor"])
        if answer.status == 204:
            answer.read()
            return total
        while block := answer.read(_BLOCK_BYTES):
            total += block.count(b"\n")


def _read(server: Server, path: str, kind: str) -> tuple[int, str]:
    """(bytes, the cursor after them)."""
    answer = _asked(server, path, kind)
    size = 0
    while block := answer.read(_BLOCK_BYTES):
        size += len(block)
    return size, quote(answer.headers.get("Douane-Cursor", ""))


def _asked(server: Server, path: str, kind: str) -> http.client.HTTPResponse:
    connection = server.client.connection
    connection.request("GET", path, headers={"accesskey": server.client.access_key, "Accept": kind})
    answer = connection.getresponse()
    if answer.status >= 300:
        raise SystemExit(f"GET {path} answered {answer.status}: {answer.read()[:1000].decode(errors='replace')}")
    return answer
