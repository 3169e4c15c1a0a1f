"""Adapters to what Douane is compared with: each reads the maker's file, does its job once and prints one JSON line.

They are written to be kind to the peer: no step it could leave out, its own fast path where it has one.
"""
