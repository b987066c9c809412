"""One acquisition of a tile in two products: features and maps are those of the whole product, byte for byte."""

import json
import logging
from pathlib import Path

import numpy as np
import pytest
from preparing import CLEAR, Pixels, layers, side_of, write_product
from preparing import prepared as prepare
from preparing import write_scene as write_products_scene
from scenes import FinishedScene, alcd, refused, write_scene
from split_products import east, west, write_part

from alcd_otb.preparation.inputs import Inputs
from alcd_otb.settings.scene_file import load_scene
from alcd_otb.workspace import Workspace

RASTERS = ("features.tif", "view.tif", "valid.tif")
MAPS = ("labels.tif", "confidence.tif", "margin.tif", "model.rf")


@pytest.fixture(scope="module")
def parts(finished: FinishedScene, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Both products of the scene in two parts each."""
    folder = tmp_path_factory.mktemp("parts")
    products = {"cloudy": finished.synthetic.cloudy, "clear": finished.synthetic.clear}
    return {
        key: [str(write_part(product, folder, number, kept)) for number, kept in enumerate((west, east), start=1)]
        for key, product in products.items()
    }


def differing(finished: FinishedScene, workspace: Path) -> list[str]:
    """Name the files of a preparation that are not those of the whole products, byte for byte."""
    return [
        name for name in RASTERS if (workspace / name).read_bytes() != (finished.result.workspace / name).read_bytes()
    ]


def test_a_run_of_two_parts_is_that_of_the_whole(
    finished: FinishedScene, parts: dict[str, list[str]], tmp_path: Path
) -> None:
    scene = write_scene(tmp_path / "scene.json", finished.synthetic, cloudy=parts["cloudy"], clear=[parts["clear"]])
    ended = alcd("run", scene)
    assert ended.returncode == 0, ended.stderr
    assert differing(finished, tmp_path / "work") == []
    iteration = tmp_path / "work" / "iterations" / "001"
    for name in MAPS:
        assert (iteration / name).read_bytes() == (finished.iteration / name).read_bytes(), name
    cloudy = json.loads((iteration / "config.json").read_text("utf-8"))["products"]["cloudy"]
    assert [part["path"] for part in cloudy["parts"]] == parts["cloudy"]


def test_a_clear_list_joins_products_of_one_acquisition_and_says_so(
    finished: FinishedScene, parts: dict[str, list[str]], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    scene = write_scene(tmp_path / "scene.json", finished.synthetic, clear=parts["clear"][::-1])
    with caplog.at_level(logging.INFO):
        inputs = Inputs.read(load_scene(scene))
    assert len(inputs.clear) == 1
    assert f"{parts['clear'][1]} and {parts['clear'][0]} show one acquisition" in caplog.text
    assert differing(finished, prepare(scene).folder) == []


def test_each_part_has_its_own_offset(finished: FinishedScene, parts: dict[str, list[str]], tmp_path: Path) -> None:
    other = write_part(finished.synthetic.cloudy, tmp_path, 3, west, lower=500)
    scene = write_scene(tmp_path / "scene.json", finished.synthetic, cloudy=[str(other), parts["cloudy"][1]])
    assert [band.offset for band in Inputs.read(load_scene(scene)).cloudy.bands] == [-1000] * 13
    assert differing(finished, prepare(scene).folder) == []


def test_a_pair_of_offsets_across_the_baselines_is_one_reflectance(tmp_path: Path) -> None:
    """The older part has no offset, the newer one -1000; by hand, 1500 / 10000 = (2500 - 1000) / 10000 = 0.15."""
    older, newer = _halves(1500), _halves(2500)
    first = write_product(tmp_path / "a", {"B02": older[0]}, offset=0)
    second = write_product(tmp_path / "b", {"B02": newer[1]}, offset=-1000)
    for name, order in (("ab", [first, second]), ("ba", [second, first])):
        (tmp_path / name).mkdir()
        assert np.allclose(_feature(tmp_path / name, order), 0.15, rtol=1e-5)


def test_the_first_listed_wins_in_an_overlap(tmp_path: Path) -> None:
    dark, bright = _halves(2000)[0], np.full((60, 60), 3000)
    first = write_product(tmp_path / "a", {"B02": dark})
    second = write_product(tmp_path / "b", {"B02": bright})
    for name, order, expected in (("ab", [first, second], [0.1, 0.2]), ("ba", [second, first], [0.2, 0.2])):
        (tmp_path / name).mkdir()
        reflectance = _feature(tmp_path / name, order)
        assert np.allclose(reflectance[:, :25], expected[0], rtol=1e-5)
        assert np.allclose(reflectance[:, 35:], expected[1], rtol=1e-5)


def test_a_band_that_one_part_lacks_has_no_data_there(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    left, right = _halves(2000)
    side = side_of("B10")
    first = write_product(tmp_path / "a", {"B02": left})
    second = write_product(tmp_path / "b", {"B02": right, "B10": np.full((side, side), 1100)})
    scene = _scene(tmp_path, [first, second], ["B02", "B10"])
    workspace = prepare(scene)
    assert f"{first}: has no file of B10" in caplog.text
    made = layers(workspace.features)
    assert np.isfinite(made["B02"]).all()
    assert np.allclose(made["B10"], 0.01, rtol=1e-4)
    lacking = _scene(tmp_path, [first, first], ["B02"])
    assert "is given twice" in refused(3, "run", lacking)


def test_what_is_no_part_of_the_acquisition_is_refused(tmp_path: Path) -> None:
    left, right = _halves(2000)
    first = write_product(tmp_path / "a", {"B02": left})
    later = write_product(tmp_path / "b", {"B02": right}, sensed=CLEAR)
    message = refused(3, "run", _scene(tmp_path, [first, later], ["B02"]))
    assert message.startswith(f"{later}: is listed with {first} as one acquisition, and is of 2024-03-20 10:48:19")
    assert "other dates have their own entry" in message
    larger = write_product(tmp_path / "c", {"B02": np.full((120, 120), 2000)}, metres=1200)
    assert "this part's grid at 10 m" in refused(3, "run", _scene(tmp_path, [first, larger], ["B02"]))


def test_a_part_alone_leads_to_the_other(
    finished: FinishedScene, parts: dict[str, list[str]], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    Inputs.read(load_scene(write_scene(tmp_path / "scene.json", finished.synthetic, cloudy=parts["cloudy"])))
    assert "same acquisition as" not in caplog.text
    Inputs.read(load_scene(write_scene(tmp_path / "scene.json", finished.synthetic, cloudy=parts["cloudy"][0])))
    assert f"{parts['cloudy'][1]}: its name is of the same acquisition as" in caplog.text


def test_another_order_or_another_part_is_prepared_anew(
    finished: FinishedScene, parts: dict[str, list[str]], tmp_path: Path
) -> None:
    digests = {
        Inputs.read(load_scene(write_scene(tmp_path / "scene.json", finished.synthetic, cloudy=cloudy))).fingerprint()
        for cloudy in (parts["cloudy"], parts["cloudy"][::-1], parts["cloudy"][0], str(finished.synthetic.cloudy))
    }
    assert len(digests) == 4


def _halves(value: int) -> tuple[Pixels, Pixels]:
    """Return the left and the right half of a band of 10 m, 0 elsewhere. The cut lies within a pixel of 60 m."""
    left, right = np.full((60, 60), value), np.full((60, 60), value)
    left[:, 29:], right[:, :29] = 0, 0
    return left, right


def _scene(folder: Path, cloudy: list[Path], features: list[str]) -> Path:
    scene = write_products_scene(
        folder, cloudy[0], resolution=10, margin=0, features=features, view={"layers": [{"name": "B02", "expr": "B02"}]}
    )
    content = json.loads(scene.read_text("utf-8"))
    content["cloudy"] = [str(path) for path in cloudy]
    scene.write_text(json.dumps(content), "utf-8")
    return scene


def _feature(folder: Path, cloudy: list[Path]) -> Pixels:
    workspace: Workspace = prepare(_scene(folder, cloudy, ["B02"]))
    return layers(workspace.features)["B02"]
