"""Keeps the tables of both READMEs equal to the registries: `python -m tests.project.readme --check` or `--write`.

A table stands between `<!-- table: NAME -->` and `<!-- end -->`; its rows come from the code and the data alone.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from mockserver.contract.operations import OPERATIONS
from mockserver.contract.readings import READINGS
from mockserver.core.clock import Clock
from mockserver.core.folders import Folders
from mockserver.core.settings import SETTINGS
from mockserver.core.text import Lang, Text
from mockserver.engine.config import Config, load_config
from mockserver.faults.parsing import rows as fault_rows
from mockserver.server.admin import ROUTES
from mockserver.world.parameters import rows_as_table
from tests.helpers.corpus import FAMILIES, family

ROOT = Path(__file__).parents[2]
READMES: dict[Lang, Path] = {"en": ROOT / "README.md", "zh": ROOT / "README.zh-CN.md"}
_TABLE = re.compile(r"(<!-- table: ([a-z_]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)

Row = Sequence[object]
Table = Callable[[Lang, Config], tuple[Row, Iterable[Row]]]


def _operations(lang: Lang, library: Config) -> tuple[Row, Iterable[Row]]:
    head = {"en": ("§", "operation", "what it tells"), "zh": ("§", "接口", "内容")}[lang]
    return head, ((one.section, f"`{one.name}`", one.title.to(lang)) for one in OPERATIONS.values())


def _scenarios(lang: Lang, library: Config) -> tuple[Row, Iterable[Row]]:
    head = {"en": ("scenario", "what it is"), "zh": ("场景", "说明")}[lang]
    return head, ((f"`{one.name}`", one.title.to(lang)) for one in library.scenarios.values())


def _errors(lang: Lang, library: Config) -> tuple[Row, Iterable[Row]]:
    head = {"en": ("code", "name", "source", "meaning"), "zh": ("错误码", "名称", "来源", "含义")}[lang]
    return head, (
        (row.code, f"`{row.name}`", row.source, row.text.to(lang)) for row in library.catalogue.values()
    )


def _readings(lang: Lang, library: Config) -> tuple[Row, Iterable[Row]]:
    head = {
        "en": ("reading", "choices (default first)", "§", "why"),
        "zh": ("读法", "可选值（默认在前）", "§", "依据"),
    }[lang]
    return head, (
        (f"`{one.name}`", _choices(one.values.default, one.values.show()), one.section, one.why.to(lang))
        for one in READINGS.values()
    )


def _choices(default: object, shown: str) -> str:
    return shown if shown.startswith(str(default)) else f"{default}; {shown}"


def _settings(lang: Lang, library: Config) -> tuple[Row, Iterable[Row]]:
    head = {"en": ("option", "default", "meaning"), "zh": ("选项", "默认值", "含义")}[lang]
    return head, (
        (f"`{one.option}`", "" if one.default in (None, ()) else f"`{one.default}`", one.text.to(lang))
        for one in SETTINGS.values()
    )


def _faults(lang: Lang, library: Config) -> tuple[Row, Iterable[Row]]:
    head = {
        "en": ("fault", "family", "fields", "what a client sees"),
        "zh": ("故障", "类别", "字段", "客户端所见"),
    }[lang]
    return head, (
        (f"`{row['fault']}`", row["family"], _named(row["schema"]["properties"]), row["text"][lang])
        for row in fault_rows()
    )


def _named(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


_FAMILY_TEXTS = {
    "json": Text("JSON texts as bodies", "作为请求体的 JSON 文本"),
    "fields": Text("values of the documented fields", "各文档字段的取值"),
    "signatures": Text("query strings and signatures", "查询串与签名"),
    "wishes": Text("wishes by header and magic value", "请求头与特殊值的要求"),
    "framing": Text("HTTP framing on raw sockets", "原始套接字上的 HTTP 报文"),
    "files": Text("scenario, catalogue and credential files", "场景、错误表与凭据文件"),
    "schemas": Text("schema files", "Schema 文件"),
    "admin": Text("admin requests", "管理接口请求"),
}


def _corpus(lang: Lang, library: Config) -> tuple[Row, Iterable[Row]]:
    head = {"en": ("bad input", "cases"), "zh": ("错误输入", "用例数")}[lang]
    total = {"en": "all", "zh": "合计"}[lang]
    rows = [(_FAMILY_TEXTS[name].to(lang), len(family(name))) for name in FAMILIES]
    return head, [*rows, (total, sum(count for _, count in rows))]


_YAML = {"None": "`null`", "False": "`false`", "True": "`true`", "see below": "…"}


def _parameters(lang: Lang, library: Config) -> tuple[Row, Iterable[Row]]:
    head = {"en": ("parameter", "default", "form", "meaning"), "zh": ("参数", "默认值", "取值", "含义")}[lang]
    return head, (
        (f"`{name}`", _YAML.get(default, f"`{default}`"), form.to(lang), text.to(lang))
        for name, default, form, text in rows_as_table()
    )


def _admin(lang: Lang, library: Config) -> tuple[Row, Iterable[Row]]:
    head = {"en": ("request", "what it does"), "zh": ("请求", "作用")}[lang]
    return head, ((f"`{one.method} {one.path}`", one.text.to(lang)) for one in ROUTES)


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


def render(name: str, lang: Lang, library: Config) -> str:
    """The Markdown of one table."""
    head, rows = TABLES[name](lang, library)
    lines = [head, ["-"] * len(head), *rows]
    return "".join("|" + "|".join(str(cell).replace("|", "\\|") for cell in line) + "|\n" for line in lines)


def fresh(text: str, lang: Lang, library: Config) -> str:
    """`text` with every table as the registries have it now."""
    return _TABLE.sub(lambda found: found[1] + render(found[2], lang, library) + found[4], text)


def tables_in(text: str) -> list[str]:
    """The names of the tables of a README, in their order."""
    return [found[1] for found in _TABLE.findall(text)]


def main() -> None:
    """Check or write; exit 1 when a README is not what it should be."""
    library = load_config(Folders(), now=Clock().second)
    stale = []
    for lang, path in READMES.items():
        text = path.read_text(encoding="utf-8")
        right = fresh(text, lang, library)
        if text != right:
            stale.append(path.name)
            if "--write" in sys.argv:
                path.write_text(right, encoding="utf-8")
    if stale:
        verb = "wrote" if "--write" in sys.argv else "out of date, run `make docs-write`:"
        print(verb, *stale)
    sys.exit(1 if stale and "--check" in sys.argv else 0)


if __name__ == "__main__":
    main()
