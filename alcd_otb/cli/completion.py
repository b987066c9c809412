"""Make the script by which a shell completes the command line, from the parsers of the sub-commands."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

SHELLS = ("bash", "zsh")

_SCRIPT = """\
# Completes {program} in {shell}. Written by: {program} completion {shell}
{start}{function}() {{
    local current="${{COMP_WORDS[COMP_CWORD]}}" previous="${{COMP_WORDS[COMP_CWORD-1]}}"
    local place="" number=1 words="" options=""
    while [ "$number" -lt "$COMP_CWORD" ]; do
        case "$place ${{COMP_WORDS[number]}}" in
{places}
        esac
        number=$((number + 1))
    done
    case "$place $previous" in
{values}
        *) case "$place" in
{words}
            esac ;;
    esac
    case "$current" in
        -*) words="$options" ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -o default -F {function} {program}
"""
"""If it proposes no word, the shell completes names of files."""

_ZSH = """\
autoload -U +X compinit && compinit
autoload -U +X bashcompinit && bashcompinit
"""


class _Place(NamedTuple):
    """What may follow a sub-command, named by its words, such as ``batch start``; the first place has no words."""

    words: str
    options: tuple[str, ...]
    values: Mapping[str, tuple[str, ...]]
    following: tuple[str, ...]


def completion_script(
    shell: str, program: str, parsers: Mapping[str, argparse.ArgumentParser], options: Sequence[str]
) -> str:
    """Return the script that a shell reads to complete a program.

    Parameters
    ----------
    shell
        One of `SHELLS`.
    program
        The name of the program.
    parsers
        The parsers of the sub-commands.
    options
        The options that may stand before a sub-command.
    """
    places = [_Place("", tuple(options), {}, tuple(parsers))]
    for name, parser in parsers.items():
        places += _places(name, parser)
    names = [place.words for place in places if place.words]
    values = [
        (f"{place.words} {option}", " ".join(choices)) for place in places for option, choices in place.values.items()
    ]
    return _SCRIPT.format(
        program=program,
        shell=shell,
        start=_ZSH if shell == "zsh" else "",
        function=f"_{program.replace('-', '_')}",
        places="\n".join(f'            "{_before(name)}") place="{name}" ;;' for name in names),
        values="\n".join(f'        "{key}") words="{choices}" ;;' for key, choices in values),
        words="\n".join(
            f'            "{place.words}") words="{" ".join(place.following)}" options="{" ".join(place.options)}" ;;'
            for place in places
        ),
    )


def _before(name: str) -> str:
    """Return the pattern of a place and its last word, where the place before the first word is empty."""
    place, _, word = name.rpartition(" ")
    return f"{place} {word}"


def _places(words: str, parser: argparse.ArgumentParser) -> Iterator[_Place]:
    options: list[str] = []
    values: dict[str, tuple[str, ...]] = {}
    following: list[str] = []
    for action in parser._actions:
        if isinstance(action.choices, dict):
            following += action.choices
            for name, below in action.choices.items():
                yield from _places(f"{words} {name}", below)
        elif not action.option_strings:
            following += action.choices or ()
        else:
            options += action.option_strings
            if action.nargs != 0:
                # A value without choices is a file or a number: there the shell proposes files.
                values |= dict.fromkeys(action.option_strings, tuple(action.choices or ()))
    yield _Place(words, tuple(options), values, tuple(following))
