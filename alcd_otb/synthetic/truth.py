"""Apply the rules that give the truth of a synthetic scene for one use of the loop.

The rules of each use are a JSON file in ``truths``. They name the classes of the template of the same name; this module
knows no class.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from alcd_otb.arrays import Float32Array
from alcd_otb.files.json_file import read_json
from alcd_otb.raster.grid import Window
from alcd_otb.settings.legend import Legend
from alcd_otb.settings.template import load_template
from alcd_otb.synthetic.imaging import ImagedBlock, ImagedDate, states_of
from alcd_otb.synthetic.season import SEASONS, Season


class _TruthModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Range(_TruthModel):
    """An open range of values.

    Attributes
    ----------
    above, below
        Limits, both exclusive. None is no limit.
    """

    above: float | None = None
    below: float | None = None

    def contains(self, values: Float32Array) -> npt.NDArray[np.bool_]:
        """Return which values lie in the range, as a mask of their shape."""
        inside = np.ones(values.shape, dtype=bool)
        if self.above is not None:
            inside &= values > self.above
        if self.below is not None:
            inside &= values < self.below
        return inside


class Rule(_TruthModel):
    """A rule that gives pixels a class where all named states (`imaging.states_of`) are in range.

    Attributes
    ----------
    name
        Name of the class.
    over
        The rule applies only to pixels that have one of these classes so far. None: to all pixels.
    where
        Range of each state, by the name of the state.
    """

    name: str = Field(alias="class")
    over: tuple[str, ...] | None = None
    where: dict[str, Range] = {}


class TruthRules(_TruthModel):
    """The rules that give the truth for one use.

    Attributes
    ----------
    season_name
        Name of the season of the scenes.
    resolution
        Pixel side of the truth, in metres.
    clouds
        The classes that the product's metadata count as cloud.
    rules
        Rules in the order in which they are applied. Each changes what the earlier ones have made.
    """

    season_name: Literal["spring", "winter"] = Field(alias="season")
    resolution: Literal[10, 20]
    clouds: tuple[str, ...]
    rules: tuple[Rule, ...]

    @classmethod
    def load(cls, use: str) -> Self:
        """Read the rules for a use.

        Parameters
        ----------
        use
            Name of the template, such as ``clouds``.

        Raises
        ------
        ValueError
            If there is no truth for this use.
        """
        if use not in uses():
            raise ValueError(f"template {use!r}: a synthetic scene has a truth for {', '.join(uses())}")
        return cls.model_validate(read_json(_folder() / f"{use}.json"))

    @property
    def season(self) -> Season:
        """Season of the scenes."""
        return SEASONS[self.season_name]

    @property
    def factor(self) -> int:
        """Side of a pixel of the truth, in pixels of 10 m."""
        return self.resolution // 10

    def classes(self, legend: Legend) -> dict[int, str]:
        """Return the names of the classes that the rules give, by code in ascending order."""
        names = {rule.name for rule in self.rules}
        return {entry.code: entry.name for entry in legend.classes if entry.name in names}

    def codes_of(self, block: ImagedBlock, view: ImagedDate, legend: Legend) -> npt.NDArray[np.uint8]:
        """Apply the rules to a block.

        Parameters
        ----------
        block
            The block.
        view
            How the cloudy date is imaged.
        legend
            Names and codes of the classes.

        Returns
        -------
        npt.NDArray[np.uint8]
            Class codes (rows, columns) at the resolution of the truth; 0 outside the swath.
        """
        codes = {entry.name: entry.code for entry in legend.classes}
        states = states_of(block, self.factor)
        truth = np.zeros(next(iter(states.values())).shape, dtype=np.uint8)
        for rule in self.rules:
            truth[_matching(rule, states, truth, codes)] = codes[rule.name]
        window = Window(*(side // self.factor for side in block.window))
        truth[~view.imaged(window, self.factor)] = 0
        return truth


@dataclass(frozen=True)
class TruthMap:
    """The truth of a whole scene.

    Attributes
    ----------
    codes
        True class code of each pixel, (rows, columns); 0 is no data.
    cover
        Cover of the ground of each pixel (`imaging.cover_of`), (rows, columns).
    factor
        Side of a pixel, in pixels of 10 m.
    """

    codes: npt.NDArray[np.uint8]
    cover: npt.NDArray[np.uint8]
    factor: int


def uses() -> tuple[str, ...]:
    """Return the names of the templates for which a synthetic scene can be made."""
    return tuple(sorted(path.name.removesuffix(".json") for path in _folder().glob("*.json")))


def legend_of(use: str) -> Legend:
    """Return the legend of the template for a use."""
    return load_template(use).legend


def _folder() -> Path:
    return Path(str(resources.files("alcd_otb.synthetic"))) / "truths"


def _matching(
    rule: Rule, states: Mapping[str, Float32Array], truth: npt.NDArray[np.uint8], codes: Mapping[str, int]
) -> npt.NDArray[np.bool_]:
    """Return the pixels to which a rule gives its class."""
    chosen = np.ones(truth.shape, dtype=bool)
    if rule.over is not None:
        chosen &= np.isin(truth, [codes[name] for name in rule.over])
    for name, allowed in rule.where.items():
        chosen &= allowed.contains(states[name])
    return chosen
