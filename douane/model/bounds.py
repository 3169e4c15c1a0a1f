"""How large the values of a message or a kept document may be. What is decoded by a type from here needs no further
look at its size; the bounds are far above what we write ourselves."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

Count = Annotated[int, Meta(ge=0, le=1 << 53)]
Row = Annotated[int, Meta(ge=-1, le=1 << 53)]  # -1: no row of a file
Word = Annotated[str, Meta(max_length=200)]  # out of our own lists: a step, a rule, a stamp
Sentence = Annotated[str, Meta(max_length=4000)]
Line = Annotated[str, Meta(max_length=1 << 20)]  # what a person wrote, or a file says of itself
Text = Annotated[str, Meta(max_length=64 << 20)]  # a cell, a heading
