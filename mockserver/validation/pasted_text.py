"""Reads the request in a pasted text of any form, for `mockserver explain` and the console's signature workbench."""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterable

from mockserver.contract.violations import Violation
from mockserver.core.http import Request, header_text
from mockserver.core.text import Text
from mockserver.validation.curl_command import is_curl, read_curl
from mockserver.validation.pasted_request import PastedRequest, find_url, message, read_journal_entry, read_raw_http


def read_request(text: str) -> PastedRequest:
    """Return the request in a pasted text; raise ConfigurationError when there is none."""
    found = read_curl(text) if is_curl(text) else read_journal_entry(text) or read_raw_http(text) or find_url(text)
    found.split_target()
    return found


def as_received(pasted: PastedRequest) -> Request:
    """Return the request as a server receives it. Missing parts are as in a request without mistakes."""
    method = pasted.method or "POST"
    return Request(
        # Do not change anything that is not a method: it may be a secret, which is masked by its exact text.
        method.upper() if method.isalpha() and len(method) <= 10 else method,
        urllib.parse.unquote(pasted.path or "", errors="replace"),
        header_text(pasted.query),
        {"content-type": "application/json"} if pasted.headers is None else pasted.headers,
        b"{}" if pasted.body is None else pasted.body,
    )


def relevant(pasted: PastedRequest, violations: Iterable[Violation], no_body: Text) -> list[Violation]:
    """Return the violations in the parts that the text contains. Add a note if the body could not be checked."""
    violations = list(violations)
    if pasted.body is None:
        pasted.notes.append(no_body)
    elif pasted.path is None or any(violation.name == "unknown_path" for violation in violations):
        pasted.notes.append(message("no_operation"))
    hidden: tuple[str, ...] = ("body:",) if pasted.body is None or pasted.path is None else ()
    hidden += ("path",) if pasted.path is None else ()
    hidden += ("query:checksum",) if pasted.checksum_rows is not None else ()
    return [violation for violation in violations if not violation.where.startswith(hidden)]
