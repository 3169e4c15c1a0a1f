"""All valid rows of an upload as the forms in which they leave, over HTTP: this build's server beside a commit's."""

from __future__ import annotations

import statistics

from bench.builds import OURS, Build
from bench.datasets import WrongCounts, dataset
from bench.files import Results
from bench.measure import tree_cpu_s
from bench.server import Server, serving

FORMS = {
    "CSV": "text/csv",
    "NDJSON": "application/x-ndjson",
    "Arrow": "application/vnd.apache.arrow.stream",
    "Parquet": "application/vnd.apache.parquet",
}
_BLOCK_BYTES = 1 << 20


def exports_against(results: Results, old: Build, size: str, turns: int) -> None:
    """CPU seconds of either server's tree for each form, as medians of so many turns after one that loads what is
    loaded once."""
    data = dataset(f"people-{size}.csv")
    with serving() as mine, serving(old) as theirs:
        servers = {OURS.name: mine, old.name: theirs}
        uploads = {}
        for name, server in servers.items():
            uploads[name] = server.client.upload(data.path)["_id"]
            server.client.map(uploads[name])
            server.client.review(uploads[name])
        for form, kind in FORMS.items():
            took: dict[str, list[float]] = {name: [] for name in servers}
            for turn in range(turns + 1):
                for name, server in servers.items():
                    before_s = tree_cpu_s(server.process.pid)
                    lines = _pulled(server, f"/v1/upload/{uploads[name]}/rows/valid", kind)
                    if form == "NDJSON" and lines != data.truth["valid"]:
                        raise WrongCounts(f"{name} gave {lines} rows of {data.truth['valid']}")
                    if turn:
                        took[name].append(tree_cpu_s(server.process.pid) - before_s)
            mine_s, theirs_s = (statistics.median(took[name]) for name in servers)
            work = f"valid rows of {size} as {form}"
            results.ratios[f"{work}: CPU against {old.name}"] = mine_s / theirs_s
            results.notes.append(f"{work}, CPU s: {mine_s:.2f} against {theirs_s:.2f}, {mine_s / theirs_s:.2f} x")
            print(f"  {results.notes[-1]}", flush=True)


def _pulled(server: Server, path: str, kind: str) -> int:
    """How many line ends the answer has."""
    client = server.client.another()  # one that was kept may have been given up while the other server worked
    connection = client.connection
    connection.request("GET", path, headers={"accesskey": client.access_key, "Accept": kind})
    answer = connection.getresponse()
    if answer.status >= 300:
        raise SystemExit(f"GET {path} answered {answer.status}: {answer.read()[:1000].decode(errors='replace')}")
    lines = 0
    while block := answer.read(_BLOCK_BYTES):
        lines += block.count(b"\n")
    connection.close()
    return lines
