"""Run the command line of a checkout with its own environment."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

COMMANDS = "commands"
"""Folder of a case, in which there is a folder a command: what it printed and its exit code."""

PRESENT = "2020-01-01T00:00:00.000Z"
"""The time of change that GeoPackages store."""

_PACKAGE = "import alcd_otb; print(alcd_otb.__file__)"
_TIMEOUT = 600


class CheckoutError(Exception):
    """A checkout cannot be used."""


class CommandError(Exception):
    """A command did not end as it should."""


@dataclass(frozen=True)
class Checkout:
    """version: of the package that is installed in the checkout's environment."""

    folder: Path
    version: str

    @classmethod
    def open(cls, folder: Path, scratch: Path) -> "Checkout":
        """Open a checkout. Raises CheckoutError if its environment is missing, or has another checkout's package."""
        folder = folder.resolve()
        python = folder / ".venv" / "bin" / "python"
        if not python.is_file():
            raise CheckoutError(f"{folder}: has no .venv; run 'make install' there")
        imported = _run([python, "-c", _PACKAGE], scratch)
        if imported.returncode:
            raise CheckoutError(f"{folder}: {imported.stderr.strip()}")
        if not Path(imported.stdout.strip()).resolve().is_relative_to(folder):
            raise CheckoutError(
                f"{folder}: its environment imports {imported.stdout.strip()}; run 'make install' there"
            )
        told = _run([python, "-m", "alcd_otb", "--version"], scratch)
        return cls(folder, told.stdout.split()[-1])

    @property
    def python(self) -> Path:
        return self.folder / ".venv" / "bin" / "python"

    def has(self, module: str, scratch: Path) -> bool:
        """Whether its environment has a module."""
        return _run([self.python, "-c", f"import {module}"], scratch).returncode == 0


@dataclass(frozen=True)
class Job:
    """A case of one checkout. folder: where it works and writes."""

    checkout: Checkout
    folder: Path

    def alcd(self, *arguments: str | Path, code: int = 0) -> None:
        """Run a command in the case's folder, and keep what it prints below COMMANDS.

        code: the exit code that it should have. Raises CommandError where it has another.
        """
        commands = self.folder / COMMANDS
        commands.mkdir(parents=True, exist_ok=True)
        kept = commands / f"{len(list(commands.iterdir())) + 1:02}_{arguments[0]}"
        kept.mkdir()
        ended = _run([self.checkout.python, "-m", "alcd_otb", *arguments], self.folder)
        kind = "json" if ended.stdout.startswith("{") else "txt"
        (kept / f"stdout.{kind}").write_text(ended.stdout, "utf-8")
        (kept / "stderr.txt").write_text(ended.stderr, "utf-8")
        (kept / "exit_code").write_text(f"{ended.returncode}\n", "utf-8")
        if ended.returncode != code:
            last = ended.stderr.strip().splitlines()[-1:]
            told = " ".join(map(str, arguments))
            raise CommandError(f"alcd_otb {told}: exit code {ended.returncode}, not {code}: {' '.join(last)}")


def _run(command: Sequence[str | Path], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run in a folder without a package, so that the installed package is imported; nothing is written beside it."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"PYTHONDONTWRITEBYTECODE": "1", "OGR_CURRENT_DATE": PRESENT}
    return subprocess.run(
        ["nice", *map(str, command)], cwd=folder, env=environment, capture_output=True, text=True, timeout=_TIMEOUT
    )
