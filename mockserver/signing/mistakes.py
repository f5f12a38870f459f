"""What clients get wrong about checksum and curtime, as data: stable names, what it is, what to do, in both languages.

Rows hold no values of a request and no credentials. What finds them is in `materials`, `encodings` and `curtime`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mockserver.messages import Text


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is wrong with a checksum or a curtime; no part of it holds a secret or a digest."""

    names: tuple[str, ...]
    """Stable names, rows of `MISTAKES`; several when mistakes come together."""
    text: Text
    """What it is and what to do, one line."""
    advice: Text
    """Only what to do."""

    @property
    def name(self) -> str:
        """The names in one word, joined by `+`."""
        return "+".join(self.names)

    @property
    def explained(self) -> bool:
        """Whether the cause was found, and not only the shape described."""
        return UNEXPLAINED not in self.names


@dataclass(frozen=True, slots=True)
class Mistake:
    """One kind of mistake: what it is, and the cure."""

    fault: Text
    cure: Text


UNEXPLAINED = "unexplained"
_LOWER_HEX = ("write the digest in lower-case hex", "摘要应写成小写十六进制")
_AS_TEXT = ("hash each key as the very text that was given out", "密钥应按原文直接参与计算")
_ONLY_THREE = (
    "hash {formula} and nothing else",
    "只对 {formula} 计算",
)
_SHA1 = ("use SHA-1", "请使用 SHA-1")
_ONE_CURTIME = (
    "read the clock once; hash and send the same string",
    "只取一次时间，参与计算与发送用同一个字符串",
)
_UTF8 = ("hash the UTF-8 bytes without a BOM", "请对不含 BOM 的 UTF-8 字节计算")
_PLAIN = ("send the 40 hex digits alone", "只发送 40 位十六进制字符")
_SECONDS = ("send the UTC seconds since 1970 in 10 digits", "请发送 10 位 UTC 秒数")
_AWAIT = ("send the text of the finished digest", "请发送计算完成后的摘要文本")
_CLOCK = ("set the clock by NTP and sign each request anew", "请用 NTP 校时，并为每个请求重新签名")
_EPOCH = ("take the seconds since 1970 without any time zone", "直接取 1970 年以来的秒数，不做时区换算")

# name: fault (en, zh), cure (en, zh)
_ROWS: dict[str, tuple[tuple[str, str], tuple[str, str]]] = {
    # the formula
    "v1_formula": (("the v1 formula", "v1 公式"), ("v2 needs the restapikey in the middle", "v2 需在中间加入 restapikey")),
    "v2_formula": (("the v2 formula", "v2 公式"), ("v1 leaves the restapikey out", "v1 不含 restapikey")),
    "wrong_order": (("the parts in another order", "各部分顺序不对"),
        ("the order is {formula}", "顺序为 {formula}")),
    "appkey_for_appsecret": (("the appkey in place of the appsecret", "误用 appkey 代替 appsecret"),
        ("the appkey is not hashed", "appkey 不参与计算")),
    "appkey_for_restapikey": (("the appkey in place of the restapikey", "误用 appkey 代替 restapikey"),
        ("the restapikey is a key of its own", "restapikey 是单独的 key")),
    "appkey_added": (("the appkey is hashed too", "多计算了 appkey"), _ONLY_THREE),
    "appsecret_missing": (("the appsecret is missing", "缺少 appsecret"), _ONLY_THREE),
    "curtime_missing": (("the curtime is missing", "缺少 curtime"), _ONLY_THREE),
    "curtime_unset": (("the curtime was not filled in when the hash was made", "计算时 curtime 尚未赋值"), _ONE_CURTIME),
    "keys_missing": (("no key is hashed", "未计算任何密钥"), _ONLY_THREE),
    "part_repeated": (("a part stands twice", "有一部分重复"), _ONLY_THREE),
    "identifier_for_restapikey": (("the identifier in place of the restapikey", "误用 identifier 代替 restapikey"),
        ("the restapikey is a key of its own", "restapikey 是单独的 key")),
    "identifier_added": (("the identifier is hashed too", "多计算了 identifier"), _ONLY_THREE),
    "nonce_for_restapikey": (("seq in place of the restapikey, the formula of a sibling vendor (secret + nonce + time)",
        "误用 seq 代替 restapikey，这是另一家厂商的公式（secret + nonce + time）"), _ONLY_THREE),
    "seq_added": (("the seq is hashed too", "多计算了 seq"), _ONLY_THREE),
    "literal_names": (("the names of the parts are hashed, not their values", "计算的是参数名而不是参数值"),
        ("fill the values in before you hash", "计算前请填入参数值")),
    "separator": (("a separator between the parts", "各部分之间有分隔符"), ("join the parts with nothing between", "各部分直接拼接")),
    "named_parts": (("name=value pairs are hashed", "计算了 name=value 形式"), ("hash the values alone", "只计算参数值")),
    "query_signed": (("the query string is hashed", "计算了查询串"), _ONLY_THREE),
    "body_signed": (("the request body is hashed", "计算了请求包体"), _ONLY_THREE),
    # the keys
    "other_app": (("the credentials of another app", "使用了其他应用的密钥"),
        ("sign with the keys of the appkey you send", "请使用所发送 appkey 对应的密钥")),
    "mixed_credentials": (("one key is another app's", "其中一个密钥属于其他应用"),
        ("take both keys from the same app", "两个密钥须来自同一应用")),
    "restapikey_derived": (("a restapikey that was computed from something else", "restapikey 由其他值推算而来"),
        ("use the restapikey as it was given out", "请使用分配的 restapikey 原文")),
    "key_base64_decoded": (("a key was base64-decoded", "密钥被 base64 解码"), _AS_TEXT),
    "key_base64_encoded": (("a key was base64-encoded", "密钥被 base64 编码"), _AS_TEXT),
    "key_padding_stripped": (("the = at the end of a key was lost", "密钥末尾的 = 丢失"), _AS_TEXT),
    "key_newline": (("a line break after a key", "密钥末尾带换行"), ("trim the key after you read it from a file", "从文件读取密钥后请去除换行")),
    "key_blank": (("a blank after a key", "密钥末尾带空格"), ("trim the key", "请去除空格")),
    "key_trimmed": (("blanks that belong to a key were trimmed", "密钥自带的空白被去除"), _AS_TEXT),
    "key_plus_to_blank": (("the + in a key became a blank", "密钥中的 + 变成了空格"),
        ("do not URL-decode keys", "不要对密钥做 URL 解码")),
    "key_percent_encoded": (("a key was percent-encoded", "密钥被百分号编码"), _AS_TEXT),
    "key_percent_decoded": (("a key was percent-decoded", "密钥被百分号解码"), _AS_TEXT),
    "key_upper_case": (("a key was turned into upper case", "密钥被转成大写"), _AS_TEXT),
    "key_lower_case": (("a key was turned into lower case", "密钥被转成小写"), _AS_TEXT),
    "key_url_safe": (("the + and / of a key became - and _", "密钥中的 + / 变成了 - _"), _AS_TEXT),
    "key_quoted": (("quotes around a key", "密钥带引号"), ("take the quotes off", "请去掉引号")),
    "key_escaped": (("a key was escaped for JSON or HTML", "密钥被 JSON 或 HTML 转义"), _AS_TEXT),
    "key_bom": (("a byte order mark before a key", "密钥前带 BOM"), ("read the file as UTF-8 without a BOM", "请按不含 BOM 的 UTF-8 读取文件")),
    "key_without_dashes": (("the dashes of a key were lost", "密钥中的短横线丢失"), _AS_TEXT),
    "key_hashed": (("a key was hashed first", "密钥先被哈希"), _AS_TEXT),
    "key_cut": (("the last character of a key is missing", "密钥缺少最后一个字符"), ("copy the whole key", "请完整复制密钥")),
    # the hashed text
    "message_newline": (("a line break at the end of the hashed text", "被计算的文本末尾带换行"),
        ("use `printf %s` or `echo -n`", "请使用 printf %s 或 echo -n")),
    "message_blank": (("a blank at the end of the hashed text", "被计算的文本末尾带空格"), _ONLY_THREE),
    "message_nul": (("the terminating zero byte is hashed", "计算了结尾的零字节"), ("hash strlen() bytes", "长度请用 strlen()")),
    "message_base64": (("the text was base64-encoded before it was hashed", "计算前文本被 base64 编码"), _AS_TEXT),
    "message_hex": (("the text was hex-encoded before it was hashed", "计算前文本被转成十六进制"), _AS_TEXT),
    "message_quoted": (("quotes around the hashed text", "被计算的文本带引号"), ("take the quotes off", "请去掉引号")),
    "utf16": (("UTF-16 bytes are hashed", "计算了 UTF-16 字节"), _UTF8),
    "utf32": (("UTF-32 bytes are hashed", "计算了 UTF-32 字节"), _UTF8),
    "legacy_charset": (("bytes of an old character set are hashed", "计算了旧字符集的字节"), _UTF8),
    # the hashed curtime is not the one in the URL
    "curtime_off_by_one": (("the hashed curtime and the one in the URL are 1 s apart", "参与计算的 curtime 与 URL 中的相差 1 秒"), _ONE_CURTIME),
    "curtime_off_by_two": (("the hashed curtime and the one in the URL are 2 s apart", "参与计算的 curtime 与 URL 中的相差 2 秒"), _ONE_CURTIME),
    "curtime_eight_hours_off": (("the hashed curtime and the one in the URL are 8 h apart", "参与计算的 curtime 与 URL 中的相差 8 小时"), _EPOCH),
    "stale_checksum": (("a checksum of another moment", "checksum 属于另一时刻"), ("sign each request anew", "请为每个请求重新签名")),
    "curtime_stale_in_url": (("the checksum is of now, the curtime in the URL is not", "checksum 为当前时刻，URL 中的 curtime 不是"), _ONE_CURTIME),
    "curtime_hashed_in_milliseconds": (("finer than seconds when hashed, but not in the URL", "计算时用了毫秒或更细的时间，URL 中不是"), _ONE_CURTIME),
    "curtime_hashed_in_seconds": (("seconds when hashed, milliseconds or finer in the URL", "计算时用秒，URL 中为毫秒或更细"), _SECONDS),
    "curtime_hashed_truncated": (("the fraction was cut off when hashed, but not in the URL", "计算时去掉了小数，URL 中未去掉"), _SECONDS),
    "curtime_hashed_rounded": (("the fraction was rounded when hashed, but not in the URL", "计算时对小数取整，URL 中未取整"), _SECONDS),
    "curtime_hashed_with_fraction": (("a fraction when hashed, but not in the URL", "计算时带小数，URL 中没有"), _ONE_CURTIME),
    "curtime_hashed_plain": (("plain digits when hashed, but not in the URL", "计算时为普通数字，URL 中不是"), _SECONDS),
    "curtime_quoted": (("quotes around the hashed curtime", "参与计算的 curtime 带引号"), _ONE_CURTIME),
    # the digest
    "md5": (("MD5", "使用了 MD5"), _SHA1),
    "sha224": (("SHA-224", "使用了 SHA-224"), _SHA1),
    "sha256": (("SHA-256", "使用了 SHA-256"), _SHA1),
    "sha384": (("SHA-384", "使用了 SHA-384"), _SHA1),
    "sha512": (("SHA-512", "使用了 SHA-512"), _SHA1),
    "hmac": (("an HMAC", "使用了 HMAC"), ("use the plain hash of the joined text", "请对拼接文本直接计算哈希")),
    "double_hash": (("hashed twice", "哈希了两次"), ("hash once", "只哈希一次")),
    "hash_of_another": (("the hash of another hash", "对另一种哈希的结果再哈希"), ("hash the text once, with SHA-1", "对文本只做一次 SHA-1")),
    # how the digest is written
    "uppercase_hex": (("upper-case hex", "十六进制为大写"), _LOWER_HEX),
    "mixed_case_hex": (("hex in mixed case", "十六进制大小写混用"), _LOWER_HEX),
    "dashes": (("dashes between the bytes, as BitConverter writes them", "字节之间有短横线（BitConverter 的写法）"),
        ("take the dashes out", "请去掉短横线")),
    "hex_separated": (("separators between the bytes", "字节之间有分隔符"), _PLAIN),
    "hex_twice": (("hex of the hex text", "对十六进制文本再转十六进制"), _LOWER_HEX),
    "base64": (("base64 instead of hex", "用了 base64 而非十六进制"), _LOWER_HEX),
    "base64url": (("URL-safe base64 instead of hex", "用了 URL 安全的 base64 而非十六进制"), _LOWER_HEX),
    "base64_of_hex": (("base64 of the hex text", "对十六进制文本做了 base64"), _LOWER_HEX),
    "base64_plus_to_blank": (("a + of the base64 text became a blank on its way", "base64 中的 + 在传输中变成了空格"), _LOWER_HEX),
    "raw_bytes": (("the raw bytes of the digest", "发送了摘要的原始字节"), _LOWER_HEX),
    "truncated": (("a part of the digest only", "只发送了摘要的一部分"), ("send all 40 hex digits", "请发送全部 40 位十六进制字符")),
    "leading_zeros_lost": (("the zeros at the front were lost, as with BigInteger.toString(16)",
        "开头的 0 丢失（如 BigInteger.toString(16)）"), ("pad to 40 digits", "请补足 40 位")),
    "zeros_lost": (("bytes below 16 were written with one digit", "小于 16 的字节只写了一位"), ("write each byte as two digits", "每个字节写两位")),
    "sign_extended": (("negative bytes were written as ffffffxx", "负数字节被写成 ffffffxx"), ("mask each byte with 0xff", "每个字节请先与 0xff")),
    "appended": (("something follows the right digits", "正确的摘要之后有多余字符"), _PLAIN),
    "percent_encoded_twice": (("percent-encoded twice", "被百分号编码两次"), ("encode the query once", "查询串只编码一次")),
    "quoted": (("quotes around it", "带引号"), _PLAIN),
    "bytes_repr": (("Python's b'…' around it", "带有 Python 的 b'…'"), ("decode the bytes or use hexdigest()", "请解码字节或使用 hexdigest()")),
    "tool_output": (("the whole line that a tool printed", "发送了命令行工具输出的整行"), _PLAIN),
    "labelled": (("a label before the digits", "摘要前带有标签"), _PLAIN),
    "hex_prefix": (("0x before the digits", "前面带 0x"), _PLAIN),
    "brackets": (("brackets around it", "带括号"), _PLAIN),
    "blanks_around": (("blanks or line breaks around it", "前后有空白或换行"), _PLAIN),
    "full_width": (("full-width characters", "含全角字符"), _PLAIN),
    # what was sent is no digest of anything
    "checksum_empty": (("it is empty", "checksum 为空"), _ONLY_THREE),
    "checksum_sample": (("the placeholder of the document's samples", "使用了文档示例中的占位值"), _ONLY_THREE),
    "checksum_unset": (("a variable that was never filled in", "变量未赋值"), _AWAIT),
    "checksum_object": (("an object's name, not its value", "发送的是对象名称而不是值"), _AWAIT),
    "unhashed": (("the text before it was hashed; a secret travelled openly", "发送了未哈希的原文，密钥已明文传输"),
        ("hash it, and have the keys replaced", "请先计算哈希，并更换密钥")),
    "raw_digest_as_text": (("raw bytes were read as text and cannot be told any more", "原始字节被当作文本，已无法还原"), _LOWER_HEX),
    "not_hex": (("it holds other characters than 0-9 a-f", "含有 0-9 a-f 以外的字符"), _LOWER_HEX),
    "wrong_length": (("the length of no known digest", "长度不符合任何已知摘要"), ("send all 40 hex digits", "请发送全部 40 位十六进制字符")),
    "md5_length": (("128 bits, the length of an MD5", "128 位，为 MD5 的长度"), _SHA1),
    "sha224_length": (("224 bits, the length of a SHA-224", "224 位，为 SHA-224 的长度"), _SHA1),
    "sha256_length": (("256 bits, the length of a SHA-256", "256 位，为 SHA-256 的长度"), _SHA1),
    "sha384_length": (("384 bits, the length of a SHA-384", "384 位，为 SHA-384 的长度"), _SHA1),
    "sha512_length": (("512 bits, the length of a SHA-512", "512 位，为 SHA-512 的长度"), _SHA1),
    UNEXPLAINED: (("no known mistake explains it", "未找到已知的错误原因"),
        ("compare both keys character by character, and hash nothing but {formula}"
         " (whether a URL or something else was hashed cannot be told)",
         "请逐字核对两个密钥，且只对 {formula} 计算（是否误算了 URL 或其他内容无法判断）")),
    # curtime itself
    "curtime_empty": (("it is empty", "为空"), _SECONDS),
    "curtime_never_set": (("a variable that was never filled in", "变量未赋值"), _SECONDS),
    "curtime_sample": (("the placeholder of the document's samples", "为文档示例中的占位值"), _SECONDS),
    "curtime_milliseconds": (("milliseconds", "为毫秒"), ("divide by 1000", "请除以 1000")),
    "curtime_microseconds": (("microseconds", "为微秒"), ("divide by 1000000", "请除以 1000000")),
    "curtime_nanoseconds": (("nanoseconds", "为纳秒"), ("divide by 1000000000", "请除以 1000000000")),
    "curtime_ticks": (("ticks of 100 ns since the year 1 or 1601", "为自公元 1 年或 1601 年起的 100 纳秒计数"), _SECONDS),
    "curtime_since_2001": (("seconds since 2001", "为 2001 年以来的秒数"), ("use timeIntervalSince1970", "请使用 timeIntervalSince1970")),
    "curtime_fraction": (("a fraction of a second", "带小数"), ("cut the fraction off", "请去掉小数")),
    "curtime_exponent": (("scientific notation", "为科学计数法"), ("write it as an integer", "请写成整数")),
    "curtime_signed": (("a sign before the digits", "数字前带符号"), _SECONDS),
    "curtime_negative": (("a negative number", "为负数"), _SECONDS),
    "curtime_full_width": (("digits other than 0-9", "含 0-9 以外的数字字符"), ("type them in ASCII", "请使用半角数字")),
    "curtime_blanks": (("blanks or line breaks around the digits", "数字前后有空白或换行"), ("trim it", "请去除空白")),
    "curtime_quotes": (("quotes around the digits", "数字带引号"), ("take the quotes off", "请去掉引号")),
    "curtime_grouped": (("separators between the digits", "数字之间有分隔符"), ("write the digits alone", "只写数字")),
    "curtime_leading_zeros": (("zeros before the digits", "数字前有多余的 0"), _SECONDS),
    "curtime_suffixed": (("a unit or suffix after the digits", "数字后带单位或后缀"), ("write the digits alone", "只写数字")),
    "curtime_hex": (("hexadecimal", "为十六进制"), ("write it in decimal", "请写成十进制")),
    "curtime_date": (("a date", "为日期"), _SECONDS),
    "curtime_digits": (("{digits} digits instead of 10", "为 {digits} 位数字而不是 10 位"), _SECONDS),
    "curtime_no_number": (("no number", "不是数字"), _SECONDS),
    "curtime_eight_hours_ahead": (("8 h ahead: local time (UTC+8) taken as UTC", "快 8 小时：把本地时间（UTC+8）当作 UTC"), _EPOCH),
    "curtime_eight_hours_behind": (("8 h behind: UTC taken as local time (UTC+8)", "慢 8 小时：把 UTC 当作本地时间（UTC+8）"), _EPOCH),
    "curtime_time_zone": (("{hours:+g} h off, a time zone's shift", "相差 {hours:+g} 小时，为时区偏移"), _EPOCH),
    "clock_ahead": (("the client's clock is {seconds} s ahead", "客户端时钟快 {seconds} 秒"), _CLOCK),
    "clock_behind": (("the client's clock is {seconds} s behind, or an old signature is sent again",
        "客户端时钟慢 {seconds} 秒，或重发了旧签名"), _CLOCK),
}  # fmt: skip

MISTAKES: dict[str, Mistake] = {
    name: Mistake(Text(*fault), Text(*cure)) for name, (fault, cure) in _ROWS.items()
}


def tell(names: Iterable[str], expression: str = "", **values: str | float) -> Diagnosis:
    """The diagnosis of `names`, led by the expression that gives the same digest when there is one.

    `values` fill the braces of the rows: formula, digits, hours, seconds.
    """
    names = tuple(dict.fromkeys(names))
    rows = [MISTAKES[name] for name in names]
    cures = dict.fromkeys(row.cure for row in rows)
    faults = Text(", ".join(row.fault.en for row in rows), "，".join(row.fault.zh for row in rows))
    advice = Text("; ".join(cure.en for cure in cures), "；".join(cure.zh for cure in cures))
    faults, advice = (
        Text(text.en.format_map(values), text.zh.format_map(values)) for text in (faults, advice)
    )
    lead = Text(f"matches {expression}: ", f"与 {expression} 相符：") if expression else Text("", "")
    text = Text(f"{lead.en}{faults.en}; {advice.en}", f"{lead.zh}{faults.zh}；{advice.zh}")
    return Diagnosis(names, text, advice)
