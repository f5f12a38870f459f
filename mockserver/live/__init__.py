"""Asks a real backend, the target: checks it against the contract (`verify`) and finds out how it reads the document (`learn`).

It may import every package below `server`, and only it may import urllib3. Start with `target.py`, the only module that sends
requests to a target, then `probing.py`.
"""
