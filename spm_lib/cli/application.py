"""The application that the commands are added to."""

from __future__ import annotations

from typing import Annotated

import typer

from spm_lib import __version__

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Sales performance reports as Jupyter notebooks: one per team, from any CRM's exports.",
)


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        typer.echo(f"spm {__version__}")
        raise typer.Exit
