"""Any business error of the catalogue."""

from __future__ import annotations

from dataclasses import dataclass

from mockserver.contract.catalogue import OK, Catalogue
from mockserver.core.suggestions import unknown
from mockserver.core.text import Text
from mockserver.faults.base import ApiKind, Draw, FaultContext, Refusal
from mockserver.faults.fields import FaultError, integer, string


@dataclass(frozen=True, kw_only=True)
class Error(ApiKind):
    """A row of the catalogue, by name or by number."""

    text = Text(
        "HTTP 200 with Status FAIL and the ErrorCode and ErrorInfo of a row of the catalogue",
        "HTTP 200，Status 为 FAIL，ErrorCode 与 ErrorInfo 取自错误表",
    )
    exactly_one = ("name", "code")
    name: str | None = string(
        "Name of the error; `mockserver errors` lists them.",
        "错误名称，见 mockserver errors。",
        r"[a-z][a-z0-9_]{0,63}",
        64,
        None,
    )
    code: int | None = integer("Its number in place of the name.", "用错误码代替名称。", 1, 2**31 - 1, None)
    info: str | None = string(
        "The ErrorInfo; the catalogue's text when left out.",
        "ErrorInfo；省略则用错误表的文字。",
        r"[^\x00-\x1f\x7f]{1,500}",
        500,
        None,
    )

    def check(self, catalogue: Catalogue) -> None:
        """FaultError for a row that the catalogue lacks, and for `ok`."""
        if self.name is not None:
            if self.name not in catalogue:
                raise FaultError(("name",), unknown("error", self.name, catalogue))
            if self.name == OK:
                raise FaultError(
                    ("name",), Text("ok is no error; choose another", "ok 不是错误；请选择其他错误")
                )
        elif self.code is not None and catalogue.name_of(self.code) is None:
            codes = ", ".join(str(row.code) for row in catalogue.values() if row.code)
            raise FaultError(
                ("code",),
                Text(
                    f"no error has the code {self.code}; known: {codes}",
                    f"没有错误码 {self.code}；可用：{codes}",
                ),
            )

    def refuse(self, context: FaultContext, draw: Draw) -> tuple[Refusal, str]:
        """That row; internal_error when a reload has taken it away."""
        name = self.name or context.catalogue.name_of(self.code or 0) or ""
        name = name if name in context.catalogue else "internal_error"
        return Refusal(name, self.info), name
