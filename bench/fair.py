"""Subject `fair`: how one tenant's edits and pages do while twenty clients of another
send the widest file there may be, and then what nobody should send: bombs, cuts, depths, and bodies that are no files.

Times are the server's own, from its `/metrics` (until the last byte was sent): on a machine with two cores a client's
clock would measure the clients. A histogram says how many requests took at most so long; what lies between two bounds
is shared out evenly. Run on a quiet machine: the clients take their part of it too.
"""

from __future__ import annotations

import gzip
import os
import random
import re
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from bench.datasets import FOLDER, dataset
from bench.files import Goal, Results
from bench.server import PAGE_ROWS, Client, Server, serving, wait_until_quiet

COLUMNS, ROWS = 16_384, 200
CLIENTS, TURNS = 20, 3
QUIET_CALLS, LOUD_S = 300, 20.0
HOSTILE_CLIENTS = 6
EDIT, PAGE = ("PUT", "/v1/review/{upload_id}/records"), ("GET", "/v1/review/{upload_id}")
_BUCKET = re.compile(
    r'douane_request_seconds_bucket\{le="([^"]+)",method="(\w+)",route="([^"]+)",status="200"\} ([0-9.]+)'
)
Route = tuple[str, str]
Body = tuple[str, str, Any]  # method, address, what is sent as JSON
Buckets = dict[float, float]


class Loud:
    """Clients that send the files again and again, until they are ended; or `bodies`, each to its address."""

    def __init__(self, client: Client, paths: list[Path], clients: int, bodies: Sequence[Body] = ()) -> None:
        self.client, self.paths, self.bodies = client, paths, bodies
        self.ended = threading.Event()
        self.sent: Counter[str] = Counter()
        self.threads = [
            threading.Thread(target=self._send, args=(self.client.another(), random.Random(number)))
            for number in range(clients)
        ]
        for thread in self.threads:
            thread.start()

    def _send(self, client: Client, chance: random.Random) -> None:
        while not self.ended.is_set():
            try:
                if self.bodies:
                    self.sent[str(client.raw(*chance.choice(self.bodies))[0])] += 1
                    continue
                client.upload(chance.choice(self.paths), columns=[{"key": "c1", "name": "c1", "type": "String"}])
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
        hostile = Path(os.environ["DOUANE_BENCH_HOSTILE"]) if "DOUANE_BENCH_HOSTILE" in os.environ else strangers()
        paths, bodies = [path for path in sorted(hostile.rglob("*")) if path.is_file()], _bodies(other.template_id)
        for turn in range(1, TURNS + 1):
            quiet = _quiet(server, upload_id, last)
            wide, sent = _beside(one, upload_id, last, partial(Loud, other, [widest()], CLIENTS))
            for name, route in (("edit", EDIT), ("page", PAGE)):
                was, now = (_quantile(took[route], 0.5) for took in (quiet, wide))
                what = f"turn {turn}: {name} beside {CLIENTS} wide uploads"
                results.goals.append(Goal(f"{what}, median", now / was, 2, "x"))
                results.goals.append(Goal(f"{what}, p99", 1000 * _quantile(wide[route], 0.99), 500, "ms"))
                _note(results, f"{what}: {sent}", quiet[route], wide[route])
            quiet = _quiet(server, upload_id, last)
            beside, sent = _beside(one, upload_id, last, partial(Loud, other, paths, HOSTILE_CLIENTS))
            was, now = (_quantile(took[PAGE], 0.99) for took in (quiet, beside))
            what = f"turn {turn}: page beside {HOSTILE_CLIENTS} hostile uploads"
            results.goals.append(Goal(f"{what}, p99", now / was, 2, "x"))
            results.goals.append(Goal(f"{what}, slower than 1 s", _slower(beside[PAGE], 1.0), 0, ""))
            _note(results, f"{what}: {sent}", quiet[PAGE], beside[PAGE])
            beside, sent = _beside(one, upload_id, last, partial(Loud, other, [], HOSTILE_CLIENTS, bodies))
            what = f"turn {turn}: page beside {HOSTILE_CLIENTS} clients with bodies of 10 MB"
            results.goals.append(Goal(f"{what}, p99", 1000 * _quantile(beside[PAGE], 0.99), 500, "ms"))
            results.goals.append(Goal(f"{what}, slower than 1 s", _slower(beside[PAGE], 1.0), 0, ""))
            _note(results, f"{what}: {sent}", quiet[PAGE], beside[PAGE])


def _quiet(server: Server, upload_id: str, last: int) -> dict[Route, Buckets]:
    wait_until_quiet(server)
    before = _buckets(server.client)
    for number in range(QUIET_CALLS):
        _work(server.client, upload_id, last, number)
    return _since(before, _buckets(server.client))


def _beside(
    client: Client, upload_id: str, last: int, begin: Callable[[], Loud]
) -> tuple[dict[Route, Buckets], dict[str, int]]:
    loud = begin()
    time.sleep(2.0)
    before, until, number = _buckets(client), time.monotonic() + LOUD_S, 0
    while time.monotonic() < until or number < QUIET_CALLS:
        _work(client, upload_id, last, number)
        number += 1
    beside = _since(before, _buckets(client))
    loud.end()
    return beside, dict(loud.sent)


def _note(results: Results, what: str, quiet: Buckets, beside: Buckets) -> None:
    was, now = (f"{1000 * _quantile(one, 0.5):.1f} / {1000 * _quantile(one, 0.99):.1f}" for one in (quiet, beside))
    calls = f"{beside[float('inf')]:.0f} calls"
    results.notes.append(f"{what}; the server's own median / p99: quiet {was} ms, beside {now} ms ({calls})")
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


def _bodies(template_id: str) -> list[Body]:
    """What is no file, and more of it than anybody needs."""
    columns = [{"key": f"k{n}", "name": "k", "type": "String"} for n in range(200_000)]
    return [
        ("PUT", f"/v1/template/{template_id}/columns", columns),
        ("POST", "/v1/template", {"name": [str(n) for n in range(1_000_000)]}),
        ("POST", f"/v1/template/{template_id}/sample", {"data": [{"a": n, "b": {"c": "x"}} for n in range(200_000)]}),
    ]


def strangers() -> Path:
    """Files that are built to cost more than they look: each within its limits, or refused by one."""
    folder = FOLDER / "hostile"
    if folder.exists():
        return folder
    folder.mkdir(parents=True)
    write = {name: (folder / name).write_bytes for name in ("quote.csv", "cell.csv", "deep.json", "digits.ndjson")}
    write["quote.csv"](b'a,b\n1,"' + b"x,y\n" * 2_000_000)
    write["cell.csv"](b"a,b\n" + b"y" * 20_000_000 + b",1\n")
    write["deep.json"](b"[" * 1_000_000)
    write["digits.ndjson"](b'{"a": ' + b"9" * 500_000 + b"}\n" * 3)
    (folder / "bomb.csv.gz").write_bytes(gzip.compress(b"a,b\n" * 30_000_000))
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    sheet = f"<worksheet {main}><sheetData>{{}}</sheetData></worksheet>"
    shared = f"<sst {main}><si><t>{'z' * 30_000}</t></si></sst>"
    cell = '<row r="{0}"><c r="A{0}" t="s"><v>0</v></c><c r="B{0}" t="s"><v>0</v></c></row>'
    _workbook(folder / "shared.xlsx", sheet.format("".join(cell.format(n) for n in range(1, 20_000))), shared)
    _workbook(folder / "bomb.xlsx", sheet.format("<row/>" * 20_000_000), shared)
    _workbook(folder / "corner.xlsx", sheet.format('<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'), shared)
    whole = (folder / "shared.xlsx").read_bytes()
    (folder / "cut.xlsx").write_bytes(whole[: len(whole) // 2])
    return folder


def _workbook(path: Path, sheet: str, shared: str) -> None:
    kinds = "http://schemas.openxmlformats.org"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{kinds}/package/2006/content-types"><Default Extension="xml" '
        'ContentType="application/xml"/></Types>',
        "xl/workbook.xml": f'<workbook xmlns="{kinds}/spreadsheetml/2006/main" xmlns:r="{kinds}/officeDocument/2006/'
        'relationships"><sheets><sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{kinds}/package/2006/relationships"><Relationship '
        f'Id="r1" Type="{kinds}/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="r2" Type="{kinds}/officeDocument/2006/relationships/sharedStrings" '
        'Target="sharedStrings.xml"/></Relationships>',
        "xl/sharedStrings.xml": shared,
        "xl/worksheets/sheet1.xml": sheet,
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, text in parts.items():
            book.writestr(name, text)


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


def _slower(counts: Buckets, seconds: float) -> float:
    """How many took longer; `seconds` is one of the bounds."""
    return counts[float("inf")] - counts[seconds]


def _quantile(counts: Buckets, part: float) -> float:
    """Seconds; of the last bucket, which has no end, its beginning."""
    wanted, below, begin = part * counts[float("inf")], 0.0, 0.0
    for bound, count in sorted(counts.items()):
        if count >= wanted:
            share = (wanted - below) / max(count - below, 1e-9)
            return begin if bound == float("inf") else begin + share * (bound - begin)
        below, begin = count, bound
    return begin
