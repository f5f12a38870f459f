"""What clients get wrong about checksum and curtime: stable names, and how each is told in both languages.

Rows hold no values of a request and no credentials. What finds them is in `diagnosis` and `curtime`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mockserver.core.text import Text
from mockserver.validation.mistakes_hashed import HASHED
from mockserver.validation.mistakes_sent import SENT, UNEXPLAINED

__all__ = ["MISTAKES", "UNEXPLAINED", "Diagnosis", "tell"]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is wrong with a checksum or a curtime; no part of it holds a secret or a digest."""

    names: tuple[str, ...]
    """Stable names, rows of `MISTAKES`; several when mistakes come together."""
    text: Text
    """What it is and what to do, one line."""
    advice: Text
    """Only what to do."""

    @property
    def name(self) -> str:
        """The names in one word, joined by `+`."""
        return "+".join(self.names)

    @property
    def explained(self) -> bool:
        """Whether the cause was found, and not only the shape described."""
        return UNEXPLAINED not in self.names


@dataclass(frozen=True, slots=True)
class Mistake:
    """One kind of mistake: what it is, and the cure."""

    fault: Text
    cure: Text


MISTAKES: dict[str, Mistake] = {
    name: Mistake(Text(*fault), Text(*cure)) for name, (fault, cure) in {**HASHED, **SENT}.items()
}


def tell(names: Iterable[str], expression: str = "", **values: str | float) -> Diagnosis:
    """The diagnosis of `names`, led by the expression that gives the same digest when there is one.

    `values` fill the braces of the rows: formula, digits, hours, seconds.
    """
    names = tuple(dict.fromkeys(names))
    rows = [MISTAKES[name] for name in names]
    cures = dict.fromkeys(row.cure for row in rows)
    faults = Text(", ".join(row.fault.en for row in rows), "，".join(row.fault.zh for row in rows))
    advice = Text("; ".join(cure.en for cure in cures), "；".join(cure.zh for cure in cures))
    faults, advice = (
        Text(text.en.format_map(values), text.zh.format_map(values)) for text in (faults, advice)
    )
    lead = Text(f"matches {expression}: ", f"与 {expression} 相符：") if expression else Text("", "")
    text = Text(f"{lead.en}{faults.en}; {advice.en}", f"{lead.zh}{faults.zh}；{advice.zh}")
    return Diagnosis(names, text, advice)
