"""The OpenAPI 3.1 document of the six operations for one set of readings.

OpenAPI 3.1 uses JSON Schema 2020-12, so the schema files become components almost unchanged. Every response of the
API is HTTP 200 (§1.3), so success and failure are a `oneOf` that `Status` discriminates; only the reading
`http_status=rest` separates them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mockserver import __version__
from mockserver.contract.apps import App
from mockserver.contract.catalogue import OK, ErrorRow
from mockserver.contract.envelope import FIELDS, failure
from mockserver.contract.operations import OPERATIONS, PREFIX, VARIANTS, Operation
from mockserver.contract.readings import READINGS, Readings
from mockserver.core.messages import messages
from mockserver.core.text import Lang, Text
from mockserver.core.yaml_reader import read_texts
from mockserver.engine.config import Config
from mockserver.reporting.json_shapes import pick
from mockserver.server.openapi_schemas import REFERENCE, Components, Json, localized, pascal_case

MEDIA_TYPE = "application/json"
_FILE = Path(__file__).with_name("openapi_texts.yaml")
TEXTS: Any = read_texts(_FILE)
fill = messages(_FILE)
HEADERS: dict[str, Text] = TEXTS["headers"]
_HEADERS = {name: {"$ref": f"#/components/headers/{name}"} for name in HEADERS}
TAGS = {number: (tag["name"], tag["text"]) for number, tag in TEXTS["tags"].items()}
"""Tag and description by the first number of an operation's section."""
_TIME_RANGE_ERRORS = frozenset({"invalid_time_range", "range_too_large"})


def openapi_document(
    config: Config, readings: Readings, *, lang: Lang = "en", server: str = "/", app: App | None = None
) -> Json:
    """Return the document.

    `server` is the base URL of the API; `/` means the host that serves the document. The examples of the query
    parameters are those of `app`, by default the first app.
    """
    return _Document(config, readings, lang, app).build(server)


def samples(config: Config, readings: Readings) -> dict[Operation, tuple[Json, Json]]:
    """Return a request body and its success for each operation: the document's own, unless the readings exclude it."""
    document = _Document(config, readings, "en", None)
    return {operation: next(iter(document.samples(operation).values())) for operation in OPERATIONS.values()}


class _Document:
    """Builds one document."""

    def __init__(self, config: Config, readings: Readings, lang: Lang, app: App | None) -> None:
        self.config, self.readings, self.lang, self.app = config, readings, lang, app
        self.components = Components(config.schemas, readings, lang)
        self.failures = [row for name, row in config.catalogue.items() if name != OK]
        self.failure = self.components.add("Failure", self._failure_schema())
        self.requests = {name: self.components.add_file(f"{name}.request.json") for name in OPERATIONS}
        self.successes = {name: self.components.add_file(f"{name}.response.json") for name in OPERATIONS}
        if readings["strictness"] == "lenient":
            for reference in self.requests.values():
                self.components.tolerate(reference)

    def build(self, server: str) -> Json:
        """Return the whole document."""
        readings, signed = self.readings, signature(self.readings)
        security = fill("security", signature=signed)
        about = fill("description", signature=signed, http=TEXTS["http"][readings["http_status"]])
        return {
            "openapi": "3.1.0",
            "info": {
                **self._text("title", TEXTS["title"]),
                "version": __version__,
                **self._text("description", with_readings(about, TEXTS["common_readings"], readings)),
                **TEXTS["info"],
            },
            "servers": [{"url": server.rstrip("/") or "/"}],
            "security": [{"signature": []}, *([{}] if self.readings["signing"] == "off" else [])],
            "tags": [{"name": name, **self._text("description", text)} for name, text in TAGS.values()],
            "paths": {path: {"post": post} for path, post in self._operations()},
            "components": {
                "securitySchemes": {"signature": {**TEXTS["security_scheme"], **self._text("description", security)}},
                "parameters": self._parameters(),
                "headers": {
                    name: {**self._text("description", text), "schema": {"type": "string"}}
                    for name, text in HEADERS.items()
                },
                "responses": {"NotTheApi": self._text("description", TEXTS["other_status"])},
                "schemas": self.components.schemas,
                "examples": {row.name: self._failure_example(row) for row in self.failures},
            },
            "x-errors": [
                {**pick(row, "name", "code", "source", "section", "status"), **self._text("text", row.text)}
                for row in self.config.catalogue.values()
            ],
            "x-readings": [
                {
                    "name": reading.name,
                    "value": self.readings[reading.name],
                    "choices": reading.choices(),
                    "section": reading.section,
                    **self._text("why", reading.why),
                }
                for reading in READINGS.values()
            ],
        }

    def samples(self, operation: Operation) -> dict[str, tuple[Json, Json]]:
        """Return pairs of request body and success that are valid under the readings, the document's own first."""
        files = (f"{operation.name}.request.json", f"{operation.name}.response.json")
        body = self.components.validator(self.requests[operation.name])
        answer = self.components.validator(self.successes[operation.name])
        pairs = enumerate(zip(*map(self.components.examples, files), strict=False), 1)
        return {f"sample{n}": pair for n, pair in pairs if body.accepts(pair[0]) and answer.accepts(pair[1])}

    def _operations(self) -> Iterator[tuple[str, Json]]:
        posts = {operation.path: self._operation(operation) for operation in OPERATIONS.values()}
        yield from posts.items()
        for prefix in VARIANTS if self.readings["paths"] == "document" else ():
            for path, post in posts.items():
                name = f"{post['operationId']}{prefix.rstrip('/').replace('/', '_')}"
                yield path.replace(PREFIX, prefix), {**post, "operationId": name}

    def _operation(self, operation: Operation) -> Json:
        tag, _ = TAGS[operation.section.partition(".")[0]]
        request, success = self.requests[operation.name], self.successes[operation.name]
        about = with_readings(self._about(success), readings_of(operation.section), self.readings)
        samples = self.samples(operation)
        bodies = {name: {"value": body} for name, (body, _) in samples.items()}
        answers = {name: {"value": answer} for name, (_, answer) in samples.items()}
        return {
            "operationId": operation.name,
            "tags": [tag],
            **self._text("summary", Text(*(f"§{operation.section} {text}" for text in operation.title))),
            **self._text("description", about),
            "x-section": operation.section,
            "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in self._parameters()],
            "requestBody": {
                **self._text("description", self._about(request)),
                "required": True,
                "content": _content(request, bodies),
            },
            "responses": self._responses(operation, answers),
        }

    def _responses(self, operation: Operation, answers: Json) -> Json:
        rest = self.readings["http_status"] == "rest"
        failures: dict[int, Json] = {}
        for row in self.failures:
            if _applies(row, operation, self.config):
                reference = {"$ref": f"#/components/examples/{row.name}"}
                failures.setdefault(row.status if rest else 200, {})[row.name] = reference
        same_status = failures.pop(200, {})
        schema = self._either(operation) if same_status else self.successes[operation.name]
        return {
            "200": {
                **self._text("description", TEXTS["response"] if same_status else TEXTS["rest_success"]),
                "headers": _HEADERS,
                "content": _content(schema, {**answers, **same_status}),
            },
            **{
                str(status): {
                    **self._text("description", TEXTS["rest_failure"]),
                    "headers": _HEADERS,
                    "content": _content(self.failure, failures[status]),
                }
                for status in sorted(failures)
            },
            **{status: {"$ref": "#/components/responses/NotTheApi"} for status in ("4XX", "5XX")},
        }

    def _either(self, operation: Operation) -> Json:
        """Add the union of success and failure."""
        success = self.successes[operation.name]
        return self.components.add(
            f"{pascal_case(operation.name)}Result",
            {
                **self._text("description", TEXTS["either"]),
                "oneOf": [success, self.failure],
                "discriminator": {
                    "propertyName": FIELDS[0],
                    "mapping": {"OK": success["$ref"], "FAIL": self.failure["$ref"]},
                },
            },
        )

    def _parameters(self) -> dict[str, Json]:
        """Return the query parameters (§1.1.1) as the readings require them."""
        off, apps = self.readings["signing"] == "off", self.config.apps.values()
        app = self.app or next(iter(apps))
        examples = {"appkey": app.appkey, "identifier": app.identifiers[0]}
        parameters: dict[str, Json] = {}
        for name, original in self.config.schemas["query.json"].schema["properties"].items():
            schema = self.components.convert(original, "query.json")
            about = signature(self.readings) if name == "checksum" else self._text_of(schema)
            about = with_readings(about, TEXTS["parameter_readings"].get(name, ()), self.readings)
            schema = {key: value for key, value in schema.items() if "description" not in key}
            if name == "identifier" and self.readings["identifier"] == "admin":
                schema["enum"] = sorted({name for app in ([app] if self.app else apps) for name in app.identifiers})
            parameters[name] = {
                "name": name,
                "in": "query",
                **self._text("description", about),
                "required": not (off or (name == "seq" and self.readings["seq"] == "optional")),
                "schema": schema,
                "example": examples.get(name, original["examples"][0]),
            }
        return parameters

    def _failure_schema(self) -> Json:
        """Return the schema of a failure: the envelope with any code of the catalogue but 0."""
        codes = {
            "enum": [row.code for row in self.failures],
            "x-enum-varnames": [row.name.upper() for row in self.failures],
        }

        def field(name: str, **limits: Any) -> Json:
            converted: Json = self.components.convert({"$ref": f"#/properties/{name}", **limits}, "envelope.json")
            return converted

        return {
            **self._text("description", TEXTS["failure"]),
            "type": "object",
            "properties": {
                "Status": field("Status", const="FAIL"),
                "ErrorCode": self.components.add("FailureCode", field("ErrorCode", **codes)),
                "ErrorInfo": field("ErrorInfo", minLength=1),
            },
            "required": list(FIELDS),
            "additionalProperties": False,
        }

    def _failure_example(self, row: ErrorRow) -> Json:
        summary = f"{row.code} {row.name}"
        return {
            **self._text("summary", Text(summary, summary)),
            **self._text("description", Text(*(f"{text} [§{row.section}]" for text in row.text))),
            "value": failure(row.code, row.text.to(self.lang)),
        }

    def _about(self, reference: Json) -> Text:
        return self._text_of(self.components.schemas[reference["$ref"].removeprefix(REFERENCE)])

    def _text_of(self, schema: Json) -> Text:
        """Return the description of a converted schema in both languages."""
        zh, en = (schema.get(f"x-description-{other}", "") for other in ("zh", "en"))
        mine = schema.get("description", "")
        return Text(en, mine) if self.lang == "zh" else Text(mine, zh)

    def _text(self, key: str, text: Text) -> dict[str, str]:
        return localized(key, text, self.lang)


def _content(schema: Json, examples: Json) -> Json:
    return {MEDIA_TYPE: {"schema": schema, **({"examples": examples} if examples else {})}}


def _applies(row: ErrorRow, operation: Operation, config: Config) -> bool:
    """Return whether the operation can fail with this error. Errors of another operation's section cannot occur."""
    if row.name in _TIME_RANGE_ERRORS:
        return "EndTime" in config.schemas.request(operation.name).schema["properties"]
    return row.section == operation.section or all(row.section != o.section for o in OPERATIONS.values())


def formulas(readings: Readings) -> tuple[str, ...]:
    """Return the formulas that the reading `signing` allows, the usual one first; v2 if signatures are not checked."""
    chosen: tuple[str, ...] = TEXTS["formulas"][readings["signing"]]
    return chosen


def signature(readings: Readings) -> Text:
    """Return a description of how to sign a request under these readings (§1.1.2)."""
    if readings["signing"] == "off":
        return fill("unsigned")
    quoted = [f"`{formula}`" for formula in formulas(readings)]
    once = Text(", and only once", "，且只能使用一次") if readings["checksum_reuse"] == "once" else Text("", "")
    seconds, joined = readings["freshness_seconds"], Text(" or ".join(quoted), " 或 ".join(quoted))
    return fill("signature", formulas=joined, seconds=seconds, times=once)


def with_readings(text: Text, names: tuple[str, ...], readings: Readings) -> Text:
    """Return `text` followed by a list of readings with their values and reasons."""
    if not names:
        return text
    lists = (
        "".join(f"\n- `{name}={readings[name]}`: {READINGS[name].why[index]}" for name in names) for index in (0, 1)
    )
    return Text(*(f"{part}\n{items}" for part, items in zip(text, lists, strict=True)))


def readings_of(section: str) -> tuple[str, ...]:
    """Return the readings that concern the operation of a section: `3.1` includes those of §3.1.4."""
    return tuple(
        name
        for name, reading in READINGS.items()
        if any(part.startswith(section) for part in reading.section.split(", "))
    )
