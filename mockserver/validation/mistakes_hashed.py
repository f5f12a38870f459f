"""What clients hash in place of the right text, as data: name, what it is, what to do, in both languages."""

from __future__ import annotations

from typing import TypeAlias

Pair: TypeAlias = tuple[str, str]
"""English and Chinese."""
Row: TypeAlias = tuple[Pair, Pair]
"""What it is, and the cure."""

ONLY: Pair = ("hash {formula} and nothing else", "参与计算的内容只能是 {formula}")
_AS_TEXT: Pair = ("hash each key exactly as it was given out", "密钥须按分配时的原文参与计算")
_TRIM: Pair = ("trim the key after reading it", "读取密钥后请去掉首尾空白")
_LOAD: Pair = (
    "load the keys before signing, and stop when one is missing",
    "签名前请先读入密钥，缺失时应直接报错",
)
_ONE_CURTIME: Pair = (
    "read the clock once; hash and send the same string",
    "只取一次时间，计算和发送都用同一个字符串",
)
_SECONDS: Pair = ("send the UTC seconds since 1970 in 10 digits", "请发送 10 位的 Unix 秒数")
_SHA1: Pair = ("use SHA-1", "请使用 SHA-1")
_UTF8: Pair = ("hash the UTF-8 bytes without a BOM", "请对不带 BOM 的 UTF-8 字节计算")
_ONCE: Pair = ("hash the joined text once, with SHA-1", "对拼接后的文本只做一次 SHA-1")
_JOIN: Pair = ("join the parts with nothing between them", "各部分应直接拼接，中间不加任何字符")
_OWN_KEY: Pair = ("the restapikey is a key of its own", "restapikey 是单独分配的密钥")

HASHED: dict[str, Row] = {
    # the formula
    "v1_formula": (("the v1 formula", "用了 v1 公式"), ("v2 needs the restapikey in the middle", "v2 须在中间加入 restapikey")),
    "v2_formula": (("the v2 formula", "用了 v2 公式"), ("v1 leaves the restapikey out", "v1 不含 restapikey")),
    "wrong_order": (("the parts in another order", "各部分的顺序不对"), ("the order is {formula}", "正确顺序为 {formula}")),
    "appkey_for_appsecret": (("the appkey in place of the appsecret", "把 appkey 当成了 appsecret"),
        ("the appkey is not hashed", "appkey 不参与计算")),
    "appkey_for_restapikey": (("the appkey in place of the restapikey", "把 appkey 当成了 restapikey"), _OWN_KEY),
    "appkey_added": (("the appkey is hashed too", "多算了 appkey"), ONLY),
    "appsecret_missing": (("the appsecret is missing", "漏了 appsecret"), ONLY),
    "curtime_missing": (("the curtime is missing", "漏了 curtime"), ONLY),
    "keys_missing": (("no key is hashed", "没有加入任何密钥"), ONLY),
    "part_repeated": (("a part stands twice", "有一部分重复了"), ONLY),
    "identifier_for_restapikey": (("the identifier in place of the restapikey", "把 identifier 当成了 restapikey"), _OWN_KEY),
    "identifier_added": (("the identifier is hashed too", "多算了 identifier"), ONLY),
    "nonce_for_restapikey": (("seq in place of the restapikey, the formula of some other vendors (secret + nonce + time)",
        "用 seq 代替了 restapikey，这是其他厂商的公式（secret + nonce + time）"), ONLY),
    "seq_added": (("the seq is hashed too", "多算了 seq"), ONLY),
    "separator": (("a separator between the parts", "各部分之间多了分隔符"), _JOIN),
    "named_parts": (("names are hashed with the values", "连同参数名一起计算了"), ("hash the values alone", "只用参数值计算")),
    "serialized_parts": (("the parts are hashed as a list or an object is written", "计算的是列表或 JSON 形式的文本"), _JOIN),
    "query_signed": (("the query string is hashed", "误对查询串做了计算"), ONLY),
    "body_signed": (("the request body is hashed", "误把请求包体加入计算"), ONLY),
    "nothing_hashed": (("the hash of an empty text", "这是空文本的哈希值"),
        ("check that the text reaches the hash: a stream that was read to its end gives nothing",
         "请确认文本确实传给了哈希函数：已读到末尾的流不会再有内容")),
    # values that were never filled in
    "key_unset": (("a key was never set: undefined, null or the like was hashed in its place", "密钥未赋值，实际计算的是 undefined、null 之类的字面文本"), _LOAD),
    "key_placeholder": (("a placeholder in place of a key", "密钥处仍是占位文字"), _LOAD),
    "literal_names": (("the names or placeholders of the parts are hashed, not their values", "计算的是参数名或占位符，而不是参数值"),
        ("fill the values in before hashing", "计算前请填入实际的值")),
    "curtime_unset": (("the curtime was not filled in when the hash was made", "计算时 curtime 还没有赋值"), _ONE_CURTIME),
    # the keys
    "other_app": (("the credentials of another app", "用了其他应用的密钥"),
        ("sign with the keys of the appkey you send", "请使用与所发 appkey 对应的密钥")),
    "mixed_credentials": (("one key is another app's", "其中一个密钥属于其他应用"),
        ("take both keys from the same app", "两个密钥须来自同一应用")),
    "restapikey_derived": (("a restapikey that was computed from something else", "restapikey 是由其他值算出来的"),
        ("use the restapikey as it was given out", "请直接使用分配的 restapikey")),
    "key_base64_decoded": (("a key was base64-decoded", "密钥被 base64 解码"), _AS_TEXT),
    "key_base64_encoded": (("a key was base64-encoded", "密钥被 base64 编码"), _AS_TEXT),
    "key_hex_decoded": (("a key was decoded from hex", "密钥被当作十六进制解码"), _AS_TEXT),
    "key_hex_encoded": (("a key was encoded in hex", "密钥被转成十六进制"), _AS_TEXT),
    "key_padding_stripped": (("the = at the end of a key was lost", "密钥末尾的 = 丢失"), _AS_TEXT),
    "key_newline": (("a line break beside a key", "密钥前后带换行"), _TRIM),
    "key_blank": (("a blank beside a key", "密钥前后带空白"), _TRIM),
    "key_nul": (("a zero byte after a key", "密钥末尾带零字节"), ("pass the length without the terminator", "长度请勿包含结尾的零字节")),
    "key_trimmed": (("blanks that belong to a key were trimmed", "密钥自带的空白被去掉"), _AS_TEXT),
    "key_plus_to_blank": (("the + in a key was lost or became a blank", "密钥中的 + 丢失或变成了空格"),
        ("do not URL-decode keys", "不要对密钥做 URL 解码")),
    "key_percent_encoded": (("a key was percent-encoded", "密钥被 URL 编码"), _AS_TEXT),
    "key_percent_decoded": (("a key was percent-decoded", "密钥被 URL 解码"), _AS_TEXT),
    "key_upper_case": (("a key was turned into upper case", "密钥被转成大写"), _AS_TEXT),
    "key_lower_case": (("a key was turned into lower case", "密钥被转成小写"), _AS_TEXT),
    "key_url_safe": (("the + and / of a key became - and _", "密钥中的 + 和 / 变成了 - 和 _"), _AS_TEXT),
    "key_quoted": (("quotes around a key", "密钥带了引号"), ("take the quotes off", "请去掉引号")),
    "key_wrapped": (("brackets or Optional(…) around a key", "密钥外带有括号或 Optional(…)"), ("unwrap the key", "请取出其中的密钥原文")),
    "key_bytes_repr": (("Python's b'…' around a key", "密钥带有 Python 的 b'…'"), ("decode the bytes before joining them", "拼接前请先将 bytes 解码")),
    "key_escaped": (("a key was escaped for JSON or HTML", "密钥被 JSON 或 HTML 转义"), _AS_TEXT),
    "key_bom": (("a byte order mark before a key", "密钥前带有 BOM"), ("read the file as UTF-8 without a BOM", "请按不带 BOM 的 UTF-8 读取文件")),
    "key_without_dashes": (("the dashes of a key were lost", "密钥中的连字符丢失"), _AS_TEXT),
    "key_hashed": (("a key was hashed first", "密钥先被哈希"), _AS_TEXT),
    "key_cut": (("a part of a key is missing", "密钥缺了一部分"), ("copy the whole key, and quote it where a parser could cut it", "请完整复制密钥；若会被解析器截断，请加引号")),
    # the hashed text
    "message_newline": (("a line break at the end of the hashed text", "被计算的文本末尾带换行"),
        ("use `printf %s` or `echo -n`", "请使用 printf %s 或 echo -n")),
    "message_blank": (("a blank at the end of the hashed text", "被计算的文本末尾带空白"), ONLY),
    "message_nul": (("the terminating zero byte is hashed", "结尾的零字节也参与了计算"), ("hash strlen() bytes", "长度请用 strlen()")),
    "message_base64": (("the text was base64-encoded before it was hashed", "文本先经 base64 编码才计算"), _ONCE),
    "message_hex": (("the text was hex-encoded before it was hashed", "文本先转成十六进制才计算"), _ONCE),
    "message_quoted": (("quotes around the hashed text", "被计算的文本带引号"), ("take the quotes off", "请去掉引号")),
    "message_bytes_repr": (("Python's b'…' around the hashed text", "被计算的文本带有 Python 的 b'…'"),
        ("hash the bytes, not str(bytes)", "请对 bytes 本身计算，而不是 str(bytes)")),
    "message_reversed": (("the text was turned round before it was hashed", "文本被反转后才计算"), _ONCE),
    "utf16": (("UTF-16 bytes are hashed", "对 UTF-16 字节做了计算"), _UTF8),
    "utf32": (("UTF-32 bytes are hashed", "对 UTF-32 字节做了计算"), _UTF8),
    "legacy_charset": (("bytes of an old character set are hashed", "对旧字符集（如 GBK）的字节做了计算"), _UTF8),
    # the hashed curtime is not the one in the URL
    "curtime_off_by_one": (("the hashed curtime and the one in the URL are 1 s apart", "参与计算的 curtime 与 URL 中的相差 1 秒"), _ONE_CURTIME),
    "curtime_off_by_two": (("the hashed curtime and the one in the URL are 2 s apart", "参与计算的 curtime 与 URL 中的相差 2 秒"), _ONE_CURTIME),
    "curtime_eight_hours_off": (("the hashed curtime and the one in the URL are 8 h apart", "参与计算的 curtime 与 URL 中的相差 8 小时"),
        ("one of the two was made from local time; use UTC seconds in both", "其中一处用了本地时间（东八区）；两处都应使用 UTC 秒数")),
    "stale_checksum": (("a checksum of another moment", "这是另一时刻的 checksum"), ("sign each request anew", "请为每个请求重新签名")),
    "curtime_stale_in_url": (("the checksum is of now, the curtime in the URL is not", "checksum 按当前时刻计算，URL 中的 curtime 却不是当前时刻"), _ONE_CURTIME),
    "curtime_hashed_in_milliseconds": (("finer than seconds when hashed, but not in the URL", "计算时用了毫秒或更细的时间，URL 中却不是"), _ONE_CURTIME),
    "curtime_hashed_in_seconds": (("seconds when hashed, milliseconds or finer in the URL", "计算时用的是秒，URL 中却是毫秒或更细"), _SECONDS),
    "curtime_hashed_truncated": (("the fraction was cut off when hashed, but not in the URL", "计算时去掉了小数，URL 中却没有去掉"), _SECONDS),
    "curtime_hashed_rounded": (("the fraction was rounded when hashed, but not in the URL", "计算时取了整，URL 中却没有取整"), _SECONDS),
    "curtime_hashed_with_fraction": (("a fraction when hashed, but not in the URL", "计算时带小数，URL 中却没有"), _ONE_CURTIME),
    "curtime_hashed_plain": (("plain digits when hashed, but not in the URL", "计算时是纯数字，URL 中却不是"), _SECONDS),
    "curtime_quoted": (("quotes around the hashed curtime", "参与计算的 curtime 带引号"), _ONE_CURTIME),
    # the hash
    "md5": (("MD5", "用了 MD5"), _SHA1),
    "sha224": (("SHA-224", "用了 SHA-224"), _SHA1),
    "sha256": (("SHA-256", "用了 SHA-256"), _SHA1),
    "sha384": (("SHA-384", "用了 SHA-384"), _SHA1),
    "sha512": (("SHA-512", "用了 SHA-512"), _SHA1),
    "hmac": (("an HMAC", "用了 HMAC"), ("use the plain hash of the joined text", "请对拼接后的文本直接做哈希，而不是 HMAC")),
    "double_hash": (("hashed twice", "做了两次哈希"), _ONCE),
    "hash_of_another": (("the hash of another hash", "对另一种哈希的结果又做了哈希"), _ONCE),
    "part_hashed": (("a part of the text was hashed first", "有一部分先被哈希"), _ONCE),
}  # fmt: skip
