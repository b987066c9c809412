"""The shadows that the terrain of the synthetic scenes casts."""

import numpy as np
import pytest

from alcd_otb.synthetic import terrain


@pytest.mark.parametrize(("azimuth", "axis", "sign"), [(180, 0, -1), (0, 0, 1), (90, 1, -1), (270, 1, 1)])
def test_a_wall_casts_a_shadow_as_long_as_the_sun_makes_it(azimuth: float, axis: int, sign: int) -> None:
    """300 m high under a sun 45 degrees high: 300 m of shadow, 5 pixels, on the side away from the sun."""
    elevation = np.zeros((41, 41), dtype=np.float32)
    wall = [slice(None), slice(None)]
    wall[axis] = slice(20, 21)
    elevation[tuple(wall)] = 300
    lit = terrain._sunlit(elevation, 45.0, azimuth)
    profile = lit.take(20, axis=1 - axis)
    shaded = np.flatnonzero(profile < 0.5) - 20
    # Where the ray just grazes the ground, in the fifth pixel, it is neither.
    assert sorted(abs(shaded).tolist()) == [1, 2, 3, 4]
    assert set(np.sign(shaded)) == {sign}
    assert profile[20 + 5 * sign] == pytest.approx(0.5)
    assert profile[20] == 1
