"""The job as a user runs it: folders of references and products in, one folder of results out."""

import csv
import json
import re
import shutil
import sys
from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lxml import html
from mask_files import (
    L1C_NAME,
    L2A_NAME,
    LEFT,
    TILE,
    TOP,
    write_hollstein,
    write_l1c,
    write_l2a,
    write_muscate,
    write_native,
    write_raster,
    write_reference,
    write_workspace,
)
from osgeo import gdal, ogr, osr
from PIL import Image
from places import ROOT
from scenes import FinishedScene, alcd, leftovers, refused

from alcd_otb.compare.comparison import Comparison
from alcd_otb.compare.finding import Failure, read_all, readers
from alcd_otb.compare.job import compare
from alcd_otb.compare.page import comparison_page
from alcd_otb.compare.pairing import pair
from alcd_otb.compare.pictures import difference_picture
from alcd_otb.compare.protocol import Protocol, load_protocol, protocol_names
from alcd_otb.errors import ConfigurationError, EnvironmentNotReadyError, ProcessingError, ProductError
from alcd_otb.masks.labelled_reference import LabelledReference
from alcd_otb.raster.grid import Grid
from alcd_otb.settings.template import load_template
from otb_pipelines.settings import Settings

SETTINGS = Settings(ram=64, threads=1)
CLOUDS = load_template("clouds")
OLD_NAME = "S2A_OPER_PRD_MSIL1C_PDMC_20160417T201511_R094_V20160417T110652_20160417T110652"


def at_60_m(**changes: Any) -> Protocol:
    """Load the default protocol, with masks as delivered unless changes say otherwise."""
    content = json.loads((ROOT / "param_templates/protocols/alcd2019.json").read_text("utf-8"))
    return Protocol.model_validate({**content, "dilation": {"metres": [0]}, **changes})


def run(references: Path, products: Path | list[str], output: Path, protocol: Protocol | None = None) -> Comparison:
    listed = products if isinstance(products, list) else [str(products)]
    return compare([str(references)], listed, protocol or at_60_m(), output, SETTINGS)


def scene_pixels() -> tuple[Any, Any]:
    """Draw (reference codes, SCL classes) of 6 x 6 cells of 60 m.

    Reference: rows 0 and 1 low clouds, row 2 shadows, else land, but the last column without data.
    Sen2Cor: rows 0 and 2 of 3 cells cloud, shadow; 1 and 3 of the whole row vegetation and cloud.
    """
    codes = np.full((6, 6), 5, np.uint8)
    codes[:2], codes[2], codes[:, 5] = 2, 4, 0
    classes = np.full((6, 6), 4, np.uint8)
    classes[0, :3], classes[2, :3], classes[3] = 9, 3, 8
    return codes, classes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    codes, classes = scene_pixels()
    write_reference(tmp_path / "references" / "Reference_dataset", codes)
    write_l2a(tmp_path / "products", {20: classes.repeat(3, 0).repeat(3, 1)})
    return tmp_path


# Clouds: row 0 finds 3 of 5, row 1 none of 5; shadow 3 of 5; land: row 3 is taken, 5, and 10 are right.
BY_HAND = {"tp": 6, "fn": 9, "fp": 5, "tn": 10}


def test_counts_by_hand(folder: Path) -> None:
    (row,) = run(folder / "references", folder / "products", folder / "out").as_json()["rows"]
    assert {name: row[name] for name in BY_HAND} == BY_HAND
    assert (row["scene"], row["processor"], row["dilation_m"]) == (f"{TILE}_20171002", "Sen2Cor", 0)
    assert row["oa"] == 16 / 30
    assert row["precision"] == 6 / 11
    assert row["recall"] == 6 / 15
    assert row["specificity"] == 10 / 15
    assert row["balanced_oa"] == pytest.approx((6 / 15 + 10 / 15) / 2)
    assert row["f1"] == 12 / (12 + 9 + 5)
    assert row["classes"]["low_clouds"] == {
        "pixels": 10, "tp": 3, "fp": 0, "fn": 7, "tn": 0, "omission": 0.7, "commission": None
    }  # fmt: skip
    assert row["classes"]["land"]["commission"] == pytest.approx(1 / 3)


def test_what_is_written(folder: Path) -> None:
    output = folder / "out"
    run(folder / "references", folder / "products", output)
    assert leftovers(output) == []
    content = json.loads((output / "comparison.json").read_text("utf-8"))
    assert content["protocol"]["name"] == "alcd2019"
    assert set(content["versions"]) == {"alcd_otb", "gdal", "numpy", "python"}
    (scene,) = content["scenes"]
    sums = [file["sha256"] for one in (scene["reference"], *scene["products"]) for file in one["files"]]
    assert len(sums) == 3
    assert all(re.fullmatch(r"[0-9a-f]{64}", one) for one in sums)
    note, *lines = (output / "comparison.csv").read_text("utf-8").splitlines()
    assert note.startswith("# tp, fp, fn, tn: pixels")
    (line,) = csv.DictReader(lines)
    assert {name: int(line[name]) for name in BY_HAND} == BY_HAND
    assert float(line["oa"]) == 16 / 30
    classes = list(csv.DictReader((output / "classes.csv").read_text("utf-8").splitlines()[1:]))
    assert [(one["reference_class"], one["fn"], one["fp"]) for one in classes] == [
        ("low_clouds", "7", "0"),
        ("clouds_shadows", "2", "0"),
        ("land", "0", "5"),
    ]


def test_maps_that_no_comparison_wrote_are_left_alone(folder: Path, tmp_path: Path) -> None:
    run(folder / "references", folder / "products", tmp_path / "made")
    (name,) = (file.name for file in (tmp_path / "made" / "differences").iterdir())
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    (out / "differences").mkdir(parents=True)
    elsewhere.mkdir()
    (out / "differences" / "mine.tif").write_bytes(b"years of work")
    run(folder / "references", folder / "products", out)
    run(folder / "references", folder / "products", out)
    assert (out / "differences" / "mine.tif").read_bytes() == b"years of work"
    (out / "differences" / name).write_bytes(b"changed")
    with pytest.raises(ConfigurationError, match=f"{name}: was not made here by this command, or was changed since"):
        run(folder / "references", folder / "products", out)
    assert (out / "differences" / name).read_bytes() == b"changed"
    shutil.rmtree(out / "differences")
    (out / "differences").symlink_to(elsewhere)
    with pytest.raises(ProcessingError, match="differences: is a link"):
        run(folder / "references", folder / "products", out)
    assert list(elsewhere.iterdir()) == []


def test_the_difference_map(folder: Path) -> None:
    run(folder / "references", folder / "products", folder / "out")
    (file,) = (folder / "out" / "differences").iterdir()
    dataset = gdal.Open(str(file))
    assert dataset.GetGeoTransform() == (LEFT, 60, 0, TOP, 0, -60)
    assert dataset.ReadAsArray().tolist() == [
        [1, 1, 1, 3, 3, 0],
        [3, 3, 3, 3, 3, 0],
        [1, 1, 1, 3, 3, 0],
        [4, 4, 4, 4, 4, 0],
        [2, 2, 2, 2, 2, 0],
        [2, 2, 2, 2, 2, 0],
    ]
    assert dataset.GetRasterBand(1).GetColorTable().GetColorEntry(3)[0] > 200


def test_the_same_input_gives_the_same_files(folder: Path) -> None:
    for name in ("one", "other"):
        run(folder / "references", folder / "products", folder / name)
    for file in (folder / "one").rglob("*.*"):
        if file.is_file() and file.name != ".lock":
            assert file.read_bytes() == (folder / "other" / file.relative_to(folder / "one")).read_bytes(), file.name


def parsed(page: Path) -> Any:
    return html.fromstring(page.read_text("utf-8"), parser=html.HTMLParser(encoding="utf-8"))


def tables(page: Path) -> list[list[list[str]]]:
    """Read the cells of every table, by rows."""
    return [[[cell.text_content() for cell in row] for row in one.iter("tr")] for one in parsed(page).iter("table")]


class TestPage:
    def test_is_one_file_with_all_that_was_found(self, folder: Path) -> None:
        run(folder / "references", folder / "products", folder / "out", load_protocol("alcd2019"))
        text = (folder / "out" / "comparison.html").read_text("utf-8")
        assert not re.search(r"(src|href)=\"(?!data:)", text)
        assert "http" not in text
        for what in ("Sen2Cor", "53.33", "true positive", "low_clouds", "180 m", "<svg", "image/webp", "image/png"):
            assert what in text

    def test_tells_the_figures_of_the_results(self, folder: Path) -> None:
        found = run(folder / "references", folder / "products", folder / "out", at_60_m(dilation={"metres": [0, 60]}))
        processors, errors, scenes = tables(folder / "out" / "comparison.html")
        names = ("oa", "balanced_oa", "precision", "recall", "f1", "specificity")
        content = found.as_json()
        for line, one, dilation in zip(processors[1:], content["processors"], ("as delivered", "60 m"), strict=True):
            ratios = [one["mean"][name] for name in names] + [one["pooled"]["oa"], one["pooled"]["balanced_oa"]]
            assert line == ["Sen2Cor", dilation, "1", *(f"{100 * ratio:.2f}" for ratio in ratios)]
        for line, row in zip(scenes[1:], content["rows"], strict=True):
            assert line[:2] == [f"{TILE}_20171002", "Sen2Cor"]
            assert line[3:] == ["30", *(f"{100 * row[name]:.2f}" for name in names)]
        # By hand, as BY_HAND is.
        assert errors == [
            ["class of the reference", "Sen2Cor: omission", "Sen2Cor: commission"],
            ["low_clouds", "70.00", "\N{EN DASH}"],
            ["clouds_shadows", "40.00", "\N{EN DASH}"],
            ["land", "\N{EN DASH}", "33.33"],
        ]

    def test_the_best_dilation_stands_out_where_there_are_several(self, folder: Path) -> None:
        for metres, best in (([0], []), ([0, 60], ["60 m"])):
            run(folder / "references", folder / "products", folder / "out", at_60_m(dilation={"metres": metres}))
            page = parsed(folder / "out" / "comparison.html")
            assert [row[1].text for row in page.xpath("//tr[@class='best']")] == best
            assert ("may lie beyond 60 m" in page.text_content()) == bool(best)

    def test_names_are_shown_as_they_are_written(self, folder: Path) -> None:
        name = "<b>&\"'{{ 1 }}"
        found = run(folder / "references", folder / "products", folder / "out")
        (row,) = found.rows
        named = replace(row, scene=name, processor=name, classes={name: row.metrics})
        failures = (Failure(folder / name, ProductError(name)),)
        changed = replace(found, rows=(named,), failures=failures)
        (folder / "page.html").write_text(comparison_page(changed, folder / "out" / "differences"), "utf-8")
        processors, errors, scenes = tables(folder / "page.html")
        assert processors[1][0] == errors[1][0] == scenes[1][0] == scenes[1][1] == name
        assert errors[0][1:] == [f"{name}: omission", f"{name}: commission"]
        page = parsed(folder / "page.html")
        assert page.xpath("//li[@class='failed']/text()") == [name]
        assert page.xpath("//svg/text/text()")[-2:] == [name, "scene"]
        assert page.xpath("//svg//title/text()") == [f"{name}, scene {name}: 0.5333"]
        assert page.xpath("//b/text()") == ["alcd2019"]

    def test_is_well_formed(self, folder: Path) -> None:
        write_l2a(folder / "alone", {20: scene_pixels()[1]}, name=L2A_NAME.replace("20171002T1030", "20190101T1030"))
        run(folder / "references", [str(folder / "products"), f"<b>&={folder / 'products'}"], folder / "out")
        text = (folder / "out" / "comparison.html").read_text("utf-8")
        assert "<b>&" not in text
        assert "&lt;b&gt;&amp;" in text
        opened: list[str] = []

        class Checker(HTMLParser):
            def handle_starttag(self, tag: str, attrs: Any) -> None:  # noqa: ARG002
                if tag not in ("meta", "img"):
                    opened.append(tag)

            def handle_startendtag(self, tag: str, attrs: Any) -> None:
                pass

            def handle_endtag(self, tag: str) -> None:
                assert opened.pop() == tag

        Checker().feed(text)
        assert opened == []

    def test_all_references_are_shown_and_a_broken_one_breaks_nothing(self, folder: Path) -> None:
        for name, day in (("lonely", "20180101"), ("broken", "20180201")):
            write_reference(folder / "references", scene_pixels()[0], folder=name, day=day, product="")
        file = folder / "references" / "broken" / "Classification" / "classification_map.tif"
        file.write_bytes(file.read_bytes()[:-20])
        found = run(folder / "references", folder / "products", folder / "out")
        assert len(found.rows) == 1
        text = (folder / "out" / "comparison.html").read_text("utf-8")
        pictures = re.findall(r'class="reference" src="data:image/png;base64,([^"]+)"', text)
        shown = [np.asarray(Image.open(BytesIO(b64decode(one))).convert("RGB")) for one in pictures]
        assert len(shown) >= 2
        # The upper left corner is low clouds, the last column without data.
        low_clouds = CLOUDS.legend.find("low_clouds")
        assert low_clouds is not None
        for picture in shown[:2]:
            assert tuple(picture[0, 0]) == low_clouds.rgb
            assert tuple(picture[0, -1]) == (255, 255, 255)

    def test_difference_maps_lie_over_the_quicklook(self, folder: Path) -> None:
        run(folder / "references", folder / "products", folder / "out")
        (file,) = (folder / "out" / "differences").iterdir()
        shades = np.full((60, 60, 3), 40, np.uint8)
        shades[:, 30:] = 200
        Image.fromarray(shades).save(folder / "quicklook.png")

        def colour(image: Image.Image, row: int, column: int) -> tuple[int, ...]:
            side = image.size[0] // 6
            return image.getpixel((int((column + 0.5) * side), int((row + 0.5) * side)))  # type: ignore[return-value]

        plain = difference_picture(file, None)
        drawn = difference_picture(file, str(folder / "quicklook.png"))
        assert plain.size == (480, 480)
        # Not compared: white, or the bare picture; a miss is red, and lighter over a brighter ground.
        assert min(colour(plain, 0, 5)) > 240
        assert max(abs(value - 200) for value in colour(drawn, 1, 5)) < 60
        red, green, blue = colour(plain, 1, 1)
        assert red > 150 > 100 > max(green, blue)


def test_progress_goes_from_nothing_to_all(folder: Path) -> None:
    told: list[float] = []
    settings = Settings(ram=64, threads=1, progress=lambda step, share: told.append(share) if step else None)
    compare([str(folder / "references")], [str(folder / "products")], at_60_m(), folder / "out", settings)
    assert told == sorted(told)
    assert told[-1] == 1


class TestDilation:
    def cloud_in_the_middle(self, tmp_path: Path) -> None:
        """21 x 21 cells; the reference has a cloud of one cell in the middle, Sen2Cor one beside it."""
        codes = np.full((21, 21), 5, np.uint8)
        codes[10, 10] = 2
        classes = np.full((21, 21), 4, np.uint8)
        classes[10, 11] = 9
        write_reference(tmp_path / "references", codes)
        write_l2a(tmp_path / "products", {60: classes})

    def rows(self, tmp_path: Path, **dilation: Any) -> list[tuple[float, ...]]:
        self.cloud_in_the_middle(tmp_path)
        found = run(tmp_path / "references", tmp_path / "products", tmp_path / "out", at_60_m(dilation=dilation))
        return [
            (
                row["dilation_m"],
                row["reference_dilation_m"],
                row["product_dilation_m"],
                row["tp"],
                row["fp"],
                row["fn"],
            )
            for row in found.as_json()["rows"]
        ]

    def test_both_sides(self, tmp_path: Path) -> None:
        # Crosses of 5 cells with their centres side by side share 2; discs of 13 share 8.
        assert self.rows(tmp_path, metres=[0, 60, 120]) == [
            (0, 0, 0, 0, 1, 1),
            (60, 60, 60, 2, 3, 3),
            (120, 120, 120, 8, 5, 5),
        ]

    def test_products_alone(self, tmp_path: Path) -> None:
        assert self.rows(tmp_path, metres=[0, 60], reference=False) == [(0, 0, 0, 0, 1, 1), (60, 0, 60, 1, 4, 0)]

    def test_what_was_delivered_dilated_is_dilated_by_the_rest(self, tmp_path: Path) -> None:
        found = self.rows(tmp_path, metres=[0, 60, 120], delivered={"Sen2Cor": 60})
        assert [row[1:3] for row in found] == [(0, 0), (60, 0), (120, 60)]
        # A cross beside the middle lies wholly in the disc of 13.
        assert found[2][3:] == (5, 0, 8)

    def test_the_best_is_told(self, tmp_path: Path) -> None:
        self.cloud_in_the_middle(tmp_path)
        found = run(
            tmp_path / "references",
            tmp_path / "products",
            tmp_path / "out",
            at_60_m(dilation={"metres": [0, 60, 120], "reference": False}),
        ).as_json()
        accuracies = {one["dilation_m"]: one["mean"]["oa"] for one in found["processors"]}
        (best,) = found["optimal"]
        assert best["mean"]["oa"] == max(accuracies.values())
        assert (best["processor"], best["dilation_m"]) == ("Sen2Cor", 0)

    def test_a_dilation_too_large_for_the_grid_is_refused(self, tmp_path: Path) -> None:
        self.cloud_in_the_middle(tmp_path)
        protocol = at_60_m(grid=10, dilation={"metres": [0, 2000]})
        with pytest.raises(ConfigurationError, match="200 pixels of 10 m"):
            run(tmp_path / "references", tmp_path / "products", tmp_path / "out", protocol)


def test_a_workspace_of_this_project_is_a_reference(finished: FinishedScene, tmp_path: Path) -> None:
    labels = gdal.Open(str(finished.iteration / "labels.tif"))
    codes = labels.ReadAsArray()
    left, resolution, _, top, _, _ = labels.GetGeoTransform()
    # Sen2Cor here finds low clouds and shadows, and takes water for cirrus.
    classes = np.select([codes == 2, codes == 4, codes == 6], [9, 3, 10], 4).astype(np.uint8)
    config = json.loads((finished.result.workspace / "config.json").read_text("utf-8"))
    product = config["products"]["cloudy"]
    name = f"T{product['tile']}_{product['acquired'][:19].replace('-', '').replace(':', '')}_SCL_60m.jp2"
    epsg = int(labels.GetSpatialRef().GetAuthorityCode(None))
    write_raster(tmp_path / "products" / name, classes, resolution, left=left, top=top, epsg=epsg)
    (row,) = run(finished.result.workspace, tmp_path / "products", tmp_path / "out").as_json()["rows"]
    assert {name: row[name] for name in BY_HAND} == {
        "tp": int(np.isin(codes, (2, 4)).sum()),
        "fn": int((codes == 3).sum()),
        "fp": int((codes == 6).sum()),
        "tn": int(np.isin(codes, (1, 5, 7)).sum()),
    }
    assert row["tp"] > 100
    # The quicklook of the workspace lies under the difference map.
    text = (tmp_path / "out" / "comparison.html").read_text("utf-8")
    (picture,) = re.findall(r"data:image/webp;base64,([^\"]+)", text)
    colours = np.asarray(Image.open(BytesIO(b64decode(picture))).convert("RGB")).reshape(-1, 3)
    assert len(np.unique(colours, axis=0)) > 1000


def test_means_and_pooled_counts_differ(tmp_path: Path) -> None:
    """A small scene that is all wrong and a large one that is all right: mean 0.5, pooled 0.9."""
    write_reference(tmp_path / "references", np.full((1, 10), 2, np.uint8))
    later = {"day": "20171022", "product": L1C_NAME.replace("20171002", "20171022")}
    write_reference(tmp_path / "references", np.full((9, 10), 5, np.uint8), folder=later["product"], **later)
    write_l2a(tmp_path / "products", {60: np.full((1, 10), 4, np.uint8)})
    write_raster(tmp_path / "products" / "T31TFJ_20171022T103009_SCL_60m.jp2", np.full((9, 10), 4, np.uint8), 60)
    (one,) = run(tmp_path / "references", tmp_path / "products", tmp_path / "out").as_json()["processors"]
    assert one["scenes"] == 2
    assert one["mean"]["oa"] == 0.5
    assert one["pooled"]["oa"] == 0.9
    # Recall is defined in the first scene alone, specificity in the second.
    assert (one["mean"]["recall"], one["mean"]["specificity"]) == (0, 1)
    assert one["mean"]["precision"] is None
    assert one["mean"]["balanced_oa"] is None
    assert one["pooled"]["balanced_oa"] == 0.5


class TestProtocols:
    def test_those_of_the_package(self) -> None:
        assert protocol_names() == ("alcd2019", "cmix2022")
        assert load_protocol("alcd2019").dilation.metres == (0, 180)

    def test_cmix_takes_shadows_for_clear(self, folder: Path) -> None:
        """Clouds are rows 0 and 1 of the reference, and Sen2Cor's row 0, by half, and row 3."""
        found = run(folder / "references", folder / "products", folder / "out", load_protocol("cmix2022"))
        (row,) = found.as_json()["rows"]
        assert {name: row[name] for name in BY_HAND} == {"tp": 3, "fn": 7, "fp": 5, "tn": 15}

    def test_positive_classes_by_processor(self, folder: Path) -> None:
        positive = {
            "reference": ["invalid"],
            "product": ["invalid"],
            "processors": {"Sen2Cor": ["cloud_high_probability"]},
        }
        (row,) = run(folder / "references", folder / "products", folder / "out", at_60_m(positive=positive)).as_json()[
            "rows"
        ]
        assert {name: row[name] for name in BY_HAND} == {"tp": 3, "fn": 12, "fp": 0, "tn": 15}

    def test_exclusions(self, folder: Path) -> None:
        exclude = {"reference": ["clouds_shadows"], "product": ["cloud_medium_probability"], "border": 0}
        (row,) = run(folder / "references", folder / "products", folder / "out", at_60_m(exclude=exclude)).as_json()[
            "rows"
        ]
        assert {name: row[name] for name in BY_HAND} == {"tp": 3, "fn": 7, "fp": 0, "tn": 10}

    @pytest.mark.parametrize(
        ("change", "problem"),
        [
            (
                {"positive": {"reference": ["low_clouds", "high_cluods"], "product": ["invalid"]}},
                "positive.reference: no mask has the class 'high_cluods'; did you mean 'high_clouds'?",
            ),
            ({"exclude": {"reference": ["snw"]}}, "exclude.reference: no mask has the class 'snw'"),
            (
                {
                    "positive": {
                        "reference": ["invalid"],
                        "product": ["invalid"],
                        "processors": {"Sen2Cor": ["cloud", "thin_cirus"]},
                    }
                },
                "positive.processors.Sen2Cor: no mask has the class 'thin_cirus'; did you mean 'thin_cirrus'?",
            ),
        ],
    )
    def test_a_name_that_no_mask_has_is_refused(self, folder: Path, change: dict[str, Any], problem: str) -> None:
        with pytest.raises(ConfigurationError, match=re.escape(problem)):
            run(folder / "references", folder / "products", folder / "out", at_60_m(**change))

    def test_a_mask_that_has_none_of_the_names_is_refused(self, folder: Path) -> None:
        positive = {"reference": ["invalid"], "product": ["low_clouds"]}
        with pytest.raises(ProductError, match="has none of the positive classes low_clouds; it has cirrus"):
            run(folder / "references", folder / "products", folder / "out", at_60_m(positive=positive))

    def test_a_no_data_value_that_is_a_class_is_told_once(self, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
        """The reference says that land is no data: nothing of it is compared, and that is told once."""
        (reference,) = (folder / "references").rglob("classification_map.tif")
        before = run(folder / "references", folder / "products", folder / "before", at_60_m()).rows[0].metrics
        assert caplog.text.count("its no-data value") == 0
        dataset = gdal.Open(str(reference), gdal.GA_Update)
        dataset.GetRasterBand(1).SetNoDataValue(5)
        del dataset
        products = [f"{name}={folder / 'products'}" for name in ("one", "two")]
        after = run(folder / "references", products, folder / "after", at_60_m()).rows[0].metrics
        assert caplog.text.count("its no-data value 5 is also the class land of ALCD") == 1
        assert after.true_negatives < before.true_negatives
        assert (after.true_positives, after.false_negatives) == (before.true_positives, before.false_negatives)

    def test_a_processor_without_a_product_is_told(self, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
        dilation = {"metres": [0], "delivered": {"Sen2cor": 60}}
        run(folder / "references", folder / "products", folder / "out", at_60_m(dilation=dilation))
        assert "dilation.delivered: there is no product of Sen2cor; did you mean 'Sen2Cor'?" in caplog.text

    @pytest.mark.parametrize(
        ("change", "problem"),
        [
            ({"grids": 60}, "'grids' is not known; did you mean 'grid'"),
            ({"share": 0}, "share: 0 is not allowed; it must be a number above 0"),
            ({"dilation": {"metres": [60, 0]}}, "is not in ascending order"),
            ({"dilation": {"metres": []}}, " [] is not allowed; it must be a list of "),
            ({"positive": {"reference": [], "product": ["cloud"]}}, " [] is not allowed; it must be a list of "),
        ],
    )
    def test_wrong_protocols_are_refused(self, tmp_path: Path, change: dict[str, Any], problem: str) -> None:
        content = {"name": "mine", "positive": {"reference": ["invalid"], "product": ["invalid"]}, **change}
        (tmp_path / "mine.json").write_text(json.dumps(content), "utf-8")
        with pytest.raises(ConfigurationError, match=re.escape(problem)):
            load_protocol(str(tmp_path / "mine.json"))

    def test_an_unknown_protocol_is_refused(self) -> None:
        with pytest.raises(ConfigurationError, match="neither a file nor one of alcd2019, cmix2022"):
            load_protocol("cmix")


class TestFolders:
    def test_all_kinds_of_masks_of_one_scene(self, folder: Path) -> None:
        codes, classes = scene_pixels()
        fine = classes.repeat(6, 0).repeat(6, 1)
        clm = np.where(np.isin(fine, (3, 8, 9)), 1 | 2, 0).astype(np.uint8)
        write_muscate(folder / "products", {"CLM": clm, "EDG": np.zeros_like(clm)})
        fmask = np.select([classes == 3, np.isin(classes, (8, 9))], [2, 4], 0).astype(np.uint8)
        write_raster(folder / "products" / f"{L1C_NAME}_Fmask4.tif", fmask.repeat(3, 0).repeat(3, 1), 20)
        cloud = np.isin(classes, (8, 9)).astype(np.uint8)
        write_l1c(folder / "products", classes=[cloud, cloud * 0, cloud * 0], metres=360)
        table = {
            "processor": "s2cloudless",
            "files": "s2cloudless/*.tif",
            "classes": [
                {"code": 0, "name": "clear"},
                {"code": 1, "name": "cloud", "means": ["cloud", "invalid"]},
            ],
        }
        (folder / "products" / "s2cloudless.json").write_text(json.dumps(table), "utf-8")
        write_raster(folder / "products" / "s2cloudless" / "T31TFJ_20171002.tif", cloud, 60)
        write_workspace(folder / "products" / "work", codes, 60, [one.__dict__ for one in CLOUDS.classes])
        found = {
            row.processor: row.metrics for row in run(folder / "references", folder / "products", folder / "out").rows
        }
        assert set(found) == {"FMask", "L1C", "MAJA", "Sen2Cor", "alcd_otb", "s2cloudless"}
        assert found["FMask"] == found["MAJA"] == found["Sen2Cor"]
        assert found["L1C"] == found["s2cloudless"]
        assert found["L1C"].false_negatives == found["MAJA"].false_negatives + 3
        assert found["alcd_otb"].overall_accuracy == 1

    def test_pairs_are_of_one_tile_and_time(self, folder: Path) -> None:
        codes, classes = scene_pixels()
        write_reference(folder / "references", codes, folder="later", day="20171022", product="")
        for name in ("T31TFJ_20171002T121009_SCL_20m.tif", "T31TFK_20171002T103009_SCL_20m.tif"):
            write_raster(folder / "products" / name, classes, 60)
        write_raster(folder / "products" / "T31TFJ_20171022T103009_SCL_20m.tif", classes, 60)
        found = run(folder / "references", folder / "products", folder / "out")
        assert [row.scene for row in found.rows] == [f"{TILE}_20171002", f"{TILE}_20171022"]
        content = found.as_json()
        assert [Path(one["path"]).name for one in content["without_partner"]] == [
            "T31TFJ_20171002T121009_SCL_20m.tif",
            "T31TFK_20171002T103009_SCL_20m.tif",
        ]
        assert content["failures"] == []

    def test_a_broken_product_fails_its_row_alone(self, folder: Path) -> None:
        codes, classes = scene_pixels()
        write_reference(folder / "references", codes, folder="later", day="20171022", product="")
        write_raster(folder / "products" / "T31TFJ_20171022T103009_SCL_20m.tif", classes + 100, 60)
        broken = write_raster(folder / "products" / f"{L1C_NAME}_Fmask4.tif", classes, 60)
        broken.write_bytes(broken.read_bytes()[:100])
        found = run(folder / "references", folder / "products", folder / "out")
        assert [row.scene for row in found.rows] == [f"{TILE}_20171002"]
        failures = found.as_json()["failures"]
        assert len(failures) == 2
        assert any("value 103" in one["error"] and one["processor"] == "Sen2Cor" for one in failures)
        assert [path.name for path in (folder / "out" / "differences").iterdir()] == [f"{TILE}_20171002_Sen2Cor.tif"]

    def test_labels_keep_releases_apart(self, folder: Path) -> None:
        shutil.copytree(folder / "products", folder / "newer")
        found = run(folder / "references", [f"2.8={folder / 'products'}", f"2.11={folder / 'newer'}"], folder / "out")
        assert [row.processor for row in found.rows] == ["2.11", "2.8"]
        with pytest.raises(ConfigurationError, match=r"2 products of Sen2Cor.*tell releases apart by a label"):
            run(folder / "references", [str(folder / "products"), str(folder / "newer")], folder / "out")

    def test_the_scene_that_the_archive_holds_twice(self, tmp_path: Path) -> None:
        codes, classes = scene_pixels()
        scene = {"folder": OLD_NAME, "tile": "29RPQ", "day": "20160417", "product": f"{OLD_NAME}.SAFE"}
        kept = write_reference(tmp_path / "archive" / "Reference_dataset", codes, location="Marrakech", **scene)
        copy = write_reference(tmp_path / "archive" / "Hollstein", codes[::-1].copy(), location="Maroc", **scene)
        write_raster(tmp_path / "products" / "T29RPQ_20160417T110652_SCL_20m.tif", classes, 60)
        content = run(tmp_path / "archive", tmp_path / "products", tmp_path / "out").as_json()
        assert content["scenes"][0]["reference"]["path"] == str(kept)
        assert [one["path"] for one in content["copies"]] == [str(copy)]
        assert len(content["rows"]) == 1

    def test_references_that_differ_are_refused(self, tmp_path: Path) -> None:
        codes, _ = scene_pixels()
        for name, pixels in (("one", codes), ("other", codes[::-1].copy())):
            write_reference(tmp_path / "references", pixels, folder=name)
        found, _ = read_all([str(tmp_path / "references")], readers(CLOUDS.legend, None, labelled=True))
        with pytest.raises(ConfigurationError, match="two references of 31TFJ_20171002 that differ"):
            pair(found, [])

    def test_a_folder_with_nothing_in_it_is_refused(self, folder: Path) -> None:
        (folder / "empty").mkdir()
        with pytest.raises(ProductError, match="nothing in it is recognised"):
            run(folder / "references", folder / "empty", folder / "out")


def geographic(row: float, column: float) -> tuple[float, float]:
    """(longitude, latitude) of a place in cells of 60 m."""
    utm, there = osr.SpatialReference(), osr.SpatialReference()
    utm.ImportFromEPSG(32631)
    there.ImportFromEPSG(4326)
    there.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    x, y, _ = osr.CoordinateTransformation(utm, there).TransformPoint(LEFT + 60 * column, TOP - 60 * row)
    return x, y


class TestLabelledReferences:
    GRANULE = "S2A_OPER_MSI_L1C_TL_SGS__20160417T162524_A004279_T31TFJ_N02.01"

    def hollstein(self, folder: Path, labels: list[tuple[int, float, float]]) -> Path:
        rows = [(code, *geographic(row, column), OLD_NAME, self.GRANULE) for code, row, column in labels]
        return write_hollstein(folder / "20170710_s2_manual_classification_data.h5", rows)

    def test_hollstein(self, tmp_path: Path) -> None:
        """Each class once, on Sen2Cor's clouds in row 0 and vegetation below; one pixel lies outside."""
        labels = [(10, 0.5, 0.5), (20, 1.5, 0.5), (30, 1.5, 1.5), (40, 0.5, 2.5), (50, 0.2, 2.9), (60, 3.5, 3.5)]
        reference = self.hollstein(tmp_path, [*labels, (50, -5.0, 0.5)])
        classes = np.full((6, 6), 4, np.uint8)
        classes[0] = 9
        write_raster(tmp_path / "products" / "T31TFJ_20160417T110652_SCL_60m.tif", classes, 60)
        (row,) = run(reference, tmp_path / "products", tmp_path / "out").as_json()["rows"]
        assert {name: row[name] for name in BY_HAND} == {"tp": 2, "fn": 1, "fp": 1, "tn": 2}
        assert set(row["classes"]) == {"clear", "water", "shadow", "cirrus", "cloud", "snow"}
        assert row["classes"]["shadow"]["fn"] == 1
        assert list((tmp_path / "out" / "differences").iterdir()) == []

    def test_a_reference_mask_at_the_labelled_pixels(self, tmp_path: Path) -> None:
        """As the reference masks themselves were validated: the mask is the product there."""
        codes, _ = scene_pixels()
        scene = {"folder": OLD_NAME, "tile": TILE, "day": "20160417", "product": f"{OLD_NAME}.SAFE"}
        write_reference(tmp_path / "Hollstein", codes, **scene)
        reference = self.hollstein(tmp_path, [(50, 0.5, 0.5), (30, 2.5, 1.5), (10, 4.5, 1.5), (10, 1.5, 1.5)])
        (row,) = run(reference, tmp_path / "Hollstein", tmp_path / "out").as_json()["rows"]
        assert {name: row[name] for name in BY_HAND} == {"tp": 2, "fn": 0, "fp": 1, "tn": 1}
        assert row["processor"] == "ALCD"

    @pytest.mark.parametrize("at_once", [2, 2**19])
    def test_scenes_are_told_apart(self, tmp_path: Path, at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("alcd_otb.masks.hollstein._ROWS_AT_ONCE", at_once)
        other = OLD_NAME.replace("V20160417", "V20160507")
        rows = [(50, *geographic(0.5, 0.5), name, self.GRANULE) for name in (OLD_NAME, other, other)]
        path = write_hollstein(tmp_path / "labels.h5", rows)
        found, failures = read_all([str(path)], readers(CLOUDS.legend, None, labelled=True))
        assert failures == []
        assert [one.acquisition.name for one in found] == [f"{TILE}_20160417", f"{TILE}_20160507"]
        grid = Grid("EPSG:32631", LEFT, TOP, 60, 6, 6)
        assert [one.locate(grid)[2].size for one in found if isinstance(one, LabelledReference)] == [1, 2]

    def test_without_h5py_the_package_to_install_is_named(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = self.hollstein(tmp_path, [(50, 0.5, 0.5)])
        monkeypatch.setitem(sys.modules, "h5py", None)
        write_raster(tmp_path / "products" / "T31TFJ_20160417T110652_SCL_60m.tif", np.full((6, 6), 4, np.uint8), 60)
        with pytest.raises(EnvironmentNotReadyError, match="python3-h5py"):
            run(path, tmp_path / "products", tmp_path / "out")

    @pytest.mark.parametrize("form", ["GeoJSON", "GPKG", "ESRI Shapefile"])
    def test_class_polygons(self, tmp_path: Path, form: str) -> None:
        """A polygon over 2 x 3 cells of cloud, one over 2 x 2 of land; Sen2Cor has cloud in the row 0."""
        suffix = {"GeoJSON": ".geojson", "GPKG": ".gpkg", "ESRI Shapefile": ".shp"}[form]
        path = tmp_path / f"T31TFJ_20171002T103009_polygons{suffix}"
        source = gdal.GetDriverByName(form).Create(str(path), 0, 0, 0, gdal.GDT_Unknown)
        reference = osr.SpatialReference()
        reference.ImportFromEPSG(4326 if form == "GeoJSON" else 32631)
        reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
        layer = source.CreateLayer("polygons", reference, ogr.wkbPolygon)
        layer.CreateField(ogr.FieldDefn("class", ogr.OFTString))
        for name, (top, left, bottom, right) in {"low_clouds": (0, 0, 2, 3), "land": (3, 3, 5, 5)}.items():
            corners = [(top, left), (top, right), (bottom, right), (bottom, left), (top, left)]
            place: Callable[[float, float], tuple[float, float]] = (
                geographic if form == "GeoJSON" else lambda row, column: (LEFT + 60 * column, TOP - 60 * row)
            )
            ring = ", ".join("{} {}".format(*place(*corner)) for corner in corners)
            feature = ogr.Feature(layer.GetLayerDefn())
            feature.SetField("class", name)
            feature.SetGeometry(ogr.CreateGeometryFromWkt(f"POLYGON (({ring}))"))
            layer.CreateFeature(feature)
        del feature, layer, source
        classes = np.full((6, 6), 4, np.uint8)
        classes[0] = 9
        write_l2a(tmp_path / "products", {60: classes})
        (row,) = run(path, tmp_path / "products", tmp_path / "out").as_json()["rows"]
        assert {name: row[name] for name in BY_HAND} == {"tp": 3, "fn": 3, "fp": 0, "tn": 4}


class TestCommandLine:
    def test_results_go_to_standard_output_as_one_object(self, folder: Path) -> None:
        ended = alcd("compare", folder / "references", folder / "products", "-o", folder / "out", "--json")
        assert ended.returncode == 0, ended.stderr
        content = json.loads(ended.stdout)
        assert content == json.loads((folder / "out" / "comparison.json").read_text("utf-8"))
        assert [row["dilation_m"] for row in content["rows"]] == [0, 180]
        assert set(content["rows"][0]) >= {
            *("scene", "processor", "dilation_m", "tp", "fp", "fn", "tn"),
            *("oa", "balanced_oa", "precision", "recall", "f1", "specificity"),
        }

    def test_a_sweep(self, folder: Path) -> None:
        arguments = ("compare", folder / "references", folder / "products", "-o", folder / "out")
        ended = alcd(*arguments, "--dilate", "0:300:60")
        assert ended.returncode == 0, ended.stderr
        # With 3 cells more on all sides, all is positive on both.
        assert "best of Sen2Cor: 1.0000 at 180 m" in ended.stdout
        rows = json.loads((folder / "out" / "comparison.json").read_text("utf-8"))["rows"]
        assert [row["dilation_m"] for row in rows] == [0, 60, 120, 180, 240, 300]

    def test_a_failure_is_told_by_the_exit_code_after_the_rest_is_done(self, folder: Path) -> None:
        classes = scene_pixels()[1]
        write_native(folder / "products", classes, classes, classes)
        next((folder / "products").glob("*.DBL.DIR/*_QLT_*")).unlink()
        ended = alcd("compare", folder / "references", folder / "products", "-o", folder / "out")
        assert ended.returncode == 3
        assert "ERROR: " in ended.stderr
        assert "without data cannot be told from clear ground" in ended.stderr
        assert "Sen2Cor" in ended.stdout
        assert len(json.loads((folder / "out" / "comparison.json").read_text("utf-8"))["rows"]) == 2

    def test_who_wrote_a_mask_of_fmask_can_be_said(self, folder: Path) -> None:
        """Codes 2 and 3: cloud and shadow of python-fmask, shadow and snow of GERSL's."""
        codes, _ = scene_pixels()
        fmask = np.select([codes == 2, codes == 4], [2, 3], 1).astype(np.uint8)
        file = write_raster(folder / "fmask" / f"{L1C_NAME}_fmask.tif", fmask, 60)
        arguments = ("compare", folder / "references", file, "-o", folder / "out")
        assert "state it with --fmask" in refused(3, *arguments)
        for kind, recall in (("python-fmask", 1), ("gersl", 2 / 3)):
            ended = alcd(*arguments, "--fmask", kind, "--dilate", "0", "--json")
            assert ended.returncode == 0, ended.stderr
            assert json.loads(ended.stdout)["rows"][0]["recall"] == pytest.approx(recall)

    def test_nothing_to_compare_is_an_error(self, folder: Path) -> None:
        write_raster(folder / "other" / "T31TFK_20171002T103009_SCL_20m.tif", scene_pixels()[1], 60)
        message = refused(3, "compare", folder / "references", folder / "other", "-o", folder / "out")
        assert "no product shows the tile and time of a reference" in message
        assert leftovers(folder / "out") == []
        assert not (folder / "out" / "comparison.json").exists()

    def test_a_path_that_is_not_there(self, folder: Path) -> None:
        assert "there is no such file" in refused(3, "compare", folder / "nothing", folder / "products")

    @pytest.mark.parametrize("text", ["60:0", "0:300:0", "a,b", ""])
    def test_wrong_sweeps_are_refused(self, folder: Path, text: str) -> None:
        ended = alcd("compare", folder / "references", folder / "products", "--dilate", text)
        assert ended.returncode == 2

    def test_a_descending_list_is_refused(self, folder: Path) -> None:
        message = refused(2, "compare", folder / "references", folder / "products", "--dilate", "180,0")
        assert "is not in ascending order" in message
