"""The answer is JSON in an encoding that is not UTF-8, and nothing says so."""

from __future__ import annotations

import json
from dataclasses import dataclass

from mockserver.core.http import Response
from mockserver.core.text import Text
from mockserver.faults.base import Draw, FaultContext, PayloadKind
from mockserver.faults.fields import choice
from mockserver.faults.payloads import decoded, with_body

_CODECS = {"gbk": "gbk", "utf-16": "utf-16-le", "latin-1": "latin-1"}
_WORDS = {"gbk": "成功", "utf-16": "", "latin-1": "succès"}


@dataclass(frozen=True, kw_only=True)
class WrongCharset(PayloadKind):
    """Bytes that are no UTF-8; what the encoding cannot say becomes a question mark."""

    text = Text(
        "a body that is no UTF-8; ErrorInfo gets a word when nothing else in the answer would show it",
        "正文不是 UTF-8；若应答中没有其他可见之处，ErrorInfo 会带上一个词",
    )
    charset: str = choice("The encoding.", "编码。", "gbk", "utf-16", "latin-1", default="gbk")

    def corrupt(self, response: Response, context: FaultContext, draw: Draw) -> tuple[Response, str] | None:
        """The same JSON in other bytes; None when it is no JSON object any more."""
        answer = decoded(response)
        if answer is None:
            return None
        body = self._encoded(response.body.decode())
        if _is_utf_8(body):
            # ASCII is the same in most encodings: a backend that answers in one would say more than that.
            answer["ErrorInfo"] = f"{answer.get('ErrorInfo') or ''}{_WORDS[self.charset]}"
            body = self._encoded(json.dumps(answer, ensure_ascii=False, separators=(",", ":")))
        return with_body(response, body), self.charset

    def _encoded(self, text: str) -> bytes:
        mark = b"\xff\xfe" if self.charset == "utf-16" else b""
        return mark + text.encode(_CODECS[self.charset], "replace")


def _is_utf_8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
