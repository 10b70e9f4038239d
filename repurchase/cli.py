"""The command line. Each command reads its options, runs one job and shows the result."""

from __future__ import annotations

import os
import sys

import typer

from contracts.errors import NO_ROOM, RepurchaseError
from repurchase import (
    commands_diagnose,
    commands_export,
    commands_lab,
    commands_orders,
    commands_plan,
    commands_preferences,
    commands_products,
    commands_rank,
    commands_reasons,
    commands_results,
    commands_screen,
    commands_segments,
    commands_serving,
    commands_train,
    commands_triggers,
    show,
)

app = typer.Typer(
    name="repurchase",
    help="Which customers will buy again, what they are worth, and what to do about it.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
for commands in (
    commands_orders,
    commands_train,
    commands_rank,
    commands_lab,
    commands_serving,
    commands_export,
    commands_reasons,
    commands_diagnose,
    commands_screen,
    commands_segments,
    commands_products,
    commands_preferences,
    commands_triggers,
    commands_plan,
    commands_results,
):
    commands.add_to(app)


def main() -> None:
    """Run the command line; what a user must mend ends with one message and exit code 2."""
    try:
        app()
    except RepurchaseError as error:
        show.failure(str(error))
        sys.exit(2)
    except OSError as error:
        show.failure(_said(error))
        sys.exit(2)


def _said(error: OSError) -> str:
    """Return which file the system refused, why, and what helps."""
    if error.errno not in NO_ROOM:
        return f"{error.filename or 'the system'}: {error.strerror or error}."
    why = os.strerror(error.errno)
    return f"{error.filename or 'the disk'}: {why}. Make room there, then give the same command again."


if __name__ == "__main__":
    main()
