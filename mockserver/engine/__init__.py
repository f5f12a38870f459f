"""The request pipeline and what it works on: configuration, per-app state, response cache and journal.

May import `faults`, `scenarios` and the layers below them; knows nothing of HTTP servers. Start reading at
`Engine.handle` in `pipeline.py`.
"""
