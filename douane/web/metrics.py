"""Numbers for those who watch the server, in Prometheus' text form: how requests went, how many imports stand where.

Counts and durations only, no name or id of anybody's thing. Each web process tells its own requests.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest

from douane.flow.house import House
from douane.store import operations
from douane.store.database import read

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60, 600)


class Metrics:
    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Histogram(
            "douane_request_seconds",
            "How long requests took, until their last byte was sent.",
            ("method", "route", "status"),
            registry=self._registry,
            buckets=_BUCKETS_S,
        )
        self._operations = Gauge(
            "douane_operations", "How many imports stand at each stage.", ("stage",), registry=self._registry
        )

    def note(self, method: str, route: str, status: int, seconds: float) -> None:
        """`route` is a path with names for its ids: an address as a client sent it would make a series of its own."""
        self._requests.labels(method, route, str(status)).observe(seconds)

    def text(self, house: House) -> bytes:
        with read(house.engine) as connection:
            counts = operations.count_by_stage(connection)
        self._operations.clear()
        for stage, count in counts.items():
            self._operations.labels(stage).set(count)
        return generate_latest(self._registry)
