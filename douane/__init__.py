"""Douane: the customs house for other people's files. `docs/house.md` is the map."""

__version__ = "0.1.0"
