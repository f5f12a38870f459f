"""The corpus of bad input: families of named cases with what each sends and the expected result.

A case says only what is different from a right request. `⟨x×5000⟩` in any text stands for 5,000 times x.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from mockserver.core.yaml_reader import read_yaml

FOLDER = Path(__file__).parents[1] / "corpus"
FAMILIES = ("json", "fields", "signatures", "overrides", "framing", "files", "schemas", "admin")
_TIMES = re.compile("⟨(.+?)×([0-9]+)⟩", re.DOTALL)

Case = dict[str, Any]


@cache
def family(name: str) -> dict[str, Case]:
    """The cases of a family by name."""
    cases: dict[str, Case] = read_yaml(FOLDER / f"{name}.yaml").value["cases"]
    return {title: _grown(case) for title, case in cases.items()}


def every() -> list[tuple[str, str]]:
    """Family and name of every case."""
    return [(name, title) for name in FAMILIES for title in family(name)]


def case_bytes(case: Case) -> bytes:
    """The bytes of a case given as `text`, `hex` or `fill`."""
    if "hex" in case:
        return bytes.fromhex(case["hex"])
    if "fill" in case:
        return case["fill"]["text"].encode() * case["fill"]["times"]
    return case["text"].encode()


def _grown(value: Any) -> Any:
    """The value with every ⟨x×n⟩ expanded."""
    if isinstance(value, str):
        return _TIMES.sub(lambda found: found[1] * int(found[2]), value)
    if isinstance(value, list):
        return [_grown(each) for each in value]
    if isinstance(value, dict):
        return {key: _grown(each) for key, each in value.items()}
    return value
