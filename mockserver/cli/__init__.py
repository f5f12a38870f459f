"""The command line: every command is a thin handle on a room below. Exit 0 fine, 1 findings, 2 wrong usage or files."""

from __future__ import annotations

import sys

import click

from mockserver import __version__
from mockserver.cli.check import check
from mockserver.cli.explain import explain
from mockserver.cli.export import export
from mockserver.cli.options import chosen_language
from mockserver.cli.report import report
from mockserver.cli.requests import call, curl, sample, sign
from mockserver.cli.serve import serve
from mockserver.cli.tables import errors, faults, operations, readings, scenarios, settings
from mockserver.cli.world import world
from mockserver.errors import ConfigurationError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="mockserver")
def cli() -> None:
    """A contract-testing stand-in for YouMe's signed REST API for call records and statistics."""


for command in (
    serve,
    curl,
    call,
    sample,
    sign,
    explain,
    check,
    export,
    world,
    report,
    operations,
    scenarios,
    errors,
    faults,
    readings,
    settings,
):
    cli.add_command(command)


def main() -> None:
    """The entry point: a wrong setting or file is told in one line a problem, and the exit code is 2."""
    try:
        cli.main(prog_name="mockserver")
    except ConfigurationError as error:
        print(error.show(chosen_language()), file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:
        # The reader of a pipe has gone (`mockserver errors | head -1`): nobody is left to tell anything.
        sys.stderr.close()
        sys.exit(0)
