"""Make a scene from a work folder of the original ALCD: the same points, classes, features, settings and products."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alcd_otb.errors import ConfigurationError
from alcd_otb.files.folders import remove_abandoned, scratch_folder
from alcd_otb.files.writing import write_json, writing_to
from alcd_otb.original_alcd.folder import NO_DATA_LAYER, AlcdFolder, masks_of, read_folder, shapefiles
from alcd_otb.original_alcd.points import count, read_points, spatial_reference, with_iterations
from alcd_otb.original_alcd.products import find_dem, find_inputs
from alcd_otb.original_alcd.settings import ORIGINAL, settings_of, shapefiles_by_code
from alcd_otb.original_alcd.translation import Translated
from alcd_otb.samples.sample import Sample
from alcd_otb.samples.writing import write_sample_layers
from alcd_otb.settings.band_names import CLEAR, TERRAIN
from alcd_otb.settings.features import names_used
from alcd_otb.settings.legend import Legend
from alcd_otb.settings.scene_file import load_scene
from alcd_otb.settings.strict_model import validated
from alcd_otb.settings.template import Template, load_template, template_names
from alcd_otb.workspace import Workspace
from otb_pipelines.process import osr

log = logging.getLogger(__name__)

PREVIOUS = "previous_iterations"
"""Folder, beside scene.json, of the samples of the iterations that the original saved."""


@dataclass(frozen=True)
class ImportResult:
    """The scene that an import has made.

    Attributes
    ----------
    scene
        Path of ``scene.json``.
    samples_file
        File of the samples.
    samples
        Number of samples by class.
    previous
        Files of the samples of the saved iterations.
    missing
        Keys of ``scene.json`` that name products which do not exist.
    notes
        What could not be imported, one line each.
    """

    scene: Path
    samples_file: Path
    samples: dict[str, int]
    previous: tuple[Path, ...]
    missing: tuple[str, ...]
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return what ``import-alcd --json`` prints."""
        return {
            "scene": str(self.scene),
            "samples_file": str(self.samples_file),
            "samples": self.samples,
            "previous": [str(path) for path in self.previous],
            "missing": list(self.missing),
            "notes": list(self.notes),
        }

    def summary(self) -> str:
        """Return what ``import-alcd`` prints."""
        counts = ", ".join(f"{count} {name}" for name, count in self.samples.items())
        lines = [f"{self.samples_file}: {sum(self.samples.values())} samples" + (f": {counts}" if counts else "")]
        if self.previous:
            lines.append(f"{self.previous[0].parent}: the samples of {len(self.previous)} earlier iterations")
        what = "correct it, then run" if self.missing else "run"
        return "\n".join([*lines, f"{self.scene}: {what}: python -m alcd_otb run {self.scene}"])


def import_folder(
    source: Path, target: Path, parameters: Sequence[Path], template: str, chosen: Mapping[str, Path | None]
) -> ImportResult:
    """Make a scene in a new folder, and log a warning for all that cannot be imported.

    If an error is raised, nothing is made.

    Parameters
    ----------
    source
        Work folder of the original.
    target
        Folder of the scene, which must not exist or be empty.
    parameters
        The original's JSON files, or folders of them, if they lie neither in the work folder nor beside it.
    template
        Name or path of the template.
    chosen
        Paths for ``cloudy``, ``clear`` and ``dem``, or None if those in the original's JSON files are still right.

    Raises
    ------
    ConfigurationError
        If the folder is not a work folder, a JSON file cannot be read, a parameter is wrong, a path does not exist, or
        the target exists.
    SampleError
        If a shapefile cannot be read.
    """
    _check(source, target, parameters, chosen)
    folder = read_folder(source, parameters)
    base = load_template(template)
    dem = chosen["dem"] or find_dem(folder)
    changes, not_translated = settings_of(folder, base, template == ORIGINAL, dem is not None)
    lists: dict[str, Any] = {key: changes[key] for key in ("classes", "features") if key in changes}
    used = validated(Template, {**base.model_dump(mode="json"), **lists}, str(folder.parameters.file))
    names = {name for feature in used.features for name in names_used(feature)}
    needs_clear = any(name.startswith(CLEAR) for name in names)
    inputs = find_inputs(folder, needs_clear, {**chosen, "dem": dem if names & {*TERRAIN} else chosen["dem"]})
    points, not_read = _read_points(folder, used.legend)
    scene = {
        "name": folder.name,
        **inputs.keys,
        "template": template if template in template_names() else str(Path(template).resolve()),
        **({"set": changes} if changes else {}),
    }
    with writing_to(target.parent):
        _write(target, scene, used.legend, points)
    notes = (*folder.doubts, *not_translated, *inputs.notes, *not_read)
    for note in notes:
        log.warning("%s", note)
    counts = Counter(sample.code for sample in points.samples)
    return ImportResult(
        scene=target / "scene.json",
        samples_file=Workspace(target / folder.name).samples,
        samples={entry.name: counts[entry.code] for entry in used.legend.classes if counts[entry.code]},
        previous=tuple(target / PREVIOUS / name for name in points.previous),
        missing=tuple(inputs.missing),
        notes=notes,
    )


def _check(source: Path, target: Path, parameters: Sequence[Path], chosen: Mapping[str, Path | None]) -> None:
    """Raise ConfigurationError if a path does not exist, or the target does."""
    if not source.is_dir():
        raise ConfigurationError(f"{source}: is not a folder; give a work folder of the original ALCD")
    # An import that was killed after its last step is complete, but for its folder of unfinished files.
    with writing_to(target.parent):
        remove_abandoned(target.parent)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ConfigurationError(f"{target}: exists already, and is not overwritten; name a new folder")
    for name, path in (*chosen.items(), *(("parameters", path) for path in parameters)):
        if path is not None and not path.exists():
            raise ConfigurationError(f"--{name} {path}: does not exist")


@dataclass(frozen=True)
class _Points:
    """The samples of a work folder.

    Attributes
    ----------
    reference
        CRS of all samples.
    samples
        Samples of the last iteration.
    previous
        Samples of the saved iterations, by the name of the file to write them to.
    """

    reference: osr.SpatialReference
    samples: list[Sample]
    previous: dict[str, list[Sample]]


def _read_points(folder: AlcdFolder, legend: Legend) -> Translated[_Points]:
    """Read the samples, in the CRS of the first shapefile that has points."""
    files, notes = shapefiles_by_code(folder, folder.masks, legend)
    if not files:
        raise ConfigurationError(f"{folder.path}: no shapefile is named after a class: {', '.join(legend.names)}")
    reference = spatial_reference(list(files.values()))
    samples, left_out = read_points(files, reference)
    previous = {}
    for saved in folder.previous:
        saved_files, _ = shapefiles_by_code(folder, shapefiles(masks_of(saved)), legend)
        previous[f"{saved.name}.gpkg"] = read_points(saved_files, reference).value
    no_data = folder.masks.get(NO_DATA_LAYER)
    if no_data is not None and count(no_data):
        left_out.append(f"{no_data}: is not used; pixels without data are found in each band")
    points = _Points(reference, with_iterations(samples, list(previous.values())), previous)
    return Translated(points, [*notes, *left_out])


def _write(target: Path, scene: dict[str, Any], legend: Legend, points: _Points) -> None:
    """Write the scene under a temporary name beside its place, and rename it when it is complete."""
    target = target.absolute()
    target.parent.mkdir(parents=True, exist_ok=True)
    with scratch_folder(target.parent) as scratch:
        made = scratch / "scene"
        workspace = Workspace(made / scene["name"])
        workspace.folder.mkdir(parents=True)
        write_sample_layers(workspace.samples, points.samples, legend, points.reference)
        for name, samples in points.previous.items():
            (made / PREVIOUS).mkdir(exist_ok=True)
            write_sample_layers(made / PREVIOUS / name, samples, legend, points.reference)
        write_json(made / "scene.json", scene)
        load_scene(made / "scene.json")
        # An empty folder may be in its place, and nothing else.
        made.rename(target)
