"""How bash, zsh and fish ask what can stand on the command line, and are told.

Click's own scripts split names at spaces in bash, and know no list of files beside names.
"""

from __future__ import annotations

import os
from typing import ClassVar

from click.shell_completion import (
    CompletionItem,
    ShellComplete,
    add_completion_class,
    split_arg_string,
)

# Stands for the cursor, so that a word that has just begun is one.
_CURSOR = "\0"

# With "filenames" bash itself puts what it has to into quotes, and a slash behind folders. What it
# takes for a word ends at a colon or an equals sign, so that all of the line is read here.
_BASH = """\
%(complete_func)s() {
    local kind value
    COMPREPLY=()
    compopt -o filenames
    while IFS=$'\\t' read -r kind value; do
        case $kind in
            plain) COMPREPLY+=("$value") ;;
            dir) while read -r value; do COMPREPLY+=("$value"); done < <(compgen -d -- "$value") ;;
            file) while read -r value; do COMPREPLY+=("$value"); done < <(compgen -f -- "$value") ;;
        esac
    done < <(LDL_LINE="${COMP_LINE:0:COMP_POINT}" LDL_WORD="$2" \\
             %(complete_var)s=bash_complete "$1" 2>/dev/null)
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""

_ZSH = """\
#compdef %(prog_name)s
%(complete_func)s() {
    local -a names described
    local kind value about files
    local line="${(j: :)words[1,CURRENT-1]} ${words[CURRENT]}"
    [[ $PREFIX == --*=* ]] && compset -P 1 '*='
    while IFS=$'\\t' read -r kind value about; do
        case $kind in
            plain) names+=("$value"); described+=("$value${about:+  -- $about}") ;;
            dir) files=-/ ;;
            file) files=-f ;;
        esac
    done < <(LDL_LINE="$line" %(complete_var)s=zsh_complete "${words[1]}" 2>/dev/null)
    (( $#names )) && compadd -M 'm:{a-zA-Z}={A-Za-z}' -l -V names -d described -a names
    [[ -n $files ]] && _path_files $files
    return 0
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    %(complete_func)s "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
    compdef %(complete_func)s %(prog_name)s
fi
"""

_FISH = """\
function %(complete_func)s
    set -lx LDL_LINE (commandline -cp)
    for line in (%(complete_var)s=fish_complete command %(prog_name)s 2>/dev/null)
        set -l part (string split -m 1 \\t -- $line)
        switch $part[1]
            case dir
                __fish_complete_directories (commandline -ct)
            case file
                __fish_complete_path (commandline -ct)
            case plain
                printf '%%s\\n' $part[2]
        end
    end
end
complete --no-files --command %(prog_name)s --arguments '(%(complete_func)s)'
"""


class _Complete(ShellComplete):
    """What the shells have in common: the line up to the cursor, and lines with tabs back."""

    def get_completion_args(self) -> tuple[list[str], str]:
        *words, last = split_arg_string(os.environ["LDL_LINE"] + _CURSOR)
        return words[1:], last.removesuffix(_CURSOR)

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[str]]:
        return [
            self.fitting(item, incomplete) for item in super().get_completions(args, incomplete)
        ]

    def fitting(self, item: CompletionItem[str], incomplete: str) -> CompletionItem[str]:
        """Return an item that takes the place of what the shell takes for the word."""
        return item

    def format_completion(self, item: CompletionItem[str]) -> str:
        about = " ".join((item.help or "").split())
        return f"{item.type}\t{item.value}\t{about}".rstrip("\t")


class Bash(_Complete):
    """Bash, which takes what stands behind a colon or an equals sign for a word of its own."""

    name: ClassVar[str] = "bash"
    source_template: ClassVar[str] = _BASH

    def fitting(self, item: CompletionItem[str], incomplete: str) -> CompletionItem[str]:
        """Leave out what stands before that word."""
        shown = split_arg_string(os.environ.get("LDL_WORD", "") + _CURSOR)[-1]
        typed = _value(incomplete)
        before = typed.removesuffix(shown.removesuffix(_CURSOR))
        fits = item.value.casefold().startswith(before.casefold())
        value = item.value[len(before) :] if fits else item.value
        return CompletionItem(value, item.type)

    def format_completion(self, item: CompletionItem[str]) -> str:
        """Leave out what it is: bash shows names alone."""
        return f"{item.type}\t{item.value}"


class Zsh(_Complete):
    """Zsh."""

    name: ClassVar[str] = "zsh"
    source_template: ClassVar[str] = _ZSH


class Fish(_Complete):
    """Fish, which replaces a word with the option in it: ``--dataset=SJ``."""

    name: ClassVar[str] = "fish"
    source_template: ClassVar[str] = _FISH

    def fitting(self, item: CompletionItem[str], incomplete: str) -> CompletionItem[str]:
        """Put the option before the value."""
        option = incomplete.removesuffix(_value(incomplete))
        return CompletionItem(f"{option}{item.value}", item.type, item.help)


def _value(word: str) -> str:
    """Return what stands behind the option in a word."""
    return word.partition("=")[2] if word.startswith("--") and "=" in word else word


#: What is asked by each shell.
BY_NAME: dict[str, type[ShellComplete]] = {one.name: one for one in (Bash, Zsh, Fish)}

for _one in BY_NAME.values():
    add_completion_class(_one)
