"""Where the values of a JSON text end, by its brackets alone: what is within them may still be no JSON."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from douane.sheet import native
from douane.sheet.native import objects

Places = npt.NDArray[np.int64]
_TURN = np.zeros(256, np.int8)
_TURN[[ord("{"), ord("[")]] = 1
_TURN[[ord("}"), ord("]")]] = -1


class Ends(NamedTuple):
    """Of a text that begins between values. `brackets`: how many are outside of strings; `depth`, `depth_max`: how many
    are open behind the last one, and at most; `closed`: behind the first one that ends what is around the values, 0 =
    there is none; `values`: how many end, `most_end`, `end`: behind the one that was asked for, and the last one."""

    brackets: int
    depth: int
    depth_max: int
    closed: int
    values: int
    most_end: int
    end: int


def ends(text: bytes, depth: int, most: int) -> Ends:
    """`depth` brackets are open around the values; `most`: which value's end is asked for, counted from 1."""
    kernel = native.kernel()
    if kernel is not None:
        found = objects.ends(kernel, text, depth, most)
        return Ends(*(getattr(found, name) for name in Ends._fields))
    places, depths = brackets(text, depth)
    if not len(places):
        return Ends(0, depth, depth, 0, 0, 0, 0)
    closing = np.flatnonzero(depths < depth)
    whole = np.flatnonzero((depths == depth) & (turns(text, places) < 0))
    return Ends(
        brackets=len(places),
        depth=int(depths[-1]),
        depth_max=int(depths.max()),
        closed=int(places[closing[0]]) + 1 if len(closing) else 0,
        values=len(whole),
        most_end=int(places[whole[most - 1]]) + 1 if len(whole) >= most else 0,
        end=int(places[whole[-1]]) + 1 if len(whole) else 0,
    )


def brackets(text: bytes, depth: int) -> tuple[Places, npt.NDArray[np.int64]]:
    """The brackets of `text` outside of strings, and how many are open behind each; `depth` are before the first."""
    signs = np.frombuffer(text, np.uint8)
    quotes = np.flatnonzero(signs == ord('"'))
    if b"\\" in text:
        quotes = quotes[~_escaped(signs, quotes)]
    places = np.flatnonzero(_TURN[signs])
    places = places[np.searchsorted(quotes, places) % 2 == 0]
    return places, depth + np.cumsum(_TURN[signs[places]], dtype=np.int64)


def turns(text: bytes, places: Places) -> npt.NDArray[np.int8]:
    """Of brackets: 1 where one opens, -1 where one closes."""
    found: npt.NDArray[np.int8] = _TURN[np.frombuffer(text, np.uint8)[places]]
    return found


def _escaped(signs: npt.NDArray[np.uint8], quotes: Places) -> npt.NDArray[np.bool_]:
    """Which quotes have an odd number of backslashes before them."""
    slashes = np.flatnonzero(signs == ord("\\"))
    first = np.concatenate(([True], np.diff(slashes) != 1))
    run_begins = slashes[first]
    number = np.searchsorted(run_begins, quotes) - 1
    before = quotes > 0
    before[before] = signs[quotes[before] - 1] == ord("\\")
    lengths = np.zeros(len(quotes), np.int64)
    lengths[before] = quotes[before] - run_begins[number[before]]
    odd: npt.NDArray[np.bool_] = lengths % 2 == 1
    return odd
