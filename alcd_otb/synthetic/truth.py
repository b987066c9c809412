"""The truth of a synthetic scene for one use of the loop, by rules: a JSON file each in ``truths``.

The rules name the classes of the template of that name; this module knows none of them.
"""

import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from alcd_otb.arrays import Float32Array
from alcd_otb.raster.grid import Window
from alcd_otb.settings.legend import Legend
from alcd_otb.settings.template import load_template
from alcd_otb.synthetic.imaging import ImagedBlock, ImagedDate, states_of
from alcd_otb.synthetic.season import SEASONS, Season


class _TruthModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Range(_TruthModel):
    """above and below: both exclusive; None is open."""

    above: float | None = None
    below: float | None = None

    def holds(self, values: Float32Array) -> npt.NDArray[np.bool_]:
        inside = np.ones(values.shape, dtype=bool)
        if self.above is not None:
            inside &= values > self.above
        if self.below is not None:
            inside &= values < self.below
        return inside


class Rule(_TruthModel):
    """Pixels get a class where all the states (`imaging.states_of`) are in range.

    over: only where they have one of these classes so far; None: anywhere.
    """

    name: str = Field(alias="class")
    over: tuple[str, ...] | None = None
    where: dict[str, Range] = {}


class Truth(_TruthModel):
    """resolution: of the truth, in metres. clouds: the classes that the product's metadata count as cloud.

    rules: applied one after the other, each over what the former have made.
    """

    season: Literal["spring", "winter"]
    resolution: Literal[10, 20]
    clouds: tuple[str, ...]
    rules: tuple[Rule, ...]

    @classmethod
    def load(cls, use: str) -> Self:
        """Raises ValueError where there is no truth for this use."""
        if use not in uses():
            raise ValueError(f"template {use!r}: a synthetic scene has a truth for {', '.join(uses())}")
        return cls.model_validate(json.loads((_folder() / f"{use}.json").read_text(encoding="utf-8")))

    @property
    def seen_in(self) -> Season:
        return SEASONS[self.season]

    @property
    def factor(self) -> int:
        """Pixels of 10 m along the side of one of the truth."""
        return self.resolution // 10

    def classes(self, legend: Legend) -> dict[int, str]:
        """Name by code, of the classes that the rules give; by ascending code."""
        given = {rule.name for rule in self.rules}
        return {one.code: one.name for one in legend.classes if one.name in given}

    def of(self, block: ImagedBlock, view: ImagedDate, legend: Legend) -> npt.NDArray[np.uint8]:
        """Class codes of a block at the truth's resolution; 0 outside the swath of the view."""
        codes = {one.name: one.code for one in legend.classes}
        states = states_of(block, self.factor)
        truth = np.zeros(next(iter(states.values())).shape, dtype=np.uint8)
        for rule in self.rules:
            truth[_matching(rule, states, truth, codes)] = codes[rule.name]
        window = Window(*(side // self.factor for side in block.window))
        truth[~view.imaged(window, self.factor)] = 0
        return truth


def uses() -> tuple[str, ...]:
    """The templates that a synthetic scene can be made for."""
    return tuple(sorted(path.name.removesuffix(".json") for path in _folder().glob("*.json")))


def legend_of(use: str) -> Legend:
    return load_template(use).legend


def _folder() -> Path:
    return Path(str(resources.files("alcd_otb.synthetic"))) / "truths"


def _matching(
    rule: Rule, states: Mapping[str, Float32Array], truth: npt.NDArray[np.uint8], codes: Mapping[str, int]
) -> npt.NDArray[np.bool_]:
    chosen = np.ones(truth.shape, dtype=bool)
    if rule.over is not None:
        chosen &= np.isin(truth, [codes[name] for name in rule.over])
    for name, allowed in rule.where.items():
        chosen &= allowed.holds(states[name])
    return chosen
