"""The texts of the OpenAPI document and of the request collections, in both languages."""

from __future__ import annotations

from mockserver.contract.readings import READINGS, Readings
from mockserver.core.text import Text

TAGS = {
    "2": ("records", Text("Call records of users and rooms (§2)", "服务端业务数据接口：用户与房间的通话记录(§2)")),
    "3": ("statistics", Text("Statistics of a day (§3)", "运维监控统计接口：按天统计(§3)")),
}  # Tag and description by the first number of an operation's section.
TITLE = Text("YouMe call records and statistics", "游密通话记录与统计接口")
DESCRIPTION = Text(
    "The REST API of YouMe (游密) for call records and daily statistics, as this mock server interprets its document"
    " (V1.0.0, 2019-12-10). Numbers such as §2.2.4 are sections of the document.\n\n"
    "Every call is a POST with five query parameters. {signature}\n\n{http}\n\n"
    "Where the document is silent or contradicts itself, a named reading decides. All are in `x-readings`; these concern every call:",
    "游密通话记录与按天统计的 REST 接口，由模拟服务器按其接口说明书(V1.0.0，2019-12-10)实现。§2.2.4 等为说明书章节号。\n\n"
    "每次调用均为 POST，并带五个查询参数。{signature}\n\n{http}\n\n"
    "说明书未写明或自相矛盾之处，由具名的读法决定，全部见 `x-readings`。与每次调用有关的读法：",
)
_HTTP = {
    "always_200": Text(
        "Every response is HTTP 200 and JSON: `Status` is `OK`, or `FAIL` with only an `ErrorCode` and an `ErrorInfo`.",
        "应答均为 HTTP 200 与 JSON：`Status` 为 `OK`，或为 `FAIL` 并只带 `ErrorCode` 与 `ErrorInfo`。",
    ),
    "rest": Text(
        "Every response is JSON: HTTP 200 with `Status` `OK`, or the HTTP status of the error with `Status` `FAIL` and only an"
        " `ErrorCode` and an `ErrorInfo`.",
        "应答均为 JSON：成功为 HTTP 200，`Status` 为 `OK`；失败为错误对应的 HTTP 状态码，`Status` 为 `FAIL`，"
        "并只带 `ErrorCode` 与 `ErrorInfo`。",
    ),
}
_FORMULAS = {
    "v2": ("appsecret + restapikey + curtime",),
    "v1": ("appsecret + curtime",),
    "either": ("appsecret + restapikey + curtime", "appsecret + curtime"),
}  # What is hashed, by the reading `signing`.
_SIGNATURE = Text(
    "`checksum` is the lower-case hex SHA-1 of {formulas}; it is valid for {seconds} seconds before and after `curtime`{times}.",
    "`checksum` 为 {formulas} 的 SHA-1 小写十六进制；`curtime` 前后 {seconds} 秒内有效{times}。",
)
_UNSIGNED = Text(
    "Signatures are not checked (`signing=off`): `curtime`, `checksum`, `seq` and `identifier` may be missing or wrong.",
    "不校验签名（`signing=off`）：`curtime`、`checksum`、`seq`、`identifier` 可缺少或有误。",
)
FAILURE = Text(
    "Only the envelope; ErrorCode is a row of the catalogue (`x-errors`). [§1.4, §1.6]",
    "仅有公共字段；ErrorCode 见错误码表(`x-errors`)。[§1.4, §1.6]",
)
EITHER = Text("Success or failure; `Status` tells which. [§1.3]", "成功或失败，由 `Status` 区分。[§1.3]")
RESPONSE = Text("Success or failure: HTTP is always 200. [§1.3]", "成功或失败的应答：HTTP 恒为 200。[§1.3]")
REST_SUCCESS = Text("Success (reading http_status=rest).", "成功应答（读法 http_status=rest）。")
REST_FAILURE = Text("Failure (reading http_status=rest).", "失败应答（读法 http_status=rest）。")
OTHER_STATUS = Text(
    "Not a response of the API, which has no other status: something between the client and the API answers, such as a gateway. The mock"
    " server imitates that with faults.",
    "不是该接口的应答（接口没有其他状态码），而是客户端与接口之间的设备（如网关）所答；模拟服务器以故障模拟这种情况。",
)
SECURITY = Text(
    "A signature, not a fixed key: {signature} Every request needs its own `curtime`, `checksum` and `seq`, so they are also"
    " parameters of each operation.",
    "是签名而非固定密钥：{signature}每个请求需要自己的 `curtime`、`checksum`、`seq`，因此它们也是每个接口的参数。",
)
HEADERS = {
    "X-Mock-Request-Id": Text("Id of the request on this server", "该服务器上的请求编号"),
    "X-Mock-Scenario": Text("The scenario of the response", "应答所属的场景"),
    "X-Mock-Answered-By": Text(
        "What produced the response: world, contract, fault or the id of a rule",
        "应答的来源：world、contract、fault 或规则编号",
    ),
    "X-Mock-Violations": Text("Number of contract violations in the request", "请求违反契约之处的数目"),
    "X-Mock-Diagnosis": Text("The violation that decided the response, or the first one", "决定应答的违规，或首个违规"),
    "X-Mock-Fault": Text("The faults applied to the response", "应答中生效的故障"),
    "X-Mock-Problems": Text("Problems in the server's files", "服务器文件中的错误"),
}
PARAMETER_READINGS = {
    "curtime": ("curtime", "freshness_seconds"),
    "checksum": ("signing", "checksum_reuse"),
    "seq": ("seq",),
    "identifier": ("identifier",),
}  # The readings that concern one parameter.
COMMON_READINGS = ("strictness", "paths", "http_status")  # The readings that concern every call.


def formulas(readings: Readings) -> tuple[str, ...]:
    """Return what is hashed under the reading `signing`, the usual one first; v2 where the signature is not checked."""
    return _FORMULAS.get(readings["signing"], _FORMULAS["v2"])


def signature(readings: Readings) -> Text:
    """Return how a request is signed under these readings (§1.1.2)."""
    if readings["signing"] == "off":
        return _UNSIGNED
    quoted = [f"`{formula}`" for formula in formulas(readings)]
    seconds, once = readings["freshness_seconds"], readings["checksum_reuse"] == "once"
    return Text(
        _SIGNATURE.en.format(formulas=" or ".join(quoted), seconds=seconds, times=", and only once" if once else ""),
        _SIGNATURE.zh.format(formulas=" 或 ".join(quoted), seconds=seconds, times="，且只能使用一次" if once else ""),
    )


def description(readings: Readings) -> Text:
    """Return the description of the API under these readings."""
    parts = {"signature": signature(readings), "http": _HTTP[readings["http_status"]]}
    texts = (
        text.format(**{name: part[index] for name, part in parts.items()}) for index, text in enumerate(DESCRIPTION)
    )
    return with_readings(Text(*texts), COMMON_READINGS, readings)


def with_readings(text: Text, names: tuple[str, ...], readings: Readings) -> Text:
    """Return `text` with a list of the readings that concern it: their values and why there is a choice."""
    if not names:
        return text
    lists = (
        "".join(f"\n- `{name}={readings[name]}`: {READINGS[name].why[index]}" for name in names) for index in (0, 1)
    )
    return Text(*(f"{part}\n{items}" for part, items in zip(text, lists, strict=True)))


def readings_of(section: str) -> tuple[str, ...]:
    """Return the readings that concern an operation, by its section: `3.1` has those of §3.1.4."""
    return tuple(
        name
        for name, reading in READINGS.items()
        if any(part.startswith(section) for part in reading.section.split(", "))
    )
