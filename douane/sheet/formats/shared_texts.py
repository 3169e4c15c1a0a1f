"""A workbook's shared texts, kept packed: millions of them fit, and any of them can be taken by number.

Programs number texts by first appearance, so the rows of a batch use the newest numbers and a few old ones: of the
packed runs only those in use are unpacked, and the last few stay so.
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
_UNPACKED_RUNS = 4
_VIEW_BYTES = 16


class SharedTexts:
    """`sizes`: uint32, the bytes of each text. `take` may be called from any thread."""

    def __init__(self, texts: Iterable[pl.Series], bytes_max: int) -> None:
        """Packs runs of texts as they come. OverLimit `entry_bytes` when all together pass `bytes_max`."""
        self._packed: list[bytes] = []
        self._unpacked: OrderedDict[int, pl.Series] = OrderedDict()
        self._lock = Lock()
        sizes: list[npt.NDArray[np.uint32]] = []
        waiting: list[pl.Series] = []
        count = total = 0
        for some in texts:
            size = some.str.len_bytes().to_numpy()
            sizes.append(size)
            total += int(size.sum()) + _VIEW_BYTES * len(size)
            if total > bytes_max:
                raise OverLimit(f"The shared texts are longer than {bytes_max:,} bytes.", setting="entry_bytes")
            waiting.append(some)
            count += len(some)
            while count >= _RUN:
                joined = pl.concat(waiting)
                self._pack(joined.head(_RUN))
                waiting, count = [joined.slice(_RUN)], count - _RUN
        if count:
            self._pack(pl.concat(waiting))
        self.sizes: npt.NDArray[np.uint32] = np.concatenate([np.zeros(0, np.uint32), *sizes])

    def __len__(self) -> int:
        return len(self.sizes)

    def take(self, numbers: npt.NDArray[np.int64]) -> pl.Series:
        """The texts of these numbers, all of which must be there."""
        runs = numbers // _RUN
        used = np.flatnonzero(np.bincount(runs, minlength=1))
        if len(used) == 1:
            return self._run(int(used[0])).gather(numbers % _RUN)
        # One run at a time: many may be in use, and only what is asked of them stays.
        order = np.argsort(runs, kind="stable")
        ends = np.searchsorted(runs[order], used, side="right")
        parts, begin = [], 0
        for run, end in zip(used, ends, strict=True):
            some = self._run(int(run)).gather(numbers[order[begin:end]] % _RUN)
            # Gathered texts hold on to the whole run; copies of a few do not.
            parts.append(some if end - begin > _RUN // 8 else pl.Series(some.to_list(), dtype=pl.String))
            begin = end
        place = np.empty(len(numbers), np.uint32)
        place[order] = np.arange(len(numbers))
        return pl.concat(parts).gather(place)

    def _pack(self, texts: pl.Series) -> None:
        out = io.BytesIO()
        texts.alias("texts").to_frame().write_ipc_stream(out, compression="zstd", compat_level=pl.CompatLevel.oldest())
        self._packed.append(out.getvalue())

    def _run(self, number: int) -> pl.Series:
        with self._lock:
            texts = self._unpacked.pop(number, None)
            if texts is None:
                texts = pl.read_ipc_stream(io.BytesIO(self._packed[number]))["texts"]
            self._unpacked[number] = texts
            if len(self._unpacked) > _UNPACKED_RUNS:
                self._unpacked.popitem(last=False)
        return texts
