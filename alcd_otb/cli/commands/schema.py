"""The sub-command ``schema``: print the JSON Schema of scene.json or of a template."""

import argparse
import json

from alcd_otb.cli.shared_options import SubCommands


def add_to(subcommands: SubCommands, common: argparse.ArgumentParser) -> None:
    """Add the sub-command with its options."""
    command = subcommands.add_parser(
        "schema", parents=[common], help="print the JSON Schema of scene.json, for editors"
    )
    command.add_argument("--template", action="store_true", help="print the schema of templates instead")
    command.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Print the schema."""
    from alcd_otb.settings.scene_file import scene_schema
    from alcd_otb.settings.template import template_schema

    print(json.dumps(template_schema() if options.template else scene_schema(), indent=None if options.json else 2))
    return 0
