"""Finds the fault kinds: every module in `kinds/` holds one, so adding a kind means adding one file."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from mockserver.core.suggestions import unknown
from mockserver.faults import kinds
from mockserver.faults.base import FAMILIES, ORDER, FaultError, Kind, message


def _find() -> Iterator[type[Kind]]:
    for found in pkgutil.iter_modules(kinds.__path__):
        module = importlib.import_module(f"{kinds.__name__}.{found.name}")
        (kind,) = (value for value in vars(module).values() if getattr(value, "kind", "") == found.name)
        yield kind


KINDS: Mapping[str, type[Kind]] = MappingProxyType(
    {kind.kind: kind for kind in sorted(_find(), key=lambda kind: (ORDER.index(kind.family), kind.kind))}
)  # All kinds by name, in the order of their families.


def kind_of(name: Any) -> type[Kind]:
    """Return the kind called `name`. Raise FaultError, with a suggestion, if there is none."""
    if name is None:
        raise FaultError(("fault",), message("no_kind", names=", ".join(KINDS)))
    if not isinstance(name, str) or name not in KINDS:
        raise FaultError(("fault",), unknown("fault", name, KINDS))
    return KINDS[name]


def rows() -> list[dict[str, Any]]:
    """Return a table row for every kind: name, family, texts, and the JSON Schema of its fields."""
    return [
        {
            "fault": name,
            "family": kind.family,
            "family_text": FAMILIES[kind.family]._asdict(),
            "text": kind.text._asdict(),
            "schema": kind.object_schema(),
        }
        for name, kind in KINDS.items()
    ]
