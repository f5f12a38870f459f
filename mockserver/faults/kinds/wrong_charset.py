"""The body is not valid UTF-8, and no header says so; characters that the encoding lacks become question marks."""

import json

from mockserver.core.text import is_utf_8
from mockserver.faults.base import Draw, FaultContext, PayloadKind, Response, Text, choice
from mockserver.faults.payloads import decode, with_body

_CODECS = {"gbk": "gbk", "utf-16": "utf-16-le", "latin-1": "latin-1"}
_SUFFIXES = {"gbk": "成功", "utf-16": "", "latin-1": "succès"}


class WrongCharset(PayloadKind):
    text = Text(
        "a body that is not UTF-8; a word is added to ErrorInfo if the body would be plain ASCII otherwise",
        "正文不是 UTF-8；若正文原本只有 ASCII 字符，则在 ErrorInfo 中加入一个词",
    )
    charset: str = choice("Encoding of the body.", "正文的编码。", tuple(_CODECS))

    def apply(self, response: Response, context: FaultContext, draw: Draw) -> tuple[Response, str] | None:
        document = decode(response)
        if document is None:
            return None
        body = self._encode(response.body.decode())
        if is_utf_8(body):
            # ASCII is the same in most encodings, so the difference would not show.
            document["ErrorInfo"] = f"{document.get('ErrorInfo') or ''}{_SUFFIXES[self.charset]}"
            body = self._encode(json.dumps(document, ensure_ascii=False, separators=(",", ":")))
        return with_body(response, body), self.charset

    def _encode(self, text: str) -> bytes:
        mark = b"\xff\xfe" if self.charset == "utf-16" else b""
        return mark + text.encode(_CODECS[self.charset], "replace")
