"""The sub-command ``qgis-plugin``: unpack the plug-in with which a scene is labelled and run in QGIS."""

import argparse
import json
from pathlib import Path

from alcd_otb.cli.shared_options import SubCommands


def add_to(subcommands: SubCommands, common: argparse.ArgumentParser) -> None:
    """Add the sub-command with its options."""
    command = subcommands.add_parser("qgis-plugin", parents=[common], help="unpack the plug-in for QGIS")
    command.add_argument("folder", type=Path, help="folder of plug-ins of a QGIS profile, or a .zip to pack it into")
    command.set_defaults(command=run, loads_gdal=False)


def run(options: argparse.Namespace) -> int:
    """Unpack or pack the plug-in, and print where it is."""
    from alcd_otb.qgis.plugin_files import NAME, pack_plugin, unpack_plugin

    if options.folder.suffix.lower() == ".zip":
        pack_plugin(options.folder)
        written, then = options.folder, "In QGIS: Plugins > Manage and Install Plugins > Install from ZIP."
    else:
        written = unpack_plugin(options.folder)
        then = f"Start QGIS again, then tick {NAME.replace('_loop', ' loop')}: Plugins > Manage and Install Plugins."
    if options.json:
        print(json.dumps({"plugin": str(written)}))
    else:
        print(written)
        print(then)
    return 0
