"""comparison.html: all of a comparison in one file that needs no network."""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from alcd_otb.compare.comparison import Comparison
from alcd_otb.compare.differences import COLOURS, difference_name
from alcd_otb.compare.pictures import difference_picture, reference_picture
from alcd_otb.compare.plot import line_plot
from alcd_otb.compare.results import METRICS, ProcessorSummary, Row, best_dilations, uneven_processors
from alcd_otb.products.mask import Mask

_NAMES = {
    "oa": "overall accuracy",
    "balanced_oa": "balanced accuracy",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "specificity": "specificity",
}

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 1120px; padding: 0 1rem; color: #1c1c1c; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
table { border-collapse: collapse; margin: .6rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .7rem; text-align: right; border-bottom: 1px solid #ddd; }
th:first-child, td:first-child { text-align: left; } td { white-space: nowrap; }
th { border-bottom: 2px solid #888; font-weight: 600; } tr.best td { font-weight: 600; }
svg { max-width: 100%; height: auto; font: 12px system-ui, sans-serif; } svg .grid { stroke: #ddd; }
figure { display: inline-block; margin: 0 12px 14px 0; vertical-align: top; }
figcaption { font-size: .85rem; max-width: 340px; } .difference { width: 340px; } .reference { width: 170px; }
.key span { display: inline-block; margin-right: 1.2rem; }
.key i { display: inline-block; width: 1em; height: 1em; margin-right: .4em; vertical-align: -.12em; }
.key i { border: 1px solid #0003; }
.scroll { overflow-x: auto; } .note { color: #555; font-size: .9rem; } .failed { color: #b00020; }
"""


def comparison_page(comparison: Comparison, differences: Path) -> str:
    """The page. differences: the folder of the difference maps."""
    parts = [
        _introduction(comparison),
        _processors(comparison),
        _plots(comparison),
        _classes(comparison.processors, comparison.protocol.dilation.metres[0]),
        _scenes(comparison.rows),
        _difference_maps(comparison, differences),
        _references(comparison),
        _left_out(comparison),
        _provenance(comparison),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>Cloud masks compared</title>'
        f"<style>{_STYLE}</style></head><body>\n" + "\n".join(part for part in parts if part) + "\n</body></html>\n"
    )


def _introduction(comparison: Comparison) -> str:
    protocol = comparison.protocol
    scenes = {row.scene for row in comparison.rows}
    grid = "the reference's own grid" if protocol.grid is None else f"a grid of {protocol.grid:g} m"
    return (
        f"<h1>Cloud masks compared with {len(scenes)} reference {'mask' if len(scenes) == 1 else 'masks'}</h1>"
        f"<p>Protocol <b>{escape(protocol.name)}</b>: {escape(protocol.description)}. Compared on {grid}; a cell is "
        f"positive where at least {protocol.share:.0%} of its pixels are. Positive are "
        f"{escape(', '.join(protocol.positive.reference))} in the reference, "
        f"{escape(', '.join(protocol.positive.product))} in the products. Pixels without data on either side are not "
        "counted.</p>"
    )


def _processors(comparison: Comparison) -> str:
    best = {(one.processor, one.dilation_m) for one in best_dilations(comparison.processors)}
    several = len(comparison.protocol.dilation.metres) > 1
    head = ("processor", "dilation", "scenes", *_NAMES.values(), "pooled overall accuracy", "pooled balanced accuracy")
    rows = [
        (
            [
                one.processor,
                _dilation(one.dilation_m),
                str(one.scenes),
                *(_percent(one.mean[name]) for name in METRICS),
                _percent(one.pooled.overall_accuracy),
                _percent(one.pooled.balanced_accuracy),
            ],
            several and (one.processor, one.dilation_m) in best,
        )
        for one in comparison.processors
    ]
    both = "reference and products are" if comparison.protocol.dilation.reference else "the products are"
    note = (
        "Means over scenes, in %; the pooled figures count the pixels of all scenes together. "
        f"With a dilation, {both} dilated by discs of so many metres."
    )
    if several:
        note += " Bold: the dilation of each processor's optimal accuracy"
        last = comparison.protocol.dilation.metres[-1]
        beyond = [name for name, metres in sorted(best) if metres == last]
        note += f"; that of {escape(', '.join(beyond))} may lie beyond {last:g} m." if beyond else "."
    uneven = "".join(
        f'<p class="failed">{escape(name)} lacks {escape(", ".join(scenes))}: its means are over fewer scenes than '
        "others'.</p>"
        for name, scenes in uneven_processors(comparison.rows).items()
    )
    return f'<h2>Average accuracy of the processors</h2>{_table(head, rows)}<p class="note">{note}</p>{uneven}'


def _plots(comparison: Comparison) -> str:
    first = comparison.protocol.dilation.metres[0]
    scenes = sorted({row.scene for row in comparison.rows})
    places = {scene: float(number) for number, scene in enumerate(scenes)}
    by_scene: dict[str, list[tuple[float, float]]] = {}
    for row in sorted(comparison.rows, key=lambda row: (row.processor, row.scene)):
        accuracy = row.metrics.overall_accuracy
        if row.dilation_m == first and accuracy is not None:
            by_scene.setdefault(row.processor, []).append((places[row.scene], accuracy))
    ticks = [(place, scene) for scene, place in places.items()]
    parts = [
        f"<h2>Accuracy by scene, {_dilation(first)}</h2>",
        line_plot(by_scene, ticks, "scene", _NAMES["oa"]),
    ]
    metres = comparison.protocol.dilation.metres
    if len(metres) > 1:
        by_dilation: dict[str, list[tuple[float, float]]] = {}
        for one in comparison.processors:
            if one.mean["oa"] is not None:
                by_dilation.setdefault(one.processor, []).append((one.dilation_m, one.mean["oa"]))
        parts.append("<h2>Mean accuracy by dilation</h2>")
        parts.append(line_plot(by_dilation, [(m, f"{m:g}") for m in metres], "dilation in metres", _NAMES["oa"]))
    return "".join(parts)


def _classes(processors: Sequence[ProcessorSummary], dilation: float) -> str:
    """Which kind of pixel each processor misses, or takes for positive."""
    chosen = [one for one in processors if one.dilation_m == dilation]
    names = list(dict.fromkeys(name for one in chosen for name in one.classes if name))
    if not names:
        return ""
    rows = []
    for name in names:
        cells = []
        for one in chosen:
            metrics = one.classes.get(name)
            omission = None if metrics is None or metrics.recall is None else 1 - metrics.recall
            commission = None if metrics is None or metrics.specificity is None else 1 - metrics.specificity
            cells += [_percent(omission), _percent(commission)]
        rows.append(([name, *cells], False))
    head = ["class of the reference", *(f"{one.processor} {kind}" for one in chosen for kind in ("misses", "takes"))]
    return (
        f"<h2>Errors by class of the reference, {_dilation(dilation)}</h2>{_table(head, rows)}"
        '<p class="note">In % of the class, all scenes pooled: positive pixels that the processor misses (omission), '
        "negative pixels that it takes for positive (commission).</p>"
    )


def _scenes(rows: Sequence[Row]) -> str:
    head = ("scene", "processor", "dilation", "pixels", *_NAMES.values())
    lines = [
        (
            [
                row.scene,
                row.processor,
                _dilation(row.dilation_m),
                f"{sum(sum(line) for line in row.metrics.matrix.counts):,}".replace(",", "\u202f"),
                *(_percent(metric(row.metrics)) for metric in METRICS.values()),
            ],
            False,
        )
        for row in rows
    ]
    return f"<h2>Scenes</h2><details><summary>{len(lines)} rows</summary>{_table(head, lines)}</details>"


def _difference_maps(comparison: Comparison, differences: Path) -> str:
    figures = []
    compared = {(row.scene, row.processor): row for row in reversed(comparison.rows)}
    for scene in comparison.pairing.scenes:
        picture = scene.reference.picture if isinstance(scene.reference, Mask) else None
        for product in scene.products:
            file = differences / difference_name(scene.name, product.processor)
            row = compared.get((scene.name, product.processor))
            if row is None or not file.is_file():
                continue
            caption = f"{scene.name}, {product.processor}: {_percent(row.metrics.overall_accuracy)} %"
            image = difference_picture(file, picture or product.picture)
            figures.append(_figure(image, "webp", caption, "difference"))
    if not figures:
        return ""
    key = _key((name, colour) for name, colour in COLOURS.values())
    first = _dilation(comparison.protocol.dilation.metres[0])
    return f"<h2>Difference maps and overall accuracy, {first}</h2>{key}{''.join(figures)}"


def _references(comparison: Comparison) -> str:
    figures, classes = [], {}
    occurring = {name for one in comparison.processors for name in one.classes}
    pairing = comparison.pairing
    named = [(scene.name, scene.reference) for scene in pairing.scenes]
    named += [(one.acquisition.name, one) for one in pairing.references_alone]
    for name, reference in sorted(named, key=lambda entry: entry[0]):
        image = reference_picture(reference) if isinstance(reference, Mask) else None
        if image is not None:
            figures.append(_figure(image, "png", name, "reference"))
            classes.update({one.name: one.colour or "#ffffff" for one in reference.classes if one.name in occurring})
    if not figures:
        return ""
    return f"<h2>Reference masks</h2>{_key(classes.items())}{''.join(figures)}"


def _left_out(comparison: Comparison) -> str:
    pairing = comparison.pairing
    lines = [f'<li class="failed">{escape(str(one.error))}</li>' for one in comparison.failures]
    for one in (*pairing.references_alone, *pairing.products_alone):
        lines.append(f"<li>{escape(str(one.path))}: no partner of {one.acquisition.name}</li>")
    lines += [f"<li>{escape(str(one.path))}: a second copy of the reference</li>" for one in pairing.copies]
    return f"<h2>Not compared</h2><ul>{''.join(lines)}</ul>" if lines else ""


def _provenance(comparison: Comparison) -> str:
    versions = ", ".join(f"{escape(name)} {escape(value)}" for name, value in comparison.versions.items())
    return (
        f'<h2>Made with</h2><p class="note">{versions}. The protocol, the files with their checksums and all counts '
        "are in comparison.json.</p>"
    )


def _table(head: Sequence[str], rows: Iterable[tuple[Sequence[str], bool]]) -> str:
    """rows: cells, and whether the row stands out."""
    lines = ["<tr>" + "".join(f"<th>{escape(name)}</th>" for name in head) + "</tr>"]
    for cells, is_best in rows:
        opening = '<tr class="best">' if is_best else "<tr>"
        lines.append(opening + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>")
    return f'<div class="scroll"><table>{"".join(lines)}</table></div>'


def _figure(image: bytes, kind: str, caption: str, style: str) -> str:
    source = f"data:image/{kind};base64,{b64encode(image).decode()}"
    text = escape(caption)
    return f'<figure><img class="{style}" src="{source}" alt="{text}"><figcaption>{text}</figcaption></figure>'


def _key(entries: Iterable[tuple[str, str]]) -> str:
    shown = "".join(f'<span><i style="background:{colour}"></i>{escape(name)}</span>' for name, colour in entries)
    return f'<p class="key">{shown}</p>'


def _dilation(metres: float) -> str:
    return f"{metres:g} m" if metres else "as delivered"


def _percent(ratio: float | None) -> str:
    return "-" if ratio is None else f"{100 * ratio:.2f}"
