"""What clients send in place of a checksum, a curtime or a signed query, as data: name, what it is, what to do."""

from __future__ import annotations

from mockserver.validation.mistakes_hashed import ONLY, Pair, Row

UNEXPLAINED = "unexplained"
_LOWER_HEX: Pair = ("write the digest in lower-case hex", "摘要须写成小写十六进制")
_PLAIN: Pair = ("send the 40 hex digits alone", "只发送 40 位十六进制字符")
_ALL: Pair = ("send all 40 hex digits", "请发送完整的 40 位十六进制字符")
_SHA1: Pair = ("use SHA-1", "请使用 SHA-1")
_AWAIT: Pair = ("send the text of the finished digest", "请发送计算完成后的摘要文本")
_SECONDS: Pair = ("send the UTC seconds since 1970 in 10 digits", "请发送 10 位的 Unix 秒数")
_CLOCK: Pair = ("set the clock by NTP and sign each request anew", "请用 NTP 校时，并为每个请求重新签名")
_EPOCH: Pair = ("take the seconds since 1970 without any time zone", "直接取 Unix 秒数，不要做时区换算")
_QUERY: Pair = ("put all five parameters into the URL's query string", "五个参数都应放在 URL 的查询串中")

SENT: dict[str, Row] = {
    # how the digest is written
    "uppercase_hex": (("upper-case hex", "十六进制用了大写"), _LOWER_HEX),
    "mixed_case_hex": (("hex in mixed case", "十六进制大小写混用"), _LOWER_HEX),
    "dashes": (("dashes between the bytes, as BitConverter writes them", "字节之间有连字符（BitConverter 的写法）"),
        ("take the dashes out", "请去掉连字符")),
    "hex_separated": (("separators between the bytes", "字节之间有分隔符"), _PLAIN),
    "hex_twice": (("hex of the hex text", "对十六进制文本又转了一次十六进制"), _LOWER_HEX),
    "base64": (("base64 instead of hex", "用了 base64，而不是十六进制"), _LOWER_HEX),
    "base64url": (("URL-safe base64 instead of hex", "用了 URL 安全的 base64，而不是十六进制"), _LOWER_HEX),
    "base64_of_hex": (("base64 of the hex text", "对十六进制文本又做了 base64"), _LOWER_HEX),
    "base64_plus_to_blank": (("a + of the base64 text became a blank on its way", "base64 中的 + 在传输中变成了空格"), _LOWER_HEX),
    "base32": (("base32 instead of hex", "用了 base32，而不是十六进制"), _LOWER_HEX),
    "raw_bytes": (("the raw bytes of the digest", "发送的是摘要的原始字节"), _LOWER_HEX),
    "byte_list": (("the bytes as decimal numbers", "把各字节写成了十进制数"), _LOWER_HEX),
    "decimal": (("one large decimal number", "写成了一个十进制大整数"), _LOWER_HEX),
    "negative_hex": (("a negative hex number, as new BigInteger(digest).toString(16) writes it",
        "写成了负的十六进制数（new BigInteger(digest).toString(16) 的结果）"),
        ("use new BigInteger(1, digest) and pad to 40 digits", "请用 new BigInteger(1, digest) 并补足 40 位")),
    "truncated": (("a part of the digest only", "只发送了摘要的一部分"), _ALL),
    "leading_zeros_lost": (("the zeros at the front were lost, as with BigInteger.toString(16)",
        "开头的 0 丢失（如 BigInteger.toString(16)）"), ("pad to 40 digits", "请补足 40 位")),
    "zeros_lost": (("bytes below 16 were written with one digit", "小于 16 的字节只写了一位"), ("write each byte as two digits", "每个字节须写两位")),
    "sign_extended": (("negative bytes were written as ffffffxx", "负数字节被写成 ffffffxx"), ("mask each byte with 0xff", "每个字节请先与 0xff 做按位与")),
    "appended": (("something follows the right digits", "正确的摘要后面多了内容"), _PLAIN),
    "percent_encoded_twice": (("percent-encoded twice", "被 URL 编码两次"), ("encode the query once", "查询串只编码一次")),
    "quoted": (("quotes around it", "带了引号"), _PLAIN),
    "bytes_repr": (("Python's b'…' around it", "带有 Python 的 b'…'"), ("decode the bytes or use hexdigest()", "请将 bytes 解码，或使用 hexdigest()")),
    "nsdata": (("the description of an NSData", "发送的是 NSData 的 description"), ("write each byte with %02x", "每个字节请用 %02x 输出")),
    "object_shown": (("an object as a console shows it", "发送的是对象在控制台中的显示形式"), _AWAIT),
    "tool_output": (("the whole line that a tool printed", "发送了命令行工具输出的整行"), _PLAIN),
    "labelled": (("a label before the digits", "摘要前带有标签"), _PLAIN),
    "hex_prefix": (("0x before the digits", "前面带有 0x"), _PLAIN),
    "brackets": (("brackets around it", "带了括号"), _PLAIN),
    "blanks_around": (("blanks or line breaks around it", "前后有空白或换行"), _PLAIN),
    "full_width": (("full-width characters", "含有全角字符"), _PLAIN),
    # what was sent is no digest of anything
    "checksum_empty": (("it is empty", "checksum 为空"), ONLY),
    "checksum_sample": (("the placeholder of the document's samples", "仍是文档示例中的占位值"), ONLY),
    "checksum_unset": (("a variable that was never filled in", "变量没有赋值"), _AWAIT),
    "checksum_object": (("an object's name, not its value", "发送的是对象名，而不是它的值"), _AWAIT),
    "unhashed": (("the text before it was hashed; a secret travelled openly", "发送了未做哈希的原文，密钥已明文传输"),
        ("hash it, and have the keys replaced", "请先做哈希，并更换密钥")),
    "sum_appended": (("h.Sum(text) puts the text before the hash of nothing; a secret travelled openly",
        "h.Sum(text) 会把文本拼在空内容的哈希之前，密钥已明文传输"),
        ("call h.Write(text) and then h.Sum(nil), and have the keys replaced", "请先 h.Write(text) 再 h.Sum(nil)，并更换密钥")),
    "raw_digest_as_text": (("the raw bytes of the digest were read as text, and some were lost", "摘要的原始字节被当作文本，部分内容已丢失"), _LOWER_HEX),
    "bytes_lost": (("raw bytes were read as text and cannot be told any more", "原始字节被当作文本，已无法还原"), _LOWER_HEX),
    "not_hex": (("it holds other characters than 0-9 a-f", "含有 0-9、a-f 以外的字符"), _LOWER_HEX),
    "wrong_length": (("the length of no known digest", "长度不符合任何已知摘要"), _ALL),
    "md5_length": (("128 bits, the length of an MD5", "共 128 位，是 MD5 的长度"), _SHA1),
    "sha224_length": (("224 bits, the length of a SHA-224", "共 224 位，是 SHA-224 的长度"), _SHA1),
    "sha256_length": (("256 bits, the length of a SHA-256", "共 256 位，是 SHA-256 的长度"), _SHA1),
    "sha384_length": (("384 bits, the length of a SHA-384", "共 384 位，是 SHA-384 的长度"), _SHA1),
    "sha512_length": (("512 bits, the length of a SHA-512", "共 512 位，是 SHA-512 的长度"), _SHA1),
    UNEXPLAINED: (("no known mistake explains it", "未找到已知的错误原因"),
        ("compare both keys character by character, and hash nothing but {formula}"
         " (whether a URL or something else was hashed cannot be told){deeper}",
         "请逐字核对两个密钥，且只对 {formula} 计算（是否误算了 URL 或其他内容无法判断）{deeper_zh}")),
    # the signature is not in the query
    "signature_in_headers": (("the signature is in the headers, as some other vendors want it", "签名放在了请求头中（其他厂商的做法）"), _QUERY),
    "signature_in_body": (("the signature is in the body", "签名放在了请求包体中"), _QUERY),
    "signature_in_path": (("the signature is in the path: the ? before it is missing or was escaped", "签名落在了路径中：缺少 ? 或 ? 被转义"),
        ("separate path and query by a plain ?", "路径与查询串之间请用未转义的 ? 分隔")),
    "query_escaped": (("the & or = of the query string were escaped", "查询串中的 & 或 = 被转义"), ("escape only the values, not & and =", "只转义参数值，不要转义 & 和 =")),
    # curtime itself
    "curtime_empty": (("it is empty", "值为空"), _SECONDS),
    "curtime_never_set": (("a variable that was never filled in", "变量没有赋值"), _SECONDS),
    "curtime_sample": (("the placeholder of the document's samples", "仍是文档示例中的占位值"), _SECONDS),
    "curtime_milliseconds": (("milliseconds", "单位是毫秒"), ("divide by 1000", "请除以 1000")),
    "curtime_microseconds": (("microseconds", "单位是微秒"), ("divide by 1000000", "请除以 1000000")),
    "curtime_nanoseconds": (("nanoseconds", "单位是纳秒"), ("divide by 1000000000", "请除以 1000000000")),
    "curtime_ticks": (("ticks of 100 ns since the year 1 or 1601", "是自公元 1 年或 1601 年起的 100 纳秒计数"), _SECONDS),
    "curtime_since_2001": (("seconds since 2001", "是自 2001 年起的秒数"), ("use timeIntervalSince1970", "请使用 timeIntervalSince1970")),
    "curtime_fraction": (("a fraction of a second", "带有小数"), ("cut the fraction off", "请去掉小数")),
    "curtime_exponent": (("scientific notation", "用了科学计数法"), ("write it as an integer", "请写成整数")),
    "curtime_signed": (("a sign before the digits", "数字前带有正负号"), _SECONDS),
    "curtime_negative": (("a negative number", "是负数"), _SECONDS),
    "curtime_full_width": (("digits other than 0-9", "含有 0-9 以外的数字字符"), ("type them in ASCII", "请使用半角数字")),
    "curtime_blanks": (("blanks or line breaks around the digits", "数字前后有空白或换行"), ("trim it", "请去掉空白")),
    "curtime_quotes": (("quotes around the digits", "数字带了引号"), ("take the quotes off", "请去掉引号")),
    "curtime_grouped": (("separators between the digits", "数字之间有分隔符"), ("write the digits alone", "只写数字")),
    "curtime_leading_zeros": (("zeros before the digits", "数字前有多余的 0"), _SECONDS),
    "curtime_suffixed": (("a unit or suffix after the digits", "数字后带有单位或后缀"), ("write the digits alone", "只写数字")),
    "curtime_hex": (("hexadecimal", "是十六进制"), ("write it in decimal", "请写成十进制")),
    "curtime_date": (("a date", "是日期"), _SECONDS),
    "curtime_digits": (("{digits} digits instead of 10", "是 {digits} 位数字，而不是 10 位"), _SECONDS),
    "curtime_no_number": (("no number", "不是数字"), _SECONDS),
    "curtime_eight_hours_ahead": (("8 h ahead: local time (UTC+8) taken as UTC", "快 8 小时：把本地时间（UTC+8）当作了 UTC"), _EPOCH),
    "curtime_eight_hours_behind": (("8 h behind: UTC taken as local time (UTC+8)", "慢 8 小时：把 UTC 当作了本地时间（UTC+8）"), _EPOCH),
    "curtime_time_zone": (("{hours:+g} h off, a time zone's shift", "相差 {hours:+g} 小时，像是时区偏移"), _EPOCH),
    "clock_ahead": (("the client's clock is {span} ahead", "客户端时钟快 {span_zh}"), _CLOCK),
    "clock_behind": (("the client's clock is {span} behind, or an old signature is sent again",
        "客户端时钟慢 {span_zh}，或重发了旧签名"), _CLOCK),
}  # fmt: skip
