"""The mistakes that clients make in checksum and curtime: the rows of `mistakes.yaml`.

`diagnosis`, `curtime` and `query` find out which rows apply. Their names appear in the journal as `diagnosis`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mockserver.core.text import Text
from mockserver.core.yaml_reader import read_texts


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is wrong with a checksum or a curtime. Contains no secret and no digest."""

    names: tuple[str, ...]  # Rows of `MISTAKES`; several when mistakes are combined.
    text: Text  # What is wrong and what to do, in one line.

    @property
    def name(self) -> str:
        """The names joined by `+`."""
        return "+".join(self.names)


MISTAKES: dict[str, dict[str, Text]] = read_texts(Path(__file__).with_name("mistakes.yaml"))
"""What is wrong, `text`, and what to do about it, `advice`."""


def make_diagnosis(names: Iterable[str], expression: str = "", **values: object) -> Diagnosis:
    """Return the diagnosis of `names`; `expression` is what gives the same digest, if that was found.

    `values` fill the placeholders of the rows.
    """
    names = tuple(dict.fromkeys(names))
    problems = [MISTAKES[name]["text"] for name in names]
    advice = dict.fromkeys(MISTAKES[name]["advice"] for name in names)
    text = Text(
        f"{', '.join(problem.en for problem in problems)}; {'; '.join(each.en for each in advice)}",
        f"{'，'.join(problem.zh for problem in problems)}；{'；'.join(each.zh for each in advice)}",
    ).format(**values)
    if expression:
        text = Text(f"matches {expression}: {text.en}", f"与 {expression} 相符：{text.zh}")
    return Diagnosis(names, text)
