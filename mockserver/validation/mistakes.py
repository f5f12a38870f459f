"""The mistakes that clients make in checksum and curtime, as a table of names and texts in both languages.

Each row says what is wrong and what to do. Rows never hold values of a request or credentials. The names appear in the
journal as `diagnosis`. The table is only data: `diagnosis` and `curtime` find out which rows apply.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mockserver.core.text import Text

UNEXPLAINED = "unexplained"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is wrong with a checksum or a curtime. Contains no secret and no digest."""

    names: tuple[str, ...]
    """Rows of `MISTAKES`; several when mistakes are combined."""
    text: Text
    """What is wrong and what to do, in one line."""

    @property
    def name(self) -> str:
        """The names joined by `+`."""
        return "+".join(self.names)

    @property
    def explained(self) -> bool:
        """Whether the cause was found, not only the shape of the checksum described."""
        return UNEXPLAINED not in self.names


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong, and what to do about it."""

    problem: Text
    advice: Text


_JOINED_ONLY = Text("hash {formula} and nothing else", "参与计算的内容只能是 {formula}")
_KEY_AS_GIVEN = Text("hash each key exactly as it was issued", "密钥须按分配时的原文参与计算")
_TRIM = Text("trim the key after reading it", "读取密钥后请去掉首尾空白")
_SAME_CURTIME = Text(
    "read the clock once; hash and send the same string", "只取一次时间，计算和发送使用同一字符串"
)
_SECONDS = Text("send the UTC seconds since 1970 in 10 digits", "请发送 10 位的 Unix 秒数")
_SHA1 = Text("use SHA-1", "请使用 SHA-1")
_UTF8 = Text("hash the UTF-8 bytes without a BOM", "请对不带 BOM 的 UTF-8 字节计算")
_OWN_RESTAPIKEY = Text("the restapikey is a separate key", "restapikey 是单独分配的密钥")
_LOWER_HEX = Text("write the digest in lower-case hex", "摘要须写成小写十六进制")
_HEX_ONLY = Text("send only the 40 hex digits", "只发送 40 位十六进制字符")
_CLOCK = Text("synchronize the clock (NTP) and sign each request anew", "请用 NTP 校时，并为每个请求重新签名")
_NO_TIME_ZONE = Text("take the seconds since 1970 without any time zone", "直接取 Unix 秒数，不要做时区换算")
_QUERY = Text("put all five parameters into the URL's query string", "五个参数都应放在 URL 的查询串中")

MISTAKES: dict[str, Mistake] = {
    # What was hashed: the formula
    "v1_formula": Mistake(Text("the v1 formula", "用了 v1 公式"), Text("v2 needs the restapikey in the middle", "v2 须在中间加入 restapikey")),
    "v2_formula": Mistake(Text("the v2 formula", "用了 v2 公式"), Text("v1 leaves the restapikey out", "v1 不含 restapikey")),
    "wrong_order": Mistake(Text("the parts in another order", "各部分的顺序不对"), Text("the order is {formula}", "正确顺序为 {formula}")),
    "appkey_for_appsecret": Mistake(Text("the appkey in place of the appsecret", "把 appkey 当成了 appsecret"),
        Text("the appkey is not hashed", "appkey 不参与计算")),
    "appkey_for_restapikey": Mistake(Text("the appkey in place of the restapikey", "把 appkey 当成了 restapikey"), _OWN_RESTAPIKEY),
    "separator": Mistake(Text("a separator between the parts", "各部分之间多了分隔符"),
        Text("join the parts with nothing between them", "各部分应直接拼接，中间不加任何字符")),
    "message_newline": Mistake(Text("a line break at the end of the hashed text", "被计算的文本末尾带换行"),
        Text("use `printf %s` or `echo -n`", "请使用 printf %s 或 echo -n")),
    "utf16": Mistake(Text("UTF-16 bytes are hashed", "对 UTF-16 字节做了计算"), _UTF8),
    # What was hashed: the keys
    "other_app": Mistake(Text("the credentials of another app", "用了其他应用的密钥"),
        Text("sign with the keys of the appkey you send", "请使用与所发 appkey 对应的密钥")),
    "mixed_credentials": Mistake(Text("one key belongs to another app", "其中一个密钥属于其他应用"),
        Text("take both keys from the same app", "两个密钥须来自同一应用")),
    "restapikey_derived": Mistake(Text("a restapikey computed from other values", "restapikey 是由其他值算出来的"),
        Text("use the restapikey as it was issued", "请直接使用分配的 restapikey")),
    "key_unset": Mistake(Text("a key is not set: it is empty, undefined, null or None", "密钥未赋值：为空，或为 undefined、null、None"),
        Text("load the keys before signing, and stop when one is missing", "签名前请先读入密钥，缺失时应直接报错")),
    "key_base64_decoded": Mistake(Text("a key was base64-decoded", "密钥被 base64 解码"), _KEY_AS_GIVEN),
    "key_padding_stripped": Mistake(Text("the = at the end of a key was lost", "密钥末尾的 = 丢失"), _KEY_AS_GIVEN),
    "key_newline": Mistake(Text("a line break after a key", "密钥末尾带换行"), _TRIM),
    "key_plus_to_blank": Mistake(Text("the + in a key became a space", "密钥中的 + 变成了空格"), Text("do not URL-decode keys", "不要对密钥做 URL 解码")),
    "key_upper_case": Mistake(Text("a key was converted to upper case", "密钥被转成大写"), _KEY_AS_GIVEN),
    "key_lower_case": Mistake(Text("a key was converted to lower case", "密钥被转成小写"), _KEY_AS_GIVEN),
    "key_bom": Mistake(Text("a byte order mark before a key", "密钥前带有 BOM"), _UTF8),
    # What was hashed: another curtime than the one in the URL
    "curtime_off_by_one": Mistake(Text("the hashed curtime and the one in the URL are 1 s apart", "参与计算的 curtime 与 URL 中的相差 1 秒"), _SAME_CURTIME),
    "curtime_off_by_two": Mistake(Text("the hashed curtime and the one in the URL are 2 s apart", "参与计算的 curtime 与 URL 中的相差 2 秒"), _SAME_CURTIME),
    "curtime_eight_hours_off": Mistake(Text("the hashed curtime and the one in the URL are 8 h apart", "参与计算的 curtime 与 URL 中的相差 8 小时"),
        Text("one of the two is local time; use UTC seconds in both", "其中一处用了本地时间（东八区）；两处都应使用 UTC 秒数")),
    "curtime_hashed_in_milliseconds": Mistake(Text("milliseconds in the hash, but not in the URL", "计算时用了毫秒，URL 中却不是"), _SAME_CURTIME),
    "curtime_hashed_in_seconds": Mistake(Text("seconds in the hash, a finer unit in the URL", "计算时用的是秒，URL 中却是更小的单位"), _SECONDS),
    "curtime_hashed_truncated": Mistake(Text("the fraction was cut off in the hash, but not in the URL", "计算时去掉了小数，URL 中却没有去掉"), _SECONDS),
    "stale_checksum": Mistake(Text("a checksum of another moment", "这是另一时刻的 checksum"), Text("sign each request anew", "请为每个请求重新签名")),
    # The hash
    "md5": Mistake(Text("MD5", "用了 MD5"), _SHA1),
    "sha256": Mistake(Text("SHA-256", "用了 SHA-256"), _SHA1),
    "hmac": Mistake(Text("an HMAC", "用了 HMAC"), Text("use the plain hash of the joined text", "请对拼接后的文本直接做哈希，而不是 HMAC")),
    "double_hash": Mistake(Text("hashed twice", "做了两次哈希"), Text("hash the joined text once, with SHA-1", "对拼接后的文本只做一次 SHA-1")),
    # How the digest is written
    "uppercase_hex": Mistake(Text("upper-case hex", "十六进制用了大写"), _LOWER_HEX),
    "mixed_case_hex": Mistake(Text("hex in mixed case", "十六进制大小写混用"), _LOWER_HEX),
    "dashes": Mistake(Text("dashes between the bytes, as BitConverter writes them", "字节之间有连字符（BitConverter 的写法）"),
        Text("remove the dashes", "请去掉连字符")),
    "base64": Mistake(Text("base64 instead of hex", "用了 base64，而不是十六进制"), _LOWER_HEX),
    "base64url": Mistake(Text("URL-safe base64 instead of hex", "用了 URL 安全的 base64，而不是十六进制"), _LOWER_HEX),
    "base64_plus_to_blank": Mistake(Text("a + of the base64 text became a space in the URL", "base64 中的 + 在 URL 中变成了空格"), _LOWER_HEX),
    "leading_zeros_lost": Mistake(Text("the leading zeros were lost, as with BigInteger.toString(16)", "开头的 0 丢失（如 BigInteger.toString(16)）"),
        Text("pad to 40 digits", "请补足 40 位")),
    "blanks_around": Mistake(Text("spaces or line breaks around it", "前后有空白或换行"), _HEX_ONLY),
    "unhashed": Mistake(Text("a key was sent without being hashed", "发送了未做哈希的密钥"),
        Text("hash the text, and have the keys replaced: they were exposed", "请先做哈希；密钥已泄露，请更换")),
    # What is known about the shape of a checksum when no cause is found
    "checksum_empty": Mistake(Text("it is empty", "checksum 为空"), _JOINED_ONLY),
    "checksum_sample": Mistake(Text("the placeholder of the document's samples", "仍是文档示例中的占位值"), _JOINED_ONLY),
    "not_hex": Mistake(Text("it contains characters other than 0-9 a-f", "含有 0-9、a-f 以外的字符"), _LOWER_HEX),
    "wrong_length": Mistake(Text("its length is that of no known digest", "长度不符合任何已知摘要"), Text("send all 40 hex digits", "请发送完整的 40 位十六进制字符")),
    "md5_length": Mistake(Text("128 bits, the length of an MD5", "共 128 位，是 MD5 的长度"), _SHA1),
    "sha256_length": Mistake(Text("256 bits, the length of a SHA-256", "共 256 位，是 SHA-256 的长度"), _SHA1),
    UNEXPLAINED: Mistake(Text("no known mistake explains it", "未找到已知的错误原因"),
        Text("compare both keys character by character, and hash only {formula}"
             " (whether a URL, a body or something else was hashed cannot be determined){explain}",
             "请逐字核对两个密钥，且只对 {formula} 计算（是否误算了 URL、包体或其他内容无法判断）{explain_zh}")),
    # The signature is not in the query
    "signature_in_headers": Mistake(Text("the signature is in the headers, as some other vendors require", "签名放在了请求头中（其他厂商的做法）"), _QUERY),
    "signature_in_body": Mistake(Text("the signature is in the body", "签名放在了请求包体中"), _QUERY),
    # curtime itself
    "curtime_empty": Mistake(Text("it is empty", "值为空"), _SECONDS),
    "curtime_sample": Mistake(Text("the placeholder of the document's samples", "仍是文档示例中的占位值"), _SECONDS),
    "curtime_milliseconds": Mistake(Text("milliseconds", "单位是毫秒"), Text("divide by 1000", "请除以 1000")),
    "curtime_microseconds": Mistake(Text("microseconds", "单位是微秒"), Text("divide by 1000000", "请除以 1000000")),
    "curtime_nanoseconds": Mistake(Text("nanoseconds", "单位是纳秒"), Text("divide by 1000000000", "请除以 1000000000")),
    "curtime_fraction": Mistake(Text("a fraction of a second", "带有小数"), Text("cut the fraction off", "请去掉小数")),
    "curtime_date": Mistake(Text("a date", "是日期"), _SECONDS),
    "curtime_digits": Mistake(Text("{digits} digits instead of 10", "是 {digits} 位数字，而不是 10 位"), _SECONDS),
    "curtime_no_number": Mistake(Text("{reason}", "{reason_zh}"), _SECONDS),
    "curtime_eight_hours_ahead": Mistake(Text("8 h ahead: local time (UTC+8) taken as UTC", "快 8 小时：把本地时间（UTC+8）当作了 UTC"), _NO_TIME_ZONE),
    "curtime_eight_hours_behind": Mistake(Text("8 h behind: UTC taken as local time (UTC+8)", "慢 8 小时：把 UTC 当作了本地时间（UTC+8）"), _NO_TIME_ZONE),
    "clock_ahead": Mistake(Text("the client's clock is {span} ahead", "客户端时钟快 {span_zh}"), _CLOCK),
    "clock_behind": Mistake(Text("the client's clock is {span} behind, or an old signature was sent again",
        "客户端时钟慢 {span_zh}，或重发了旧签名"), _CLOCK),
    "process_time_replaced": Mistake(
        Text("a test has frozen or moved this process's time, and the client signs with it", "测试冻结或调整了本进程的时间，客户端用它签名"),
        Text('move the server\'s clock as well: mockserver.freeze("{moment}")', '请同样设置服务器的时钟：mockserver.freeze("{moment}")')),
}  # fmt: skip


def make_diagnosis(names: Iterable[str], expression: str = "", **values: str | int) -> Diagnosis:
    """Return the diagnosis of `names`; `expression` is what gives the same digest, if that was found.

    `values` fill the placeholders of the rows.
    """
    names = tuple(dict.fromkeys(names))
    mistakes = [MISTAKES[name] for name in names]
    advice = dict.fromkeys(mistake.advice for mistake in mistakes)
    text = Text(
        f"{', '.join(mistake.problem.en for mistake in mistakes)}; {'; '.join(each.en for each in advice)}",
        f"{'，'.join(mistake.problem.zh for mistake in mistakes)}；{'；'.join(each.zh for each in advice)}",
    )
    text = Text(text.en.format_map(values), text.zh.format_map(values))
    if expression:
        text = Text(f"matches {expression}: {text.en}", f"与 {expression} 相符：{text.zh}")
    return Diagnosis(names, text)
