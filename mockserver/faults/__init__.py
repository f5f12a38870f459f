"""Faults: errors that are injected on purpose. Each file in `kinds/` is one kind; `plan.py` decides when faults fire.

Kinds describe an effect, and only the transport touches a socket. May import `validation`, `contract` and
`core`. Start with `base.py` (what a kind is), then read any kind; README.md is the reference for users.
"""
