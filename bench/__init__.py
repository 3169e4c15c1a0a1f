"""Repeatable measurements of Douane, with the peers it is compared with. Nothing here is imported by `douane/`.

`maker` makes data whose faults it knows, `measure` weighs a tree of processes, `run` compares and prints. See
`docs/bench.md`.
"""
