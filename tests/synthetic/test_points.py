"""The points of the simulated operator."""

import numpy as np
import pytest

from alcd_otb.synthetic import points
from alcd_otb.synthetic.truth import TruthMap


def test_a_class_too_small_for_the_points_is_named() -> None:
    truth = np.full((20, 20), 5, dtype=np.uint8)
    with pytest.raises(ValueError, match="low_clouds: 0 pixels for 3 points"):
        points.place_points(TruthMap(truth, truth, 2), truth > 0, {2: "low_clouds", 5: "land"}, 3, seed=1)


def test_rare_covers_get_more_points_than_their_area() -> None:
    covers = np.repeat(np.array([1, 2, 3], dtype=np.uint8), [1600, 400, 100])
    # Square roots 40 : 20 : 10 share out 14 points as 8 : 4 : 2.
    assert points._shared_out(covers, 14).tolist() == [1] * 8 + [2] * 4 + [3] * 2
