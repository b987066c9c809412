"""The report of an iteration: the right numbers, whole in one file, and safe whatever the names are."""

import base64
import io
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lxml import html
from osgeo import gdal
from PIL import Image
from scenes import FinishedScene, write_scene

from alcd_otb.iterations.history import Iteration
from alcd_otb.iterations.validation import CROSS_VALIDATION, Validation
from alcd_otb.pages.html import count, in_percent, percent, share
from alcd_otb.report.page import evolution, write_report
from alcd_otb.scene import Scene
from alcd_otb.settings.scene_file import SceneConfig
from alcd_otb.workspace import Workspace


def parsed(page: Path) -> Any:
    return html.fromstring(page.read_text("utf-8"), parser=html.HTMLParser(encoding="utf-8"))


def squeezed(element: Any) -> str:
    return " ".join(element.text_content().split())


def table(page: Any, caption: str) -> list[list[str]]:
    """Read the cells of the table of a caption, with its head."""
    (found,) = [one for one in page.iter("table") if caption in "".join(map(squeezed, one.iterfind("caption")))]
    return [[squeezed(cell) for cell in row.iterfind("*")] for row in found.iter("tr")]


def in_words(number: int) -> str:
    return count(number).replace("\N{NARROW NO-BREAK SPACE}", " ")


def numbers(row: list[str]) -> list[int]:
    return [int(cell.replace(" ", "")) for cell in row]


def picture(page: Any, name: str) -> Any:
    (image,) = page.xpath(f"//figure[@data-view='{name}']/img")
    head, content = image.get("src").split(",")
    assert head in ("data:image/png;base64", "data:image/jpeg;base64")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(content))).convert("RGB"))


@pytest.fixture(scope="module")
def report(finished: FinishedScene) -> Any:
    return parsed(finished.iteration / "report.html")


@pytest.fixture
def copied(finished: FinishedScene, tmp_path: Path) -> Callable[..., Any]:
    """Return a function that changes metrics.json and config.json of the scene and makes its report."""
    workspace = Workspace(tmp_path / "work")
    shutil.copytree(finished.result.workspace, workspace.folder, symlinks=True)
    folder = workspace.iterations()[-1]

    def made(config: dict[str, Any] | None = None, **metrics: Any) -> Any:
        for name, changes in (("metrics.json", metrics), ("config.json", config or {})):
            content = json.loads((folder / name).read_text())
            (folder / name).write_text(json.dumps({**content, **changes}))
        write_report(workspace, folder, 1, finished.scene.config.template.legend)
        return parsed(folder / "report.html")

    return made


class TestNumbers:
    def test_matrices_are_those_of_the_metrics(self, report: Any, finished: FinishedScene) -> None:
        metrics = finished.result.accuracy
        assert metrics is not None
        for caption, part in (("All classes", metrics), ("Invalid and valid", metrics["invalid_valid"])):
            head, *rows = table(report, caption)
            assert head == ["reference \\ map", *part["classes"], "sum"]
            assert [row[0] for row in rows] == part["classes"]
            assert [numbers(row[1:-1]) for row in rows] == part["matrix"]
            assert [numbers(row[-1:]) for row in rows] == [[sum(row)] for row in part["matrix"]]

    def test_metrics(self, report: Any, finished: FinishedScene) -> None:
        metrics = finished.result.accuracy
        assert metrics is not None
        rows = {row[0]: row[1:] for row in table(report, "Together")}
        binary = metrics["invalid_valid"]
        assert rows["overall accuracy"] == [share(metrics["overall_accuracy"]), share(binary["overall_accuracy"])]
        assert rows["F1 of invalid"][1] == share(binary["f1"])
        by_class = {row[0]: row[1:] for row in table(report, "By class")[1:]}
        for name, one in metrics["by_class"].items():
            assert by_class[name][1:] == [share(one["producers_accuracy"]), share(one["users_accuracy"])]

    def test_the_map_s_composition(self, report: Any, finished: FinishedScene) -> None:
        codes = gdal.Open(str(finished.result.labels)).ReadAsArray()
        legend = finished.scene.config.template.legend
        rows = {row[0]: row[1:] for row in table(report, "The map")[1:]}
        for one in legend.classes:
            pixels = int((codes == one.code).sum())
            if pixels:
                assert rows[one.name] == [in_words(pixels), f"{100 * pixels / (codes > 0).sum():.1f} %"]
        invalid = np.isin(codes, legend.invalid_codes).sum() / (codes > 0).sum()
        assert f"{100 * invalid:.1f} % of the map is invalid" in squeezed(report)

    def test_where_it_comes_from(self, report: Any, finished: FinishedScene) -> None:
        text = squeezed(report)
        for product in (finished.synthetic.cloudy, finished.synthetic.clear):
            assert product.name.removesuffix(".SAFE") in text
        assert gdal.__version__ in text
        assert "classifier.rf.nbtrees: 100" in text
        warnings = [squeezed(one) for one in report.xpath("//ul[@class='warnings']/li")]
        assert finished.result.accuracy is not None
        assert warnings == [" ".join(one.split()) for one in finished.result.accuracy["warnings"]]

    def test_the_validation_is_called_what_it_is(self, report: Any) -> None:
        text = squeezed(report)
        assert "The operator chose the samples: they are not a random sample" in text
        assert "python -m alcd_otb accuracy plan" in text
        headings = [squeezed(one).lower() for one in report.xpath("//h1|//h2|//h3|//caption")]
        assert not any("accuracy of the mask" in one for one in headings)


class TestPictures:
    def test_classes_have_their_colours_in_their_places(self, report: Any, finished: FinishedScene) -> None:
        codes = gdal.Open(str(finished.result.labels)).ReadAsArray()
        shown = picture(report, "classes")
        side = shown.shape[0] // codes.shape[0]
        centres = shown[side // 2 :: side, side // 2 :: side]
        for one in finished.scene.config.template.legend.classes:
            assert (centres[codes == one.code] == one.rgb).all()
        assert (centres[codes == 0] == 255).all()

    def test_confidence_is_the_darker_the_surer(self, report: Any, finished: FinishedScene) -> None:
        values = gdal.Open(str(finished.iteration / "confidence_smoothed.tif")).ReadAsArray()
        shown = picture(report, "confidence")
        side = shown.shape[0] // values.shape[0]
        centres = shown[side // 2 :: side, side // 2 :: side]
        assert (centres[values >= 0.9] == (0x00, 0x20, 0x4D)).all()
        assert (centres[(values > 0) & (values < 0.5)] == (0xFF, 0xEA, 0x46)).all()
        assert (centres[values == 0] == 255).all()

    def test_image_and_contours_are_the_quicklook_made_small(self, report: Any, finished: FinishedScene) -> None:
        quicklook = np.asarray(Image.open(finished.scene.workspace.quicklook).reduce(2)).astype(int)
        image, contours = (picture(report, name).astype(int) for name in ("image", "contours"))
        assert image.shape == contours.shape == quicklook.shape
        # What JPEG leaves of it.
        assert np.abs(image - quicklook).mean() < 6
        outlined = np.abs(contours - image).max(-1) > 60
        assert 0.002 < outlined.mean() < 0.2

    def test_a_view_without_true_colour(self, finished: FinishedScene, tmp_path: Path) -> None:
        view = {"resolution": 60, "layers": [{"name": "cirrus", "expr": "B10"}]}
        scene = write_scene(tmp_path / "scene.json", finished.synthetic, set={"margin": 120, "view": view})
        result = Scene.open(scene).run()
        assert result.report is not None
        names = [one.get("data-view") for one in parsed(result.report).iter("figure")]
        assert names == ["classes", "confidence"]


class TestOneFile:
    def test_needs_no_network(self, finished: FinishedScene) -> None:
        text = (finished.iteration / "report.html").read_text("utf-8")
        assert "://" not in re.sub(r"data:image/\w+;base64,[\w+/=]+", "", text)
        page = parsed(finished.iteration / "report.html")
        for element in page.iter():
            for name in ("src", "href", "data", "srcset", "poster", "action"):
                address = element.get(name) if isinstance(element.tag, str) else None
                assert address is None or address.startswith(("data:image/", "#"))
        assert not page.xpath("//link|//iframe|//object|//embed|//base")
        assert "@import" not in text
        assert "url(" not in text

    def test_is_small(self, finished: FinishedScene) -> None:
        assert (finished.iteration / "report.html").stat().st_size < 5e6

    def test_anchors_lead_somewhere(self, report: Any) -> None:
        for link in report.xpath("//a/@href"):
            assert report.xpath(f"//*[@id='{link.removeprefix('#')}']")

    def test_text_is_escaped(self, copied: Callable[..., Any], finished: FinishedScene) -> None:
        evil = '<script>alert("&")</script>'
        config: SceneConfig = finished.scene.config
        scene = json.loads(config.model_dump_json()) | {"name": evil}
        page = copied({"scene": scene}, warnings=[evil], samples={evil: 3}, map_pixels={evil: 7})
        assert len(page.xpath("//script")) == 1
        assert squeezed(page.find(".//h1")) == f"{evil}, iteration 1"
        assert squeezed(page.find(".//ul/li")) == evil
        assert evil in [squeezed(one) for one in page.iter("th")]


class TestWhatIsNotAlwaysThere:
    def test_corrections(self, copied: Callable[..., Any], report: Any) -> None:
        assert not report.xpath("//*[@id='corrections']")
        page = copied(corrections={"by_class": {"snow": {"polygons": 2, "pixels": 1234, "changed_pixels": 56}}})
        (heading,) = page.xpath("//*[@id='corrections']")
        rows = [[squeezed(cell) for cell in row] for row in heading.getnext().iter("tr")]
        assert rows[1] == ["snow", "2", in_words(1234), "56"]

    def test_an_estimate_of_the_mask_s_accuracy(self, copied: Callable[..., Any], tmp_path: Path) -> None:
        estimate = {"estimate": 0.941, "standard_error": 0.01, "low": 0.9214, "high": 0.9606}
        content = {
            "iteration": 1,
            "labelled": 200,
            "confidence": 0.95,
            "overall_accuracy": estimate,
            "invalid_valid": {"overall_accuracy": {**estimate, "estimate": 0.97, "low": 0.95, "high": 0.99}},
        }
        (tmp_path / "work" / "accuracy_estimate.json").write_text(json.dumps(content))
        head, *rows = table(copied(), "200 points labelled blindly")
        assert head == ["", "overall accuracy", "95 % interval"]
        assert rows == [
            ["all classes", "0.941", "0.921 to 0.961"],
            ["invalid/valid", "0.970", "0.950 to 0.990"],
        ]

    @pytest.mark.parametrize("content", ["{", "{}", "[]", '{"overall_accuracy": 1}'])
    def test_an_estimate_that_cannot_be_read(
        self, copied: Callable[..., Any], tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        (tmp_path / "work" / "accuracy_estimate.json").write_text(content)
        assert not copied().xpath("//*[@id='estimate']")
        assert "accuracy_estimate.json: cannot be read" in caplog.text

    def test_no_validation_point(self, copied: Callable[..., Any]) -> None:
        nothing = dict.fromkeys(("overall_accuracy", "kappa"))
        binary = dict.fromkeys(
            ("overall_accuracy", "balanced_accuracy", "kappa", "precision", "recall", "f1", "specificity")
        )
        binary |= {"classes": ["invalid", "valid"], "matrix": [[0, 0], [0, 0]]}  # type: ignore[dict-item]
        page = copied(pixels=0, classes=[], matrix=[], by_class={}, invalid_valid=binary, **nothing)
        assert "There are too few samples to measure it" in squeezed(page)

    def test_a_single_date(self, copied: Callable[..., Any], finished: FinishedScene) -> None:
        products = json.loads((finished.iteration / "config.json").read_text())["products"] | {"clear": None}
        text = squeezed(copied({"products": products}))
        assert "from the one date" in text
        assert "Clear date" not in text

    def test_evolution_needs_two_iterations(self, report: Any) -> None:
        assert not report.xpath("//svg")
        one = Iteration(1, Path("001"), points={"land": 3}, overall_accuracy=0.9, two_class_accuracy=0.8)
        assert evolution([one]) == ()
        two = Iteration(2, Path("002"), points={"land": 9}, overall_accuracy=1.0, two_class_accuracy=None)
        points, agreement = evolution([one, two])
        assert [label for _, _, label in points.lines[0].dots] == ["iteration 1: 3", "iteration 2: 9"]
        assert [len(line.dots) for line in agreement.lines] == [2, 1]
        assert agreement.title == "Agreement with the validation points"

    def test_figures_of_two_kinds_are_not_drawn_in_one_line(self) -> None:
        folds = Validation(CROSS_VALIDATION, 10, 5000)
        history = [
            Iteration(number, Path(), points={"land": number}, overall_accuracy=0.9, validation=kind)
            for number, kind in enumerate((Validation(), Validation(), folds, folds), start=1)
        ]
        _, agreement = evolution(history)
        assert agreement.title == "Cross-validation of the samples"
        assert [label for _, _, label in agreement.lines[0].dots] == ["iteration 3: 0.9", "iteration 4: 0.9"]

    def test_a_cross_validation_tells_its_folds_and_what_it_left_out(self, copied: Callable[..., Any]) -> None:
        text = squeezed(copied(validation=Validation(CROSS_VALIDATION, 7, 1920, {"snow": 1, "water": 2}).as_json()))
        assert "pixels of the samples by cross-validation in 7 folds, invalid/valid" in text
        assert "Cross-validation: each sample is classified by a classifier" in text
        assert "7 folds of squares of 1.92 km. 1 sample of snow could not be tested" in text
        assert "2 samples of water could not be tested" in text
        assert "validation points" not in text

    def test_an_iteration_of_an_older_version_was_measured_on_samples_kept_out(
        self, copied: Callable[..., Any]
    ) -> None:
        text = squeezed(copied(validation=None))
        assert "pixels of samples kept out of training, invalid/valid; not the accuracy of the map" in text
        assert "folds of squares" not in text


def test_numbers_as_text() -> None:
    assert (share(0.98765), share(None)) == ("0.988", "\N{EN DASH}")
    assert count(1234567) == "1\N{NARROW NO-BREAK SPACE}234\N{NARROW NO-BREAK SPACE}567"
    assert (in_percent(0.53333), in_percent(None)) == ("53.33", "\N{EN DASH}")
    assert (percent(1, 8), percent(1, 0), percent(None, 3)) == ("12.5 %", "\N{EN DASH}", "\N{EN DASH}")
