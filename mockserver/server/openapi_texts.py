"""The texts of the OpenAPI document and of the request collections, in both languages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mockserver.contract.readings import READINGS, Readings
from mockserver.core.text import Text
from mockserver.core.yaml_reader import read_texts

TEXTS: Any = read_texts(Path(__file__).with_name("openapi_texts.yaml"))
HEADERS: dict[str, Text] = TEXTS["headers"]
TAGS = {number: (tag["name"], tag["text"]) for number, tag in TEXTS["tags"].items()}
"""Tag and description by the first number of an operation's section."""
_FORMULAS = {
    "v2": ("appsecret + restapikey + curtime",),
    "v1": ("appsecret + curtime",),
    "either": ("appsecret + restapikey + curtime", "appsecret + curtime"),
}  # The text to hash, by the reading `signing`.
PARAMETER_READINGS = {
    "curtime": ("curtime", "freshness_seconds"),
    "checksum": ("signing", "checksum_reuse"),
    "seq": ("seq",),
    "identifier": ("identifier",),
}  # The readings that concern one parameter.
COMMON_READINGS = ("strictness", "paths", "http_status")  # The readings that concern every call.


def formulas(readings: Readings) -> tuple[str, ...]:
    """Return the formulas that the reading `signing` allows, the usual one first; v2 if signatures are not checked."""
    return _FORMULAS.get(readings["signing"], _FORMULAS["v2"])


def signature(readings: Readings) -> Text:
    """Return a description of how to sign a request under these readings (§1.1.2)."""
    if readings["signing"] == "off":
        return fill("unsigned")
    quoted = [f"`{formula}`" for formula in formulas(readings)]
    once = Text(", and only once", "，且只能使用一次") if readings["checksum_reuse"] == "once" else Text("", "")
    seconds, joined = readings["freshness_seconds"], Text(" or ".join(quoted), " 或 ".join(quoted))
    return fill("signature", formulas=joined, seconds=seconds, times=once)


def fill(name: str, **values: object) -> Text:
    """Return a text of the YAML file with its placeholders filled."""
    text: Text = TEXTS[name]
    return text.format(**values)


def description(readings: Readings) -> Text:
    """Return the description of the API under these readings."""
    text = fill("description", signature=signature(readings), http=TEXTS["http"][readings["http_status"]])
    return with_readings(text, COMMON_READINGS, readings)


def with_readings(text: Text, names: tuple[str, ...], readings: Readings) -> Text:
    """Return `text` followed by a list of readings with their values and reasons."""
    if not names:
        return text
    lists = (
        "".join(f"\n- `{name}={readings[name]}`: {READINGS[name].why[index]}" for name in names) for index in (0, 1)
    )
    return Text(*(f"{part}\n{items}" for part, items in zip(text, lists, strict=True)))


def readings_of(section: str) -> tuple[str, ...]:
    """Return the readings that concern the operation of a section: `3.1` includes those of §3.1.4."""
    return tuple(
        name
        for name, reading in READINGS.items()
        if any(part.startswith(section) for part in reading.section.split(", "))
    )
