"""A signature that is somewhere else than in the query string: in the headers, the body, the path, or escaped as a whole."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from mockserver.core.http import Request
from mockserver.validation.mistakes import Diagnosis, tell

_TELLING = ("checksum", "curtime", "appkey")
"""Parameters that nothing else is named after."""
_SIGNS = re.compile(r"[-_.]")
_LOOKED_INTO = 65_536
_IN_TEXT = re.compile(
    r"(?:^|[\"'&{,?\s;]|%3F|%26)(checksum|curtime|appkey)[\"']?\s*(?:[=:]|%3D)", re.IGNORECASE
)


def find_signature(request: Request, given: Collection[str], values: Iterable[str] = ()) -> Diagnosis | None:
    """Where the signature is, when the query, which gives the parameters `given`, lacks a part of it; None: nowhere.

    `values` are theirs: where & was escaped and = was not, the other parameters are in one of them.
    """
    missing = {name for name in _TELLING if name not in given}
    if not missing:
        return None
    if any(name.startswith("amp;") or _stands(missing, name) for name in given) or any(
        _stands(missing, value[:_LOOKED_INTO]) for value in values
    ):
        return tell(["query_escaped"])
    if _stands(missing, request.path):
        return tell(["signature_in_path"])
    if missing.intersection(_SIGNS.sub("", name).removeprefix("x") for name in request.headers):
        return tell(["signature_in_headers"])
    if _stands(missing, request.body[:_LOOKED_INTO].decode("latin-1")):
        return tell(["signature_in_body"])
    return None


def _stands(names: Collection[str], text: str) -> bool:
    """Whether one of `names` has a value in the text, as in a query string or in JSON."""
    return any(found[1].lower() in names for found in _IN_TEXT.finditer(text))
