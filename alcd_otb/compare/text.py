"""A comparison in a few lines of text, for a terminal."""

from alcd_otb.compare.comparison import Comparison
from alcd_otb.compare.results import METRICS, best_dilations


def summary(comparison: Comparison) -> str:
    """The table of processors, and where the rest is."""
    width = max(len(one.processor) for one in comparison.processors)
    head = "  ".join(f"{name:>11}" for name in METRICS)
    lines = [f"{'mean over scenes':<{width + 23}}{head}"]
    for one in comparison.processors:
        figures = "  ".join(f"{_shown(one.mean[name]):>11}" for name in METRICS)
        lines.append(f"{one.processor:<{width}}  {one.dilation_m:>5g} m  {one.scenes:>3} scenes  {figures}")
    if len(comparison.protocol.dilation.metres) > 1:
        for one in best_dilations(comparison.processors):
            lines.append(f"best of {one.processor}: {_shown(one.mean['oa'])} at {one.dilation_m:g} m")
    lines.append(f"{len(comparison.rows)} rows: {comparison.folder / 'comparison.json'}")
    return "\n".join(lines)


def _shown(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.4f}"
