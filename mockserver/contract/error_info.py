"""The ErrorInfo of a failure (§1.4): the text of its catalogue row, followed by the detail of this case.

The only place where an ErrorInfo is composed. To change a text, edit the row in `errors.yaml`; to leave the
details out, set `error_info` to `catalogue`. An explicit `info` of a fault or of a scenario's reply replaces
all of it.
"""

from __future__ import annotations

from typing import Literal

from mockserver.contract.catalogue import ErrorRow
from mockserver.core.text import Lang

ErrorInfoStyle = Literal["detailed", "catalogue"]


def compose_error_info(row: ErrorRow, detail: str, lang: Lang, style: ErrorInfoStyle = "detailed") -> str:
    """Return `TEXT: DETAIL` in style `detailed`, and the row's text alone in style `catalogue`."""
    text = row.text.to(lang)
    if style == "catalogue" or not detail:
        return text
    return f"{text}：{detail}" if lang == "zh" else f"{text}: {detail}"
