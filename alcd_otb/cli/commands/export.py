"""The sub-command ``export``: write finished scenes in the layouts that other programs read."""

import argparse
from pathlib import Path

from alcd_otb.cli.shared_options import SubCommands, positive, print_result, settings_of, utc


def add_to(subcommands: SubCommands, common: argparse.ArgumentParser) -> None:
    """Add the sub-command with its options."""
    command = subcommands.add_parser("export", parents=[common], help="write finished scenes as a data set")
    command.add_argument(
        "source", type=Path, nargs="+", metavar="SCENE", help="scene.json, a workspace, or an iteration of one"
    )
    command.add_argument("output", type=Path, metavar="OUT", help="folder to write, which must not exist")
    command.add_argument("--layout", required=True, choices=("zenodo", "stac", "cog"), help="layout of the data set")
    command.add_argument(
        "--iteration", type=positive, metavar="N", help="iteration of a single scene; by default the latest"
    )
    command.add_argument(
        "--acquired", type=utc, metavar="TIME", help="time (UTC) of a single scene made from a raster without a time"
    )
    command.add_argument("--title", metavar="TEXT", help="title of the data set")
    command.add_argument("--description", metavar="TEXT", help="description of the data set")
    command.add_argument("--licence", metavar="ID", help="licence: SPDX identifier such as CC-BY-4.0, or an address")
    command.add_argument("--citation", metavar="TEXT", help="how to cite the data set")
    command.add_argument("--doi", help="DOI of the data set, such as 10.5281/zenodo.1460961")
    command.add_argument("--provider", metavar="NAME", help="who provides the data set")
    command.add_argument(
        "--cloud",
        action="append",
        metavar="CLASS",
        help="class that counts as cloud cover in STAC; repeatable",
    )
    command.add_argument("--replace", action="store_true", help="replace an earlier export, even if it was changed")
    command.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Write the folder of the export, and print what it holds."""
    from alcd_otb.export.job import ExportOptions, export
    from alcd_otb.export.publication import Publication

    publication = Publication(
        title=options.title,
        description=options.description,
        licence=options.licence,
        citation=options.citation,
        doi=options.doi,
        provider=options.provider,
        cloud=tuple(options.cloud or ()),
    )
    asked = ExportOptions(options.layout, publication, options.iteration, options.acquired, options.replace)
    result = export(options.source, options.output, asked, settings_of(options))
    print_result(result, options)
    return 0
