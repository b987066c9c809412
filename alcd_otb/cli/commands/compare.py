"""The sub-command ``compare``: compare processors' masks with reference masks."""

import argparse
from pathlib import Path

from alcd_otb.cli.shared_options import SubCommands, metres, print_result, settings_of


def add_to(subcommands: SubCommands, common: argparse.ArgumentParser) -> None:
    """Add the sub-command with its options."""
    command = subcommands.add_parser(
        "compare", parents=[common], help="compare masks of processors with reference masks"
    )
    command.add_argument("reference", metavar="REFERENCE", help="a reference mask, or a folder of them")
    command.add_argument(
        "product", metavar="PRODUCT", nargs="+", help="products or folders of them; LABEL=PATH names the processor"
    )
    command.add_argument(
        "--protocol", default="alcd2019", metavar="NAME", help="alcd2019, cmix2022 or a JSON file (default: alcd2019)"
    )
    command.add_argument(
        "--dilate",
        type=metres,
        metavar="M",
        help="dilations in metres, instead of those of the protocol: 0:300:60 or 0,180",
    )
    command.add_argument(
        "--fmask",
        choices=("gersl", "python-fmask"),
        help="program that wrote the Fmask masks, if the masks do not show it",
    )
    command.add_argument(
        "-o", "--output", type=Path, default=Path("comparison"), metavar="OUT", help="folder of the results"
    )
    command.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Compare the masks, write the folder of results, and print the table of processors."""
    from alcd_otb.compare.job import compare
    from alcd_otb.compare.protocol import load_protocol
    from alcd_otb.errors import ProductError

    protocol = load_protocol(options.protocol)
    if options.dilate is not None:
        protocol = protocol.dilated_by(options.dilate)
    result = compare(
        [options.reference], options.product, protocol, options.output, settings_of(options), options.fmask
    )
    print_result(result, options)
    return ProductError.exit_code if result.failures else 0
