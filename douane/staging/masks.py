"""Masks: what was found wrong with each row of a part, and where the row belongs.

One file per part and review: a state byte per row (valid, invalid, gone, forgotten), then `words` 64-bit words per row,
one bit per failed rule. Lists need no files of their own: the rows of a view are where the state says so (50 us for a
part), and the manifest's counts say which part holds the page. Layout, little-endian:

    0 magic b"DMSK"   4 layout version u32   8 rows u32   12 words u32
    16 state u8[rows], padded to 8   then mask u64[rows, words]

Hash files hold the seeded key hashes for the uniqueness rules: u64[rules, rows], nothing else.
"""

from __future__ import annotations

import mmap
import struct
import threading
import time
from collections import OrderedDict
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from douane.values import dataclass

LAYOUT_VERSION = 1
# GONE: a heading or preamble record, or a row deleted in review. FORGOTTEN: an accepted row whose cells are no more; it
# keeps its place in feeds alone, so that the places of others stay.
VALID, INVALID, GONE, FORGOTTEN = 0, 1, 2, 3

View = Literal["all", "valid", "invalid"]
Wider = Literal[View, "accepted"]  # accepted: what a feed has, forgotten rows among it
Placed = Literal[Wider, "placed"]  # placed: all that were confirmed, forgotten rows among them

_HEAD = struct.Struct("<4sIII")
_LOOK_S = 1.0  # between two looks whether the files of what is remembered are there still
Words = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Mask:
    """`state` u8[rows], `words` u64[rows, words]; from `read_mask` they are views of the mapped file."""

    state: npt.NDArray[np.uint8]
    words: Words

    @property
    def valid(self) -> int:
        return int(np.count_nonzero(self.state == VALID))

    @property
    def invalid(self) -> int:
        return int(np.count_nonzero(self.state == INVALID))


def judge_state(words: Words, invalid_words: Words, gone: npt.NDArray[np.bool_] | None = None) -> Mask:
    """Rows with a bit of `invalid_words` set are invalid; `gone` rows hold no verdict at all."""
    if words.shape[1] == 1:
        state = ((words[:, 0] & invalid_words[0]) != 0).astype(np.uint8)
    else:
        state = ((words & invalid_words) != 0).any(axis=1).astype(np.uint8)
    if gone is not None and gone.any():
        words = words.copy()
        words[gone] = 0
        state[gone] = GONE
    return Mask(state, words)


def mask_bytes(mask: Mask) -> bytes:
    rows, words = mask.words.shape
    head = _HEAD.pack(b"DMSK", LAYOUT_VERSION, rows, words)
    return b"".join([head, mask.state.tobytes(), b"\0" * (-rows % 8), np.ascontiguousarray(mask.words).tobytes()])


def write_mask(mask: Mask, path: Path) -> None:
    path.write_bytes(mask_bytes(mask))


def read_mask(path: Path) -> Mask:
    """Maps the file; nothing is read until it is used. By hand, for `np.memmap` resolves the path at every call, and a
    page of a sparse view opens a dozen masks."""
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    magic, layout, rows, words = _HEAD.unpack_from(mapped)
    if magic != b"DMSK" or layout != LAYOUT_VERSION:
        raise ValueError(f"{path.name} is no mask of layout {LAYOUT_VERSION}")
    if rows == 0:
        return Mask(np.zeros(0, np.uint8), np.zeros((0, words), np.uint64))
    state = np.frombuffer(mapped, np.uint8, rows, _HEAD.size)
    body = np.frombuffer(mapped, np.uint64, rows * words, _HEAD.size + rows + (-rows % 8))
    return Mask(state, body.reshape(rows, words))


class Masks:
    """The masks that were read last, up to `most`, as they were mapped: to open one costs a page as much as to find its
    rows in it. A file of masks never changes, but those of deleted ones are let go of."""

    def __init__(self, most: int) -> None:
        self._lock = threading.Lock()
        self._most = most
        self._kept: OrderedDict[Path, Mask] = OrderedDict()
        self._looked_at = 0.0

    def read(self, path: Path) -> Mask:
        """As `read_mask`."""
        with self._lock:
            if (held := self._kept.get(path)) is not None:
                self._kept.move_to_end(path)
                return held
        mask = read_mask(path)
        if time.monotonic() - self._looked_at > _LOOK_S:  # another process may have deleted them
            self._looked_at = time.monotonic()
            self.drop_deleted()
        with self._lock:
            self._kept[path] = mask
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return mask

    def drop_deleted(self) -> None:
        """Lets go of the masks of files that are no more."""
        with self._lock:
            for path in [path for path in self._kept if not path.exists()]:
                del self._kept[path]


def view_offsets(state: npt.NDArray[np.uint8], view: Placed) -> npt.NDArray[np.int64]:
    """The offsets within the part of the rows that belong to a view, ascending."""
    if view == "all":
        return np.flatnonzero(state < GONE)
    if view == "placed":
        return np.flatnonzero(state != GONE)
    if view == "accepted":
        return np.flatnonzero((state == VALID) | (state == FORGOTTEN))
    return np.flatnonzero(state == (VALID if view == "valid" else INVALID))


def write_hashes(hashes: Words, path: Path) -> None:
    """`hashes` u64[rows, rules], kept rule by rule so that one rule is one run."""
    path.write_bytes(np.ascontiguousarray(hashes.T).tobytes())


def read_hashes(path: Path, rules: int) -> Words:
    """u64[rules, rows], mapped."""
    if path.stat().st_size == 0:
        return np.zeros((rules, 0), np.uint64)
    flat = np.memmap(path, np.uint64, "r")
    return flat.reshape(rules, -1)
