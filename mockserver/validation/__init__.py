"""Checks a request against the contract and explains each violation: path, query, signature, body.

Each `check_*` function returns a list of violations; the engine calls them in the order of the document. May import
`core` and `contract`. Start reading at `signature.check_signature`; `diagnosis` explains a wrong checksum.
"""
