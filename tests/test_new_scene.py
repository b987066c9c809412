"""``new``: the scene file of products at hand, in every layout, or one clear line."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from amazon_files import OF_PRODUCT, write_amazon
from places import REAL_DATA
from scenes import alcd, refused
from sentinel2_files import compact_name, write_compact, write_multi_granule, zip_product
from split_products import east, west, write_part

from alcd_otb.errors import ConfigurationError, ProductError
from alcd_otb.new_scene import NewScene, SceneWish, write_new_scene

CLOUDY = "20240305T104819"
BANDS = ("B02",)


def write_date(folder: Path, sensed: str = CLOUDY, cloud: float | None = 63.5) -> Path:
    safe = write_compact(folder, sensed=sensed, bands=BANDS)
    metadata = next(safe.glob("GRANULE/*/MTD_TL.xml"))
    element = "" if cloud is None else f"<CLOUDY_PIXEL_PERCENTAGE>{cloud}</CLOUDY_PIXEL_PERCENTAGE>"
    text = re.sub(r"<CLOUDY_PIXEL_PERCENTAGE>.*?</CLOUDY_PIXEL_PERCENTAGE>", element, metadata.read_text("utf-8"))
    metadata.write_text(text, "utf-8")
    return safe


def made(target: Path, *products: Path, **wish: Any) -> tuple[NewScene, dict[str, Any]]:
    """The scene, and what its file holds, which lies in the folder."""
    scene = write_new_scene(SceneWish(products, **wish), target / "scene.json")
    content: dict[str, Any] = json.loads((target / "scene.json").read_text("utf-8"))
    assert content == scene.content
    return scene, content


def test_few_clouds_a_few_days_away_make_the_clear_date(tmp_path: Path) -> None:
    """Costs by hand: 12 + 6/3 = 14; 0 + 60/3 = 20; 3 + 3/3 + 5 = 9, since it is before; 51 is too much."""
    series = tmp_path / "L1C"
    cloudy = write_date(series)
    write_date(series, "20240311T104819", 12)
    write_date(series, "20240504T104819", 0)
    best = write_date(series, "20240302T104819", 3)
    write_date(series, "20240306T104819", 51)
    (series / "S2B_MSIL1C_20240307T104819_N0510_R051_T31TDJ_20240307T125347.SAFE").mkdir()
    scene, content = made(tmp_path, cloudy)
    assert content == {
        "name": "31TCJ_20240305",
        "cloudy": f"L1C/{cloudy.name}",
        "clear": f"L1C/{best.name}",
        "template": "clouds",
    }
    assert len(scene.dates) == 5
    assert ["precedes the cloudy one" in warning for warning in scene.warnings] == [True]
    assert ["files of B01, B03" in sentence for sentence in scene.missing] == [True, True]


def test_dates_that_are_named_are_taken_whatever_else_there_is(tmp_path: Path) -> None:
    first, second, third = (write_date(tmp_path, f"202403{day}T104819", 80) for day in ("05", "06", "09"))
    write_date(tmp_path, "20240307T104819", 0)
    _, content = made(tmp_path, first, third, second, template="water", dem=first)
    assert content["clear"] == [third.name, second.name]
    assert (content["template"], content["dem"]) == ("water", first.name)


def test_without_a_clear_date_the_scene_has_one_date(tmp_path: Path) -> None:
    cloudy = write_date(tmp_path / "elsewhere")
    write_date(tmp_path / "other", "20240306T104819", None)
    (tmp_path / "scene").mkdir()
    scene, content = made(tmp_path / "scene", cloudy)
    assert content["cloudy"] == str(cloudy)
    assert "clear" not in content
    assert scene.missing[0].startswith("a clear date: no other date of tile 31TCJ")
    (tmp_path / "scene" / "scene.json").unlink()
    scene, content = made(tmp_path / "scene", cloudy, folder=tmp_path / "other")
    assert [date.cloud_cover for date in scene.clear] == [11.5]


def test_archives_are_named_as_they_are(tmp_path: Path) -> None:
    sources = (write_date(tmp_path / "unpacked"), write_date(tmp_path / "unpacked", "20240306T104819", 1))
    cloudy, clear = (zip_product(safe, tmp_path / f"{safe.stem}.zip", f"{safe.name}/") for safe in sources)
    shutil.copytree(sources[1], tmp_path / sources[1].name)
    shutil.rmtree(tmp_path / "unpacked")
    scene, content = made(tmp_path, cloudy)
    assert content["cloudy"] == cloudy.name
    # The archive and the folder hold one product.
    assert content["clear"] == clear.name.replace(".zip", ".SAFE")
    assert len(scene.dates) == 2


def test_the_other_dates_of_a_tile_of_amazon_lie_in_folders_of_days(tmp_path: Path) -> None:
    dates = (write_date(tmp_path / "a"), write_date(tmp_path / "b", "20240310T104819", 4))
    bucket = tmp_path / "bucket"
    cloudy = write_amazon(dates[0], bucket, product=OF_PRODUCT)
    name = compact_name("20240310T104819")
    other = {"name": name, "timestamp": "2024-03-10T10:48:19.024Z", "datatakeIdentifier": name}
    folder = "tiles/31/T/CJ/2024/3/10/0"
    write_amazon(dates[1], bucket, names=False, product=other, folder=folder)
    _, content = made(tmp_path, cloudy)
    assert content["cloudy"] == "bucket/tiles/31/T/CJ/2024/3/5/0"
    assert content["clear"] == f"bucket/{folder}"


def test_parts_of_an_acquisition_are_found_and_other_processings_left_out(tmp_path: Path) -> None:
    whole = (write_date(tmp_path / "whole"), write_date(tmp_path / "whole", "20240308T104819", 2))
    cloudy = [write_part(whole[0], tmp_path, number, kept) for number, kept in ((1, west), (2, east))]
    clear = [write_part(whole[1], tmp_path, number, kept) for number, kept in ((1, west), (2, east))]
    old = write_compact(tmp_path / "old", bands=BANDS, baseline="02.06", offsets=None)
    metadata = old / "MTD_MSIL1C.xml"
    metadata.write_text(metadata.read_text("utf-8").replace("_N0510_", "_N0206_"), "utf-8")
    old = old.rename(tmp_path / old.name.replace("_N0510_", "_N0206_"))
    shutil.rmtree(tmp_path / "whole")
    _, content = made(tmp_path, cloudy[1])
    assert content["cloudy"] == [cloudy[1].name, cloudy[0].name]
    assert content["clear"] == [[part.name for part in clear]]
    (tmp_path / "scene.json").unlink()
    assert made(tmp_path, cloudy[0], clear[1])[1]["clear"] == [[clear[1].name, clear[0].name]]


def test_a_product_of_several_tiles_asks_for_one(tmp_path: Path) -> None:
    product = write_multi_granule(tmp_path, ("31TCJ", "31TDJ"))
    with pytest.raises(ProductError, match="choose one of the tiles 31TCJ, 31TDJ"):
        made(tmp_path, product)
    _, content = made(tmp_path, product, tile="31TDJ")
    assert (content["tile"], content["name"]) == ("31TDJ", "31TDJ_20161005")


def test_what_cannot_be_is_one_line_and_leaves_no_file(tmp_path: Path) -> None:
    cloudy = write_date(tmp_path)
    level_2a = tmp_path / compact_name().replace("MSIL1C", "MSIL2A")
    level_2a.mkdir()
    (level_2a / "MTD_MSIL2A.xml").write_text("<a/>")
    file = tmp_path / "scene.json"
    message = refused(3, "new", level_2a, "-o", file)
    assert "is a Level-2A product; give the Level-1C product (MSIL1C) of the same acquisition" in message
    message = refused(2, "run", level_2a)
    assert (
        f"is not a scene.json; if it is a product, write its scene.json with: python -m alcd_otb new {level_2a}"
        in message
    )
    assert "for a product, write its scene.json with: python -m alcd_otb new PRODUCT" in refused(2, "run")
    other = write_compact(tmp_path / "other", tile="31TDJ", bands=BANDS)
    wrong: list[tuple[SceneWish, type[Exception], str]] = [
        (SceneWish((cloudy, cloudy)), ProductError, "is given twice"),
        (SceneWish((cloudy, other)), ProductError, "make a scene for each tile"),
        (SceneWish((tmp_path / "none",)), ProductError, "there is no such file"),
        (SceneWish((cloudy,), template="cloud"), ConfigurationError, "is neither a file nor one of clouds"),
        (SceneWish((cloudy,), dem=tmp_path / "none"), ConfigurationError, "does not exist"),
        (SceneWish((cloudy,), folder=tmp_path / "none"), ConfigurationError, "is not a folder"),
    ]
    for wish, error, expected in wrong:
        with pytest.raises(error, match=expected):
            write_new_scene(wish, file)
    assert not file.exists()
    file.write_text("mine")
    with pytest.raises(ConfigurationError, match="exists already, and is not overwritten"):
        write_new_scene(SceneWish((cloudy,)), file)
    assert file.read_text() == "mine"


@pytest.mark.skipif(not REAL_DATA.is_dir(), reason="the folder of real products, shared/data, is absent")
def test_the_series_of_rome_makes_its_two_pairs(tmp_path: Path) -> None:
    series = REAL_DATA / "rome_l1c" / "L1C"
    for cloudy, clear in (("20180307", "20180210"), ("20180705", "20180720")):
        file = tmp_path / f"{cloudy}.json"
        ended = alcd("new", next(series.glob(f"*_{cloudy}T*")), "-o", file, "--json")
        assert ended.returncode == 0, ended.stderr
        told = json.loads(ended.stdout)
        assert (told["tile"], len(told["dates"]), told["missing"]) == ("33TUG", 4, [])
        content = json.loads(file.read_text("utf-8"))
        assert [Path(content[key]).name[11:19] for key in ("cloudy", "clear")] == [cloudy, clear]
    ended = alcd("run", file, "--dry-run")
    assert ended.returncode == 0, ended.stderr
