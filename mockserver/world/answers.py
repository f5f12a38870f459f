"""The value that a view returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """A view's answer before it is encoded: the fields after the envelope, in the document's order."""

    fields: dict[str, Any]
    settled_from: int | None = None
    """The fields are the same at every now ≥ this second; None: they depend on the very second asked."""
