"""The answer parses, but is not the one that was agreed on."""

from __future__ import annotations

from dataclasses import dataclass

from mockserver.contract.envelope import encode_json
from mockserver.core.http import Response
from mockserver.core.text import Text
from mockserver.faults.base import Draw, FaultContext, PayloadKind
from mockserver.faults.drifts import DRIFTS, Spot, spots
from mockserver.faults.fields import choice, string
from mockserver.faults.payloads import decoded, with_body

_TRIES = 50


@dataclass(frozen=True, kw_only=True)
class ContractDrift(PayloadKind):
    """One seeded change to the answer, held against the response schema.

    The first six ways leave the schema for certain; the list ways stay inside it and are wrong all the same.
    """

    text = Text(
        "JSON, but a field is missing, null, renamed, added or of another type, or the rows are wrong",
        "JSON，但字段缺失、为 null、改名、多余、类型不同，或记录行不对",
    )
    how: str = choice("The change.", "改动方式。", *DRIFTS, default="drop_field")
    path: str | None = string(
        "JSON pointer to the field, object or list; * stands for any step. A seeded choice when left out.",
        "指向字段、对象或列表的 JSON 指针，* 代表任意一级；省略则按种子选择。",
        r"(?:/[^/]{1,100}){0,16}",
        500,
        None,
    )

    def corrupt(self, response: Response, context: FaultContext, draw: Draw) -> tuple[Response, str] | None:
        """The answer with one change; None when nothing in it can be changed so."""
        answer = decoded(response)
        if answer is None:
            return None
        drift = DRIFTS[self.how]
        validator = context.schemas.answer(context.operation, answer) if context.operation else None
        first = draw.below(1 << 32, "spot")
        for turn in range(_TRIES):
            # A change cannot be taken back: each try has an answer of its own.
            fresh = decoded(response) or {} if turn else answer
            fitting = [spot for spot in spots(fresh) if drift.fits(spot) and self._meant(spot)]
            if turn >= len(fitting):
                return None
            note = drift.act(fitting[(first + turn) % len(fitting)], draw)
            if validator is None or validator.accepts(fresh) is not drift.leaves:
                return with_body(response, encode_json(fresh)), note
        return None

    def _meant(self, spot: Spot) -> bool:
        if self.path is None:
            return True
        wanted = self.path.split("/")[1:]
        steps = spot.steps
        return len(wanted) == len(steps) and all(
            one == "*" or one.replace("~1", "/").replace("~0", "~") == step
            for one, step in zip(wanted, steps, strict=True)
        )
