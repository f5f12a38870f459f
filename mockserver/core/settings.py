"""The settings: one table for the command line, the environment, the app factory and the documentation."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mockserver.core.addresses import parse_origins, parse_public_url
from mockserver.core.errors import ConfigurationError
from mockserver.core.suggestions import similar_name
from mockserver.core.text import Text

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
Kind = Literal["text", "integer", "path", "choice", "switch", "many"]


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: `--name` on the command line, `MOCKSERVER_NAME` in the environment."""

    name: str
    kind: Kind
    default: Any
    text: Text
    choices: tuple[str, ...] = ()
    metavar: str = ""
    parse: Callable[[Any], Any] | None = None  # Checks and converts a value; raises ConfigurationError.

    @property
    def option(self) -> str:
        """The option on the command line."""
        name = self.name.replace("_", "-")
        return f"--{name}/--no-{name}" if self.kind == "switch" else f"--{name}"

    @property
    def variable(self) -> str:
        """The environment variable."""
        return f"{_PREFIX}{self.name.upper()}"


def parse_admin_token(token: str) -> str:
    """Return the token without surrounding blanks, as in a file that ends in a line break; ConfigurationError if unusable."""
    token = token.strip()
    if not token or _CONTROL.search(token):
        # The message must not show the token.
        text = Text("is empty or contains control characters", "为空或含有控制字符")
        raise ConfigurationError.at("--admin-token", text)
    return token


_TABLE = (
    Setting("host", "text", "127.0.0.1", Text("address to listen on", "监听地址")),
    Setting("port", "integer", 8080, Text("port to listen on; 0 picks a free one", "监听端口；0 表示自动选择空闲端口")),
    Setting("scenario", "text", "default", Text("scenario to serve", "使用的场景")),
    Setting("fixtures", "path", None, Text(
        "folder with your own apps.yaml, errors.yaml, retries.yaml, scenarios/ and schemas/; replaces shipped files of the same name",
        "自有 apps.yaml、errors.yaml、retries.yaml、scenarios/、schemas/ 所在目录；替换同名的自带文件"), metavar="DIR"),
    Setting("seed", "integer", None, Text("seed of generated data; overrides the scenario's", "生成数据的种子；优先于场景")),
    Setting("now", "text", None, Text(
        "freeze the clock at this time: seconds, ISO 8601 with offset, now-2h", "将时钟固定在此时间：秒数、带时区的 ISO 8601、now-2h"),
        metavar="WHEN"),
    Setting("reading", "many", (), Text("choose a reading; repeatable", "指定读法；可多次使用"),
        metavar="NAME=VALUE"),
    Setting("strictness", "choice", None, Text("short for --reading strictness=…", "等同 --reading strictness=…"),
        ("strict", "lenient")),
    Setting("signing", "choice", None, Text(
        "short for --reading signing=…; off also serves tools that cannot sign",
        "等同 --reading signing=…；off 可供无法签名的工具使用"), ("v2", "v1", "either", "off")),
    Setting("fault", "many", (), Text("inject a fault into every app; repeatable", "为所有应用注入故障；可多次使用"),
        metavar="KIND;FIELD=VALUE;…"),
    Setting("lang", "choice", "en", Text("language of ErrorInfo and of messages", "ErrorInfo 与提示的语言"), ("en", "zh")),
    Setting("error_info", "choice", None, Text(
        "what ErrorInfo says: the text of errors.yaml and the detail (default), or the text alone; wins over the scenario",
        "ErrorInfo 的内容：errors.yaml 的文字加详情（默认），或仅该文字；优先于场景"), ("detailed", "catalogue")),
    Setting("answer_headers", "switch", True, Text("send the X-Mock-… answer headers", "发送 X-Mock-… 应答头")),
    Setting("admin_token", "text", None, Text(
        "bearer token that the admin API requires; mandatory when listening beyond loopback",
        "管理接口要求的 Bearer 令牌；监听非本机地址时必需"), metavar="TOKEN", parse=parse_admin_token),
    Setting("public_url", "text", None, Text(
        "URL under which clients reach the server behind a reverse proxy; for the OpenAPI document and, with a token, the admin API",
        "经反向代理访问本服务器的 URL；用于 OpenAPI 文档；设有令牌时，管理接口也接受此地址"),
        metavar="URL", parse=parse_public_url),
    Setting("cors_origin", "many", (), Text(
        "let web pages of this origin call the API, never the admin API; repeatable",
        "允许此来源的网页调用 API（不含管理接口）；可多次使用"), metavar="URL", parse=parse_origins),
    Setting("journal_size", "integer", 10_000, Text(
        "requests that the journal keeps per app, at most 64 MB", "日志为每个应用保留的请求数，最多 64 MB"), metavar="N"),
    Setting("reload", "switch", True, Text(
        "watch the files: a valid change takes effect within two seconds, an invalid one is reported and ignored",
        "监视文件：有效修改两秒内生效，无效修改仅提示且不生效")),
    Setting("tls", "switch", False, Text(
        "serve https with a certificate generated for this run; the path of its CA file is printed",
        "以本次运行自动生成的证书提供 https，并打印其 CA 文件路径")),
    Setting("tls_name", "many", (), Text(
        "host name or IP address to add to the generated certificate, beside localhost, 127.0.0.1, ::1 and --host; repeatable",
        "自动生成的证书中除 localhost、127.0.0.1、::1 与 --host 外另加的主机名或 IP 地址；可多次使用"), metavar="NAME"),
    Setting("tls_cert", "path", None, Text("serve https with this certificate (PEM)", "使用此证书（PEM）提供 https"),
        metavar="FILE"),
    Setting("tls_key", "path", None, Text(
        "private key of the certificate, unless it is in the same file", "证书的私钥；与证书同文件时可省略"), metavar="FILE"),
    Setting("ready_file", "path", None, Text(
        "write url, pid and apps as JSON to this file once ready", "就绪后将 url、pid、apps 以 JSON 写入该文件"), metavar="FILE"),
    Setting("log_requests", "choice", "failures", Text(
        "requests to log: those that fail or violate the contract, all, or none",
        "写入日志的请求：失败或违反契约的、全部、不写"), ("failures", "all", "none")),
    Setting("log_format", "choice", "text", Text("log format", "日志格式"), ("text", "json")),
)  # fmt: skip

_PREFIX = "MOCKSERVER_"
_TARGET = ("", "_APPS", "_CA", "_PROXY", "_APPKEY", "_APPSECRET", "_RESTAPIKEY", "_IDENTIFIER")
_NO_SETTINGS = ("URL", "CA", "APPKEY", "TEST_FULL", *(f"TARGET{name}" for name in _TARGET))
"""Other variables: those of the commands that call a server, and the one of this project's own tests."""
_SERVICE = re.compile(
    rf"{_PREFIX}(?:\w+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)"
)
_SERVICE_URL = re.compile(r"(?:tcp|udp|sctp)://")

SETTINGS: dict[str, Setting] = {setting.name: setting for setting in _TABLE}


def from_environment(environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the raw values of all settings in the environment; of a repeatable one, a list of its lines."""
    found = {name: read_variable(setting.variable, environ) for name, setting in SETTINGS.items()}
    return {
        name: value.splitlines() if SETTINGS[name].kind == "many" else value for name, value in found.items() if value
    }


def read_variable(name: str, environ: Mapping[str, str] | None = None) -> str:
    """Return the value of an environment variable; empty when it is unset, blank, or set by Kubernetes."""
    environ = os.environ if environ is None else environ
    return "" if _is_injected(name, environ) else environ.get(name, "").strip()


def environment_warnings(environ: Mapping[str, str] | None = None) -> list[Text]:
    """Return a message on each misspelt variable, and one on all those that Kubernetes has set."""
    environ = os.environ if environ is None else environ
    warnings = []
    names = sorted(name for name in environ if name.upper().startswith(_PREFIX))
    if injected := [name for name in names if _is_injected(name, environ)]:
        listed, more = ", ".join(injected[:3]), len(injected) - 3
        warnings.append(
            Text(
                f"{listed}{f' and {more} more' if more > 0 else ''}: ignored; Kubernetes sets them for a Service of this"
                " name (choose the port with --port, or leave them out with enableServiceLinks: false)",
                f"{listed}{f' 等 {len(injected)} 个变量' if more > 0 else ''}：已忽略；由 Kubernetes 为同名 Service 注入"
                "（端口请用 --port 指定；enableServiceLinks: false 可关闭注入）",
            )
        )
    # The prefix would make all names similar.
    known = [setting.variable.removeprefix(_PREFIX) for setting in SETTINGS.values()] + [*_NO_SETTINGS]
    for name in names:
        own = name[len(_PREFIX) :]
        exact = name.startswith(_PREFIX) and own in known
        if not exact and name not in injected and (similar := similar_name(own, known)):
            warnings.append(
                Text(
                    f"{name}: no such variable; did you mean {_PREFIX}{similar}?",
                    f"{name}：没有这个变量；是否为 {_PREFIX}{similar}？",
                )
            )
    return warnings


def _is_injected(name: str, environ: Mapping[str, str]) -> bool:
    """Whether Kubernetes has set a variable, for a Service whose name begins with `mockserver`."""
    is_url = name.endswith("PORT") and _SERVICE_URL.match(environ.get(name, ""))
    return bool(is_url or _SERVICE.fullmatch(name))
