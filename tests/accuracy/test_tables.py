"""The tables of an accuracy estimate, as they are to look."""

from alcd_otb.accuracy.figures import ClassFigures
from alcd_otb.accuracy.stratified import Estimate
from alcd_otb.accuracy.tables import AccuracyTable

HALF = Estimate(0.5, 0.1, 0.25, 0.75)
CLOUD = ClassFigures("cloud", 3, 4, 12.4, HALF, None, HALF, HALF, Estimate(1200.0, 10.0, 1000.0, 1400.0))
INVALID = ClassFigures("invalid", 3, 4, 12.4, None, HALF, None, None, None)
VALID = ClassFigures("valid", 9, 8, 100.0, None, None, None, None, None)
BOTH = AccuracyTable(HALF, (CLOUD,), "invalid/valid", None, (INVALID, VALID))
ALL_CLASSES = AccuracyTable(HALF, (CLOUD,), "invalid/valid", None, ())


def test_csv_has_a_line_for_each_figure_and_no_value_where_it_is_undefined() -> None:
    assert ALL_CLASSES.as_csv().splitlines() == [
        "class,figure,estimate,standard_error,low,high",
        "all,overall accuracy,0.5,0.1,0.25,0.75",
        "cloud,user's accuracy,0.5,0.1,0.25,0.75",
        "cloud,producer's accuracy,,,,",
        "cloud,F1,0.5,0.1,0.25,0.75",
        "cloud,share of the area,0.5,0.1,0.25,0.75",
        "cloud,hectares,1200,10,1000,1400",
    ]
    assert BOTH.as_csv().splitlines()[2] == "invalid/valid,overall accuracy,,,,"
    assert len(BOTH.as_csv().splitlines()) == 1 + 2 + 3 * 5


def test_text_is_aligned() -> None:
    assert BOTH.as_text(["iteration 1"]).splitlines() == [
        "iteration 1",
        "overall accuracy        0.500 [0.250, 0.750]",
        "invalid/valid accuracy  -",
        "         user's accuracy        producer's accuracy    true area in hectares (mapped)",
        "cloud    0.500 [0.250, 0.750]   -                      1200 [1000, 1400] (12)",
        "invalid  -                      0.500 [0.250, 0.750]   - (12)",
        "valid    -                      -                      - (100)",
    ]
    assert "invalid" not in "".join(ALL_CLASSES.as_text([]).splitlines()[1:])
