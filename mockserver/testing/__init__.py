"""What users' tests import: `MockServer`, the handles for its apps, and the pytest plugin.

May import every package except `cli`. Importing `plugin` must stay cheap, because pytest loads it in every run. Start
reading at `app.py`, the handle that tests use.
"""
