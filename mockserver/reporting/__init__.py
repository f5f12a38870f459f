"""Reads the journal: verification, lints, retry analysis, coverage, and the report on all of them in several formats.

Knows nothing of Flask or sockets; may import `engine` and the layers below it. Start reading at `report.py`, the model
of a report, then `formats.py`, which builds and renders it.
"""
