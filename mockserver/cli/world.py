"""`mockserver world`: draw a day of a scenario's data in the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from mockserver.cli.options import appkey_option, find_app, json_option, parse_day_option, setting_options
from mockserver.cli.output import columns, message, show_json
from mockserver.cli.streams import as_encoded
from mockserver.core.text import Lang, counted
from mockserver.engine.build import make_engine
from mockserver.world.views import summarize_day

_BAR_WIDTH = 48
_CHARTS = {"hours": "cyan", "cities": "green", "networks": "magenta", "loss": "yellow", "delay": "yellow"}


@click.command()
@click.option("--day", metavar="DAY", default="20191210", help="Day to draw: 20191210, today, now-1d …")
@setting_options("scenario", "fixtures", "seed", "now", "lang")
@appkey_option
@json_option
def world(day: str, as_json: bool, lang: Lang, appkey: str | None, **settings: Any) -> None:
    """Draw a day of a scenario's call data.

    Charts rooms, cities, networks, loss and delay. The default is the day of the document's samples.
    """
    engine = make_engine(lang=lang, **settings)
    app = find_app(engine.config.apps, appkey)
    state = engine.store.app(app.appkey)
    now = state.clock.second()
    source = engine.config.scenarios[state.scenario].world
    picture = summarize_day(source.at(app.appkey, now), parse_day_option(day, now), now)
    if as_json:
        show_json(picture)
    else:
        _draw(picture, lang)


def _draw(picture: Mapping[str, Any], lang: Lang) -> None:
    totals = picture["totals"]
    nouns = {"rooms": "room", "users": "user", "stays": "session"}
    counts = {name: counted(totals[name], noun) for name, noun in nouns.items()}
    click.secho(message("day_summary", day=picture["day"], **{**totals, **counts}).to(lang), bold=True)
    if not totals["stays"]:
        click.echo(message("no_calls").to(lang))
        return
    for name, color in _CHARTS.items():
        click.secho(f"\n{message(name).to(lang)}", bold=True)
        for label, value, bar in _bars(picture[name]):
            click.echo(f"{label} {click.style(bar, fg=color)} {value}")


def _bars(rows: Sequence[Sequence[Any]]) -> list[tuple[str, Any, str]]:
    """Return label, value and bar of each row, the labels padded to one width."""
    block, least = (char if as_encoded(char) == char else instead for char, instead in (("█", "#"), ("▏", "|")))
    largest = max((value for _, value in rows), default=0) or 1
    width = max((columns(label) for label, _ in rows), default=0)
    return [
        (label + " " * (width - columns(label)), value, block * round(_BAR_WIDTH * value / largest) or least)
        for label, value in rows
    ]
