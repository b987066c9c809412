"""Every command of the guide, in order, in one folder, as typed; the products are a synthetic scene's."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from mask_files import write_scl
from osgeo import gdal, ogr
from places import ROOT
from scenes import MARGIN

from alcd_otb.cli.main import command_parser
from alcd_otb.raster.grid import Grid
from alcd_otb.samples.reading import read_samples
from alcd_otb.scene import Scene
from alcd_otb.synthetic.comparison import compare_with_truth
from alcd_otb.synthetic.scene import SyntheticScene

GUIDE = ROOT / "docs" / "tutorial" / "guide.md"
NOT_RUN = "<!-- not run by the tests -->\n"
WORKSPACE = "Arles_31TFJ_20171002"


@dataclass(frozen=True)
class Section:
    """A chapter of the guide. blocks: (language, content) of what is to be run or written."""

    title: str
    blocks: tuple[tuple[str, str], ...]

    @property
    def commands(self) -> list[str]:
        return [command for language, block in self.blocks if language == "sh" for command in commands_of(block)]


def commands_of(block: str) -> list[str]:
    return block.replace("\\\n", "").splitlines()


def sections() -> Iterator[Section]:
    for part in re.split(r"^## ", GUIDE.read_text("utf-8"), flags=re.M)[1:]:
        title, _, text = part.partition("\n")
        run = re.sub(re.escape(NOT_RUN) + r"```sh\n.*?^```", "", text, flags=re.M | re.S)
        yield Section(title, tuple(re.findall(r"^```(sh|json)\n(.*?)^```", run, flags=re.M | re.S)))


CHAPTERS = {section.title: section for section in sections()}


@dataclass(frozen=True)
class Newcomer:
    """Who reads the guide, in a folder with a terminal and, by the truth, eyes."""

    folder: Path
    synthetic: SyntheticScene

    @property
    def scene(self) -> Scene:
        return Scene.open(self.folder / "scene.json")

    def does(self, title: str, between: Callable[["Newcomer"], None] | None = None) -> str:
        """Runs a chapter's commands, does something else between two blocks of them; returns what they print."""
        printed = ""
        for number, (language, block) in enumerate(CHAPTERS[title].blocks):
            if language == "json":
                self._describes(json.loads(block))
                continue
            if number and between is not None:
                between(self)
            for command in commands_of(block):
                ended = subprocess.run(
                    ["bash", "-euc", command],
                    cwd=self.folder,
                    capture_output=True,
                    text=True,
                    timeout=300,
                    env={**os.environ, "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}"},
                )
                assert ended.returncode == 0, f"{command}\n{ended.stderr}"
                printed += ended.stdout
        return printed

    def _describes(self, scene: dict[str, object]) -> None:
        """Writes scene.json with the synthetic products, and what a scene of 7 km needs instead of 110 km."""
        for date in ("cloudy", "clear"):
            assert re.fullmatch(r"L1C/S2A_MSIL1C_\w+_T31TFJ_\w+\.SAFE", str(scene[date]))
            scene[date] = f"L1C/{getattr(self.synthetic, date).name}"
        assert scene["workspace"] == WORKSPACE
        scene["set"] = {"margin": MARGIN, "samples": {"block": 1200}}
        (self.folder / "scene.json").write_text(json.dumps(scene), "utf-8")

    def labels(self, chosen: slice) -> None:
        """Some of the simulated operator's points of each class."""
        legend, grid = self.scene.config.template.legend, self.scene.grid
        samples = read_samples(self.synthetic.samples, legend, grid)
        points = [
            (one.code, *one.location)
            for code in legend.codes
            for one in [sample for sample in samples if sample.code == code][chosen]
        ]
        self.scene.add_samples(points)

    def labels_blindly(self) -> None:
        truth, grid = self.sees(), self.scene.grid
        dataset = ogr.Open(str(self.folder / WORKSPACE / "accuracy.gpkg"), update=1)
        layer = dataset.GetLayerByName("accuracy")
        for feature in layer:
            place = grid.pixel_at(feature.GetGeometryRef().GetX(), feature.GetGeometryRef().GetY())
            assert place is not None
            feature.SetField("class", str(truth[place]))
            layer.SetFeature(feature)

    def sees(self) -> npt.NDArray[np.uint8]:
        """The true class of each pixel of the map."""
        return warped(self.synthetic.truth, self.scene.grid)


def warped(truth: Path, grid: Grid) -> npt.NDArray[np.uint8]:
    codes: npt.NDArray[np.uint8] = gdal.Warp(
        "", str(truth), format="MEM", outputBounds=grid.extent, width=grid.width, height=grid.height, resampleAlg="mode"
    ).ReadAsArray()
    return codes


@pytest.fixture(scope="module")
def newcomer(small_scene: SyntheticScene, tmp_path_factory: pytest.TempPathFactory) -> Newcomer:
    folder = tmp_path_factory.mktemp("guide")
    shutil.copytree(small_scene.cloudy.parent, folder / "L1C")
    (folder / "bin").mkdir()
    python = folder / "bin" / "python"
    # A link would lead Python to another environment.
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    return Newcomer(folder, small_scene)


def chapters() -> list[tuple[str, Callable[[Newcomer], None]]]:
    """What the newcomer does before the commands of a chapter."""
    return [
        ("1. Choose two dates", lambda _: None),
        ("2. Describe the scene", lambda _: None),
        ("3. Prepare", lambda _: None),
        ("4. Label the first points", lambda one: one.labels(slice(6))),
        ("5. Improve it, three to five times", lambda one: one.labels(slice(6, 25))),
        ("6. Cross-validate the samples", lambda _: None),
        ("7. How good is the map?", lambda _: None),
        ("8. Compare processors", lambda one: write_scl(one.synthetic, one.folder / "L2A")),
        ("9. Publish", lambda _: None),
    ]


def test_the_chapters_are_all_known() -> None:
    assert list(CHAPTERS) == [title for title, _ in chapters()]


def test_what_is_not_run_needs_the_network_or_the_installation() -> None:
    left_out = re.findall(re.escape(NOT_RUN) + r"```sh\n(.*?)^```", GUIDE.read_text("utf-8"), flags=re.M | re.S)
    assert len(left_out) == 4
    for block in left_out:
        assert re.search(r"activate|curl|s3cmd|eodag", block)
        assert "-m alcd_otb" not in block


@pytest.mark.parametrize("title", CHAPTERS)
def test_the_commands_are_understood(title: str) -> None:
    for command in CHAPTERS[title].commands:
        arguments = re.findall(r'"[^"]*"|\S+', command)
        if arguments[:3] == ["python", "-m", "alcd_otb"]:
            command_parser().parse_args(arguments[3:])


def test_the_commands_lead_from_products_to_a_data_set(newcomer: Newcomer) -> None:
    printed = {}
    for title, before in chapters():
        before(newcomer)
        printed[title[0]] = newcomer.does(title, Newcomer.labels_blindly if title.startswith("7.") else None)

    workspace = newcomer.folder / WORKSPACE
    assert (newcomer.folder / "dates.html").is_file()
    assert "2 dates of tile 31TFJ, 0 of them without a picture" in printed["1"]
    assert "prepare" in printed["2"]
    assert "label points" in printed["3"]
    assert "iteration 1" in printed["4"]
    assert "iteration 2" in printed["5"]
    assert "12 places" in printed["5"]
    assert "10 folds" in printed["6"]
    true = agreement(newcomer)
    assert true > 0.93
    estimated = json.loads((workspace / "accuracy_estimate.json").read_text("utf-8"))
    assert estimated["labelled"] == 200
    # An interval of 95 % misses one time in twenty; one twice as wide hardly ever.
    low, high = (estimated["overall_accuracy"][end] for end in ("low", "high"))
    assert 1.5 * low - 0.5 * high <= true <= 1.5 * high - 0.5 * low
    assert (newcomer.folder / "comparison" / "comparison.html").is_file()
    rows = json.loads((newcomer.folder / "comparison" / "comparison.json").read_text("utf-8"))["rows"]
    assert {row["processor"] for row in rows} == {"Sen2Cor"}
    assert (rows[0]["tp"] + rows[0]["tn"]) / sum(rows[0][name] for name in ("tp", "tn", "fp", "fn")) > 0.95
    assert len(list((newcomer.folder / "dataset").rglob("classification_map.tif"))) == 1
    assert zipfile.is_zipfile(newcomer.folder / "dataset.zip")
    assert (workspace / "latest").resolve().name == "003"


def agreement(newcomer: Newcomer) -> float:
    pairs = compare_with_truth(newcomer.folder / WORKSPACE / "latest" / "labels.tif", newcomer.synthetic.truth)
    return sum(count for (true, mapped), count in pairs.items() if true == mapped) / sum(pairs.values())
