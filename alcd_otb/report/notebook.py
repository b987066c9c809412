"""A scene and what a run made, as notebooks show them."""

import io
from pathlib import Path

from PIL import Image

from alcd_otb.config import SceneConfig
from alcd_otb.history import read_history
from alcd_otb.report.html import data_uri, render
from alcd_otb.workspace import Workspace

_WIDTH = 520
"""Pixels of a picture, of which two stand side by side."""


def scene_html(config: SceneConfig, workspace: Workspace) -> str:
    """A scene's name, inputs, classes and iterations, with the last map or, before there is one, the image."""
    finished = workspace.iterations()
    pictures = _of_iteration(finished[-1]) if finished else [workspace.quicklook]
    return render(
        "notebook.html",
        title=config.name,
        facts={"workspace": workspace.folder, "classified": config.cloudy.name, "samples": config.samples},
        classes=config.template.legend.classes,
        iterations=read_history(workspace),
        pictures=_shrunk(pictures),
    )


def result_html(workspace: Workspace, iteration: int | None) -> str:
    """Where the files of a run lie, how well they agree with the samples kept out of training, and the map.

    iteration: its number; None: the scene is prepared, and there were no samples.
    """
    facts = {"workspace": workspace.folder, "project": workspace.project}
    if iteration is None:
        title, pictures = "Prepared", [workspace.quicklook]
    else:
        folder = workspace.iteration(iteration)
        title, pictures = f"Iteration {iteration}", _of_iteration(folder)
        facts |= {"labels": folder / "labels.tif", "report": folder / "report.html"}
    iterations = [one for one in read_history(workspace) if one.number == iteration]
    return render(
        "notebook.html", title=title, facts=facts, classes=(), iterations=iterations, pictures=_shrunk(pictures)
    )


def _of_iteration(folder: Path) -> list[Path]:
    return [folder / "contours.png", folder / "classes.png"]


def _shrunk(files: list[Path]) -> dict[str, str]:
    """The pictures that there are, as addresses that hold them, by the name of the file."""
    pictures = {}
    for file in files:
        if file.is_file():
            image = Image.open(file).convert("RGB")
            content = io.BytesIO()
            image.resize((_WIDTH, round(image.height * _WIDTH / image.width)), Image.Resampling.LANCZOS).save(
                content, "JPEG", quality=85
            )
            pictures[file.stem] = data_uri(content.getvalue(), "JPEG")
    return pictures
