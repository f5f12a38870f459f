"""The registries as tables: operations, scenarios, errors, readings, settings and fault kinds."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from typing import Any

import click

from mockserver.cli.options import json_option, setting_options, user_folders
from mockserver.cli.output import message, show_json, show_rows
from mockserver.contract.checking import TYPES, describe_range
from mockserver.contract.operations import OPERATIONS
from mockserver.contract.readings import READINGS
from mockserver.contract.schemas import compile_inline
from mockserver.core.clock import Clock
from mockserver.core.errors import ConfigurationError
from mockserver.core.settings import SETTINGS
from mockserver.core.text import Lang, Text
from mockserver.engine.config import Config, load_config
from mockserver.faults.base import FAMILIES, FaultError, Kind
from mockserver.faults.parsing import ON, WHEN, Common
from mockserver.faults.registry import kind_of, rows

Row = dict[str, Any]
_EXAMPLE_VALUES: dict[str, Any] = {
    "name": "server_busy",
    "appsecret": "another-made-up-secret",
    "seconds": 400,
    "requests": 5,
    "fixed_ms": 800,
}  # Example values by field name. Other fields show the first of FALLBACK_VALUES that they accept.
_FALLBACK_VALUES = (100, 10, 2, 0.5, "text", "/text")
_OPERATION = "query_room_info"
_CURL = "curl -sS http://127.0.0.1:8080/__admin/faults -H 'X-Mock-Admin: 1' -H 'Content-Type: application/json'"


def _registry(
    rows: Mapping[str, Any] | Callable[[Config], Mapping[str, Any]],
) -> Callable[[Callable[[Any, Lang], Row]], click.Command]:
    """Return the decorator for a command that lists a registry: it decorates the function that returns a row."""

    def decorate(row: Callable[[Any, Lang], Row]) -> click.Command:
        def show(lang: Lang, as_json: bool, fixtures: str | None = None) -> None:
            found = rows(load_config(user_folders(fixtures), now=Clock().second)) if callable(rows) else rows
            show_rows([row(item, lang) for item in found.values()], as_json)

        options = setting_options("fixtures", "lang") if callable(rows) else setting_options("lang")
        return click.command(row.__name__, help=row.__doc__)(options(json_option(show)))

    return decorate


@_registry(OPERATIONS)
def operations(item: Any, lang: Lang) -> Row:
    """List the operations of the API."""
    return {"section": f"§{item.section}", "operation": item.name, "path": item.path, "title": item.title.to(lang)}


@_registry(lambda config: config.scenarios)
def scenarios(item: Any, lang: Lang) -> Row:
    """List the scenarios."""
    return {"name": item.name, "extends": item.extends or "", "title": item.title.to(lang)}


@_registry(lambda config: config.catalogue)
def errors(item: Any, lang: Lang) -> Row:
    """List the error catalogue (§1.6)."""
    row = {"code": item.code, "name": item.name, "source": item.source, "section": f"§{item.section}"}
    return {**row, "text": item.text.to(lang)}


@_registry(READINGS)
def readings(item: Any, lang: Lang) -> Row:
    """List the readings of ambiguous passages.

    A reading chooses how the server interprets a gap or a contradiction of the document.
    """
    row = {"name": item.name, "default": item.default, "choices": item.choices()}
    return {**row, "section": f"§{item.section}", "why": item.why.to(lang)}


@_registry(SETTINGS)
def settings(item: Any, lang: Lang) -> Row:
    """List the settings of the server."""
    default = "" if item.default in (None, ()) else item.default
    return {"option": item.option, "environment": item.variable, "default": default, "meaning": item.text.to(lang)}


@click.command()
@click.argument("kind", required=False)
@setting_options("lang")
@json_option
def faults(kind: str | None, lang: Lang, as_json: bool) -> None:
    """List the fault kinds.

    With KIND, show its fields and an example in each notation.
    """
    if kind is None:
        _list(lang, as_json)
        return
    try:
        found = kind_of(kind)
    except FaultError as error:
        raise ConfigurationError.at("KIND", error.text) from None
    if as_json:
        row = next(row for row in rows() if row["fault"] == found.kind)
        show_json({**row, "example": example(found)})
    else:
        _show(found, lang)


def _list(lang: Lang, as_json: bool) -> None:
    table = [
        {
            "fault": row["fault"],
            "family": row["family"],
            "fields": row["schema"] if as_json else ", ".join(row["schema"]["properties"]),
            "client sees": row["text"][lang],
        }
        for row in rows()
    ]
    show_rows(table, as_json)


def _show(kind: type[Kind], lang: Lang) -> None:
    click.echo(f"{kind.kind}: {kind.text.to(lang)}\n{kind.family}: {FAMILIES[kind.family].to(lang)}")
    own_fields = _field_rows(kind.object_schema(), lang)
    click.echo(f"\n{message('own_fields' if own_fields else 'no_fields').to(lang)}")
    if own_fields:
        show_rows(own_fields)
    if kind.exactly_one:
        click.echo(message("exactly_one", names=", ".join(kind.exactly_one)).to(lang))
    click.echo(f"\n{message('common_fields').to(lang)}")
    on = _row("on", message("text_or_list").to(lang), "*", ON.to(lang))
    when = _row("when", TYPES["object"].to(lang), "", WHEN.to(lang))
    show_rows([on, when, *_field_rows(Common.object_schema(), lang, kind.common_defaults)])
    fault = example(kind)
    header = as_text({name: value for name, value in fault.items() if name not in ("on", "times")})
    for title, lines in (
        ("in_a_file", f"  faults:\n    - {as_yaml(fault)}"),
        ("with_serve", f"  mockserver serve --fault {shlex.quote(as_text(fault))}"),
        ("no_header", "") if kind.compares_requests else ("as_a_header", f"  X-Mock-Fault: {header}"),
        ("over_the_api", f"  {_CURL} -d {shlex.quote(json.dumps(fault))}"),
    ):
        click.echo(f"\n{message(title).to(lang)}\n{lines}".rstrip())


def _row(field: str, value: str, default: str, meaning: str) -> dict[str, str]:
    return {"field": field, "value": value, "default": default, "meaning": meaning}


def _field_rows(schema: Any, lang: Lang, defaults: Any = None, prefix: str = "") -> list[dict[str, str]]:
    """Return a row for each property of an object's schema; properties of nested objects have dotted names."""
    found = []
    for name, field in schema["properties"].items():
        default = (defaults or {}).get(name, field.get("default", ""))
        if name in schema.get("required", ()):
            default = message("required").to(lang)
        shown = f"{default:.15g}" if isinstance(default, float) else str(default)
        meaning = Text(field["description"], field["x-description-zh"]).to(lang)
        found.append(_row(f"{prefix}{name}", _value(field, lang), shown, meaning))
        if "properties" in field:
            found += _field_rows(field, lang, prefix=f"{prefix}{name}.")
    return found


def _value(schema: Mapping[str, Any], lang: Lang) -> str:
    """Return a description of the values that a field accepts."""
    if "enum" in schema:
        return " | ".join(schema["enum"])
    parts = [TYPES[schema["type"]].to(lang), describe_range(schema).to(lang)]
    return Text(", ", "，").to(lang).join(filter(None, parts))


def example(kind: type[Any]) -> dict[str, Any]:
    """Return a valid fault of this kind with its required fields, or with its first field if none is required."""
    schema = kind.object_schema()
    fields = schema["properties"]
    names = [*schema.get("required", ()), *kind.exactly_one[:1]] or list(fields)[:1]
    values = {name: _example_value(name, fields[name]) for name in names}
    return {"fault": kind.kind, **values, "on": _OPERATION, "times": 1}


def _example_value(name: str, schema: Mapping[str, Any]) -> Any:
    candidates = (*schema.get("enum", ()), _EXAMPLE_VALUES.get(name), *_FALLBACK_VALUES)
    validator = compile_inline(schema)
    return next(value for value in (schema.get("default"), *candidates) if validator.accepts(value))


def as_text(fault: dict[str, Any]) -> str:
    """Return a fault as `KIND;field=value;…`, the form of headers, options and magic values."""
    fields = [f"{name}={_text_value(value)}" for name, value in fault.items() if name != "fault"]
    return ";".join([fault["fault"], *fields])


def as_yaml(fault: dict[str, Any]) -> str:
    """Return a fault as a YAML mapping on one line."""
    return "{" + ", ".join(f"{name}: {_yaml_value(value)}" for name, value in fault.items()) + "}"


def _text_value(value: Any) -> str:
    # Outside quotes a semicolon ends a field.
    plain = isinstance(value, str) and ";" not in value and not value.startswith('"')
    return value if plain else json.dumps(value)


def _yaml_value(value: Any) -> str:
    plain = isinstance(value, str) and value.replace("_", "").isalpha()
    return value if plain else json.dumps(value)
