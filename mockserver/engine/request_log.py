"""The log of requests: a line for each that failed or left the contract, or for all; nothing secret in it.

Knows notes and the standard library's logging; what is done with the lines is decided by whoever set that up.
"""

from __future__ import annotations

import logging
from typing import Literal

from mockserver.contract.violations import mask_checksums, shorten
from mockserver.core.text import Lang
from mockserver.engine.journal_entry import Note

log = logging.getLogger("mockserver.requests")
log.addHandler(logging.NullHandler())

Which = Literal["failures", "all", "none"]
_MOST = 400
"""Characters of what is told about one request."""


class RequestLog:
    """Writes a line about a request when it was answered."""

    def __init__(self, which: Which = "failures", lang: Lang = "en") -> None:
        self._which, self._lang = which, lang

    def tell(self, note: Note) -> None:
        """Log the request, if such are logged: WARNING when it failed or left the contract, INFO otherwise."""
        failed = bool(note.error or note.violations)
        if self._which == "none" or not (failed or self._which == "all"):
            return
        level = logging.WARNING if failed else logging.INFO
        if log.isEnabledFor(level):
            log.log(level, "%s", self._line(note), extra={"request": self._facts(note)})

    def _line(self, note: Note) -> str:
        """`00000012 POST query_room_info room_not_found by world 0.4 ms app 1234: unknown_field: roomid is not …`"""
        request = note.request
        parts = [
            note.id,
            shorten(request.method),
            note.operation or shorten(mask_checksums(request.path)),
            note.error or "ok",
            f"by {shorten(note.by)}",
            f"{note.seconds * 1000:.1f} ms",
        ]
        parts += [f"app {note.appkey}"] if note.appkey else []
        parts += [f"faults {','.join(note.faults)}"] if note.faults else []
        told = "; ".join(f"{one.name}: {one.text.to(self._lang)}" for one in note.violations)
        return " ".join(parts) + (f": {shorten(told, _MOST)}" if told else "")

    def _facts(self, note: Note) -> dict[str, object]:
        """The same for a log of JSON lines."""
        return {
            "id": note.id,
            "appkey": note.appkey,
            "operation": note.operation,
            "method": shorten(note.request.method),
            "path": shorten(mask_checksums(note.request.path), 200),
            "error": note.error,
            "by": note.by,
            "faults": list(note.faults),
            "violations": [one.name for one in note.violations],
            "diagnoses": [one.diagnosis for one in note.violations if one.diagnosis],
            "seconds": round(note.seconds, 6),
        }
