"""FormulaEvaluation against NumPy, to the bit, against BandMath and against values computed by hand."""

import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from osgeo import gdal

from otb_pipelines.app import Application, Output, Target
from otb_pipelines.errors import OtbError
from otb_pipelines.settings import Settings

SETTINGS = Settings(ram=64, threads=2)
LARGEST = np.finfo(np.float32).max
# Either sign of 0, numbers that are not normal ones, and some whose sums, squares and quotients no float holds.
SPECIAL = (0.0, -0.0, 1, -1, 2, 0.5, -0.5, 1.5, 4, np.nan, np.inf, -np.inf, 1e-40, -1e-40, 1e-30, 1e30, 3e38, -3e38)

Array = NDArray[Any]


def write(path: Path, bands: Array, west: float = 300000) -> Path:
    """bands: (rows, columns), or of several bands (bands, rows, columns)."""
    bands = bands.reshape(-1, *bands.shape[-2:])
    kind = {"uint8": gdal.GDT_Byte, "uint16": gdal.GDT_UInt16, "float32": gdal.GDT_Float32}[bands.dtype.name]
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), bands.shape[2], bands.shape[1], len(bands), kind)
    dataset.SetGeoTransform((west, 10, 0, 4900020, 0, -10))
    dataset.SetProjection("EPSG:32631")
    for number, values in enumerate(bands, start=1):
        dataset.GetRasterBand(number).WriteArray(values)
    return path


def evaluated(
    images: Sequence[Path | Output], formula: str, application: str = "FormulaEvaluation", rows: int | None = None
) -> Array:
    path = f"/vsimem/{application}.tif"
    target = Target(Path(path), rows=rows)
    Application(application, {"il": images, "exp": formula}, SETTINGS).write({"out": target})
    values: Array = gdal.Open(path).ReadAsArray()
    gdal.Unlink(path)
    return values


def special_values() -> Array:
    """Three bands: all pairs of special values in the first two, then others of all magnitudes."""
    random = np.random.default_rng(5)
    first, second = np.meshgrid(SPECIAL, SPECIAL)
    special = np.stack([first.ravel(), second.ravel(), random.choice(SPECIAL, first.size)])
    others = random.normal(size=(3, 576)) * 10.0 ** random.integers(-4, 5, (3, 576))
    return np.concatenate([special, others], axis=1).astype(np.float32).reshape(3, 3, 300)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("formulas")
    return [write(folder / f"{number}.tif", one) for number, one in enumerate(special_values())]


@pytest.fixture(scope="module")
def hand(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Four of a pixel: 1, 2, 3 and 4."""
    folder = tmp_path_factory.mktemp("hand")
    return [write(folder / f"{value}.tif", np.full((1, 1), value, np.float32)) for value in range(1, 5)]


def assert_as_bandmath(images: Sequence[Path], formula: str) -> None:
    """But for the last bit, since muParser reorders sums; NaN where BandMath stores the largest number for infinity.

    Where a band is NaN, BandMath may give a number, and FormulaEvaluation is compared with NumPy alone.
    """
    theirs = evaluated(images, formula, "BandMath")
    theirs[np.abs(theirs) == LARGEST] = np.nan
    known = ~np.isnan(special_values()).any(axis=0)
    ours = evaluated(images, formula)
    np.testing.assert_allclose(ours[known], theirs[known], rtol=2**-23, atol=1e-44, err_msg=formula)


@dataclass(frozen=True)
class Term:
    """A formula, and its values in 64 bits."""

    text: str
    values: Array


def of_known(function: Callable[[Array, Array], Array]) -> Callable[[Array, Array], Array]:
    """NaN where either operand is NaN, where NumPy's function may give a number."""
    return lambda left, right: np.where(np.isnan(left) | np.isnan(right), np.nan, function(left, right))


OPERATORS: dict[str, Callable[[Array, Array], Array]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
    "&&": np.logical_and,
    "||": np.logical_or,
}
# Those that IEEE 754 defines to the bit, whoever computes them.
FUNCTIONS: dict[str, Callable[..., Array]] = {
    "sqrt": np.sqrt,
    "abs": np.abs,
    "min": of_known(lambda left, right: np.where(right < left, right, left)),
    "max": of_known(lambda left, right: np.where(left < right, right, left)),
    "isfinite": lambda one: np.isfinite(one) * 1.0,
}


class TestAsNumPy:
    values = special_values()
    numbers = ("0", "1", "2", "0.5", "0.1", "1e-05", "7.25", "1e+16")

    @classmethod
    def terms(cls) -> st.SearchStrategy[Term]:
        bands = [Term(f"im{number}b1", one) for number, one in enumerate(cls.values.astype(float), start=1)]
        numbers = [Term(number, np.full(cls.values.shape[1:], float(number))) for number in cls.numbers]
        return st.recursive(st.sampled_from(2 * bands + numbers), cls.compounds, max_leaves=12)

    @staticmethod
    def compounds(inner: st.SearchStrategy[Term]) -> st.SearchStrategy[Term]:
        def operation(sign: str, left: Term, right: Term) -> Term:
            with np.errstate(all="ignore"):
                return Term(f"({left.text} {sign} {right.text})", of_known(OPERATORS[sign])(left.values, right.values))

        def call(name: str, *terms: Term) -> Term:
            with np.errstate(all="ignore"):
                result = FUNCTIONS[name](*(term.values for term in terms))
            return Term(f"{name}({','.join(term.text for term in terms)})", result)

        def choice(condition: Term, yes: Term, no: Term) -> Term:
            text = f"({condition.text}?{yes.text}:{no.text})"
            chosen = np.where(condition.values != 0, yes.values, no.values)
            return Term(text, np.where(np.isnan(condition.values), np.nan, chosen))

        return st.one_of(
            st.builds(operation, st.sampled_from([*OPERATORS, *"+-*/"]), inner, inner),
            st.builds(lambda one: Term(f"(-{one.text})", -one.values), inner),
            st.builds(choice, inner, inner, inner),
            st.builds(call, st.sampled_from(["sqrt", "abs", "isfinite"]), inner),
            st.builds(call, st.sampled_from(["min", "max"]), inner, inner),
        )

    @settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(term=st.deferred(lambda: TestAsNumPy.terms()))
    def test_at_random(self, images: list[Path], term: Term) -> None:
        with np.errstate(all="ignore"):
            expected = term.values.astype(np.float32)
        expected[~np.isfinite(expected)] = np.nan
        made = evaluated(images, term.text)
        np.testing.assert_array_equal(made, expected, err_msg=term.text)
        zeros = expected == 0
        np.testing.assert_array_equal(np.signbit(made[zeros]), np.signbit(expected[zeros]), err_msg=term.text)


class TestAsBandMath:
    @pytest.mark.parametrize(
        "formula",
        [
            "im1b1",
            "-im1b1",
            "+im1b1",
            "im1b1+im2b1",
            "im1b1-im2b1",
            "im1b1*im2b1",
            "im1b1/im2b1",
            "im1b1^im2b1",
            "im1b1<im2b1",
            "im1b1<=im2b1",
            "im1b1>im2b1",
            "im1b1>=im2b1",
            "im1b1==im2b1",
            "im1b1!=im2b1",
            "im1b1&&im2b1",
            "im1b1||im2b1",
            "im1b1?im2b1:im3b1",
            "sqrt(im1b1)",
            "exp(im1b1)",
            "ln(im1b1)",
            "abs(im1b1)",
            "min(im1b1,im2b1)",
            "max(im1b1,im2b1)",
            "min(im1b1,im2b1,0.5)",
            "max(1,im1b1,im2b1,im3b1)",
            "1e-05*im1b1",
            "im1b1+.5-5.",
            "7",
            "0/0",
            # What binds how.
            "-im1b1^2",
            "-im1b1^-im2b1",
            "-im1b1*im2b1",
            "im1b1*-im2b1+im3b1",
            "im1b1-im2b1-im3b1",
            "im1b1-im2b1+im3b1",
            "im1b1/im2b1/im3b1",
            "im1b1/im2b1*im3b1",
            "im1b1+im2b1*im3b1^2",
            "im1b1<im2b1<im3b1",
            "im1b1==im2b1>im3b1",
            "im1b1+1<im2b1*2",
            "im1b1>0&&im2b1>0||im3b1>0",
            "im1b1||im2b1&&im3b1",
            "im1b1>0?im2b1>0?1:2:3",
            "im1b1>0?1:im2b1>0?2:3",
            "im1b1>0?1:2+im3b1",
            "im1b1||im2b1?im1b1+1:im2b1-1",
            # What muParser simplifies: constants, powers, and sums and multiples of a band.
            "im1b1^0",
            "im1b1^1",
            "im1b1^2",
            "im1b1^3",
            "im1b1^4",
            "im1b1^5",
            "im1b1^0.5",
            "(im1b1*im2b1)^2",
            "im1b1*im1b1",
            "im1b1+im1b1",
            "im1b1+0.1+0.2",
            "0.1-im1b1",
            "(im1b1*0.1-0.7)*0.3/7",
            "2*im1b1-0.3*im1b1",
            "-(7.25)*im1b1",
            "-2^2",
            # What the project writes.
            "((im1b1-im2b1)/(im1b1+im2b1))",
            "im1b1 > 0 && im2b1 == 0",
        ],
    )
    def test_by_hand(self, images: list[Path], formula: str) -> None:
        assert_as_bandmath(images, formula)

    @pytest.mark.parametrize(
        "formula",
        [
            "im1b1^im2b1^im3b1",
            "im1b1^-im2b1^im3b1",
            "im3b1*0==0 ? ((im1b1 >= 1.6552 || im2b1 >= 1.6552) ? 2 : 1) : 0",
            "((im1b1/im2b1)-(im1b1/im2b1))==0 ? max((im1b1/im2b1)/0.02,-32767) : -32768",
        ],
    )
    def test_where_no_part_of_the_formula_is_nan(self, images: list[Path], formula: str) -> None:
        """BandMath makes numbers of a root of -8 to the power of 0, and of 0/0 compared with 0."""
        ours, theirs = evaluated(images, formula), evaluated(images, formula, "BandMath")
        known = ~np.isnan(ours)
        assert known.mean() > 0.3
        np.testing.assert_allclose(ours[known], theirs[known], rtol=2**-23, atol=1e-44)

    def test_georeferencing_and_metadata(self, images: list[Path], tmp_path: Path) -> None:
        written = []
        for application in ("BandMath", "FormulaEvaluation"):
            path = tmp_path / f"{application}.tif"
            Application(application, {"il": images, "exp": "im1b1"}, SETTINGS).write({"out": Target(path)})
            dataset = gdal.Open(str(path))
            written.append((dataset.GetGeoTransform(), dataset.GetProjection(), dataset.GetMetadata()))
        assert written[0] == written[1]
        assert written[0][0] == (300000, 10, 0, 4900020, 0, -10)


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        # At im1b1 = 1, im2b1 = 2, im3b1 = 3, im4b1 = 4.
        ("-im2b1^2", -4),
        ("im2b1^im3b1^im2b1", 512),
        ("im2b1^-im1b1", 0.5),
        ("im4b1-im3b1-im2b1", -1),
        ("im4b1/im2b1/im4b1", 0.5),
        ("im1b1+im2b1*im3b1", 7),
        ("(im1b1+im2b1)*im3b1", 9),
        ("im1b1<im2b1", 1),
        ("im2b1<im1b1", 0),
        ("im2b1<=2", 1),
        ("im2b1>2", 0),
        ("im2b1>=2", 1),
        ("im2b1==2", 1),
        ("im2b1!=2", 0),
        ("0 && im1b1 || im1b1", 1),
        ("0 && (im1b1 || im1b1)", 0),
        ("im1b1>im2b1 ? im3b1 : im4b1", 4),
        ("0 ? 5 : 0 ? 6 : im3b1", 3),
        ("sqrt(im4b1)", 2),
        ("exp(im1b1)", np.e),
        ("ln(im4b1)", 2 * np.log(2)),
        ("abs(im1b1-im4b1)", 3),
        ("min(im3b1,im2b1,im4b1)", 2),
        ("max(im3b1,im2b1)", 3),
        ("im4b1 * 1e-05", 4e-5),
        (" \tim1b1\n", 1),
        ("--im1b1", 1),
        ("(" * 400 + "im2b1" + ")" * 400, 2),
        ("im1b1" + "+im2b1" * 5000, 10001),
    ],
)
def test_by_hand(hand: list[Path], formula: str, expected: float) -> None:
    assert evaluated(hand, formula)[0, 0] == np.float32(expected)


@pytest.mark.parametrize(
    "formula",
    [
        "im1b1/0",
        "-im1b1/0",
        "0/0*im1b1",
        "ln(0)",
        "ln(-im1b1)",
        "sqrt(-im1b1)",
        "exp(im4b1*200)",
        "im4b1*1e38",
        "-3.5e38",
    ],
)
def test_what_no_float_holds_is_nan(hand: list[Path], formula: str) -> None:
    assert np.isnan(evaluated(hand, formula)[0, 0])


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("im1b1 > 0.3", [np.nan, 1, 0, np.nan]),
        ("0.3 != im1b1", [np.nan, 1, 1, np.nan]),
        ("im1b1 == im1b1", [np.nan, 1, 1, np.nan]),
        ("min(1, im1b1)", [np.nan, 0.5, 0.25, np.nan]),
        ("max(im2b1, im1b1)", [np.nan, 0.5, 2, np.nan]),
        ("max(max(1, im1b1), im2b1)", [np.nan, 1, 2, np.nan]),
        ("im1b1 > 0.3 ? 7 : im2b1", [np.nan, 7, 2, np.nan]),
        ("im2b1 > 1 ? im1b1 : 9", [np.nan, 9, 0.25, np.nan]),
        ("im2b1 < 3 ? im2b1 : im1b1", [2, -4, 2, np.nan]),
        ("im1b1 ^ 0", [np.nan, 1, 1, np.nan]),
        ("1 ^ im1b1", [np.nan, 1, 1, np.nan]),
        ("im1b1 || 1", [np.nan, 1, 1, np.nan]),
        ("0 && im1b1", [np.nan, 0, 0, np.nan]),
        ("exp(-im1b1) > 0", [np.nan, 1, 1, np.nan]),
        ("max(0, ln(im2b1))", [np.log(2), np.nan, np.log(2), np.nan]),
        ("isfinite(im1b1 + im2b1) ? 1 : 0", [0, 1, 1, 0]),
    ],
)
def test_no_data_stays_no_data(tmp_path: Path, formula: str, expected: list[float]) -> None:
    first = write(tmp_path / "first.tif", np.array([[np.nan, 0.5, 0.25, np.nan]], np.float32))
    second = write(tmp_path / "second.tif", np.array([[2, -4, 2, np.nan]], np.float32))
    np.testing.assert_array_equal(evaluated([first, second], formula), np.array([expected], np.float32))


def test_within_a_formula_a_value_may_be_infinite(hand: list[Path]) -> None:
    assert evaluated(hand, "1/(im1b1/0)")[0, 0] == 0
    assert evaluated(hand, "im4b1*1e300 > 1e200")[0, 0] == 1


class TestImages:
    large = np.random.default_rng(6).uniform(0, 1, (3, 211, 523)).astype(np.float32)
    formula = "(im1b3-im2b1)/max(im1b1+im1b2,0.01)"
    expected = ((large[2].astype(float) - large[0]) / np.maximum(large[0].astype(float) + large[1], 0.01)).astype("f4")

    @pytest.fixture
    def files(self, tmp_path: Path) -> list[Path]:
        return [write(tmp_path / "three.tif", self.large), write(tmp_path / "one.tif", self.large[0])]

    @pytest.mark.parametrize("rows", [None, 1, 7, 210])
    def test_strips_are_as_the_whole(self, files: list[Path], rows: int | None) -> None:
        np.testing.assert_array_equal(evaluated(files, self.formula, rows=rows), self.expected)

    @pytest.mark.parametrize("threads", [1, 3])
    def test_threads_are_as_one(self, files: list[Path], threads: int, tmp_path: Path) -> None:
        code = (
            "import sys\nfrom pathlib import Path\n"
            "from otb_pipelines.app import Application, Target\nfrom otb_pipelines.settings import Settings\n"
            "three, one, formula, out = sys.argv[1:]\n"
            f"settings = Settings(ram=64, threads={threads})\n"
            "parameters = {'il': [Path(three), Path(one)], 'exp': formula}\n"
            "application = Application('FormulaEvaluation', parameters, settings)\n"
            "application.write({'out': Target(Path(out))})\n"
        )
        out = tmp_path / "out.tif"
        subprocess.run([sys.executable, "-c", code, *map(str, files), self.formula, str(out)], check=True)
        np.testing.assert_array_equal(gdal.Open(str(out)).ReadAsArray(), self.expected)

    def test_connected_applications(self, files: list[Path]) -> None:
        """A part of an image, of several bands, and one of integers, whose pixels are converted."""
        window = {"startx": 20, "starty": 10, "sizex": 300, "sizey": 100}
        part, one = (Application("ExtractROI", {"in": file, **window}, SETTINGS)["out"] for file in files)
        made = evaluated([part, one], self.formula, rows=9)
        np.testing.assert_array_equal(made, self.expected[10:110, 20:320])
        labels = Application("FormulaEvaluation", {"il": [part], "exp": "im1b1 > 0.5"}, SETTINGS)["out"]
        kept = Application("ClassificationMapCleaning", {"labels": labels, "radius": 0}, SETTINGS)["out"]
        made = evaluated([kept, labels, part], "im1b1*10+im2b1+im3b2")
        above = (self.large[0] > 0.5).astype(float) * 11 + self.large[1]
        np.testing.assert_array_equal(made, above[10:110, 20:320].astype(np.float32))

    def test_files_of_integers(self, tmp_path: Path) -> None:
        small = np.arange(12, dtype=np.uint8).reshape(3, 4)
        wide = np.stack([small.astype(np.uint16) * 5000, small.astype(np.uint16)])
        made = evaluated([write(tmp_path / "a.tif", small), write(tmp_path / "b.tif", wide)], "im2b1-im1b1*im2b2")
        np.testing.assert_array_equal(made, wide[0] - small.astype(np.float32) ** 2)

    def test_other_pixel_types_are_written(self, tmp_path: Path) -> None:
        image = write(tmp_path / "a.tif", np.array([[1, 300, -4]], np.float32))
        target = Target(tmp_path / "out.tif", "uint8")
        Application("FormulaEvaluation", {"il": [image], "exp": "im1b1"}, SETTINGS).write({"out": target})
        assert gdal.Open(str(target.path)).ReadAsArray().tolist() == [[1, 255, 0]]


class TestRefusals:
    START = "expected a number, a band, a function or ("
    NAME = "expected a band as im1b1, or one of sqrt, exp, ln, abs, min, max, isfinite"
    END = "expected an operator or the end"

    @pytest.mark.parametrize(
        ("formula", "character", "reason"),
        [
            (" ", 2, START),
            ("im1b1 +", 8, START),
            ("im1b1 * / im2b1", 9, START),
            ("()", 2, START),
            ("(im1b1", 7, "expected )"),
            ("im1b1)", 6, END),
            ("im1b1 im2b1", 7, END),
            ("im1b1 = 2", 7, END),
            ("im1b1 & 1", 7, END),
            ("im1b1 % 2", 7, END),
            ("im1b1, 2", 6, END),
            ("2im1b1", 2, END),
            ("0x10", 2, END),
            ("!im1b1", 1, START),
            ("'im1b1'", 1, START),
            ("im1b1é", 6, END),
            ("im1b1 ? 2", 10, "expected :"),
            ("im1b1 ? : 2", 9, START),
            ("im1b1 : 2", 7, END),
            ("im1b1 ^", 8, START),
            (".", 1, "expected a number that 64 bits hold"),
            ("im1b1 * 1e999", 9, "expected a number that 64 bits hold"),
            ("sin(im1b1)", 1, NAME),
            ("log(im1b1)", 1, NAME),
            ("im1b1 + nan", 9, NAME),
            ("inf", 1, NAME),
            ("im1", 1, NAME),
            ("im1b", 1, NAME),
            ("imb1", 1, NAME),
            ("im1b1x", 1, NAME),
            ("im-1b1", 1, NAME),
            ("IM1B1", 1, NAME),
            ("idxX", 1, NAME),
            ("im1b1Mean", 1, NAME),
            ("im99999999999999999999b1", 1, NAME),
            ("sqrt im1b1", 6, "expected ("),
            ("sqrt()", 6, START),
            ("sqrt(im1b1, 2)", 11, "expected )"),
            ("sqrt", 5, "expected ("),
            ("min(im1b1)", 10, "expected ,"),
            ("max(im1b1,)", 11, START),
            ("max(im1b1, 2", 13, "expected )"),
            ("1 + im9b1", 5, "im9b1: there is no image 9 (images: 4)"),
            ("im0b1", 1, "im0b1: there is no image 0 (images: 4)"),
            ("im1b2", 1, "im1b2: image 1 has no band 2 (bands: 1)"),
            ("im2b0", 1, "im2b0: image 2 has no band 0 (bands: 1)"),
            ("(" * 20000 + "im1b1", 501, "nested too deeply"),
            ("-" * 20000 + "im1b1", 1000, "nested too deeply"),
        ],
    )  # fmt: skip
    def test_of_formulas(self, hand: list[Path], formula: str, character: int, reason: str) -> None:
        application = Application("FormulaEvaluation", {"il": hand, "exp": formula}, SETTINGS)
        with pytest.raises(OtbError) as caught:
            application.execute()
        told = f"formula '{' '.join(formula.split()) or ' '}', character {character}: {reason} [FormulaEvaluation "
        assert told in str(caught.value)
        assert "\n" not in str(caught.value)

    @settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(formula=st.text(alphabet="im1b2 +-*/^()<>=!&|?:,.0e_sqrtaxln\t", min_size=1, max_size=30))
    def test_any_text_has_a_value_or_is_refused(self, hand: list[Path], formula: str) -> None:
        try:
            values = evaluated(hand, formula)
        except OtbError as error:
            message = str(error)
        else:
            assert values.shape == (1, 1)
            return
        assert "\n" not in message
        assert ", character " in message

    def test_of_images_of_several_sizes(self, tmp_path: Path) -> None:
        values = np.zeros((3, 4), np.float32)
        files = [write(tmp_path / "a.tif", values), write(tmp_path / "b.tif", values[:2])]
        with pytest.raises(OtbError, match=r"image 1 is 4 x 3 pixels, and image 2 4 x 2 \["):
            evaluated(files, "im1b1+im2b1")

    def test_of_images_of_several_places(self, tmp_path: Path) -> None:
        values = np.zeros((3, 4), np.float32)
        files = [write(tmp_path / "a.tif", values), write(tmp_path / "b.tif", values, west=300010)]
        told = "image 1 has its origin at [300005, 4900015] and pixels of [10, 10], and image 2 at [300015, 4900015]"
        with pytest.raises(OtbError, match=re.escape(told)):
            evaluated(files, "im1b1+im2b1")

    def test_of_no_image(self) -> None:
        with pytest.raises(OtbError, match="there is no image"):
            evaluated([], "1")

    def test_of_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(OtbError, match=r"none\.tif"):
            evaluated([tmp_path / "none.tif"], "im1b1")
