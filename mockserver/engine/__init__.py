"""The request pipeline and what it works on: configuration, per-app state, response cache and journal.

May import every package below it (`faults`, `scenarios`, `validation`, `world`, `contract`, `core`), and knows nothing of
HTTP servers. Start reading at `Engine.handle` in `pipeline.py`.
"""
