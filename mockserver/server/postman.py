"""A Postman collection (format 2.1) of the six operations that signs each request by itself, with the user's own keys."""

from __future__ import annotations

import json

from mockserver.contract.apps import App
from mockserver.contract.envelope import FIELDS
from mockserver.contract.operations import OPERATIONS, Operation
from mockserver.contract.readings import Readings
from mockserver.core.text import Lang, Text
from mockserver.engine.config import Config
from mockserver.server.openapi import MEDIA, TAGS, TITLE, samples
from mockserver.server.openapi_components import Json
from mockserver.validation.query import PARAMETERS

FORMAT = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
_BASE = "{{baseUrl}}"
_ABOUT = Text(
    "Each request is signed by the collection's pre-request script: checksum = {formula} (§1.1.2). Set the variables"
    " baseUrl, appkey, appsecret and restapikey of the collection.",
    "每个请求由集合的 pre-request 脚本签名：checksum = {formula}（§1.1.2）。请设置集合变量 baseUrl、appkey、appsecret、restapikey。",
)


def postman(
    config: Config,
    readings: Readings,
    *,
    app: App,
    secrets: bool,
    lang: Lang = "en",
    server: str = "http://127.0.0.1:8080",
) -> Json:
    """The collection for one app; without `secrets` the variables for its two keys are empty."""
    parts = (
        ["appsecret", "curtime"] if readings["signing"] == "v1" else ["appsecret", "restapikey", "curtime"]
    )
    values = {
        "baseUrl": server.rstrip("/"),
        "appkey": app.appkey,
        "appsecret": app.credentials.appsecret if secrets else "",
        "restapikey": app.credentials.restapikey if secrets else "",
        "identifier": app.identifiers[0],
    }
    return {
        "info": {
            "name": TITLE.to(lang),
            "description": _ABOUT.to(lang).format(formula=f"sha1({' + '.join(parts)})"),
            "schema": FORMAT,
        },
        "variable": [{"key": name, "value": value} for name, value in values.items()],
        "event": [
            {"listen": "prerequest", "script": {"type": "text/javascript", "exec": _signing(parts)}},
            {"listen": "test", "script": {"type": "text/javascript", "exec": _judging()}},
        ],
        "item": [
            {
                "name": text.to(lang),
                "item": [
                    _request(one, config, lang)
                    for one in OPERATIONS.values()
                    if one.section.startswith(f"{number}.")
                ],
            }
            for number, (_, text) in TAGS.items()
        ],
    }


def _signing(parts: list[str]) -> list[str]:
    """The lines that sign one request; Postman has CryptoJS at hand."""
    known = {"curtime": "curtime"}
    text = " + ".join(known.get(part, f'pm.variables.get("{part}")') for part in parts)
    return [
        "const curtime = Math.floor(Date.now() / 1000).toString();",
        'pm.variables.set("curtime", curtime);',
        f'pm.variables.set("checksum", CryptoJS.SHA1({text}).toString());',
        'pm.variables.set("seq", curtime + Math.floor(Math.random() * 1e6).toString().padStart(6, "0"));',
    ]


def _judging() -> list[str]:
    """The lines that hold an answer against §1.4: HTTP 200 alone says nothing."""
    status, code, _ = FIELDS
    return [
        'pm.test("Status is OK", () => {',
        "    const answer = pm.response.json();",
        f'    pm.expect([answer.{status}, answer.{code}], answer.ErrorInfo).to.eql(["OK", 0]);',
        "});",
    ]


def _request(one: Operation, config: Config, lang: Lang) -> Json:
    query = [{"key": name, "value": f"{{{{{name}}}}}"} for name in PARAMETERS]
    raw = "&".join(f"{pair['key']}={pair['value']}" for pair in query)
    return {
        "name": f"§{one.section} {one.title.to(lang)}",
        "request": {
            "method": "POST",
            "header": [{"key": "Content-Type", "value": MEDIA}],
            "url": {
                "raw": f"{_BASE}{one.path}?{raw}",
                "host": [_BASE],
                "path": one.path.strip("/").split("/"),
                "query": query,
            },
            "body": {
                "mode": "raw",
                "raw": json.dumps(samples(one, config)[0], ensure_ascii=False, indent=2),
                "options": {"raw": {"language": "json"}},
            },
        },
        "response": [],
    }
