"""Scenario files: load and check them, and match requests to their rules.

May import `faults` and lower layers; does not depend on HTTP or the engine. Start with `model.py`, then `loading.py`.
"""
