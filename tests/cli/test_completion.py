"""The scripts that complete the command line, as bash and zsh read them."""

import shutil
import subprocess
from pathlib import Path

import pytest
from scenes import alcd

# What is typed, with the word to complete last, and some of the words that are proposed.
TYPED = [
    (["st"], {"status", "styles"}),
    (["run", "--ke"], {"--keep"}),
    (["run", "--keep", ""], {"all", "map"}),
    (["-v", "run", "scene.json", "--if"], {"--if-needed"}),
    (["accuracy", ""], {"plan", "estimate"}),
    (["accuracy", "estimate", "--labelled"], {"--labelled-only"}),
    (["--ver"], {"--version", "--verbose"}),
    (["completion", ""], {"bash", "zsh"}),
]
# Where no word is proposed, the shell completes names of files.
FILES = [["run", ""], ["new", "--dem", ""], ["run", "scene.json", ""]]


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_words_are_proposed_and_files_otherwise(shell: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    made = alcd("completion", shell)
    assert made.returncode == 0, made.stderr
    script = tmp_path / "script"
    script.write_text(made.stdout)
    call = "emulate ksh -c _alcd_otb" if shell == "zsh" else "_alcd_otb"
    lines = [f"HOME={tmp_path}; . {script}"]
    typed = [words for words, _ in TYPED] + FILES
    for words in typed:
        listed = " ".join(f"'{word}'" for word in ["alcd-otb", *words])
        lines.append(f"COMP_WORDS=({listed}); COMP_CWORD={len(words)}; COMPREPLY=(); {call}; echo ${{COMPREPLY[*]}}")
    ended = subprocess.run([shell, "-c", "\n".join(lines)], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stderr == ""
    # Among what is proposed, zsh itself chooses by what is typed.
    proposed = [
        {word for word in line.split() if word.startswith(words[-1])}
        for line, words in zip(ended.stdout.splitlines(), typed, strict=True)
    ]
    assert proposed == [expected for _, expected in TYPED] + [set()] * len(FILES)
