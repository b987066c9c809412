"""The sub-command ``label``: open a page to label a scene in."""

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from alcd_otb.cli.shared_options import SubCommands, not_negative, settings_of

if TYPE_CHECKING:
    from alcd_otb.label.job import Address

_PORT = 8765


def add_to(subcommands: SubCommands, common: argparse.ArgumentParser) -> None:
    """Add the sub-command with its options."""
    command = subcommands.add_parser("label", parents=[common], help="label a scene in a browser, with a live map")
    command.add_argument("scene", type=Path, help="scene.json")
    command.add_argument(
        "--port",
        type=not_negative,
        default=_PORT,
        metavar="N",
        help=f"port on 127.0.0.1 (default: {_PORT}); 0: any free port",
    )
    command.add_argument("--no-browser", action="store_true", help="only print the address")
    command.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Serve the page until a signal ends it."""
    from alcd_otb.label.job import serve
    from alcd_otb.scene import Scene

    def announce(address: "Address") -> None:
        if options.json:
            print(json.dumps({"url": address.url, "port": address.port, "pid": os.getpid()}), flush=True)
        else:
            print(f"open {address.url}", flush=True)
            print(f"from another computer, run this first: {address.tunnel}", flush=True)
            print("Ctrl+C ends the page; no label is lost.", flush=True)

    scene = Scene.open(options.scene, settings_of(options))
    serve(scene, options.scene.absolute(), options.port, announce, browser=not options.no_browser and not options.json)
    return 0
