"""The page of the command line: what ``--help`` says."""

from __future__ import annotations

from typing import Any

import click


def cli_page() -> str:
    """Write what ``--help`` says of every command."""
    from benchmark.cli import main

    parts = [
        "# Command line",
        "What `--help` says, command by command. `python -m benchmark` is the same as "
        "`ldl-benchmark`. Exit codes: 0 fine, 1 something failed, 2 the command cannot be used as "
        "given.",
        f"```text\n{_help(main, 'ldl-benchmark')}\n```",
    ]
    context = click.Context(main, info_name="ldl-benchmark")
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        if command is None or command.hidden:
            continue
        parts += [f"## {name}", f"```text\n{_help(command, name, context)}\n```"]
        if isinstance(command, click.Group):
            inner = click.Context(command, info_name=name, parent=context)
            for sub in command.list_commands(inner):
                found = command.get_command(inner, sub)
                if found is not None:
                    parts += [f"### {name} {sub}", f"```text\n{_help(found, sub, inner)}\n```"]
    return "\n\n".join(parts) + "\n"


def _help(command: click.Command, name: str, parent: click.Context | None = None) -> str:
    settings: dict[str, Any] = {"info_name": name, "parent": parent}
    with click.Context(command, **settings, terminal_width=88, max_content_width=88) as context:
        return command.get_help(context).rstrip()
