"""`mockserver faults`: the kinds as a table; `mockserver faults KIND`: its fields, and how each notation writes it."""

from __future__ import annotations

import dataclasses
import json
import shlex
from typing import Any

import click

from mockserver.cli.options import json_option, setting_options
from mockserver.cli.show import show_rows
from mockserver.core.errors import ConfigurationError
from mockserver.core.text import Lang, Text
from mockserver.faults.base import FAMILIES, Kind
from mockserver.faults.fields import FaultError, Spec, specs
from mockserver.faults.parsing import ON, WHEN, Common
from mockserver.faults.registry import kind_of, rows

_WORDS = {
    "required": Text("required", "必填"),
    "operations": Text("text or a list", "文本或列表"),
    "one": Text("exactly one of {names} is required", "{names} 须且只能有一项"),
    "every": Text("Fields of every fault:", "所有故障共有的字段："),
    "own": Text("Its fields:", "自有字段："),
    "none": Text("It has no fields of its own.", "没有自有字段。"),
    "file": Text("In a scenario file:", "场景文件："),
    "serve": Text("With serve:", "启动参数："),
    "header": Text("For one request, as a header:", "单个请求的请求头："),
    "no_header": Text(
        "It compares requests, so none can wish for it by a header.", "需比较多个请求，不能用请求头指定。"
    ),
    "admin": Text("Over the admin API:", "管理接口："),
}
_EXAMPLES: dict[str, Any] = {
    "name": "server_busy",
    "appsecret": "another-made-up-secret",
    "seconds": 400,
    "requests": 5,
    "fixed_ms": 800,
}
"""What shows a field best, by its name."""
_TRIES = (100, 10, 2, 0.5, "text", "/text")
"""What shows any other field: the first of these that it may hold."""
_ON = "query_room_info"
_CURL = (
    "curl -sS http://127.0.0.1:8080/__admin/faults -H 'X-Mock-Admin: 1' -H 'Content-Type: application/json'"
)


@click.command()
@click.argument("kind", required=False)
@setting_options("lang")
@json_option
def faults(kind: str | None, lang: Lang, as_json: bool) -> None:
    """List the kinds of faults; with KIND, its fields and an example in each notation."""
    if kind is None:
        _list(lang, as_json)
        return
    try:
        found = kind_of(kind)
    except FaultError as error:
        raise ConfigurationError.at("KIND", error.text) from None
    if as_json:
        row = next(row for row in rows() if row["fault"] == found.kind)
        click.echo(json.dumps({**row, "example": example(found)}, ensure_ascii=False, indent=2))
    else:
        _explain(found, lang)


def _list(lang: Lang, as_json: bool) -> None:
    shown = [
        {
            "fault": row["fault"],
            "family": row["family"],
            "fields": ", ".join(row["schema"]["properties"]) if not as_json else row["schema"],
            "client sees": row["text"][lang],
        }
        for row in rows()
    ]
    show_rows(shown, as_json)


def _explain(kind: type[Kind], lang: Lang) -> None:
    word = {name: text.to(lang) for name, text in _WORDS.items()}
    click.echo(f"{kind.kind}: {kind.text.to(lang)}")
    click.echo(f"{kind.family}: {FAMILIES[kind.family].to(lang)}")
    own = _fields(kind, lang)
    click.echo(f"\n{word['own'] if own else word['none']}")
    if own:
        show_rows(own, False)
    if kind.exactly_one:
        click.echo(word["one"].format(names=", ".join(kind.exactly_one)))
    click.echo(f"\n{word['every']}")
    show_rows([*_choosing(lang), *_fields(Common, lang, kind.common_defaults)], False)
    made = example(kind)
    own_words = {name: value for name, value in made.items() if name not in ("on", "times")}
    click.echo(f"\n{word['file']}\n  faults:\n    - {as_flow(made)}")
    click.echo(f"\n{word['serve']}\n  mockserver serve --fault {shlex.quote(as_text(made))}")
    if kind.compares_requests:
        click.echo(f"\n{word['no_header']}")
    else:
        click.echo(f"\n{word['header']}\n  X-Mock-Fault: {as_text(own_words)}")
    click.echo(f"\n{word['admin']}\n  {_CURL} -d {shlex.quote(json.dumps(made))}")


def _choosing(lang: Lang) -> list[dict[str, str]]:
    """The two fields that choose requests, which no dataclass has."""
    on, when = _WORDS["operations"].to(lang), Spec("object", WHEN).type_text.to(lang)
    return [
        {"field": "on", "value": on, "default": "*", "meaning": ON.to(lang)},
        {"field": "when", "value": when, "default": "", "meaning": WHEN.to(lang)},
    ]


def _fields(of: type[Any], lang: Lang, other: Any = None, prefix: str = "") -> list[dict[str, str]]:
    """A row for each field, those of a nested mapping with their dots."""
    found = []
    for one in dataclasses.fields(of):
        spec: Spec = one.metadata["spec"]
        default = (other or {}).get(one.name, one.default)
        needed = one.default is dataclasses.MISSING
        found.append(
            {
                "field": f"{prefix}{one.name}",
                "value": _value(spec, lang),
                "default": _WORDS["required"].to(lang) if needed else _default(default),
                "meaning": spec.text.to(lang),
            }
        )
        if spec.nested is not None:
            found += _fields(spec.nested, lang, prefix=f"{prefix}{one.name}.")
    return found


def _value(spec: Spec, lang: Lang) -> str:
    """What a field may hold, in words."""
    if spec.choices:
        return " | ".join(spec.choices)
    if spec.value_type in ("integer", "number"):
        return f"{spec.type_text.to(lang)}{Text(', ', '，').to(lang)}{spec.range_text.to(lang)}"
    return spec.type_text.to(lang)


def _default(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def example(kind: type[Any]) -> dict[str, Any]:
    """A fault of this kind that would be taken: with what it must have, or else with its first field."""
    fields = {one.name: one for one in dataclasses.fields(kind)}
    names = [name for name, one in fields.items() if one.default is dataclasses.MISSING]
    names = [*names, *kind.exactly_one[:1]] or list(fields)[:1]
    values = {name: _example(name, specs(kind)[name], fields[name].default) for name in names}
    return {"fault": kind.kind, **values, "on": _ON, "times": 1}


def _example(name: str, spec: Spec, default: Any) -> Any:
    known = default is not None and default is not dataclasses.MISSING
    candidates = (*((default,) if known else ()), _EXAMPLES.get(name), *spec.choices, *_TRIES)
    return next(value for value in candidates if _fits(spec, value))


def _fits(spec: Spec, value: Any) -> bool:
    try:
        spec.read(value, ())
    except FaultError:
        return False
    return True


def as_text(made: dict[str, Any]) -> str:
    """`KIND;field=value;…`, as headers, options and magic values have it."""
    rest = [f"{name}={_word(value)}" for name, value in made.items() if name != "fault"]
    return ";".join([made["fault"], *rest])


def as_flow(made: dict[str, Any]) -> str:
    """A YAML mapping in one line."""
    return "{" + ", ".join(f"{name}: {_scalar(value)}" for name, value in made.items()) + "}"


def _word(value: Any) -> str:
    # A semicolon ends a field, unless it stands in quotes.
    plain = isinstance(value, str) and ";" not in value and not value.startswith('"')
    return value if plain else json.dumps(value)


def _scalar(value: Any) -> str:
    plain = isinstance(value, str) and value.replace("_", "").isalpha()
    return value if plain else json.dumps(value)
