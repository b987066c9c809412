"""Make README.md of a data set, which describes its contents scene by scene."""

from collections.abc import Sequence

from alcd_otb.export.mapped import MappedScene
from alcd_otb.export.publication import PAPER, PAPER_DOI, Publication, software
from alcd_otb.files.delivery import CHECKSUMS
from alcd_otb.settings.legend import Legend, LegendClass, Positive

TableRow = Sequence[str]


def readme(
    scenes: Sequence[MappedScene], folders: Sequence[str], contents: Sequence[TableRow], publication: Publication
) -> str:
    """Make the text.

    Parameters
    ----------
    scenes
        The scenes of the data set.
    folders
        Names of the scenes' folders, in the same order.
    contents
        (file, description) of a scene's folder.
    publication
        The publisher's information on the data set.
    """
    parts = [
        f"# {publication.title_of(scenes)}",
        publication.description,
        "![Every scene beside its map](overview.png)",
        "## Scenes",
        _scenes(scenes, folders),
        _on_accuracy(scenes),
        "## Classes",
        _classes(scenes),
        "## Files",
        _table(("in a scene's folder", ""), contents),
        f"`{CHECKSUMS}` holds the checksums of all files: `sha256sum -c {CHECKSUMS}` checks them.",
        "## Origin",
        _origin(scenes),
        "## Licence and citation",
        *_licence(publication),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _scenes(scenes: Sequence[MappedScene], folders: Sequence[str]) -> str:
    names = list(
        dict.fromkeys(
            legend_class.name for scene in scenes for legend_class in scene.legend.classes if scene.share(legend_class)
        )
    )
    estimated = any(scene.estimate for scene in scenes)
    head = [
        "scene",
        "tile",
        "acquired (UTC)",
        "metres",
        "pixels with data",
        *names,
        *_accuracy_head(scenes, estimated),
        "folder",
    ]
    rows = []
    for scene, folder in zip(scenes, folders, strict=True):
        shares = {legend_class.name: scene.share(legend_class) for legend_class in scene.legend.classes}
        rows.append(
            [
                scene.name,
                scene.tile or "",
                f"{scene.acquired:%Y-%m-%d %H:%M}" if scene.acquired else "",
                f"{scene.grid.resolution:g}",
                str(scene.data_pixels),
                *(_percent(shares.get(name)) for name in names),
                *_accuracy(scene, estimated),
                f"[{folder}]({folder})",
            ]
        )
    return _table(head, rows)


def _accuracy_head(scenes: Sequence[MappedScene], estimated: bool) -> list[str]:
    titles = {Positive.in_results(scene.estimate).title for scene in scenes if scene.estimate}
    return ["overall accuracy", f"{titles.pop() if len(titles) == 1 else 'two-class'} accuracy"] if estimated else []


def _accuracy(scene: MappedScene, estimated: bool) -> list[str]:
    if not estimated:
        return []
    estimate = scene.estimate or {}
    of_sides = estimate.get(Positive.in_results(estimate).key) or {}
    return [_interval(estimate.get("overall_accuracy")), _interval(of_sides.get("overall_accuracy"))]


def _interval(figure: dict[str, float] | None) -> str:
    return "" if figure is None else f"{figure['estimate']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"


def _on_accuracy(scenes: Sequence[MappedScene]) -> str:
    shares = "Percentages refer to the pixels with data."
    if not any(scene.estimate for scene in scenes):
        return f"{shares} No accuracy was estimated."
    return (
        f"{shares} Accuracies are estimated from a stratified random sample of points of the map, labelled without "
        "seeing it; in brackets the intervals of 95 % confidence."
    )


def _classes(scenes: Sequence[MappedScene]) -> str:
    """Make a table of the classes of each template."""
    legends = list(dict.fromkeys(scene.legend for scene in scenes))
    tables = []
    for legend in legends:
        of_legend = [scene.name for scene in scenes if scene.legend == legend]
        rows = [["0", "no data", "", ""], *(_class(entry, legend) for entry in legend.classes)]
        table = _table(("code", "class", "colour", "counted as"), rows)
        tables.append(table if len(legends) == 1 else f"Of {', '.join(map(_cell, of_legend))}:\n\n{table}")
    return "\n\n".join(tables)


def _class(legend_class: LegendClass, legend: Legend) -> TableRow:
    return str(legend_class.code), legend_class.name, f"`{legend_class.colour}`", legend.side_of(legend_class)


def _origin(scenes: Sequence[MappedScene]) -> str:
    made_with = sorted({f"alcd_otb {scene.config['versions']['alcd_otb']}" for scene in scenes})
    exported = ", ".join(f"{name} {version}" for name, version in software().items())
    return (
        f"Made with {', '.join(made_with)} by active learning, exported with {exported}. `provenance.json` in each "
        "folder has the products, the settings and the versions. The method is that of:\n\n"
        f"> {PAPER} <https://doi.org/{PAPER_DOI}>"
    )


def _licence(publication: Publication) -> list[str]:
    parts = [f"Licence: {publication.licence}" if publication.licence else "No licence is stated."]
    if publication.provider:
        parts.append(f"Provided by {publication.provider}.")
    if publication.citation:
        parts.append(f"Please cite:\n\n> {publication.citation}")
    if publication.doi:
        parts.append(f"<https://doi.org/{publication.doi}>")
    return parts


def _table(head: TableRow, rows: Sequence[TableRow]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"
