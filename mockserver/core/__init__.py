"""The foundation of all other packages: texts in two languages, errors, clock, settings, HTTP values and file readers.

Imports nothing from the rest of the project. Start reading at `errors.py` and `text.py`. `folders.py` finds the files;
`yaml_reader.py` and `json_reader.py` read them into a `documents.Document`, which has the line of every value.
"""
