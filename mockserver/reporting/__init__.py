"""Reads the journal: verification, lints, retry analysis, coverage, and the report on all of them in several formats.

Does not depend on Flask or sockets; may import `engine` and the layers below it. Start with `report.py`, the model of a
report, then `render.py`, its formats.
"""
