"""`mockserver init DIR`: write a folder for --fixtures with one scenario to start from."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

import click

from mockserver.cli.check import SCENARIO_SCHEMA
from mockserver.cli.options import setting_options
from mockserver.cli.output import not_writable
from mockserver.core.clock import Clock
from mockserver.core.errors import ConfigurationError, Problem
from mockserver.core.folders import Folders
from mockserver.core.text import Lang, Text
from mockserver.engine.config import load_config
from mockserver.server.admin_catalog import full_scenario_schema

_SCENARIO = "mine"
_EXISTS = Text("already exists; nothing was written", "已存在；未写入任何文件")
_NEXT = Text(
    "Written: {files}\nNext: mockserver check {folder}\n"
    "      mockserver serve --fixtures {folder} --scenario {scenario}",
    "已写入：{files}\n下一步：mockserver check {folder}\n"
    "        mockserver serve --fixtures {folder} --scenario {scenario}",
)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@setting_options("lang")
def init(folder: Path, lang: Lang) -> None:
    """Create a folder with a scenario of your own.

    DIR works with `serve --fixtures DIR --scenario mine`. The scenario is commented in the chosen language, and editors
    complete it by the schema beside it. Existing files are not overwritten.
    """
    schema = full_scenario_schema(load_config(Folders(), now=Clock().second))
    files = {
        folder / SCENARIO_SCHEMA: json.dumps(schema, ensure_ascii=False, indent=2) + "\n",
        folder / "scenarios" / f"{_SCENARIO}.yaml": Path(__file__)
        .with_name(f"scenario.{lang}.yaml")
        .read_text("utf-8"),
    }
    try:
        if existing := [Problem(str(file), _EXISTS) for file in files if os.path.lexists(file)]:
            raise ConfigurationError(existing)
        for file, content in files.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("x", encoding="utf-8") as opened:
                opened.write(content)
    except (OSError, ValueError) as error:
        raise not_writable("DIR", folder, error) from None
    values = {"files": ", ".join(map(str, files)), "folder": shlex.quote(str(folder)), "scenario": _SCENARIO}
    click.echo(_NEXT.to(lang).format(**values))
