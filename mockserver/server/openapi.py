"""The OpenAPI 3.1 document of the six operations for one set of readings.

OpenAPI 3.1 uses JSON Schema 2020-12, so the schema files become components without translation. Every response of the
API is HTTP 200 (§1.3), so success and failure are one `oneOf`; only the reading `http_status=rest` separates them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mockserver import __version__
from mockserver.contract.apps import App
from mockserver.contract.catalogue import OK, ErrorRow
from mockserver.contract.envelope import failure
from mockserver.contract.operations import OPERATIONS, Operation
from mockserver.contract.readings import READINGS, Readings
from mockserver.core.text import Lang, Text
from mockserver.engine.config import Config
from mockserver.server.openapi_schemas import Json, localized, reference, schema_components

MEDIA_TYPE = "application/json"
TAGS = {
    "2": (
        "records",
        Text("Call records of users and rooms (§2)", "服务端业务数据接口：用户与房间的通话记录(§2)"),
    ),
    "3": ("statistics", Text("Statistics of a day (§3)", "运维监控统计接口：按天统计(§3)")),
}
"""Tag and description by the first number of an operation's section."""
TITLE = Text("YouMe call records and statistics", "游密通话记录与统计接口")

_DESCRIPTION = Text(
    "The REST API of YouMe (游密) for call records and daily statistics, as this mock server interprets its document"
    " (V1.0.0, 2019-12-10). Numbers such as §2.2.4 are sections of the document.\n\n"
    "Every call is a POST with five query parameters; `checksum` is the lower-case hex SHA-1 of"
    " `appsecret + restapikey + curtime` and is valid for {seconds} seconds. Every response is HTTP 200 and JSON:"
    " `Status` is `OK`, or `FAIL` with only an `ErrorCode` and an `ErrorInfo`.\n\n"
    "Where the document is silent or contradicts itself, a named reading decides (`x-readings`).",
    "游密通话记录与按天统计的 REST 接口，由模拟服务器按其接口说明书(V1.0.0，2019-12-10)实现。§2.2.4 等为说明书章节号。\n\n"
    "每次调用均为 POST，并带五个查询参数；`checksum` 为 `appsecret + restapikey + curtime` 的 SHA-1 小写十六进制，"
    "{seconds} 秒内有效。应答均为 HTTP 200 与 JSON：`Status` 为 `OK`，或为 `FAIL` 并只带 `ErrorCode` 与 `ErrorInfo`。\n\n"
    "说明书未写明或自相矛盾之处，由具名的读法决定(`x-readings`)。",
)
_FAILURE_TITLE = Text("A failure", "失败应答")
_FAILURE_DESCRIPTION = Text(
    "Only the envelope; ErrorCode is a row of the catalogue (`x-errors`). [§1.4, §1.6]",
    "仅有公共字段；ErrorCode 见错误码表(`x-errors`)。[§1.4, §1.6]",
)
_RESPONSE = Text("Success or failure: HTTP is always 200. [§1.3]", "成功或失败的应答：HTTP 恒为 200。[§1.3]")
_REST_FAILURE = Text("Failure (reading http_status=rest).", "失败应答（读法 http_status=rest）。")
_FRACTIONAL_CURTIME = r"^[0-9]{10}(\.[0-9]{1,12})?$"
_TIME_RANGE_ERRORS = frozenset({"invalid_time_range", "range_too_large"})
_HEADERS = {
    "X-Mock-Request-Id": Text("Id of the request on this server", "该服务器上的请求编号"),
    "X-Mock-Scenario": Text("The scenario of the response", "应答所属的场景"),
    "X-Mock-Answered-By": Text(
        "What produced the response: world, contract, fault or the id of a rule",
        "应答的来源：world、contract、fault 或规则编号",
    ),
    "X-Mock-Violations": Text("Number of contract violations in the request", "请求违反契约之处的数目"),
    "X-Mock-Diagnosis": Text(
        "The violation that decided the response, or the first one", "决定应答的违规，或首个违规"
    ),
    "X-Mock-Fault": Text("The faults applied to the response", "应答中生效的故障"),
    "X-Mock-Problems": Text("Problems in the server's files", "服务器文件中的错误"),
}


def openapi_document(
    config: Config, readings: Readings, *, lang: Lang = "en", server: str = "/", app: App | None = None
) -> Json:
    """Return the document.

    `server` is the base URL of the API; `/` is the host that serves the document. The examples of the query
    parameters are those of `app`, by default the first app.
    """
    files = [f"{name}.{side}" for name in OPERATIONS for side in ("request", "response")]
    schemas = schema_components(config.schemas, [*files, "query", "envelope"], lang)
    parameters = _parameters(schemas["query"], readings, app or next(iter(config.apps.values())))
    description = Text(*(text.format(seconds=readings["freshness_seconds"]) for text in _DESCRIPTION))
    return {
        "openapi": "3.1.1",
        "info": {
            **localized("title", TITLE, lang),
            "version": __version__,
            **localized("description", description, lang),
        },
        "servers": [{"url": server}],
        "tags": [{"name": name, **localized("description", text, lang)} for name, text in TAGS.values()],
        "paths": {
            operation.path: {"post": _operation(operation, config, schemas, parameters, readings, lang)}
            for operation in OPERATIONS.values()
        },
        "components": {
            "parameters": parameters,
            "headers": {
                name: {**localized("description", text, lang), "schema": {"type": "string"}}
                for name, text in _HEADERS.items()
            },
            "schemas": {**schemas, "failure": _failure_schema(config, lang)},
            "examples": {row.name: _failure_example(row, lang) for row in _failure_rows(config)},
        },
        "x-errors": [
            {
                "name": row.name,
                "code": row.code,
                "source": row.source,
                "section": row.section,
                "status": row.status,
                **localized("text", row.text, lang),
            }
            for row in config.catalogue.values()
        ],
        "x-readings": [
            {
                "name": reading.name,
                "value": readings[reading.name],
                "choices": reading.choices(),
                "section": reading.section,
                **localized("why", reading.why, lang),
            }
            for reading in READINGS.values()
        ],
    }


def request_samples(operation: Operation, config: Config) -> list[Json]:
    """Return valid request bodies of an operation, the document's own sample first."""
    examples: list[Json] = config.schemas.request(operation.name).schema["examples"]
    return examples


def _operation(
    operation: Operation,
    config: Config,
    schemas: Mapping[str, Json],
    parameters: Iterable[str],
    readings: Readings,
    lang: Lang,
) -> Json:
    tag, _ = TAGS[operation.section.partition(".")[0]]
    request = f"{operation.name}.request"
    samples = enumerate(request_samples(operation, config), 1)
    return {
        "operationId": operation.name,
        "tags": [tag],
        **localized("summary", Text(*(f"§{operation.section} {text}" for text in operation.title)), lang),
        **_descriptions(schemas[f"{operation.name}.response"]),
        "x-section": operation.section,
        "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in parameters],
        "requestBody": {
            **_descriptions(schemas[request]),
            "required": True,
            "content": {
                MEDIA_TYPE: {
                    "schema": reference(request),
                    "examples": {f"sample{number}": {"value": body} for number, body in samples},
                }
            },
        },
        "responses": _responses(operation, config, readings, lang),
    }


def _parameters(query: Json, readings: Readings, app: App) -> dict[str, Json]:
    """Return the query parameters (§1.1.1) as the readings require them."""
    examples = {"appkey": app.appkey, "identifier": app.identifiers[0]}
    parameters: dict[str, Json] = {}
    for name, schema in query["properties"].items():
        fractional = name == "curtime" and readings["curtime"] == "fraction"
        parameters[name] = {
            "name": name,
            "in": "query",
            **_descriptions(schema),
            "required": readings["signing"] != "off"
            and not (name == "seq" and readings["seq"] == "optional"),
            "schema": (
                {"type": "string", "pattern": _FRACTIONAL_CURTIME}
                if fractional
                else reference("query", "properties", name)
            ),
            "example": examples.get(name, schema["examples"][0]),
        }
    return parameters


def _responses(operation: Operation, config: Config, readings: Readings, lang: Lang) -> Json:
    response = f"{operation.name}.response"
    samples = enumerate(config.schemas.response(operation.name).schema["examples"], 1)
    rows = [row for row in _failure_rows(config) if _applies(row, operation, config)]
    statuses = {row.status for row in rows} - {200} if readings["http_status"] == "rest" else set()
    responses = {
        "200": {
            **localized("description", _RESPONSE, lang),
            "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in _HEADERS},
            "content": {
                MEDIA_TYPE: {
                    "schema": {"oneOf": [reference(response), reference("failure")]},
                    "examples": {
                        **{f"success{number}": {"value": body} for number, body in samples},
                        **_example_references(row for row in rows if row.status not in statuses),
                    },
                }
            },
        }
    }
    for status in sorted(statuses):
        examples = _example_references(row for row in rows if row.status == status)
        responses[str(status)] = {
            **localized("description", _REST_FAILURE, lang),
            "content": {MEDIA_TYPE: {"schema": reference("failure"), "examples": examples}},
        }
    return responses


def _descriptions(schema: Json) -> Json:
    """Return the descriptions of a schema in both languages."""
    return {key: value for key, value in schema.items() if key.removeprefix("x-").startswith("description")}


def _example_references(rows: Iterable[ErrorRow]) -> Json:
    return {row.name: {"$ref": f"#/components/examples/{row.name}"} for row in rows}


def _failure_rows(config: Config) -> list[ErrorRow]:
    return [row for name, row in config.catalogue.items() if name != OK]


def _applies(row: ErrorRow, operation: Operation, config: Config) -> bool:
    """Return whether the operation can fail with this error: errors of another operation's section cannot occur."""
    if row.name in _TIME_RANGE_ERRORS:
        return "EndTime" in config.schemas.request(operation.name).schema["properties"]
    return row.section == operation.section or all(row.section != o.section for o in OPERATIONS.values())


def _failure_example(row: ErrorRow, lang: Lang) -> Json:
    summary = f"{row.code} {row.name}"
    return {
        **localized("summary", Text(summary, summary), lang),
        **localized("description", Text(*(f"{text} [§{row.section}]" for text in row.text)), lang),
        "value": failure(row.code, row.text.to(lang)),
    }


def _failure_schema(config: Config, lang: Lang) -> Json:
    """Return the schema of a failure: the envelope with any code of the catalogue but 0."""
    fields: dict[str, dict[str, Any]] = {
        "Status": {"const": "FAIL"},
        "ErrorCode": {"enum": [row.code for row in _failure_rows(config)]},
        "ErrorInfo": {"minLength": 1},
    }
    return {
        **localized("title", _FAILURE_TITLE, lang),
        **localized("description", _FAILURE_DESCRIPTION, lang),
        "type": "object",
        "properties": {
            name: {**reference("envelope", "properties", name), **limits} for name, limits in fields.items()
        },
        "required": list(fields),
        "additionalProperties": False,
    }
