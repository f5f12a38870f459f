"""Sends requests to a real backend, the target, to check it (`verify`), learn its behavior (`learn`) or record it.

May import every package below `server`; the only package that imports urllib3. Start with `target.py`, the only module
that sends requests to a target, then `probing.py`.
"""
