"""What users' tests import: `MockServer`, the handles on its apps, and the pytest plugin.

May import every package but `cli`; importing `plugin` alone stays cheap, since pytest loads it in every run. Start
reading at `app.py`, the handle that tests use.
"""
