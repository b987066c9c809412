"""The sub-command ``quicklooks``: make a contact sheet of a tile's dates."""

import argparse
import json
from pathlib import Path

from alcd_otb.cli.shared_options import SubCommands, settings_of


def add_to(subcommands: SubCommands, common: argparse.ArgumentParser) -> None:
    """Add the sub-command with its options."""
    command = subcommands.add_parser("quicklooks", parents=[common], help="make a contact sheet of the dates of a tile")
    command.add_argument("folder", type=Path, help="folder with L1C products, in any layout, at any depth")
    command.add_argument("--tile", required=True, help="tile, such as 31TFJ")
    command.add_argument(
        "--at",
        type=_place,
        metavar="LON,LAT",
        help="centre of the 256 x 256 pixels to draw, the same for all dates",
    )
    command.add_argument("-o", "--output", type=Path, metavar="FILE", help="file of the sheet: .html or .png")
    command.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Find the dates of a tile in a folder, and write the sheet."""
    from alcd_otb.pictures.place import Place
    from alcd_otb.pictures.quicklooks import find_dates
    from alcd_otb.report.sheet import check_sheet, write_sheet

    place = Place(*options.at) if options.at else None
    output = options.output or Path(f"quicklooks_{options.tile.upper().removeprefix('T')}.html")
    check_sheet(output)
    dates = find_dates(options.folder, options.tile, settings_of(options).progress, place)
    write_sheet(output, dates)
    if options.json:
        listed = [date.as_json() for date in dates.dates]
        print(json.dumps({"sheet": str(output), "tile": dates.tile, "dates": listed}))
    else:
        print(f"{output}: {dates.summary()}")
    return 0


def _place(text: str) -> tuple[float, float]:
    """Read longitude and latitude in degrees."""
    try:
        longitude, latitude = (float(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a longitude and a latitude such as 4.63,43.68") from error
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
        raise argparse.ArgumentTypeError(f"{text!r} is not on the Earth: longitude first, then latitude, in degrees")
    return longitude, latitude
