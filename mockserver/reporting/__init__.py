"""Reads the journal: near misses, verification, lints, the judge, coverage, and the report of them all.

Takes entries and gives plain values; knows nothing of Flask, of sockets, of the engine, or of any file but
the judge's rules.
"""
