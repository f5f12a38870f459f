"""What every other package builds on: texts in two languages, errors, clock, settings, HTTP values and file readers.

It imports nothing from the rest of the project. Start with `errors.py` and `text.py`; files are found by `folders.py` and
read by `yaml_reader.py` and `json_reader.py` into a `documents.Document`, which knows the line of every value.
"""
