"""The API as data: operations, schemas, errors, retry rules, readings, violations, signature, envelope, timestamps.

Imports only `core`. Start reading at `operations.py`. `schemas.py` compiles the files in `schemas/`, and
`violations.yaml` lists everything that can be wrong with a request.
"""
