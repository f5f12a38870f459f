"""The OpenAPI 3.1 document of the six operations, as they are served under one set of readings.

JSON Schema 2020-12 is OpenAPI 3.1's own, so the schema files go in as they are. Every answer of the API is HTTP 200
(§1.3): success and failure are one `oneOf`, told apart by `Status`; only reading `http_status=rest` spreads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver import __version__
from mockserver.contract.apps import App
from mockserver.contract.catalogue import OK, ErrorRow
from mockserver.contract.envelope import failure
from mockserver.contract.operations import OPERATIONS, Operation
from mockserver.contract.readings import READINGS, Readings
from mockserver.core.text import Lang, Text
from mockserver.engine.config import Config
from mockserver.server.openapi_components import Json, components, refer, words

MEDIA = "application/json"
TAGS = {
    "2": (
        "records",
        Text("Call records of people and rooms (§2)", "服务端业务数据接口：用户与房间的通话记录(§2)"),
    ),
    "3": ("statistics", Text("Statistics of a day (§3)", "运维监控统计接口：按天统计(§3)")),
}
"""Tag and description by the first number of an operation's section."""

TITLE = Text("YouMe call records and statistics", "游密通话记录与统计接口")
_ABOUT = Text(
    "The REST interface of YouMe (游密) for call records and daily statistics, as a mock server reads its document"
    " (V1.0.0, 2019-12-10). Numbers such as §2.2.4 are the document's sections.\n\n"
    "Every call is a POST with five query parameters; `checksum` is the lower-case hex SHA-1 of"
    " `appsecret + restapikey + curtime`, good for {seconds} seconds. Every answer is HTTP 200 and JSON: `Status` is `OK`,"
    " or `FAIL` with an `ErrorCode` and an `ErrorInfo` and nothing else.\n\n"
    "Where the document is silent or contradicts itself, a named reading decides (`x-readings`).",
    "游密通话记录与按天统计的 REST 接口，由模拟服务器按其接口说明书(V1.0.0，2019-12-10)实现。§2.2.4 等为说明书章节号。\n\n"
    "每次调用均为 POST，并带五个查询参数；`checksum` 为 `appsecret + restapikey + curtime` 的 SHA-1 小写十六进制，"
    "{seconds} 秒内有效。应答均为 HTTP 200 与 JSON：`Status` 为 `OK`，或为 `FAIL` 并只带 `ErrorCode` 与 `ErrorInfo`。\n\n"
    "说明书未写明或自相矛盾之处，由具名的读法决定(`x-readings`)。",
)
_FAILURE = Text("A failure", "失败应答")
_FAILURE_MORE = Text(
    "The envelope alone; ErrorCode is a row of the catalogue (`x-errors`). [§1.4, §1.6]",
    "仅有公共字段；ErrorCode 见错误码表(`x-errors`)。[§1.4, §1.6]",
)
_ANSWERED = Text(
    "The answer, or the failure: HTTP is always 200. [§1.3]", "成功或失败的应答：HTTP 恒为 200。[§1.3]"
)
_REFUSED = Text("The failure, by reading http_status=rest.", "失败应答（读法 http_status=rest）。")
_FRACTION = r"^[0-9]{10}(\.[0-9]{1,12})?$"
_SPAN_ERRORS = frozenset({"invalid_time_range", "range_too_large"})
_HEADERS = {
    "X-Mock-Request-Id": Text("Number of the request at this server", "该服务器上的请求编号"),
    "X-Mock-Scenario": Text("The scenario that answered", "作答的场景"),
    "X-Mock-Answered-By": Text(
        "What decided the answer: world, contract or a rule", "应答的来源：world、contract 或规则"
    ),
    "X-Mock-Violations": Text(
        "How many departures from the document the request had", "请求与说明书不符之处的数目"
    ),
    "X-Mock-Diagnosis": Text("The first of them", "其中第一处"),
    "X-Mock-Fault": Text("The faults that struck", "生效的故障"),
    "X-Mock-Problems": Text("What is wrong in the server's files", "服务器文件中的错误"),
}


def openapi(
    config: Config, readings: Readings, *, lang: Lang = "en", server: str = "/", app: App | None = None
) -> Json:
    """The document; `server` is the base URL of the API, or `/` for the host that serves the document.

    The examples of the query name `app`, or the first app there is.
    """
    files = [f"{name}.{side}" for name in OPERATIONS for side in ("request", "response")]
    schemas = components(config.schemas, [*files, "query", "envelope"], lang)
    parameters = _parameters(schemas["query"], readings, app or next(iter(config.apps.values())))
    return {
        "openapi": "3.1.1",
        "info": {
            **words("title", TITLE, lang),
            "version": __version__,
            **words(
                "description",
                Text(*(text.format(seconds=readings["freshness_seconds"]) for text in _ABOUT)),
                lang,
            ),
        },
        "servers": [{"url": server}],
        "tags": [{"name": name, **words("description", text, lang)} for name, text in TAGS.values()],
        "paths": {
            one.path: {"post": _operation(one, config, schemas, list(parameters), readings, lang)}
            for one in OPERATIONS.values()
        },
        "components": {
            "parameters": parameters,
            "headers": {
                name: {**words("description", text, lang), "schema": {"type": "string"}}
                for name, text in _HEADERS.items()
            },
            "schemas": {**schemas, "failure": _failure(config, lang)},
            "examples": {
                row.name: {
                    **words("summary", Text(f"{row.code} {row.name}", f"{row.code} {row.name}"), lang),
                    **words("description", Text(*(f"{text} [§{row.section}]" for text in row.text)), lang),
                    "value": failure(row.code, row.text.to(lang)),
                }
                for row in _failures(config)
            },
        },
        "x-errors": [
            {
                "name": row.name,
                "code": row.code,
                "source": row.source,
                "section": row.section,
                "status": row.status,
                **words("text", row.text, lang),
            }
            for row in config.catalogue.values()
        ],
        "x-readings": [
            {
                "name": one.name,
                "value": readings[one.name],
                "choices": one.values.show(),
                "section": one.section,
                **words("why", one.why, lang),
            }
            for one in READINGS.values()
        ],
    }


def samples(operation: Operation, config: Config) -> list[Json]:
    """Bodies that the operation takes, the document's own first."""
    examples: list[Json] = config.schemas.request(operation.name).schema["examples"]
    return examples


def _operation(
    one: Operation,
    config: Config,
    schemas: Mapping[str, Json],
    parameters: list[str],
    readings: Readings,
    lang: Lang,
) -> Json:
    tag, _ = TAGS[one.section.partition(".")[0]]
    return {
        "operationId": one.name,
        "tags": [tag],
        **words("summary", Text(*(f"§{one.section} {text}" for text in one.title)), lang),
        **_description(schemas[f"{one.name}.response"]),
        "x-section": one.section,
        "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in parameters],
        "requestBody": {
            **_description(schemas[f"{one.name}.request"]),
            "required": True,
            "content": {
                MEDIA: {
                    "schema": refer(f"{one.name}.request"),
                    "examples": {
                        f"sample{number}": {"value": body}
                        for number, body in enumerate(samples(one, config), 1)
                    },
                }
            },
        },
        "responses": _responses(one, config, readings, lang),
    }


def _parameters(query: Json, readings: Readings, app: App) -> dict[str, Json]:
    """The signed query (§1.1.1), as far as the readings ask for it."""
    examples = {"appkey": app.appkey, "identifier": app.identifiers[0]}
    found: dict[str, Json] = {}
    for name, schema in query["properties"].items():
        optional = name == "seq" and readings["seq"] == "optional"
        inside = refer("query", "properties", name)
        if name == "curtime" and readings["curtime"] == "fraction":
            inside = {"type": "string", "pattern": _FRACTION}
        found[name] = {
            "name": name,
            "in": "query",
            **_description(schema),
            "required": not optional,
            "schema": inside,
            "example": examples.get(name, schema["examples"][0]),
        }
    return found


def _responses(one: Operation, config: Config, readings: Readings, lang: Lang) -> Json:
    response = f"{one.name}.response"
    answers = {
        f"success{number}": {"value": answer}
        for number, answer in enumerate(config.schemas.response(one.name).schema["examples"], 1)
    }
    rows = [row for row in _failures(config) if _concerns(row, one, config)]
    statuses = {row.status for row in rows} - {200} if readings["http_status"] == "rest" else set()
    told = [row for row in rows if row.status not in statuses]
    responses = {
        "200": {
            **words("description", _ANSWERED, lang),
            "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in _HEADERS},
            "content": {
                MEDIA: {
                    "schema": {"oneOf": [refer(response), refer("failure")]},
                    "examples": {**answers, **_told(told)},
                }
            },
        }
    }
    for status in sorted(statuses):
        examples = _told([row for row in rows if row.status == status])
        responses[str(status)] = {
            **words("description", _REFUSED, lang),
            "content": {MEDIA: {"schema": refer("failure"), "examples": examples}},
        }
    return responses


def _description(schema: Json) -> Json:
    """The descriptions of a schema, to be told where it is used."""
    return {key: value for key, value in schema.items() if key.removeprefix("x-").startswith("description")}


def _told(rows: list[ErrorRow]) -> Json:
    return {row.name: {"$ref": f"#/components/examples/{row.name}"} for row in rows}


def _failures(config: Config) -> list[ErrorRow]:
    return [row for name, row in config.catalogue.items() if name != OK]


def _concerns(row: ErrorRow, one: Operation, config: Config) -> bool:
    """Whether the operation can answer the error: a row of another operation's whole section is that one's alone."""
    fields: Mapping[str, Any] = config.schemas.request(one.name).schema["properties"]
    if row.name in _SPAN_ERRORS:
        return "EndTime" in fields
    return row.section == one.section or row.section not in {other.section for other in OPERATIONS.values()}


def _failure(config: Config, lang: Lang) -> Json:
    """The envelope of a failure: every code of the catalogue but 0."""
    return {
        **words("title", _FAILURE, lang),
        **words("description", _FAILURE_MORE, lang),
        "type": "object",
        "properties": {
            "Status": {**refer("envelope", "properties", "Status"), "const": "FAIL"},
            "ErrorCode": {
                **refer("envelope", "properties", "ErrorCode"),
                "enum": [row.code for row in _failures(config)],
            },
            "ErrorInfo": {**refer("envelope", "properties", "ErrorInfo"), "minLength": 1},
        },
        "required": ["Status", "ErrorCode", "ErrorInfo"],
        "additionalProperties": False,
    }
