"""Numbers for those who watch the server, in Prometheus' text form: how requests went, how many imports stand where,
and how the parts of the house do.

Counts and durations only, no name or id of anybody's thing, but for the consumers of feeds: programs, which whoever
runs them has named, and of which each is looked after by itself. Each web process tells its own requests; all else is
the whole installation's, whichever process is asked.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest

from douane.errors import DouaneError
from douane.flow import feeds, health
from douane.flow.health import Part, Readiness
from douane.flow.house import House

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS_S = (0.0025, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.04, 0.06, 0.1, 0.175, 0.25, 0.5, 1, 2.5, 10, 60, 600)
_QUEUES = ("interactive", "small", "large", "delivery")


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
        self._operations = self._gauge("operations", "How many imports stand at each stage.", "stage")
        self._failures = self._gauge("failed_work", "Imports whose last work failed, by the code of why.", "code")
        self._sign_ins = self._gauge("sign_ins_hour", "Sign-ins of the last hour, let in or refused.", "result")
        self._deliveries = self._gauge("deliveries", "Deliveries that have not ended, by where they stand.", "state")
        self._destinations = self._gauge("destinations", "Destinations that are down.", "state")
        self._ready = self._gauge("ready", "Whether a part does what it is there for (1) or not (0).", "part")
        self._waiting = self._gauge("queue_waiting", "Jobs that wait in a queue.", "queue")
        self._running = self._gauge("queue_running", "Jobs of a queue that run, each with a child or without.", "queue")
        self._oldest = self._gauge(
            "queue_oldest_seconds", "How long the oldest job of a queue has been waiting.", "queue"
        )
        self._children = self._gauge("children", "Walled processes that work on a file now, by who began them.", "of")
        self._children_ended = self._gauge(
            "children_ended", "Children that ended since their workers began: ok, or by the code of why not.", "code"
        )
        self._workers = self._gauge("workers", "Workers that are alive.")
        self._lease = self._gauge("worker_lease_age_seconds", "Since when nothing was heard of the latest worker.")
        feed = ("template", "consumer")
        self._feed_rows = self._gauge("feed_lag_rows", "Rows of a feed that a consumer has not acknowledged.", *feed)
        self._feed_seconds = self._gauge(
            "feed_lag_seconds", "How long the oldest row waits that a consumer has not acknowledged.", *feed
        )
        self._disk = self._gauge("disk_bytes", "Room of the data folder's disk.", "of")

    def _gauge(self, name: str, says: str, *labels: str) -> Gauge:
        return Gauge(f"douane_{name}", says, labels, registry=self._registry)

    def note(self, method: str, route: str, status: int, seconds: float) -> None:
        """`route` is a path with names for its ids: an address as a client sent it would make a series of its own."""
        self._requests.labels(method, route, str(status)).observe(seconds)

    def text(self, house: House, readiness: Readiness) -> bytes:
        """All of them as they are now. What cannot be asked for, because the database is away, is left out."""
        parts = readiness.parts()
        for name, part in parts.items():
            self._ready.labels(name).set(part.good)
        self._set_numbers(parts)
        named = {
            "stages": self._operations,
            "failures": self._failures,
            "sign_ins": self._sign_ins,
            "deliveries": self._deliveries,
            "destinations": self._destinations,
            "children": self._children,
            "children_ended": self._children_ended,
        }
        for gauge in named.values():
            gauge.clear()
        try:
            counts = health.counts(house)
        except DouaneError:
            counts = {}
        for name, gauge in named.items():
            for label, count in counts.get(name, {}).items():
                gauge.labels(label).set(count)
        self._set_lags(house)
        return generate_latest(self._registry)

    def _set_lags(self, house: House) -> None:
        self._feed_rows.clear()
        self._feed_seconds.clear()
        try:
            lags = feeds.lags(house)
        except DouaneError:
            return
        for lag in lags:
            self._feed_rows.labels(lag.template_id, lag.name).set(lag.rows)
            self._feed_seconds.labels(lag.template_id, lag.name).set(lag.seconds)

    def _set_numbers(self, parts: dict[str, Part]) -> None:
        queue, worker, disk = (parts[name].numbers for name in ("queue", "worker", "disk"))
        for name in _QUEUES:
            self._waiting.labels(name).set(queue.get(f"{name}_waiting", 0))
            self._running.labels(name).set(queue.get(f"{name}_running", 0))
            self._oldest.labels(name).set(queue.get(f"{name}_oldest_s", 0))
        self._workers.set(worker.get("alive", 0))
        self._lease.set(worker.get("lease_age_s", 0))
        for name in ("free", "total"):
            self._disk.labels(name).set(disk.get(f"{name}_bytes", 0))
