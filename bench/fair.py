"""Subject `fair`: how one tenant's edits and pages do while twenty clients of another
send the widest file there may be.

Times are the server's own, from its `/metrics` (until the last byte was sent): on a machine with two cores a client's
clock would measure the clients. A histogram says how many requests took at most so long; what lies between two bounds
is shared out evenly. Run on a quiet machine: the clients take their part of it too.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from bench.datasets import FOLDER, dataset
from bench.files import Goal, Results
from bench.server import PAGE_ROWS, Client, serving, wait_until_quiet

COLUMNS, ROWS = 16_384, 200
CLIENTS, TURNS = 20, 3
QUIET_CALLS, LOUD_S = 300, 20.0
EDIT, PAGE = ("PUT", "/v1/review/{upload_id}/records"), ("GET", "/v1/review/{upload_id}")
_BUCKET = re.compile(
    r'douane_request_seconds_bucket\{le="([^"]+)",method="(\w+)",route="([^"]+)",status="200"\} ([0-9.]+)'
)
Route = tuple[str, str]
Buckets = dict[float, float]


class Loud:
    """Clients that send the file again and again, until they are ended."""

    def __init__(self, client: Client, path: Path) -> None:
        self.client, self.path = client, path
        self.ended = threading.Event()
        self.sent: Counter[str] = Counter()
        self.threads = [threading.Thread(target=self._send, args=(self.client.another(),)) for _ in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def _send(self, client: Client) -> None:
        while not self.ended.is_set():
            try:
                client.upload(self.path, columns=[{"key": "c1", "name": "c1", "type": "String"}])
                self.sent["taken"] += 1
            except SystemExit as said:  # told to wait, or that the headings are not known yet
                self.sent["".join(re.findall(r"answered (\d+)", str(said)))] += 1
                self.ended.wait(0.5)
            except OSError:
                self.sent["cut off"] += 1
                with suppress(OSError):
                    client = client.another()

    def end(self) -> None:
        self.ended.set()
        for thread in self.threads:
            thread.join()


def fair_subject(results: Results) -> None:
    data = dataset("people-100k.csv")
    with serving() as server:
        one = server.client
        made = one.call("POST", "/v1/project", {"name": "Loud"})
        template = Client(one.port, made["environment"]["key"], "").call(
            "POST", "/v1/template", {"name": "Wide", "_projectId": made["project"]["_id"]}
        )
        other = Client(one.port, made["environment"]["key"], template["_id"])
        upload_id = one.upload(data.path)["_id"]
        one.map(upload_id)
        one.review(upload_id)
        last = data.rows // PAGE_ROWS
        for turn in range(1, TURNS + 1):
            wait_until_quiet(server)
            before = _buckets(one)
            for number in range(QUIET_CALLS):
                _work(one, upload_id, last, number)
            quiet = _since(before, _buckets(one))
            loud = Loud(other, widest())
            time.sleep(2.0)
            before, until, number = _buckets(one), time.monotonic() + LOUD_S, 0
            while time.monotonic() < until or number < QUIET_CALLS:
                _work(one, upload_id, last, number)
                number += 1
            beside = _since(before, _buckets(one))
            loud.end()
            for name, route in (("edit", EDIT), ("page", PAGE)):
                middles = [1000 * _quantile(took[route], 0.5) for took in (quiet, beside)]
                highs = [1000 * _quantile(took[route], 0.99) for took in (quiet, beside)]
                results.goals.append(
                    Goal(f"turn {turn}: {name} beside {CLIENTS} wide uploads, median", middles[1] / middles[0], 2, "x")
                )
                results.goals.append(Goal(f"turn {turn}: {name} beside them, p99", highs[1], 500, "ms"))
                results.notes.append(
                    f"turn {turn}, {name}, the server's own median / p99: quiet {middles[0]:.1f} / {highs[0]:.1f} ms, "
                    f"beside {middles[1]:.1f} / {highs[1]:.1f} ms ({beside[route][float('inf')]:.0f} calls; "
                    f"wide uploads: {dict(loud.sent)})"
                )
                print("  " + results.notes[-1], flush=True)


def widest() -> Path:
    """As many columns as a file may have, short texts."""
    path = FOLDER / f"widest-{COLUMNS}-{ROWS}.csv"
    if not path.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        lines = [",".join(f"c{column}" for column in range(COLUMNS))]
        lines += [",".join(str((row * 31 + column) % 97) for column in range(COLUMNS)) for row in range(ROWS)]
        path.write_text("\n".join(lines) + "\n")
    return path


def _work(client: Client, upload_id: str, last: int, number: int) -> None:
    """An edit, and a page somewhere."""
    chance = random.Random(number)
    index = chance.randrange(1, last * PAGE_ROWS)
    row = {"index": index, "record": {"name": f"Mended {number}"}, "updated": {"name": True}}
    client.call("PUT", f"/v1/review/{upload_id}/records", [row])
    client.page(upload_id, "all", chance.randint(1, last))


def _buckets(client: Client) -> dict[Route, Buckets]:
    _, text = client.raw("GET", "/metrics")
    found: dict[Route, Buckets] = {EDIT: {}, PAGE: {}}
    for bound, method, route, count in _BUCKET.findall(text.decode()):
        if (method, route) in found:
            found[method, route][float(bound)] = float(count)
    return found


def _since(before: dict[Route, Buckets], after: dict[Route, Buckets]) -> dict[Route, Buckets]:
    return {
        route: {bound: count - before[route].get(bound, 0) for bound, count in counts.items()}
        for route, counts in after.items()
    }


def _quantile(counts: Buckets, part: float) -> float:
    """Seconds; of the last bucket, which has no end, its beginning."""
    wanted, below, begin = part * counts[float("inf")], 0.0, 0.0
    for bound, count in sorted(counts.items()):
        if count >= wanted:
            share = (wanted - below) / max(count - below, 1e-9)
            return begin if bound == float("inf") else begin + share * (bound - begin)
        below, begin = count, bound
    return begin
