"""The six operations as request collections: a Postman collection, and an `.http` file for JetBrains IDEs and httpYac.

Both sign each request when it is sent, each with a different second, because a server may accept a checksum only once.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timezone
from http import HTTPStatus
from string import Template
from urllib.parse import quote

from mockserver.contract.apps import App
from mockserver.contract.envelope import failure
from mockserver.contract.operations import Operation
from mockserver.contract.readings import Readings
from mockserver.core.text import Lang
from mockserver.engine.config import Config
from mockserver.server.openapi import MEDIA_TYPE, TAGS, TEXTS, fill, formulas, samples
from mockserver.server.openapi_schemas import Json
from mockserver.validation.query import PARAMETERS

POSTMAN_SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
_BASE_URL = "{{baseUrl}}"
_KEYS = ("appsecret", "restapikey")
_FAILURE = "checksum_mismatch"  # The failure shown as an example for every request.
_WRONG_CHECKSUM = "0" * 40


def postman_collection(config: Config, readings: Readings, *, app: App, secrets: bool, lang: Lang, server: str) -> Json:
    """Return a Postman collection (format 2.1) that signs its requests itself.

    Without `secrets` the variables `appsecret` and `restapikey` are empty.
    """
    formula = formulas(readings)[0]
    keys = {name: getattr(app.credentials, name) if secrets else "" for name in _KEYS}
    variables = {"baseUrl": server.rstrip("/"), "appkey": app.appkey, **keys, "identifier": app.identifiers[0]}
    pairs = samples(config, readings)
    lines = "\n".join(f'const {key} = pm.variables.replaceIn("{{{{{key}}}}}");' for key in keys if key in formula)
    sign = _script("postman_script", keys=lines, formula=formula, lead=readings["freshness_seconds"] // 2)
    scripts = {"prerequest": sign, "test": TEXTS["postman_test"]}
    return {
        "info": {
            "name": TEXTS["title"].to(lang),
            "description": fill("postman", formula=formula).to(lang),
            "schema": POSTMAN_SCHEMA,
        },
        "variable": [{"key": name, "value": value} for name, value in variables.items()],
        "event": [
            {"listen": event, "script": {"type": "text/javascript", "exec": script.splitlines()}}
            for event, script in scripts.items()
        ],
        "item": [
            {
                "name": text.to(lang),
                "item": [
                    _postman_item(operation, *pair, config, readings, lang)
                    for operation, pair in pairs.items()
                    if operation.section.startswith(f"{number}.")
                ],
            }
            for number, (_, text) in TAGS.items()
        ],
    }


def http_file(config: Config, readings: Readings, *, app: App, secrets: bool, lang: Lang, server: str) -> str:
    """Return an `.http` file whose scripts sign each request and check its answer.

    Without `secrets` it takes `appsecret` and `restapikey` from the environment only.
    """
    formula = formulas(readings)[0]
    default = TEXTS["default_keys"] if secrets else ""
    keys = {name: getattr(app.credentials, name) if secrets else "" for name in _KEYS if name in formula}
    lines = [f'const {name} = request.environment.get("{name}") || {json.dumps(key)};' for name, key in keys.items()]
    query = "&".join(f"{name}={{{{{name}}}}}" for name in PARAMETERS)
    # Use other seconds than the Postman collection, in case its requests were sent just before.
    earliest = -(readings["freshness_seconds"] // 3)
    requests = []
    for number, (operation, (body, _)) in enumerate(samples(config, readings).items()):
        offset = min(earliest + number, 0)
        script = _script("http_script", keys="\n    ".join(lines), formula=formula, offset=offset)
        requests.append(_http_request(operation, body, query, lang, script))
    variables = {"baseUrl": server.rstrip("/"), "appkey": app.appkey, "identifier": quote(app.identifiers[0], safe="")}
    head = fill("http_scripted", formula=formula, default=default).to(lang) + "\n"
    head += "".join(f"@{name} = {value}\n" for name, value in variables.items())
    return "\n".join([head, *requests])


def signed_http_file(
    config: Config, readings: Readings, sign: Callable[[float], str], *, now: float, app: App, lang: Lang, server: str
) -> str:
    """Return an `.http` file without scripts. `sign` returns a query string signed at a time in Unix seconds."""
    at, seconds = datetime.fromtimestamp(int(now), timezone.utc).isoformat(), readings["freshness_seconds"]
    head = fill("http_signed", at=at, appkey=app.appkey, seconds=seconds).to(lang)
    requests = [
        _http_request(operation, body, sign(now + min(number, seconds // 2)), lang)
        for number, (operation, (body, _)) in enumerate(samples(config, readings).items())
    ]
    return "\n".join([f"{head}\n@baseUrl = {server.rstrip('/')}\n", *requests])


def _postman_item(
    operation: Operation, body: Json, success: Json, config: Config, readings: Readings, lang: Lang
) -> Json:
    row = config.catalogue[_FAILURE]
    request, refused = _postman_request(operation, body), _postman_request(operation, body, checksum=_WRONG_CHECKSUM)
    status = row.status if readings["http_status"] == "rest" else 200
    refusal = failure(row.code, row.text.to(lang))
    return {
        "name": _title(operation, lang),
        "request": request,
        "response": [
            _postman_response("OK", request, 200, success),
            _postman_response(f"{row.code} {row.name}", refused, status, refusal),
        ],
    }


def _postman_request(operation: Operation, body: Json, **values: str) -> Json:
    values = {**{name: f"{{{{{name}}}}}" for name in PARAMETERS}, **values}
    return {
        "method": "POST",
        "header": [{"key": "Content-Type", "value": MEDIA_TYPE}],
        "url": {
            "raw": f"{_BASE_URL}{operation.path}?{'&'.join(f'{name}={value}' for name, value in values.items())}",
            "host": [_BASE_URL],
            "path": operation.path.strip("/").split("/"),
            "query": [{"key": name, "value": value} for name, value in values.items()],
        },
        "body": {"mode": "raw", "raw": _as_text(body), "options": {"raw": {"language": "json"}}},
    }


def _postman_response(name: str, request: Json, status: int, answer: Json) -> Json:
    return {
        "name": name,
        "originalRequest": request,
        "status": HTTPStatus(status).phrase,
        "code": status,
        "_postman_previewlanguage": "json",
        "header": [{"key": "Content-Type", "value": MEDIA_TYPE}],
        "cookie": [],
        "body": _as_text(answer),
    }


def _http_request(operation: Operation, body: Json, query: str, lang: Lang, script: str = "") -> str:
    """Return one request of an `.http` file; with a script it also checks the answer."""
    return (
        f"### {_title(operation, lang)}\n# @name {operation.name}\n{script}"
        f"POST {_BASE_URL}{operation.path}?{query}\nContent-Type: {MEDIA_TYPE}\n\n{_as_text(body)}\n"
        + (f"\n{TEXTS['http_test']}" if script else "")
    )


def _script(name: str, **values: object) -> str:
    return Template(TEXTS[name]).substitute(values)


def _title(operation: Operation, lang: Lang) -> str:
    return f"§{operation.section} {operation.title.to(lang)}"


def _as_text(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
