"""The settings: one table that feeds the command line, the environment, the app factory and the docs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mockserver.core.text import Text

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

    @property
    def option(self) -> str:
        """The option on the command line."""
        name = self.name.replace("_", "-")
        return f"--{name}/--no-{name}" if self.kind == "switch" else f"--{name}"

    @property
    def variable(self) -> str:
        """The environment variable."""
        return f"MOCKSERVER_{self.name.upper()}"


_TABLE = (
    Setting("host", "text", "127.0.0.1", Text("address to listen on", "监听地址")),
    Setting("port", "integer", 8080, Text("port to listen on; 0 picks a free one", "监听端口；0 表示自动选择空闲端口")),
    Setting("scenario", "text", "default", Text("scenario that answers", "使用的场景")),
    Setting("fixtures", "path", None, Text(
        "folder with your own apps.yaml, errors.yaml, scenarios/ and schemas/, each before the shipped one",
        "自有 apps.yaml、errors.yaml、scenarios/、schemas/ 所在目录，优先于自带文件"), metavar="DIR"),
    Setting("seed", "integer", None, Text("seed of generated data, over the scenario's", "生成数据的种子，优先于场景")),
    Setting("now", "text", None, Text(
        "stand still at this moment: seconds, ISO 8601 with offset, now-2h", "时钟固定在此刻：秒数、带时区的 ISO 8601、now-2h"),
        metavar="WHEN"),
    Setting("reading", "many", (), Text("choose a reading; may be given several times", "指定读法，可多次使用"),
        metavar="NAME=VALUE"),
    Setting("strictness", "choice", None, Text("short for --reading strictness=…", "等同 --reading strictness=…"),
        ("strict", "lenient")),
    Setting("fault", "many", (), Text("put a fault to work on every app; may be given several times", "为所有应用启用故障，可多次使用"),
        metavar="KIND;FIELD=VALUE;…"),
    Setting("lang", "choice", "en", Text("language of ErrorInfo and of messages", "ErrorInfo 与提示的语言"), ("en", "zh")),
    Setting("error_info", "choice", None, Text(
        "what ErrorInfo says: the text of errors.yaml and the detail (default), or the text alone; wins over the scenario",
        "ErrorInfo 的内容：errors.yaml 的文字加详情（默认），或仅该文字；优先于场景"), ("detailed", "catalogue")),
    Setting("answer_headers", "switch", True, Text("send the X-Mock-… answer headers", "发送 X-Mock-… 应答头")),
    Setting("admin_token", "text", None, Text(
        "what callers of the admin API must send as a bearer token; needed off loopback",
        "管理接口要求的 Bearer 令牌；监听非本机地址时必需"), metavar="TOKEN"),
    Setting("journal_size", "integer", 10_000, Text(
        "requests that the journal keeps of each app, at most 64 MB", "日志为每个应用保留的请求数，最多 64 MB"), metavar="N"),
    Setting("reload", "switch", True, Text(
        "watch the files: a good save answers within two seconds, a bad one is told and changes nothing",
        "监视文件：保存无误两秒内生效，有误则提示且不改变应答")),
    Setting("tls", "switch", False, Text(
        "speak https with a certificate made for this run; its CA file is printed",
        "以本次运行自动生成的证书提供 https，并打印其 CA 文件")),
    Setting("tls_cert", "path", None, Text("speak https with this certificate (PEM)", "使用此证书（PEM）提供 https"),
        metavar="FILE"),
    Setting("tls_key", "path", None, Text(
        "its private key, unless it is in the same file", "证书的私钥，与证书同文件时可省略"), metavar="FILE"),
    Setting("ready_file", "path", None, Text(
        "write url, pid and apps as JSON to this file once ready", "就绪后将 url、pid、apps 以 JSON 写入该文件"), metavar="FILE"),
    Setting("log_requests", "choice", "failures", Text(
        "requests that get a line in the log: those that fail or leave the contract, all, none",
        "写入日志的请求：失败或违反契约的、全部、不写"), ("failures", "all", "none")),
    Setting("log_format", "choice", "text", Text("form of the log", "日志格式"), ("text", "json")),
)  # fmt: skip

SETTINGS: dict[str, Setting] = {setting.name: setting for setting in _TABLE}


def from_environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The raw values of the settings that the environment sets."""
    environ = os.environ if environ is None else environ
    return {name: environ[one.variable] for name, one in SETTINGS.items() if environ.get(one.variable)}
