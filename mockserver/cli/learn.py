"""`mockserver learn`: find out how a real backend behaves, and write it as a fixtures folder."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from mockserver.cli.options import setting_options, user_folders
from mockserver.cli.output import not_writable
from mockserver.cli.target import DAY_HELP, Opener, examine_target, max_requests_option, target_options
from mockserver.core.text import Lang, Text
from mockserver.engine.config import load_contract
from mockserver.live.learn import SCENARIO, Data, check_output, learned_files, write_folder
from mockserver.live.render import View, render_text

_WRITTEN = Text(
    "Written: {files}\nNext: mockserver serve --fixtures {folder} --scenario {scenario}",
    "已写入：{files}\n下一步：mockserver serve --fixtures {folder} --scenario {scenario}",
)


@click.command()
@target_options
@click.option("--output", type=click.Path(path_type=Path), metavar="DIR", required=True, help="Folder to write.")
@click.option(
    "--data",
    type=click.Choice(["none", "recorded"]),
    default="none",
    help="Data of the scenario: generated calls, or the calls and statistics that the target returned.",
)
@click.option("--force", is_flag=True, help="Write into a folder that is not empty, replacing files of the same name.")
@max_requests_option(300)
@click.option("--day", metavar="DAY", help=DAY_HELP)
@setting_options("lang", "fixtures")
def learn(
    open_target: Opener,
    output: Path,
    data: Data,
    force: bool,
    max_requests: int,
    day: str | None,
    lang: Lang,
    fixtures: str | None,
) -> None:
    """Find out how a real backend behaves.

    Runs the checks of `verify` and determines how the backend reads the document and which error codes it uses. Writes
    errors.yaml, scenarios/live.yaml and learned.md, which lists the evidence for each reading; readings that the
    backend's data cannot decide remain undecided. Then `serve --fixtures DIR --scenario live` answers as the backend
    does. Exits with 1 when the backend breaks the contract, and with 2, without writing anything, when it cannot be
    reached.
    """
    check_output(output, force=force)
    schemas, catalogue = load_contract(user_folders(fixtures))
    target = open_target(max_requests=max_requests)
    result = examine_target(target, schemas, catalogue, lang, day=day, thorough=True)
    learned = learned_files(result, target, catalogue, schemas, data)
    try:
        write_folder(output, learned.files)
    except (OSError, ValueError) as error:
        raise not_writable("--output", output, error) from None
    click.echo(render_text(View(result, lang, "error")))
    files = ", ".join(str(output / name) for name in learned.files)
    click.echo(_WRITTEN.to(lang).format(files=files, folder=shlex.quote(str(output)), scenario=SCENARIO))
    sys.exit(1 if any(finding.severity == "error" for _, finding in result.findings()) else 0)
