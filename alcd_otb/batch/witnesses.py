"""Notice that a scene has changed since it was done, without reading its products.

A witness is cheap to check: sizes and times of files. Whether a changed scene needs another iteration is
decided by content, by the run itself.
"""

import os
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from alcd_otb.settings.scene_file import SceneConfig, SceneFile, files_of, load_scene
from alcd_otb.settings.strict_model import read_json, validated
from alcd_otb.settings.template import find_template

Witness = tuple[str, int, int]
"""A path, its size in bytes, and its time in nanoseconds; both -1 where there is no such file."""


def witnesses_of(scene: Path, template: str | None) -> list[Witness]:
    """Describe the files that the map of a scene depends on: scene file, template, samples, products.

    Parameters
    ----------
    scene
        The scene file.
    template
        The template instead of the scene's, or None.

    Raises
    ------
    ConfigurationError
        The scene or its template is wrong.
    """
    config = load_scene(scene, template)
    if template is None:
        named = validated(SceneFile, read_json(scene), str(scene)).template
        template_file = find_template(named, scene.resolve().parent, f"{scene}: ")
    else:
        template_file = find_template(template, Path.cwd(), "")
    samples = sorted(config.samples.iterdir()) if config.samples.is_dir() else [config.samples]
    return [seen(path) for path in (scene.resolve(), template_file.resolve(), *samples, *_products(config))]


def seen(path: Path) -> Witness:
    """Describe a file or a folder as it is now."""
    return (str(path), *_look(str(path)))


def changed(witnesses: Sequence[Sequence[Any]], known: dict[str, tuple[int, int]]) -> str | None:
    """Return the first path that differs from its witness, or None.

    Parameters
    ----------
    witnesses
        The paths with their sizes and times.
    known
        What was looked up already, by path: many scenes share a template.
    """
    for path, size, time in witnesses:
        found = known.get(path)
        if found is None:
            found = known[path] = _look(path)
        if found != (size, time):
            return str(path)
    return None


def made_by(template: str | None) -> list[str | None]:
    """Return what a map depends on beside files: the version of this package, and the template in the scene's place."""
    return [version("alcd-otb"), template]


def _look(path: str) -> tuple[int, int]:
    try:
        state = os.stat(path)
    except OSError:
        return -1, -1
    return state.st_size, state.st_mtime_ns


def _products(config: SceneConfig) -> list[Path]:
    dates = [config.stack] if config.stack is not None else [config.cloudy]
    return [path for date in (*dates, *config.clear) if date is not None for path in files_of(date)] + (
        [config.dem] if config.dem is not None else []
    )
