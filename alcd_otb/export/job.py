"""Export of one or several finished scenes into a folder that appears when it is whole."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from alcd_otb.errors import ConfigurationError
from alcd_otb.export import cog, stac, zenodo
from alcd_otb.export.mapped import MappedScene, open_mapped
from alcd_otb.export.overview import draw_overview
from alcd_otb.export.publication import Publication, ReportShare, files_below, software, write_checksums
from alcd_otb.export.readme import readme
from alcd_otb.export.stac_collection import write_index
from alcd_otb.export.target import FORMAT, MANIFEST, check_target, put_in_place, unfinished
from alcd_otb.workspace import write_json, write_text, writing_to
from otb_pipelines.process import bounded_cache
from otb_pipelines.settings import Settings


@dataclass(frozen=True)
class Layout:
    """folder_name: of a scene in the export. write_scene: fills that folder. contents: (file, what it is) of it."""

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
    """What was written. scenes: by the folders that hold them. size: bytes of all files."""

    folder: Path
    layout: str
    scenes: dict[str, MappedScene]
    files: int
    size: int

    def as_json(self) -> dict[str, Any]:
        return {
            "export": str(self.folder),
            "layout": self.layout,
            "scenes": [_entry(folder, scene) for folder, scene in self.scenes.items()],
            "files": self.files,
            "bytes": self.size,
        }

    def summary(self) -> str:
        count = f"{len(self.scenes)} scene{'s' if len(self.scenes) > 1 else ''}"
        lines = [f"{self.folder}: {count}, layout {self.layout}, {self.files} files, {self.size / 1e6:.1f} MB"]
        lines += [f"  {folder}: {scene.name}, iteration {scene.number}" for folder, scene in self.scenes.items()]
        return "\n".join(lines)


def export(
    sources: Sequence[Path],
    target: Path,
    layout: str,
    publication: Publication,
    settings: Settings,
    iteration: int | None = None,
    acquired: datetime | None = None,
    replace: bool = False,
) -> Exported:
    """Write the scenes into a folder. The same iterations give the same bytes, in whichever order they are named.

    sources: scene.json files, workspaces, or iterations of such. iteration: instead of the latest, of a single source.
    acquired: UTC, of a single source made from a raster that does not tell it.
    replace: an earlier export in the target's place, whatever it holds by now; else one of the same layout is
    replaced if it is as it was written, and anything else refused.

    Raises ConfigurationError where a source has no map, two are of one acquisition, or the target may not be replaced;
    ProductError where an iteration is damaged; ProcessingError where the export cannot be written.
    """
    publication.check()
    if len(sources) > 1 and iteration is not None:
        raise ConfigurationError(
            "--iteration is of one scene; of several, name the iterations' folders instead, such as work/iterations/002"
        )
    if len(sources) > 1 and acquired is not None:
        raise ConfigurationError("--acquired is of one scene; export the scenes whose products do not tell it apart")
    kind = LAYOUTS[layout]
    opened = [dataclasses.replace(open_mapped(source, iteration), stated=acquired) for source in sources]
    scenes = _placed(opened, kind)
    check_target(target, layout, [scene.workspace.folder for scene in scenes.values()], replace)
    with bounded_cache(settings.ram), writing_to(target.absolute().parent), unfinished(target) as folder:
        for number, (name, scene) in enumerate(scenes.items()):

            def told(share: float, number: int = number) -> None:
                if settings.progress is not None:
                    settings.progress("exporting", (number + share) / len(scenes))

            (folder / name).mkdir()
            kind.write_scene(scene, folder / name, publication, told)
            told(1)
        in_order = tuple(scenes.values())
        draw_overview(in_order, folder / "overview.png")
        write_text(folder / "README.md", readme(in_order, tuple(scenes), kind.contents, publication))
        if layout == "stac":
            write_index(in_order, tuple(scenes), folder, publication)
        write_json(folder / MANIFEST, _manifest(scenes, layout, publication))
        write_checksums(folder)
        files = files_below(folder)
        size = sum(file.stat().st_size for file in files)
        put_in_place(folder, target)
    return Exported(target, layout, scenes, len(files), size)


def _placed(scenes: Sequence[MappedScene], layout: Layout) -> dict[str, MappedScene]:
    """The scenes by their folders, in the folders' order."""
    names = [layout.folder_name(scene) for scene in scenes]
    often = Counter(names)
    # A product of before December 2016 holds many tiles.
    named = [
        f"{name}_T{scene.tile}" if often[name] > 1 and scene.tile and scene.tile not in name else name
        for name, scene in zip(names, scenes, strict=True)
    ]
    placed: dict[str, MappedScene] = {}
    for name, scene in sorted(zip(named, scenes, strict=True), key=lambda pair: pair[0]):
        if name in placed:
            raise ConfigurationError(
                f"{scene.workspace.folder}: is of the same acquisition as {placed[name].workspace.folder} ({name}); "
                "export them apart"
            )
        placed[name] = scene
    return placed


def _manifest(scenes: dict[str, MappedScene], layout: str, publication: Publication) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "layout": layout,
        **publication.as_json(tuple(scenes.values())),
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
        "pixels": {one.name: scene.counts[one.code] for one in scene.legend.classes},
        "overall_accuracy": estimate["overall_accuracy"] if estimate else None,
    }
