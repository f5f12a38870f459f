"""The call log and its views: sessions of users in rooms, generated from a seed or recorded in a scenario.

May import `contract` (readings) and `core`; knows nothing of HTTP or scenario files. Start with `sessions.py`, then
`generated.py` (where the rows come from) and `views.py` (what the operations return).
"""
