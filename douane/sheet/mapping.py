"""Which heading is which column."""

from __future__ import annotations

from dataclasses import dataclass

from douane.model.template import Template


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the fields of a record stand in a frame.

    `fields`: one key per position of the frame: the mapped column's key, an unmapped heading's own text (made different
    from every column key and from each other), or "" for a cell that is no field (heading `_`). Template columns that
    no heading feeds follow after `width`, so that an edit can still give them a value: `columns[i]` is the position of
    template column i, and `columns[i] >= width` means the file has no cell for it. Frames may lack such columns: absent.
    """

    fields: tuple[str, ...]
    columns: tuple[int, ...]
    width: int

    def position(self, key: str) -> int | None:
        raise NotImplementedError


def propose(template: Template, headings: tuple[str, ...]) -> tuple[int | None, ...]:
    """Per column the heading position that fits best, each heading used once: exact key, name, alternates, containment
    (contract 6, OURS)."""
    raise NotImplementedError


def layout(template: Template, headings: tuple[str, ...], chosen: tuple[int | None, ...]) -> Layout:
    raise NotImplementedError
