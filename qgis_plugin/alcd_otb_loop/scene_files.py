"""Read the files that the program has written into a workspace: the settings, and the record of each iteration."""

import json
from pathlib import Path
from typing import NamedTuple

OWN = "alcd_otb_"
"""Prefix of the identifiers of the project's own layers."""


class SceneClass(NamedTuple):
    """A class of the scene's template."""

    code: int
    name: str
    colour: str

    @property
    def title(self):
        """The name for people."""
        return self.name.replace("_", " ")


class IterationRecord(NamedTuple):
    """The figures of a finished iteration. Unknown values are None.

    ``agreement`` is the share of kept-out samples that the map agrees with, ``changed`` the share of the map that is
    another than in the iteration before, both 0 to 1.
    """

    number: int
    points: int
    agreement: "float | None"
    changed: "float | None"
    stopping: str
    warnings: "tuple[str, ...]"
    report: Path


class SceneFiles:
    """The workspace of a scene, whose project QGIS has open.

    Parameters
    ----------
    folder
        The workspace.

    Raises
    ------
    ValueError, KeyError, OSError
        The folder holds no settings, or they cannot be read.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        config = json.loads((self.folder / "config.json").read_text("utf-8"))
        template = config["scene"]["template"]
        self.name = config["scene"]["name"]
        self.version = config["versions"]["alcd_otb"]
        self.samples = Path(config["scene"]["samples"])
        self.classes = tuple(SceneClass(each["code"], each["name"], each["colour"]) for each in template["classes"])
        self.growth = float(template["samples"]["growth"])
        grid = config["grid"]
        self.crs = grid["crs"]
        self.resolution = abs(float(grid["transform"][1]))
        self.origin = float(grid["transform"][0]), float(grid["transform"][3])
        self.size = grid["width"] * self.resolution, grid["height"] * self.resolution
        named = config.get("scene_file")
        self.scene_file = (self.folder / named).resolve() if named else None

    @property
    def project(self):
        """The QGIS project."""
        return self.folder / "project.qgz"

    def class_of(self, value):
        """Return the class with a code or a name, given as a number or as text; None if there is none."""
        for each in self.classes:
            if value in (each.code, each.name) or str(value) == str(each.code):
                return each
        return None

    def copy_before(self, number):
        """Return the newest copy of the samples that a return to an earlier iteration has kept; None if there is none.

        Parameters
        ----------
        number
            The iteration that the return has made.
        """
        name = f"{self.samples.stem}_before_iteration_{number:03d}*.gpkg"
        return max(self.samples.parent.glob(name), key=lambda path: path.stat().st_mtime, default=None)

    def iterations(self):
        """Return the records of the finished iterations, the newest first."""
        folders = (self.folder / "iterations").glob("[0-9]*")
        finished = sorted((path for path in folders if path.name.isdigit()), key=lambda path: int(path.name))
        return [record for record in map(_record, reversed(finished)) if record is not None]


def _record(folder):
    """Read what an iteration recorded. None if that cannot be read."""
    try:
        metrics = json.loads((folder / "metrics.json").read_text("utf-8"))
        changes = metrics.get("changes") or {}
        pixels = changes.get("pixels")
        return IterationRecord(
            number=int(folder.name),
            points=sum((metrics.get("samples") or {}).values()),
            agreement=metrics.get("overall_accuracy"),
            changed=changes["changed"] / pixels if pixels else None,
            stopping=(metrics.get("stopping") or {}).get("text") or "",
            warnings=tuple(metrics.get("warnings") or ()),
            report=folder / "report.html",
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def workspace_of(scene_file):
    """Return the workspace of a scene.json: the folder that it names, else one of the scene's name.

    Raises
    ------
    ValueError, OSError
        The file cannot be read, or is not of a scene.
    """
    scene_file = Path(scene_file)
    content = json.loads(scene_file.read_text("utf-8"))
    if not isinstance(content, dict):
        raise ValueError("it holds no JSON object")
    return scene_file.resolve().parent / (content.get("workspace") or content.get("name") or scene_file.stem)
