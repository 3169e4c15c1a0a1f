"""Hours of mixed work against one server: whether it holds more with every hour.

    python -m bench.soak --seconds 7200 --clients 4

Clients import small files, look at pages, change cells, undo, download, end imports and ask for what is not there, for
as long as is asked. Every ten seconds the memory that is the web process' and the worker's own (what they wrote and
share with nobody) and their open descriptors are noted. The first tenth is left out: caches fill. It ends with 1 where
memory grows by more than 1 % an hour, measured over at least an hour, where descriptors grow, or where any call was
answered with a fault of ours.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from bench.datasets import Dataset, dataset
from bench.measure import own_bytes
from bench.server import Client, Server, serving

EVERY_S = 10.0
SLOPE_MAX = 0.01
DESCRIPTORS_MORE_MAX = 8
# Below this a slope by the hour is the noise of minutes.
JUDGED_S = 3600.0
WORK = ("import", "page", "page", "page", "edit", "edit", "undo", "replace", "download", "live", "nothing")


@dataclass(slots=True)
class Held:
    """Samples of one kind of process: seconds since the start, memory of its own and descriptors."""

    at_s: list[float] = field(default_factory=list)
    own_bytes: list[int] = field(default_factory=list)
    descriptors: list[int] = field(default_factory=list)

    def settled(self) -> Held:
        """Without the first tenth."""
        begin = len(self.at_s) // 10
        return Held(self.at_s[begin:], self.own_bytes[begin:], self.descriptors[begin:])

    def slope_an_hour(self) -> float:
        """Of memory, as a part of its mean."""
        return 3600 * statistics.linear_regression(self.at_s, self.own_bytes).slope / statistics.fmean(self.own_bytes)

    def descriptors_more(self) -> float:
        """How many more are open at the end than at the beginning, each the median of a quarter."""
        quarter = max(1, len(self.descriptors) // 4)
        return statistics.median(self.descriptors[-quarter:]) - statistics.median(self.descriptors[:quarter])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=7200)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    data = dataset("people-100.csv")
    answers: Counter[str] = Counter()
    held = {"web": Held(), "worker": Held()}
    with serving() as server:
        until = time.monotonic() + asked.seconds
        clients = [
            threading.Thread(target=_use, args=(server.client.another(), data, random.Random(seed), until, answers))
            for seed in range(asked.seed, asked.seed + asked.clients)
        ]
        for client in clients:
            client.start()
        _watch(server, held, until)
        for client in clients:
            client.join()
    return _judged(held, answers, asked.seconds)


def _use(client: Client, data: Dataset, chance: random.Random, until: float, answers: Counter[str]) -> None:
    mine: list[str] = []
    while time.monotonic() < until:
        what = chance.choice(
            ("import", "page", "page", "page", "edit", "undo", "replace", "download", "live", "nothing")
        )
        if what == "import" or not mine:
            mine.append(client.upload(data.path)["_id"])
            client.map(mine[-1])
            client.review(mine[-1])
            answers["import"] += 1
            if len(mine) > 5:
                client.raw("DELETE", f"/v1/upload/{mine.pop(0)}")
            continue
        status = _call(client, what, chance.choice(mine), chance)
        answers[f"{what} {status}"] += 1


def _call(client: Client, what: str, upload_id: str, chance: random.Random) -> int:
    review = f"/v1/review/{upload_id}"
    if what == "edit":
        change = {
            "index": chance.randint(1, 100),
            "record": {"age": str(chance.randint(0, 200))},
            "updated": {"age": True},
        }
        return client.raw("PUT", f"{review}/record", change)[0]
    if what == "replace":
        return client.raw("PUT", f"{review}/replace", {"find": "e", "replace": "e", "column": ""})[0]
    if what == "undo":
        return client.raw("POST", f"{review}/revisions/{chance.randint(1, 3)}/undo", {})[0]
    path = {
        "page": f"{review}?page={chance.randint(1, 3)}&limit=50&type={chance.choice(('all', 'valid', 'invalid'))}",
        "download": f"{review}/live/download?format={chance.choice(('csv', 'xlsx', 'ndjson'))}",
        "live": f"{review}/live?limit=20&sort=name",
        "nothing": f"/v1/upload/{chance.randbytes(12).hex()}",
    }[what]
    return client.raw("GET", path)[0]


def _watch(server: Server, held: dict[str, Held], until: float) -> None:
    began = time.monotonic()
    while time.monotonic() < until:
        time.sleep(EVERY_S)
        for kind, samples in held.items():
            pids = server.of_kind(kind)
            if not (memory := sum(map(own_bytes, pids))):
                continue
            samples.at_s.append(time.monotonic() - began)
            samples.own_bytes.append(memory)
            samples.descriptors.append(sum(_open(pid) for pid in pids))


def _open(pid: int) -> int:
    try:
        return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return 0


def _judged(held: dict[str, Held], answers: Counter[str], seconds: float) -> int:
    print(", ".join(f"{count} x {what}" for what, count in sorted(answers.items())))
    faults = [what for what in answers if what.split()[-1].startswith("5")]
    bad = bool(faults)
    for kind, samples in held.items():
        settled = samples.settled()
        if len(settled.at_s) < 3:
            print(f"{kind}: too short to be judged")
            continue
        slope, more = settled.slope_an_hour(), settled.descriptors_more()
        print(
            f"{kind}: {statistics.fmean(settled.own_bytes) / (1 << 20):.0f} MiB on average, {100 * slope:+.2f} % an "
            f"hour; {settled.descriptors[0]} descriptors at first, {settled.descriptors[-1]} at last"
        )
        bad |= more > DESCRIPTORS_MORE_MAX or (seconds >= JUDGED_S and slope > SLOPE_MAX)
    if faults:
        print(f"Faults: {', '.join(faults)}", file=sys.stderr)
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
