"""Finds the fault kinds: every module in `kinds/` holds one. A new kind is a new file and nothing else."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from mockserver.core.text import Text
from mockserver.faults import kinds
from mockserver.faults.base import FAMILIES, Kind
from mockserver.faults.fields import specs


def _find() -> Iterator[type[Kind]]:
    for found in pkgutil.iter_modules(kinds.__path__, f"{kinds.__name__}."):
        module = importlib.import_module(found.name)
        here = [
            one
            for one in vars(module).values()
            # Python 3.10 takes list[int] for an instance of type.
            if issubclass(type(one), type) and issubclass(one, Kind) and one.__module__ == found.name
        ]
        if len(here) != 1:
            raise TypeError(f"{found.name} must hold one fault kind, not {len(here)}")
        specs(here[0])
        yield here[0]


KINDS: Mapping[str, type[Kind]] = MappingProxyType(
    {kind.kind: kind for kind in sorted(_find(), key=lambda kind: (FAMILIES.index(kind.family), kind.kind))}
)
"""All kinds by name, family by family in the order in which they act."""

FAMILY_TEXTS: Mapping[str, Text] = MappingProxyType(
    {
        "checksum": Text("the signature is refused", "签名被拒绝"),
        "api": Text("a business error in an HTTP 200", "HTTP 200 中的业务错误"),
        "payload": Text("the backend's answer is wrong", "后端应答有误"),
        "gateway": Text("something in front of the backend answers", "由后端之前的网关作答"),
        "time": Text("the answer takes long", "应答缓慢"),
        "connection": Text("the connection or its framing breaks", "连接或帧结构损坏"),
    }
)
