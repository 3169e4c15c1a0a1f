"""Many fetches at once, paced host by host: each is a thread of its own, the handler's thread decides and writes down.

Nothing is known here of what the bytes are for, nor of the database; addresses are opened by `outbound.py` alone.
"""

from __future__ import annotations

import hashlib
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from douane import errors
from douane.flow.attempts import Attempt
from douane.jobs import children
from douane.outbound import Outbound

THREADS = 10
HOST_THREADS = 4
TRIES = 4
HOST_FAILURES_MAX = 12  # files in a row; then nothing more is asked of that host in this run
BACK_OFF_S, BACK_OFF_MAX_S = 1.0, 60.0
ASKED_WAIT_MAX_S = 300.0  # a host that asks for more is left alone in this run
POLL_S = 0.25

_BEGINS_BYTES = 512
_WAITING_MIN = 200

# (media type as the server says it, first bytes) -> the media type it is kept with. Raises OutboundError.
Judge = Callable[[str, bytes], str]


@dataclass
class Arriving:
    """A body on its way to `path`, written by the fetching thread and watched by the other. `declared_bytes` is 0 where
    the server does not say."""

    path: Path
    answered: bool = False
    declared_bytes: int = 0
    size_bytes: int = 0
    sha256: str = ""
    media_type: str = "application/octet-stream"

    def receive(self, door: Outbound, url: str, setting: str, fetches: Fetches, judge: Judge | None = None) -> None:
        """Raises as `Outbound.fetch_to` does, and what `judge` raises once the first bytes are there."""
        with door.open(url, setting=setting) as response:
            response.check_status()
            self.media_type = response.media_type
            self.declared_bytes = response.size_bytes or 0
            self.answered = True
            self.take(response.chunks(), fetches, judge)

    def take(self, chunks: Iterable[bytes], fetches: Fetches, judge: Judge | None = None) -> None:
        digest, begins = hashlib.sha256(), b""
        with self.path.open("wb") as file:
            for chunk in chunks:
                fetches.go_on()
                if judge is not None and len(begins) < _BEGINS_BYTES:
                    begins += chunk[: _BEGINS_BYTES - len(begins)]
                    if len(begins) == _BEGINS_BYTES:
                        self.media_type = judge(self.media_type, begins)
                self.size_bytes += len(chunk)
                digest.update(chunk)
                file.write(chunk)
        if judge is not None and len(begins) < _BEGINS_BYTES:
            self.media_type = judge(self.media_type, begins)
        self.sha256 = digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Got:
    """A body that is in the object store."""

    object: str
    size_bytes: int
    media_type: str


@dataclass
class Wanted:
    """`row` is the caller's; `fetch` runs in a thread of its own, and may run several times."""

    row: Any
    url: str
    fetch: Callable[[Fetches], Got]
    tries: int = 0

    @property
    def host(self) -> str:
        try:
            return urlsplit(self.url).netloc.lower()
        except ValueError:
            return ""


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of one: `got`, or a sentence why not."""

    wanted: Wanted
    got: Got | None = None
    error: str = ""


class Fetches:
    """What is under way. A thread that waits for another server cannot be broken off, but nobody has to wait for it: it
    ends when it next has something to do, or with the process."""

    def __init__(self) -> None:
        self.running = 0
        self._stopped = threading.Event()
        self._ended: queue.SimpleQueue[tuple[Any, Any, Exception | None]] = queue.SimpleQueue()

    def __enter__(self) -> Fetches:
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()

    def go_on(self) -> None:
        """For the threads: Cancelled once nobody waits for them any more."""
        if self._stopped.is_set():
            raise errors.Cancelled("The work was ended.")

    def start(self, what: Any, fetch: Callable[[Fetches], Any]) -> None:
        self.running += 1

        def work() -> None:
            try:
                self._ended.put((what, fetch(self), None))
            except Exception as error:
                self._ended.put((what, None, error))

        threading.Thread(target=work, name="chat-fetch", daemon=True).start()

    def wait(self, wait_s: float) -> Iterator[tuple[Any, Any]]:
        """(what, result or OutboundError or OverLimit) of those that ended, waiting for the first. Raises any other
        error."""
        while True:
            try:
                what, result, error = self._ended.get(timeout=wait_s)
            except queue.Empty:
                return
            self.running -= 1
            wait_s = 0.0
            if error is None:
                yield what, result
            elif isinstance(error, errors.OutboundError | errors.OverLimit):
                yield what, error
            elif isinstance(error, OSError) and errors.no_room(error):
                raise errors.StorageFull("There is no room left on the disk for what is fetched.") from error
            else:
                raise error


def go_on(attempt: Attempt) -> None:
    """For the handler's thread: Superseded when the process stops, Cancelled when the claim is lost."""
    if children.stopping.is_set():
        raise errors.Superseded("This process is stopping.", code="stopping")
    if attempt.cancelled():
        raise errors.Cancelled("The work was ended.")


@dataclass
class _Lane:
    """One host: what waits for it, how many fetches are under way, and when it may be asked again."""

    waiting: deque[Wanted] = field(default_factory=deque)
    running: int = 0
    not_before: float = 0.0
    failed_in_row: int = 0
    given_up: str = ""


class Lanes:
    """At most `THREADS` fetches at once and `HOST_THREADS` of one host. A host that asks to wait is waited for, and one
    that fails again and again is given up."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._lanes: dict[str, _Lane] = {}
        self._delayed: list[tuple[float, Wanted]] = []

    def run(self, more: Callable[[], Sequence[Wanted]], ended: Callable[[Sequence[Ended]], None]) -> bool:
        """Fetches all that `more` gives, a page each time and at last none, and tells in this thread what ended. False
        when the turn was over before all had: what was begun is brought to its end, what was not is left."""
        exhausted = turn_over = False
        asked_at = 0.0
        with Fetches() as fetches:
            while True:
                if time.monotonic() - asked_at > POLL_S:
                    asked_at = time.monotonic()
                    go_on(self._attempt)
                if not turn_over and time.monotonic() > self._attempt.ends_at:
                    turn_over = True
                    exhausted = exhausted and not self._leave_untried()
                while not turn_over and not exhausted and self._waiting() < _WAITING_MIN:
                    page = more()
                    exhausted = not page
                    for wanted in page:
                        self._lane(wanted).waiting.append(wanted)
                    # Else a host that is given up would be told of only when everything has been read.
                    if given_up := self._given_up():
                        ended(given_up)
                self._start(fetches)
                if not fetches.running and not self._waiting():
                    return exhausted
                over = [one for what, result in fetches.wait(self._idle_s()) for one in self._settle(what, result)]
                over += self._given_up()
                if over:
                    ended(over)

    def _lane(self, wanted: Wanted) -> _Lane:
        return self._lanes.setdefault(wanted.host, _Lane())

    def _waiting(self) -> int:
        return len(self._delayed) + sum(len(lane.waiting) for lane in self._lanes.values())

    def _leave_untried(self) -> bool:
        """Whether there were any."""
        left = False
        for lane in self._lanes.values():
            tried = [wanted for wanted in lane.waiting if wanted.tries]
            left = left or len(tried) < len(lane.waiting)
            lane.waiting = deque(tried)
        return left

    def _start(self, fetches: Fetches) -> None:
        now = time.monotonic()
        for moment, wanted in self._delayed:
            if moment <= now:
                self._lane(wanted).waiting.appendleft(wanted)
        self._delayed = [(moment, wanted) for moment, wanted in self._delayed if moment > now]
        for lane in self._lanes.values():
            while lane.waiting and lane.running < HOST_THREADS and fetches.running < THREADS and lane.not_before <= now:
                wanted = lane.waiting.popleft()
                wanted.tries += 1
                lane.running += 1
                fetches.start(wanted, wanted.fetch)

    def _idle_s(self) -> float:
        """How long nothing can begin, unless something ends."""
        now = time.monotonic()
        moments = [moment for moment, _ in self._delayed] + [lane.not_before for lane in self._lanes.values()]
        return min([POLL_S, *(moment - now for moment in moments if moment > now)])

    def _settle(self, wanted: Wanted, result: Got | errors.DouaneError) -> Iterator[Ended]:
        lane = self._lane(wanted)
        lane.running -= 1
        if isinstance(result, Got):
            lane.failed_in_row = 0
            yield Ended(wanted, result)
            return
        again = isinstance(result, errors.OutboundError) and result.again
        if not again:
            # It did answer.
            lane.failed_in_row = 0
            yield Ended(wanted, error=result.message)
            return
        wait_s = min(BACK_OFF_MAX_S, BACK_OFF_S * 2 ** (wanted.tries - 1))
        if isinstance(result, errors.UnexpectedStatus) and (result.status in (429, 503) or result.retry_after_s):
            wait_s = max(wait_s, result.retry_after_s or 0.0)
            lane.not_before = max(lane.not_before, time.monotonic() + min(wait_s, ASKED_WAIT_MAX_S))
        if wait_s > ASKED_WAIT_MAX_S:
            lane.given_up = f"{wanted.host} asks to wait {wait_s:.0f} seconds; try again later."
        if wanted.tries < TRIES and not lane.given_up:
            self._delayed.append((time.monotonic() + wait_s, wanted))
            return
        lane.failed_in_row += 1
        if lane.failed_in_row >= HOST_FAILURES_MAX and not lane.given_up:
            lane.given_up = f"{result.message} It was not asked for more."
        yield Ended(wanted, error=result.message)

    def _given_up(self) -> list[Ended]:
        over = []
        for host, lane in self._lanes.items():
            if lane.given_up:
                mine = [wanted for _, wanted in self._delayed if wanted.host == host]
                self._delayed = [(moment, wanted) for moment, wanted in self._delayed if wanted.host != host]
                over += [Ended(wanted, error=lane.given_up) for wanted in [*lane.waiting, *mine]]
                lane.waiting.clear()
        return over
