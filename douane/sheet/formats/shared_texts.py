"""A workbook's shared texts, kept packed: millions of them fit, and any of them can be taken by number.

Programs number texts by first appearance, so the rows of a batch use the newest numbers and a few old ones: the runs
used last are at hand, and one is packed when it has to make room. A workbook of some hundred thousand short texts is
never packed.
"""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Iterable
from threading import Lock

import numpy as np
import numpy.typing as npt
import polars as pl

from douane.errors import OverLimit

_RUN = 1 << 16  # texts packed together
_FEW_RUNS = 4  # which may stand beside a batch as they are
_ALL = 1 << 62
_UNPACKED_RUNS, _UNPACKED_BYTES = 12, 64 << 20  # so many at most, and two at least
_UNPACKED_OF_MANY = 4  # where there are more runs than that: the old ones that a batch uses differ from batch to batch
_VIEW_BYTES = 16


class SharedTexts:
    """The texts in the order of their numbers. `take` may be called from any thread."""

    def __init__(self, texts: Iterable[pl.Series], bytes_max: int, *, lazily: bool = False) -> None:
        """Keeps runs of texts as they come; `lazily`: only as far as they are asked for, so that the first rows do not
        wait for millions of texts. OverLimit `entry_bytes` when all together pass `bytes_max`."""
        self._texts = iter(texts)
        self._ended = False
        self._bytes_max = bytes_max
        self._bytes = 0
        self._packed: list[bytes] = []  # of whole runs; b"" for one that was not packed yet
        self._run_bytes: list[int] = []
        self._waiting: list[pl.Series] = []  # those behind the whole runs
        self._unpacked: OrderedDict[int, pl.Series] = OrderedDict()
        self._unpacked_bytes = 0
        self._lock = Lock()
        self._count = 0
        self._sizes: npt.NDArray[np.uint16] | npt.NDArray[np.uint32] = np.zeros(1024, np.uint16)
        if not lazily:
            self._read(_ALL)

    def __len__(self) -> int:
        self._read(_ALL)
        return self._count

    def known(self, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Which of these numbers, none below 0, have a text. Reads on to the greatest of them: as all that reads, to be
        called by the thread alone that reads the file."""
        if len(numbers):
            self._read(int(numbers.max()) + 1)
        return numbers < self._count

    def sizes_of(self, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The bytes of the texts of these numbers, 0 where there is none. Reads on as `known` does."""
        known = self.known(numbers)
        return np.where(known, self._sizes[np.where(known, numbers, 0)], 0).astype(np.int64)

    @property
    def sizes(self) -> npt.NDArray[np.uint16] | npt.NDArray[np.uint32]:
        """The bytes of each text that was read."""
        return self._sizes[: self._count]

    def _read(self, count: int) -> None:
        """On to `count` texts, or to the end."""
        while self._count < count and not self._ended:
            some = next(self._texts, None)
            if some is None:
                self._ended = True
                return
            size = some.str.len_bytes().to_numpy()
            self._bytes += int(size.sum()) + _VIEW_BYTES * len(size)
            if self._bytes > self._bytes_max:
                raise OverLimit(f"The shared texts are longer than {self._bytes_max:,} bytes.", setting="entry_bytes")
            self._note(size)
            with self._lock:
                waiting = [*self._waiting, some]
                behind = sum(map(len, waiting))
                while behind >= _RUN:
                    joined = pl.concat(waiting)
                    self._packed.append(b"")
                    self._run_bytes.append(self._bytes_between(len(self._run_bytes) * _RUN))
                    self._keep(len(self._packed) - 1, joined.head(_RUN))
                    waiting, behind = [joined.slice(_RUN)], behind - _RUN
                self._waiting = waiting

    def _note(self, size: npt.NDArray[np.uint32]) -> None:
        wide = len(size) > 0 and int(size.max()) > 0xFFFF and self._sizes.dtype == np.uint16
        if wide or self._count + len(size) > len(self._sizes):
            room = max(len(self._sizes) * 3 // 2, self._count + len(size))
            more = np.zeros(room, np.uint32 if wide else self._sizes.dtype)
            more[: self._count] = self._sizes[: self._count]
            self._sizes = more
        self._sizes[self._count : self._count + len(size)] = size
        self._count += len(size)

    def take(self, numbers: npt.NDArray[np.int64]) -> pl.Series:
        """The texts of these numbers, all of which must be there."""
        texts, places = self.among(numbers)
        return pl.concat(texts).gather(places)

    def among(
        self, numbers: npt.NDArray[np.int64], *, copied: bool = False
    ) -> tuple[list[pl.Series], npt.NDArray[np.int64]]:
        """(some texts, where among them all those of these numbers are, which must be there). `copied`: who asks copies
        what it takes and holds on to none of them."""
        runs = numbers // _RUN
        used = np.flatnonzero(np.bincount(runs, minlength=1))
        if len(used) == 1:
            return [self._run(int(used[0]))], numbers % _RUN
        unpacked = len(self._packed) <= _UNPACKED_RUNS and self._bytes <= _UNPACKED_BYTES
        if len(used) <= _FEW_RUNS or (copied and unpacked):
            few = [self._run(run) for run in used.tolist()]
            begins = np.zeros(int(used[-1]) + 1 if len(used) else 1, np.int64)
            begins[used] = np.cumsum([0, *map(len, few)])[:-1] - used * _RUN
            return few, numbers + begins[runs]
        # One run at a time: many may be in use, and only what is asked of them stays.
        order = np.argsort(runs.astype(np.uint16), kind="stable")
        ends = np.cumsum(np.bincount(runs)[used])
        parts: list[pl.Series] = []
        places = np.empty(len(numbers), np.int64)
        begin = before = 0
        for i, run in enumerate(used.tolist()):
            texts = self._run(run)
            these, begin = order[begin : ends[i]], int(ends[i])
            inside = numbers[these] % _RUN
            if len(these) <= _RUN // 8:
                # Gathered texts hold on to the whole run; copies do not.
                texts, inside = pl.Series(texts.gather(inside).to_list(), dtype=pl.String), np.arange(len(these))
            places[these] = before + inside
            parts.append(texts)
            before += len(texts)
        return parts, places

    def _bytes_between(self, first: int) -> int:
        return int(self._sizes[first : first + _RUN].sum(dtype=np.int64)) + _VIEW_BYTES * _RUN

    def _keep(self, number: int, texts: pl.Series) -> None:
        """As the run used last. Others make room for it."""
        if number not in self._unpacked:
            self._unpacked_bytes += self._run_bytes[number]
        self._unpacked[number] = texts
        self._unpacked.move_to_end(number)
        most = _UNPACKED_RUNS if len(self._packed) <= _UNPACKED_RUNS else _UNPACKED_OF_MANY
        while len(self._unpacked) > 2 and (len(self._unpacked) > most or self._unpacked_bytes > _UNPACKED_BYTES):
            oldest, gone = self._unpacked.popitem(last=False)
            self._unpacked_bytes -= self._run_bytes[oldest]
            self._packed[oldest] = self._packed[oldest] or _packed(gone)

    def _run(self, number: int) -> pl.Series:
        with self._lock:
            if number == len(self._packed):
                # Those that are no whole run yet, or the last texts of all.
                self._waiting = [pl.concat(self._waiting)]
                return self._waiting[0]
            texts = self._unpacked.get(number)
            if texts is None:
                texts = pl.read_ipc_stream(io.BytesIO(self._packed[number]))["texts"]
            self._keep(number, texts)
        return texts


def _packed(texts: pl.Series) -> bytes:
    out = io.BytesIO()
    texts.alias("texts").to_frame().write_ipc_stream(out, compression="zstd", compat_level=pl.CompatLevel.oldest())
    return out.getvalue()
