"""The request log: one line per failed or invalid request, or per request. Contains no secrets.

Writes to the standard library's logging; where the lines go is configured elsewhere.
"""

from __future__ import annotations

import logging
from typing import Literal

from mockserver.contract.violations import mask_checksums, shorten
from mockserver.core.text import Lang
from mockserver.engine.journal_entry import JournalEntry

log = logging.getLogger("mockserver.requests")
log.addHandler(logging.NullHandler())

Which = Literal["failures", "all", "none"]
_MAX_DETAIL = 400  # Characters of the violations of one request.


class RequestLog:
    """Logs requests after they have been answered."""

    def __init__(self, which: Which = "failures", lang: Lang = "en") -> None:
        self._which, self._lang = which, lang

    def write(self, entry: JournalEntry) -> None:
        """Log a request if `which` includes it: as WARNING if it failed or has violations, else as INFO."""
        failed = bool(entry.error or entry.violations)
        if entry.kind == "stray":
            # Among strays, only a refused preflight is worth a warning.
            failed = failed and entry.method == "OPTIONS"
        if self._which == "none" or not (failed or self._which == "all"):
            return
        level = logging.WARNING if failed else logging.INFO
        if log.isEnabledFor(level):
            log.log(level, "%s", self._line(entry), extra={"request": self._fields(entry)})

    def _line(self, entry: JournalEntry) -> str:
        """`00000012 POST query_room_info room_not_found by world 0.4 ms app 1234: unknown_field: roomid is not …`"""
        parts = [
            entry.id,
            shorten(entry.method),
            entry.operation or shorten(mask_checksums(entry.path)),
            entry.error or "ok",
            f"by {shorten(entry.by)}",
            f"{entry.seconds * 1000:.1f} ms",
        ]
        parts += ["stray"] if entry.kind == "stray" else []
        parts += [f"app {entry.appkey}"] if entry.appkey else []
        parts += [f"faults {','.join(entry.faults)}"] if entry.faults else []
        details = [
            # Omit a name that the line already has as its error.
            ("" if found.name == entry.error else f"{found.name}: ") + found.text.to(self._lang)
            for found in entry.violations
        ]
        detail = "; ".join(details) or entry.detail
        return " ".join(parts) + (f": {shorten(detail, _MAX_DETAIL)}" if detail else "")

    def _fields(self, entry: JournalEntry) -> dict[str, object]:
        """Return the same data as fields for JSON logs."""
        return {
            "id": entry.id,
            "appkey": entry.appkey,
            "operation": entry.operation,
            "method": shorten(entry.method),
            "path": shorten(mask_checksums(entry.path), 200),
            "error": entry.error,
            "by": entry.by,
            "faults": list(entry.faults),
            "violations": [found.name for found in entry.violations],
            "diagnoses": [found.diagnosis for found in entry.violations if found.diagnosis],
            "seconds": round(entry.seconds, 6),
        }
