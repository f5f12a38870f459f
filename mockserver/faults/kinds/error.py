"""Any row of the error catalogue, chosen by name or by code."""

from mockserver.contract.catalogue import OK, Catalogue
from mockserver.core.suggestions import unknown
from mockserver.faults.base import ApiKind, Draw, FaultContext, FaultError, Refusal, Text, integer, string


class Error(ApiKind):
    text = Text(
        "HTTP 200 with Status FAIL and the ErrorCode and ErrorInfo of a catalogue error",
        "HTTP 200，Status 为 FAIL，ErrorCode 与 ErrorInfo 取自错误表",
    )
    exactly_one = ("name", "code")
    name: str | None = string(
        "Name of the error; see mockserver errors.",
        "错误名称，见 mockserver errors。",
        r"[a-z][a-z0-9_]{0,63}",
        64,
        None,
    )
    code: int | None = integer(
        "ErrorCode of the error, instead of its name.", "错误码，可代替名称。", 1, 2**31 - 1, None
    )
    info: str | None = string(
        "ErrorInfo; the catalogue's text if omitted.",
        "ErrorInfo；省略时使用错误表中的文字。",
        r"[^\x00-\x1f\x7f]{1,500}",
        500,
        None,
    )

    def check(self, catalogue: Catalogue) -> None:
        """Raise FaultError for an error that the catalogue does not have, and for `ok`."""
        if self.name is not None and self.name not in catalogue:
            raise FaultError(("name",), unknown("error", self.name, catalogue))
        if self.name == OK:
            raise FaultError(("name",), Text("ok is not an error; choose another", "ok 不是错误，请换一个"))
        if self.code is not None and catalogue.name_of(self.code) is None:
            codes = ", ".join(str(row.code) for row in catalogue.values() if row.code)
            text = Text(
                f"there is no error with code {self.code}; known codes: {codes}",
                f"没有错误码 {self.code}；可选值：{codes}",
            )
            raise FaultError(("code",), text)

    def apply(self, context: FaultContext, draw: Draw) -> tuple[Refusal, str]:
        name = self.name or context.catalogue.name_of(self.code or 0) or ""
        name = name if name in context.catalogue else "internal_error"
        return Refusal(name, self.info), name
