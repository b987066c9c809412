"""Expressions: what is accepted means in OTB what it means in Python; what is not is refused with a reason."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from osgeo import gdal

from alcd_otb.errors import ConfigurationError
from alcd_otb.settings.band_names import KNOWN_NAMES
from alcd_otb.settings.expressions import FUNCTIONS, parse_expression
from otb_pipelines.app import Target
from otb_pipelines.errors import OtbError
from otb_pipelines.masks import build_formula
from otb_pipelines.settings import Settings

OTB = Settings(ram=64, threads=1)
KNOWN = ("B02", "B8A", "clear.B02", "dem")


def real_abs(value: float) -> float:
    """Python's abs of a real number. Its own makes a real of a complex one, such as the root of a negative number."""
    if isinstance(value, complex):
        raise ValueError("not real")
    return abs(value)


PYTHON: dict[str, Any] = {
    "sqrt": math.sqrt,
    "exp": math.exp,
    "log": math.log,
    "abs": real_abs,
    "min": min,
    "max": max,
    "__builtins__": {},
}


class Clear:
    """``clear.B02`` for Python's eval."""

    def __init__(self, value: float) -> None:
        self.B02 = value


def rows(count: int) -> npt.NDArray[np.float32]:
    """(4, count): values of the four names, of either sign and of several magnitudes, and some that are equal."""
    random = np.random.default_rng(8)
    values = random.uniform(-2, 2, (4, count)) * random.choice([0.1, 1, 10], (4, count))
    values[:, 0] = (0.5, 0.5, 2, 1)
    values[:, 1] = (1, 2, 3, 4)
    return np.asarray(values, np.float32)


VALUES = rows(24)


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """One raster of a row for each of KNOWN."""
    folder = tmp_path_factory.mktemp("expressions")
    paths = []
    for name, values in zip(KNOWN, VALUES, strict=True):
        path = folder / f"{name}.tif"
        dataset = gdal.GetDriverByName("GTiff").Create(str(path), values.size, 1, 1, gdal.GDT_Float32)
        dataset.WriteArray(values[None])
        del dataset
        paths.append(path)
    return paths


def by_otb(images: list[Path], text: str) -> npt.NDArray[np.float32]:
    """An expression over KNOWN, evaluated by OTB."""
    variables = {name: f"im{number}b1" for number, name in enumerate(KNOWN, start=1)}
    formula = parse_expression(text, KNOWN).to_muparser(variables.__getitem__)
    target = images[0].with_name("result.tif")
    build_formula([*images], formula, OTB).write({"out": Target(target)})
    dataset = gdal.Open(str(target))
    result: npt.NDArray[np.float32] = dataset.ReadAsArray()[0]
    return result


def by_python(text: str) -> npt.NDArray[np.float64]:
    """The same by Python itself, pixel by pixel; NaN where Python refuses or leaves the reals."""
    code = compile(text, "expression", "eval")
    results = []
    for b02, b8a, clear, dem in VALUES.astype(float).T.tolist():
        names = {"B02": b02, "B8A": b8a, "clear": Clear(clear), "dem": dem}
        try:
            value = eval(code, PYTHON, names)
        # A complex number has no order.
        except (ValueError, ZeroDivisionError, OverflowError, TypeError):
            value = math.nan
        results.append(math.nan if isinstance(value, complex) else float(value))
    return np.array(results)


def assert_agree(text: str, otb: npt.NDArray[np.float32], python: npt.NDArray[np.float64]) -> None:
    """To float32's precision, where Python has a value that a float32 holds."""
    defined = np.isfinite(python) & (np.abs(python) < 1e30)
    np.testing.assert_allclose(otb[defined], python[defined], rtol=2e-6, atol=1e-30, err_msg=text)


class TestMeaning:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            # At B02 = 1, B8A = 2, clear.B02 = 3, dem = 4.
            ("-B8A**2", -4),
            ("(-B8A)**2", 4),
            ("B8A**clear.B02**B8A", 512),
            ("(B8A**clear.B02)**B8A", 64),
            ("B8A**-B02", 0.5),
            ("-B8A**-B8A", -0.25),
            ("dem - clear.B02 - B8A", -1),
            ("dem - (clear.B02 - B8A)", 3),
            ("dem / B8A / B8A", 1),
            ("dem / (B8A / B8A)", 4),
            ("dem / B8A * clear.B02", 6),
            ("dem - B8A * clear.B02", -2),
            ("- - B8A", 2),
            ("+B8A", 2),
            ("B02 - -B8A", 3),
            ("(B8A - dem) / (B8A + dem)", -1 / 3),
            ("sqrt(dem)", 2),
            ("exp(B02)", math.e),
            ("log(exp(B8A))", 2),
            ("log(B8A)", math.log(2)),
            ("abs(B02 - dem)", 3),
            ("min(B8A, dem) + max(B8A, dem)", 6),
            ("B02 < B8A", 1),
            ("B8A < B02", 0),
            ("B8A <= 2", 1),
            ("B8A >= 2.5", 0),
            ("B8A == 2", 1),
            ("B8A != 2", 0),
            ("B8A if B02 > B8A else dem", 4),
            ("B8A if B02 < B8A else dem", 2),
            ("1 + (B8A if B02 > 3 else dem) * 2", 9),
            ("B02 if B02 > 3 else B8A if B02 > 0 else dem", 2),
            ("(B02 < B8A) + (B8A < clear.B02)", 2),
            ("B02 * 1e-3", 0.001),
            ("B02 * 1_000", 1000),
            ("B02 * 0x10", 16),
            ("B02 + .5", 1.5),
            ("B02 / 3", 1 / 3),
            ("B02 * 123456.789", 123456.789),
        ],
    )
    def test_by_hand(self, images: list[Path], text: str, expected: float) -> None:
        assert by_otb(images, text)[1] == pytest.approx(expected, rel=1e-6)

    def test_a_number_of_any_size_is_one_otb_can_read(self, images: list[Path]) -> None:
        assert by_otb(images, "B02 * 1e22 * 1e-22")[1] == pytest.approx(1)
        assert by_otb(images, "B02 * 100000000000000000000000 * 1e-23")[1] == pytest.approx(1)

    def test_a_ratio_over_nothing_is_no_value(self, images: list[Path]) -> None:
        assert not np.isfinite(by_otb(images, "(B02 - B8A) / (B02 - B8A)")[0])


numbers = st.one_of(st.integers(0, 9), st.floats(0.125, 99, width=32)).map(repr)
leaves = st.one_of(st.sampled_from(KNOWN), st.sampled_from(KNOWN), numbers)


def compounds(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/"]), inner).map(" ".join),
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/"]), inner).map(lambda parts: f"({' '.join(parts)})"),
        st.tuples(inner, st.sampled_from(["2", "3", "0.5", "-1", "-B02"])).map("**".join),
        inner.map(lambda one: f"-{one}"),
        st.tuples(inner, st.sampled_from(["<", "<=", ">", ">="]), inner).map(lambda parts: f"({' '.join(parts)})"),
        st.tuples(inner, inner, inner).map(lambda parts: f"({parts[0]} if {parts[1]} > 0 else {parts[2]})"),
        st.tuples(st.sampled_from(["sqrt", "exp", "log", "abs"]), inner).map(lambda parts: f"{parts[0]}({parts[1]})"),
        st.tuples(st.sampled_from(["min", "max"]), inner, inner).map(lambda p: f"{p[0]}({p[1]}, {p[2]})"),
    )


expressions = st.recursive(leaves, compounds, max_leaves=8).map(lambda text: f"{text} + 0 * dem")


class TestProperties:
    @example(text="-abs(B02**0.5) + 0 * dem")
    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(text=expressions)
    def test_otb_and_python_agree(self, images: list[Path], text: str) -> None:
        """Comparisons are left to hand cases where a rounding could tip them; here both sides compute in double."""
        assert_agree(text, by_otb(images, text), by_python(text))

    @settings(max_examples=500)
    @given(text=st.text())
    def test_any_text_is_an_expression_or_refused(self, text: str) -> None:
        self.check(text)

    @settings(max_examples=500)
    @given(text=st.text(alphabet="B028A.clear dem+-*/()<>=,1e_sqrtminif else\n\t'\"[]{}:#@\\", max_size=40))
    def test_any_text_that_looks_like_one_is_an_expression_or_refused(self, text: str) -> None:
        self.check(text)

    @settings(max_examples=500)
    @given(text=expressions, place=st.integers(0, 100), bit=st.text(min_size=1, max_size=2))
    def test_an_expression_with_a_slip_is_an_expression_or_refused(self, text: str, place: int, bit: str) -> None:
        self.check(text[:place] + bit + text[place:])

    @staticmethod
    def check(text: str) -> None:
        try:
            expression = parse_expression(text, KNOWN)
        except ConfigurationError:
            return
        assert expression.names
        assert set(expression.names) <= set(KNOWN)
        used: list[str] = []
        formula = expression.to_muparser(lambda name: used.append(name) or "im1b1")  # type: ignore[func-returns-value]
        assert set(used) == set(expression.names)
        assert formula.count("(") == formula.count(")")


class TestRefusals:
    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("", "is not written correctly"),
            ("B02 +", "is not written correctly"),
            ("(B02", "is not written correctly"),
            ("B02 B03", "is not written correctly"),
            ("B02\0", "is not written correctly"),
            ("8A", "is not written correctly"),
            ("B02 = 3", "is not written correctly"),
            ("B02; B03", "is not written correctly"),
            ("import os", "is not written correctly"),
            ("B2", "'B2' is not known; did you mean 'B12'?"),
            ("B02 + clear.B2", "'clear.B2' is not known; did you mean 'clear.B12'?"),
            ("cloudy.B02", "'cloudy.B02' is not known; did you mean 'clear.B02'?"),
            ("clear", "'clear' is not known; "),
            ("x", "'x' is not known; there are B01, B02, "),
            ("1 + 1", "names no band; write at least one of B01, B02"),
            ("sin(B02)", "function 'sin' is not known; there are sqrt, exp, log, abs, min, max"),
            ("B02(1)", "function 'B02' is not known"),
            ("B02.sqrt(1)", "function 'B02.sqrt' is not known"),
            ("(lambda: B02)()", "function 'lambda: B02' is not known"),
            ("__import__('os').system('true')", "is not known"),
            ("min(B02)", "min takes 2 argument(s)"),
            ("min(B02, B03, B04)", "min takes 2 argument(s)"),
            ("sqrt()", "sqrt takes 1 argument(s)"),
            ("sqrt(x=B02)", "sqrt takes 1 argument(s)"),
            ("sqrt(*B02)", "'*B02' is not allowed"),
            ("B02 // B03", "'B02 // B03' is not allowed; use + - * / ** and functions"),
            ("B02 % 2", "'B02 % 2' is not allowed"),
            ("B02 & B03", "'B02 & B03' is not allowed"),
            ("not B02", "'not B02' is not allowed"),
            ("~B02", "'~B02' is not allowed"),
            ("B02 and B03", "'B02 and B03' is not allowed"),
            ("1 < B02 < 2", "'1 < B02 < 2' is not allowed"),
            ("B02 in B03", "'B02 in B03' is not allowed"),
            ("[B02]", "'[B02]' is not allowed"),
            ("B02[0]", "'B02[0]' is not allowed"),
            ("B02, B03", "'(B02, B03)' is not allowed"),
            ("(B02 := 3)", "'(B02 := 3)' is not allowed"),
            ("lambda: B02", "'lambda: B02' is not allowed"),
            ("clear.B02.B03", "'clear.B02.B03' is not allowed"),
            ("f'{B02}'", "is not allowed"),
            ("not " + "-" * 900 + "B02", ""),
            ("1if B02 else 2", "is not written correctly (invalid decimal literal"),
            ("B02 + 'x'", "'x' is not a number"),
            ("B02 + True", "True is not a number"),
            ("B02 + None", "None is not a number"),
            ("B02 + ...", "Ellipsis is not a number"),
            ("B02 + 1j", "1j is not a number"),
            ("B02 + 1e999", "a number in it is too large"),
            ("B02 + 1" + 400 * "0", "a number in it is too large"),
            ("B02 + 1" + 5000 * "0", "is not written correctly"),
            ("(" * 300 + "B02" + ")" * 300, "is not written correctly"),
            ("-" * 150 + "B02", "is nested too deeply; make several features of it"),
            ("-" * 5000 + "B02", "is nested too deeply"),
            ("B02" + "+B02" * 200, "is nested too deeply"),
            ("B02" + "+B02" * 20000, "is nested too deeply"),
        ],
    )
    def test_tell_the_reason(self, text: str, reason: str) -> None:
        with pytest.raises(ConfigurationError) as caught:
            parse_expression(text, KNOWN_NAMES)
        assert str(caught.value).startswith("expression ")
        assert reason in str(caught.value)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 700

    def test_names_come_in_the_order_of_first_appearance(self) -> None:
        expression = parse_expression("(clear.B02 - B02) / (B02 + dem) + clear.B02", KNOWN)
        assert expression.names == ("clear.B02", "B02", "dem")

    def test_every_function_is_one_of_otb(self, images: list[Path]) -> None:
        for function, count in FUNCTIONS.items():
            text = f"{function}({', '.join(['dem'] * count)})"
            assert_agree(text, by_otb(images, text), by_python(text))

    def test_an_expression_that_otb_refuses_is_told_with_its_words(self, images: list[Path]) -> None:
        target = images[0].with_name("refused.tif")
        with pytest.raises(
            OtbError,
            match=r"^OTB application FormulaEvaluation failed: .*im9b1.* \[FormulaEvaluation -il /.* -exp im9b1",
        ):
            build_formula([*images], "im9b1 + 1", OTB).write({"out": Target(target)})
