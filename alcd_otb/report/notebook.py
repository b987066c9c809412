"""A scene and what a run made, as notebooks show them."""

from alcd_otb.iterations.history import read_history
from alcd_otb.pages.html import data_uri, render
from alcd_otb.report.pictures import ReportPicture, report_pictures
from alcd_otb.settings.legend import Legend
from alcd_otb.settings.scene_file import SceneConfig
from alcd_otb.workspace import Workspace


def scene_html(config: SceneConfig, workspace: Workspace) -> str:
    """A scene's name, inputs, classes and iterations, with the last map or, before there is one, the image."""
    finished = workspace.iterations()
    legend = config.template.legend
    classified = (config.cloudy or config.stack or workspace.folder).name
    return render(
        "notebook.html",
        title=config.name,
        facts={
            "classified": classified,
            "workspace": workspace.folder,
            "samples": config.samples,
        },
        classes=legend.classes,
        iterations=read_history(workspace),
        pictures=_pictures(workspace, int(finished[-1].name) if finished else None, legend),
    )


def result_html(workspace: Workspace, iteration: int | None, legend: Legend) -> str:
    """Where the files of a run lie, how well they agree with the samples kept out of training, and the map.

    iteration: its number; None: the scene is prepared, and there were no samples.
    """
    facts = {"workspace": workspace.folder, "project": workspace.project}
    if iteration is not None:
        folder = workspace.iteration(iteration)
        facts |= {"labels": folder / "labels.tif", "report": folder / "report.html"}
    return render(
        "notebook.html",
        title="Prepared" if iteration is None else f"Iteration {iteration}",
        facts=facts,
        classes=(),
        iterations=[one for one in read_history(workspace) if one.number == iteration],
        pictures=_pictures(workspace, iteration, legend),
    )


def _pictures(workspace: Workspace, iteration: int | None, legend: Legend) -> list[ReportPicture]:
    """The outlines over the image and the map; before there is a map, the image, if it is drawn."""
    if iteration is not None:
        pictures = report_pictures(workspace.preview, workspace.iteration(iteration), legend)
        return [one for one in pictures if one.name in ("contours", "classes")]
    if workspace.preview.is_file():
        return [ReportPicture("image", "Image", data_uri(workspace.preview.read_bytes(), "JPEG"))]
    return []
