"""The API as data: operations, schemas, error catalogue, retry rules, readings, violations, signature, envelope, timestamps.

It imports only `core`. Start with `operations.py`; `schemas.py` compiles the files of `schemas/`, and `violations.yaml` lists
everything that can be wrong with a request.
"""
