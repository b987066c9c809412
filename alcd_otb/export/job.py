"""Export finished scenes to a folder that appears when it is complete."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from alcd_otb.errors import ConfigurationError, ProductError
from alcd_otb.export import cog, stac, zenodo
from alcd_otb.export.mapped import MappedScene, open_mapped
from alcd_otb.export.overview import draw_overview
from alcd_otb.export.publication import Publication, ReportShare, software
from alcd_otb.export.readme import readme
from alcd_otb.export.stac_collection import write_index
from alcd_otb.export.target import FORMAT, MANIFEST, check_target, unfinished
from alcd_otb.files.delivery import files_below, write_checksums
from alcd_otb.files.folders import put_in_place
from alcd_otb.files.names import is_file_name
from alcd_otb.files.writing import write_json, write_text, writing_to
from otb_pipelines.process import bounded_cache
from otb_pipelines.settings import Settings


@dataclass(frozen=True)
class Layout:
    """A layout of exports.

    Attributes
    ----------
    folder_name
        Names the folder of a scene.
    write_scene
        Fills the folder of a scene.
    contents
        (file, description) of a scene's folder.
    """

    folder_name: Callable[[MappedScene], str]
    write_scene: Callable[[MappedScene, Path, Publication, ReportShare], None]
    contents: tuple[tuple[str, str], ...]


LAYOUTS = {
    "zenodo": Layout(zenodo.folder_name, zenodo.write_scene, zenodo.CONTENTS),
    "stac": Layout(stac.folder_name, stac.write_scene, stac.CONTENTS),
    "cog": Layout(cog.folder_name, cog.write_scene, cog.CONTENTS),
}


@dataclass(frozen=True)
class Exported:
    """An export that was written.

    Attributes
    ----------
    folder
        The folder of the export.
    layout
        Name of its layout.
    scenes
        The scenes by the names of their folders.
    files
        Number of files.
    size
        Bytes of all files.
    """

    folder: Path
    layout: str
    scenes: dict[str, MappedScene]
    files: int
    size: int

    def as_json(self) -> dict[str, Any]:
        """Return the export as ``export --json`` prints it."""
        return {
            "export": str(self.folder),
            "layout": self.layout,
            "scenes": [_entry(folder, scene) for folder, scene in self.scenes.items()],
            "files": self.files,
            "bytes": self.size,
        }

    def summary(self) -> str:
        """Describe the export for a terminal: its size, and the scene and iteration in each folder."""
        count = f"{len(self.scenes)} scene{'s' if len(self.scenes) > 1 else ''}"
        lines = [f"{self.folder}: {count}, layout {self.layout}, {self.files} files, {self.size / 1e6:.1f} MB"]
        lines += [f"  {folder}: {scene.name}, iteration {scene.number}" for folder, scene in self.scenes.items()]
        return "\n".join(lines)


@dataclass(frozen=True)
class ExportOptions:
    """What to export, and how.

    Attributes
    ----------
    layout
        Name of a layout in LAYOUTS.
    publication
        The publisher's information on the data set.
    iteration
        Number of the iteration, for a single source; None for the latest.
    acquired
        Time of the acquisition in UTC, for a single source made from a raster that does not have it.
    replace
        Whether any earlier export in the target's place is replaced, whatever it holds by now.
    """

    layout: str
    publication: Publication
    iteration: int | None = None
    acquired: datetime | None = None
    replace: bool = False


def export(sources: Sequence[Path], target: Path, options: ExportOptions, settings: Settings) -> Exported:
    """Write scenes to a folder.

    The same iterations give the same bytes, in whichever order they are named.

    Parameters
    ----------
    sources
        scene.json files, workspaces, or iterations of workspaces.
    target
        The folder to write. An earlier export of the same layout is replaced if it was not changed since.
    options
        What to write, and in which layout.
    settings
        Memory and progress.

    Raises
    ------
    ConfigurationError
        If a source has no map, two sources are of one acquisition, or the target may not be replaced.
    ProductError
        If an iteration is damaged.
    ProcessingError
        If the export cannot be written.
    WorkspaceLockedError
        If another process writes to the target.
    """
    options.publication.check()
    layout = LAYOUTS[options.layout]
    scenes = _placed(_open_all(sources, options), layout)
    check_target(target, options.layout, [scene.workspace.folder for scene in scenes.values()], options.replace)
    with bounded_cache(settings.ram), writing_to(target.absolute().parent), unfinished(target) as folder:
        for number, (name, scene) in enumerate(scenes.items()):

            def report_share(share: float, number: int = number) -> None:
                if settings.progress is not None:
                    settings.progress("exporting", (number + share) / len(scenes))

            (folder / name).mkdir()
            layout.write_scene(scene, folder / name, options.publication, report_share)
            report_share(1)
        _describe(scenes, folder, options)
        files = files_below(folder)
        size = sum(file.stat().st_size for file in files)
        put_in_place(folder, target)
    return Exported(target, options.layout, scenes, len(files), size)


def _open_all(sources: Sequence[Path], options: ExportOptions) -> list[MappedScene]:
    if len(sources) > 1 and options.iteration is not None:
        raise ConfigurationError(
            "--iteration applies to one scene; for several, name the iterations' folders instead, such as "
            "work/iterations/002"
        )
    if len(sources) > 1 and options.acquired is not None:
        raise ConfigurationError("--acquired applies to one scene; export scenes whose products lack it one by one")
    return [dataclasses.replace(open_mapped(source, options.iteration), stated=options.acquired) for source in sources]


def _describe(scenes: dict[str, MappedScene], folder: Path, options: ExportOptions) -> None:
    """Write the files that describe the whole data set."""
    in_order, names = tuple(scenes.values()), tuple(scenes)
    draw_overview(in_order, folder / "overview.png")
    contents = LAYOUTS[options.layout].contents
    write_text(folder / "README.md", readme(in_order, names, contents, options.publication))
    if options.layout == "stac":
        write_index(in_order, names, folder, options.publication)
    write_json(folder / MANIFEST, _manifest(scenes, options))
    write_checksums(folder)


def _placed(scenes: Sequence[MappedScene], layout: Layout) -> dict[str, MappedScene]:
    """Return the scenes by their folders, in the folders' order."""
    names = [layout.folder_name(scene) for scene in scenes]
    times_used = Counter(names)
    # A product from before December 2016 holds many tiles.
    named = [
        f"{name}_T{scene.tile}" if times_used[name] > 1 and scene.tile and scene.tile not in name else name
        for name, scene in zip(names, scenes, strict=True)
    ]
    placed: dict[str, MappedScene] = {}
    for name, scene in sorted(zip(named, scenes, strict=True), key=lambda pair: pair[0]):
        if not is_file_name(name):
            raise ProductError(
                f"{scene.folder / 'config.json'}: {name!r} cannot be the name of a folder; give the product its own "
                "name again, and run the scene again"
            )
        if name in placed:
            raise ConfigurationError(
                f"{scene.workspace.folder}: is of the same acquisition as {placed[name].workspace.folder} ({name}); "
                "export them separately"
            )
        placed[name] = scene
    return placed


def _manifest(scenes: dict[str, MappedScene], options: ExportOptions) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "layout": options.layout,
        **options.publication.as_json(tuple(scenes.values())),
        "software": software(),
        "scenes": [_entry(folder, scene) for folder, scene in scenes.items()],
    }


def _entry(folder: str, scene: MappedScene) -> dict[str, Any]:
    estimate = scene.estimate
    return {
        "folder": folder,
        "name": scene.name,
        "tile": scene.tile,
        "acquired": scene.acquired.isoformat() if scene.acquired else None,
        "product": scene.product.get("name"),
        "iteration": scene.number,
        "pixels": {legend_class.name: scene.counts[legend_class.code] for legend_class in scene.legend.classes},
        "overall_accuracy": estimate["overall_accuracy"] if estimate else None,
    }
