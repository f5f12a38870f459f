"""`mockserver world`: a picture of a day in the terminal, so that somebody who shows the data sees at once what it is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click

from mockserver.cli.options import appkey_option, json_option, setting_options
from mockserver.cli.requests import app_of
from mockserver.core.errors import ConfigurationError
from mockserver.core.text import Lang, Text
from mockserver.engine.build import make_engine
from mockserver.world.picture import picture_of

_WIDTH = 48
_WORDS = {
    "hours": Text("rooms by hour (UTC+8)", "各时段房间数（东八区）"),
    "cities": Text("top cities, call hours", "城市前列，通话小时"),
    "networks": Text("networks, call hours", "网络类型，通话小时"),
    "loss": Text("audio loss by hour, %", "各时段音频丢包率 %"),
    "delay": Text("audio delay by hour, ms", "各时段音频时延 ms"),
}


@click.command()
@click.option("--day", metavar="YYYYMMDD", help="the day to show; by default the document's, 20191210")
@setting_options("scenario", "fixtures", "seed", "now", "lang")
@appkey_option
@json_option
def world(day: str | None, as_json: bool, lang: Lang, appkey: str | None, **settings: Any) -> None:
    """Show a day of a scenario's world: calls by hour, top cities, networks, quality."""
    engine = make_engine(lang=lang, **settings)
    app = app_of(engine.config.apps, appkey)
    state = engine.store.app(app.appkey)
    now = state.clock.second()
    try:
        picture = picture_of(
            engine.config.scenarios[state.scenario].world.at(app.appkey, now), day or "20191210", now
        )
    except ValueError:
        text = Text(f"{day!r} is no day; write it as 20191210", f"{day!r} 不是日期；请写作 20191210")
        raise ConfigurationError.at("--day", text) from None
    if as_json:
        click.echo(json.dumps(picture, ensure_ascii=False, indent=2))
    else:
        _draw(picture, lang)


def _draw(picture: Mapping[str, Any], lang: Lang) -> None:
    from rich.console import Console

    # In a pipe rich leaves colours out by itself; the bars are characters either way.
    console = Console(highlight=False)
    totals = picture["totals"]
    line = {
        "en": "{day}: {rooms} rooms, {users} people, {stays} stays, {hours} call hours, {joins} % of joins succeeded",
        "zh": "{day}：{rooms} 个房间，{users} 人，{stays} 次通话，{hours} 通话小时，加入成功率 {joins} %",
    }[lang].format(day=picture["day"], **totals)
    console.print(line, style="bold", markup=False, soft_wrap=True)
    for name, style in (
        ("hours", "cyan"),
        ("cities", "green"),
        ("networks", "magenta"),
        ("loss", "yellow"),
        ("delay", "yellow"),
    ):
        console.print(f"\n{_WORDS[name].to(lang)}", style="bold", markup=False)
        for label, value, bar in _bars(picture[name]):
            console.print(f"{label} [{style}]{bar}[/] {value}", soft_wrap=True)


def _bars(rows: Sequence[Sequence[Any]]) -> list[tuple[str, Any, str]]:
    """Label, value and bar of each row; Chinese labels count double so that the bars line up."""
    most = max((value for _, value in rows), default=0) or 1
    width = max((_cells(label) for label, _ in rows), default=0)
    return [
        (label + " " * (width - _cells(label)), value, "█" * round(_WIDTH * value / most) or "▏")
        for label, value in rows
    ]


def _cells(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)
