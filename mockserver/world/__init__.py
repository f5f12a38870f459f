"""The call log and its views: sessions of users in rooms, generated from a seed or recorded in a scenario.

May import `contract` (readings) and `core`; knows nothing of HTTP or scenario files. Start reading at `sessions.py`,
then `generated.py` (the source of the rows) and `views.py` (the answers of the operations).
"""
