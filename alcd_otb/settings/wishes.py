"""Define what a person may wish of a run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Wishes:
    """Options of a run: what it leaves out, and where it reads its products.

    Attributes
    ----------
    if_needed
        Whether nothing is done if the last iteration equals the result: made from the same samples, settings,
        products and version.
    keep
        ``map`` removes features.tif and view.tif after an iteration; another run makes them again.
    stage
        A folder on a fast disk, such as that of a batch job. Products are copied there while the scene is prepared.
        None reads them where they lie.
    """

    if_needed: bool = False
    keep: Literal["all", "map"] = "all"
    stage: Path | None = None
