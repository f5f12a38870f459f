"""Everything that can be wrong with a request: stable name, the error that answers it, section of the document, and texts.

The texts are `str.format` templates over the keyword arguments of `make_violation`: what is wrong, then what to do.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from mockserver.core.text import Text


@dataclass(frozen=True, slots=True)
class Violation:
    """One deviation of a request from the document, whether the request was accepted or not."""

    name: str
    """Stable name, a key of `VIOLATIONS`."""
    error: str
    """Name of the error that answers it unless it is tolerated."""
    where: str
    """`path`, `method`, `query:NAME`, `header:NAME`, or `body:` with a JSON pointer."""
    expected: str
    got: str
    section: str
    """Section of the document, such as `1.1.2`."""
    text: Text
    """What is wrong and what to do."""
    diagnosis: str = ""
    """Name of the signing mistake behind it, if it was identified."""
    tolerated: bool = False
    """Whether it is only recorded, because the reading `strictness` is lenient."""


@dataclass(frozen=True, slots=True)
class ViolationKind:
    """One kind of violation; `en` and `zh` are the templates of its text."""

    error: str
    section: str
    en: str
    zh: str


VIOLATIONS: dict[str, ViolationKind] = {
    "unknown_path": ViolationKind("unknown_command", "1.1", "there is no operation at {got}{hint}", "没有接口 {got}{hint_zh}"),
    "path_variant": ViolationKind("unknown_command", "1.1.2",
        "{got} is not the documented path; use {expected}", "{got} 不是文档中的路径；请使用 {expected}"),
    "wrong_method": ViolationKind("method_not_allowed", "1.2",
        "{got} is not supported; send POST", "不支持 {got}；请使用 POST"),
    "missing_parameter": ViolationKind("missing_parameter", "1.1.1",
        "query parameter {name} is missing{hint}", "未提供查询参数 {name}{hint_zh}"),
    "repeated_parameter": ViolationKind("invalid_parameter", "1.1.1",
        "query parameter {name} is given {count} times; send it once", "查询参数 {name} 出现 {count} 次；只能发送一次"),
    "undecodable_parameter": ViolationKind("invalid_parameter", "1.1.1",
        "query parameter {name} is not percent-encoded UTF-8; fix its encoding", "查询参数 {name} 不是百分号编码的 UTF-8；请修正编码"),
    "unknown_parameter": ViolationKind("invalid_parameter", "1.1.1",
        "query parameter {name} is not documented{hint}; remove it", "查询参数 {name} 未在文档中{hint_zh}；请去掉"),
    "unknown_appkey": ViolationKind("unknown_appkey", "1.1.2",
        "appkey {verdict}; use one from apps.yaml", "appkey {verdict_zh}；请使用 apps.yaml 中的应用"),
    "identifier_empty": ViolationKind("identifier_not_allowed", "1.1.2",
        "identifier is empty; send the app's administrator account", "identifier 为空；请填应用的管理员账号"),
    "identifier_not_allowed": ViolationKind("identifier_not_allowed", "1.1.2",
        "identifier {got} is not allowed; use one of the app's: {expected}", "identifier {got} 无权调用；请使用应用的账号：{expected}"),
    "curtime_format": ViolationKind("invalid_curtime", "1.1.2",
        "curtime {got} is not {expected}{hint}", "curtime {got} 不是 {expected_zh}{hint_zh}"),
    "curtime_fraction": ViolationKind("invalid_curtime", "1.1.2",
        "curtime {got} has a fraction; send whole seconds", "curtime {got} 带小数；请发送整秒"),
    "checksum_expired": ViolationKind("checksum_expired", "1.1.2",
        "curtime is {span} {side} the server's clock, the limit is {limit} s; {hint}",
        "curtime 比服务器时间{side_zh} {span_zh}，上限为 {limit} 秒；{hint_zh}"),
    "checksum_mismatch": ViolationKind("checksum_mismatch", "1.1.2",
        "checksum is wrong: {hint}", "checksum 错误：{hint_zh}"),
    "checksum_reused": ViolationKind("checksum_expired", "1.1.2",
        "this checksum was used before; sign every request again", "该 checksum 已用过；请为每个请求重新签名"),
    "seq_empty": ViolationKind("invalid_parameter", "1.1.2",
        "seq is empty; send a unique number with each request", "seq 为空；请为每个请求填写唯一的序列号"),
    "seq_repeated": ViolationKind("duplicate_seq", "1.1.2",
        "seq {got} was used before; it must be unique", "seq {got} 已用过；必须唯一"),
    "content_type_missing": ViolationKind("unsupported_content_type", "2.1.3",
        "the header is missing; send application/json", "未发送该请求头；请发送 application/json"),
    "content_type_wrong": ViolationKind("unsupported_content_type", "2.1.3",
        "received {got}; send application/json", "收到 {got}；请发送 application/json"),
    "content_encoding": ViolationKind("unsupported_content_type", "1.2",
        "Content-Encoding is {got} and the body is {body}; send plain JSON without this header",
        "Content-Encoding 为 {got}，包体为 {body_zh}；请发送未编码的 JSON，不带该请求头"),
    "transfer_encoding": ViolationKind("unsupported_content_type", "1.2",
        "Transfer-Encoding is {got} and the body is {body}; send plain JSON with Content-Length, or only chunked",
        "Transfer-Encoding 为 {got}，包体为 {body_zh}；请发送未编码的 JSON，带 Content-Length 或仅用 chunked"),
    "body_encoded": ViolationKind("unsupported_content_type", "1.2",
        "the body is {got}; send plain JSON", "包体是 {got_zh}；请发送未编码的 JSON"),
    "body_too_large": ViolationKind("body_too_large", "1.2",
        "the limit is {expected} bytes; send only the documented fields", "上限为 {expected} 字节；请只发送文档中的字段"),
    "body_empty": ViolationKind("empty_body", "1.2",
        "no JSON was sent; send an object, at least {{}}", "未发送 JSON；请发送对象，至少为 {{}}"),
    "malformed_json": ViolationKind("malformed_json", "1.2",
        "the body is not JSON: {reason}", "包体不是 JSON：{reason_zh}"),
    "duplicate_key": ViolationKind("malformed_json", "1.2",
        "key {name} is given twice; keep one", "键 {name} 重复；请只保留一个"),
    "not_an_object": ViolationKind("malformed_json", "1.2",
        "the body is {got}, not a JSON object; send {{…}}", "包体是 {got_zh}，不是 JSON 对象；请发送 {{…}}"),
    "missing_field": ViolationKind("missing_field", "",
        "{name} is missing{hint}; send {expected}", "未提供 {name}{hint_zh}；应为{expected_zh}"),
    "unknown_field": ViolationKind("unknown_field", "",
        "{name} is not documented{hint}; remove it", "{name} 未在文档中{hint_zh}；请去掉"),
    "wrong_type": ViolationKind("invalid_field", "",
        "{name} is {got}; send {expected}", "{name} 为 {got_zh}；应为{expected_zh}"),
    "invalid_value": ViolationKind("invalid_field", "",
        "{name} {verdict}; send {expected}", "{name} {verdict_zh}；应为{expected_zh}"),
    "no_such_day": ViolationKind("invalid_field", "3.1.4",
        "{name} {got} is not a valid date; send yyyymmdd", "{name} {got} 不是有效日期；请用 yyyymmdd"),
    "count_by_zero": ViolationKind("invalid_field", "3.1.4",
        "CountBy 0 is not supported here (reading count_by_zero); send 1 to 4", "此处不支持 CountBy 0（读法 count_by_zero）；请用 1-4"),
    "unknown_wish": ViolationKind("invalid_parameter", "",
        "{name} {got} cannot be used: {reason}", "无法使用 {name_zh} {got}：{reason_zh}"),
    "begin_after_end": ViolationKind("invalid_time_range", "2.1.4",
        "BeginTime {got} is after EndTime {end}; swap them", "BeginTime {got} 晚于 EndTime {end}；请交换"),
    "range_too_large": ViolationKind("range_too_large", "2.1.4",
        "the range is {span}, the limit is {expected} days; split the query", "时间跨度 {span_zh}，最多 {expected} 天；请分段查询"),
}  # fmt: skip

OTHER_ERRORS = frozenset({"room_not_found", "user_not_found", "internal_error"})
"""Errors that the engine returns without a violation of the request."""

NEEDED_ERRORS = frozenset(kind.error for kind in VIOLATIONS.values()) | OTHER_ERRORS


_CHECKSUM = re.compile(r"(?<![0-9A-Fa-f])([0-9A-Fa-f]{6})[0-9A-Fa-f]{34,}")


def mask_checksums(text: str) -> str:
    """Return `text` with every run of 40 or more hex digits cut to its first six."""
    return _CHECKSUM.sub(r"\1…", text) if len(text) >= 40 and _CHECKSUM.search(text) else text


_APPSECRET = re.compile(r"(appsecret\s?=\s?)[^;]+")


def mask_fault_secret(text: str) -> str:
    """Return the text of a fault with the value of `appsecret` masked."""
    masked = _APPSECRET.sub(r"\1***", text)
    return masked if "%" not in text else _APPSECRET.sub(r"\1***", unquote(masked))


def shorten(value: object, limit: int = 48) -> str:
    """Return `value` for a message: control characters escaped, checksums masked, cut after `limit` characters."""
    shown = value if isinstance(value, str) else repr(value)
    shown = mask_checksums(shown[: 2 * limit + 40])
    shown = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in shown[: limit + 1])
    return shown if len(shown) <= limit else shown[:limit] + "…"


def make_violation(
    name: str,
    where: str,
    /,
    *,
    expected: str = "",
    got: object = "",
    section: str = "",
    diagnosis: str = "",
    tolerated: bool = False,
    **values: object,
) -> Violation:
    """Return the violation `name` at `where`; `values` fill the other placeholders of its texts."""
    kind = VIOLATIONS[name]
    shown = shorten(got)
    # An empty value is shown as "".
    values = {
        "expected": expected,
        "got": shown or '""',
        "got_zh": shown,
        "hint": "",
        "hint_zh": "",
        **values,
    }
    return Violation(
        name=name,
        error=kind.error,
        where=where,
        expected=expected,
        got=shown,
        section=section or kind.section,
        text=Text(*(mask_checksums(template.format(**values)) for template in (kind.en, kind.zh))),
        diagnosis=diagnosis,
        tolerated=tolerated,
    )
