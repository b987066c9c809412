"""Show a scene and the result of a run in notebooks."""

from alcd_otb.iterations.history import read_history
from alcd_otb.pages.html import data_uri, render
from alcd_otb.report.pictures import ReportPicture, report_pictures
from alcd_otb.settings.legend import Legend
from alcd_otb.settings.scene_file import SceneConfig, files_of
from alcd_otb.workspace import Workspace


def scene_html(config: SceneConfig, workspace: Workspace) -> str:
    """Describe a scene: its name, inputs, classes and iterations, with the last map.

    Parameters
    ----------
    config
        Settings of the scene.
    workspace
        The workspace of the scene. Before there is a map, its image is shown.

    Returns
    -------
    str
        HTML.
    """
    finished = workspace.iterations()
    legend = config.template.legend
    classified = " + ".join(path.name for path in files_of(config.cloudy or config.stack or workspace.folder))
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
    """Describe a run: where its files lie, how well they agree with the samples, and the map.

    Parameters
    ----------
    workspace
        The workspace of the scene.
    iteration
        Number of the iteration; None if the scene was prepared and there were no samples.
    legend
        Classes of the map.

    Returns
    -------
    str
        HTML.
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
        iterations=[finished for finished in read_history(workspace) if finished.number == iteration],
        pictures=_pictures(workspace, iteration, legend),
    )


def _pictures(workspace: Workspace, iteration: int | None, legend: Legend) -> list[ReportPicture]:
    """Draw the outlines over the image, and the map; before there is a map, the image, if it is drawn."""
    if iteration is not None:
        pictures = report_pictures(workspace.preview, workspace.iteration(iteration), legend)
        return [picture for picture in pictures if picture.name in ("contours", "classes")]
    if workspace.preview.is_file():
        return [ReportPicture("image", "Image", data_uri(workspace.preview.read_bytes(), "JPEG"))]
    return []
