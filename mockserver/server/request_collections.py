"""The six operations as request collections: a Postman collection, and an `.http` file for JetBrains and VS Code."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timezone

from mockserver.contract.apps import App
from mockserver.contract.envelope import FIELDS
from mockserver.contract.operations import OPERATIONS, Operation
from mockserver.contract.readings import Readings
from mockserver.core.text import Lang, Text
from mockserver.engine.config import Config
from mockserver.server.openapi import MEDIA_TYPE, TAGS, TITLE, request_samples
from mockserver.server.openapi_schemas import Json
from mockserver.validation.query import PARAMETERS

POSTMAN_SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
_BASE_URL = "{{baseUrl}}"
_DESCRIPTION = Text(
    "The collection's pre-request script signs each request: checksum = {formula} (§1.1.2). Set the collection"
    " variables baseUrl, appkey, appsecret and restapikey.",
    "每个请求由集合的 pre-request 脚本签名：checksum = {formula}（§1.1.2）。请设置集合变量 baseUrl、appkey、appsecret、restapikey。",
)
_HTTP_FILE_HEAD = Text(
    "# Signed at {at} for appkey {appkey}; valid for {seconds} seconds. To sign again:\n"
    "#   mockserver export http > requests.http\n",
    "# 于 {at} 为 appkey {appkey} 签名，{seconds} 秒内有效。过期后请重新导出：\n"
    "#   mockserver export http > requests.http\n",
)


def postman_collection(
    config: Config, readings: Readings, *, app: App, secrets: bool, lang: Lang, server: str
) -> Json:
    """Return a Postman collection (format 2.1) that signs its requests itself.

    Without `secrets` the variables `appsecret` and `restapikey` are empty.
    """
    parts = (
        ["appsecret", "curtime"] if readings["signing"] == "v1" else ["appsecret", "restapikey", "curtime"]
    )
    variables = {
        "baseUrl": server.rstrip("/"),
        "appkey": app.appkey,
        "appsecret": app.credentials.appsecret if secrets else "",
        "restapikey": app.credentials.restapikey if secrets else "",
        "identifier": app.identifiers[0],
    }
    return {
        "info": {
            "name": TITLE.to(lang),
            "description": _DESCRIPTION.to(lang).format(formula=f"sha1({' + '.join(parts)})"),
            "schema": POSTMAN_SCHEMA,
        },
        "variable": [{"key": name, "value": value} for name, value in variables.items()],
        "event": [
            {"listen": "prerequest", "script": {"type": "text/javascript", "exec": _signing_script(parts)}},
            {"listen": "test", "script": {"type": "text/javascript", "exec": _test_script()}},
        ],
        "item": [
            {
                "name": text.to(lang),
                "item": [
                    _postman_request(operation, config, lang)
                    for operation in OPERATIONS.values()
                    if operation.section.startswith(f"{number}.")
                ],
            }
            for number, (_, text) in TAGS.items()
        ],
    }


def http_file(
    config: Config,
    readings: Readings,
    sign: Callable[[], str],
    *,
    now: float,
    appkey: str,
    lang: Lang,
    server: str,
) -> str:
    """Return an `.http` file. Each call of `sign` returns a new query string, signed at `now` (Unix seconds)."""
    at = datetime.fromtimestamp(int(now), timezone.utc).isoformat()
    head = _HTTP_FILE_HEAD.to(lang).format(at=at, appkey=appkey, seconds=readings["freshness_seconds"])
    requests = [
        f"### §{operation.section} {operation.title.to(lang)}\n# @name {operation.name}\n"
        f"POST {_BASE_URL}{operation.path}?{sign()}\nContent-Type: {MEDIA_TYPE}\n\n{_sample(operation, config)}\n"
        for operation in OPERATIONS.values()
    ]
    return "\n".join([f"{head}\n@baseUrl = {server.rstrip('/')}\n", *requests])


def _signing_script(parts: list[str]) -> list[str]:
    """Return the lines of the pre-request script. Postman provides CryptoJS."""
    text = " + ".join(part if part == "curtime" else f'pm.variables.get("{part}")' for part in parts)
    return [
        "const curtime = Math.floor(Date.now() / 1000).toString();",
        'pm.variables.set("curtime", curtime);',
        f'pm.variables.set("checksum", CryptoJS.SHA1({text}).toString());',
        'pm.variables.set("seq", curtime + Math.floor(Math.random() * 1e6).toString().padStart(6, "0"));',
    ]


def _test_script() -> list[str]:
    """Return the lines of the test script, which checks the envelope (§1.4): HTTP 200 alone proves nothing."""
    status, code, info = FIELDS
    return [
        'pm.test("Status is OK", () => {',
        "    const answer = pm.response.json();",
        f'    pm.expect([answer.{status}, answer.{code}], answer.{info}).to.eql(["OK", 0]);',
        "});",
    ]


def _postman_request(operation: Operation, config: Config, lang: Lang) -> Json:
    query = [{"key": name, "value": f"{{{{{name}}}}}"} for name in PARAMETERS]
    raw = "&".join(f"{parameter['key']}={parameter['value']}" for parameter in query)
    return {
        "name": f"§{operation.section} {operation.title.to(lang)}",
        "request": {
            "method": "POST",
            "header": [{"key": "Content-Type", "value": MEDIA_TYPE}],
            "url": {
                "raw": f"{_BASE_URL}{operation.path}?{raw}",
                "host": [_BASE_URL],
                "path": operation.path.strip("/").split("/"),
                "query": query,
            },
            "body": {
                "mode": "raw",
                "raw": _sample(operation, config),
                "options": {"raw": {"language": "json"}},
            },
        },
        "response": [],
    }


def _sample(operation: Operation, config: Config) -> str:
    return json.dumps(request_samples(operation, config)[0], ensure_ascii=False, indent=2)
