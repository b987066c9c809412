"""The sub-command ``styles``: write QGIS styles with a template's classes."""

import argparse
import json
from pathlib import Path

from alcd_otb.cli.shared_options import SubCommands


def add_to(subcommands: SubCommands, common: argparse.ArgumentParser) -> None:
    """Add the sub-command with its options."""
    command = subcommands.add_parser("styles", parents=[common], help="write QGIS styles for the classes of a template")
    command.add_argument("template", help="name or file of a template")
    command.add_argument("folder", type=Path, help="folder to write the .qml files into")
    command.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Write the styles, and print where they lie."""
    from alcd_otb.qgis.styles import write_styles
    from alcd_otb.settings.template import load_template

    written = write_styles(load_template(options.template).legend, options.folder, Path(options.template).stem)
    if options.json:
        print(json.dumps({"styles": [str(path) for path in written]}))
    else:
        print(*written, sep="\n")
    return 0
