"""The command ``completion``: has a shell complete commands, options and names."""

from __future__ import annotations

import click

from benchmark.commands import options, printing

#: What a shell reads when it starts, and the line to put there.
LINES = {
    "bash": ("~/.bashrc", 'eval "$(ldl-benchmark completion bash)"'),
    "zsh": ("~/.zshrc", 'eval "$(ldl-benchmark completion zsh)"'),
    "fish": ("~/.config/fish/config.fish", "ldl-benchmark completion fish | source"),
}

#: The variable that a shell asks with, which click looks for.
VARIABLE = "_LDL_BENCHMARK_COMPLETE"


@click.command(cls=options.PlainCommand, short_help="Let the Tab key complete names.")
@click.argument("shell", type=options.OneOf(*LINES), required=False)
@click.pass_context
def completion(context: click.Context, shell: str | None) -> None:
    """Let the Tab key complete names of models, datasets, figures and measures.

    \b
    bash  put into ~/.bashrc:  eval "$(ldl-benchmark completion bash)"
    zsh   put into ~/.zshrc:   eval "$(ldl-benchmark completion zsh)"
    fish  put into ~/.config/fish/config.fish:
          ldl-benchmark completion fish | source
    """  # noqa: D301 - click reads the character \b
    if shell is None:
        printing.give(lines={name: line for name, (_, line) in LINES.items()})
        for name, (file, line) in LINES.items():
            printing.result(f"{name}, in {file}: {line}")
        return
    from benchmark.commands.line import shells

    script = shells.BY_NAME[shell](context.find_root().command, {}, "ldl-benchmark", VARIABLE)
    printing.give(script=script.source())
    printing.result(script.source())
