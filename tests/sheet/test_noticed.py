"""Notes on a file: a sentence says which note it is, with its values."""

from __future__ import annotations

import re

import pytest

from douane.sheet.noticed import _SENTENCES, KEYS, note, told

# As nasty as names of sheets and files may be, but for our own quotes, at which two names would be parted elsewhere.
NASTY = "A {count} 'B': 1 hidden row is left out. Line 3.\n</b>"


@pytest.mark.parametrize("key", KEYS)
def test_each_sentence_tells_its_note(key: str) -> None:
    places = set(re.findall(r"\{(\w+)\}", "".join(_SENTENCES[key]))) - {"count"}
    numbers = {place: 1_204 + at for at, place in enumerate(sorted(places)) if place.endswith("line")}
    texts = {place: f"{place} {NASTY}" for place in places - set(numbers)}
    # What has a text of a file in it has no lines behind.
    for count, lines in ((1, ()), (1, (7,)), (12_345, (7, 8, 9, 10, 1_111, 12)))[: 1 if texts else 3]:
        said = note(key, count=count, lines=lines, **numbers, **texts)
        counted = {"count": count if count == 1 or "{count}" in _SENTENCES[key][1] else 1}
        found = told(said)
        assert found is not None, said
        assert found.key == key
        assert found.values == {**counted, **numbers, **texts, **({"lines": list(lines[:5])} if lines else {})}


def test_what_is_no_note_of_ours_is_a_sentence_alone() -> None:
    assert told("The file was sung.") is None
    assert told("The file was sung. Line 7.") is None
