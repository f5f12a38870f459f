"""Scenario files: load and check them, and match requests to their rules.

May import `faults` and lower layers; knows nothing of HTTP or of requests in flight. Start with `model.py`, then `loading.py`.
"""
