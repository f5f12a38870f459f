"""Generated tables in the documentation: `python -m tests.project.doc_tables --check` or `--write`.

In any `*.md` file of the tree, the rows between `<!-- table: NAME -->` and `<!-- end -->` are generated from the
registries. Files that end in `.zh-CN.md` get the Chinese table, all others the English one.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mockserver.contract.checking import TYPES
from mockserver.contract.operations import OPERATIONS
from mockserver.contract.readings import READINGS
from mockserver.core.clock import Clock
from mockserver.core.folders import Folders
from mockserver.core.settings import SETTINGS
from mockserver.core.text import Lang, Text
from mockserver.engine.config import Config, load_config
from mockserver.faults.registry import rows as fault_rows
from mockserver.server.admin import ROUTES
from mockserver.world.demographics import PARAMETERS
from tests.helpers.corpus import FAMILIES, family

ROOT = Path(__file__).parents[2]
CHINESE = ".zh-CN.md"
_SKIPPED = ("build", "dist", "node_modules", "__pycache__")
_TABLE = re.compile(r"(<!-- table: ([a-z_]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)

Row = Sequence[object]
Table = Callable[[Lang, Config], tuple[Row, Iterable[Row]]]


def _operations(lang: Lang, config: Config) -> tuple[Row, Iterable[Row]]:
    head = {"en": ("§", "operation", "content"), "zh": ("§", "接口", "内容")}[lang]
    return head, (
        (operation.section, f"`{operation.name}`", operation.title.to(lang)) for operation in OPERATIONS.values()
    )


def _scenarios(lang: Lang, config: Config) -> tuple[Row, Iterable[Row]]:
    head = {"en": ("scenario", "what it is"), "zh": ("场景", "说明")}[lang]
    return head, ((f"`{scenario.name}`", scenario.title.to(lang)) for scenario in config.scenarios.values())


def _errors(lang: Lang, config: Config) -> tuple[Row, Iterable[Row]]:
    head = {"en": ("code", "name", "source", "meaning"), "zh": ("错误码", "名称", "来源", "含义")}[lang]
    return head, ((row.code, f"`{row.name}`", row.source, row.text.to(lang)) for row in config.catalogue.values())


def _readings(lang: Lang, config: Config) -> tuple[Row, Iterable[Row]]:
    head = {
        "en": ("reading", "choices (default first)", "§", "why"),
        "zh": ("读法", "可选值（默认在前）", "§", "依据"),
    }[lang]
    return head, (
        (f"`{reading.name}`", _choices(reading.default, reading.choices()), reading.section, reading.why.to(lang))
        for reading in READINGS.values()
    )


def _choices(default: object, shown: str) -> str:
    return shown if shown.startswith(str(default)) else f"{default}; {shown}"


def _settings(lang: Lang, config: Config) -> tuple[Row, Iterable[Row]]:
    head = {"en": ("option", "default", "meaning"), "zh": ("选项", "默认值", "含义")}[lang]
    return head, (
        (f"`{setting.option}`", "" if setting.default in (None, ()) else f"`{setting.default}`", setting.text.to(lang))
        for setting in SETTINGS.values()
    )


def _faults(lang: Lang, config: Config) -> tuple[Row, Iterable[Row]]:
    head = {"en": ("fault", "family", "fields", "what a client sees"), "zh": ("故障", "类别", "字段", "客户端所见")}[
        lang
    ]
    return head, (
        (f"`{row['fault']}`", row["family"], _code_list(row["schema"]["properties"]), row["text"][lang])
        for row in fault_rows()
    )


def _code_list(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


_FAMILY_TEXTS = {
    "json": Text("JSON texts as bodies", "作为请求体的 JSON 文本"),
    "fields": Text("values of the documented fields", "各文档字段的取值"),
    "signatures": Text("query strings and signatures", "查询串与签名"),
    "overrides": Text("overrides by header and magic value", "请求头与特殊值的指定"),
    "framing": Text("HTTP framing on raw sockets", "原始套接字上的 HTTP 报文"),
    "files": Text("scenario, catalogue and credential files", "场景、错误表与凭据文件"),
    "schemas": Text("schema files", "Schema 文件"),
    "admin": Text("admin requests", "管理接口请求"),
}


def _corpus(lang: Lang, config: Config) -> tuple[Row, Iterable[Row]]:
    head = {"en": ("bad input", "cases"), "zh": ("错误输入", "用例数")}[lang]
    total = {"en": "all", "zh": "合计"}[lang]
    rows = [(_FAMILY_TEXTS[name].to(lang), len(family(name))) for name in FAMILIES]
    return head, [*rows, (total, sum(count for _, count in rows))]


def _parameters(lang: Lang, config: Config) -> tuple[Row, Iterable[Row]]:
    head = {"en": ("parameter", "default", "form", "meaning"), "zh": ("参数", "默认值", "取值", "含义")}[lang]
    rows = config.schemas["scenario.json"].schema["$defs"]["generated"]["properties"]
    return head, (
        (
            f"`{name}`",
            "…" if isinstance(default := PARAMETERS.get(name, []), (list, dict)) else f"`{_yaml(default)}`",
            _form(row, lang),
            Text(row["description"], row["x-description-zh"]).to(lang),
        )
        for name, row in rows.items()
        if name != "source"
    )


def _yaml(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _form(schema: Mapping[str, Any], lang: Lang) -> str:
    """What a JSON Schema accepts, in a few words."""
    if "enum" in schema:
        return " | ".join(schema["enum"])
    kind, *null = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    if kind == "array":
        low, high = schema.get("minItems", 0), schema["maxItems"]
        count = f"{low}" if low == high else f"{low} … {high}"
        form = f"{count} × {_form(schema['items'], lang)}"
    elif "patternProperties" in schema:
        year = Text("year or yyyymmdd", "年份或 yyyymmdd").to(lang)
        form = f"{{{year}: {_form(*schema['patternProperties'].values(), lang)}}}"
    elif kind == "object":
        form = "{" + ", ".join(schema["properties"]) + "}"
    else:
        form = TYPES[kind].to(lang)
        form += f", {schema['minimum']} … {schema['maximum']}" if "minimum" in schema else ""
    return " | ".join([form, *null])


def _admin(lang: Lang, config: Config) -> tuple[Row, Iterable[Row]]:
    head = {"en": ("request", "what it does"), "zh": ("请求", "作用")}[lang]
    return head, ((f"`{route.method} {route.path}`", route.text.to(lang)) for route in ROUTES)


TABLES: dict[str, Table] = {
    "operations": _operations,
    "scenarios": _scenarios,
    "errors": _errors,
    "readings": _readings,
    "settings": _settings,
    "parameters": _parameters,
    "admin": _admin,
    "faults": _faults,
    "corpus": _corpus,
}


def documents() -> list[Path]:
    """Return every Markdown file of the tree that holds a generated table, sorted by path."""
    return [path for path in markdown_files() if _TABLE.search(path.read_text(encoding="utf-8"))]


def markdown_files() -> Iterator[Path]:
    """Yield every Markdown file of the tree in a stable order, without hidden and built folders."""
    for folder, names, files in os.walk(ROOT):
        names[:] = sorted(
            name for name in names if name not in _SKIPPED and not name.startswith(".") and ".egg" not in name
        )
        yield from (Path(folder, name) for name in sorted(files) if name.endswith(".md"))


def language(path: Path) -> Lang:
    """Return the language that a document is written in, by its file name."""
    return "zh" if path.name.endswith(CHINESE) else "en"


def english_original(path: Path) -> Path:
    """Return the English document that a Chinese one translates."""
    return path.with_name(path.name.removesuffix(CHINESE) + ".md")


def render(name: str, lang: Lang, config: Config) -> str:
    """Return the Markdown of one table."""
    head, rows = TABLES[name](lang, config)
    lines = [head, ["-"] * len(head), *rows]
    return "".join("|" + "|".join(str(cell).replace("|", "\\|") for cell in line) + "|\n" for line in lines)


def updated(text: str, lang: Lang, config: Config) -> str:
    """Return `text` with every table generated anew."""
    return _TABLE.sub(lambda found: found[1] + render(found[2], lang, config) + found[4], text)


def tables_in(text: str) -> list[str]:
    """Return the names of the tables in a document, in their order."""
    return [found[1] for found in _TABLE.findall(text)]


def main() -> None:
    """Check or write every document; with `--check`, exit 1 when one is out of date."""
    config = load_config(Folders(), now=Clock().second)
    stale = []
    for path in documents():
        text = path.read_text(encoding="utf-8")
        right = updated(text, language(path), config)
        if text != right:
            stale.append(str(path.relative_to(ROOT)))
            if "--write" in sys.argv:
                path.write_text(right, encoding="utf-8")
    if stale:
        print("wrote" if "--write" in sys.argv else "out of date, run `make docs-write`:", *stale)
    sys.exit(1 if stale and "--check" in sys.argv else 0)


if __name__ == "__main__":
    main()
